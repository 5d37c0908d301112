"""From raw rows to clean ones: an id, a day number, an amount, and what is wrong with each row.

Everything is one set of Narwhals expressions, run by DuckDB or Spark. Days are whole numbers since
1970-01-01, computed from year, month and day alone, since back ends differ in all else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import BadRowsError, DataError, UsageError, listed
from forecast.ledger.columns import Columns
from forecast.ledger.sources import Source, reading

__all__ = ["CleanRows", "Frame", "clean_rows", "raw", "size"]

_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*$"
_NAN, _INFINITE = r"(?i)^\s*[+-]?nan\s*$", r"(?i)^\s*[+-]?inf(inity)?\s*$"
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?)?$"
_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)? ?(Z|[+-]\d{2}:?\d{2}| ?UTC)$"
_FIRST_YEAR = 1900

Frame = Any  # a narwhals LazyFrame of either back end


@dataclass(frozen=True)
class CleanRows:
    """Rows with ``id``, ``day`` and ``amount`` beside their original columns, and the counts."""

    frame: Frame
    counts: dict[str, int]
    zone: str | None


def clean_rows(
    source: Source,
    columns: Columns,
    *,
    date_format: str | None,
    timezone: str | None,
    max_bad_rows: int,
) -> CleanRows:
    """Add ``id``, ``day`` and ``amount``, refuse or drop rows that lack one, and count.

    Raises
    ------
    BadRowsError
        If more than ``max_bad_rows`` rows cannot be read; the first five are shown.
    DataError
        If the source has no rows.
    """
    schema = source.frame.collect_schema()
    frame = source.frame.select(nw.col(name).alias(raw(name)) for name in columns.named)
    frame = frame.with_columns(_id(columns.customer, schema).alias("id"))
    frame, zone = _with_day(source, frame, columns.date, schema, date_format, timezone)
    date = nw.col(raw(columns.date))
    bad = {
        "missing customer": (columns.customer, nw.col("id").is_null() | (nw.col("id") == "")),
        "missing date": (columns.date, date.is_null()),
        "unreadable date": (columns.date, ~date.is_null() & nw.col("day").is_null()),
    }
    if schema[columns.date] == nw.String:
        blank = date.str.strip_chars() == ""
        bad["missing date"] = (columns.date, date.is_null() | blank)
        bad["unreadable date"] = (columns.date, ~blank & nw.col("day").is_null())
    if columns.value is not None:
        frame, wrong = _with_amount(frame, columns.value, schema)
        bad |= wrong
    flags = {f"bad {name}": flag.fill_null(True) for name, (_, flag) in bad.items()}
    frame = frame.with_columns(**flags)
    with reading(source.name):
        counted = frame.select(
            nw.len().alias("rows"),
            *(nw.col(name).cast(nw.Int64).sum().alias(name) for name in flags),
        ).collect("pyarrow")
    counts = {name: int(value or 0) for name, value in counted.rows(named=True)[0].items()}
    if counts["rows"] == 0:
        raise DataError(f"{source.name} has columns but no rows.")
    any_bad = nw.any_horizontal(*(nw.col(name) for name in flags), ignore_nulls=True)
    total = size(frame.filter(any_bad)) if any(counts[name] for name in flags) else 0
    if total > max_bad_rows:
        worst = next(name for name in flags if counts[name])
        column = bad[worst.removeprefix("bad ")][0]
        raise BadRowsError(
            worst.removeprefix("bad "),
            column=column,
            count=counts[worst],
            samples=_samples(frame, worst, column, columns),
            remedy=_remedy(worst, total),
        )
    counts["bad rows"] = total
    return CleanRows(frame.filter(~any_bad), counts, zone)


def raw(name: str) -> str:
    """Return what a source's column is called inside, so that it meets none of ours."""
    return f"raw {name}"


def size(frame: Frame) -> int:
    """Return the number of rows."""
    return int(frame.select(nw.len()).collect("pyarrow").item())


def _samples(frame: Frame, flag: str, column: str, columns: Columns) -> list[Any]:
    shown = columns.date if column == columns.customer else column
    lead = columns.customer if column != columns.customer else columns.date
    rows = frame.filter(nw.col(flag)).head(5).collect("pyarrow").rows(named=True)
    if flag.startswith("bad missing"):
        return [f"{lead}={row[raw(lead)]}" for row in rows]
    return [row[raw(shown)] for row in rows]


