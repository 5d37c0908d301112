"""Newcomers: what one brings by period, what all do, and populations that add up."""

import warnings
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.cohorts.age_curve import AgeCurve
from forecast.models.naive import OwnRate
from forecast.models.newcomers.acquisition import Acquisition
from forecast.models.newcomers.newcomer_draws import draw_newcomers
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.newcomers.population import forecast_population

START = pd.Timestamp("2022-01-01")


def shop(days: int, *, arrivals: float = 2.0, seed: int = 0, money: bool = True) -> Ledger:
    """Poisson arrivals; each buys once more with a chance of 1/2, after about 40 days."""
    rng, parts = np.random.default_rng(seed), []
    firsts = np.repeat(np.arange(days), rng.poisson(arrivals, days))
    for number, first in enumerate(firsts):
        again = first + np.ceil(rng.exponential(40, rng.binomial(1, 0.5)))
        bought = np.concatenate([[first], again])
        bought = bought[bought < days].astype(int)
        amounts = np.round(rng.gamma(4.0, 5.0, len(bought)), 2) + 0.01
        parts.append(pd.DataFrame({"who": f"c{number:05d}", "day": bought, "amount": amounts}))
    rows = pd.concat(parts)
    rows["date"] = START + pd.to_timedelta(rows.pop("day"), unit="D")
    value = "amount" if money else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        end = (START + pd.Timedelta(days=days - 1)).date()
        return read_ledger(rows, customer="who", date="date", value=value, cutoff=end)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return shop(500)


@pytest.fixture(scope="module")
def learned(ledger: Ledger) -> Newcomers:
    return Newcomers.learn(ledger.cut("2023-02-17"))


