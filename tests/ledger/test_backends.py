"""The same log from any source is the same ledger, and its summary is the field's own."""

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from forecast.datasets import load_cdnow
from forecast.ledger import Ledger, read_ledger
from forecast.views import customer_summary

CUTOFF = "1997-09-30"


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """CDNOW's 69,659 purchases as text and numbers, shuffled."""
    rows = load_cdnow().sample(frac=1, random_state=1).reset_index(drop=True)
    return rows.assign(date=rows["date"].dt.strftime("%Y-%m-%d"))


@pytest.fixture(scope="module")
def theirs(log: pd.DataFrame) -> pd.DataFrame:
    """The summary of ``lifetimes`` at the cutoff."""
    with warnings.catch_warnings():  # importing it turns warnings off for the whole process
        warnings.simplefilter("ignore")
        utils = importlib.import_module("lifetimes.utils")
        table = utils.summary_data_from_transaction_data(
            log, "customer_id", "date", "amount", observation_period_end=CUTOFF
        )
    return table.set_index(table.index.astype(str)).sort_index()


def opened(log: Any, **options: Any) -> Ledger:
    names = {"customer": "customer_id", "date": "date", "value": "amount", "key": ()}
    return read_ledger(log, **(names | options))


@pytest.fixture(scope="module")
def ours(log: pd.DataFrame) -> Ledger:
    return opened(log, cutoff=CUTOFF)


def typed(log: pd.DataFrame) -> pd.DataFrame:
    return log.assign(
        date=pd.to_datetime(log["date"]), customer_id=log["customer_id"].astype(object)
    )


def parquet_folder(log: pd.DataFrame, folder: Path) -> Path:
    (folder / "log" / "1997").mkdir(parents=True)
    log.iloc[:30_000].to_parquet(folder / "log" / "1997" / "a.parquet")
    log.iloc[30_000:].to_parquet(folder / "log" / "b.parquet")
    return folder / "log"


def csv(log: pd.DataFrame, path: Path, **options: Any) -> Path:
    log.to_csv(path, index=False, **options)
    return path


def csv_parts(log: pd.DataFrame, folder: Path) -> str:
    csv(log.iloc[:30_000], folder / "part1.csv")
    csv(log.iloc[30_000:], folder / "part2.csv")
    return str(folder / "part?.csv")


SOURCES: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas, numpy and object": lambda log, _: typed(log),
    "pandas, pyarrow": lambda log, _: log.convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda log, _: pl.from_pandas(log),
    "polars, lazy, with dates": lambda log, _: pl.from_pandas(log).lazy().with_columns(
        pl.col("date").str.to_date()
    ),
    "pyarrow in chunks": lambda log, _: pa.concat_tables(
        [pa.Table.from_pandas(log.iloc[at : at + 7_000]) for at in range(0, len(log), 7_000)]
    ),
    "duckdb": lambda log, _: duckdb.connect().from_arrow(pa.Table.from_pandas(log)),
    "csv": lambda log, folder: csv(log, folder / "log.csv"),
    "csv.gz": lambda log, folder: csv(log, folder / "log.csv.gz"),
    "csv, utf-16": lambda log, folder: csv(log, folder / "log.csv", encoding="utf-16"),
    "csv, glob": csv_parts,
    "parquet": lambda log, folder: log.to_parquet(folder / "x.parquet") or folder / "x.parquet",
    "parquet, folder": parquet_folder,
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_the_same_ledger(name, log, ours, tmp_path):
    options = {"encoding": "utf-16"} if "utf-16" in name else {}
    ledger = opened(SOURCES[name](log, tmp_path), cutoff=CUTOFF, **options)
    lines = ["check", "count", "severity"]
    pd.testing.assert_frame_equal(ledger.audit[lines], ours.audit[lines])
    pd.testing.assert_frame_equal(customer_summary(ledger), customer_summary(ours))
    assert ledger.summary_hash() == ours.summary_hash()


def agrees(summary: pd.DataFrame, theirs: pd.DataFrame) -> None:
    assert summary.index.tolist() == theirs.index.tolist()
    for name in ("frequency", "recency", "T", "monetary_value"):
        np.testing.assert_allclose(summary[name], theirs[name], rtol=0, atol=1e-9, err_msg=name)


def test_the_summary_is_that_of_lifetimes(ours, theirs):
    agrees(customer_summary(ours), theirs)
    assert len(theirs) == 23_570


def test_a_cut_is_the_log_read_to_that_day(log, ours, theirs):
    agrees(customer_summary(opened(log).cut(CUTOFF)), theirs)
    assert opened(log).cut(CUTOFF).summary_hash() == ours.summary_hash()


def test_many_rows_in_many_chunks_again_and_again(log, theirs):
    """Window functions over such tables were silently wrong in Narwhals, not at every run."""
    twin = log.assign(customer_id="x" + log["customer_id"])
    both = pd.concat([log, twin]).sample(frac=1, random_state=2)
    assert len(both) > 100_000
    chunks = [pa.Table.from_pandas(both.iloc[at : at + 9_999], preserve_index=False)
              for at in range(0, len(both), 9_999)]  # fmt: skip
    for _ in range(3):
        summary = customer_summary(opened(pa.concat_tables(chunks), cutoff=CUTOFF))
        agrees(summary.iloc[: len(theirs)], theirs)
        agrees(summary.iloc[len(theirs) :], theirs.set_index("x" + theirs.index))


def test_the_sample_of_the_literature():
    summary = customer_summary(opened(load_cdnow(sample=True), cutoff=CUTOFF))
    assert len(summary) == 2357
    assert int(summary["frequency"].sum()) == 2457
    assert int((summary["frequency"] > 0).sum()) == 946
