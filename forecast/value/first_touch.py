"""Who brought a customer: the first touch up to the first purchase."""

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from forecast.errors import ColumnError, UsageError, listed

__all__ = ["first_touches"]


def first_touches(
    table: Any, first_purchase: "pd.Series[Any]", labels: tuple[str, ...]
) -> pd.DataFrame:
    """Return the labels of each customer's first touch.

    Parameters
    ----------
    table : table
        Of pandas, Polars or PyArrow: ``customer_id``, the labels, and ``date`` where a customer
        may be touched more than once. Touches after the first purchase brought nobody and are
        left out; of two at the same time the first by name counts.
    first_purchase : pandas.Series
        Day of each customer's first purchase, by ``customer_id``.
    labels : tuple of str
        Columns to return.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``; customers without a touch are absent.

    Raises
    ------
    ColumnError
        If a column is missing.
    UsageError
        If a customer has two touches without a date to order them.

    Examples
    --------
    >>> import pandas as pd
    >>> bought = pd.Series(pd.to_datetime(["2024-02-01"]), index=["a"])
    >>> touches = pd.DataFrame({"customer_id": ["a", "a"], "channel": ["mail", "ads"],
    ...                         "date": ["2024-01-20", "2024-01-05"]})
    >>> first_touches(touches, bought, ("channel",))
                channel
    customer_id
    a               ads
    """
    try:
        touches = nw.from_native(table, eager_only=True).to_pandas()
    except TypeError:
        raise UsageError(f"first_touch: a {type(table).__name__} is no table.") from None
    missing = [name for name in ("customer_id", *labels) if name not in touches.columns]
    if missing:
        raise ColumnError(f"first_touch: no column {listed(missing)}.")
    touches = touches.assign(customer_id=touches["customer_id"].astype(str))
    touches = touches[touches["customer_id"].isin(first_purchase.index)]
    if "date" not in touches.columns:
        twice = touches["customer_id"][touches["customer_id"].duplicated()].unique()
        if len(twice):
            raise UsageError(
                f"first_touch: {len(twice):,} customers are touched twice and there is no date: "
                f"{listed(sorted(twice))}. Add a column 'date', or keep one row a customer."
            )
        once = touches.sort_values("customer_id")
    else:
        once = _earliest(touches, first_purchase, labels)
    return pd.DataFrame(once.set_index("customer_id")[list(labels)])


def _earliest(
    touches: pd.DataFrame, first_purchase: "pd.Series[Any]", labels: tuple[str, ...]
) -> pd.DataFrame:
    """Return the earliest row of each customer up to the day of the first purchase."""
    day = pd.to_datetime(touches["date"], errors="coerce")
    if day.isna().any():
        raise UsageError(f"first_touch: {int(day.isna().sum()):,} dates cannot be read.")
    bought = first_purchase.reindex(touches["customer_id"]).to_numpy()
    touches = touches.assign(date=day)[day.dt.normalize().to_numpy() <= bought]
    ordered = touches.sort_values(["customer_id", "date", *labels], kind="stable")
    return pd.DataFrame(ordered.drop_duplicates("customer_id"))