def test_kernels_by_hand() -> None:
    """Two a day come in a fortnight; a curve of .1 a day; periods of five days."""
    curve = AgeCurve(np.full(2, 0.1), np.full(2, 3.0), 1.0, 0.1, 30.0)
    acquisition = Acquisition(date(2024, 1, 31), 0, None)
    newcomers = Newcomers(acquisition, curve, 1.0, 1.0, 7.0, 0.0, 1.0, 0.0, 1, ())
    windows = Horizon.parse("14D").periods(date(2024, 1, 31), "5D")
    first, repeat, value = newcomers.kernels(windows)
    np.testing.assert_array_equal(first, [[5, 2, 0], [0, 3, 4]])
    # who comes on day j buys .1 on each later day: day 0 has 4 such days in the first period
    by_hand = np.zeros((2, 3))
    for arrived in range(14):
        for later in range(arrived + 1, 14):
            by_hand[arrived // 7, later // 5] += 0.1
    np.testing.assert_allclose(repeat, by_hand)
    assert value is not None
    np.testing.assert_allclose(value, 30 * by_hand)


def test_expectation_meets_what_happened(ledger: Ledger, learned: Newcomers) -> None:
    cutoff = learned.acquisition.cutoff
    actual = ledger.actuals(cutoff, "12W", population="new")
    windows = Horizon.parse("12W").periods(cutoff)
    purchases, value = learned.expect(windows)
    assert value is not None
    assert purchases.sum() == pytest.approx(actual["purchases"].sum(), rel=0.15)
    assert value.sum() == pytest.approx(actual["value"].sum(), rel=0.2)
    table = learned.acquisition.table("12W")
    low, high = table["customers_lo_90"], table["customers_hi_90"]
    assert table["expected_customers"].sum() == pytest.approx(len(actual), rel=0.15)
    assert ((low < table["expected_customers"]) & (table["expected_customers"] < high)).all()


def test_draws_have_the_expectation_as_mean(learned: Newcomers) -> None:
    windows = Horizon.parse("20W").periods(learned.acquisition.cutoff, "4W")
    counts, value = draw_newcomers(learned, windows, 20_000, 1)
    assert value is not None
    assert counts.dtype.kind == "i"
    assert (value[counts == 0] == 0).all()
    for drawn, expected in zip((counts, value), learned.expect(windows), strict=True):
        assert expected is not None
        error = drawn.std(axis=0) / np.sqrt(len(drawn))
        assert (np.abs(drawn.mean(axis=0) - expected) < 4.5 * error).all()


def test_known_dispersion_is_found(learned: Newcomers) -> None:
    """At most one repeat purchase each: a spread below Poisson's is taken as Poisson's."""
    assert learned.dispersion == 1.0
    # gamma(4, 5): a variance of a quarter of the squared mean, around purchases counted
    assert learned.value_dispersion == pytest.approx(0.25, rel=0.2)
    assert learned.level_variance < 0.02
    assert learned.first_value == pytest.approx(20, rel=0.05)


def test_a_model_brings_its_own_curve(ledger: Ledger) -> None:
    class Never:
        def upto(self, age: np.ndarray) -> np.ndarray:
            return 0 * age

        value_upto = upto

    newcomers = Newcomers.learn(ledger, curve=Never())
    windows = Horizon.parse("8W").periods(ledger.cutoff)
    purchases, value = newcomers.expect(windows)
    table = newcomers.acquisition.table("8W", draws=0)
    np.testing.assert_allclose(purchases, table["expected_customers"])
    assert newcomers.first_value is not None
    np.testing.assert_allclose(value, purchases * newcomers.first_value)


def test_all_is_existing_plus_new(ledger: Ledger) -> None:
    cut = ledger.cut("2023-02-17")
    model, newcomers = OwnRate().fit(cut), Newcomers.learn(cut)
    f = {
        population: model.forecast("12W", every="5W", population=population, draws=100, seed=2)
        for population in ("existing", "new", "all")
    }
    for name in ("expected_purchases", "expected_value"):
        parts = f["existing"].periods[name] + f["new"].periods[name]
        np.testing.assert_allclose(f["all"].periods[name], parts)
    for name in ("purchases", "value"):
        drawn = {key: getattr(each.totals(), name) for key, each in f.items()}
        np.testing.assert_allclose(drawn["all"], drawn["existing"] + drawn["new"])
    assert f["all"].customers is None
    assert f["new"].customers is None
    again = forecast_population(
        model, newcomers, Horizon.parse("12W"), every="5W", population="all", draws=100, seed=2
    )
    pd.testing.assert_frame_equal(again.periods, f["all"].periods)
    expectations = model.forecast("12W", every="5W", population="all", draws=0)
    assert expectations.sampler is None
    assert expectations.periods["value_hi_90"].isna().all()


def test_without_amounts(ledger: Ledger) -> None:
    f = OwnRate().fit(shop(300, money=False)).forecast("8W", population="new", draws=50)
    assert f.periods["expected_value"].isna().all()
    assert f.totals().value is None
    assert (f.periods["expected_purchases"] > 0).all()


def test_nobody_new_after_the_burn_in() -> None:
    """A cohort log: everybody came in the first month."""
    rng = np.random.default_rng(0)
    rows = [
        {"who": f"c{number}", "day": int(day)}
        for number in range(60)
        for day in np.unique([number // 2, *rng.integers(30, 300, 4)])
    ]
    table = pd.DataFrame(rows)
    table["date"] = START + pd.to_timedelta(table.pop("day"), unit="D")
    ledger = read_ledger(table, customer="who", date="date", value=None, cutoff="2022-10-27")
    newcomers = Newcomers.learn(ledger)
    assert newcomers.acquisition.series is None
    assert "No customer was new" in newcomers.notes[0]
    windows = Horizon.parse("4W").periods(ledger.cutoff)
    assert (newcomers.expect(windows)[0] == 0).all()
    assert (draw_newcomers(newcomers, windows, 20, 0)[0] == 0).all()


def test_refusals(ledger: Ledger) -> None:
    with pytest.raises(TooLittleDataError, match="7 full weeks"):
        Newcomers.learn(ledger.cut("2022-02-20"))
    with pytest.raises(UsageError, match="method: 'prophet'"):
        Acquisition.learn(ledger, method="prophet")
    with pytest.raises(UsageError, match="burn_in"):
        Acquisition.learn(ledger, burn_in=-1)


def test_nothing_after_the_cutoff_is_seen(ledger: Ledger, learned: Newcomers) -> None:
    again = Newcomers.learn(ledger.cut("2023-02-17"))
    windows = Horizon.parse("4W").periods(learned.acquisition.cutoff)
    np.testing.assert_array_equal(again.expect(windows)[0], learned.expect(windows)[0])
    numbers = ("level", "order_level", "first_value", "level_variance", "dispersion")
    assert all(getattr(again, name) == getattr(learned, name) for name in numbers)
    louder = replace(learned, level=2 * learned.level)
    assert louder.expect(windows)[0].sum() > learned.expect(windows)[0].sum()


@pytest.mark.slow
def test_intervals_of_new_customers_cover() -> None:
    hits = np.zeros(2)
    for seed in range(20):
        whole = shop(420, arrivals=1.5, seed=seed)
        cutoff = (START + pd.Timedelta(days=335)).date()
        f = OwnRate().fit(whole.cut(cutoff)).forecast("12W", population="new", draws=300)
        actual, interval = whole.actuals(cutoff, "12W", population="new"), f.interval(0.9)
        for place, name in enumerate(("purchases", "value")):
            low, high = interval.loc[name, "lo"], interval.loc[name, "hi"]
            hits[place] += low <= actual[name].sum() <= high
    assert (hits / 20 >= 0.8).all()
