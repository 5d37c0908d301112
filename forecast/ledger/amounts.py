"""Amounts as numbers: those of a numeric column, and those of text in the notation that was said.

Nothing is guessed: ``"1,234"`` is a thousand or a fraction, and ``decimal`` and ``thousands`` say
which. A sign or code of a currency is left out where every amount carries the same.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import DataError, UsageError
from forecast.ledger.sources import Frame, Source

__all__ = [
    "NO_NUMBER",
    "WAYS",
    "Notation",
    "common_mark",
    "mark_of",
    "marked",
    "notation_of",
    "with_amount",
]

MOST = 1e13  # an amount beyond is a mistake, and would drown the cents of all others
NO_NUMBER = "amount that is no number"
_NAN, _INFINITE = r"(?i)^\s*[+-]?nan\s*$", r"(?i)^\s*[+-]?inf(inity)?\s*$"
_BLANK = "[ \t\u00a0\u202f]"
_GROUPED_BY = {".": "[.]", ",": ",", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}
_SIGN = "[A-Z]{0,3}[$\u00a2-\u00a5\u20a0-\u20cf]|[A-Z]{3}|kr[.]?|Fr[.]|z\u0142|K\u010d|Ft"
_MARKED = re.compile(
    rf"\s*[+-]?{_BLANK}*(?:({_SIGN}){_BLANK}*)?[+-]?[\d.,'\u2019 \u00a0\u202f]*\d[.,]?"
    rf"{_BLANK}*({_SIGN})?\s*",
    re.ASCII,
)
_LONGEST = 60  # signs of an amount that is looked at
_LOOKED_AT = 100  # amounts, for the currency that all of them carry


@dataclass(frozen=True)
class Notation:
    """How amounts given as text are written.

    Attributes
    ----------
    decimal : str
        The sign before the cents: a point or a comma.
    thousands : str or None
        The sign between groups of thousands: ``"."``, ``","``, ``" "`` or ``"'"``.
    mark : str
        The sign or code of a currency that every amount carries, before or after its number.
    """

    decimal: str = "."
    thousands: str | None = None
    mark: str = ""

    @property
    def pattern(self) -> str:
        """A regular expression for the numbers of this notation, in the grammar of all engines.

        Examples
        --------
        >>> bool(re.search(Notation(",", ".").pattern, "-1.234,50"))
        True
        >>> bool(re.search(Notation(",").pattern, "1.234,50"))
        False
        """
        whole, point = r"\d+", re.escape(self.decimal)
        if self.thousands is not None:
            by = _GROUPED_BY[self.thousands]
            whole = rf"(\d+|\d{{1,3}}({by}\d{{2,3}})*{by}\d{{3}})"
        number = rf"({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,3}})?"
        if not self.mark:
            return rf"^\s*[+-]?{number}\s*$"
        mark, gap = re.escape(self.mark), f"{_BLANK}*"
        before = rf"([+-]?{gap}{mark}{gap}|{mark}{gap}[+-]){number}"
        return rf"^\s*({before}|[+-]?{number}{gap}{mark})\s*$"

    def plain(self, text: Any) -> Any:
        """Return text that fits :attr:`pattern` as text that every engine casts to a number."""
        if self.mark:
            text = text.str.replace_all(self.mark, "", literal=True)
        if self.thousands is not None:
            text = text.str.replace_all(_GROUPED_BY[self.thousands], "")
        if self.decimal != ".":
            text = text.str.replace_all(self.decimal, ".", literal=True)
        return text.str.replace_all(_BLANK, "") if self.mark else text.str.strip_chars()

    def read(self, text: str) -> float | None:
        """Return the number that a single text is, None where it does not fit.

        Examples
        --------
        >>> Notation(",", ".").read("1.234,50"), Notation().read("1,5")
        (1234.5, None)
        """
        if len(text) > _LONGEST or not re.search(self.pattern, text, re.ASCII):
            return None
        text = text.replace(self.mark, "") if self.mark else text
        text = re.sub(_GROUPED_BY[self.thousands], "", text) if self.thousands else text
        return float(re.sub(_BLANK, "", text.replace(self.decimal, ".")))


WAYS = tuple(
    Notation(decimal, thousands)
    for thousands, decimal in itertools.product((None, *_GROUPED_BY), ".,")
    if thousands != decimal
)


def notation_of(decimal: str | None, thousands: str | None) -> Notation:
    """Return the notation that two options name; a decimal point where nothing is said.

    Raises
    ------
    UsageError
        If a sign is none of those known, or both are the same.
    """
    if decimal not in (None, ".", ","):
        raise UsageError(f'decimal: {decimal!r} must be "." or ",".')
    if thousands is not None and thousands not in [*_GROUPED_BY]:
        raise UsageError(f'thousands: {thousands!r} must be ".", ",", " " or "\'".')
    if thousands == (decimal or "."):
        other = "," if thousands == "." else "."
        raise UsageError(
            f"thousands: {thousands!r} is the sign before the cents too; say which that is, "
            f'decimal="{other}".'
        )
    return Notation(decimal or ".", thousands)


def marked(source: Source, column: str | None, notation: Notation) -> Notation:
    """Add to a notation the currency that the first hundred amounts carry; all others must too."""
    if column is None or source.frame.collect_schema()[column] != nw.String:
        return notation
    text = nw.col(column).str.strip_chars()
    there = source.frame.select(text.alias("text")).filter(nw.col("text") != "")
    there = there.filter(~nw.col("text").str.contains(_NAN))
    first = there.head(_LOOKED_AT).collect("pyarrow")["text"].to_list()
    return replace(notation, mark=common_mark(first))


def common_mark(texts: Sequence[str]) -> str:
    """Return the sign or code of a currency that the first hundred texts carry, or nothing."""
    marks = [mark_of(each) for each in texts[:_LOOKED_AT]]
    return marks[0] if marks and all(marks) else ""


def mark_of(text: str) -> str:
    """Return the sign or code of a currency beside a number, or nothing.

    Examples
    --------
    >>> mark_of("28,60 EUR"), mark_of("-$5"), mark_of("28.60"), mark_of("10%")
    ('EUR', '$', '', '')
    """
    found = _MARKED.fullmatch(text) if len(text) <= _LONGEST else None
    return (found[1] or found[2] or "") if found and not (found[1] and found[2]) else ""


def with_amount(
    source: Source, frame: Frame, name: str, column: str, notation: Notation
) -> tuple[Frame, dict[str, tuple[str, Any]]]:
    """Add ``amount``, and return its faults: kind -> the column, and which rows have it.

    Parameters
    ----------
    source : Source
        Where the rows come from.
    frame : narwhals.LazyFrame
        The rows.
    name, column : str
        The column of amounts as the user knows it, and as it is called in the frame.
    notation : Notation
        How text is written.

    Raises
    ------
    DataError
        If the column cannot hold amounts.
    UsageError
        If a notation was said of numbers.
    """
    given, kind = nw.col(column), frame.collect_schema()[column]
    if kind == nw.String:
        number = given.str.contains(notation.pattern)
        missing = given.is_null() | (given.str.strip_chars() == "") | given.str.contains(_NAN)
        text = nw.when(number).then(notation.plain(given)).otherwise(nw.lit(None, nw.String))
        amount, infinite = text.cast(nw.Float64), given.str.contains(_INFINITE)
    elif kind.is_numeric():
        if notation != Notation():
            option = "decimal" if notation.decimal != "." else "thousands"
            raise UsageError(f"{option}: column {name!r} holds {kind}, not text. Leave it out.")
        number, missing = ~given.is_null(), given.is_null()
        amount, infinite = given.cast(nw.Float64), nw.lit(False)
        if kind.is_float():
            missing = missing | given.is_nan()
    else:
        raise DataError(f"Column {name!r} of {source.name}: {kind} is no amount. Give numbers.")
    huge = f"amount beyond {MOST:,.0f}"
    faults = {
        "missing amount": missing,
        "infinite amount": infinite | ~nw.col("amount").is_finite(),
        NO_NUMBER: ~number,
        huge: nw.col("amount").abs() > MOST,
    }
    frame = frame.with_columns(amount.alias("amount"))
    return frame, {fault: (name, flag) for fault, flag in faults.items()}
