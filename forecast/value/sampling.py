"""Intervals: their level, and the sampling error of means of heavy-tailed values."""

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = ["check_level", "sampling_error", "shapes", "unskewed"]

FloatArray = npt.NDArray[np.float64]


def check_level(level: float) -> None:
    """Refuse a level of an interval that is no share between 0 and 1."""
    if not 0 < level < 1:
        raise UsageError(f"level: {level} must be a share between 0 and 1, e.g. 0.9.")


def unskewed(normal: npt.ArrayLike, skew: float, count: int) -> FloatArray:
    """Return what a studentised mean is where its transformation is that normal number.

    Inverse of ``g(t) = t + a t^2 / 3 + a^2 t^3 / 27 + a / 6`` with ``a = skew / sqrt(count)``
    (Hall 1992, "On the removal of skewness by transformation", JRSS B 54). The expansion behind
    it is for small ``a``, which is held within one half.

    Parameters
    ----------
    normal : array-like
        Standard normal numbers or quantiles.
    skew : float
        Skewness of what the mean is of.
    count : int
        How many it is the mean of.

    Examples
    --------
    >>> unskewed([-1.645, 1.645], 3.0, 100).round(3).tolist()
    [-2.108, 1.392]
    """
    x, a = np.asarray(normal, dtype=float), float(np.clip(skew / np.sqrt(count), -0.5, 0.5))
    return np.asarray(3.0 * (np.cbrt(1.0 + a * (x - a / 6.0)) - 1.0) / a if a else x)


def shapes(
    value: FloatArray, group: npt.NDArray[np.int64], groups: int
) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviation and the skewness of value in each group.

    Spread relative to the mean and skewness are pooled over all groups: a small group has mostly
    not met its tail, and its own spread would be too narrow just where its mean is too low. A
    group whose mean is not above 0 has none to be relative to, and uses its own.

    Parameters
    ----------
    value, group : array, shape (customers,)
        Value and group of each customer.
    groups : int
        How many groups there are.

    Returns
    -------
    spread, skew : array, shape (groups,)
        In the unit of the value, and a number; missing where nothing tells a spread.
    """
    count = np.bincount(group, minlength=groups)
    mean = np.bincount(group, value, minlength=groups) / np.maximum(count, 1)
    scaled = mean[group] > 0
    relative = value[scaled] / mean[group[scaled]] - 1.0
    free = relative.size - np.unique(group[scaled]).size
    pooled = np.sqrt((relative**2).sum() / free) if free > 0 else np.nan
    spread, skew = pooled * mean, np.full(groups, _skewness(relative))
    for each in np.flatnonzero((count > 0) & (mean <= 0)):
        own = value[group == each]
        spread[each] = own.std(ddof=1) if own.size > 1 else np.nan
        skew[each] = _skewness(own)
    return spread, skew


def sampling_error(
    value: FloatArray, group: npt.NDArray[np.int64], groups: int, draws: int, seed: int
) -> FloatArray:
    """Draw how far the mean that each group samples lies from the group's own mean.

    Parameters
    ----------
    value, group, groups
        As in :func:`shapes`.
    draws, seed : int
        How many errors to draw.

    Returns
    -------
    array, shape (draws, groups)
        In the unit of the value; 0 for a group of nobody.
    """
    noise = np.random.default_rng([seed, 7]).standard_normal((draws, groups))
    count, error = np.bincount(group, minlength=groups), np.zeros((draws, groups))
    spread, skew = shapes(value, group, groups)
    for each in np.flatnonzero(count):
        size = int(count[each])
        error[:, each] = -spread[each] / np.sqrt(size) * unskewed(noise[:, each], skew[each], size)
    return error


def _skewness(value: FloatArray) -> float:
    if value.size < 3 or not (spread := value.std()):
        return 0.0
    return float(((value - value.mean()) ** 3).mean() / spread**3)
