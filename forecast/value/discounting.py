"""The price of time: annual effective rates and what a later payment is worth now."""

from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import UsageError
from forecast.forecaster import Forecast

__all__ = ["check_rate", "discount_factor", "middles"]

FloatArray = npt.NDArray[np.float64]


def check_rate(rate: Any) -> float:
    """Return an annual effective rate, refusing what is no rate or was meant as per cent."""
    sound = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
    if not sound or not -1 < rate < 10:
        raise UsageError(f"rate: {rate!r} is no annual rate; write 0.10 for ten per cent.")
    return float(rate)


def discount_factor(rate: float, days: npt.ArrayLike) -> FloatArray:
    """Return what 1 paid so many days from now is worth now, ``(1 + rate) ** -(days / 365.25)``.

    Parameters
    ----------
    rate : float
        Annual effective rate, 0.10 for ten per cent.
    days : array-like
        Days from now.

    Raises
    ------
    UsageError
        If the rate is not a number over -1.

    Examples
    --------
    >>> discount_factor(0.10, [0, 365.25]).round(4).tolist()
    [1.0, 0.9091]
    """
    years = np.asarray(days, dtype=float) / DAYS_PER_YEAR
    return np.asarray((1.0 + check_rate(rate)) ** -years)


def middles(forecast: Forecast) -> FloatArray:
    """Return the middle of each period of a forecast, in days from the end of its cutoff."""
    start, end = forecast.periods["start"], forecast.periods["end"]
    since = start + (end - start) / 2 - forecast.periods["start"].iloc[0]
    return np.asarray(since.dt.total_seconds().to_numpy() / 86_400.0)
