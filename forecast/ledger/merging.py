"""From clean rows to purchase days: one row a customer and day."""

from dataclasses import replace
from typing import Literal

import narwhals.stable.v2 as nw
import numpy as np

from forecast.errors import BadRowsError, DataError
from forecast.ledger.amounts import Notation
from forecast.ledger.by_customer import by_customer, distinct, size
from forecast.ledger.columns import Columns, raw
from forecast.ledger.sources import Frame, Source

__all__ = ["Returns", "by_day", "once_a_key", "people_of", "with_ticks"]

Returns = Literal["net", "drop", "keep", "error"]
_DIGITS = 15  # what a float holds for sure


def once_a_key(rows: Frame, columns: Columns, source: Source) -> tuple[Frame, int]:
    """Keep one row a key, and count the others; rows of one key must agree on all that is kept.

    Raises
    ------
    BadRowsError
        If they do not.
    """
    before = size(rows)
    rows = source.keep(distinct(rows), "unique")
    keys = [raw(name) for name in columns.key]
    after = size(rows)
    twice = rows.group_by(*keys).agg(nw.len().alias("copies")).filter(nw.col("copies") > 1)
    if (several := size(twice)) > 0:
        found = twice.select(nw.col(keys[0]).cast(nw.String)).head(5).collect("pyarrow")
        raise BadRowsError(
            "rows of one key differ in customer, date, amount or a column that is kept",
            column=", ".join(columns.key),
            count=several,
            samples=found[keys[0]].to_list(),
            remedy="Name every column that identifies a row: where each row is a line of an order, "
            "add the line's own column to key=[...], or say key=().",
            source=source.name,
        )
    return rows, before - after


def with_ticks(rows: Frame, columns: Columns, source: Source) -> tuple[Frame, int]:
    """Add amounts as whole numbers of ticks, so small that 15 digits of the largest are kept.

    Raises
    ------
    DataError
        If amounts add up to so much that cents would be lost.
    """
    if columns.value is None:
        return rows.with_columns(nw.lit(0, nw.Int64).alias("ticks")), 1
    absolute = rows.select(nw.col("amount").abs())
    sums = absolute.select(
        nw.col("amount").max().alias("most"), nw.col("amount").sum().alias("total")
    ).collect("pyarrow").rows(named=True)[0]  # fmt: skip
    most, total = float(sums["most"] or 0), float(sums["total"] or 0)
    power = int(min(_DIGITS - _digits(most), 18 - _digits(total), 18))
    if power < 2:
        raise DataError(
            f"Column {columns.value!r} of {source.name}: amounts add up to {total:.3g}, beyond "
            "which cents are lost. Give them in a larger unit, e.g. in thousands."
        )
    ticks = (nw.col("amount") * float(10**power)).round().cast(nw.Int64)
    return rows.with_columns(ticks.alias("ticks")), 10**power


def _digits(amount: float) -> int:
    """Return how many digits stand before the point; negative below 0.1."""
    return int(np.floor(np.log10(amount))) + 1 if amount > 0 else 0


def by_day(
    rows: Frame, columns: Columns, source: Source, returns: Returns, notation: Notation
) -> Frame:
    """Merge the rows of a customer-day, count them, and say whether it is a purchase."""
    schema = rows.collect_schema()
    drop = returns == "drop"
    rows = rows.with_columns(
        refund=nw.when(nw.col("ticks") < 0).then(nw.lit(1)),
        ticks=nw.max_horizontal("ticks", nw.lit(0)) if drop else nw.col("ticks"),
    )
    notation = replace(notation, mark="")  # the amounts' own
    extras, numbers = [], _numbers(rows, columns, source, notation)
    for name in columns.purchase_columns:
        kept = nw.col(raw(name))
        if name in numbers:
            rows = rows.with_columns(notation.plain(kept).cast(nw.Float64).alias(raw(name)))
        if drop:  # a return that is left out leaves nothing else behind either
            rows = rows.with_columns(
                nw.when(nw.col("refund").is_null()).then(kept).alias(raw(name))
            )
        summed = name in numbers or schema[raw(name)].is_numeric()
        extras.append((kept.sum().cast(nw.Float64) if summed else kept.min()).alias(raw(name)))
    merged = rows.group_by("id", "day").agg(
        nw.col("ticks").sum().cast(nw.Int64),
        nw.len().cast(nw.Int64).alias("rows"),
        nw.col("refund").count().cast(nw.Int64).alias("returned"),
        *extras,
    )
    bought = (nw.col("rows") > nw.col("returned")) & (nw.col("ticks") >= 0)
    merged = merged.with_columns(
        purchase=nw.lit(True) if returns == "keep" else bought,
        rows=nw.col("rows") - nw.col("returned") if drop else nw.col("rows"),
    )
    return source.keep(merged, "merged")


def _numbers(rows: Frame, columns: Columns, source: Source, notation: Notation) -> set[str]:
    """Return the purchase columns of a text file that hold numbers and nothing else."""
    if not (source.text and columns.purchase_columns):
        return set()
    names = [raw(name) for name in columns.purchase_columns]
    odd = {name: ~nw.col(name).str.contains(notation.pattern) for name in names}
    flags = [flag.cast(nw.Int64).alias(name) for name, flag in odd.items()]
    counted = rows.select(*flags).select(*(nw.col(name).sum() for name in names))
    found = counted.collect("pyarrow").rows(named=True)[0]
    return {name for name in columns.purchase_columns if found[raw(name)] == 0}


def purchase_days(merged: Frame) -> Frame:
    """Return the customer-days with a purchase: ``customer_id``, ``day``, ``ticks``."""
    bought = merged.filter(nw.col("purchase"))
    return bought.select(nw.col("id").alias("customer_id"), "day", "ticks")


def people_of(merged: Frame, source: Source) -> Frame:
    """Add up the purchases of each customer, once for the audit and the summary."""
    return source.keep(by_customer(purchase_days(merged)), "people")
