"""Purchase histories that several tests use: CDNOW from lifetimes' files, others from LTV_DATA."""

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Columns = tuple[np.ndarray, ...]


def _lifetimes_file(name: str) -> Path:
    # found without importing lifetimes, which turns warnings off for the whole process
    found = importlib.util.find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "datasets" / name


def _weeks(log: pd.DataFrame, cutoff: str) -> Columns:
    days = log.loc[log["date"] <= cutoff, ["customer_id", "date"]].drop_duplicates()
    seen = days.groupby("customer_id")["date"].agg(["min", "max", "count"])
    frequency = (seen["count"] - 1).to_numpy()
    recency = (seen["max"] - seen["min"]).dt.days.to_numpy() / 7
    return frequency, recency, (pd.Timestamp(cutoff) - seen["min"]).dt.days.to_numpy() / 7


@lru_cache
def _cdnow_days() -> pd.DataFrame:
    log = pd.read_csv(_lifetimes_file("CDNOW_sample.txt"), sep=r"\s+", header=None)
    log.columns = ["master", "customer_id", "date", "quantity", "value"]
    log["date"] = pd.to_datetime(log["date"].astype(str), format="%Y%m%d")
    log = log[log["date"] <= "1997-09-30"]
    return log.groupby(["customer_id", "date"], as_index=False)["value"].sum()


@lru_cache
def _read(name: str) -> Columns:
    if name == "cdnow":
        return _weeks(_cdnow_days(), "1997-09-30")
    if name in ("cdnow_spend", "cdnow_all_spend"):
        days = _cdnow_days()
        if name == "cdnow_spend":
            days = days[days.duplicated("customer_id")]
        mean = days.groupby("customer_id")["value"].agg(["count", "mean"])
        mean = mean[mean["mean"] > 0]
        return mean["count"].to_numpy(), mean["mean"].to_numpy()
    if name in ("cdnow_csv", "cdnow_csv_spend"):
        table = pd.read_csv(_lifetimes_file("cdnow_customers_summary_with_transactions.csv"))
        if name == "cdnow_csv":
            return tuple(table[column].to_numpy() for column in ("x", "t_x", "T"))
        table = table[table["zbar"] > 0]
        return table["x"].to_numpy(), table["zbar"].to_numpy()
    folder = os.environ.get("LTV_DATA")
    if folder is None:
        pytest.skip("LTV_DATA does not name the folder of development data")
    file, cutoff = {
        "grocery": ("grocery_btydplus", "2006-12-31"),
        "apparel": ("apparel_clvtools_sim", "2006-01-01"),
        "complete_journey": ("complete_journey_2017", "2017-12-31"),
        "online_retail": ("online_retail_ii", "2010-11-30"),
    }[name]
    log = pd.read_parquet(Path(folder) / f"{file}.parquet")
    return _weeks(log, cutoff)


@pytest.fixture(scope="session")
def histories() -> Callable[[str], Columns]:
    """Return a reader of named data: (frequency, recency, T) in weeks, or (n, mean spend)."""
    return _read


@pytest.fixture(scope="session")
def cdnow() -> Columns:
    return _read("cdnow")
