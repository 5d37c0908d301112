"""Times with a zone written as text: moments, whose day is counted in the zone that was said.

Each row may have an offset of its own. The moment is counted in whole seconds since 1970-01-01, on
every back end alike; only the zone's own rules (summer time) are the back end's.
"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from forecast.ledger.day_numbers import counted, in_calendar
from forecast.ledger.sources import Frame, Source

__all__ = ["TIME", "ZONED", "with_day_in_zone"]

TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d{1,9})?)?"
ZONED = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]{TIME} ?(Z|UTC|GMT|[+-](0\d|1[0-5])(:?[0-5]\d)?)$"
_BEFORE_OFFSET = r"^.{16}(:\d\d([.]\d+)?)? ?"


def with_day_in_zone(source: Source, frame: Frame, text: Any, zone: str) -> Frame:
    """Add ``day``, null where the text is no time with a zone.

    Parameters
    ----------
    source : Source
        Where the rows come from.
    frame : narwhals.LazyFrame
        The rows.
    text : narwhals.Expr
        The times, without blanks around them.
    zone : str
        Whose day counts, e.g. ``"Europe/Berlin"``.
    """
    moment = nw.when(text.str.contains(ZONED)).then(text).otherwise(nw.lit(None, nw.String))
    frame = frame.with_columns(moment.alias("moment"))
    moment = nw.col("moment")
    behind = moment.str.replace_all(_BEFORE_OFFSET, "").str.replace_all(":", "", literal=True)
    frame = frame.with_columns(
        *(
            moment.str.slice(start, length).cast(nw.Int64).alias(name)
            for name, start, length in (("year", 0, 4), ("month", 5, 2), ("of month", 8, 2))
        ),
        clock=moment.str.slice(11, 2).cast(nw.Int64) * 3600
        + moment.str.slice(14, 2).cast(nw.Int64) * 60
        + _number(moment.str.slice(16, 1) == ":", moment.str.slice(17, 2)),
        behind=behind,
    )
    behind = nw.col("behind")
    sign = nw.when(behind.str.starts_with("-")).then(nw.lit(-1)).otherwise(nw.lit(1))
    ahead = behind.str.starts_with("-") | behind.str.starts_with("+")
    hours = _number(ahead, behind.str.slice(1, 2))
    minutes = _number(ahead & (behind.str.len_chars() == 5), behind.str.slice(3, 2))
    frame = counted(frame.with_columns(offset=sign * (hours * 3600 + minutes * 60)))
    seconds = nw.col("day") * 86_400 + nw.col("clock") - nw.col("offset")
    frame = frame.with_columns(seconds=seconds).drop("day")
    local = _on_spark(frame, zone) if source.on_spark else _by_duckdb(frame, zone)
    return local.with_columns(in_calendar(nw.col("day")).alias("day"))


def _number(there: Any, digits: Any) -> Any:
    """Return two digits as a number, 0 where they are not written."""
    return nw.when(there).then(digits).otherwise(nw.lit("00")).cast(nw.Int64)


def _by_duckdb(frame: Frame, zone: str) -> Frame:
    import duckdb

    def call(name: str, *arguments: Any) -> Any:
        return duckdb.FunctionExpression(name, *arguments)

    moment = call("to_timestamp", duckdb.ColumnExpression("seconds").cast("DOUBLE"))
    local = call("timezone", duckdb.ConstantExpression(zone), moment)
    unit, epoch = duckdb.ConstantExpression("day"), duckdb.ConstantExpression(date(1970, 1, 1))
    day = call("date_diff", unit, epoch, local).alias("day")
    return nw.from_native(nw.to_native(frame).select(duckdb.StarExpression(), day))


def _on_spark(frame: Frame, zone: str) -> Frame:
    """Move the moment by the zone's offset and count whole days, whatever zone the session has."""
    moved = f"unix_seconds(from_utc_timestamp(timestamp_seconds(seconds), '{zone}'))"
    day = f"CAST(floor({moved} / 86400) AS BIGINT) AS day"
    return nw.from_native(nw.to_native(frame).selectExpr("*", day))
