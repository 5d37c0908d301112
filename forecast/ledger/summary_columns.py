"""The columns of a summary table made elsewhere: which is what, and whether they are sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.errors import (
    BadRowsError,
    ColumnError,
    DataError,
    TooLittleDataError,
    UsageError,
    listed,
)

__all__ = ["Wrong", "customers_of", "numbers", "roles_of"]

_USUAL = {  # lifetimes and pymc-marketing first, then the R packages
    "frequency": ("frequency", "x"),
    "recency": ("recency", "tx"),
    "T": ("t", "tcal"),
    "monetary_value": ("monetaryvalue", "mx", "spending"),
    "customer": ("customerid", "id", "customer", "cust", "custid"),
}


@dataclass(frozen=True)
class Wrong:
    """The customers of a table, to name those with bad entries."""

    ids: "pd.Index[Any]"

    def where(self, bad: Any, values: Any, column: str | None, problem: str, remedy: str) -> None:
        """Refuse a column that has bad entries."""
        at = np.flatnonzero(bad)
        if len(at):
            raise BadRowsError(
                f"the entry {problem}", column=str(column), count=len(at),
                samples=np.asarray(values)[at[:5]].tolist(), remedy=remedy,
                places=[f"customer {listed([each])}" for each in self.ids[at[:5]]],
            )  # fmt: skip


def customers_of(table: Any) -> tuple[pd.DataFrame, "pd.Index[Any]"]:
    """Return the table and its customers, as text."""
    if isinstance(table, Mapping):
        try:
            table = pd.DataFrame(dict(table))
        except ValueError:
            sizes = [f"{name} {np.size(each):,}" for name, each in table.items()]
            raise UsageError(f"table: columns differ in length: {', '.join(sizes)}.") from None
    if not isinstance(table, pd.DataFrame):
        try:
            table = nw.from_native(table, eager_only=True).to_pandas()
        except TypeError:
            raise UsageError(
                f"table: a {type(table).__name__} is no table; give a pandas, Polars or Arrow "
                "table, or a mapping of columns."
            ) from None
    if table.empty:
        raise TooLittleDataError("The summary table holds no customer.")
    columns = [str(each) for each in table.columns]
    name = _column(columns, "customer")
    if name is not None:
        held = table[name]
    elif isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        raise ColumnError(
            f"No column is plainly the customer. Columns: {listed(columns, 20)}. Name it "
            "customer_id, or make it the index."
        )
    else:
        held = table.index.to_series()
    if pd.api.types.is_float_dtype(held):
        raise DataError(
            "Customer ids are floating-point numbers, which run together beyond 15 digits: give "
            "them as text or whole numbers."
        )
    if held.isna().any():
        raise DataError(f"{int(held.isna().sum()):,} rows have no customer id.")
    ids = pd.Index(held.astype(str).to_numpy(), name="customer_id")
    if ids.has_duplicates:
        doubled = ids[ids.duplicated()].unique()
        raise DataError(f"{len(doubled):,} customers have more than one row: {listed(doubled)}.")
    return table, ids


def roles_of(columns: list[str]) -> dict[str, str | None]:
    """Return which column is what; amounts may be missing."""
    found = {role: _column(columns, role) for role in _USUAL}
    for role in ("frequency", "recency", "T"):
        if found[role] is None:
            raise ColumnError(
                f"No column is plainly the {role}. Columns: {listed(columns, 20)}. Name them "
                "frequency, recency, T and, with amounts, monetary_value."
            )
    return found


def _column(columns: list[str], role: str) -> str | None:
    plain = ["".join(sign for sign in each.lower() if sign.isalnum()) for each in columns]
    for usual in _USUAL[role]:
        fits = [name for name, each in zip(columns, plain, strict=True) if each == usual]
        if len(fits) > 1:
            raise ColumnError(f"The {role} may be any of {listed(fits)}: keep one.")
        if fits:
            return fits[0]
    return None


def numbers(
    table: pd.DataFrame, column: str | None, ids: "pd.Index[Any]", unknown: Any = False
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return a column of numbers of 0 or more; 0 where it may be unknown and is."""
    held = table[column]
    found = pd.to_numeric(held, errors="coerce").to_numpy(float, na_value=np.nan)
    found = np.where(held.isna().to_numpy() & unknown, 0.0, found)
    Wrong(ids).where(
        ~((found >= 0) & (found < np.inf)), held, column, "is no number of 0 or more",
        "Mend or leave out these customers.",
    )  # fmt: skip
    return np.asarray(found, dtype=float)
