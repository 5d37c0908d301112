"""Purchase days added up by customer: what every summary starts from."""

import narwhals.stable.v2 as nw

from forecast.ledger.sources import Frame

__all__ = ["by_customer", "distinct", "size"]


def by_customer(days: Frame) -> Frame:
    """Return one row a customer, in whole numbers, on DuckDB or Spark.

    Parameters
    ----------
    days : narwhals.LazyFrame
        One row a customer and day: ``customer_id``, ``day`` (since 1970-01-01), ``ticks``.

    Returns
    -------
    narwhals.LazyFrame
        ``customer_id``, ``n_purchases``, ``first`` and ``last`` (day numbers), ``ticks`` (total),
        ``paid`` (purchases of a value above 0) and ``first_ticks`` (of the first day).
    """
    people = (
        days.select("customer_id", "day", "ticks")
        .with_columns(paid=nw.when(nw.col("ticks") > 0).then(nw.lit(1)))
        .group_by("customer_id")
        .agg(
            nw.len().cast(nw.Int64).alias("n_purchases"),
            nw.col("day").min().alias("first"),
            nw.col("day").max().alias("last"),
            nw.col("ticks").sum().cast(nw.Int64),
            nw.col("paid").count().cast(nw.Int64),
        )
    )
    opening = days.select(
        "customer_id", nw.col("day").alias("first"), nw.col("ticks").alias("first_ticks")
    )
    return people.join(opening, on=["customer_id", "first"], how="inner")


def distinct(rows: Frame) -> Frame:
    """Return the distinct rows, by grouping: ``unique`` would number all rows first."""
    names = rows.collect_schema().names()
    plain = {f"column {place}": name for place, name in enumerate(names)}
    rows = rows.select(nw.col(name).alias(key) for key, name in plain.items())
    grouped = rows.group_by(*plain).agg(nw.len().alias("rows"))  # no key may hold a dot
    return grouped.select(nw.col(key).alias(name) for key, name in plain.items())


def size(rows: Frame) -> int:
    """Return the number of rows."""
    return int(rows.select(nw.len()).collect("pyarrow").item())
