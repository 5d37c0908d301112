"""From a ledger to a clock: who bought when, and the events of the calendar, by day number."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import day_number
from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.processes.clock import Timeline

__all__ = ["event_columns", "timeline_of"]


def timeline_of(ledger: Ledger, summary: pd.DataFrame) -> Timeline:
    """Return the days on which the customers of a summary joined and bought again."""
    first, last = _days(summary["first_purchase"]), _days(summary["last_purchase"])
    rows = ledger.purchases()
    owner = summary.index.get_indexer(pd.Index(rows["customer_id"]))
    days = _days(rows["date"])
    repeat = days > first[owner]
    return Timeline(
        first=first,
        last=last,
        frequency=summary["frequency"].to_numpy(float),
        days=days[repeat],
        owner=owner[repeat],
        now=day_number(ledger.cutoff),
    )


def event_columns(
    events: pd.DataFrame | None, start: int
) -> dict[str, npt.NDArray[np.float64]] | None:
    """Return each event's value by day from day number ``start`` to the last day given.

    Raises
    ------
    UsageError
        If days are missing, doubled, or not numbers.
    """
    if events is None:
        return None
    days = pd.DatetimeIndex(events.index)
    wanted = pd.date_range(np.datetime64(start, "D"), days.max(), freq="D")
    table = events.set_axis(days)
    if days.has_duplicates:
        raise UsageError(f"events: {int(days.duplicated().sum())} days are given twice.")
    table = table.reindex(wanted)
    if len(wanted) == 0 or table.isna().any(axis=None):
        missing = table.index[table.isna().any(axis=1)]
        shown = missing[0].date() if len(missing) else "all"
        raise UsageError(
            f"events: {len(missing)} days from the first purchase on have no value, first {shown}. "
            "Give every event a number for every day, 0 for no event."
        )
    try:
        return {str(name): table[name].to_numpy(float) for name in table.columns}
    except (TypeError, ValueError):
        raise UsageError("events: values must be numbers, one column an event.") from None


def _days(dates: "pd.Series[pd.Timestamp]") -> npt.NDArray[np.int64]:
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)
