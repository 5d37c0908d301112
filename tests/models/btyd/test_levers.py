"""Levers: neutral to the bit, right by simulation from first principles, and refused by name."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.datasets import Season
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.btyd.ahead import UnderLevers
from forecast.models.btyd.levers import Levers
from forecast.processes import BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD

PROCESSES = ["bgnbd", "mbgnbd", "mbgcnbd", "pareto_nbd", "nbd"]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    shop = fc.simulate_shop(400, days=500, seed=3, k=2.0, season=None, refunds=0.0)
    return fc.read_ledger(shop.orders[["customer_id", "date", "amount"]], key=())


@pytest.fixture(scope="module")
def models(ledger: Ledger) -> dict[str, fc.BTYD]:
    return {name: fc.BTYD(name, "gamma_gamma_all").fit(ledger) for name in PROCESSES}


def _equal(one: Forecast, other: Forecast) -> None:
    pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, other.periods, check_exact=True)


@pytest.mark.parametrize("name", PROCESSES)
def test_neutral_levers_change_nothing_to_the_bit(models: dict[str, fc.BTYD], name: str) -> None:
    model = models[name]
    base = model.forecast("8W", draws=40)
    neutral = {lever: 0.0 if lever == "win_back" else 1.0 for lever in model.levers}
    for scenario in ({}, neutral):
        _equal(model.forecast("8W", draws=40, scenario=scenario), base)
    # next to neutral, the levers' own path uses the same random numbers
    nearly = model.forecast("8W", draws=40, scenario={"purchase_frequency": 1 + 1e-13})
    np.testing.assert_allclose(nearly.customers, base.customers, rtol=1e-9)


@pytest.mark.parametrize("name", PROCESSES)
def test_draws_agree_with_closed_forms(models: dict[str, fc.BTYD], name: str) -> None:
    model = models[name]
    factors = {
        "retention": 1.4, "purchase_frequency": 0.8, "order_value": 1.3, "win_back": 0.25,
    }  # fmt: skip
    scenario = {lever: factors[lever] for lever in model.levers}
    found = model.forecast("13W", draws=300, scenario=scenario, seed=5)
    drawn = np.concatenate([block.purchases for block in found.sampler.blocks()])
    total = drawn.sum(axis=0)
    slack = 0.02 * total.mean() + 4 * total.std() / np.sqrt(total.size)
    assert abs(total.mean() - found.customers["expected_purchases"].sum()) < slack
    active = (drawn > 0).mean()
    assert active == pytest.approx(found.customers["p_active"].mean(), abs=0.012)
    value = found.totals().value.sum(axis=(1, 2))
    slack = 0.03 * value.mean() + 4 * value.std() / np.sqrt(value.size)
    assert abs(value.mean() - found.customers["expected_value"].sum()) < slack
    split = found.totals().purchases
    np.testing.assert_array_equal(split.sum(axis=(1, 2)), total)


def _simulated(
    shift: int, k: int, t: float, age: float, back: float, faster: float
) -> tuple[float, float]:
    """Purchases in (age, age + t] of customers simulated one by one, and what is expected."""
    rng, size = np.random.default_rng(11), 60_000
    rate, dropout = rng.gamma(0.9, 1 / 2.0, size), rng.beta(0.9, 2.0, size)
    x, tx = np.zeros(size), np.zeros(size)
    alive = rng.random(size) > (dropout if shift else 0.0)
    waiting = rng.gamma(k, 1 / rate)
    while (more := alive & (tx + waiting <= age)).any():
        tx, x = np.where(more, tx + waiting, tx), x + more
        alive &= ~more | (rng.random(size) > dropout)
        waiting = np.where(more, rng.gamma(k, 1 / rate), waiting)
    # those won back start anew at the cutoff, the others wait out the rest of their gap
    returned = ~alive & (rng.random(size) < back)
    left = np.where(returned, rng.gamma(k, 1 / rate), tx + waiting - age) / faster
    alive, count = alive | returned, np.zeros(size)
    while (more := alive & (left <= t)).any():
        count += more
        alive &= ~more | (rng.random(size) > dropout)
        left = np.where(more, left + rng.gamma(k, 1 / rate) / faster, left)
    if k == 1:
        process = (MBGNBD if shift else BGNBD)(0.9, 2.0, 0.9, 2.0)
    else:
        process = (MBGCNBD if shift else BGCNBD)(k, 0.9, 2.0, 0.9, 2.0)
    ahead = UnderLevers(process, Levers(win_back=back, purchase_frequency=faster))
    expected = ahead.expected_purchases(t * faster, x, tx, np.full(size, age))
    active = ahead.p_active(t * faster, x, tx, np.full(size, age))
    assert (count > 0).mean() == pytest.approx(active.mean(), abs=0.008)
    return float(count.mean()), float(expected.mean())


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("k", [1, 3])
def test_win_back_and_frequency_by_simulation(shift: int, k: int) -> None:
    seen, expected = _simulated(shift, k, t=6.0, age=10.0, back=0.4, faster=1.5)
    assert seen == pytest.approx(expected, rel=0.02)


def test_pareto_nbd_by_simulation() -> None:
    # death rates are divided, purchase rates multiplied, customer by customer
    rng, size = np.random.default_rng(4), 200_000
    rate, death = rng.gamma(0.8, 1 / 3.0, size), rng.gamma(0.7, 1 / 5.0, size)
    T, t, kept, faster = 8.0, 12.0, 1.8, 1.3
    dies = rng.standard_exponential(size) / death
    x = rng.poisson(rate * np.minimum(dies, T))
    last = np.where(x > 0, np.minimum(dies, T) * rng.random(size) ** (1 / np.maximum(x, 1)), 0.0)
    stays = np.minimum(rng.standard_exponential(size) / (death / kept), t)
    seen = rng.poisson(faster * rate * stays) * (dies > T)
    process = ParetoNBD(0.8, 3.0, 0.7, 5.0)
    ahead = UnderLevers(process, Levers(retention=kept, purchase_frequency=faster))
    some = slice(0, 20_000)
    expected = ahead.expected_purchases(t * faster, x[some], last[some], np.full(20_000, T))
    assert expected.mean() == pytest.approx(seen.mean(), rel=0.04)


@pytest.mark.parametrize("process", [BGNBD(0.8, 4.0, 0.9, 2.5), MBGCNBD(2, 0.8, 4.0, 0.9, 2.5)])
def test_retention_leaves_the_past_and_the_next_purchase(process: BGNBD | MBGCNBD) -> None:
    known = np.array([0.0, 3.0, 8.0]), np.array([0.0, 20.0, 30.0]), np.full(3, 32.0)
    plain, kept = (UnderLevers(process, Levers(retention=each)) for each in (1.0, 2.0))
    np.testing.assert_allclose(
        plain.expected_purchases(26.0, *known), process.expected_purchases(26.0, *known), rtol=1e-12
    )
    # no dropout comes before the next purchase
    np.testing.assert_allclose(
        kept.p_active(26.0, *known), process.p_active(26.0, *known), rtol=1e-12
    )
    np.testing.assert_array_equal(kept.p_alive(*known), process.p_alive(*known))


def test_nobody_leaves_at_a_retention_without_bound() -> None:
    process, T = BGNBD(0.8, 4.0, 0.9, 2.5), 32.0
    x, tx = np.array([0.0, 3.0, 8.0]), np.array([0.0, 20.0, 30.0])
    ever = UnderLevers(process, Levers(retention=1e9)).expected_purchases(400.0, x, tx, T)
    rate = (0.8 + x) / (4.0 + T)
    np.testing.assert_allclose(ever, process.p_alive(x, tx, T) * rate * 400.0, rtol=1e-5)


def test_retention_by_simulation_of_beta() -> None:
    # given alive after x stays, p ~ Beta(a / f, b + x): every purchase may be the last
    rng, size, kept = np.random.default_rng(3), 300_000, 1.7
    rate = rng.gamma(0.8 + 3, 1 / 24.0, size)
    dropout = rng.beta(0.9 / kept, 2.5 + 3, size)
    seen = np.minimum(rng.poisson(rate * 30.0), rng.geometric(np.maximum(dropout, 1e-12)))
    ahead = UnderLevers(BGNBD(0.8, 4.0, 0.9, 2.5), Levers(retention=kept))
    expected = ahead.expected_purchases(30.0, 3.0, 18.0, 20.0)
    alive = ahead.p_alive(3.0, 18.0, 20.0)
    assert expected / alive == pytest.approx(seen.mean(), rel=0.01)


def test_levers_compose(models: dict[str, fc.BTYD]) -> None:
    model = models["mbgnbd"]
    base = model.forecast("26W", draws=0)
    # 1.3 times as fast for 20 weeks is 26 weeks' worth of purchases
    fast = model.forecast("20W", draws=0, scenario={"purchase_frequency": 1.3, "order_value": 2.0})
    for name, factor in (("expected_purchases", 1.0), ("p_active", 1.0), ("expected_value", 2.0)):
        np.testing.assert_allclose(fast.customers[name], factor * base.customers[name], rtol=1e-9)
    worth = model.forecast("26W", draws=30, scenario={"order_value": 2.0})
    plain = model.forecast("26W", draws=30)
    np.testing.assert_allclose(worth.customers["value_hi_90"], 2 * plain.customers["value_hi_90"])
    assert worth.notes[-1] == "Scenario: order_value 2."
    each = {"retention": 1.5, "win_back": 0.2}
    totals = [
        model.forecast("26W", draws=0, scenario=scenario).customers["expected_purchases"].sum()
        for scenario in ({}, {"retention": 1.5}, {"win_back": 0.2}, each)
    ]
    assert totals[0] < totals[1] < totals[3]
    assert totals[2] < totals[3]


def test_a_scenario_shares_its_random_numbers_with_the_base(models: dict[str, fc.BTYD]) -> None:
    model = models["mbgnbd"]
    base = model.forecast("26W", draws=200).totals().purchases.sum(axis=(1, 2))
    other = model.forecast("26W", draws=200, seed=1).totals().purchases.sum(axis=(1, 2))
    for lever, value in (("retention", 1.2), ("purchase_frequency", 1.2), ("win_back", 0.1)):
        found = model.forecast("26W", draws=200, scenario={lever: value})
        total = found.totals().purchases.sum(axis=(1, 2))
        assert (total - base).std() < 0.75 * (total - other).std()


def test_win_back_only_adds(models: dict[str, fc.BTYD]) -> None:
    one, more = (
        np.concatenate([
            block.purchases
            for block in models["mbgcnbd"]
            .forecast("13W", draws=50, scenario={"win_back": share})
            .sampler.blocks()
        ])
        for share in (0.0, 0.5)
    )  # fmt: skip
    assert (more >= one).all()
    assert more.sum() > one.sum()


def test_season_lever() -> None:
    shop = fc.simulate_shop(
        900, days=800, seed=5, season=Season(amplitude=0.6, peak_month=12), refunds=0.0
    )
    ledger = fc.read_ledger(shop.orders[["customer_id", "date", "amount"]], key=())
    model = fc.BTYD("bgnbd", season=1).fit(ledger.cut("2023-12-31"))
    assert "season" in model.levers
    spread = {}
    for factor in (0.001, 1.0, 2.0):
        found = model.forecast("12M", draws=20, scenario={"season": factor}).periods
        weekly = found["expected_purchases"].to_numpy()
        spread[factor] = np.abs(np.diff(np.log(weekly), 2)).mean()
    assert spread[0.001] < spread[1.0] < spread[2.0]
    with pytest.raises(UnsupportedError, match="'season'"):
        fc.BTYD().fit(ledger).forecast("4W", scenario={"season": 2.0})


def test_what_has_no_meaning_is_refused_by_name(models: dict[str, fc.BTYD]) -> None:
    for name, lever in (("pareto_nbd", "win_back"), ("nbd", "retention"), ("mbgnbd", "price")):
        with pytest.raises(UnsupportedError, match=lever):
            models[name].forecast("4W", scenario={lever: 1.0})
    for lever, value in (
        ("retention", 0.0), ("retention", -1.0), ("purchase_frequency", np.inf),
        ("order_value", float("nan")), ("order_value", "1.1"), ("retention", True),
        ("win_back", 1.2), ("win_back", -0.1), ("win_back", None),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=lever):
            models["mbgnbd"].forecast("4W", scenario={lever: value})
    assert models["nbd"].levers == ("purchase_frequency", "order_value")
    assert fc.BTYD(engine="lifetimes").levers == ()
    assert NBD(0.4, 12.0) == UnderLevers(NBD(0.4, 12.0), Levers()).process


def test_without_amounts_there_is_no_order_value_to_change(ledger: Ledger) -> None:
    rows = ledger.purchases()[["customer_id", "date"]]
    model = fc.BTYD().fit(fc.read_ledger(rows, key=()))
    with pytest.raises(UnsupportedError, match="order_value"):
        model.forecast("4W", scenario={"order_value": 1.1})
