"""Amounts that could not be read: in which other way they are written, and what to say of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import DataError, listed
from forecast.ledger.amounts import WAYS, Notation, mark_of
from forecast.ledger.by_customer import distinct
from forecast.ledger.sources import Frame

__all__ = ["refuse_two_currencies", "unread_texts", "way_to_read"]

_MOST = 20_000  # distinct texts that are looked at
_PLAIN = (
    "Write plain numbers such as 1234.50: a point before the cents, no sign of currency or of "
    "thousands"
)


def unread_texts(unread: Frame, column: str) -> list[str]:
    """Return the distinct texts of amounts that could not be read, without blanks around them."""
    texts = distinct(unread.select(nw.col(column).str.strip_chars().alias("text")))
    return list(texts.sort("text").head(_MOST).collect("pyarrow")["text"].to_list())


def refuse_two_currencies(source: str, name: str, texts: Sequence[str], notation: Notation) -> None:
    """Refuse amounts of which the first ones carry one currency, and others another.

    Raises
    ------
    DataError
        Naming the currencies, with amounts of the others.
    """
    others = {mark_of(text): text for text in reversed(texts)}
    others = {mark: text for mark, text in others.items() if mark not in ("", notation.mark)}
    if notation.mark and others:
        raise DataError(
            f"Column {name!r} of {source}: amounts in several currencies, "
            f"{listed(sorted([notation.mark, *others]))} (e.g. {listed(sorted(others.values()))}), "
            "do not add up. Convert them to one, or write one file a currency."
        )


def way_to_read(texts: Sequence[str], notation: Notation, first: Any) -> str:
    r"""Return what to do about amounts that could not be read.

    Parameters
    ----------
    texts : sequence of str
        The distinct texts.
    notation : Notation
        In which they do not fit.
    first : object
        The amount that the message shows first: it is the example of how each way reads it.

    Examples
    --------
    >>> way_to_read(["28,60"], Notation(), "28,60")
    'Say how they are written: decimal="," reads \'28,60\' as 28.6. '
    """
    if notation.mark and all(not mark_of(text) for text in texts):
        return f"Other amounts carry {notation.mark!r}. Write all of them with it, or all without. "
    ways = _fitting(texts, notation)
    for_all = bool(ways)
    ways = ways or _fitting([str(first)], notation)
    if not ways:
        marks = sorted({mark_of(text) for text in texts} - {"", notation.mark})
        also = f" ({listed(marks)} must stand beside every amount, or beside none)" if marks else ""
        return f"{_PLAIN}{also}. "
    example = str(first) if ways[0].read(str(first)) is not None else texts[0]
    example = example.strip()
    said = [f"{_options(way)} reads {example!r} as {way.read(example):.12g}" for way in ways]
    how = f"say how they are written: {' or '.join(said)}. "
    return how[0].upper() + how[1:] if for_all else f"{_PLAIN}, or {how}"


def _fitting(texts: Sequence[str], notation: Notation) -> list[Notation]:
    """Return the ways that read all texts, the simplest of those that read them alike."""
    fits: dict[tuple[float | None, ...], Notation] = {}
    for way in (replace(each, mark=notation.mark) for each in WAYS):
        numbers = tuple(way.read(text) for text in texts)
        if way != notation and None not in numbers:
            fits.setdefault(numbers, way)
    return list(fits.values())


def _options(way: Notation) -> str:
    decimal = f'decimal="{way.decimal}"'
    if way.thousands is None:
        return decimal
    thousands = f'thousands="{way.thousands}"'
    return thousands if way.decimal == "." else f"{decimal} and {thousands}"
