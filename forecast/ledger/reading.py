"""Read a purchase log once: choose columns, clean rows, merge days, and write the audit."""

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw

from forecast.calendar import day_number, day_of, parse_day
from forecast.errors import BadRowsError, CutoffError, DataError, DataWarning, UsageError
from forecast.ledger.amounts import notation_of
from forecast.ledger.audit import Audit
from forecast.ledger.by_customer import distinct, size
from forecast.ledger.columns import Columns, choose_columns
from forecast.ledger.currency import check_currency
from forecast.ledger.dates import check_date_options
from forecast.ledger.keeping import stored
from forecast.ledger.ledger import Ledger
from forecast.ledger.merging import Returns, by_day, once_a_key, people_of, with_ticks
from forecast.ledger.possible_amounts import possible_amounts
from forecast.ledger.rows import CleanRows, Written, clean_rows
from forecast.ledger.source_errors import reading
from forecast.ledger.sources import Frame, Source, open_source

__all__ = ["read_ledger"]

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
    decimal: str | None = None,
    thousands: str | None = None,
    currency: str | None = None,
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
        Folders of Parquet named ``year=2024`` give the column ``year``, as text.
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
        Whose day counts, for times with a time zone, e.g. ``"Europe/London"``: timestamps, or
        text such as ``2024-01-01T23:30:00+02:00``, with an offset or ``Z`` in every row.
    decimal, thousands : str, optional
        How amounts given as text are written: the sign before the cents, ``"."`` (the default) or
        ``","``, and the sign between thousands, ``"."``, ``","``, ``" "`` or ``"'"``. A sign or
        code of a currency is left out where every amount carries the same, and the audit says so.
    currency : str, optional
        What amounts are called wherever they are shown, e.g. ``"GBP"``: a label of at most 12
        signs. Nothing is converted; another code in the log is refused.
    customer_columns, purchase_columns : sequence of str
        Further columns to keep: of the customer (on the day of the first purchase; the smallest
        if several), of the purchase day (numbers are summed, else the smallest text).
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
    if not isinstance(returns, str) or returns not in _POLICIES:
        raise UsageError(f"returns: {returns!r} is not one of {', '.join(_POLICIES)}.")
    if isinstance(max_bad_rows, bool) or not isinstance(max_bad_rows, int) or max_bad_rows < 0:
        raise UsageError(f"max_bad_rows: {max_bad_rows!r} is not a whole number, 0 or more.")
    check_date_options(date_format, timezone)
    check_currency(currency)
    written = Written(date_format, timezone, notation_of(decimal, thousands), currency)
    today = parse_day(as_of, "as_of") if as_of is not None else dt.date.today()
    end = parse_day(cutoff, "cutoff") if cutoff is not None else None
    if end is not None and end > today:
        raise CutoffError(f"cutoff: {end} lies in the future (today is {today}).")
    names: dict[str, Any] = {"customer": customer, "date": date, "value": value, "key": key}
    names |= {"customer_columns": customer_columns, "purchase_columns": purchase_columns}
    with (
        open_source(source, delimiter=delimiter, encoding=encoding) as opened,
        reading(opened.name),
    ):
        columns = choose_columns(opened.names(), **names)
        clean = clean_rows(opened, columns, written, max_bad_rows=max_bad_rows)
        repeated = clean.total - size(distinct(opened.frame)) if key is None else 0
        audit = _opening(opened, columns, clean, repeated)
        if columns.value is None and customer is None and date is None:
            audit.no_amounts(possible_amounts(opened, columns))
        ledger = _ledger_from(clean, columns, opened, audit, (end, today), returns)
        ledger = replace(ledger, currency=currency)
        opened.release(clean.table)
    for message in audit.messages:
        warnings.warn(message, DataWarning, stacklevel=2)
    return ledger


def _opening(source: Source, columns: Columns, clean: CleanRows, repeated: int) -> Audit:
    """Begin the audit with what was read and what was left out."""
    audit = Audit()
    audit.add("rows", clean.total, f"Rows in {source.name}.")
    for role in columns.guessed:
        audit.add("column guessed", 1, f"The {role} is taken from {getattr(columns, role)!r}.")
    for name, count in clean.bad.items():
        if count:
            audit.warn(f"bad {name}", count, f"Rows left out: {name}.")
    if clean.zone:
        audit.add("time zone", 1, f"Days are counted in {clean.zone} time zone.")
    if mark := clean.notation.mark:
        audit.add("currency", 1, f"Every amount carries {mark!r}, which is left out.")
    if repeated:
        audit.warn("repeated rows", repeated, "Rows equal to an earlier row in every column; kept.")
        rows = "1 row equals" if repeated == 1 else f"{repeated:,} rows equal"
        audit.say(
            f"{rows} an earlier row in every column. They are kept; if they are mistakes, name "
            "the columns that identify a row: key=[...]; if not, say key=()."
        )
    return audit


