"""How many customers will be new: a seasonal series of first purchases."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR, Horizon, Window
from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.newcomers.burn_in import burn_in_days
from forecast.models.series.fit import METHODS, FittedSeries, fit_series
from forecast.models.series.steps import LEAST_STEPS, shared_days, steps_ahead
from forecast.views import revenue_series

__all__ = ["Acquisition"]

FloatArray = npt.NDArray[np.float64]

_SHIFT = 0.2  # of the mean a week: a closed week must not outweigh the season


@dataclass(frozen=True)
class Acquisition:
    """New customers a day, by week: level and season as in :class:`SeasonalSeries`.

    A new customer is one whose first purchase in the log lies in the window, as in
    ``ledger.actuals(..., population="new")``. The first days of the log are left out where its
    customers are likely older than it (:mod:`forecast.models.newcomers.burn_in`), but never so many
    that fewer than eight weeks remain.

    Attributes
    ----------
    cutoff : date
    burn_in : int
        Days left out at the start of the log.
    series : FittedSeries or None
        New customers a day, a step a week; None where there were none after the burn-in, so
        that none are expected.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(400, days=600, acquisition_days=600, seed=1).orders
    >>> found = Acquisition.learn(fc.read_ledger(shop, key=()))
    >>> found.table("4W", draws=0)["expected_customers"].round(1).tolist()
    [4.4, 4.6, 4.9, 5.1]
    """

    cutoff: date
    burn_in: int
    series: FittedSeries | None

    @classmethod
    def learn(
        cls, ledger: Ledger, *, method: str = "local_level", burn_in: int | None = None
    ) -> "Acquisition":
        """Fit the series of new customers.

        Parameters
        ----------
        ledger : Ledger
        method : str
            ``"local_level"``, ``"ets"``, ``"sarimax"`` or ``"stl"``, as in SeasonalSeries.
        burn_in : int, optional
            Days to leave out; by default the rule decides.

        Raises
        ------
        TooLittleDataError
            If the log has fewer than eight full weeks.
        """
        if method not in METHODS:
            raise UsageError(f"method: {method!r} is not one of {', '.join(METHODS)}.")
        if burn_in is not None and burn_in < 0:
            raise UsageError(f"burn_in: {burn_in} must be a number of days of 0 or more.")
        weeks = revenue_series(ledger, "W")
        if len(weeks) < LEAST_STEPS:
            raise TooLittleDataError(
                f"The log has {len(weeks)} full weeks up to {ledger.cutoff}; a forecast of new "
                f"customers needs at least {LEAST_STEPS}."
            )
        asked = burn_in_days(ledger) if burn_in is None else burn_in
        start = pd.Timestamp(ledger.first_day + timedelta(days=asked))
        kept = weeks[weeks.index >= min(start, weeks.index[-LEAST_STEPS])]
        left_out = min(asked, max(0, (kept.index[0].date() - ledger.first_day).days))
        counts = kept["new_customers"].to_numpy(float)
        if not counts.any():
            return cls(ledger.cutoff, left_out, None)
        series = fit_series(counts / 7, cycle=DAYS_PER_YEAR / 7, shift=_SHIFT, method=method)
        return cls(ledger.cutoff, left_out, series)

    def steps(self, window: Window) -> list[Window]:
        """Return the weeks from the cutoff on, the last one cut to the window."""
        weeks = steps_ahead(self.cutoff, window, "W")
        return [Window(week.start, min(week.end, window.end)) for week in weeks]

    def expect(self, steps: int) -> FloatArray:
        """Return expected new customers a day in each of the next weeks."""
        return np.zeros(steps) if self.series is None else self.series.expect(steps)

    def draw(self, steps: int, draws: int, rng: np.random.Generator) -> FloatArray:
        """Simulate them; shape (draws, steps)."""
        if self.series is None:
            return np.zeros((draws, steps))
        return self.series.draw(steps, draws, rng)

    def table(
        self,
        horizon: str | date,
        *,
        every: str | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return new customers by period with a 90 % predictive interval.

        Parameters
        ----------
        horizon, every, draws, seed
            As for :meth:`forecast.Forecaster.forecast`.

        Returns
        -------
        pandas.DataFrame
            ``start``, ``end``, ``expected_customers``, ``customers_lo_90``, ``customers_hi_90``.
        """
        asked = Horizon.parse(horizon)
        windows = asked.periods(self.cutoff, every)
        weeks = self.steps(asked.window(self.cutoff))
        days = shared_days(weeks, windows)
        table = pd.DataFrame({
            "start": pd.to_datetime([window.start for window in windows]),
            "end": pd.to_datetime([window.end for window in windows]),
            "expected_customers": self.expect(len(weeks)) @ days,
            "customers_lo_90": np.nan,
            "customers_hi_90": np.nan,
        })  # fmt: skip
        if draws:
            rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
            drawn = self.draw(len(weeks), draws, rng) @ days
            counts = np.floor(drawn + rng.random(drawn.shape))
            table.iloc[:, 3:] = np.quantile(counts, [0.05, 0.95], axis=0).T
        return table
