"""Purchases added up by customer while reading: the same as when asked later, from any source."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.ledger import read_ledger
from forecast.ledger.by_customer import by_customer
from forecast.ledger.storage import load_ledger, save_ledger
from forecast.views import customer_summary

NAMES: dict[str, Any] = {"customer": "c", "date": "d", "value": "v", "key": ()}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """Return four hundred rows of forty customers, refunds and repeated days among them."""
    rng = np.random.default_rng(5)
    day = np.datetime64("2023-01-01") + rng.integers(0, 300, 400)
    amount = np.round(rng.normal(20.0, 18.0, 400), 2)
    return pd.DataFrame({"c": rng.integers(1, 41, 400), "d": day, "v": amount})


def rows(frame: Any) -> pd.DataFrame:
    table = frame.sort("customer_id").collect("pyarrow").to_pandas()
    return table[sorted(table.columns)].astype({"customer_id": str})


def test_by_hand():
    log = pd.DataFrame(
        {
            "c": ["a", "a", "a", "b"],
            "d": ["2024-01-03", "2024-01-01", "2024-01-09", "2024-01-02"],
            "v": [5.0, 2.0, 0.0, 4.0],
        }
    )
    ledger = read_ledger(log, **NAMES)
    found = rows(ledger.by_customer()).set_index("customer_id")
    assert found.loc["a", ["n_purchases", "paid"]].tolist() == [3, 2]
    assert found.loc["a", "last"] - found.loc["a", "first"] == 8
    assert found.loc["a", ["ticks", "first_ticks"]].tolist() == [7 * ledger.ticks, 2 * ledger.ticks]
    assert found.loc["b", ["ticks", "first_ticks"]].tolist() == [4 * ledger.ticks] * 2


@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
def test_what_was_kept_is_what_is_asked(log, returns, monkeypatch):
    for limit in (5_000_000, 100):  # in memory, and spilled
        monkeypatch.setattr("forecast.ledger.keeping.SPILL_ROWS", limit)
        ledger = read_ledger(log, returns=returns, **NAMES)
        pd.testing.assert_frame_equal(rows(ledger.by_customer()), rows(by_customer(ledger.days())))


def test_a_cut_ledger_is_added_up_anew(log):
    ledger, day = read_ledger(log, **NAMES), "2023-06-30"
    early = log[log["d"] <= day]
    pd.testing.assert_frame_equal(
        customer_summary(ledger.cut(day)), customer_summary(read_ledger(early, cutoff=day, **NAMES))
    )
    some = pd.Index(["3", "7"])
    few = customer_summary(ledger.only(some))
    assert few.index.tolist() == ["3", "7"]
    later = customer_summary(ledger.since(day))
    assert later["first_purchase"].min() >= pd.Timestamp(day)


def test_whole_numbers_and_text_are_the_same_ids(log, tmp_path: Path):
    ledgers = []
    for name, kind in (("numbers", pa.int32()), ("text", pa.string())):
        table = pa.Table.from_pandas(log, preserve_index=False)
        table = table.set_column(0, "c", table["c"].cast(kind))
        pq.write_table(table, tmp_path / f"{name}.parquet")
        ledgers.append(read_ledger(str(tmp_path / f"{name}.parquet"), purchase_columns=(), **NAMES))
    one, other = ledgers
    assert one.summary_hash() == other.summary_hash()
    pd.testing.assert_frame_equal(customer_summary(one), customer_summary(other))
    counts = [dict(zip(each.audit["check"], each.audit["count"], strict=True)) for each in ledgers]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("timed", [False, True])
def test_days_of_dates_are_those_of_the_calendar(timed):
    """DuckDB counts dates and timestamps; text is counted in whole-number arithmetic."""
    days = [date(1900, 1, 1) + timedelta(days=each) for each in range(0, 73_000, 37)]
    days += [date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), date(1900, 2, 28)]
    late = [datetime(day.year, day.month, day.day, 23, 59, 59) for day in days]
    table = pa.table(
        {
            "c": [f"c{place}" for place in range(len(days))],
            "d": pa.array(late, pa.timestamp("us")) if timed else pa.array(days, pa.date32()),
        }
    )
    names = {"customer": "c", "date": "d", "key": (), "as_of": "2100-01-01"}
    text = table.set_column(1, "d", pa.array([str(day) for day in days]))
    found = [read_ledger(each, **names).purchases() for each in (table, text)]
    pd.testing.assert_frame_equal(*found)
    by_id = dict(zip(found[0]["customer_id"], found[0]["date"].dt.date, strict=True))
    assert [by_id[f"c{place}"] for place in range(len(days))] == days


def test_a_large_saved_ledger_stays_in_its_file(log, tmp_path, monkeypatch):
    ledger = read_ledger(log, **NAMES)
    save_ledger(ledger, tmp_path / "kept")
    monkeypatch.setattr("forecast.ledger.storage.SPILL_ROWS", 10)
    again = load_ledger(tmp_path / "kept")
    assert again._days == tmp_path / "kept" / "days.parquet"
    save_ledger(again.cut("2023-06-30"), tmp_path / "kept")  # over the file it reads
    last = load_ledger(tmp_path / "kept")
    assert last.summary_hash() == ledger.cut("2023-06-30").summary_hash()
    assert sorted(each.name for each in (tmp_path / "kept").iterdir()) == [
        "days.parquet",
        "ledger.json",
    ]


def test_the_hash_does_not_change_with_the_memory_of_its_text():
    """A pinned hash: stored backtests know ledgers by it."""
    log = pd.DataFrame({"c": ["é", "b", "b"], "d": ["2024-01-01"] * 2 + ["2024-02-01"], "v": 1.0})
    assert read_ledger(log, **NAMES).summary_hash() == "e3a57d3f8601437e"
