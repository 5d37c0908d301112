"""The part of a forecast that is scored: some of its customers, from the end of a gap on.

Expectations by customer come by difference of forecasts, bounds and P(active) from the draws by
period; periods are brought to the level of the customers. What none can tell is missing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.draws import Draws, Sampler, Split, accumulate
from forecast.forecaster import Forecast

__all__ = ["ScopedDraws", "after_gap", "among"]

IntArray = npt.NDArray[np.int64]
_EXPECTED = ["expected_purchases", "expected_value"]


@dataclass(frozen=True)
class ScopedDraws:
    """The draws of another sampler, of some customers in some periods.

    Parameters
    ----------
    whole : Sampler
    rows : array of int or None
        New position of each customer, -1 for those left out; None keeps all.
    periods : array of int or None
        New position of each period, -1 for those left out; None keeps all.
    """

    whole: Sampler
    rows: IntArray | None
    periods: IntArray | None

    @property
    def draws(self) -> int:
        """Number of simulated futures."""
        return self.whole.draws

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers that are kept, block by block, in order."""
        start = 0
        for block in self.whole.blocks():
            many = len(block.purchases)
            place = np.arange(many) if self.rows is None else self.rows[block.rows] - start
            kept = int((place >= 0).sum())
            if kept:
                yield self._scoped(block, place, slice(start, start + kept))
            start += kept

    def _scoped(self, block: Draws, place: IntArray, rows: slice) -> Draws:
        split, shape = block.split(), (rows.stop - rows.start, self.draws)
        customer, draw = np.divmod(split.cell, self.draws)
        period = split.period if self.periods is None else self.periods[split.period]
        held = (place[customer] >= 0) & (period >= 0)
        cell = place[customer[held]] * self.draws + draw[held]
        counts, size = split.purchases[held], shape[0] * shape[1]
        purchases = np.bincount(cell, counts, minlength=size).astype(np.int64).reshape(shape)
        drawn = value = None
        if split.value is not None:
            drawn = split.value[held]
            value = np.bincount(cell, drawn, minlength=size).reshape(shape)
        part = Split(cell, period[held], counts, drawn)
        return Draws(rows, purchases, value, lambda: part)


def among(forecast: Forecast, kept: "pd.Index[Any]") -> Forecast:
    """Return the forecast of some of its customers.

    Their expectation by period is that of the draws, brought to the level of the customers'
    expectations; without draws it is missing.
    """
    if forecast.customers is None or len(kept) == len(forecast.customers):
        return forecast
    index = forecast.customers.index
    held = index.isin(kept)
    rows = np.where(held, np.cumsum(held) - 1, -1)
    customers, count = forecast.customers[held], len(forecast.periods)
    by_period: dict[str, Any] = dict.fromkeys(_EXPECTED, np.full(count, np.nan))
    sampler = None
    if forecast.sampler is not None:
        sampler = ScopedDraws(forecast.sampler, rows, None)
        cubes = dict(zip(_EXPECTED, accumulate(sampler, count), strict=True))
        for name, cube in cubes.items():
            if cube is not None:
                by_period[name] = _levelled(cube.mean(axis=(0, 1)), customers[name])
    return Forecast.build(
        model=forecast.model,
        cutoff=forecast.cutoff,
        horizon=forecast.horizon,
        windows=forecast.windows,
        population=forecast.population,
        customers=customers,
        period_purchases=by_period["expected_purchases"],
        period_value=by_period["expected_value"],
        sampler=sampler,
        notes=forecast.notes,
    )


def after_gap(
    ask: Callable[[Horizon, str], Forecast], origin: date, gap: Horizon, horizon: Horizon
) -> Forecast:
    """Return a forecast of the window that begins after a gap.

    Parameters
    ----------
    ask : callable
        ``ask(horizon, every)`` returns a checked forecast from the origin.
    origin : date
        The last day seen.
    gap, horizon : Horizon
        The window is the horizon, counted from the end of the gap.
    """
    opening = gap.window(origin).last
    window, windows = horizon.window(opening), horizon.periods(opening)
    plain = gap.unit == horizon.unit and gap.unit in "DW"
    every = f"1{horizon.unit}" if plain else "1D"
    whole = ask(Horizon(0, "D", window.last), every)
    periods = _places(whole.windows, windows)
    inside = whole.periods[periods >= 0].groupby(periods[periods >= 0])
    by_period: dict[str, Any] = {
        name: inside[name].sum(min_count=1).to_numpy() for name in _EXPECTED
    }
    sampler = None if whole.sampler is None else ScopedDraws(whole.sampler, None, periods)
    customers = None
    if whole.customers is not None:
        near = ask(Horizon(0, "D", opening), every).customers
        customers = whole.customers.copy()
        customers["p_active"] = np.nan
        for name in _EXPECTED:
            before = np.nan if near is None else near[name].reindex(customers.index)
            customers[name] = (customers[name] - before).clip(lower=0.0)
            by_period[name] = _levelled(by_period[name], customers[name])
        if sampler is not None:
            active = np.full(len(customers), np.nan)
            for block in sampler.blocks():
                active[block.rows] = (block.purchases > 0).mean(axis=1)
            customers["p_active"] = active
    return Forecast.build(
        model=whole.model,
        cutoff=opening,
        horizon=horizon,
        windows=windows,
        population=whole.population,
        customers=customers,
        period_purchases=by_period["expected_purchases"],
        period_value=by_period["expected_value"],
        sampler=sampler,
        notes=whole.notes,
    )


def _levelled(by_period: Any, customers: "pd.Series[float]") -> Any:
    """Bring a course over time to the level of the customers, so that both have one sum."""
    level, total = float(customers.sum(skipna=False)), by_period.sum()
    if np.isnan(level):
        return by_period
    return by_period * (level / total) if total > 0 else by_period + level / len(by_period)


def _places(fine: list[Window], coarse: list[Window]) -> IntArray:
    """Return the coarse window that each fine one lies in, -1 for none."""
    starts = np.array([window.start.toordinal() for window in coarse])
    days = np.array([window.start.toordinal() for window in fine])
    return np.asarray(np.searchsorted(starts, days, side="right") - 1)
