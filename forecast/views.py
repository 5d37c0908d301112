"""Pure views of a ledger: the customer summary, cohorts, the revenue series, features.

The summary is one Narwhals expression that DuckDB and Spark both run; the other views return
pandas tables of a local ledger.
"""

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.calendar import Horizon, add, day_number
from forecast.customer_days import CustomerDays
from forecast.errors import HorizonError, TooLittleDataError, UnsupportedError, UsageError
from forecast.ledger import Ledger, SummaryTable

__all__ = [
    "cohort_table",
    "customer_features",
    "customer_ids",
    "customer_summary",
    "revenue_series",
    "summary_frame",
]

NO_LABEL = "(none)"


def labelled(labels: "pd.Series[Any]") -> "pd.Series[str]":
    """Return labels as text, ``"(none)"`` where there is none."""
    return labels.astype(object).where(labels.notna(), NO_LABEL).astype(str)


def summary_frame(ledger: Ledger) -> "nw.LazyFrame[Any]":
    """Return the customer summary as a lazy frame of whole numbers, on DuckDB or Spark.

    Columns as :func:`forecast.ledger.by_customer.by_customer` makes them; ``ticks`` are parts of
    ``1 / ledger.ticks`` of the currency.
    """
    _check(ledger)
    return ledger.by_customer()


def customer_summary(ledger: Ledger) -> pd.DataFrame:
    """Return one row a customer, in the field's names; times are in days.

    Parameters
    ----------
    ledger : Ledger
        Purchases up to the cutoff.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``, sorted. ``frequency``: repeat purchase days (purchases after the
        first). ``recency``: *age at the last purchase*, in days from the first; marketing's
        recency, days since the last purchase, is ``T - recency``. ``T``: age at the cutoff.
        ``monetary_value``: mean value of the repeat purchase days, 0 without any.
        ``n_purchases`` (= frequency + 1), ``n_paid`` (those of a value above 0), ``total_value``,
        ``first_value``, ``first_purchase``, ``last_purchase``, ``cohort`` (month of the first
        purchase) and the customer columns. Without amounts the columns of value are missing.

    Examples
    --------
    Bought on 1 January (10), 11 January (20) and 31 January (40), seen until 10 February:

    >>> import pandas as pd
    >>> import forecast as fc
    >>> orders = pd.DataFrame({"customer": ["a"] * 3, "value": [10.0, 20.0, 40.0],
    ...     "date": ["2024-01-01", "2024-01-11", "2024-01-31"]})
    >>> ledger = fc.read_ledger(orders, cutoff="2024-02-10")
    >>> fc.customer_summary(ledger)[["frequency", "recency", "T", "monetary_value"]]
                 frequency  recency     T  monetary_value
    customer_id
    a                    2     30.0  40.0            30.0
    """
    if isinstance(ledger, SummaryTable):
        return ledger.people.copy()
    table = _by_id(summary_frame(ledger))
    frequency = table["n_purchases"].to_numpy(np.int64) - 1
    first, last = table["first"].to_numpy(np.int64), table["last"].to_numpy(np.int64)
    total = table["ticks"].to_numpy(float) / ledger.ticks if ledger.has_value else np.nan
    opening = table["first_ticks"].to_numpy(float) / ledger.ticks if ledger.has_value else np.nan
    repeat_ticks = (table["ticks"] - table["first_ticks"]).to_numpy(float)
    mean = repeat_ticks / ledger.ticks / np.maximum(frequency, 1) if ledger.has_value else np.nan
    started = first.astype("datetime64[D]")
    month, place = np.unique(started.astype("datetime64[M]"), return_inverse=True)
    out = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (last - first).astype(float),
            "T": (day_number(ledger.cutoff) - first).astype(float),
            "monetary_value": mean,
            "n_purchases": frequency + 1,
            "n_paid": table["paid"].to_numpy(np.int64),
            "total_value": total,
            "first_value": opening,
            "first_purchase": started.astype("datetime64[s]"),
            "last_purchase": last.astype("datetime64[D]").astype("datetime64[s]"),
            "cohort": pd.array(np.datetime_as_string(month).tolist(), dtype="str").take(place),
        },
        index=table.index,
    )
    return out.join(ledger.attributes()) if ledger.customer_columns else out


def customer_ids(ledger: Ledger) -> pd.Index:
    """Return the index of :func:`customer_summary`, without working out the rest."""
    if isinstance(ledger, SummaryTable):
        return ledger.people.index
    return _by_id(summary_frame(ledger).select("customer_id")).index


def _by_id(frame: "nw.LazyFrame[Any]") -> pd.DataFrame:
    """Collect one row a customer, by ``customer_id`` as text, sorted."""
    table: pd.DataFrame = frame.collect("pyarrow").to_pandas()
    table["customer_id"] = table["customer_id"].astype(str)
    table = table.set_index("customer_id")
    return table if table.index.is_monotonic_increasing else table.sort_index()


