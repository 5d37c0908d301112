"""How far off is a forecast of many customers? Pure functions of what happened and was expected.

Zero-heavy data reward a forecast of nothing in MAE, so read RMSE and bias first, and MAE only
beside the zero forecast. A *loss* is one number a customer, whose mean (or its root) is the
metric; losses are what two models are compared by. Every function refuses missing numbers.
"""

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = [
    "absolute_errors",
    "bias",
    "capped_rmse",
    "checked",
    "mae",
    "poisson_deviance",
    "poisson_deviances",
    "rmse",
    "share_of",
    "squared_errors",
    "tweedie_deviance",
    "tweedie_deviances",
    "wape",
]

FloatArray = npt.NDArray[np.float64]


def rmse(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the root of the mean squared error, in the unit of the target.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        What happened and what was forecast, in the same unit.

    Raises
    ------
    UsageError
        If lengths differ, there are no customers, or a number is missing or infinite.

    Examples
    --------
    >>> rmse([0, 0, 4], [0, 0, 1])
    1.7320508075688772
    """
    return float(np.sqrt(squared_errors(actual, expected).mean()))


def capped_rmse(actual: npt.ArrayLike, expected: npt.ArrayLike, cap: float) -> float:
    """Return the RMSE after both columns are cut off at ``cap``, so that no customer decides it.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        What happened and what was forecast, in the same unit.
    cap : float
        In that unit; customary is the 99.9th percentile of what customers spent before the
        origin, which no forecast can move.

    Examples
    --------
    >>> capped_rmse([0, 0, 400], [0, 0, 7], cap=10)
    1.7320508075688772
    """
    if not cap > 0:
        raise UsageError(f"cap: {cap} must be above 0, in the unit of the target.")
    a, e = checked(actual=actual, expected=expected)
    return rmse(np.minimum(a, cap), np.minimum(e, cap))


def mae(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the mean absolute error, in the unit of the target; see :func:`rmse`."""
    return float(absolute_errors(actual, expected).mean())


def wape(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the sum of absolute errors as a share of the actual total; NaN where that is 0."""
    a, e = checked(actual=actual, expected=expected)
    return share_of(float(np.abs(e - a).sum()), float(a.sum()))


def bias(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return forecast total minus actual total, as a share of the actual; NaN where that is 0.

    Examples
    --------
    >>> bias([0, 0, 4], [1, 1, 1])
    -0.25
    """
    a, e = checked(actual=actual, expected=expected)
    return share_of(float(e.sum() - a.sum()), float(a.sum()))


def poisson_deviance(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the mean Poisson deviance, ``2 (y log(y / m) - y + m)``, in the unit of the target.

    Twice the log-likelihood lost against a forecast that knew the outcome (McCullagh & Nelder
    1989, sec. 2.3). Infinite where something happened that was forecast as 0, or a forecast is
    below 0.

    Examples
    --------
    >>> round(poisson_deviance([0, 2], [1, 2]), 12)
    1.0
    """
    return float(poisson_deviances(actual, expected).mean())


def tweedie_deviance(actual: npt.ArrayLike, expected: npt.ArrayLike, power: float = 1.5) -> float:
    """Return the mean Tweedie deviance, made for amounts that are 0 or positive.

    ``2 (y**(2-p) / ((1-p)(2-p)) - y m**(1-p) / (1-p) + m**(2-p) / (2-p))``, the deviance of a
    compound Poisson-gamma amount (Jorgensen 1987): between Poisson (power 1) and gamma (2), so a
    miss of 10 weighs more at 20 than at 2,000. Infinite as in :func:`poisson_deviance`.

    Parameters
    ----------
    power : float
        Strictly between 1 and 2; the unit is that of the target to the power of 2 - power.

    Examples
    --------
    >>> tweedie_deviance([0, 4], [1, 4])
    2.0
    """
    return float(tweedie_deviances(actual, expected, power).mean())


def squared_errors(actual: npt.ArrayLike, expected: npt.ArrayLike) -> FloatArray:
    """Return the squared error of each customer; the root of its mean is the RMSE."""
    a, e = checked(actual=actual, expected=expected)
    return np.asarray((e - a) ** 2)


def absolute_errors(actual: npt.ArrayLike, expected: npt.ArrayLike) -> FloatArray:
    """Return the absolute error of each customer; its mean is the MAE."""
    a, e = checked(actual=actual, expected=expected)
    return np.abs(e - a)


def poisson_deviances(actual: npt.ArrayLike, expected: npt.ArrayLike) -> FloatArray:
    """Return the Poisson deviance of each customer; see :func:`poisson_deviance`."""
    a, e, impossible = _outcomes(actual, expected)
    known = (a > 0) & (e > 0)
    logs = [np.log(each, out=np.zeros_like(a), where=known) for each in (a, e)]
    deviance = 2 * (a * (logs[0] - logs[1]) - a + e)
    return np.where(impossible, np.inf, np.maximum(deviance, 0.0))


def tweedie_deviances(
    actual: npt.ArrayLike, expected: npt.ArrayLike, power: float = 1.5
) -> FloatArray:
    """Return the Tweedie deviance of each customer; see :func:`tweedie_deviance`."""
    if not 1 < power < 2:
        raise UsageError(f"power: {power} must lie strictly between 1 and 2.")
    a, e, impossible = _outcomes(actual, expected)
    p, m = power, np.maximum(e, 0.0)
    slope = np.power(m, 1 - p, out=np.zeros_like(m), where=m > 0)
    deviance = a ** (2 - p) / ((1 - p) * (2 - p)) - a * slope / (1 - p) + m ** (2 - p) / (2 - p)
    return np.where(impossible, np.inf, np.maximum(2 * deviance, 0.0))


def checked(**given: npt.ArrayLike) -> list[FloatArray]:
    """Return columns as arrays, after refusing unequal lengths and missing numbers by name."""
    columns = [np.asarray(values, dtype=float) for values in given.values()]
    for name, column in zip(given, columns, strict=True):
        if column.ndim != 1 or column.shape != columns[0].shape or column.size == 0:
            shapes = ", ".join(str(each.shape) for each in columns)
            raise UsageError(f"A metric needs columns of one length above 0; got {shapes}.")
        missing = int((~np.isfinite(column)).sum())
        if missing:
            raise UsageError(
                f"{name}: {missing:,} of {column.size:,} numbers are missing or infinite. "
                "Score only what was forecast."
            )
    return columns


def share_of(part: float, whole: float) -> float:
    """Return ``part / whole``; NaN where there is no whole."""
    return part / whole if whole > 0 else float("nan")


def _outcomes(
    actual: npt.ArrayLike, expected: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return both columns and where a deviance is infinite; outcomes below 0 are refused."""
    a, e = checked(actual=actual, expected=expected)
    if (a < 0).any():
        raise UsageError(f"actual: {int((a < 0).sum()):,} numbers are below 0; no deviance.")
    return a, e, (e < 0) | ((e == 0) & (a > 0))
