"""Counts of customers who are alike hold all that an estimation needs; no Java is needed here."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import TooLittleDataError, UnsupportedError
from forecast.spark import counting
from forecast.spark.counting import Histories, OrderCounts, gap_counts, repeat_counts
from forecast.spark.estimation import estimate
from forecast.views import summary_frame

PROCESSES = ["bgnbd", "mbgnbd", "bgcnbd", "mbgcnbd", "pareto_nbd", "nbd"]
CUTOFF = "2024-06-30"
JANUARY = 19723  # day number of 2024-01-01


@pytest.fixture(scope="module")
def ledger(regular_log: pd.DataFrame) -> fc.Ledger:
    return fc.read_ledger(
        regular_log, customer="who", date="date", value="amount", cutoff=CUTOFF, key=()
    )


def tiny(amounts: list[float] | None = None) -> fc.Ledger:
    rows = pd.DataFrame(
        {
            "customer": ["a", "a", "a", "b", "b", "b", "c"],
            "date": [f"2024-01-{day:02d}" for day in (1, 3, 6, 1, 3, 6, 4)],
            "value": amounts or [5.0, 10.0, 20.0, 6.0, 12.0, 18.0, 0.0],
        }
    )
    return fc.read_ledger(rows, cutoff="2024-01-10", key=())


def test_by_hand() -> None:
    ledger = tiny()
    people = summary_frame(ledger)
    alike = Histories.of(people)
    assert alike.frequency.tolist() == [2, 0]
    assert (alike.first - JANUARY).tolist() == [0, 3]
    assert (alike.last - JANUARY).tolist() == [5, 3]
    assert alike.customers.tolist() == [2, 1]
    first, day, times = repeat_counts(ledger.days())
    assert (first - JANUARY).tolist() == [0, 0]
    assert (day - JANUARY).tolist() == [2, 5]
    assert times.tolist() == [2, 2]
    before, day, times = gap_counts(ledger.days(), JANUARY)
    assert list(zip(before - JANUARY, day - JANUARY, times, strict=True)) == [(0, 2, 2), (2, 5, 2)]
    assert gap_counts(ledger.days(), JANUARY + 1)[2].size == 0


def test_orders_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = tiny()
    people = summary_frame(ledger)
    with pytest.raises(TooLittleDataError, match="2 customers have a repeat purchase"):
        OrderCounts.of(people, ledger, repeat_only=True)
    monkeypatch.setattr(counting, "FEWEST_BUYERS", 1)
    repeats = OrderCounts.of(people, ledger, repeat_only=True)
    assert (repeats.orders.tolist(), repeats.mean.tolist()) == ([2.0], [15.0])
    assert (repeats.customers.tolist(), repeats.exact) == ([2.0], True)
    every = OrderCounts.of(people, ledger, repeat_only=False)
    np.testing.assert_allclose(every.mean, [35 / 3, 12.0], rtol=1e-15)
    monkeypatch.setattr(counting, "EXACT", 1)
    # 11.667 and 12 lie in two cells of the grid, and come back as they went in
    grid = OrderCounts.of(people, ledger, repeat_only=False)
    assert not grid.exact
    np.testing.assert_allclose(grid.mean, [35 / 3, 12.0], rtol=1e-12)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1_000, 1_002_000), min_size=2, max_size=40))
def test_the_grid_keeps_geometric_means(cents: list[int]) -> None:
    rows = pd.DataFrame({"customer": range(len(cents)), "date": "2024-01-01"})
    rows["value"] = np.array(cents) / 100
    ledger = fc.read_ledger(rows, cutoff="2024-01-10", key=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "EXACT", 1)
        patch.setattr(counting, "FEWEST_BUYERS", 1)
        found = OrderCounts.of(summary_frame(ledger), ledger, repeat_only=False)
    assert found.customers.sum() == len(cents)
    whole = np.log(rows["value"]).sum()
    assert found.customers @ np.log(found.mean) == pytest.approx(whole, rel=1e-11)
    if not found.exact:
        away = np.abs(np.log(found.mean)[:, None] - np.log(rows["value"].to_numpy())).min(axis=0)
        assert away.max() < counting.STEP


def equal(model: fc.BTYD, ledger: fc.Ledger, tolerance: float = 1e-9) -> tuple[Any, Any]:
    ours = estimate(model, ledger, summary_frame(ledger), ledger.days())
    theirs = fc.BTYD(**{name: getattr(model, name) for name in SETTINGS}).fit(ledger).fitted_
    assert theirs is not None
    assert ours.parameters() == pytest.approx(theirs.parameters(), rel=tolerance)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=tolerance)
    assert ours.aic == pytest.approx(theirs.aic, rel=tolerance)
    assert ours.zero_share == pytest.approx(theirs.zero_share, abs=1e-12)
    assert ours.notes(90) == theirs.notes(90)
    assert ours.purchase_fit.n_customers == theirs.purchase_fit.n_customers
    return ours, theirs


SETTINGS = ("purchases", "spend", "season", "events", "burn_in")


@pytest.mark.parametrize("purchases", PROCESSES)
def test_estimates_are_those_of_the_customers(ledger: fc.Ledger, purchases: str) -> None:
    ours, theirs = equal(fc.BTYD(purchases), ledger)
    if ours.regular:
        assert ours.purchase_fit.k == theirs.purchase_fit.k > 1
    drawn = [each.purchase_fit.posterior(20, seed=1).draws for each in (ours, theirs)]
    np.testing.assert_allclose(*drawn, rtol=1e-6)


@pytest.mark.parametrize("purchases", ["mbgnbd", "mbgcnbd"])
def test_clocks_and_a_burn_in(ledger: fc.Ledger, purchases: str) -> None:
    days = pd.date_range(ledger.first_day, periods=1200)
    events = pd.DataFrame({"sale": (np.arange(1200) % 90 < 7).astype(float)}, index=days)
    equal(fc.BTYD(purchases, "gamma_gamma_all", season=2), ledger)
    equal(fc.BTYD(purchases, events=events, burn_in=100), ledger)
    equal(fc.BTYD(purchases, burn_in=100), ledger)


@pytest.mark.parametrize("spend", ["gamma_gamma", "gamma_gamma_all"])
def test_beyond_a_million_kinds_of_orders(
    ledger: fc.Ledger, spend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "EXACT", 50)
    ours, theirs = equal(fc.BTYD(spend=spend), ledger, 1e-5)
    exact = theirs.spend_fit.standard_errors
    moved = {name: ours.spend_fit.params[name] - theirs.spend_fit.params[name] for name in exact}
    assert max(abs(moved[name] / exact[name]) for name in exact) < 1e-5  # in standard errors


def test_too_many_distinct_histories(ledger: fc.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST", 100)
    with pytest.raises(UnsupportedError, match=r"more than 100 distinct histories.*share=0.1"):
        estimate(fc.BTYD(), ledger, summary_frame(ledger), ledger.days())


def test_without_amounts(regular_log: pd.DataFrame) -> None:
    log = fc.read_ledger(
        regular_log[["who", "date"]].drop_duplicates(),
        customer="who", date="date", cutoff=CUTOFF,
    )  # fmt: skip
    ours, _ = equal(fc.BTYD(), log)
    assert ours.spend is None
