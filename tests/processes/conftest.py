"""What several tests use: purchase histories, and a check of derivatives.

CDNOW comes from lifetimes' files, other logs from LTV_DATA.
"""

import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.processes.purchase_gaps import log_gaps

Columns = tuple[np.ndarray, ...]


def _check_derivatives(
    thing: Any,
    eta: Sequence[float],
    *,
    value: Callable[[np.ndarray], Any] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-3,
) -> None:
    point, value = np.array(eta, dtype=float), value or thing.value
    found, gradient, hessian = thing.derivatives(point)
    assert found == pytest.approx(float(value(point)), rel=1e-13)
    slope, bend = [], []
    for axis in np.eye(point.size):
        near, far = 1e-5 * axis, 1e-4 * axis
        slope.append((value(point + near) - value(point - near)) / 2e-5)
        bend.append((thing.derivatives(point + far)[1] - thing.derivatives(point - far)[1]) / 2e-4)
    np.testing.assert_allclose(gradient, slope, rtol=rtol, atol=atol)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    np.testing.assert_allclose(hessian, bend, rtol=rtol, atol=atol)


@pytest.fixture(scope="session")
def check_derivatives() -> Callable[..., None]:
    """Return a check of the gradient and Hessian of a likelihood, or prior, by differences."""
    return _check_derivatives


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


def _with_gaps(log: pd.DataFrame, cutoff: str) -> Columns:
    days = log.loc[log["date"] <= cutoff, ["customer_id", "date"]].drop_duplicates()
    ago = (days["date"] - pd.Timestamp(cutoff)).dt.days / 7
    return *_weeks(log, cutoff), log_gaps(days["customer_id"], ago)[1]


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
    if name == "cdnow_gaps":
        return _with_gaps(_cdnow_days(), "1997-09-30")
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
    }[name.removesuffix("_gaps")]
    log = pd.read_parquet(Path(folder) / f"{file}.parquet")
    return _with_gaps(log, cutoff) if name.endswith("_gaps") else _weeks(log, cutoff)


@pytest.fixture(scope="session")
def histories() -> Callable[[str], Columns]:
    """Return a reader of named data: (frequency, recency, T) in weeks, or (n, mean spend).

    A name that ends in "_gaps" has the log gaps as a fourth column.
    """
    return _read


@pytest.fixture(scope="session")
def cdnow() -> Columns:
    return _read("cdnow")
