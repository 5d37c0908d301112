"""The day of each row, as a whole number since 1970-01-01.

DuckDB counts the days of its own dates. Text, and the dates of Spark, are split into year, month
and day and counted in whole-number arithmetic: back ends differ in all else.
"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import DataError, UsageError
from forecast.ledger.day_numbers import FIRST_YEAR, LAST_YEAR, counted, in_calendar
from forecast.ledger.sources import Frame, Source
from forecast.ledger.zoned_text import TIME, with_day_in_zone

__all__ = ["ISO", "check_date_options", "with_day"]

ISO = rf"^\d{{4}}-\d{{2}}-\d{{2}}([T ]{TIME})?$"


def check_date_options(date_format: str | None, timezone: str | None) -> None:
    """Refuse a format that does not name a whole day, and a time zone nobody knows."""
    if timezone is not None:
        import zoneinfo

        try:
            zoneinfo.ZoneInfo(timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise UsageError(
                f'timezone: {timezone!r} is not known; write e.g. "Europe/London" or "UTC".'
            ) from None
    if date_format is None:
        return
    signs = set(date_format.split("%")[1:]) if isinstance(date_format, str) else set()
    parts = {sign[:1] for sign in signs}
    if "Z" in parts:
        raise UsageError(
            f"date_format: {date_format!r} names zones by letters, which are not told apart; an "
            "offset such as +0200 is written %z."
        )
    month_day = ("d" in parts and parts & set("mbB")) or "j" in parts
    if not (parts & set("Yy") and month_day):
        raise UsageError(
            f"date_format: {date_format!r} does not name a day, a month and a year, as "
            '"%d/%m/%Y" does.'
        )


def with_day(
    source: Source, frame: Frame, name: str, column: str, options: tuple[str | None, str | None]
) -> tuple[Frame, str | None]:
    """Add ``day``, null where it cannot be read, and return the time zone days are counted in.

    Parameters
    ----------
    source : Source
        Where the rows come from.
    frame : narwhals.LazyFrame
        The rows.
    name, column : str
        The date column as the user knows it, and as it is called in the frame.
    options : tuple
        ``date_format`` and ``timezone``.

    Raises
    ------
    DataError
        If the column holds no dates, or times with a zone and nobody said whose day counts.
    UsageError
        If an option does not fit the column.
    """
    date_format, timezone = options
    if not source.on_spark:
        frame = _in_microseconds(frame, column)
    given, kind = nw.col(column), frame.collect_schema()[column]
    if kind == nw.String:
        if date_format is not None:
            return _by_format(source, frame, column, (date_format, timezone)), timezone
        if timezone is not None:
            return with_day_in_zone(source, frame, given.str.strip_chars(), timezone), timezone
        return _from_iso(frame, given.str.strip_chars()), None
    if date_format is not None:
        raise UsageError(f"date_format: column {name!r} holds {kind}, not text.")
    if kind != nw.Date and not isinstance(kind, nw.Datetime):
        raise DataError(
            f"Column {name!r} of {source.name}: {kind} is no date. Give dates, timestamps or text "
            'YYYY-MM-DD; numbers such as 20240131 as text with date_format="%Y%m%d".'
        )
    kinds = source.kinds.get(name, frozenset())
    if "time with a zone" in kinds and len(kinds) > 1:
        raise DataError(
            f"Column {name!r} of {source.name}: some times carry a time zone and some do not. Say "
            "of each which day it is."
        )
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    if timezone is not None and not zoned:
        raise UsageError(f"timezone: column {name!r} has no time zone to convert from.")
    if zoned and source.on_spark:
        timezone = _session_zone(str(kind.time_zone), timezone)
    elif zoned:
        if timezone is None:
            raise DataError(
                f"Column {name!r} of {source.name}: times carry a time zone, and the day of a "
                'purchase depends on it. Say whose day counts, e.g. timezone="Europe/London".'
            )
        frame = _localised(frame, column, timezone)
    if not source.on_spark:
        return _by_duckdb(frame, column), timezone
    frame = frame.with_columns(
        given.dt.year().cast(nw.Int64).alias("year"),
        given.dt.month().cast(nw.Int64).alias("month"),
        given.dt.day().cast(nw.Int64).alias("of month"),
    )
    return counted(frame), timezone


def _session_zone(session: str, timezone: str | None) -> str:
    """Return the zone in which Spark counts days, which is its session's and no other."""
    if timezone not in (None, session):
        raise UsageError(
            f"timezone: Spark counts days in its session's time zone, {session}. Set "
            f"spark.sql.session.timeZone to {timezone!r} instead."
        )
    return session


