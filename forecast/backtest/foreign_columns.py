"""Which column of another tool's predictions is what, and whether its entries are sound."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.calendar import parse_day
from forecast.errors import ColumnError, UsageError, listed

__all__ = ["foreign_table"]

_USUAL = {
    "customer": ("customerid", "id", "customer", "custid", "clientid", "userid"),
    "purchases": (
        "expectedpurchases", "predictedpurchases", "cet", "conditionalexpectedtransactions",
        "expectednumpurchases",
    ),
    "value": ("expectedvalue", "predictedvalue", "predictedperiodspending"),
    "order_value": (
        "expectedordervalue", "predictedmeanspending", "expectedaverageprofit",
        "expectedcustomerspend", "conditionalexpectedaverageprofit",
    ),
    "p_active": ("pactive", "probabilityactive", "expectedprobabilityactive"),
    "p_alive": (
        "palive", "probabilityalive", "expectedprobabilityalive", "conditionalprobabilityalive",
    ),
}  # fmt: skip
_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]


def foreign_table(
    table: pd.DataFrame, named: Mapping[str, str | None], cutoff: Any, name: str
) -> tuple[pd.DataFrame, str]:
    """Return predictions in this package's columns, and a remark on where the value is from.

    Parameters
    ----------
    table : pandas.DataFrame
        As read.
    named : mapping of role to column
        None where the usual names are looked for.
    cutoff : str, date or None
        A column, or the one day all predictions were made on.
    name : str
        What to call the predictions in errors.

    Returns
    -------
    tuple of pandas.DataFrame and str
        ``customer_id``, ``cutoff``, ``expected_purchases`` and, where known, ``expected_value``,
        ``p_active``, ``p_alive``. Rows without expected purchases are left out.
    """
    if table.index.name is not None and str(table.index.name) not in table.columns:
        table = table.reset_index()
    columns = [str(each) for each in table.columns]
    table = table.set_axis(columns, axis=1)
    found = {role: _column(columns, role, named.get(role), name) for role in _USUAL}
    for role in ("customer", "purchases"):
        if found[role] is None:
            raise ColumnError(
                f"{name}: no column is plainly the {role}. Columns: {listed(columns, 20)}. Say "
                f"which: {role}=..."
            )
    out = pd.DataFrame({"customer_id": _ids(table[found["customer"]])})
    out["cutoff"] = _days(table, cutoff, name)
    out["expected_purchases"] = _numbers(table, found["purchases"], name)
    remark = ""
    if found["value"] is not None:
        out["expected_value"] = _numbers(table, found["value"], name)
    elif found["order_value"] is not None:
        each = _numbers(table, found["order_value"], name)
        out["expected_value"] = out["expected_purchases"] * each
        remark = f"Value is {found['purchases']} times {found['order_value']}."
    for role in ("p_active", "p_alive"):
        if found[role] is not None:
            out[role] = _numbers(table, found[role], name, most=1.0)
    out = out[out["expected_purchases"].notna()].reset_index(drop=True)
    key = out[["customer_id", "cutoff"]]
    doubled = key.loc[key.duplicated(), "customer_id"].unique()
    if len(doubled):
        raise UsageError(
            f"{name}: {len(doubled):,} customers have more than one prediction for a cutoff: "
            f"{listed(list(doubled))}."
        )
    return out, remark


def _column(columns: list[str], role: str, asked: str | None, name: str) -> str | None:
    if asked is not None:
        if asked not in columns:
            raise ColumnError(f"{name}: no column {asked!r}. Columns: {listed(columns, 20)}.")
        return asked
    for usual in _USUAL[role]:
        fits = [each for each in columns if _plain(each) == usual]
        if len(fits) > 1:
            raise ColumnError(f"{name}: the {role} may be {listed(fits)}; say which: {role}=...")
        if fits:
            return fits[0]
    return None


def _plain(column: str) -> str:
    return "".join(sign for sign in column.lower() if sign.isalnum())


def _ids(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return customers as text, whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(str)


def _days(table: pd.DataFrame, cutoff: Any, name: str) -> Any:
    """Return the day each prediction was made on."""
    if cutoff is None and "cutoff" in table.columns:
        cutoff = "cutoff"
    if cutoff is None:
        raise UsageError(
            f"{name}: when were these predictions made? Say cutoff='2024-03-31', the last day they "
            "knew, or the column that holds it."
        )
    if not isinstance(cutoff, str) or cutoff not in table.columns:
        return pd.Timestamp(parse_day(cutoff, "cutoff"))
    days = {each: pd.Timestamp(parse_day(each, cutoff)) for each in table[cutoff].unique()}
    return table[cutoff].map(days)


def _numbers(
    table: pd.DataFrame, column: str | None, name: str, most: float = np.inf
) -> "pd.Series[float]":
    given = table[column]
    plain = given.mask(given.isin(_MISSING)) if not pd.api.types.is_numeric_dtype(given) else given
    numbers = pd.to_numeric(plain, errors="coerce").astype(float)
    wrong = given[(numbers.isna() & plain.notna()) | (numbers < 0) | (numbers > most)]
    wrong = pd.concat([wrong, given[np.isinf(numbers)]])
    if len(wrong):
        raise UsageError(
            f"{name}: column {column!r} has {len(wrong):,} entries that are no number from 0 to "
            f"{most:g}: {listed(list(wrong))}."
        )
    return numbers
