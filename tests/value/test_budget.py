"""Budgets: optima worked out by hand, curves found again in simulation, and what is said."""

import math

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ColumnError, TooLittleDataError, UsageError
from forecast.value.budget import allocate_budget
from forecast.value.response import Response, constant_response, power_response

DRAWS = 200
MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]


def months(cost, customers):
    """Twelve months of channels with these costs and customers."""
    return pd.DataFrame(
        [
            (name, month, np.broadcast_to(cost[name], 12)[at], np.broadcast_to(each, 12)[at])
            for name, each in customers.items()
            for at, month in enumerate(MONTHS)
        ],
        columns=["channel", "month", "cost", "customers"],
    )


def root(level):
    return Response("power", np.full(DRAWS, float(level)), np.full(DRAWS, 0.5))


WORTH = pd.DataFrame({"ads": np.full(DRAWS, 20.0), "mail": np.full(DRAWS, 40.0)})
PAST = months({"ads": 5000.0, "mail": 5000.0}, {"ads": 200, "mail": 100})
ROOTS = {"ads": root(4.0), "mail": root(1.0)}


def test_an_optimum_by_hand():
    # 20 * 4 sqrt(s) and 40 * 1 sqrt(s): equal marginal returns where s goes as 80^2 : 40^2
    found = allocate_budget(WORTH, PAST, 1000.0, response=ROOTS)
    assert found.table["spend"].tolist() == pytest.approx([800, 200, 1000], rel=1e-4)
    assert found.table["customers"][:2].tolist() == pytest.approx(
        [4 * math.sqrt(800), math.sqrt(200)], rel=1e-4
    )
    assert found.table["next_unit"][:2].tolist() == pytest.approx([math.sqrt(2)] * 2, rel=1e-3)
    net = 80 * math.sqrt(800) + 40 * math.sqrt(200) - 1000
    assert found.table.loc["(all)", "net"] == pytest.approx(net)
    assert found.table.loc["ads", "net_now"] == pytest.approx(80 * math.sqrt(5000) - 5000)
    assert found.p_loss == 0


def test_money_that_brings_less_than_itself_stays():
    # alone, 80 sqrt(s) - s is highest at 40^2 and 40 sqrt(s) - s at 20^2
    found = allocate_budget(WORTH, PAST, 9000.0, response=ROOTS)
    assert found.table["spend"].tolist() == pytest.approx([1600, 400, 2000], rel=1e-3)
    assert found.table["next_unit"][:2].tolist() == pytest.approx([1, 1], rel=1e-3)
    assert any("7,000.00 of the budget stays unspent" in note for note in found.notes)


def test_constant_costs_fill_the_best_channel_first():
    # a customer costs 25 and is worth 20 or costs 20 and is worth 40
    past = months({"ads": 500.0, "mail": 500.0}, {"ads": 20, "mail": 25})
    found = allocate_budget(WORTH, past, 1500.0, response="constant", reach=2.0)
    assert found.table["spend"].tolist() == pytest.approx([0, 1000, 1000])
    assert found.table.loc["mail", "customers"] == pytest.approx(50, rel=0.02)
    assert any("trusted for: 'mail'" in note for note in found.notes)


def test_the_bound_on_risk_is_kept_at_the_least_cost():
    rng = np.random.default_rng(1)
    # the better channel on average is the riskier one
    worth = pd.DataFrame({"ads": rng.normal(26, 15, DRAWS), "mail": rng.normal(22, 1, DRAWS)})
    curves = {name: Response("constant", np.full(DRAWS, 0.05), np.ones(DRAWS)) for name in worth}
    past = months({"ads": 500.0, "mail": 500.0}, {"ads": 25, "mail": 25})
    free, bound, tight = (
        allocate_budget(worth, past, 900.0, response=curves, risk=risk)
        for risk in (None, 0.1, 0.02)
    )
    assert free.p_loss > 0.2 > 0.1 >= bound.p_loss > tight.p_loss <= 0.02
    nets = [each.table.loc["(all)", "net"] for each in (free, bound, tight)]
    assert nets[0] > nets[1] > nets[2] > 0
    # nothing on a fine grid that keeps the bound is better
    best = 0.0
    for ads in np.linspace(0, 900, 91):
        for mail in np.linspace(0, 900 - ads, 91):
            net = (worth["ads"] * ads + worth["mail"] * mail) * 0.05 - ads - mail
            if (net < 0).mean() <= 0.1:
                best = max(best, net.mean())
    assert nets[1] == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_curves_are_found_again(noise):
    inside, powers = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        spend = np.exp(rng.normal(7, 0.5, 24))
        luck = rng.gamma(1 / noise, noise, 24) if noise else 1.0
        customers = rng.poisson(luck * 2 * spend**0.5)
        found = power_response(spend, customers.astype(float), 300, rng)
        powers.append(found.power.mean())
        lo, hi = np.quantile(found.customers(1500.0), [0.05, 0.95])
        inside.append(lo <= 2 * 1500**0.5 <= hi)
    assert np.mean(powers) == pytest.approx(0.5, abs=0.06)
    assert 0.84 <= np.mean(inside) <= 0.96, np.mean(inside)


