"""From raw rows to clean ones: an id, a day number, an amount, and what is wrong with each row.

Everything is one set of Narwhals expressions, run by DuckDB or Spark.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import ColumnError, DataError, listed
from forecast.ledger.amounts import NO_NUMBER, Notation, marked, with_amount
from forecast.ledger.bad_rows import BadRows, refusal
from forecast.ledger.by_customer import distinct
from forecast.ledger.columns import Columns, raw
from forecast.ledger.currency import refuse_another
from forecast.ledger.dates import with_day
from forecast.ledger.sources import FILE, ROW, Frame, Source
from forecast.ledger.unread_amounts import refuse_two_currencies, unread_texts
from forecast.ledger.unread_dates import explain_dates

__all__ = ["CleanRows", "Written", "clean_rows"]

_NO_IDS = {
    "bool",
    "bytes",
    "date",
    "datetime",
    "dict",
    "list",
    "object",
    "set",
    "Timestamp",
    "tuple",
}
MOST_SIGNS = 10_000  # of an id or another text that is kept
MOST_ROWS = 10_000_000_000  # of one machine; more are for Spark


@dataclass(frozen=True)
class Written:
    """How days and amounts given as text are written, and in which currency, as the user said."""

    date_format: str | None = None
    timezone: str | None = None
    amounts: Notation = field(default_factory=Notation)
    currency: str | None = None


@dataclass(frozen=True)
class CleanRows:
    """Sound rows with ``id``, ``day`` and ``amount``, and what was found.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        The rows; columns to keep carry the names that :func:`raw` gives. Ids that are whole
        numbers stay so: they are quicker to group, and become text when the ledger is stored.
    table : narwhals.LazyFrame
        What was computed, bad rows included.
    total : int
        Rows read, bad ones included.
    bad : dict
        Kind of fault -> how many rows were left out for it.
    zone : str or None
        The time zone in which days are counted.
    notation : Notation
        How amounts given as text are written.
    """

    frame: Frame
    table: Frame
    total: int
    bad: dict[str, int]
    zone: str | None
    notation: Notation


def clean_rows(
    source: Source,
    columns: Columns,
    written: Written,
    *,
    max_bad_rows: int,
) -> CleanRows:
    """Add ``id``, ``day`` and ``amount``, refuse or drop rows that lack one, and count.

    Raises
    ------
    BadRowsError
        If more than ``max_bad_rows`` rows cannot be read; the first five are shown.
    DataError
        If the source has no rows, or a column is of a type that cannot be what it should.
    """
    schema = source.frame.collect_schema()
    if not len(source.frame.head(1).collect("pyarrow")):
        raise DataError(f"{source.name} has columns but no rows.")
    if source.on_spark and (odd := [name for name in columns.named if {*".`"} & {*name}]):
        raise ColumnError(
            f"{source.name}: column {listed(odd)}: a point or a backtick in a name is grammar to "
            "Spark. Rename the columns, e.g. with table.toDF(...)."
        )
    _refuse_currencies(source, columns, written.currency)
    written = replace(written, amounts=marked(source, columns.value, written.amounts))
    refuse_another(written.currency, written.amounts.mark, "every amount carries")
    frame, zone, faults = _judged(source, columns, written)
    extras = (*columns.customer_columns, *columns.purchase_columns, *columns.key)
    names = ["id", "day", *(["amount"] if columns.value else []), "fault"]
    kept = frame.select(*names, *dict.fromkeys(raw(name) for name in extras))
    if source.on_spark or _parsed(columns, schema):  # else reading again costs less than a copy
        kept = source.keep(kept, "clean")
    flags = [
        (nw.col("fault") == place).cast(nw.Int64).alias(name)
        for place, name in enumerate(faults, start=1)
    ]
    texts = [] if schema[columns.customer] != nw.String else [("id", columns.customer)]
    texts += [(raw(name), name) for name in dict.fromkeys(extras) if schema[name] == nw.String]
    widths = [nw.col(name).str.len_chars().max().alias(f"width {name}") for name, _ in texts]
    counted = kept.with_columns(*flags).select(
        nw.len().alias("rows"), *(nw.col(name).sum() for name in faults), *widths
    ).collect("pyarrow").rows(named=True)[0]  # fmt: skip
    if counted["rows"] > MOST_ROWS and not source.on_spark:
        raise DataError(
            f"{source.name}: {counted['rows']:,} rows, where {MOST_ROWS:,} are the most that one "
            "machine reads. Give them as a Spark table, or a sample of the customers."
        )
    for name, known in texts:
        if (signs := counted[f"width {name}"] or 0) > MOST_SIGNS:
            raise DataError(
                f"Column {listed([known])} of {source.name}: a text of {signs:,} signs, where "
                f"{MOST_SIGNS:,} are the most. Is a quote left open, or the column another?"
            )
    bad = {name: int(counted[name] or 0) for name in faults}
    found = BadRows(source, columns, frame, faults, bad, int(counted["rows"]))
    _explain(found, schema, written)
    if sum(bad.values()) > max_bad_rows:
        if source.numbered is not None:
            again = replace(source, frame=source.numbered())
            numbered, _, _ = _judged(again, columns, written, [FILE, ROW])
            found = replace(found, frame=numbered, order=(FILE, ROW))
        raise refusal(found, written.date_format, written.amounts)
    rows = kept.filter(nw.col("fault") == 0) if any(bad.values()) else kept
    rows = rows.drop("fault")
    return CleanRows(rows, kept, found.total, bad, zone, written.amounts)


def _explain(found: BadRows, schema: Any, written: Written) -> None:
    """Refuse text that is written in another way, however many bad rows may be dropped."""
    source, columns = found.source, found.columns
    text = nw.String
    if found.bad["unreadable date"] and not written.date_format and schema[columns.date] == text:
        explain_dates(source, found.frame, columns.date, raw(columns.date), written.timezone)
    if columns.value and found.bad[NO_NUMBER] and schema[columns.value] == text:
        texts = unread_texts(found.rows(NO_NUMBER), raw(columns.value))
        refuse_two_currencies(source.name, columns.value, texts, written.amounts)


def _refuse_currencies(source: Source, columns: Columns, currency: str | None) -> None:
    """Refuse amounts of several currencies, told by a column that nobody asked to keep.

    And of one that is called otherwise.
    """
    told = [name for name in source.names() if name.lower() in ("currency", "currency_code")]
    kept = set(columns.named)
    if columns.value is None:
        return
    for name in [name for name in told if name not in kept or currency is not None]:
        named = source.frame.select(nw.col(name).cast(nw.String).alias("named"))
        met = distinct(named.filter(~nw.col("named").is_null() & (nw.col("named") != "")))
        found = met.sort("named").head(6).collect("pyarrow")["named"].to_list()
        if len(found) == 1:
            refuse_another(currency, found[0].strip(), f"column {name!r} of {source.name} says")
        if len(found) > 1 and name not in kept:
            raise DataError(
                f"Column {listed([name])} of {source.name}: amounts in several currencies, "
                f"{listed(found)}, do not add up. Convert them to one, or write one file a "
                "currency; if you know better, purchase_columns=[...] keeps the column (in Python "
                "and in a job file)."
            )


def _judged(
    source: Source, columns: Columns, written: Written, keep: Any = ()
) -> tuple[Frame, str | None, dict[str, tuple[str, Any]]]:
    """Add ``id``, ``day``, ``amount`` and ``fault``; return the time zone and what faults mean."""
    schema = source.frame.collect_schema()
    frame = source.frame.select(*(nw.col(name).alias(raw(name)) for name in columns.named), *keep)
    frame = frame.with_columns(_id(source, columns.customer, schema).alias("id"))
    options = (written.date_format, written.timezone)
    frame, zone = with_day(source, frame, columns.date, raw(columns.date), options)
    faults = _faults_of_identity(columns, schema)
    if columns.value is not None:
        name = columns.value
        frame, of_amount = with_amount(source, frame, name, raw(name), written.amounts)
        faults |= of_amount
    if columns.key:
        empty = [_blank(raw(name), schema[name]) for name in columns.key]
        faults["missing key"] = (columns.key[0], nw.any_horizontal(*empty, ignore_nulls=True))
    fault = _first_fault([flag for _, flag in faults.values()])
    return frame.with_columns(fault.alias("fault")), zone, faults


def _faults_of_identity(columns: Columns, schema: Any) -> dict[str, tuple[str, Any]]:
    no_date = _blank(raw(columns.date), schema[columns.date])
    return {
        "missing customer": (columns.customer, _blank("id", schema[columns.customer])),
        "missing date": (columns.date, no_date),
        "unreadable date": (columns.date, nw.col("day").is_null()),
    }


def _blank(column: str, kind: Any) -> Any:
    text, missing = nw.col(column), nw.col(column).is_null()
    if kind != nw.String:
        return missing
    # every blank sign comes before "!", and comparing is quicker than stripping
    return missing | nw.when(text < "!").then(text.str.strip_chars() == "").otherwise(nw.lit(False))


def _parsed(columns: Columns, schema: Any) -> bool:
    """Return whether days or amounts are read from text, or moved to a time zone."""
    kinds = [schema[name] for name in (columns.date, columns.value) if name is not None]
    return any(kind == nw.String or getattr(kind, "time_zone", None) for kind in kinds)


def _first_fault(flags: list[Any]) -> Any:
    """Return the place of the first flag that holds, counted from 1, or 0."""
    fault: Any = nw.lit(0)
    for place, flag in reversed(list(enumerate(flags, start=1))):
        fault = nw.when(flag).then(nw.lit(place)).otherwise(fault)
    return fault


def _id(source: Source, column: str, schema: Any) -> Any:
    kind = schema[column]
    kinds = source.kinds.get(column, frozenset())
    where = f"Column {column!r} of {source.name}"
    if kind.is_float() or any(each.startswith("float") for each in kinds):
        raise DataError(
            f"{where}: customer ids are floating-point numbers, which run together beyond 15 "
            'digits. Read them as text, e.g. dtype={"' + column + '": str}.'
        )
    odd = kinds & _NO_IDS
    if odd or kind.is_temporal() or kind.is_nested() or kind in (nw.Boolean, nw.Binary):
        what = ", ".join(sorted(odd)) or str(kind)
        raise DataError(f"{where}: {what} is no customer id. Give text or whole numbers.")
    given = nw.col(raw(column))
    return given if kind == nw.String or kind.is_integer() else given.cast(nw.String)
