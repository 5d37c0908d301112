"""Parts of a backtest: one horizon, and the origins to choose by or those kept apart."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from forecast.backtest.book import TABLES
from forecast.backtest.origins import scored_window
from forecast.backtest.trial import KEPT
from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UsageError

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["Origins", "joined", "select", "tuning"]

Origins = Literal["tuning", "untouched", "all"]
_COLUMNS = [
    "customer_id", "cutoff", "horizon", "model", "population",
    "actual_purchases", "actual_value", *KEPT,
]  # fmt: skip


def tuning(
    origins: tuple[date, ...],
    untouched: tuple[date, ...],
    horizons: tuple[Horizon, ...],
    gap: Horizon | None,
) -> tuple[date, ...]:
    """Return the origins to choose by: all whose windows end before the untouched ones begin.

    Examples
    --------
    >>> days = tuple(date(2024, 1, day) for day in (1, 4, 8))
    >>> tuning(days, days[-1:], (Horizon.parse("7D"),), None)
    (datetime.date(2024, 1, 1),)
    """
    if not untouched:
        return origins
    start = scored_window(untouched[0], horizons[0], gap).start
    ends = {day: max(scored_window(day, each, gap).last for each in horizons) for day in origins}
    return tuple(day for day in origins if ends[day] < start)


def select(bt: "Backtest", horizon: str | Horizon | None, origins: Origins) -> "Backtest":
    """Return the part of a backtest over one horizon; see :meth:`Backtest.select`."""
    length = bt.horizon if horizon is None else Horizon.parse(horizon)
    if length not in bt.horizons:
        raise UsageError(
            f"horizon: {length} was not part of this backtest; it has "
            f"{[str(each) for each in bt.horizons]}."
        )
    choices = {"tuning": bt.tuning, "untouched": bt.untouched, "all": bt.origins}
    if origins not in choices:
        raise UsageError(f"origins: {origins!r} is not one of {list(choices)}.")
    days, text = choices[origins], str(length)
    if not days:
        raise TooLittleDataError(
            f"origins: none of {len(bt.origins)} is {origins!r}; {len(bt.untouched)} are untouched."
        )
    stamps = [pd.Timestamp(day) for day in days]

    def rows(table: pd.DataFrame) -> pd.DataFrame:
        held = table["cutoff"].isin(stamps)
        held &= (table["horizon"] == text) if "horizon" in table else True
        return table[held].reset_index(drop=True)

    chosen: dict[str, Any] = {name: rows(getattr(bt, name)) for name in TABLES}
    chosen["customers"] = bt.customers.where(lambda key: key in days)
    for name in ("actuals", "forecasts"):
        chosen[name] = getattr(bt, name).where(lambda key: key[0] in days and key[1] == text)
    return replace(bt, horizons=(length,), origins=days, untouched=(), **chosen)


def joined(bt: "Backtest") -> pd.DataFrame:
    """Join every forecast with what the customer did; see ``Backtest.frame``."""
    parts = []
    for (origin, horizon, model, population), forecast in bt.forecasts.items():
        actual = bt.actuals[origin, horizon, population].reindex(forecast.index)
        part = forecast.assign(
            cutoff=pd.Timestamp(origin).as_unit("us"),
            horizon=horizon,
            model=model,
            population=population,
            actual_purchases=actual["purchases"].astype("int64"),
            actual_value=actual["value"].astype(float),
        )
        parts.append(part.reset_index()[_COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