def test_few_months_lean_on_the_prior_and_months_without_customers_count():
    rng = np.random.default_rng(0)
    little = power_response(np.array([90.0, 110.0] * 3), np.array([1.0, 0, 0, 2, 1, 1]), 4000, rng)
    assert little.power.mean() == pytest.approx(0.66, abs=0.05)
    assert little.power.std() > 0.15
    assert little.power.min() >= 0.05
    assert little.power.max() <= 1.0
    assert little.customers(100.0).mean() == pytest.approx(5 / 6, rel=0.35)


def test_constant_cost_holds_the_truth():
    inside = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        spend = np.full(6, 300.0)
        found = constant_response(spend, rng.poisson(spend / 20), 400, rng)
        lo, hi = np.quantile(found.level, [0.05, 0.95])
        inside.append(lo <= 1 / 20 <= hi)
    assert 0.84 <= np.mean(inside) <= 0.96


def test_units_of_money_change_nothing():
    rng = np.random.default_rng(3)
    cost = {"ads": np.exp(rng.normal(6, 0.5, 12)), "mail": np.exp(rng.normal(6, 0.5, 12))}
    bought = {name: rng.poisson(each**0.6) for name, each in cost.items()}
    euros = allocate_budget(WORTH, months(cost, bought), 800.0)
    cents = allocate_budget(
        100 * WORTH, months({name: 100 * each for name, each in cost.items()}, bought), 80_000.0
    )
    np.testing.assert_allclose(cents.table["spend"], 100 * euros.table["spend"], rtol=1e-3)
    np.testing.assert_allclose(cents.table["customers"], euros.table["customers"], rtol=1e-3)


def test_a_channel_whose_spend_did_not_vary_keeps_it():
    rng = np.random.default_rng(3)
    cost = {"ads": np.exp(rng.normal(6, 0.5, 12)), "mail": 300.0}
    past = months(cost, {"ads": rng.poisson(cost["ads"] ** 0.6), "mail": 10})
    found = allocate_budget(WORTH, past, 900.0)
    assert found.table.loc["mail", ["spend", "spend_now"]].tolist() == [300.0, 300.0]
    assert any("hardly varied" in note and "'mail'" in note for note in found.notes)
    with pytest.raises(UsageError, match=r"less than the 300\.00 of 'mail'"):
        allocate_budget(WORTH, past, 200.0)
    with pytest.raises(TooLittleDataError, match="Vary it, or assume response='constant'"):
        allocate_budget(WORTH, PAST, 900.0)


def test_from_unit_economics(sold, ahead, shop):
    economics = fc.unit_economics(ahead, sold, shop.spend, margin=0.4, target="channel")
    history = fc.acquisition_cost(sold, shop.spend, by=["channel", "month"]).table
    found = fc.allocate_budget(economics, history, 150.0)
    assert list(found.table.index) == ["referral", "search", "social", "(all)"]
    assert any("'organic'" in note for note in found.notes)
    assert found.table.loc["(all)", "spend"] <= 150.0 + 1e-6
    again = fc.allocate_budget(economics, history.sample(frac=1, random_state=1), 150.0)
    pd.testing.assert_frame_equal(found.table, again.table)
    other = fc.allocate_budget(economics, history, 150.0, seed=1)
    assert not found.table.equals(other.table)


def test_a_report_takes_it_as_it_is(tmp_path):
    found = allocate_budget(WORTH, PAST, 1000.0, response=ROOTS)
    page = fc.report(tmp_path / "page.html", value=found).read_text()
    assert "Budget by channel" in page
    assert "A test that varies spend tells" in page


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"budget": 0}, UsageError, "budget: 0"),
        ({"risk": 1.5}, UsageError, "risk: 1.5"),
        ({"reach": 0.5}, UsageError, "reach: 0.5"),
        ({"response": "linear"}, UsageError, "'linear'"),
        ({"response": {"ads": root(1)}}, UsageError, "no curve for channel 'mail'"),
        ({"history": PAST.drop(columns="cost")}, ColumnError, "no column 'cost'"),
        ({"history": PAST.assign(customers=0)}, TooLittleDataError, "No channel has spend"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, error, said):
    given = {"value": WORTH, "history": PAST, "budget": 100.0, "response": ROOTS} | settings
    with pytest.raises(error, match=said):
        allocate_budget(**given)


def test_value_of_customers_already_won_is_refused():
    shop = fc.simulate_shop(120, seed=3, refunds=0.0)
    ledger = fc.read_ledger(shop.orders, customer_columns=["channel"], key=())
    found = fc.BTYD().fit(ledger).forecast("26W", draws=20)
    value = fc.unit_economics(found, ledger, shop.spend, margin=0.4)
    with pytest.raises(UsageError, match="customers already won"):
        allocate_budget(value, PAST, 1000.0)
