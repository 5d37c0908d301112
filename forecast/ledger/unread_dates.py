"""Dates that could not be read: in which other way they are written, and what to say of it."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from forecast.errors import BadRowsError, DataError, UsageError, listed
from forecast.ledger.dates import ISO
from forecast.ledger.sources import Frame, Source
from forecast.ledger.zoned_text import ZONED

__all__ = ["explain_dates"]

_LIKE_ISO = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
_MOST_WAYS = 20_000  # distinct dates that a format must read
_DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%d-%m-%y", "%d %b %Y", "%d-%b-%Y",
    "%b %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def explain_dates(
    source: Source, frame: Frame, name: str, column: str, timezone: str | None
) -> None:
    """Refuse dates that are not ISO text but written in a way that can be told.

    Parameters
    ----------
    source : Source
        Where the rows come from.
    frame : narwhals.LazyFrame
        The rows with their ``day``; those whose date could not be read have none.
    name, column : str
        The date column as the user knows it, and as it is called in the frame.
    timezone : str or None
        The zone in which days are counted, where one was said.
    """
    _explain_zones(source, frame, name, column, timezone)
    text = nw.col(column).str.strip_chars()
    unread = frame.filter(nw.col("day").is_null() & ~text.is_null() & (text != ""))
    unread = unread.filter(~text.str.contains(_LIKE_ISO))  # the others name no real day
    written = unread.select(column).unique().sort(column).head(_MOST_WAYS)
    samples = written.collect("pyarrow")[column].to_list()
    good = frame.filter(~nw.col("day").is_null()).head(1).collect("pyarrow")[column].to_list()
    count = int(unread.select(nw.len()).collect("pyarrow").item())
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


def _explain_zones(
    source: Source, frame: Frame, name: str, column: str, timezone: str | None
) -> None:
    """Refuse times with a zone where none was said, times without where one was, and a mix."""
    text = nw.col(column).str.strip_chars()
    judged = frame.filter(~text.is_null()).select(
        text.alias("text"),
        text.str.contains(ZONED).cast(nw.Int64).alias("with"),
        text.str.contains(ISO).cast(nw.Int64).alias("without"),
    )
    count = judged.select(nw.col("with").sum(), nw.col("without").sum())
    counts = {key: int(n or 0) for key, n in count.collect("pyarrow").rows(named=True)[0].items()}
    where = f"Column {name!r} of {source.name}"

    def shown(which: str) -> str:
        rows = judged.filter(nw.col(which) == 1).head(2).collect("pyarrow")
        return f"e.g. {listed(rows['text'].to_list())}"

    many = f"{counts['with']:,} {'time carries' if counts['with'] == 1 else 'times carry'}"
    zoned = f"{many} a time zone, {shown('with')}" if counts["with"] else ""
    if all(counts.values()):
        raise DataError(
            f"{where}: {zoned}, and {counts['without']:,} "
            f"{'does' if counts['without'] == 1 else 'do'} not, {shown('without')}. Write all of "
            "them with their offset, or all without."
        )
    if counts["with"] and timezone is None:
        raise DataError(
            f"{where}: {zoned}, and the day of a purchase depends on it. Say whose day counts, "
            'the shop\'s, e.g. timezone="Europe/London".'
        )
    if counts["without"] and timezone is not None:
        raise UsageError(
            f"timezone: column {name!r} holds text without a time zone, {shown('without')}; there "
            "is nothing to convert from. Leave it out."
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