def _remedy(flag: str, total: int) -> str:
    hints = {
        "bad missing customer": "A purchase needs a customer.",
        "bad unreadable date": "Write YYYY-MM-DD, or say how dates are written, "
        'e.g. date_format="%d/%m/%Y".',
        "bad amount that is no number": "Write plain numbers such as 1234.50, without signs of "
        "currency or thousands.",
    }
    return f"{hints.get(flag, '')} Mend them, or drop them with max_bad_rows={total}.".strip()


def _id(column: str, schema: Any) -> Any:
    kind = schema[column]
    if kind in (nw.Float64, nw.Float32):
        raise DataError(
            f"Column {column!r}: customer ids are floating-point numbers, which run together "
            'beyond 15 digits. Read them as text, e.g. dtype={"' + column + '": str}.'
        )
    if kind in (nw.Boolean,) or isinstance(kind, nw.Datetime):
        raise DataError(f"Column {column!r}: {kind} is no customer id.")
    given = nw.col(raw(column))
    return given if kind == nw.String else given.cast(nw.String)


def _with_amount(frame: Frame, column: str, schema: Any) -> tuple[Frame, dict[str, Any]]:
    given, kind = nw.col(raw(column)), schema[column]
    if kind == nw.String:
        missing = given.is_null() | (given.str.strip_chars() == "")
        number = given.str.contains(_NUMBER)
        nan, infinite = given.str.contains(_NAN), given.str.contains(_INFINITE)
        wrong = {
            "missing amount": missing,
            "NaN amount": nan,
            "infinite amount": infinite,
            "amount that is no number": ~missing & ~number & ~nan & ~infinite,
        }
        text = nw.when(number).then(given.str.strip_chars()).otherwise(nw.lit(None, nw.String))
        amount = text.cast(nw.Float64)
    elif kind.is_numeric():
        amount = given.cast(nw.Float64)
        wrong = {"missing amount": given.is_null()}
        if kind.is_float():
            wrong["NaN amount"] = given.is_nan()
            wrong["infinite amount"] = ~given.is_nan() & ~given.is_finite()
    else:
        raise DataError(f"Column {column!r}: {kind} is no amount; give numbers.")
    flags = {
        name: (column, flag.fill_null(name == "missing amount")) for name, flag in wrong.items()
    }
    return frame.with_columns(amount.alias("amount")), flags


def _with_day(
    source: Source,
    frame: Frame,
    column: str,
    schema: Any,
    date_format: str | None,
    timezone: str | None,
) -> tuple[Frame, str | None]:
    given, kind = nw.col(raw(column)), schema[column]
    if kind == nw.String:
        return _day_from_text(source, frame, column, date_format, timezone)
    if date_format is not None:
        raise UsageError(f"date_format: column {column!r} holds dates already, not text.")
    if kind != nw.Date and not isinstance(kind, nw.Datetime):
        raise DataError(
            f"Column {column!r}: {kind} is no date. Give dates, timestamps or text YYYY-MM-DD."
        )
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    if zoned and source.on_spark:
        if timezone is not None:
            given = given.dt.convert_time_zone(timezone)
        zone = timezone or "the Spark session's"
    elif zoned:
        zone = _own_zone(source, column, timezone)
        frame = _localised(frame, raw(column), zone)
    elif timezone is not None:
        raise UsageError(f"timezone: column {column!r} has no time zone to convert from.")
    else:
        zone = None
    return frame.with_columns(_valid(given).alias("day")), zone


def _valid(given: Any) -> Any:
    """Day number of a date column, null before 1900 (a spreadsheet's zero is no purchase)."""
    year = given.dt.year().cast(nw.Int64)
    day = _civil(year, given.dt.month().cast(nw.Int64), given.dt.day().cast(nw.Int64))
    return nw.when(year >= _FIRST_YEAR).then(day).otherwise(nw.lit(None, nw.Int64))


def _own_zone(source: Source, column: str, timezone: str | None) -> str:
    if timezone is None:
        raise DataError(
            f"Column {column!r}: times carry a time zone, and the day of a purchase depends on "
            'it. Say whose day counts, e.g. timezone="Europe/London".'
        )
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise UsageError(f"timezone: {timezone!r} is not known.") from None
    if source.name == "the DuckDB relation":
        raise DataError(
            f"Column {column!r}: a DuckDB relation keeps its session's time zone; convert it "
            f"there: timezone('{timezone}', {column})."
        )
    return timezone


def _localised(frame: Frame, column: str, zone: str) -> Frame:
    """Let this connection, which is ours, count days in the declared zone."""
    import duckdb

    native = nw.to_native(frame)
    local = duckdb.FunctionExpression(
        "timezone", duckdb.ConstantExpression(zone), duckdb.ColumnExpression(column)
    ).alias(column)
    rest = [duckdb.ColumnExpression(name) for name in native.columns if name != column]
    return nw.from_native(native.select(*rest, local))


