"""How good is a forecast of many customers? Pure functions of what happened and what was expected.

Zero-heavy data reward a forecast of nothing in MAE, so read RMSE, bias, Gini and top-decile
capture first, and MAE only beside the zero forecast. Every function refuses missing numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = [
    "METRICS",
    "Metric",
    "bias",
    "coverage",
    "gini",
    "mae",
    "rmse",
    "top_decile_capture",
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
    a, e = _columns(actual=actual, expected=expected)
    return float(np.sqrt(np.mean((e - a) ** 2)))


def mae(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the mean absolute error, in the unit of the target; see :func:`rmse`."""
    a, e = _columns(actual=actual, expected=expected)
    return float(np.mean(np.abs(e - a)))


def wape(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the sum of absolute errors as a share of the actual total; NaN where that is 0."""
    a, e = _columns(actual=actual, expected=expected)
    return _share(float(np.abs(e - a).sum()), float(a.sum()))


def bias(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return forecast total minus actual total, as a share of the actual; NaN where that is 0.

    Examples
    --------
    >>> bias([0, 0, 4], [1, 1, 1])
    -0.25
    """
    a, e = _columns(actual=actual, expected=expected)
    return _share(float(e.sum() - a.sum()), float(a.sum()))


def gini(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the normalised Gini index of the order that a forecast puts customers in.

    The area between the diagonal and the curve of actual total gathered from the customers
    forecast highest, divided by the same area under the perfect order. Customers with equal
    forecasts share their mean rank, so the order of rows never matters: 1 is the perfect order,
    0 a constant forecast or pure chance, -1 the perfect order reversed (where the actual numbers
    are all different). NaN where the actual total is 0 or all customers are equal.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        Only the order of ``expected`` counts.

    Examples
    --------
    >>> gini([0, 1, 5], [0.1, 0.2, 0.3]), gini([0, 1, 5], [1, 1, 1])
    (1.0, 0.0)
    """
    a, e = _columns(actual=actual, expected=expected)
    best = _lorenz(a, a)
    if a.sum() <= 0 or best <= 0:
        return float("nan")
    return _lorenz(a, e) / best + 0.0


def top_decile_capture(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the share of the actual total held by the 10 % of customers forecast highest.

    Ten per cent of 25 customers are 2.5: the third counts half, and customers tied at the edge
    share what is left, so a constant forecast captures 0.1. NaN where the actual total is 0.

    Examples
    --------
    >>> top_decile_capture([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1))
    0.9
    """
    a, e = _columns(actual=actual, expected=expected)
    _, group, size = np.unique(-e, return_inverse=True, return_counts=True)
    before = np.cumsum(size) - size
    taken = np.clip(len(a) / 10 - before, 0, size) / size
    return _share(float(a @ taken[group]), float(a.sum()))


def coverage(actual: npt.ArrayLike, lo: npt.ArrayLike, hi: npt.ArrayLike) -> float:
    """Return the share of outcomes inside their bounds, both ends included.

    Counts with many zeros lie inside a right 90 % interval in about 96 % of cases, since a bound
    at 0 cannot be cut finer; so far more than 90 % is no fault there.

    Examples
    --------
    >>> coverage([0, 2, 9], lo=[0, 0, 0], hi=[0, 3, 8])
    0.6666666666666666
    """
    a, low, high = _columns(actual=actual, lo=lo, hi=hi)
    return float(np.mean((low <= a) & (a <= high)))


@dataclass(frozen=True)
class Metric:
    """A measure and how to read it.

    Attributes
    ----------
    name : str
        Column of the leaderboard.
    label : str
        Heading in plain words.
    function : callable
        ``function(actual, expected)``, or ``function(actual, lo, hi)`` where ``takes`` says so.
    direction : {"minimize", "maximize", "target"}
        Less is better, more is better, or closer to ``optimum`` is better.
    optimum : float or None
        Where a perfect forecast gets; None where that depends on the customers.
    range : tuple of float
        Smallest and largest value for customers who cannot buy less than nothing.
    unit : str
        ``target`` stands for the unit of what is forecast (purchases, or currency).
    definition : str
        One sentence for the reader of a report.
    takes : {"expected", "bounds"}
        What the function compares the actual numbers with.
    """

    name: str
    label: str
    function: Callable[..., float]
    direction: Literal["minimize", "maximize", "target"]
    optimum: float | None
    range: tuple[float, float]
    unit: str
    definition: str
    takes: Literal["expected", "bounds"] = "expected"


_INF = float("inf")
METRICS: tuple[Metric, ...] = (
    Metric(
        "rmse", "RMSE", rmse, "minimize", 0.0, (0.0, _INF), "target",
        "Root of the mean squared error by customer; large misses weigh most.",
    ),
    Metric(
        "bias", "Bias of the total", bias, "target", 0.0, (-_INF, _INF), "share of actual total",
        "Forecast total minus actual total, as a share of the actual total.",
    ),
    Metric(
        "gini", "Gini", gini, "maximize", 1.0, (-1.0, 1.0), "none",
        "How well customers are put in order: 1 is the perfect order, 0 is chance.",
    ),
    Metric(
        "top_decile_capture", "Top 10 % capture", top_decile_capture, "maximize", None, (0.0, 1.0),
        "share of actual total",
        "Share of the actual total that came from the 10 % of customers forecast highest.",
    ),
    Metric(
        "coverage", "Coverage of 90 % bounds", coverage, "target", 0.9, (0.0, 1.0),
        "share of customers",
        "Share of customers inside their 90 % bounds; about 0.96 is right for sparse counts.",
        takes="bounds",
    ),
    Metric(
        "mae", "MAE", mae, "minimize", 0.0, (0.0, _INF), "target",
        "Mean absolute error by customer; it favours forecasts of nothing, so compare with zero.",
    ),
    Metric(
        "wape", "WAPE", wape, "minimize", 0.0, (0.0, _INF), "share of actual total",
        "Sum of absolute errors by customer, as a share of the actual total.",
    ),
)  # fmt: skip


def _columns(**given: npt.ArrayLike) -> list[FloatArray]:
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


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _lorenz(actual: FloatArray, score: FloatArray) -> float:
    """Sum of actual numbers weighted by how far up the order, highest score first, they stand."""
    _, group, size = np.unique(-score, return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2
    return float(actual @ (len(actual) + 1 - 2 * rank[group]))
