"""The one clock: days, cutoffs, horizons with a unit, and half-open windows.

A cutoff is the last day a model may see. The horizon ``"26W"`` after it is the window of days
``[cutoff + 1, cutoff + 1 + 26 weeks)``. Twelve months are twelve calendar months, counted from
the cutoff and never past the end of a month, so ``"12M"`` after 2024-01-31 ends with 2025-01-31.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import HorizonError, UsageError

__all__ = ["DAYS_PER_YEAR", "Horizon", "Window", "add", "day_number", "day_of", "parse_day"]

DAYS_PER_YEAR = 365.25
MOST_PERIODS = 4_000
_EPOCH = date(1970, 1, 1)
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?)?"
_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
_MEAN_DAYS = {"D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}


def parse_day(value: Any, name: str = "date") -> date:
    """Return a calendar day from a date, a midnight timestamp or ISO text.

    Parameters
    ----------
    value : date, datetime, numpy.datetime64, pandas.Timestamp or str
        The day; text must read ``YYYY-MM-DD``.
    name : str
        What the value is called in the error.

    Raises
    ------
    UsageError
        If the value is not a day, or has a time of day or a time zone.

    Examples
    --------
    >>> parse_day("2024-02-29")
    datetime.date(2024, 2, 29)
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, str):
        try:
            if re.fullmatch(_DAY, value) is None:
                raise ValueError(value)
            value = datetime.fromisoformat(value)
        except ValueError:
            raise UsageError(f"{name}: {value!r} is not a day written YYYY-MM-DD.") from None
    if isinstance(value, datetime):
        if pd.isna(value) or value.tzinfo is not None or value.time() != datetime.min.time():
            raise UsageError(f"{name}: {value} must be a whole day, without time or time zone.")
        return value.date()
    if isinstance(value, date):
        return value
    raise UsageError(f"{name}: {value!r} is not a day; write YYYY-MM-DD.")


def day_number(day: date) -> int:
    """Return the number of days from 1970-01-01 to ``day``."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """Return the day that lies ``number`` days after 1970-01-01."""
    return _EPOCH + timedelta(days=int(number))


def add(day: date, count: int, unit: str) -> date:
    """Return ``day`` plus ``count`` of ``unit`` (D, W, M or Y); months keep the day or clip it."""
    try:
        if unit in "DW":
            return day + timedelta(days=count * (7 if unit == "W" else 1))
        months = day.year * 12 + day.month - 1 + count * (12 if unit == "Y" else 1)
        first = date(months // 12, months % 12 + 1, 1)
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return first.replace(day=min(day.day, (after - first).days))
    except (OverflowError, ValueError):
        raise HorizonError(f"{count}{unit} from {day} is beyond the calendar.") from None


@dataclass(frozen=True, order=True)
class Window:
    """Days from ``start`` up to, but not including, ``end``.

    Examples
    --------
    >>> Window(date(2024, 1, 1), date(2024, 1, 8)).days
    7
    """

    start: date
    end: date

    def __str__(self) -> str:
        return f"{self.start} to {self.last}"

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last day inside."""
        return self.end - timedelta(days=1)


