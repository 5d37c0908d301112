"""Logs that are shipped are what their descriptions say."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from forecast.datasets import files, load_cdnow, load_sample
from forecast.errors import FileError
from forecast.ledger import read_ledger
from forecast.views import customer_summary

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def test_sample_is_the_file_its_readme_describes() -> None:
    text = (SAMPLE / "README.md").read_text()
    digest = hashlib.sha256((SAMPLE / "online_retail_ii.csv.gz").read_bytes()).hexdigest()
    orders = load_sample()
    assert digest in text
    for number in (
        f"| {len(orders):,} |",
        f"| {orders['customer_id'].nunique():,} |",
        f"| {(orders['amount'] < 0).sum():,} |",
        f"| {(orders['amount'] == 0).sum()} |",
        f"| {(orders.groupby('customer_id')['amount'].max() <= 0).sum()} |",
        f"| {orders['amount'].sum():,.2f} |",
        f"{orders['date'].min():%Y-%m-%d %H:%M} to {orders['date'].max():%Y-%m-%d %H:%M}",
        f"one of {orders['country'].nunique()} values",
        f"{(orders.groupby('customer_id')['country'].nunique() > 1).sum()} customers have two",
    ):
        assert number in text, number
    assert "CC BY 4.0" in text
    assert "10.24432/C5CG6D" in text


def test_shipped_predictions_are_of_the_customers_known() -> None:
    path = SAMPLE / "pymc_marketing_predictions.csv.gz"
    text = (SAMPLE / "README.md").read_text()
    made = pd.read_csv(path, dtype={"customer_id": str})
    ledger = read_ledger(load_sample())
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert path.read_bytes()[4:8] == bytes(4)  # no time of making
    assert f"| {len(made):,} |" in text
    assert not made.isna().any(axis=None)
    for day, rows in made.groupby("cutoff"):
        known = customer_summary(ledger.cut(str(day)))
        assert f"{day} ({len(rows):,})" in text
        theirs = rows.set_index("customer_id").reindex(known.index)
        assert len(rows) == len(known)
        assert theirs["frequency"].tolist() == known["frequency"].tolist()
        weeks = known[["recency", "T"]] / 7
        pd.testing.assert_frame_equal(theirs[["recency", "T"]], weeks, rtol=1e-4)


def test_sample_columns_and_order() -> None:
    orders = load_sample()
    assert list(orders) == ["customer_id", "date", "amount", "order_id", "country"]
    for name in ("customer_id", "order_id", "country"):
        assert pd.api.types.is_string_dtype(orders[name])
    assert pd.api.types.is_datetime64_dtype(orders["date"])
    assert not orders.isna().any(axis=None)
    assert orders["order_id"].is_unique
    assert orders.equals(orders.sort_values(["date", "order_id"], ignore_index=True))
    assert (orders["order_id"].str.startswith("C") == (orders["amount"] < 0)).all()


def test_sample_carries_no_time_of_making() -> None:
    head = (SAMPLE / "online_retail_ii.csv.gz").read_bytes()[:10]
    assert head[:2] == b"\x1f\x8b"
    assert head[3] == 0  # no file name
    assert head[4:8] == bytes(4)  # no time


def test_missing_sample_names_the_path_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_SAMPLE", tmp_path / "gone.csv.gz")
    with pytest.raises(FileError, match=r"gone\.csv\.gz.*install from a checkout"):
        load_sample()


@pytest.mark.parametrize(
    ("sample", "rows", "customers", "quantity"),
    [(True, 6919, 2357, 16479), (False, 69659, 23570, 167881)],
)
def test_cdnow_counts(sample: bool, rows: int, customers: int, quantity: int) -> None:
    log = load_cdnow(sample)
    assert list(log) == ["customer_id", "date", "quantity", "amount"]
    assert (len(log), log["customer_id"].nunique()) == (rows, customers)
    assert log["date"].min() == pd.Timestamp("1997-01-01")
    assert log["date"].max() == pd.Timestamp("1998-06-30")
    assert log["quantity"].sum() == quantity
    assert log["customer_id"].str.len().nunique() == 1
    assert log.groupby("customer_id")["date"].min().max() < pd.Timestamp("1997-04-01")


@pytest.mark.parametrize("name", ["sample", "full"])
def test_cdnow_equals_another_copy(name: str) -> None:
    folder = os.environ.get("LTV_DATA")
    if not folder:
        pytest.skip("set LTV_DATA to a folder with cdnow_sample.parquet and cdnow_full.parquet")
    names = ["customer_id", "date", "quantity", "amount"]
    other = pd.read_parquet(Path(folder) / f"cdnow_{name}.parquet")[names]
    ours = load_cdnow(sample=name == "sample")
    pd.testing.assert_frame_equal(
        ours.sort_values(names, ignore_index=True),
        other.sort_values(names, ignore_index=True),
        check_dtype=False,
    )


def test_cdnow_does_not_import_lifetimes() -> None:
    code = (
        "import sys; from forecast.datasets import load_cdnow; load_cdnow(True); "
        "sys.exit('lifetimes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cdnow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "_lifetimes", lambda: tmp_path)
    with pytest.raises(FileError, match="pip install lifetimes"):
        load_cdnow()
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match="pip install lifetimes"):
        load_cdnow()
