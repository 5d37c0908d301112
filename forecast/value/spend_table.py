"""The spend table: what marketing cost, by day or month, channel and campaign."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.errors import BadRowsError, ColumnError, DataError, UsageError, listed
from forecast.value.currency import currencies
from forecast.views import labelled

__all__ = ["read_spend"]


def read_spend(table: Any, by: tuple[str, ...] = ("channel",)) -> pd.DataFrame:
    """Check a spend table and return it by day and label.

    Parameters
    ----------
    table : table
        Of pandas, Polars or PyArrow, with columns ``date``, ``cost`` (currency, 0 or more) and
        one for each label; a column ``currency`` may name one currency. Rows add up.
    by : tuple of str
        The columns of labels, such as ``("channel", "campaign")``.

    Returns
    -------
    pandas.DataFrame
        ``date`` (midnight), the labels as text, ``cost``, and ``currency`` where given. Spend
        without a label is labelled ``"(none)"``: unattributed, and never spread over others.

    Raises
    ------
    ColumnError
        If a column is missing.
    BadRowsError
        If a date or a cost cannot be read, or a cost is negative.
    DataError
        If costs are in more than one currency.

    Examples
    --------
    >>> import pandas as pd
    >>> read_spend(pd.DataFrame({"date": ["2024-01-01", "2024-01-01"], "channel": ["ads", None],
    ...                          "cost": [90.0, 10.0]}))
            date channel  cost
    0 2024-01-01     ads  90.0
    1 2024-01-01  (none)  10.0
    """
    try:
        frame = nw.from_native(table, eager_only=True).to_pandas()
    except TypeError:
        raise UsageError(
            f"spend: a {type(table).__name__} is no table; give a DataFrame with date, channel, "
            "cost."
        ) from None
    missing = [name for name in ("date", *by, "cost") if name not in frame.columns]
    if missing:
        raise ColumnError(
            f"spend: no column {listed(missing)}; it has {listed(list(frame.columns), 10)}."
        )
    found = currencies(frame)
    if len(found) > 1:
        raise DataError(
            f"spend: costs are in {len(found)} currencies: {listed(found)}. Convert them to one, "
            "or analyse each apart."
        )
    out = pd.DataFrame({"date": _days(frame["date"])})
    for name in by:
        out[name] = labelled(frame[name]).to_numpy()
    out["cost"] = _costs(frame["cost"])
    if found:
        out["currency"] = found[0]
    return out


def _days(column: "pd.Series[Any]") -> Any:
    written = None if pd.api.types.is_datetime64_any_dtype(column) else "%Y-%m-%d"
    read = pd.to_datetime(column, errors="coerce", format=written)
    _refuse(column, read.isna().to_numpy(), "not a day", "Write days as YYYY-MM-DD.")
    if getattr(read.dt, "tz", None) is not None:
        raise UsageError("spend: column 'date' has a time zone; give calendar days.")
    return read.dt.normalize().to_numpy()


def _costs(column: "pd.Series[Any]") -> Any:
    cost = pd.to_numeric(column, errors="coerce").to_numpy(float)
    _refuse(column, ~np.isfinite(cost), "not an amount of money", "Write 0 for no cost.")
    _refuse(column, cost < 0, "a negative cost", "Take credits off the cost they belong to.")
    return cost


def _refuse(column: "pd.Series[Any]", wrong: Any, problem: str, remedy: str) -> None:
    if wrong.any():
        raise BadRowsError(
            problem,
            column=str(column.name),
            count=int(wrong.sum()),
            samples=column[wrong].head(5).tolist(),
            remedy=remedy,
            source="the spend table",
        )