def cohort_table(ledger: Ledger, by: str = "cohort") -> pd.DataFrame:
    """Return what each cohort bought at each age, in whole months of 30 days.

    Parameters
    ----------
    ledger : Ledger
        Purchases up to the cutoff.
    by : str
        ``"cohort"`` (month of the first purchase) or a customer column; customers without a
        value there are ``"(none)"``.

    Returns
    -------
    pandas.DataFrame
        One row a cohort and age: ``customers`` old enough to have lived that age in full,
        ``active`` among them, their ``purchases`` and ``value`` at that age (age 0 holds the first
        purchase). Ages no customer has lived in full are absent, not 0.
    """
    _local(ledger, "cohort_table")
    summary = customer_summary(ledger)
    if by not in summary.columns:
        raise UsageError(f"by: {by!r} is neither 'cohort' nor one of {ledger.customer_columns}.")
    labels = summary[by]
    if labels.isna().any():  # a customer without a label is still a customer
        labels = labelled(labels)
    rows = ledger.purchases()
    person = summary.assign(label=labels).loc[rows["customer_id"]]
    age = (rows["date"].to_numpy() - person["first_purchase"].to_numpy()).astype(
        "timedelta64[D]"
    ).astype(int) // 30
    lived = (summary["T"].to_numpy() + 1) // 30
    rows = rows.assign(group=person["label"].to_numpy(), age=age)
    rows = rows[age < (person["T"].to_numpy() + 1) // 30]
    spent = {"value": ("value", "sum")} if ledger.has_value else {}
    bought = rows.groupby(["group", "age"]).agg(
        active=("customer_id", "nunique"), purchases=("date", "size"), **spent
    )
    parts = []
    for group, members in pd.Series(lived, index=labels.to_numpy()).groupby(level=0):
        oldest = int(members.max())
        size = [int((members > age).sum()) for age in range(oldest)]
        parts.append(pd.DataFrame({"group": group, "age": range(oldest), "customers": size}))
    sizes = pd.concat(parts).set_index(["group", "age"])
    table = sizes.join(bought).fillna(0.0).astype({"active": int, "purchases": int})
    if not ledger.has_value:
        table["value"] = np.nan
    return table.reset_index().rename(columns={"group": "cohort"})


def revenue_series(ledger: Ledger, every: str = "W") -> pd.DataFrame:
    """Return purchases and value by period, in full periods counted back from the cutoff.

    Parameters
    ----------
    ledger : Ledger
        Purchases up to the cutoff.
    every : str
        ``"D"``, ``"W"``, ``"M"`` or a length such as ``"2W"``.

    Returns
    -------
    pandas.DataFrame
        Index ``start`` (first day of the period); ``end`` (the day after), ``purchases``,
        ``value``, ``active_customers``, ``new_customers``.
    """
    _local(ledger, "revenue_series")
    one = isinstance(every, str) and every.strip().upper() in ("D", "W", "M", "Y")
    length = Horizon.parse(f"1{every.strip()}" if one else every, "every")
    if length.until is not None:
        raise HorizonError(f"every: {length} is a date; give a length such as '1W'.")
    edges, step = [ledger.cutoff], 1
    while (edge := add(ledger.cutoff, -step * length.count, length.unit)) >= (
        ledger.first_day - timedelta(days=1)
    ):
        edges.append(edge)
        step += 1
    if len(edges) < 2:
        raise TooLittleDataError(
            f"The log spans {(ledger.cutoff - ledger.first_day).days + 1} days: less than one "
            f"period of {length}."
        )
    bounds = np.array(edges[::-1], "datetime64[D]") + np.timedelta64(1, "D")
    rows = ledger.purchases()
    rows["new"] = ~rows.duplicated("customer_id")
    place = np.searchsorted(bounds, rows["date"].to_numpy(), side="right") - 1
    grouped = rows[place >= 0].groupby(place[place >= 0])
    spent = grouped["value"].sum() if ledger.has_value else np.nan
    out = pd.DataFrame(
        {
            "purchases": grouped.size(),
            "value": spent,
            "active_customers": grouped["customer_id"].nunique(),
            "new_customers": grouped["new"].sum(),
        }
    ).reindex(range(len(bounds) - 1))
    counts = ["purchases", "active_customers", "new_customers"]
    out[counts] = out[counts].fillna(0).astype(int)
    if ledger.has_value:
        out["value"] = out["value"].fillna(0.0)
    out.insert(0, "end", bounds[1:])
    out.index = pd.DatetimeIndex(bounds[:-1], name="start")
    return out


def customer_features(ledger: Ledger) -> pd.DataFrame:
    """Return numeric features of each customer at the cutoff, from the past alone.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``: the summary's counts and ages (days), ``days_since_last``, rate
        (purchases a day of life), mean and spread of the gaps between purchases (days), purchases
        and value in the last 30, 90, 180 and 365 days, mean order value, first value, and the
        season of the first purchase as sine and cosine of the year.
    """
    _local(ledger, "customer_features")
    days = CustomerDays.of(ledger)
    return pd.DataFrame(days.features(), index=days.customers)


def _check(ledger: object) -> None:
    if not isinstance(ledger, Ledger):
        raise UsageError(f"A Ledger is needed, not a {type(ledger).__name__}: call fc.read_ledger.")


def _local(ledger: Ledger, view: str) -> None:
    _check(ledger)
    if isinstance(ledger, SummaryTable):
        ledger.refuse(view)
    if ledger.on_spark:
        raise UnsupportedError(f"{view} needs a local ledger; a Spark ledger has customer_summary.")
