"""When would we have forecast? The days a backtest looks back from, and the windows it scores."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from forecast.calendar import Horizon, Window, add, parse_day
from forecast.errors import CutoffError, HorizonError, TooLittleDataError, UsageError, listed

__all__ = ["a_length", "origin_days", "scored_window"]

_DAY = timedelta(days=1)
_SHORTER = "Choose a shorter horizon or fewer origins."


def origin_days(
    cutoff: date,
    horizon: str | Horizon | Sequence[str | Horizon],
    origins: int | Iterable[Any] = 6,
    step: str | Horizon | None = None,
    *,
    gap: str | Horizon | None = None,
    first_day: date | None = None,
    min_history: str | Horizon | None = None,
) -> list[date]:
    """Return the days to forecast from, oldest first.

    The last one lies one horizon before the cutoff, so that its whole window has happened; the
    k-th before it lies k steps earlier (counted from the last one, so months do not creep).

    Parameters
    ----------
    cutoff : date
        Last day of the ledger.
    horizon : str or Horizon, or several
        Length of the window to forecast, such as ``"13W"``; a date is refused. Of several, all
        windows must have happened.
    origins : int or dates
        How many, or which days.
    step : str or Horizon, optional
        From one origin to the next; the longest horizon by default. Not with a list of days.
    gap : str or Horizon, optional
        Between an origin and the first day of its window; none by default.
    first_day : date, optional
        First purchase in the ledger; without it the length of history is not checked.
    min_history : str or Horizon, optional
        History each origin needs, from ``first_day`` to the origin; the longest horizon by
        default.

    Raises
    ------
    HorizonError
        If a length is a date or has no unit.
    CutoffError
        If a window ends after the cutoff.
    TooLittleDataError
        If an origin has less history than ``min_history``.
    UsageError
        If ``origins`` is neither a positive number nor days that differ.

    Examples
    --------
    >>> [str(day) for day in origin_days(date(2024, 3, 31), "1M", 3)]
    ['2023-12-29', '2024-01-29', '2024-02-29']
    """
    given = horizon if isinstance(horizon, list | tuple) else [horizon]
    lengths = [a_length(each, "horizon") for each in given]
    if not lengths:
        raise UsageError("horizon: none given; write horizon='13W'.")
    longest = max(lengths, key=lambda each: each.mean_days(cutoff))
    between = None if gap is None else a_length(gap, "gap")
    history = longest if min_history is None else a_length(min_history, "min_history")
    earliest = date.min if first_day is None else history.window(first_day - _DAY).last
    if isinstance(origins, int) and not isinstance(origins, bool):
        if origins < 1:
            raise UsageError(f"origins: {origins} must be at least 1.")
        stride = longest if step is None else a_length(step, "step")
        last = _last(cutoff, lengths, between)
        return _counted(cutoff, last, longest, origins, stride, earliest, first_day, history)
    if isinstance(origins, bool | str) or not isinstance(origins, Iterable):
        raise UsageError(f"origins: {origins!r} is neither a number nor a list of days.")
    if step is not None:
        raise UsageError("step: a list of origins has its own steps; leave step out.")
    return _listed(cutoff, lengths, between, origins, earliest, first_day, history)


def a_length(value: Any, name: str) -> Horizon:
    """Read a length with its unit; a date is refused, since every origin needs its own."""
    length = Horizon.parse(value, name)
    if length.until is not None:
        raise HorizonError(f"{name}: {length} is a date; a backtest needs a length, like '13W'.")
    return length


def scored_window(origin: date, horizon: Horizon, gap: Horizon | None = None) -> Window:
    """Return the window that is scored after ``origin``: the horizon, counted after the gap.

    Examples
    --------
    >>> str(scored_window(date(2024, 1, 31), Horizon.parse("1W"), Horizon.parse("3D")))
    '2024-02-04 to 2024-02-10'
    """
    return horizon.window(origin if gap is None else gap.window(origin).last)


def _last(cutoff: date, horizons: Sequence[Horizon], gap: Horizon | None) -> date:
    day = min(each.back(cutoff) for each in horizons)
    return day if gap is None else gap.back(day)


def _counted(
    cutoff: date,
    last: date,
    horizon: Horizon,
    count: int,
    step: Horizon,
    earliest: date,
    first_day: date | None,
    history: Horizon,
) -> list[date]:
    days: list[date] = []
    for back in range(count):
        day = add(last, -back * step.count, step.unit)
        if day < earliest:
            raise TooLittleDataError(
                f"{count} origins of {horizon}, {step} apart, with {history} of history each need "
                f"an origin on {add(last, -(count - 1) * step.count, step.unit)}, but the log "
                f"runs from {first_day} to {cutoff}; {len(days)} fit. "
                + (f"Ask for origins={len(days)} or a shorter step." if days else _SHORTER)
            )
        days.append(day)
    return days[::-1]


def _listed(
    cutoff: date,
    horizons: Sequence[Horizon],
    gap: Horizon | None,
    given: Iterable[Any],
    earliest: date,
    first_day: date | None,
    history: Horizon,
) -> list[date]:
    days = sorted(parse_day(day, "origins") for day in given)
    if not days or len(set(days)) < len(days):
        raise UsageError(f"origins: {len(days)} days given; they must differ and be at least one.")
    ends = {day: max(scored_window(day, each, gap).last for each in horizons) for day in days}
    late = [str(day) for day in days if ends[day] > cutoff]
    if late:
        longest = max(horizons, key=lambda each: each.mean_days(cutoff))
        raise CutoffError(
            f"{len(late)} of {len(days)} origins have a window of {longest} that ends after the "
            f"cutoff {cutoff}: {listed(late)}. The last origin that fits is "
            f"{_last(cutoff, horizons, gap)}."
        )
    early = [str(day) for day in days if day < earliest]
    if early:
        raise TooLittleDataError(
            f"{len(early)} of {len(days)} origins have less than {history} of history after "
            f"{first_day}: {listed(early)}. The first origin that fits is {earliest}."
        )
    return days
