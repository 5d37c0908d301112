"""Days as whole numbers since 1970-01-01, counted from year, month and day of the month.

Whole-number arithmetic alone: back ends differ in all else.
"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from forecast.calendar import day_number
from forecast.ledger.sources import Frame

__all__ = ["FIRST_YEAR", "LAST_YEAR", "counted", "in_calendar", "or_null"]

FIRST_YEAR, LAST_YEAR = 1900, 9999  # a spreadsheet's zero is 1899-12-30


def counted(frame: Frame) -> Frame:
    """Add ``day``: days from 1970-01-01 to a date of the Gregorian calendar, if there is one.

    In steps, since a back end would compute an expression as often as it is written.
    """
    year, month, day = (nw.col(name) for name in ("year", "month", "of month"))
    late, february = (month > 2).cast(nw.Int64), (month == 2).cast(nw.Int64)
    leap = (
        (year % 4 == 0).cast(nw.Int64)
        - (year % 100 == 0).cast(nw.Int64)
        + (year % 400 == 0).cast(nw.Int64)
    )
    usual = (month + month // 8) % 2 + 30
    frame = frame.with_columns(
        longest=usual + february * (leap - 2), shifted=year - 1 + late, late=late
    )
    era = nw.col("shifted") // 400
    of_year = (153 * (month + 9 - 12 * nw.col("late")) + 2) // 5 + day - 1
    frame = frame.with_columns(era=era, of_era=nw.col("shifted") - era * 400, of_year=of_year)
    era, of_era = nw.col("era"), nw.col("of_era")
    number = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + nw.col("of_year") - 719468
    real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= nw.col("longest"))
    real = real & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    return frame.with_columns(or_null(real, number).alias("day"))


def or_null(sound: Any, number: Any) -> Any:
    """Return a number where it is sound, else null."""
    return nw.when(sound).then(number).otherwise(nw.lit(None, nw.Int64))


def in_calendar(day: Any) -> Any:
    """Return day numbers from 1900 to 9999; others are null."""
    first, last = day_number(date(FIRST_YEAR, 1, 1)), day_number(date(LAST_YEAR, 12, 31))
    return or_null((day >= first) & (day <= last), day)
