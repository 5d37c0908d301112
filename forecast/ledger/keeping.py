"""Where a ledger keeps its rows: tables in memory, temporary Parquet files, or frames on Spark."""

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from forecast.ledger.by_customer import size
from forecast.ledger.columns import Columns, raw
from forecast.ledger.connection import connect
from forecast.ledger.sources import Frame, Source

__all__ = ["SPILL_ROWS", "Spilled", "Stored", "TemporaryFolder", "opened", "stored"]

SPILL_ROWS = 20_000_000  # some 30 bytes each


class TemporaryFolder:
    """A folder that is removed when nothing uses it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ltv-ledger-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class Spilled:
    """A Parquet file in a temporary folder, which it keeps from being removed."""

    def __init__(self, folder: TemporaryFolder, name: str) -> None:
        self._folder, self.path = folder, folder.path / name

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path, (str(self.path),))  # a worker's copy must not remove the file


@dataclass(frozen=True)
class Stored:
    """What a ledger keeps: tables in memory, temporary Parquet files, or frames on Spark.

    Attributes
    ----------
    days : object
        One row a customer and day with a purchase.
    people : object
        One row a customer, by :func:`forecast.ledger.by_customer.by_customer`.
    attributes : object
        The customer columns, or None.
    """

    days: Any
    people: Any
    attributes: Any


def stored(merged: Frame, people: Frame, rows: Frame, columns: Columns, source: Source) -> Stored:
    """Keep purchases in memory, in temporary Parquet files, or on Spark; ids become text.

    Customers are sorted and days are not: a view sorts what it shows, and sums have no order.
    """
    text = nw.col("customer_id").cast(nw.String)
    names = {raw(name): name for name in columns.purchase_columns}
    days = merged.filter(nw.col("purchase")).select(
        nw.col("id").cast(nw.String).alias("customer_id"),
        "day",
        "ticks",
        *(nw.col(inside).alias(name) for inside, name in names.items()),
    )
    attributes = None
    if columns.customer_columns:
        names = {raw(name): name for name in columns.customer_columns}
        seen = rows.select(
            nw.col("id").alias("customer_id"),
            nw.col("day").alias("first"),
            *(nw.col(inside).alias(name) for inside, name in names.items()),
        )
        firsts = people.select("customer_id", "first")
        joined = firsts.join(seen, on=["customer_id", "first"], how="left")
        attributes = joined.group_by("customer_id", "first").agg(
            *(nw.col(name).min() for name in columns.customer_columns)
        ).with_columns(customer_id=text)  # fmt: skip
    people = people.with_columns(customer_id=text)
    if source.on_spark:
        return Stored(days, people, attributes)
    kept = None if attributes is None else attributes.collect("pyarrow").to_native()
    people = people.sort("customer_id")
    if source.folder is not None and size(merged) > SPILL_ROWS:
        folder = TemporaryFolder()
        files = Spilled(folder, "days.parquet"), Spilled(folder, "people.parquet")
        for frame, file in zip((days, people), files, strict=True):
            written = source.folder / file.path.name
            frame.to_native().write_parquet(str(written))
            written.replace(file.path)
        return Stored(*files, kept)
    return Stored(days.collect("pyarrow").to_native(), people.collect("pyarrow").to_native(), kept)


def opened(stored: Any) -> "nw.LazyFrame[Any]":
    """Open what a ledger keeps: an Arrow table, a Parquet file, or a frame on Spark."""
    if isinstance(stored, nw.LazyFrame):
        return stored
    if isinstance(stored, Spilled):
        stored = stored.path
    if isinstance(stored, Path):
        return nw.from_native(connect().read_parquet(str(stored)))
    return nw.from_native(connect().from_arrow(stored))
