"""One line of a series forecast: purchases a day, and what they are worth."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from forecast.models.series.fit import FittedSeries, fit_series

__all__ = ["Line", "fit_line"]

FloatArray = npt.NDArray[np.float64]

_SHIFT = 0.2  # of the mean a period: a closed week must not outweigh the season
_LEAST_ORDER_VALUE = 1e-3  # of the mean: a week of free purchases must have a logarithm


@dataclass(frozen=True)
class Line:
    """Fitted series of one group of customers, or of all.

    Attributes
    ----------
    purchases : FittedSeries
        Purchases a day.
    worth : FittedSeries or None
        Value of a purchase or, at ``level`` ``"revenue"``, value a day; None without amounts.
    level : str
    """

    purchases: FittedSeries
    worth: FittedSeries | None
    level: str

    def expect(self, days: FloatArray, events: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Return expected purchases and value by period.

        Parameters
        ----------
        days : array of float, shape (steps, periods)
            Days each step shares with each period.
        events : array of float, shape (steps, events)
        """
        rate = self.purchases.expect(len(days), events)
        if self.worth is None:
            return rate @ days, None
        worth = self.worth.expect(len(days), events)
        return rate @ days, (worth if self.level == "revenue" else rate * worth) @ days

    def draw(
        self, days: FloatArray, events: FloatArray, draws: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray | None]:
        """Simulate them; shape (draws, periods)."""
        rate = self.purchases.draw(len(days), draws, rng, events)
        if self.worth is None:
            return rate @ days, None
        worth = self.worth.draw(len(days), draws, rng, events)
        return rate @ days, (worth if self.level == "revenue" else rate * worth) @ days

    def errors(self) -> tuple[float, float]:
        """Return standard deviations of purchases and value one step ahead, as shares."""
        first = self.purchases.spread()
        if self.worth is None:
            return first, 0.0
        second = self.worth.spread()
        return first, second if self.level == "revenue" else float(np.hypot(first, second))

    def stand(
        self,
        counts: FloatArray,
        amounts: FloatArray | None,
        days: FloatArray,
        *,
        steps: float,
        events: FloatArray,
    ) -> "Line":
        """Keep every parameter, and stand at the end of other series; see :func:`fit_line`.

        Parameters
        ----------
        steps : float
            From the end of the series it was learned on to that of these.
        """
        purchases = self.purchases.stand(counts / days, steps=steps, events=events)
        if self.worth is None or amounts is None:
            return replace(self, purchases=purchases)
        series = amounts / days if self.level == "revenue" else _order_value(counts, amounts)
        worth = self.worth.stand(series, steps=steps, events=events)
        return replace(self, purchases=purchases, worth=worth)


def fit_line(
    counts: FloatArray,
    amounts: FloatArray | None,
    days: FloatArray,
    *,
    cycle: float,
    method: str,
    level: str,
    events: FloatArray,
    season: bool = True,
) -> Line:
    """Fit purchases a day and their worth.

    Parameters
    ----------
    counts, amounts : array of float, shape (steps,)
        Purchases, at least one, and their value.
    days : array of float, shape (steps,)
        Length of each step.
    cycle, method, events
        As for :func:`forecast.models.series.fit.fit_series`. Value per purchase has a drifting
        level of its own and no season, whatever the method.
    level : str
        ``"purchases"`` or ``"revenue"``.
    season : bool
        Whether purchases, or value a day, may have one.
    """

    def daily(sums: FloatArray) -> FittedSeries:
        return fit_series(
            sums / days, cycle=cycle, shift=_SHIFT, method=method, season=season, events=events
        )

    purchases = daily(counts)
    if amounts is None:
        return Line(purchases, None, level)
    if level == "revenue" and amounts.any():
        return Line(purchases, daily(amounts), level)
    floored = _order_value(counts, amounts)
    worth = fit_series(floored, cycle=cycle, shift=0.0, season=False, events=events)
    return Line(purchases, worth, "purchases")


def _order_value(counts: FloatArray, amounts: FloatArray) -> FloatArray:
    """Return the value of a purchase in each step, missing without one, and never 0."""
    mean = amounts.sum() / counts.sum() if amounts.any() else 1.0
    per_order = np.full(len(counts), np.nan)
    np.divide(amounts, counts, out=per_order, where=counts > 0)
    return np.asarray(np.maximum(per_order, _LEAST_ORDER_VALUE * mean))
