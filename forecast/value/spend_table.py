"""The spend table: what marketing cost, by day or month, channel and campaign."""

from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import BadRowsError, ColumnError, DataError, UsageError, listed
from forecast.ledger.amounts import WAYS, Notation, common_mark
from forecast.ledger.unread_amounts import refuse_two_currencies
from forecast.value.currency import currencies
from forecast.views import labelled

__all__ = ["read_spend", "written_costs"]

FloatArray = npt.NDArray[np.float64]
PLAIN = Notation()

_REMEDY = "Write 0 for no cost, and plain numbers such as 1234.50: a point before the cents."


def read_spend(table: Any, by: tuple[str, ...] = ("channel",)) -> pd.DataFrame:
    """Check a spend table and return it by day and label.

    Parameters
    ----------
    table : table
        Of pandas, Polars or PyArrow, with columns ``date``, ``cost`` (currency, 0 or more) and
        one for each label; a column ``currency`` may name one currency. Rows add up. Costs may
        be text: plain numbers, with a sign or code of a currency where all carry the same.
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


def _costs(column: "pd.Series[Any]") -> FloatArray:
    cost = written_costs(column)
    _refuse(column, cost < 0, "a negative cost", "Take credits off the cost they belong to.")
    return cost


def written_costs(
    column: "pd.Series[Any]", notation: Notation = PLAIN, remedy: str = _REMEDY
) -> FloatArray:
    """Return costs as numbers; text is read in a notation, or as plain numbers where all are.

    Parameters
    ----------
    column : pandas.Series
        Numbers, or text.
    notation : Notation
        How text is written; a currency that every cost carries is found.
    remedy : str
        What to do where a cost cannot be read.

    Raises
    ------
    BadRowsError
        If a cost is missing or no number; says its row, counted from 1.
    DataError
        If costs carry several currencies.

    Examples
    --------
    >>> written_costs(pd.Series(["1.200,50 \u20ac", "80 \u20ac"]), Notation(",", "."))
    array([1200.5,   80. ])
    """
    texts = column.map(lambda each: isinstance(each, str)).to_numpy(bool)
    cost = np.full(len(column), np.nan)
    cost[~texts] = pd.to_numeric(column[~texts], errors="coerce").to_numpy(float)
    given = [each.strip() for each in column[texts]]
    way = _way(given, notation)
    refuse_two_currencies("the spend table", str(column.name), given, way)
    read = [way.read(each) for each in given]
    cost[texts] = [np.nan if each is None else each for each in read]
    _refuse(column, ~np.isfinite(cost), "not an amount of money", remedy)
    return cost


def _way(texts: list[str], notation: Notation) -> Notation:
    """Return how texts are written: as was said, or plainly where that alone can be.

    ``"1.200"`` under a decimal comma is not taken for 1.2: its point may be one of thousands.
    """
    mark = common_mark([each for each in texts if each])
    said, plain = (replace(each, mark=mark) for each in (notation, PLAIN))

    def fits(way: Notation) -> bool:
        return all(way.read(each) is not None for each in texts)

    alike = [replace(each, mark=mark) for each in WAYS if each.decimal == notation.decimal]
    return plain if not any(map(fits, alike)) and fits(plain) else said


def _refuse(column: "pd.Series[Any]", wrong: Any, problem: str, remedy: str) -> None:
    if wrong.any():
        raise BadRowsError(
            problem,
            column=str(column.name),
            count=int(wrong.sum()),
            samples=column[wrong].head(5).tolist(),
            remedy=remedy,
            source="the spend table",
            places=[f"row {at + 1}" for at in np.flatnonzero(wrong)[:5]],
        )