@dataclass(frozen=True)
class Horizon:
    """A length of time with its unit, or an end date.

    Parameters
    ----------
    count : int
        How many units; 0 where ``until`` is given.
    unit : str
        ``D``, ``W``, ``M`` or ``Y``.
    until : date or None
        Last day of the horizon, for a horizon given as a date.

    Examples
    --------
    >>> Horizon.parse("12M").window(date(2024, 1, 31)).last
    datetime.date(2025, 1, 31)
    >>> str(Horizon.parse("26W"))
    '26W'
    """

    count: int
    unit: str
    until: date | None = None

    @classmethod
    def parse(cls, value: Any, name: str = "horizon") -> "Horizon":
        """Read ``"26W"``, ``"12M"``, ``"90D"``, ``"1Y"`` or a date; a bare number is refused.

        Raises
        ------
        HorizonError
            If the value is not a positive length with a unit, nor a date.
        """
        if isinstance(value, Horizon):
            return value
        hint = f'Write {name}="26W", "12M", "90D", "1Y" or an end date YYYY-MM-DD.'
        if isinstance(value, str):
            match = re.fullmatch(r"([0-9]{1,6}) ?([DWMY])", value.strip(), flags=re.IGNORECASE)
            if match and int(match[1]) > 0:
                return cls(int(match[1]), match[2].upper())
        if isinstance(value, date | np.datetime64) or (
            isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]", value)
        ):
            try:
                return cls(0, "D", parse_day(value, name))
            except UsageError as error:
                raise HorizonError(str(error)) from None
        raise HorizonError(f"{name}: {value!r} is not a length of time with a unit. {hint}")

    def __str__(self) -> str:
        return self.until.isoformat() if self.until else f"{self.count}{self.unit}"

    def too_far(self, first_day: date, cutoff: date) -> str | None:
        """Say so in a sentence if it is longer than the history from ``first_day`` to ``cutoff``.

        Examples
        --------
        >>> Horizon.parse("4W").too_far(date(2024, 1, 1), date(2024, 12, 31)) is None
        True
        """
        ahead, seen = self.window(cutoff).days, (cutoff - first_day).days + 1
        if ahead <= seen:
            return None
        return (
            f"The horizon of {self} is {ahead:,} days, the log only {seen:,}: "
            "so far ahead a forecast extrapolates, and its intervals are too narrow."
        )

    def window(self, cutoff: date) -> Window:
        """Return the window of days this horizon spans after ``cutoff``.

        Raises
        ------
        HorizonError
            If the end date is not after the cutoff.
        """
        last = self.until or add(cutoff, self.count, self.unit)
        if last <= cutoff:
            raise HorizonError(f"The horizon ends on {last}, not after the cutoff {cutoff}.")
        return Window(add(cutoff, 1, "D"), add(last, 1, "D"))

    def periods(self, cutoff: date, every: "str | Horizon | None" = None) -> list[Window]:
        """Split the horizon into periods counted from ``cutoff``; the last may be shorter.

        Parameters
        ----------
        cutoff : date
            The last day seen.
        every : str, optional
            Length of a period, by default one unit of the horizon (days, for an end date).

        Raises
        ------
        HorizonError
            If that makes more than 4,000 periods.
        """
        length = Horizon.parse(f"1{self.unit}" if every is None else every, "every")
        if length.until is not None:
            raise HorizonError(f"every: {length} is a date; give a length such as '1W'.")
        if self.window(cutoff).days > MOST_PERIODS * length.mean_days(cutoff):
            raise HorizonError(
                f"{self} in periods of {length} makes more than {MOST_PERIODS:,} of them; ask for "
                'longer ones, e.g. every="1Y".'
            )
        return list(self._periods(cutoff, length))

    def _periods(self, cutoff: date, every: "Horizon") -> Iterator[Window]:
        whole, start, step = self.window(cutoff), cutoff, 1
        while start < whole.last:
            last = min(add(cutoff, step * every.count, every.unit), whole.last)
            yield Window(start + timedelta(days=1), last + timedelta(days=1))
            start, step = last, step + 1

    def back(self, day: date) -> date:
        """Return the day this length before ``day``."""
        if self.until is not None:
            raise HorizonError(f"{self} is a date; give a length such as '13W'.")
        return add(day, -self.count, self.unit)

    def mean_days(self, cutoff: date) -> float:
        """Return the usual length in days (a month is 365.25 / 12)."""
        if self.until is not None:
            return float(self.window(cutoff).days)
        return self.count * _MEAN_DAYS[self.unit]

    @property
    def unit_name(self) -> str:
        """The unit as a word: days, weeks, months or years."""
        return _UNITS[self.unit]
