"""Numbers, days and lengths of time as a reader wants them.

Estimates get three significant digits and thousands separators; counts are exact; what is missing
is a dash, never a zero.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecast.calendar import Horizon

__all__ = [
    "MISSING",
    "chance",
    "count",
    "day",
    "estimate",
    "length",
    "percent",
    "seconds",
    "short_day",
    "span",
    "spoken",
]

MISSING = "\u2013"  # a dash for the reader
MINUS = "\u2212"
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]


def count(value: Any) -> str:
    """Return an exact whole number with thousands separators.

    Examples
    --------
    >>> count(12345)
    '12,345'
    """
    return MISSING if pd.isna(value) else f"{int(value):,}"


def estimate(value: Any, digits: int = 3) -> str:
    """Return a number rounded to a few significant digits.

    Examples
    --------
    >>> estimate(12345.6), estimate(0.01234), estimate(1.2)
    ('12,300', '0.0123', '1.20')
    """
    if pd.isna(value):
        return MISSING
    number = float(value)
    if np.isinf(number):
        return "\u221e" if number > 0 else f"{MINUS}\u221e"
    if number == 0:
        return "0"
    if abs(number) < 1e-4:
        return f"{number:.1e}".replace("-", MINUS)
    rounded = float(f"{number:.{digits - 1}e}")
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(rounded)))))
    return f"{rounded:,.{places}f}".replace("-", MINUS)


def spoken(value: Any) -> str:
    """Return an estimate for a sentence, with millions and billions as words.

    Examples
    --------
    >>> spoken(4_312_000), spoken(9_999_999), spoken(812.4)
    ('4.31 million', '10.0 million', '812')
    """
    if not pd.isna(value):
        size = abs(float(f"{float(value):.2e}"))
        for unit, name in ((1e9, "billion"), (1e6, "million")):
            if unit <= size < np.inf:
                return f"{estimate(float(value) / unit)} {name}"
    return estimate(value)


def percent(value: Any, *, signed: bool = False, places: int = 1) -> str:
    """Return a share as a percentage, with its sign where the sign is the message.

    Examples
    --------
    >>> percent(0.1234).split(), percent(0.05, signed=True, places=0).split()
    (['12.3', '%'], ['+5', '%'])
    """
    if pd.isna(value):
        return MISSING
    text = f"{100 * float(value):{'+' if signed else ''},.{places}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS) + "\u00a0%"  # a percent sign never starts a line


def chance(value: Any) -> str:
    """Return a probability; only certainty is written as 0 or 100 %.

    Examples
    --------
    >>> chance(0.99999).split(), chance(0.5).split(), chance(1.0).split()
    (['>', '99.9', '%'], ['50.0', '%'], ['100', '%'])
    """
    if not pd.isna(value):
        if value in (0, 1):
            return percent(value, places=0)
        if value >= 0.9995:
            return f">\u00a0{percent(0.999)}"
        if value < 0.0005:
            return f"<\u00a0{percent(0.001)}"
    return percent(value)


def seconds(value: Any) -> str:
    """Return a duration in seconds, to a hundredth.

    Examples
    --------
    >>> seconds(1.2345)
    '1.23'
    """
    return MISSING if pd.isna(value) else f"{float(value):,.2f}"


def day(value: Any) -> str:
    """Return a calendar day in words, the same in every locale.

    Examples
    --------
    >>> day(date(2011, 6, 9))
    '9 June 2011'
    """
    if pd.isna(value):
        return MISSING
    moment = pd.Timestamp(value)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_day(value: Any) -> str:
    """Return a day for the tick of an axis, on two lines: ``9 Jun`` and ``2011``."""
    moment = pd.Timestamp(value)
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]}\n{moment.year}"


def span(first: date, last: date) -> str:
    """Return two days as ``9 June 2011 to 8 December 2011``, once where they are the same."""
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def length(horizon: Horizon) -> str:
    """Return a horizon in words.

    Examples
    --------
    >>> length(Horizon.parse("26W")), length(Horizon.parse("1M"))
    ('26 weeks', '1 month')
    """
    if horizon.until is not None:
        return f"time to {day(horizon.until)}"
    unit = horizon.unit_name
    return f"{horizon.count} {unit if horizon.count != 1 else unit.removesuffix('s')}"
