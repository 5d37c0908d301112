"""Dates that could not be read: in which other way they are written, and what to say of it."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from forecast.errors import BadRowsError, DataError, listed
from forecast.ledger.dates import TIME
from forecast.ledger.sources import Frame, Source

__all__ = ["explain_dates"]

_ZONED = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]{TIME} ?(Z|[+-]\d{{2}}:?\d{{2}}|UTC|GMT)$"
_LIKE_ISO = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
_MOST_WAYS = 20_000  # distinct dates that a format must read
_DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%d-%m-%y", "%d %b %Y", "%d-%b-%Y",
    "%b %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def explain_dates(source: Source, frame: Frame, name: str, column: str) -> None:
    """Refuse dates that are not ISO text but written in a way that can be told.

    Parameters
    ----------
    source : Source
        Where the rows come from.
    frame : narwhals.LazyFrame
        The rows with their ``day``; those whose date could not be read have none.
    name, column : str
        The date column as the user knows it, and as it is called in the frame.
    """
    text = nw.col(column).str.strip_chars()
    unread = frame.filter(nw.col("day").is_null() & ~text.is_null() & (text != ""))
    zoned = unread.filter(text.str.contains(_ZONED)).head(3).collect("pyarrow")
    unread = unread.filter(~text.str.contains(_LIKE_ISO))  # the others name no real day
    written = unread.select(column).unique().sort(column).head(_MOST_WAYS)
    samples = written.collect("pyarrow")[column].to_list()
    good = frame.filter(~nw.col("day").is_null()).head(1).collect("pyarrow")[column].to_list()
    count = int(unread.select(nw.len()).collect("pyarrow").item())
    if len(zoned):
        raise DataError(
            f"Column {name!r} of {source.name}: times carry a time zone, e.g. "
            f"{listed(zoned[column].to_list())}. Convert them to one zone's dates first, or give "
            "timestamps with timezone=..."
        )
    if not samples:
        return
    fits = _fits(samples)
    formats = [each for each, read in fits.items() if read.all()]
    several = not formats and bool(np.any(list(fits.values()), axis=0).all())
    hint = " or ".join(f'"{each}"' for each in formats)
    if several or (good and formats):
        pair = [good[0], samples[0]] if good else _unlike(samples, fits)
        problem = f"dates are written in more than one way ({listed(pair)})"
        also = f", or all alike with date_format={hint}" if formats else ""
        remedy = f"Write all of them YYYY-MM-DD{also}."
    elif formats:
        ways = f"such as {listed(samples[:1])} can be read in more than one way"
        problem = f"dates {ways if len(formats) > 1 else 'are not written YYYY-MM-DD'}"
        remedy = f"Say how they are written: date_format={hint}."
    elif good:
        return  # unreadable values among sound ones: counted and shown with the bad rows
    else:
        problem = "dates are not written YYYY-MM-DD"
        remedy = 'Write YYYY-MM-DD, or say how they are written, e.g. date_format="%d.%m.%Y".'
    raise BadRowsError(
        problem, column=name, count=count, samples=samples, remedy=remedy, source=source.name
    )


def _unlike(samples: Sequence[str], fits: "dict[str, Any]") -> list[str]:
    """Return the first two samples that no format shares."""
    reads = np.array(list(fits.values())).astype(int)
    apart = np.argwhere(reads.T @ reads == 0)
    return [samples[at] for at in (apart[0] if len(apart) else (0, -1))]


def _fits(samples: Sequence[str]) -> "dict[str, Any]":
    """Return for each of the usual formats which samples it reads."""
    import pandas as pd

    series = pd.Series([sample.strip() for sample in samples], dtype=object)
    return {
        f"{day}{time}": pd.to_datetime(series, format=f"{day}{time}", errors="coerce")
        .notna()
        .to_numpy()
        for day in _DAYS
        for time in _TIMES
    }
