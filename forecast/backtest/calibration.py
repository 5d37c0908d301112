"""Do forecasts mean what they say? Levels by group, probabilities, and intervals.

Of customers given 30 %, three in ten should buy; of those expected at 2.0, the mean should be 2;
and the outcomes should fall anywhere in the forecast distribution with equal chance. Count data
have an atom at 0, so a right 90 % interval covers about 96 % of customers: judge intervals by
the randomised PIT, and raw coverage only beside it.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest.accuracy import checked, share_of
from forecast.errors import UsageError

__all__ = [
    "brier",
    "brier_losses",
    "calibration_table",
    "coverage",
    "decile_calibration_error",
    "expected_calibration_error",
    "interval_width",
    "pit_coverage",
    "reliability",
]

FloatArray = npt.NDArray[np.float64]
_Z90 = 1.6448536269514722  # normal quantile of .95


def calibration_table(
    actual: npt.ArrayLike, expected: npt.ArrayLike, groups: int = 10
) -> pd.DataFrame:
    """Return forecast and actual means, from the customers forecast lowest to the highest.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        In the same unit. Groups hold equal numbers of customers; those tied in the forecast
        share their actual mean, so their order says nothing.
    groups : int
        How many; 10 makes deciles.

    Returns
    -------
    pandas.DataFrame
        Index ``group`` from 1, without groups that stay empty; ``n`` customers,
        ``mean_expected``, ``mean_actual``.

    Examples
    --------
    >>> calibration_table([0, 2, 1, 5], [1, 1, 3, 3], groups=2)
           n  mean_expected  mean_actual
    group
    1      2            1.0          1.0
    2      2            3.0          3.0
    """
    a, e = checked(actual=actual, expected=expected)
    if groups < 1:
        raise UsageError(f"groups: {groups} must be at least 1.")
    level, tie, size = np.unique(e, return_inverse=True, return_counts=True)
    shared = np.repeat(np.bincount(tie, a) / size, size)
    group = groups * np.arange(len(a)) // len(a)
    n = np.bincount(group, minlength=groups)
    known = n > 0
    return pd.DataFrame(
        {
            "n": n[known],
            "mean_expected": np.bincount(group, np.repeat(level, size), groups)[known] / n[known],
            "mean_actual": np.bincount(group, shared, groups)[known] / n[known],
        },
        index=pd.Index(np.flatnonzero(known) + 1, name="group"),
    )


def decile_calibration_error(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return by how much the deciles' totals are missed, as a share of the actual total.

    Sum over deciles of forecast of |forecast total - actual total|, divided by the actual total;
    NaN where that is 0. Chance alone leaves a remainder above 0.

    Examples
    --------
    >>> decile_calibration_error([0, 1, 3], [0, 2, 4])
    0.5
    """
    a = checked(actual=actual, expected=expected)[0]
    return share_of(_gap(calibration_table(actual, expected)), float(a.sum()))


def brier(purchases: npt.ArrayLike, p_active: npt.ArrayLike) -> float:
    """Return the mean squared error of the probability to buy at all (Brier 1950).

    Parameters
    ----------
    purchases : array-like, shape (customers,)
        Actual purchases; any number above 0 means active.
    p_active : array-like, shape (customers,)
        Forecast probability of at least one.

    Examples
    --------
    >>> brier([0, 3], [0.5, 1.0])
    0.125
    """
    return float(brier_losses(purchases, p_active).mean())


def brier_losses(purchases: npt.ArrayLike, p_active: npt.ArrayLike) -> FloatArray:
    """Return the squared error of each customer's probability; see :func:`brier`."""
    active, p = _probabilities(purchases, p_active)
    return np.asarray((p - active) ** 2)


def reliability(
    purchases: npt.ArrayLike, p_active: npt.ArrayLike, groups: int = 10
) -> pd.DataFrame:
    """Return the share of customers who bought beside the probability they were given.

    Returns
    -------
    pandas.DataFrame
        :func:`calibration_table` of being active, with ``lo_90`` and ``hi_90``, Wilson's score
        interval of the share (1927).
    """
    active, p = _probabilities(purchases, p_active)
    table = calibration_table(active, p, groups)
    n, share = table["n"], table["mean_actual"]
    z2 = _Z90**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return table.assign(lo_90=(middle - half).clip(lower=0), hi_90=(middle + half).clip(upper=1))


def expected_calibration_error(
    purchases: npt.ArrayLike, p_active: npt.ArrayLike, groups: int = 10
) -> float:
    """Return the mean distance of given probability and share active, over equal-sized groups.

    ECE with adaptive bins (Nixon et al. 2019): bins of equal width would put nearly every
    customer of a sleepy base into the first. Chance alone leaves a remainder above 0.

    Examples
    --------
    >>> expected_calibration_error([0, 0, 1, 2], [0.5, 0.5, 0.5, 0.5])
    0.0
    """
    active, p = _probabilities(purchases, p_active)
    return _gap(calibration_table(active, p, groups)) / len(p)


def coverage(actual: npt.ArrayLike, lo: npt.ArrayLike, hi: npt.ArrayLike) -> float:
    """Return the share of outcomes inside their bounds, both ends included.

    Counts with many zeros lie inside a right 90 % interval in about 96 % of cases, since a bound
    at 0 cannot be cut finer; so far more than 90 % is no fault there.

    Examples
    --------
    >>> coverage([0, 2, 9], lo=[0, 0, 0], hi=[0, 3, 8])
    0.6666666666666666
    """
    a, low, high = checked(actual=actual, lo=lo, hi=hi)
    return float(np.mean((low <= a) & (a <= high)))


def interval_width(lo: npt.ArrayLike, hi: npt.ArrayLike) -> float:
    """Return the mean distance of the bounds, in the unit of the target.

    Examples
    --------
    >>> interval_width([0, 1], [2, 5])
    3.0
    """
    low, high = checked(lo=lo, hi=hi)
    return float(np.mean(high - low))


def pit_coverage(pit: npt.ArrayLike) -> float:
    """Return the share of randomised PITs strictly between .05 and .95; .9 where intervals hold.

    The randomised PIT of a right forecast is uniform for counts too (Czado, Gneiting & Held
    2009), so this is the coverage of a 90 % interval without the atom's excess.

    Examples
    --------
    >>> pit_coverage([0.01, 0.2, 0.5, 0.99])
    0.5
    """
    (values,) = checked(pit=pit)
    outside = int(((values < 0) | (values > 1)).sum())
    if outside:
        raise UsageError(f"pit: {outside:,} of {values.size:,} numbers are not between 0 and 1.")
    return float(np.mean((values > 0.05) & (values < 0.95)))


def _probabilities(
    purchases: npt.ArrayLike, p_active: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    n, p = checked(purchases=purchases, p_active=p_active)
    outside = int(((p < -1e-9) | (p > 1 + 1e-9)).sum())
    if outside:
        raise UsageError(f"p_active: {outside:,} of {p.size:,} are not between 0 and 1.")
    return (n > 0).astype(float), p


def _gap(table: pd.DataFrame) -> float:
    return float((table["n"] * (table["mean_expected"] - table["mean_actual"]).abs()).sum())
