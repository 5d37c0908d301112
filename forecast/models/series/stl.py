"""The seasonal pattern by loess (STL), for series of two years and more."""

import numpy as np
import numpy.typing as npt

from forecast.errors import TooLittleDataError
from forecast.models.series.season import YearlySeason

__all__ = ["stl_season"]

FloatArray = npt.NDArray[np.float64]


def stl_season(log: FloatArray, cycle: float) -> YearlySeason:
    """Return the last year's season of a robust STL decomposition (Cleveland et al. 1990).

    Parameters
    ----------
    log : array of float, shape (steps,)
        Missing values are filled along a line.
    cycle : float
        Steps a year; the pattern repeats after the nearest whole number.

    Raises
    ------
    TooLittleDataError
        If there are less than two years.
    """
    from statsmodels.tsa.seasonal import STL
    from threadpoolctl import threadpool_limits

    period = round(cycle)
    if len(log) < 2 * period:
        raise TooLittleDataError(
            f"method='stl' needs two years of history, {2 * period} full periods; the log has "
            f"{len(log)}. Use method='local_level', which shrinks a season seen once."
        )
    steps, known = np.arange(len(log)), np.isfinite(log)
    whole = np.interp(steps, steps[known], log[known])
    with threadpool_limits(1):
        season = STL(whole, period=period, robust=True).fit().seasonal
    # the last cycle ends with the data, so it starts where the forecast does, a year before
    return YearlySeason(cycle, pattern=np.asarray(season[-period:], dtype=float))
