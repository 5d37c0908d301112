"""Is one forecast better than another over time, or was it luck of the dates? One test."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.backtest.accuracy import checked
from forecast.errors import UsageError

__all__ = ["DieboldMariano", "diebold_mariano"]


@dataclass(frozen=True)
class DieboldMariano:
    """What the test found.

    Attributes
    ----------
    statistic : float
        Below 0 where the first forecast lost less; NaN where the test cannot be made.
    p_value : float
        Two-sided, from Student's t with one degree of freedom less than there are origins.
    origins : int
        How many losses were compared.
    lags : int
        How many autocovariances the variance holds.
    """

    statistic: float
    p_value: float
    origins: int
    lags: int


def diebold_mariano(
    loss_a: npt.ArrayLike, loss_b: npt.ArrayLike, *, overlap: int = 1
) -> DieboldMariano:
    """Test whether two forecasts lose the same over origins (Diebold & Mariano 1995).

    The mean difference of losses over its standard error, whose variance holds ``overlap - 1``
    autocovariances, since windows that share days err together, with the small-sample factor and
    Student's t of Harvey, Leybourne & Newbold (1997, eq. 9). Where the autocovariances turn the
    variance negative, Bartlett's weights take their place, which never do.

    Parameters
    ----------
    loss_a, loss_b : array-like, shape (origins,)
        Losses at consecutive origins, evenly spaced, oldest first.
    overlap : int
        Length of a window in steps, rounded up: 1 where the next begins as the last ends.

    Returns
    -------
    DieboldMariano
        NaN where fewer than four windows stand side by side (origins below ``4 * overlap``: the
        test would accuse too often), or where losses differ by a constant.

    Examples
    --------
    >>> found = diebold_mariano([1.0, 2.0, 3.0, 2.0], [2.0, 3.5, 3.5, 3.0])
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (-4.899, 0.016)
    """
    a, b = checked(loss_a=loss_a, loss_b=loss_b)
    if overlap < 1:
        raise UsageError(f"overlap: {overlap} must be at least 1.")
    from scipy.special import stdtr

    n, lags = len(a), overlap - 1
    nothing = DieboldMariano(float("nan"), float("nan"), n, lags)
    if n < 4 * overlap:
        return nothing
    difference = a - b
    mean = difference.mean()
    apart = difference - mean
    covariance = np.array([apart[k:] @ apart[: n - k] / n for k in range(overlap)])
    if covariance[0] <= 1e-24 * (mean**2 + covariance[0]):
        return nothing
    variance = covariance[0] + 2 * covariance[1:].sum()
    if variance <= 0:
        bartlett = 1 - np.arange(1, overlap) / overlap
        variance = covariance[0] + 2 * bartlett @ covariance[1:]
    small = (n + 1 - 2 * overlap + overlap * lags / n) / n
    statistic = float(mean / np.sqrt(variance / n) * np.sqrt(small))
    return DieboldMariano(statistic, float(2 * stdtr(n - 1, -abs(statistic))), n, lags)
