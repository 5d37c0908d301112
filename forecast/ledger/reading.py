"""Read a purchase log once: choose columns, clean rows, merge days, and write the audit."""

import datetime as dt
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np

from forecast.calendar import day_number, day_of, parse_day
from forecast.errors import BadRowsError, CutoffError, DataError, DataWarning, UsageError
from forecast.ledger.audit import Audit
from forecast.ledger.columns import Columns, choose_columns
from forecast.ledger.ledger import Ledger, Spilled
from forecast.ledger.rows import Frame, clean_rows, raw, size
from forecast.ledger.sources import Source, connect, open_source, reading

__all__ = ["read_ledger"]

Returns = Literal["net", "drop", "keep", "error"]
SPILL_ROWS = 5_000_000
_POLICIES = {
    "net": "netted within their day; a day below 0 is no purchase and leaves the value",
    "drop": "left out",
    "keep": "kept, as purchases of negative value",
    "error": "refused",
}


def read_ledger(
    source: Any,
    *,
    customer: str | None = None,
    date: str | None = None,
    value: str | None = None,
    cutoff: str | dt.date | None = None,
    returns: Returns = "net",
    date_format: str | None = None,
    timezone: str | None = None,
    customer_columns: Sequence[str] = (),
    purchase_columns: Sequence[str] = (),
    key: Sequence[str] | None = None,
    max_bad_rows: int = 0,
    as_of: str | dt.date | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Ledger:
    """Read a log of purchases, check every row, and keep one row a customer and day.

    Parameters
    ----------
    source : path, glob, folder or table
        CSV (plain or gzipped) or Parquet; or a pandas, Polars, PyArrow, DuckDB or Spark table.
    customer, date, value : str, optional
        Column names. Customer and date are guessed where there is no doubt, and the audit says
        so; the value is guessed only where neither of those is named. Without a value the ledger
        counts purchases and knows no money.
    cutoff : date or str, optional
        Last day of observation, by default the last day in the log. Later rows are left out and
        counted; a day after the last row is where observation ended.
    returns : {"net", "drop", "keep", "error"}
        What negative amounts mean: netted within their day, left out, kept as purchases of
        negative value, or refused.
    date_format : str, optional
        How dates given as text are written, as in ``strptime``; by default ISO ``YYYY-MM-DD``
        with or without a time of day.
    timezone : str, optional
        Whose day counts, for timestamps with a time zone, e.g. ``"Europe/London"``.
    customer_columns, purchase_columns : sequence of str
        Further columns to keep: of the customer (the first seen), of the purchase day (numbers
        are summed, else the smallest text).
    key : sequence of str, optional
        Columns that identify a row: rows with the same key are read once. Without a key,
        repeated rows are kept and warned about; ``key=()`` says that they are genuine.
    max_bad_rows : int
        How many unreadable rows (no customer, no date, no amount) may be dropped.
    as_of : date or str, optional
        Today, by default the computer's date; rows or cutoffs after it are errors.
    delimiter, encoding : str
        Of CSV files.

    Returns
    -------
    Ledger

    Raises
    ------
    ColumnError
        If a column is missing, doubled or cannot be guessed.
    BadRowsError
        If rows cannot be read; says the column, how many, and the first five.
    CutoffError
        If the cutoff lies before the first or, beyond ``as_of``, after the last day.

    Notes
    -----
    A purchase is a customer-day with at least one row of 0 or more that nets to 0 or more.
    """
    if returns not in _POLICIES:
        raise UsageError(f"returns: {returns!r} is not one of {', '.join(_POLICIES)}.")
    if max_bad_rows < 0:
        raise UsageError(f"max_bad_rows: {max_bad_rows} must be 0 or more.")
    today = parse_day(as_of, "as_of") if as_of is not None else dt.date.today()
    end = parse_day(cutoff, "cutoff") if cutoff is not None else None
    if end is not None and end > today:
        raise CutoffError(f"cutoff: {end} lies in the future (today is {today}).")
    opened = open_source(source, delimiter=delimiter, encoding=encoding)
    with reading(opened.name):
        available = list(opened.frame.collect_schema().names())
    columns = choose_columns(
        available,
        customer=customer,
        date=date,
        value=value,
        customer_columns=customer_columns,
        purchase_columns=purchase_columns,
        key=key or (),
    )
    audit = Audit()
    repeated = 0
    if key is None:
        with reading(opened.name):
            repeated = _repeated(opened)
    clean = clean_rows(
        opened,
        columns,
        date_format=date_format,
        timezone=timezone,
        max_bad_rows=max_bad_rows,
    )
    rows = clean.frame
    audit.add("rows", clean.counts["rows"], f"Rows in {opened.name}.")
    for role in columns.guessed:
        audit.add("column guessed", 1, f"The {role} is taken from {getattr(columns, role)!r}.")
    for name, count in clean.counts.items():
        if name.startswith("bad ") and name != "bad rows" and count:
            audit.warn(name, count, f"Rows left out: {name.removeprefix('bad ')}.")
    if clean.zone:
        audit.add("time zone", 1, f"Days are counted in {clean.zone} time zone.")
    if repeated:
        audit.warn("repeated rows", repeated, "Rows equal to an earlier row in every column; kept.")
        audit.say(
            f"{repeated:,} rows equal an earlier row in every column. They are kept; if they are "
            "mistakes, name the columns that identify a row: key=[...]."
        )
    if key:
        rows, dropped = _deduplicated(rows, columns)
        audit.add("repeated keys", dropped, f"Rows dropped: {', '.join(key)} seen before.")
    ledger = _ledger_from(rows, columns, opened, audit, end, today, returns)
    for message in audit.messages:
        warnings.warn(message, DataWarning, stacklevel=2)
    return ledger


def _repeated(source: Source) -> int:
    total, distinct = source.frame, source.frame.unique()
    return size(total) - size(distinct)


def _deduplicated(rows: Frame, columns: Columns) -> tuple[Frame, int]:
    """Keep one row a key; rows that share a key must agree on customer, day and amount."""
    facts = ["id", "day", *(["amount"] if columns.value else [])]
    kept = [raw(name) for name in (*columns.customer_columns, *columns.purchase_columns)]
    keys = [raw(name) for name in columns.key]
    before = size(rows)
    names = list(dict.fromkeys([*keys, *facts, *kept]))
    rows = rows.select(*names).unique()
    different, after = size(rows.select(*keys).unique()), size(rows)
    if different < after:
        raise BadRowsError(
            "rows of one key differ in customer, date or amount",
            column=", ".join(columns.key),
            count=after - different,
            samples=[],
            remedy="Name every column that identifies a row.",
        )
    return rows, before - after


def _ledger_from(
    rows: Frame,
    columns: Columns,
    source: Source,
    audit: Audit,
    end: dt.date | None,
    today: dt.date,
    returns: Returns,
) -> Ledger:
    rows, scale = _with_ticks(rows, columns)
    if not source.on_spark and size(rows) <= SPILL_ROWS:
        extras = [raw(name) for name in (*columns.customer_columns, *columns.purchase_columns)]
        amount = ["amount"] if columns.value else []
        kept = rows.select("id", "day", "ticks", *amount, *extras).collect("pyarrow")
        rows = nw.from_native(connect().from_arrow(kept.to_native()))
    facts = _facts(rows)
    first, last = day_of(facts["first"]), day_of(facts["last"])
    if last > today:
        late = rows.filter(nw.col("day") > day_number(today))
        days = late.select("day").unique().sort("day").head(5).collect("pyarrow")["day"].to_list()
        raise BadRowsError(
            f"dates in the future (today is {today})",
            column=columns.date,
            count=size(late),
            samples=[str(day_of(day)) for day in days],
            remedy="Mend them; as_of=... sets another today.",
        )
    if end is not None and end < first:
        raise CutoffError(f"cutoff: {end} lies before the first row on {first}.")
    if end is None:
        audit.add("cutoff", 0, f"Observation ends on {last}, the last day in the log.")
    elif (after := rows.filter(nw.col("day") > day_number(end))) is not None:
        count = size(after)
        audit.add("after the cutoff", count, f"Rows after the cutoff {end}, left out.")
        rows = rows.filter(nw.col("day") <= day_number(end))
    if returns == "error" and (negative := size(rows.filter(nw.col("ticks") < 0))):
        samples = rows.filter(nw.col("ticks") < 0).select("amount").head(5).collect("pyarrow")
        raise BadRowsError(
            "negative amounts",
            column=str(columns.value),
            count=negative,
            samples=samples["amount"].to_list(),
            remedy='Say what they mean: returns="net", "drop" or "keep".',
        )
    merged = _by_day(rows, columns, returns)
    stored, attributes = _stored(merged, rows, columns, source)
    days = audit.days(merged, scale, _POLICIES[returns] if columns.value else None)
    if days.purchases == 0:
        raise DataError(
            f"{source.name} holds no purchase: every customer-day is a return on balance."
        )
    audit.reach(days, end or last)
    audit.look_alikes(rows.select("id").unique())
    return Ledger(
        cutoff=end or last,
        audit=audit.table(),
        has_value=columns.value is not None,
        customer_columns=columns.customer_columns,
        purchase_columns=columns.purchase_columns,
        first_day=day_of(days.first),
        ticks=scale,
        _days=stored,
        _attributes=attributes,
    )


def _with_ticks(rows: Frame, columns: Columns) -> tuple[Frame, int]:
    """Amounts as whole numbers of ticks: billionths, or coarser where amounts are huge."""
    if columns.value is None:
        return rows.with_columns(nw.lit(0, nw.Int64).alias("ticks")), 1
    most = rows.select(nw.col("amount").abs().max()).collect("pyarrow").item()
    digits = 0 if not most else int(np.floor(np.log10(most))) + 1
    scale = int(10 ** np.clip(15 - digits, 0, 9))
    return rows.with_columns(
        (nw.col("amount") * scale).round().cast(nw.Int64).alias("ticks")
    ), scale


def _facts(rows: Frame) -> dict[str, Any]:
    facts = rows.select(
        nw.col("day").min().alias("first"), nw.col("day").max().alias("last")
    ).collect("pyarrow").rows(named=True)[0]  # fmt: skip
    if facts["first"] is None:
        raise DataError("No row is left after dropping the unreadable ones.")
    return dict(facts)


def _by_day(rows: Frame, columns: Columns, returns: Returns) -> Frame:
    """One row a customer-day, with how many rows it merges and whether it is a purchase."""
    if returns == "drop":
        rows = rows.filter(nw.col("ticks") >= 0)
    schema = rows.collect_schema()
    extras = [
        nw.col(raw(name)).sum().cast(nw.Float64).alias(name)
        if schema[raw(name)].is_numeric()
        else nw.col(raw(name)).min().alias(name)
        for name in columns.purchase_columns
    ]
    rows = rows.with_columns(
        sold=(nw.col("ticks") >= 0).cast(nw.Int64),
        returned=(nw.col("ticks") < 0).cast(nw.Int64),
    )
    merged = rows.group_by("id", "day").agg(
        nw.col("ticks").sum().cast(nw.Int64),
        nw.len().cast(nw.Int64).alias("rows"),
        nw.col("sold").sum().cast(nw.Int64),
        nw.col("returned").sum().cast(nw.Int64),
        *extras,
    )
    bought = (nw.col("sold") > 0) & (nw.col("ticks") >= 0)
    bought = nw.lit(True) if returns == "keep" else bought
    return merged.with_columns(bought.alias("purchase"))


def _stored(merged: Frame, rows: Frame, columns: Columns, source: Source) -> tuple[Any, Any]:
    """Keep purchase days in memory, in a temporary Parquet file, or on Spark."""
    days = merged.filter(nw.col("purchase")).select(
        nw.col("id").alias("customer_id"), "day", "ticks", *columns.purchase_columns
    )
    attributes = None
    if columns.customer_columns:
        names = [nw.col(raw(name)).alias(name) for name in columns.customer_columns]
        firsts = days.group_by("customer_id").agg(nw.col("day").min().alias("first"))
        seen = rows.select(nw.col("id").alias("customer_id"), nw.col("day").alias("first"), *names)
        joined = firsts.join(seen, on=["customer_id", "first"], how="left")
        attributes = joined.group_by("customer_id", "first").agg(
            *(nw.col(name).min() for name in columns.customer_columns)
        )
    if source.on_spark:
        return days, attributes
    kept = None if attributes is None else attributes.collect("pyarrow").to_native()
    days = days.sort("customer_id", "day")
    if size(merged) <= SPILL_ROWS:
        return days.collect("pyarrow").to_native(), kept
    spilled = Spilled(tempfile.mkdtemp(prefix="ltv-ledger-"))
    days.to_native().write_parquet(str(spilled.path))
    return spilled, kept