def _ledger_from(
    clean: CleanRows,
    columns: Columns,
    source: Source,
    audit: Audit,
    ends: tuple[dt.date | None, dt.date],
    returns: Returns,
) -> Ledger:
    rows, (end, today) = clean.frame, ends
    if columns.key:
        rows, dropped = once_a_key(rows, columns, source)
        unlike = 0
        if dropped and not source.on_spark:  # there the rows are many, and may hold maps
            unlike = dropped - (clean.total - size(distinct(source.frame)))
        audit.keys(columns.key, dropped, unlike, money=columns.value is not None)
    first, last, after = _span(rows, end, source)
    if last > today:
        _refuse_future(rows, columns, source, today)
    if end is not None and end < first:
        raise CutoffError(f"cutoff: {end} lies before the first row on {first}.")
    rows, scale = with_ticks(rows, columns, source)
    if end is None:
        audit.add("cutoff", 0, f"Observation ends on {last}, the last day in the log.")
    else:
        audit.add("after the cutoff", after, f"Rows after the cutoff {end}, left out.")
        rows = rows.filter(nw.col("day") <= day_number(end))
    if returns == "error":
        _refuse_returns(rows, columns, source)
    merged = by_day(rows, columns, source, returns, clean.notation)
    people = people_of(merged, source)
    policy = _POLICIES[returns] if columns.value else None
    days = audit.days(merged, people, scale, policy, end or last)
    if days.purchases == 0:
        raise DataError(
            f"{source.name} holds no purchase up to {end or last}: every customer-day is a "
            "return, or below 0 on balance."
        )
    audit.reach(days, end or last, given=end is not None)
    audit.look_alikes(merged, people)
    kept = stored(merged, people, rows, columns, source)
    return Ledger(
        cutoff=end or last,
        audit=audit.table(),
        has_value=columns.value is not None,
        customer_columns=columns.customer_columns,
        purchase_columns=columns.purchase_columns,
        first_day=day_of(days.first),
        ticks=scale,
        _days=kept.days,
        _attributes=kept.attributes,
        _people=kept.people,
    )


def _span(rows: Frame, end: dt.date | None, source: Source) -> tuple[dt.date, dt.date, int]:
    """Return the first and the last day of the log, and how many rows lie after the cutoff."""
    late = nw.col("day") > (day_number(end) if end is not None else 0)
    facts = rows.with_columns(late=late.cast(nw.Int64)).select(
        nw.col("day").min().alias("first"),
        nw.col("day").max().alias("last"),
        nw.col("late").sum(),
    ).collect("pyarrow").rows(named=True)[0]  # fmt: skip
    if facts["first"] is None:
        raise DataError("No row is left after dropping the unreadable ones.")
    if facts["first"] < day_number(dt.date.min) or facts["last"] > day_number(dt.date.max):
        raise DataError(
            f"{source.name}: what the Parquet file says of its dates is not true of its rows; it "
            "is damaged. Write it again."
        )
    return day_of(facts["first"]), day_of(facts["last"]), int(facts["late"])


def _refuse_future(rows: Frame, columns: Columns, source: Source, today: dt.date) -> None:
    late = rows.filter(nw.col("day") > day_number(today))
    days = distinct(late.select("day")).sort("day").head(5).collect("pyarrow")["day"].to_list()
    raise BadRowsError(
        f"dates in the future (today is {today})",
        column=columns.date,
        count=size(late),
        samples=[str(day_of(day)) for day in days],
        remedy="Mend them; as_of=... sets another today.",
        source=source.name,
    )


def _refuse_returns(rows: Frame, columns: Columns, source: Source) -> None:
    negative = rows.filter(nw.col("ticks") < 0)
    if count := size(negative):
        samples = negative.sort("amount").select("amount").head(5).collect("pyarrow")
        raise BadRowsError(
            "negative amounts",
            column=str(columns.value),
            count=count,
            samples=samples["amount"].to_list(),
            remedy='Say what they mean: returns="net", "drop" or "keep".',
            source=source.name,
        )