def _in_microseconds(frame: Frame, column: str) -> Frame:
    """Return times with a zone in microseconds: Narwhals does not know DuckDB's nanoseconds."""
    rows: Any = nw.to_native(frame)
    if str(rows.types[rows.columns.index(column)]) != "TIMESTAMPTZ_NS":
        return frame
    name = '"' + column.replace('"', '""') + '"'
    plain = rows.project(f"* REPLACE (CAST({name} AS TIMESTAMPTZ) AS {name})")
    return nw.from_native(plain)


def _localised(frame: Frame, column: str, zone: str) -> Frame:
    """Let DuckDB count days in the declared zone, not in its session's."""
    import duckdb

    native = nw.to_native(frame)
    local = duckdb.FunctionExpression(
        "timezone", duckdb.ConstantExpression(zone), duckdb.ColumnExpression(column)
    ).alias(column)
    rest = [duckdb.ColumnExpression(name) for name in native.columns if name != column]
    return nw.from_native(native.select(*rest, local))


def _by_duckdb(frame: Frame, column: str) -> Frame:
    """Let DuckDB count the midnights from 1970-01-01 to a date or timestamp."""
    import duckdb

    unit, epoch = duckdb.ConstantExpression("day"), duckdb.ConstantExpression(date(1970, 1, 1))
    midnights = duckdb.FunctionExpression("date_diff", unit, epoch, duckdb.ColumnExpression("at"))
    native = nw.to_native(frame.with_columns(nw.col(column).alias("at")))
    frame = nw.from_native(native.select(duckdb.StarExpression(), midnights.alias("day")))
    return frame.with_columns(in_calendar(nw.col("day")).alias("day"))


def _from_iso(frame: Frame, text: Any) -> Frame:
    """Split ISO text into year, month and day of the month; other text has none."""
    iso = nw.when(text.str.contains(ISO)).then(text).otherwise(nw.lit(None, nw.String))
    frame = frame.with_columns(iso.alias("iso")).with_columns(
        nw.col("iso").str.slice(start, length).cast(nw.Int64).alias(name)
        for name, start, length in (("year", 0, 4), ("month", 5, 2), ("of month", 8, 2))
    )
    return counted(frame)


def _by_format(source: Source, frame: Frame, column: str, options: tuple[str, str | None]) -> Frame:
    """Parse each distinct text once, in pandas, and look the rows up."""
    import pyarrow as pa

    frame = frame.with_columns(nw.col(column).str.strip_chars().alias("text"))
    texts = frame.select("text").unique().collect("pyarrow")["text"].to_list()
    texts = [text for text in texts if text]
    parsed = _parsed(texts, *options)
    days = parsed.astype("datetime64[s]").to_numpy().astype("datetime64[D]")
    known = [
        (text, int(day.astype(int)))
        for text, day, year in zip(texts, days, parsed.dt.year, strict=True)
        if FIRST_YEAR <= year <= LAST_YEAR
    ]
    table = pa.table(
        {
            "text": pa.array([text for text, _ in known], pa.string()),
            "number": pa.array([number for _, number in known], pa.int64()),
        }
    )
    joined = frame.join(source.lookup(table), on="text", how="left")
    return joined.with_columns(nw.col("number").alias("day"))


def _parsed(texts: list[str], date_format: str, timezone: str | None) -> Any:
    """Return the wall-clock times that texts name, missing where they do not fit the format."""
    import pandas as pd

    zoned = "%z" in date_format
    if zoned != (timezone is not None):
        raise UsageError(
            f"date_format: {date_format!r} has a time zone, and the day of a purchase depends on "
            'it. Say whose day counts, the shop\'s, e.g. timezone="Europe/London".'
            if zoned
            else f"timezone: date_format={date_format!r} has no time zone to convert from; an "
            "offset such as +0200 is written %z."
        )
    given = pd.Series(texts, dtype=object)
    try:
        parsed = pd.to_datetime(given, format=date_format, errors="coerce", utc=zoned)
    except ValueError as error:
        raise UsageError(f"date_format: {date_format!r} cannot be used: {error}.") from None
    return parsed.dt.tz_convert(timezone).dt.tz_localize(None) if zoned else parsed