def _civil(year: Any, month: Any, day: Any) -> Any:
    """Days from 1970-01-01 to a date of the Gregorian calendar, in whole-number arithmetic."""
    late = (month > 2).cast(nw.Int64)
    shifted = year - 1 + late
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + 9 - 12 * late) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _day_from_text(
    source: Source, frame: Frame, column: str, date_format: str | None, timezone: str | None
) -> tuple[Frame, str | None]:
    import pandas as pd

    given = nw.col(raw(column)).str.strip_chars()
    if date_format is None:
        zoned = frame.filter(given.str.contains(_ZONED)).head(3)
        with reading(source.name):
            examples = zoned.collect("pyarrow")[raw(column)].to_list()
        if examples:
            raise DataError(
                f"Column {column!r}: times carry a time zone, e.g. {listed(examples)}. Convert "
                "them to one zone's dates first, or give timestamps with timezone=..."
            )
    elif timezone is not None:
        raise UsageError("timezone: dates given as text have no time zone to convert from.")
    text = given if date_format else given.str.slice(0, 10)
    keep = ~given.is_null() if date_format else given.str.contains(_ISO)
    frame = frame.with_columns(
        nw.when(keep).then(text).otherwise(nw.lit(None, nw.String)).alias("day text")
    )
    with reading(source.name):
        distinct = frame.select("day text").unique().collect("pyarrow")["day text"]
    days = pd.Series([each for each in distinct.to_list() if each], dtype=object)
    parsed = pd.to_datetime(days, format=date_format or "%Y-%m-%d", errors="coerce")
    if parsed.dt.tz is not None:
        raise DataError(f"Column {column!r}: date_format has a time zone; give plain dates.")
    if date_format is None:
        _refuse_other_formats(frame, column)
    wrong = days[parsed.isna()].tolist()
    sound = nw.when(~nw.col("day text").is_in(wrong) if wrong else ~nw.col("day text").is_null())
    frame = frame.with_columns(
        sound.then(nw.col("day text")).otherwise(nw.lit(None, nw.String)).alias("day text")
    )
    if date_format is not None:
        moment = nw.col("day text").str.to_datetime(format=date_format)
        return frame.with_columns(_valid(moment).alias("day")), None
    year, month, day = (
        nw.col("day text").str.slice(start, length).cast(nw.Int64)
        for start, length in ((0, 4), (5, 2), (8, 2))
    )
    number = nw.when(year >= _FIRST_YEAR).then(_civil(year, month, day))
    return frame.with_columns(number.otherwise(nw.lit(None, nw.Int64)).alias("day")), None


def _refuse_other_formats(frame: Frame, column: str) -> None:
    """Explain text that is not ISO where all, or most, of a column is written another way."""
    given = nw.col(raw(column))
    blank = given.is_null() | (given.str.strip_chars() == "")
    others = frame.filter(nw.col("day text").is_null() & ~blank)
    samples = others.head(200).collect("pyarrow")[raw(column)].to_list()
    if not samples:
        return
    iso = frame.filter(~nw.col("day text").is_null()).head(1)
    good = iso.collect("pyarrow")[raw(column)].to_list()
    if good and len(samples) < 200 and _suggested(samples) == []:
        return  # a few unreadable values among sound ones: counted and shown with the bad rows
    formats = _suggested(samples)
    if good:
        problem = f"dates are written in more than one way ({listed([good[0], samples[0]])})"
    elif len(formats) > 1:
        problem = f"dates such as {samples[0]!r} can be read in more than one way"
    else:
        problem = "dates are not written YYYY-MM-DD"
    hint = " or ".join(f'"{each}"' for each in formats) or '"%d.%m.%Y"'
    raise BadRowsError(
        problem,
        column=column,
        count=size(others),
        samples=samples[:5],
        remedy=f"Say how they are written: date_format={hint}.",
    )


def _suggested(samples: Sequence[str]) -> list[str]:
    import pandas as pd

    formats = [
        f"{date}{time}"
        for date in (
            "%d/%m/%Y",
            "%m/%d/%Y",
            "%d.%m.%Y",
            "%d-%m-%Y",
            "%m-%d-%Y",
            "%Y/%m/%d",
            "%Y%m%d",
        )
        for time in ("", " %H:%M", " %H:%M:%S")
    ]
    series = pd.Series(list(samples), dtype=object)
    return [
        each
        for each in formats
        if pd.to_datetime(series, format=each, errors="coerce").notna().all()
    ]
