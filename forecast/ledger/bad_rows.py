"""Rows that cannot be read: how many have which fault, where they stand, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import BadRowsError, listed
from forecast.ledger.amounts import NO_NUMBER, Notation
from forecast.ledger.columns import Columns, raw
from forecast.ledger.sources import FILE, ROW, Frame, Source
from forecast.ledger.unread_amounts import unread_texts, way_to_read

__all__ = ["BadRows", "refusal"]

FEW = 0.05  # share of the rows up to which dropping the bad ones is offered
_REMEDIES = {
    "missing customer": "A purchase needs a customer. ",
    "missing amount": "A purchase of nothing has the amount 0. ",
    "unreadable date": "Write YYYY-MM-DD, from 1900 on. ",
    "missing key": "Name columns that every row has. ",
}


@dataclass(frozen=True)
class BadRows:
    """Rows with what is wrong with each.

    Attributes
    ----------
    source : Source
        Where they come from.
    columns : Columns
        Which column is what.
    frame : narwhals.LazyFrame
        All rows, with ``fault``: the place of the first fault in ``faults``, counted from 1, or 0.
    faults : mapping
        Fault -> the column it is of, and the rows that have it.
    bad : mapping
        Fault -> how many rows have it first.
    total : int
        Rows read.
    order : tuple of str
        Columns that say where a row stands; none where rows have no order.
    """

    source: Source
    columns: Columns
    frame: Frame
    faults: Mapping[str, tuple[str, Any]]
    bad: Mapping[str, int]
    total: int
    order: tuple[str, ...] = ()

    def rows(self, fault: str) -> Frame:
        """Return the rows that have a fault first."""
        place = 1 + list(self.faults).index(fault)
        return self.frame.filter(nw.col("fault") == place)

    def first(self, fault: str, most: int) -> tuple[list[Any], list[str]]:
        """Return the first few values that have a fault, and where they stand."""
        column = self.faults[fault][0]
        lead = self.columns.date if column == self.columns.customer else self.columns.customer
        value, beside = (nw.col(raw(each)).cast(nw.String) for each in (column, lead))
        rows = self.rows(fault)
        rows = rows.select(value.alias("value"), beside.alias("beside"), *self.order)
        rows = rows.sort(*self.order) if self.order else rows
        found = rows.head(most).collect("pyarrow").rows(named=True)
        missing = fault.startswith("missing")
        values = [f"{lead}={row['beside']}" if missing else row["value"] for row in found]
        places = [self._place(row[FILE], row[ROW]) for row in found] if self.order else []
        return values, places

    def _place(self, file: str | None, row: int) -> str:
        """Return where a row stands, counted from 1 after the header."""
        files = self.source.files
        several = file is not None and len(files) > 1
        return f"{files[str(file)]}, row {row}" if several else f"row {row}"


def refusal(found: BadRows, date_format: str | None, notation: Notation) -> BadRowsError:
    """Build the error: the largest fault with its first rows, then the others, then what to do."""
    met = sorted((name for name in found.bad if found.bad[name]), key=lambda name: -found.bad[name])
    main, *others = met
    values, places = found.first(main, 5)
    column, bad = found.faults[main][0], sum(found.bad.values())
    remedy = _REMEDIES.get(main, "")
    if main == "unreadable date" and date_format is not None:
        remedy = f'They do not fit date_format="{date_format}". '
    if main == NO_NUMBER:
        texts = unread_texts(found.rows(main), raw(column))
        remedy = way_to_read(texts, notation, values[0])
    also = "".join(_also(found, name) for name in others)
    if others:
        also = f"{also}{bad:,} of {found.total:,} rows are bad in all. "
    drop = f", or drop them with max_bad_rows={bad}" if bad <= FEW * found.total else ""
    return BadRowsError(
        main,
        column=column,
        count=found.bad[main],
        samples=values,
        remedy=f"{remedy}{also}Mend them{drop}.",
        source=found.source.name,
        places=places,
    )


def _also(found: BadRows, fault: str) -> str:
    """Return a sentence about one more fault."""
    values, places = found.first(fault, 2)
    shown = [listed([each]) for each in values]
    if places:
        shown = [f"{each} ({place})" for each, place in zip(shown, places, strict=True)]
    rows = "1 row" if found.bad[fault] == 1 else f"{found.bad[fault]:,} rows"
    column = listed([found.faults[fault][0]])
    return f"Also column {column}: {fault} in {rows}, {', '.join(shown)}. "
