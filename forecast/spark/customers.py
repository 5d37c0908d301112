"""The customer summary as a Spark table: one row a customer, nothing collected."""

from typing import Any

import narwhals.stable.v2 as nw

from forecast.calendar import day_number
from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import Ledger
from forecast.views import summary_frame

__all__ = ["check_spark", "summary"]


def summary(ledger: Ledger) -> Any:
    """Return the customer summary as a Spark table, computed there when it is asked for.

    Parameters
    ----------
    ledger : Ledger
        Read from a Spark table: ``fc.read_ledger(table, customer=..., date=..., value=...)``.

    Returns
    -------
    pyspark.sql.DataFrame
        ``customer_id`` and the columns of :func:`forecast.customer_summary`, from the same
        expressions; ``recency`` and ``T`` in days, values in the ledger's currency (null without
        amounts), days as dates. In no order.

    Raises
    ------
    UnsupportedError
        If the ledger is local.
    """
    check_spark(ledger)
    from pyspark.sql import functions as sf

    def money(ticks: Any) -> Any:
        known = ledger.has_value
        return ticks.cast("double") / ledger.ticks if known else sf.lit(None).cast("double")

    count, first, last = (sf.col(name) for name in ("n_purchases", "first", "last"))
    repeats, now = count - 1, day_number(ledger.cutoff)
    later = money(sf.col("ticks") - sf.col("first_ticks"))
    started = sf.date_from_unix_date(first.cast("int"))
    table = nw.to_native(summary_frame(ledger)).select(
        "customer_id",
        repeats.alias("frequency"),
        (last - first).cast("double").alias("recency"),
        (now - first).cast("double").alias("T"),
        (later / sf.greatest(repeats, sf.lit(1))).alias("monetary_value"),
        count.alias("n_purchases"),
        sf.col("paid").alias("n_paid"),
        money(sf.col("ticks")).alias("total_value"),
        money(sf.col("first_ticks")).alias("first_value"),
        started.alias("first_purchase"),
        sf.date_from_unix_date(last.cast("int")).alias("last_purchase"),
        sf.date_format(started, "yyyy-MM").alias("cohort"),
    )
    if not ledger.customer_columns:
        return table
    return table.join(nw.to_native(ledger.attribute_rows()), on="customer_id", how="left")


def check_spark(ledger: object) -> None:
    """Refuse what is no ledger on Spark.

    Raises
    ------
    UsageError
        If it is no ledger.
    UnsupportedError
        If it is local.
    """
    if not isinstance(ledger, Ledger):
        raise UsageError(
            f"A Ledger on Spark is needed, not a {type(ledger).__name__}: call "
            "fc.read_ledger(table, customer=..., date=..., value=...)."
        )
    if not ledger.on_spark:
        raise UnsupportedError(
            "The ledger is local: use customer_summary, model.fit and model.forecast. "
            "forecast.spark is for a ledger read from a Spark table."
        )
