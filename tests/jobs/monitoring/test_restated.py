"""A past that has changed is told from one that has not; a log that no longer arrives is seen."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.jobs.monitoring.restated import freshness, restated
from forecast.jobs.monitoring.run_history import open_history, record_run
from forecast.jobs.monitoring.verdict import data_reasons

CUTOFF = "2023-06-30"


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return fc.simulate_shop(60, seed=2, refunds=0.0).orders[["customer_id", "date", "amount"]]


@pytest.fixture(scope="module")
def kept(orders: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "h.duckdb"
    past = fc.read_ledger(orders, key=()).cut(CUTOFF)
    made = fc.OwnRate().fit(past).forecast("4W", draws=10)
    record_run(path, run_id="1", job_name="j", forecast=made, ledger=past)
    return path


def found(kept: Path, orders: pd.DataFrame) -> "pd.Series[object]":
    ledger = fc.read_ledger(orders, key=())
    with open_history(kept) as history:
        return restated(history, ledger, history.runs()).iloc[0]


def counts(row: "pd.Series[object]") -> list[object]:
    return row[["changed", "missing", "altered", "added", "purchases_more"]].tolist()


def test_the_same_past_has_not_changed(kept: Path, orders: pd.DataFrame) -> None:
    shuffled = orders.sample(frac=1, random_state=1)
    assert counts(found(kept, shuffled)) == [False, 0, 0, 0, 0]
    late = pd.DataFrame({"customer_id": ["z"], "date": ["2024-01-05"], "amount": [1.0]})
    assert counts(found(kept, pd.concat([orders, late]))) == [False, 0, 0, 0, 0]


def test_what_has_changed_is_counted(kept: Path, orders: pd.DataFrame) -> None:
    first = str(orders["customer_id"].iloc[0])
    size = (pd.to_datetime(orders["date"]) <= CUTOFF) & (orders["customer_id"] == first)
    gone = found(kept, orders[orders["customer_id"] != first])
    assert counts(gone) == [True, 1, 0, 0, -int(size.sum())]
    assert gone["share"] == pytest.approx(1 / int(gone["customers"]))
    dearer = orders.assign(amount=orders["amount"].where(orders["customer_id"] != first, 1.0))
    assert counts(found(kept, dearer)) == [True, 0, 1, 0, 0]
    more = pd.DataFrame({"customer_id": ["z"], "date": ["2023-05-05"], "amount": [1.0]})
    assert counts(found(kept, pd.concat([orders, more]))) == [True, 0, 0, 1, 1]
    day = pd.to_datetime(orders["date"])
    cut = found(kept, orders[day > "2023-07-10"])
    assert cut["share"] == 1.0
    assert cut["missing"] == cut["customers"]


def test_without_customers_purchases_are_counted(orders: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    past = fc.read_ledger(orders, key=()).cut(CUTOFF)
    made = replace(fc.OwnRate().fit(past).forecast("4W", draws=10), customers=None)
    record_run(path, run_id="1", job_name="j", forecast=made, ledger=past)
    more = pd.DataFrame({"customer_id": ["z"], "date": ["2023-05-05"], "amount": [1.0]})
    row = found(path, pd.concat([orders, more]))
    assert counts(row) == [True, 0, 0, 0, 1]
    assert 0 < float(str(row["share"])) < 0.01


def log(days: list[int], cutoff: int | None = None) -> fc.Ledger:
    start = date(2024, 1, 1)
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{place}" for place in range(len(days))],
            "date": [start + timedelta(days=each) for each in days],
        }
    )
    last = None if cutoff is None else start + timedelta(days=cutoff)
    return fc.read_ledger(orders, key=(), cutoff=last)


@pytest.mark.filterwarnings("ignore::forecast.errors.DataWarning")
def test_stale_by_hand() -> None:
    daily = log(list(range(101)))
    day = date(2024, 1, 1) + timedelta(days=100)
    for since, stale, unusual in ((0, False, False), (2, False, False), (3, False, True),
                                  (14, False, True), (15, True, True)):  # fmt: skip
        fresh = freshness(daily, day + timedelta(days=since), 14)
        assert (fresh["days_since"], fresh["stale"], fresh["unusual"]) == (since, stale, unusual)
        assert fresh["longest_gap"] == 1
    sparse = log([0, 30, 60, 90])
    assert not freshness(sparse, date(2024, 4, 29), 14)["stale"]
    assert freshness(sparse, date(2024, 5, 1), 14)["stale"]


def test_a_week_that_did_not_arrive() -> None:
    rng = np.random.default_rng(0)
    usual = [int(each) for each in rng.integers(0, 140, 20 * 140)]
    full = freshness(log(usual, 139), date(2024, 5, 19), 14)
    assert not full["dropped"]
    assert full["usual_week"] == pytest.approx(140, rel=0.1)
    half = [each for each in usual if each < 134]
    lost = freshness(log(half, 139), date(2024, 5, 19), 14)
    assert lost["dropped"]
    assert lost["last_week"] < 30
    # of two purchases a week, none in one week is chance
    rare = freshness(log([*range(0, 133, 4)], 139), date(2024, 5, 19), 14)
    assert rare["last_week"] == 0
    assert not rare["dropped"]


@pytest.mark.parametrize(("since", "said"), [(1, "for 1 day before"), (40, "for 40 days before")])
def test_a_stale_log_counts_days_in_words(since: int, said: str) -> None:
    fresh = {"stale": True, "unusual": True, "days_since": since, "longest_gap": 1,
             "dropped": False}  # fmt: skip
    (reason,) = data_reasons(pd.DataFrame({"changed": []}), fresh, date(2024, 1, 1)).data
    assert said in reason
    assert "the year before was 1 day. " in reason
