"""What is known of customers at an origin, and what happened after it."""

from datetime import date

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.backtest.plan import Plan
from forecast.calendar import Horizon, Window, day_number
from forecast.forecaster import Population
from forecast.ledger import Ledger

__all__ = ["actuals", "known_customers", "period_actuals"]


def known_customers(log: Ledger, origin: date, first_scored: date) -> pd.DataFrame:
    """Return everybody seen by the origin: the risk set, the same for every model and horizon.

    Parameters
    ----------
    log : Ledger
        The whole log, from where the history begins.
    origin : date
        The last day that counts.
    first_scored : date
        Customers who came before it are within the burn-in.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``, sorted; ``frequency`` (repeat purchases), ``cohort`` (month of the
        first purchase, such as ``"2024-01"``) and ``scored``.
    """
    days = log.cut(origin).days().group_by("customer_id")
    table = days.agg(nw.col("day").min().alias("first"), nw.len().cast(nw.Int64).alias("purchases"))
    frame = table.sort("customer_id").collect("pyarrow").to_pandas()
    first = frame["first"].to_numpy(np.int64)
    return pd.DataFrame(
        {
            "frequency": frame["purchases"].to_numpy(np.int64) - 1,
            "cohort": first.astype("datetime64[D]").astype("datetime64[M]").astype(str),
            "scored": first >= day_number(first_scored),
        },
        index=pd.Index(frame["customer_id"].astype(str), name="customer_id"),
    )


def actuals(
    log: Ledger,
    origin: date,
    horizon: Horizon,
    population: Population,
    *,
    plan: Plan,
    known: pd.DataFrame,
) -> pd.DataFrame:
    """Return what each customer did; existing ones are those that ``known`` says are scored.

    There is always a ``value`` column, missing without amounts.
    """
    table = log.actuals(origin, str(horizon), population, gap=plan.gap)
    table = table.reindex(columns=["purchases", "value"]).astype({"value": float})
    if population == "existing":
        table = table[known["scored"].reindex(table.index).to_numpy(bool)]
    return table


def period_actuals(
    log: Ledger, origin: date, windows: list[Window], population: Population, first_scored: date
) -> pd.DataFrame:
    """Count what a population bought in each of some windows that follow one another."""
    rows = log.days().select("customer_id", "day", "ticks")
    rows = rows.filter(nw.col("day") < day_number(windows[-1].end))
    first, last_known = nw.col("first"), day_number(origin)
    whom = {
        "existing": (first <= last_known) & (first >= day_number(first_scored)),
        "new": first > last_known,
        "all": first <= day_number(windows[-1].last),
    }
    members = rows.group_by("customer_id").agg(nw.col("day").min().alias("first"))
    members = members.filter(whom[population]).select("customer_id")
    inside = rows.filter(nw.col("day") >= day_number(windows[0].start))
    daily = inside.join(members, on="customer_id", how="inner").group_by("day")
    table = daily.agg(
        nw.len().cast(nw.Int64).alias("purchases"),
        nw.col("ticks").sum().cast(nw.Int64).alias("ticks"),
    )
    frame = table.sort("day").collect("pyarrow").to_pandas()
    starts = np.array([day_number(window.start) for window in windows])
    period = np.searchsorted(starts, frame["day"].to_numpy(np.int64), side="right") - 1
    value = np.full(len(windows), np.nan)
    if log.has_value:
        ticks = np.bincount(period, frame["ticks"].to_numpy(float), minlength=len(windows))
        value = ticks / log.ticks
    counts = np.bincount(period, frame["purchases"].to_numpy(float), minlength=len(windows))
    return pd.DataFrame(
        {
            "start": pd.to_datetime([window.start for window in windows]).as_unit("us"),
            "end": pd.to_datetime([window.end for window in windows]).as_unit("us"),
            "actual_purchases": counts,
            "actual_value": value,
        }
    )
