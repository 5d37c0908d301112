"""The steps of a series: cut out of a ledger, going on after it, and shared with periods."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger
from forecast.views import revenue_series

__all__ = [
    "LEAST_STEPS", "begun_at", "by_group", "columns_of", "past_steps", "shared_days", "steps_ahead",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]

LEAST_STEPS = 8


def past_steps(ledger: Ledger, every: str) -> tuple[pd.DataFrame, list[Window]]:
    """Return the whole business by step, if that is enough, and the steps.

    Raises
    ------
    TooLittleDataError
        If there are fewer than eight full steps, or no purchase in them.
    """
    series = revenue_series(ledger, every)
    if len(series) < LEAST_STEPS or not series["purchases"].any():
        raise TooLittleDataError(
            f"The log has {len(series)} full periods of 1{every} up to {ledger.cutoff} "
            f"with {int(series['purchases'].sum()):,} purchases; a series needs at least "
            f"{LEAST_STEPS} periods and a purchase."
        )
    starts, ends = series.index.to_series().dt.date, series["end"].dt.date
    return series, [Window(start, end) for start, end in zip(starts, ends, strict=True)]


def steps_ahead(cutoff: date, window: Window, every: str) -> list[Window]:
    """Return the whole steps after the cutoff that a window begins; the last one may pass it."""
    count = 1 + window.days // (7 if every == "W" else 28)
    steps = Horizon(count, every).periods(cutoff)
    return [step for step in steps if step.start < window.end]


def shared_days(steps: list[Window], windows: list[Window]) -> FloatArray:
    """Return the days each step of the series shares with each period."""
    start, end = (
        [[getattr(each, edge).toordinal() for each in group] for group in (steps, windows)]
        for edge in ("start", "end")
    )
    overlap = np.minimum.outer(end[0], end[1]) - np.maximum.outer(start[0], start[1])
    return np.asarray(np.maximum(overlap, 0), dtype=float)


def begun_at(table: pd.DataFrame) -> int:
    """Return the step of a group's first purchase, early enough to leave a series."""
    first = int(np.argmax(table["purchases"].to_numpy() > 0))
    return max(0, min(first, len(table) - LEAST_STEPS))


def columns_of(
    table: pd.DataFrame, steps: list[Window], has_value: bool
) -> tuple[FloatArray, FloatArray | None, FloatArray]:
    """Return purchases, value and days of each step."""
    return (
        table["purchases"].to_numpy(float),
        table["value"].to_numpy(float) if has_value else None,
        np.array([step.days for step in steps], dtype=float),
    )


def by_group(
    ledger: Ledger, labels: "pd.Series[str]", series: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the series of each group that bought in it, in the order of their names."""
    rows = ledger.purchases()
    step = np.searchsorted(series.index.to_numpy(), rows["date"].to_numpy(), side="right") - 1
    rows = rows.assign(step=step, group=labels.reindex(rows["customer_id"]).to_numpy())
    rows = rows[step >= 0]
    amounts = {"value": ("value", "sum")} if ledger.has_value else {}
    table = rows.groupby(["group", "step"]).agg(purchases=("date", "size"), **amounts)
    return {
        str(label): part.droplevel("group").reindex(range(len(series)), fill_value=0)
        for label, part in table.groupby(level="group")
    }
