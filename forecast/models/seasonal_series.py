"""The whole business as one seasonal time series, newcomers included."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from forecast.calendar import DAYS_PER_YEAR, Horizon, Window
from forecast.errors import NotFittedError, TooLittleDataError, UsageError
from forecast.forecaster import Draws, Forecast, Population, Split, check_request
from forecast.ledger import Ledger
from forecast.models.local_level import LocalLevel, fit_local_level
from forecast.views import revenue_series

__all__ = ["SeasonalSeries"]

FloatArray = npt.NDArray[np.float64]

LEAST_PERIODS = 8
_SHIFT = 0.2  # of the mean purchases a period: a closed week must not outweigh the season
_LEAST_ORDER_VALUE = 1e-3  # of the mean: a week of free purchases must have a logarithm


@dataclass
class SeasonalSeries:
    """Everybody's purchases and value by week, with a drifting level and a yearly season.

    Purchases follow :class:`forecast.models.local_level.LocalLevel`: two Fourier pairs of the year
    estimated jointly with the level from two years on, shrunk between one and two years, and none
    below one year. Value is purchases times value per purchase, which has a drifting level of its
    own. Weeks are spread evenly over their days, so any horizon and period can be asked. Intervals
    hold the model's parameters fixed. There is no trend: growth goes on only as a level does.

    The population is ``"all"``; it cannot be split into customers.

    Parameters
    ----------
    every : str
        Grain of the series, ``"W"`` or ``"M"``, counted back from the cutoff.
    """

    every: str = "W"
    cutoff_: date | None = field(default=None, init=False, repr=False)
    periods_: int = field(default=0, init=False, repr=False)
    purchases_: LocalLevel | None = field(default=None, init=False, repr=False, compare=False)
    order_value_: LocalLevel | None = field(default=None, init=False, repr=False, compare=False)

    populations = ("all",)

    def fit(self, ledger: Ledger) -> Self:
        """Fit the series of purchases and of value per purchase.

        Raises
        ------
        TooLittleDataError
            If the log has fewer than eight full periods, or no purchase in them.
        """
        if self.every not in ("W", "M"):
            raise UsageError(f"every: {self.every!r} is not 'W' or 'M'.")
        series = revenue_series(ledger, self.every)
        counts = series["purchases"].to_numpy(float)
        if len(series) < LEAST_PERIODS or not counts.any():
            raise TooLittleDataError(
                f"The log has {len(series)} full periods of 1{self.every} up to {ledger.cutoff} "
                f"with {int(counts.sum()):,} purchases; a series needs at least {LEAST_PERIODS} "
                "periods and a purchase."
            )
        usual = Horizon.parse(f"1{self.every}").mean_days(ledger.cutoff)
        days = (series["end"] - series.index).dt.days.to_numpy(float)
        cycle = DAYS_PER_YEAR / usual
        self.purchases_ = fit_local_level(counts / days, cycle=cycle, shift=_SHIFT)
        self.order_value_ = None
        if ledger.has_value:
            amounts = series["value"].to_numpy(float)
            mean = amounts.sum() / counts.sum() if amounts.any() else 1.0
            per_order = np.full(len(counts), np.nan)
            np.divide(amounts, counts, out=per_order, where=counts > 0)
            self.order_value_ = fit_local_level(
                np.maximum(per_order, _LEAST_ORDER_VALUE * mean), cycle=cycle, shift=0.0,
                season=False,
            )  # fmt: skip
        self.cutoff_, self.periods_ = ledger.cutoff, len(series)
        return self

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Only ``population="all"`` can be asked.
        """
        check_request(
            self, population, scenario, populations=self.populations, draws=draws, seed=seed
        )
        if self.cutoff_ is None or self.purchases_ is None:
            raise NotFittedError(self)
        asked = Horizon.parse(horizon)
        windows = asked.periods(self.cutoff_, every)
        days = self._days(asked.window(self.cutoff_), windows)
        rate = self.purchases_.expect(len(days))
        value = None
        if self.order_value_ is not None:
            value = (rate * self.order_value_.expect(len(days))) @ days
        sampler = SeriesDraws(self.purchases_, self.order_value_, days, draws, seed)
        return Forecast.build(
            model=type(self).__name__,
            cutoff=self.cutoff_,
            horizon=asked,
            windows=windows,
            population="all",
            customers=None,
            period_purchases=rate @ days,
            period_value=value,
            sampler=sampler if draws else None,
            notes=self._notes(len(days)),
        )

    def _days(self, window: Window, windows: list[Window]) -> FloatArray:
        """Return the days each step of the series shares with each period."""
        assert self.cutoff_ is not None
        count = 1 + window.days // (7 if self.every == "W" else 28)
        steps = Horizon(count, self.every).periods(self.cutoff_)
        steps = [step for step in steps if step.start < window.end]
        start, end = (
            [[getattr(each, edge).toordinal() for each in group] for group in (steps, windows)]
            for edge in ("start", "end")
        )
        overlap = np.minimum.outer(end[0], end[1]) - np.maximum.outer(start[0], start[1])
        return np.asarray(np.maximum(overlap, 0), dtype=float)

    def _notes(self, steps: int) -> list[str]:
        assert self.purchases_ is not None
        said = {
            "season": "Level and yearly season, estimated together.",
            "shrunk season": "Less than two years of history: the yearly season is shrunk.",
            "no season": "Less than a year of history: a level without a season.",
        }
        notes = [said[self.purchases_.kind]]
        if steps > self.periods_:
            notes.append(
                f"The horizon ({steps} periods) is longer than the history ({self.periods_})."
            )
        for name, part in (("purchases", self.purchases_), ("order value", self.order_value_)):
            if part is not None and not part.converged:
                notes.append(f"The likelihood search for {name} stopped before it converged.")
        return notes


@dataclass(frozen=True)
class SeriesDraws:
    """Simulated totals of everybody: one block with one row.

    Attributes
    ----------
    purchases : LocalLevel
        Purchases a day.
    order_value : LocalLevel or None
        Value per purchase.
    days : array of float, shape (steps, periods)
        Days each step shares with each period.
    draws, seed : int
    """

    purchases: LocalLevel
    order_value: LocalLevel | None
    days: FloatArray
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the one block of totals, the same each time."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, 0]))
        steps = len(self.days)
        rate = self.purchases.draw(steps, self.draws, rng)
        expected = rate @ self.days
        counts = np.floor(expected + rng.random(expected.shape)).astype(np.int64)
        value: FloatArray | None = None
        if self.order_value is not None:
            spent = (rate * self.order_value.draw(steps, self.draws, rng)) @ self.days
            per_order = np.divide(spent, expected, out=np.zeros_like(spent), where=expected > 0)
            value = np.asarray(counts * per_order, dtype=np.float64)
        cell, period = np.nonzero(counts)
        amounts = None if value is None else value[cell, period]
        split = Split(cell, period, counts[cell, period], amounts)
        total = None if value is None else value.sum(axis=1)[None, :]
        yield Draws(slice(0, 1), counts.sum(axis=1)[None, :], total, lambda: split)
