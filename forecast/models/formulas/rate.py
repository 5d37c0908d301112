"""How often in what time: rates and lengths that carry their units.

Months and years convert as 12 to one, days and weeks at 365.25 days a year.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from forecast.calendar import Horizon
from forecast.errors import HorizonError, UsageError

__all__ = ["Rate", "number", "parse_length", "ratio"]

_WORDS = {"once": 1.0, "twice": 2.0}


@dataclass(frozen=True)
class Rate:
    """How often something happens: so many times in a length of time.

    Examples
    --------
    >>> Rate.parse("once in 3M").during("3Y")
    12.0
    >>> str(Rate.parse("2.5 in 1Y"))
    '2.5 in 1Y'
    """

    times: float
    length: Horizon

    @classmethod
    def parse(cls, value: Any, name: str = "rate") -> "Rate":
        """Read ``"once in 3M"``, ``"twice in 1W"`` or ``"2.5 in 1Y"``; a bare number is refused.

        Raises
        ------
        UsageError
            If the text is no rate.
        """
        if isinstance(value, Rate):
            return value
        if isinstance(value, str):
            found = re.fullmatch(
                r"(once|twice|[0-9]+(?:[.][0-9]+)?) in ([0-9]+ ?[DWMY])", value.strip(), re.I
            )
            if found:
                word = found[1].lower()
                times = _WORDS[word] if word in _WORDS else float(word)
                return cls(times, parse_length(found[2], name))
        raise UsageError(
            f"{name}: {value!r} does not say how often in what time. Write "
            f'{name}="once in 3M", "twice in 1W" or "2.5 in 1Y".'
        )

    def during(self, length: Any) -> float:
        """Return how often it happens in a length of time."""
        return self.times * ratio(parse_length(length, "length"), self.length)

    def __str__(self) -> str:
        names = {times: word for word, times in _WORDS.items()}
        return f"{names.get(self.times, number(self.times))} in {self.length}"


def parse_length(value: Any, name: str) -> Horizon:
    """Read a length of time with its unit; a bare number or a date is refused.

    Raises
    ------
    HorizonError
        If it is not one.
    """
    length = Horizon.parse(value, name)
    if length.until is not None:
        raise HorizonError(f'{name}: {length} is a date; give a length such as "3Y".')
    return length


def ratio(length: Horizon, period: Horizon) -> float:
    """Return how many periods the length holds; exact between months and years."""
    return length.mean_days(date.min) / period.mean_days(date.min)


def number(value: float) -> str:
    """Write a number with thousands set apart, to at least two decimals and four figures."""
    size = np.floor(np.log10(abs(value))) if value else 0.0
    digits = int(max(2, 3 - size))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") or "0"
