"""Scenarios: nothing changes nothing, levers act as they say, by hand and by composition."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import betainc, betaincinv

import forecast as fc
from forecast.calendar import Horizon
from forecast.errors import DataError, FileError, UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.models.newcomers.newcomer_draws import TotalDraws
from forecast.value import ScenarioPlan, read_scenario, scenario

SPEND = pd.DataFrame({"date": ["2024-01-05", "2024-03-01"], "cost": [40.0, 0.0]})
NEW = np.array([[[2, 1]], [[4, 1]]])  # draws x 1 x periods: orders of newcomers, of 10 each


class Written:
    """A fitted model that answers with draws written down, and counts what it is asked."""

    populations = ("existing", "new", "all")
    levers = ("purchase_frequency", "retention")

    def __init__(self, existing):
        self.existing, self.asked = existing, []

    def fit(self, ledger):
        return self

    def forecast(self, horizon, *, population="existing", every=None, scenario=None, draws=2,
                 seed=0):  # fmt: skip
        self.asked.append((population, horizon, scenario))
        if population == "existing":
            return self.existing
        length = Horizon.parse("60D")
        count = NEW[:, 0]
        if scenario == {"purchase_frequency": 1e-9}:
            count = np.array([[1, 1], [2, 0]])  # those who come for the first time
        return Forecast.build(
            model="written", cutoff=self.existing.cutoff, horizon=length,
            windows=length.periods(self.existing.cutoff, "30D"), population="new", customers=None,
            period_purchases=count.mean(axis=0), period_value=10.0 * count.mean(axis=0),
            sampler=TotalDraws(count, 10.0 * count, 0),
        )  # fmt: skip


@pytest.fixture
def model(written):
    return Written(written)


@pytest.fixture(scope="module")
def fitted(sold):
    return fc.MODELS["btyd"].fit(sold)


def test_no_lever_changes_nothing_to_the_bit(fitted, sold, shop):
    neutral = {
        "retention": 1, "items_per_order": 1.0, "product_mix": 0.0, "margin": 1, "cac": 1.0,
        "cost_to_serve": 1.0, "acquisition_volume": 1.0, "referral_rate": 0.0, "discount": 0.1,
        "horizon": "13W", "win_back": 0.0,
    }  # fmt: skip
    terms = {
        "margin": fc.Margin(0.4, per_order=1.0), "rate": 0.1, "spend": shop.spend, "draws": 40,
        "high_margin": 0.6,
    }  # fmt: skip
    for levers in ({}, neutral):
        found = scenario(fitted, sold, "13W", levers, population="all", **terms)
        assert (found.differences == 0).all(axis=None)
        assert found.table["base"].equals(found.table["scenario"])
        assert (found.table[["difference", "lo", "hi"]] == 0).all(axis=None)


def test_base_is_the_forecast_and_its_money(fitted, sold, shop):
    found = scenario(fitted, sold, "26W", {}, margin=0.4, rate=0.1, spend=shop.spend,
                     population="existing", draws=60, seed=5)  # fmt: skip
    forecast = fitted.forecast("26W", draws=60, seed=5)
    value = fc.clv(forecast, sold, margin=0.4, rate=0.1)
    base = found.table["base"]
    assert base["purchases"] == pytest.approx(forecast.customers["expected_purchases"].sum())
    assert base["value"] == pytest.approx(forecast.customers["expected_value"].sum())
    assert base["clv"] == pytest.approx(value.customers["future"].sum())
    economics = fc.unit_economics(forecast, sold, shop.spend, margin=0.4, rate=0.1)
    assert base["ltv_cac"] == pytest.approx(economics.table.loc["(all)", "ltv_cac"])


# value of existing customers, two draws: 60 and 80, in 6 and 8 orders; newcomers' 30 and 50
@pytest.mark.parametrize(
    ("levers", "purchases", "value", "margin"),
    [
        ({}, (6, 8), (60, 80), (24, 32)),
        ({"items_per_order": 1.5}, (6, 8), (90, 120), (39, 52)),
        ({"margin": 0.8}, (6, 8), (60, 80), (18, 24)),
        ({"cost_to_serve": 2.0}, (6, 8), (60, 80), (18, 24)),
        ({"product_mix": 0.2}, (6, 8), (60, 80), (27.6, 36.8)),
        (
            {"items_per_order": 1.5, "margin": 0.8, "cost_to_serve": 2.0, "product_mix": 0.2},
            (6, 8), (90, 120), (28.32, 37.76),
        ),
    ],
)  # fmt: skip
def test_levers_on_money_by_hand(model, four, levers, purchases, value, margin):
    found = scenario(model, four, "60D", levers, margin=fc.Margin(0.5, per_order=1.0), draws=2,
                     high_margin=0.8)  # fmt: skip
    base = {"purchases": (6, 8), "value": (60, 80), "margin": (24, 32)}
    after = {"purchases": purchases, "value": value, "margin": margin}
    for name in base:
        change = np.subtract(after[name], base[name])
        np.testing.assert_allclose(found.differences[name], change, atol=1e-12)
        assert found.table.loc[name, "scenario"] == pytest.approx(np.mean(after[name]))
        assert found.table.loc[name, "difference"] == pytest.approx(change.mean(), abs=1e-12)
        assert found.table.loc[name, ["lo", "hi"]].tolist() == pytest.approx(
            np.quantile(change, [0.05, 0.95]).tolist(), abs=1e-12
        )


def test_customers_still_to_come_by_hand(model, four):
    levers = {"acquisition_volume": 1.5, "cac": 2.0, "referral_rate": 0.25}
    found = scenario(model, four, "60D", levers, margin=0.5, spend=SPEND, draws=2)
    table = found.table
    # newcomers: 3 and 5 orders of 10, by 2 new customers in each draw; existing: 6 and 8 orders
    assert table["base"][["purchases", "new_customers", "value"]].tolist() == [11, 2, 110]
    assert table.loc["cost", "base"] == 20.0  # 40 for four customers, twice
    assert table.loc["net_value", "base"] == 35.0
    # actives: a, b in each draw, c in one; 1.5 times as many newcomers, and 1/4 of the actives
    active = np.array([[1, 1, 0, 0], [1, 1, 1, 0]]).sum(axis=1)
    times = 1.5 + 0.25 * active / 2
    np.testing.assert_allclose(found.differences["purchases"], (times - 1) * [3, 5])
    np.testing.assert_allclose(found.differences["new_customers"], (times - 1) * 2)
    np.testing.assert_allclose(found.differences["cost"], 10 * 2 * 1.5 * 2 - 20)
    np.testing.assert_allclose(found.differences["net_value"], 0.5 * 10 * (times - 1) * [3, 5] - 40)
    # past 100 + 60 + 40 + 50 + 30 and future 70, half of it margin, over 4 customers of 10
    assert table.loc["ltv_cac", ["base", "scenario"]].tolist() == pytest.approx([4.375, 2.1875])
    assert any("bonus" in note for note in found.notes)


def test_discount_and_horizon_by_hand(model, four):
    found = scenario(model, four, "60D", {"discount": 0.21}, margin=0.5, draws=2)
    # orders of the first and second 30 days: 20 + 40 then 40 + 20, in the two draws
    factor = 1.21 ** (-np.array([15, 45]) / 365.25)
    after = 0.5 * np.array([[20, 40], [60, 20]]) @ factor
    np.testing.assert_allclose(found.differences["clv"], after - [30, 40])
    assert (found.differences["margin"] == 0).all()
    scenario(model, four, "60D", {"horizon": "90D"}, margin=0.5, draws=2)
    assert {horizon for _, horizon, _ in model.asked} == {"60D", "90D"}


def test_levers_of_the_model_go_to_the_model(model, four, fitted, sold):
    levers = {"retention": 1.2, "purchase_frequency": 1.1, "margin": 0.9}
    scenario(model, four, "60D", levers, margin=0.5, draws=2)
    own = {"retention": 1.2, "purchase_frequency": 1.1}
    assert [asked for _, _, asked in model.asked] == [None, own]
    found = scenario(fitted, sold, "13W", own, margin=0.5, draws=30)
    more = fitted.forecast("13W", scenario=own, draws=30)
    assert found.table.loc["value", "scenario"] == pytest.approx(
        more.customers["expected_value"].sum()
    )
    drawn = more.totals().value.sum(axis=(1, 2))
    less = fitted.forecast("13W", draws=30).totals().value.sum(axis=(1, 2))
    np.testing.assert_allclose(found.differences["value"], drawn - less)


def test_levers_compose(fitted, sold):
    def value(levers):
        table = scenario(fitted, sold, "26W", levers, margin=0.4, rate=0.1, draws=10).table
        return table.loc[["purchases", "value", "clv"], "scenario"].to_numpy()

    plain, kept = value({}), value({"retention": 1.3})
    both = value({"retention": 1.3, "items_per_order": 1.2, "order_value": 1.5, "margin": 0.5})
    np.testing.assert_allclose(both, kept * [1, 1.8, 0.9])
    assert (kept > plain).all()


def test_tornado_by_hand(model, four):
    found = scenario(model, four, "60D", {}, margin=fc.Margin(0.5, per_order=1.0), draws=2)
    table = found.tornado(["cost_to_serve", "margin"], swing=0.5)
    assert table.index.tolist() == ["margin", "cost_to_serve"]
    assert table.loc["margin", ["at_low", "at_high", "span"]].tolist() == [-17.5, 17.5, 35]
    assert table.loc["cost_to_serve", ["at_low", "at_high"]].tolist() == [3.5, -3.5]
    assert table.loc["margin", ["at_low_lo", "at_low_hi"]].tolist() == [-19.75, -15.25]
    assert table.attrs["measure"] == "clv"
    given = found.tornado({"horizon": ("60D", "60D")})
    assert given["span"].tolist() == [0]
    with pytest.raises(UsageError, match="no swing"):
        found.tornado(["horizon"])
    with pytest.raises(UsageError, match="measure"):
        found.tornado(measure="net_value")


def test_tornado_moves_all_that_can_be_moved(fitted, sold, shop):
    found = scenario(fitted, sold, "13W", {}, margin=0.4, rate=0.1, spend=shop.spend, draws=10)
    table = found.tornado()
    assert set(table.index) == {
        *fitted.levers, "items_per_order", "margin", "discount", "acquisition_volume",
        "referral_rate", "cac",
    }  # fmt: skip
    assert table["span"].is_monotonic_decreasing
    assert table.loc["win_back", "at_low"] == 0 < table.loc["win_back", "at_high"]


def test_break_even_by_hand(model, four):
    found = scenario(model, four, "60D", {}, margin=0.5, draws=2)
    # margin of the draws is 30 and 40, on average 35: 2 for each of 4 customers is 8/35 more
    answer = found.break_even("margin", 2.0)
    assert answer.at == pytest.approx(1 + 8 / 35, abs=1e-4)
    assert answer.at_95 == pytest.approx(1 + 8 / 30.5, abs=1e-4)
    assert answer.at_05 == pytest.approx(1 + 8 / 39.5, abs=1e-4)
    assert "on average from 1.229 on" in answer.sentence
    never = found.break_even("margin", 2.0, (1.0, 1.2))
    assert math.isnan(never.at)
    assert (
        "does not pay 2.00 currency units a customer anywhere between 1 and 1.2" in never.sentence
    )
    unsure = found.break_even("margin", 2.0, (1.0, 1.24))
    assert math.isnan(unsure.at_95)
    assert "not with a probability of 95 %" in unsure.sentence


def test_break_even_of_a_lever_that_falls(model, four):
    found = scenario(model, four, "60D", {"margin": 0.9}, margin=fc.Margin(0.5, per_order=1.0),
                     draws=2)  # fmt: skip
    # 6 and 8 orders, 7 on average, are served for 1 each: .5 a customer is 2/7 of it
    answer = found.break_even("cost_to_serve", 0.5, (0.0, 1.0))
    assert answer.at == pytest.approx(1 - 2 / 7, abs=1e-4)
    assert answer.at_95 < answer.at < answer.at_05


@pytest.mark.slow
def test_break_even_of_retention_earns_its_cost(fitted, sold):
    found = scenario(fitted, sold, "26W", {"order_value": 1.1}, margin=0.4, rate=0.1, draws=5)
    answer = found.break_even("retention", 0.2, (1.0, 4.0))
    assert 1 < answer.at < 4
    paid = [
        scenario(fitted, sold, "26W", {"order_value": 1.1} | more, margin=0.4, rate=0.1, draws=5)
        .table.loc["clv", "scenario"]
        for more in ({}, {"retention": answer.at})
    ]  # fmt: skip
    assert paid[1] - paid[0] == pytest.approx(0.2 * len(fc.customer_summary(sold)), rel=0.01)


@pytest.mark.parametrize(
    ("levers", "settings", "error", "said"),
    [
        ({"loyalty": 2}, {}, UnsupportedError, "Written has no lever 'loyalty'; its levers: pur"),
        ({"margin": -1}, {}, UsageError, "'margin'=-1 must be a factor"),
        ({"margin": True}, {}, UsageError, "'margin'=True"),
        ({"margin": 2.5}, {}, UsageError, "margin=2.5 makes margin 125% of value"),
        ({"product_mix": 1.5}, {"high_margin": 0.6}, UsageError, "share from 0 to 1 of value"),
        ({"product_mix": 0.5}, {}, UsageError, "high_margin=0.6"),
        ({"cac": 1.1}, {}, UsageError, "give spend="),
        ({"cost_to_serve": 1.1}, {}, UsageError, "no cost per order"),
        ({"acquisition_volume": 2}, {"population": "existing"}, UnsupportedError, "still to come"),
        ({"discount": "ten"}, {}, UsageError, "no annual rate"),
        ({"horizon": 12}, {}, UsageError, "not a length of time"),
        ({}, {"draws": 0}, UsageError, "draws: 0"),
        ({}, {"population": "new"}, UnsupportedError, "'existing' or 'all'"),
    ],
)
def test_what_makes_no_sense_is_refused(model, four, levers, settings, error, said):
    with pytest.raises(error, match="(?s)" + said.replace(".", r"\.")):
        scenario(model, four, "60D", levers, **({"margin": 0.5, "draws": 2} | settings))


def test_models_without_a_lever_say_so(sold):
    model = fc.OwnRate().fit(sold)
    with pytest.raises(UnsupportedError, match="OwnRate has no lever 'retention'"):
        scenario(model, sold, "13W", {"retention": 1.1}, margin=0.4)
    table = scenario(model, sold, "13W", {"margin": 1.1}, margin=0.4, draws=10).table
    assert table.loc["clv", "scenario"] == pytest.approx(1.1 * table.loc["clv", "base"])


def test_a_model_of_totals_has_money_but_no_cost_per_customer(sold):
    model = fc.SeasonalSeries().fit(sold)
    found = scenario(model, sold, "13W", {"margin": 1.1}, margin=0.4, draws=10)
    assert list(found.table.index) == ["purchases", "value", "margin", "clv"]
    with pytest.raises(UnsupportedError, match="needs customers"):
        found.break_even("margin", 1.0)


@pytest.mark.parametrize("lever", ["acquisition_volume", "cac", "horizon"])
def test_levers_that_cannot_break_even(model, four, lever):
    found = scenario(model, four, "60D", {}, margin=0.5, draws=2)
    with pytest.raises(UnsupportedError, match=lever):
        found.break_even(lever, 1.0)
    for wrong in ({"cost_per_customer": 0.0}, {"bounds": (2.0, 1.0)}, {"bounds": (0.5, 2.0)}):
        with pytest.raises(UsageError):
            found.break_even(**({"lever": "margin", "cost_per_customer": 1.0} | wrong))


TOML = """
[scenario]
name = "loyalty"
high_margin = 0.8
[scenario.levers]
margin = 0.8
product_mix = 0.2
[[scenario.break_even]]
lever = "margin"
cost_per_customer = 2
bounds = [1, 1.5]
"""


def test_toml_is_the_same_as_python(model, four, tmp_path):
    (tmp_path / "plan.toml").write_text(TOML)
    python = scenario(model, four, "60D", {"margin": 0.8, "product_mix": 0.2}, margin=0.5,
                      high_margin=0.8, draws=2)  # fmt: skip
    for source in (TOML, tmp_path / "plan.toml", str(tmp_path / "plan.toml")):
        found = scenario(model, four, "60D", source, margin=0.5, draws=2)
        pd.testing.assert_frame_equal(found.table, python.table)
        assert found.name == "loyalty"
    assert read_scenario(TOML).break_even == (
        {"lever": "margin", "cost_per_customer": 2, "bounds": (1.0, 1.5)},
    )


@pytest.mark.parametrize(
    "source",
    [
        "retention=1.1,order_value=1.05",
        "retention = 1.1, order_value = 1.05",
        "retention = 1.1\norder_value = 1.05\n",
        "[scenario.levers]\nretention = 1.1\norder_value = 1.05",
    ],
)
def test_levers_alone_are_a_scenario(source, tmp_path, monkeypatch):
    plan = read_scenario(source)
    assert plan == ScenarioPlan(None, {"retention": 1.1, "order_value": 1.05}, None, ())
    monkeypatch.chdir(tmp_path)
    if "\n" not in source:  # a file of that name wins
        (tmp_path / source).write_text('name = "a"\nhigh_margin = 0.5\nproduct_mix = 0.2')
        assert read_scenario(source) == ScenarioPlan("a", {"product_mix": 0.2}, 0.5, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scenario", "no TOML"),
        ("\n", "a line with a lever, such as retention = 1.1"),
        ("name = 'a'\n", "write a table [scenario.levers]"),
        ("retention=1.1;margin=1", "A line is a lever, such as retention = 1.1"),
        ("retention = 1.1\n[scenario]\n", "Levers stand below a line [scenario.levers]"),
        ("[scenario]\nretention = 1.1\n", "Levers stand below a line [scenario.levers]"),
        ("retention = [1.1]", "unknown key 'retention'"),
        ("[other]", "unknown key 'other'"),
        ("[scenario]\n", "write a table [scenario.levers]"),
        ("[scenario]\nlever = 1\n[scenario.levers]", "unknown key 'scenario.lever'"),
        ("[scenario]\nname = 1\n[scenario.levers]", "scenario.name = 1 must be text"),
        ("[scenario]\nhigh_margin = 'x'\n[scenario.levers]", "scenario.high_margin = 'x'"),
        ("[scenario]\nbreak_even = 1\n[scenario.levers]", "[[scenario.break_even]]"),
        ("[scenario.levers]\n[[scenario.break_even]]\nlever = 'a'",
         "scenario.break_even.cost_per_customer is missing"),
        ("[scenario.levers]\n[[scenario.break_even]]\nlever = 'a'\ncost_per_customer = 'b'",
         "scenario.break_even.cost_per_customer = 'b'"),
        ("[scenario.levers]\n[[scenario.break_even]]\nlever='a'\ncost_per_customer=1\nbounds=[1]",
         "scenario.break_even.bounds = [1]"),
    ],
)  # fmt: skip
def test_toml_errors_name_the_key(text, said):
    with pytest.raises(UsageError) as error:
        read_scenario(text)
    assert said in str(error.value)


def test_toml_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml cannot be read"):
        read_scenario(tmp_path / "none.toml")


def test_shares_by_customer_are_kept_apart(model, four):
    shares = pd.Series({"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0})
    found = scenario(model, four, "60D", {}, margin=shares, draws=2)
    assert found.table.loc["margin", "base"] == pytest.approx(40.0)  # a's 30 and 50


def test_the_same_seed_and_a_report(model, four, tmp_path, fitted, sold):
    runs = [
        scenario(fitted, sold, "13W", {"retention": 1.2}, margin=0.4, draws=20, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0].differences.equals(runs[1].differences)
    assert not runs[0].differences.equals(runs[2].differences)
    page = fc.report(tmp_path / "page.html", value=runs[0]).read_text()
    for words in ("Scenario: retention", "paired draws", "clv"):
        assert words in page


def _truly_gained(shop, ledger, kept, days, rng):
    """Value that a factor on staying adds for the customers alive, by playing their futures."""
    alive = shop.alive(ledger.cutoff)
    people = shop.customers.loc[alive.index[alive]]
    repeats = fc.customer_summary(ledger)["frequency"].loc[people.index].to_numpy()
    a, b = shop.truth["a"], shop.truth["b"] + repeats
    leaving = betaincinv(a / kept, b, betainc(a, b, people["dropout"].to_numpy()))
    rate = np.tile(people["rate"].to_numpy() * days / 7, (100, 1))
    points, luck = rng.poisson(rate), rng.random(rate.shape)
    gained = sum(
        sign * np.minimum(points, np.ceil(np.log(luck) / np.log1p(-each)))
        for sign, each in ((1, leaving), (-1, people["dropout"].to_numpy()))
    )
    return (gained * people["mean_order_value"].to_numpy()).sum() / 100


@pytest.mark.slow
def test_retention_gains_what_it_does_in_the_simulator():
    found, truth = [], []
    for seed in range(24):
        shop = fc.simulate_shop(600, days=730, seed=seed, season=None, refunds=0.0)
        ledger = fc.read_ledger(shop.orders, key=())
        model = fc.BTYD("bgnbd", "gamma_gamma_all").fit(ledger)
        table = scenario(model, ledger, "52W", {"retention": 1.5}, margin=1.0, draws=2).table
        found.append(table.loc["value", "difference"])
        truth.append(_truly_gained(shop, ledger, 1.5, 364, np.random.default_rng(seed)))
    ratio = np.sum(found) / np.sum(truth)
    assert 0.85 < ratio < 1.2, ratio


def test_the_headline_tells_the_change_and_its_doubt(model, four):
    found = scenario(model, four, "60D", {"margin": 1.2}, margin=0.5, draws=2)
    assert found.headline == (
        "margin changes clv over 60D by +7.00 (90 % interval +6.10 to +7.90) currency units, from "
        "35.00 to 42.00."
    )
    assert "it may bring nothing" not in found.headline
    assert list(found)[-1] == "Verdict on margin"


def test_the_currency_is_named_and_no_number_changes(model, four):
    plain, found = (
        scenario(model, each, "60D", {"margin": 1.2}, margin=0.5, draws=2)
        for each in (four, replace(four, currency="GBP"))
    )
    pd.testing.assert_frame_equal(found.table, plain.table)
    assert found.headline == plain.headline.replace("currency units", "GBP")
    assert (found.currency, plain.currency) == ("GBP", None)
    shown, table = found["Scenario: margin"], found.table.reset_index()
    assert shown["unit"].tolist() == table["unit"].replace("currency", "GBP").tolist()
    pd.testing.assert_frame_equal(plain["Scenario: margin"], table)


def test_two_currencies_are_refused(model, ledger_of):
    rows = [("a", "2024-01-01", 9.0, "ads", "EUR"), ("b", "2024-01-01", 9.0, "ads", "GBP")]
    mixed = ledger_of(rows, more=["currency"], purchase_columns=["currency"])
    with pytest.raises(DataError, match="2 currencies: 'EUR', 'GBP'"):
        scenario(model, mixed, "60D", {"margin": 1.2}, margin=0.5, draws=2)
