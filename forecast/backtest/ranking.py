"""Does a forecast put customers in order, and what is the order worth? Only ranks count here.

Customers with equal forecasts share their place, so the order of rows never matters.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest.accuracy import checked, share_of
from forecast.errors import UsageError

__all__ = [
    "capture",
    "gini",
    "mean_ranks",
    "spearman",
    "targeting_curve",
    "targeting_profit",
    "top_decile_capture",
    "top_quintile_capture",
]

FloatArray = npt.NDArray[np.float64]


def gini(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the normalised Gini index of the order that a forecast puts customers in.

    The area between the diagonal and the curve of actual total gathered from the customers
    forecast highest, divided by the same area under the perfect order. Customers with equal
    forecasts share their mean rank: 1 is the perfect order, 0 a constant forecast or pure chance,
    -1 the perfect order reversed (where the actual numbers are all different). NaN where the
    actual total is 0 or all customers are equal.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        Only the order of ``expected`` counts.

    Examples
    --------
    >>> gini([0, 1, 5], [0.1, 0.2, 0.3]), gini([0, 1, 5], [1, 1, 1])
    (1.0, 0.0)
    """
    a, e = checked(actual=actual, expected=expected)
    middle = (len(a) + 1) / 2
    best = float(a @ (mean_ranks(a) - middle))
    if a.sum() <= 0 or best <= 0:
        return float("nan")
    return float(a @ (mean_ranks(e) - middle)) / best + 0.0


def spearman(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; NaN where a column is constant.

    Most customers of a holdout are tied at 0, so 1 is out of reach for forecasts that tell them
    apart: compare models with each other, not with 1.

    Examples
    --------
    >>> spearman([0, 1, 5, 9], [0.1, 0.3, 0.2, 0.4])
    0.8
    """
    a, e = (mean_ranks(each) for each in checked(actual=actual, expected=expected))
    a, e = a - a.mean(), e - e.mean()
    spread = float(np.sqrt((a @ a) * (e @ e)))
    return float(a @ e) / spread if spread > 0 else float("nan")


def capture(actual: npt.ArrayLike, expected: npt.ArrayLike, share: float = 0.1) -> float:
    """Return the share of the actual total held by the customers forecast highest.

    Ten per cent of 25 customers are 2.5: the third counts half, and customers tied at the edge
    share what is left, so a constant forecast captures ``share``. NaN where the actual total is 0.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        Only the order of ``expected`` counts.
    share : float
        Part of the customers that is taken, above 0 and up to 1.

    Examples
    --------
    >>> capture([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1))
    0.9
    """
    a, e = checked(actual=actual, expected=expected)
    gathered = _gathered(a, e, np.array([_a_share(share)]))
    return share_of(float(gathered[0]), float(a.sum()))


def top_decile_capture(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return :func:`capture` of the 10 % of customers forecast highest."""
    return capture(actual, expected, 0.1)


def top_quintile_capture(actual: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return :func:`capture` of the 20 % of customers forecast highest."""
    return capture(actual, expected, 0.2)


def targeting_profit(
    actual: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    contact_cost: float,
    share: float = 0.1,
    margin: float = 1.0,
) -> float:
    """Return the profit of contacting the customers forecast highest, a customer of the base.

    ``(margin x value of those contacted - contact_cost x contacted) / customers``. It credits a
    contact with all that the customer then bought, as if he had bought nothing without it, so it
    compares orders of customers and says nothing of what a campaign causes.

    Parameters
    ----------
    actual, expected : array-like, shape (customers,)
        Value, in currency; only the order of ``expected`` counts.
    contact_cost : float
        Cost of one contact, in the same currency.
    share : float
        Part of the customers that is contacted.
    margin : float
        Part of the value that is kept.

    Examples
    --------
    >>> targeting_profit([90, 10, 0, 0], [4, 3, 2, 1], contact_cost=20, share=0.5)
    15.0
    """
    a, e = checked(actual=actual, expected=expected)
    gathered = float(_gathered(a, e, np.array([_a_share(share)]))[0])
    return (margin * gathered - contact_cost * share * len(a)) / len(a)


def targeting_curve(
    actual: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    contact_cost: float = 0.0,
    margin: float = 1.0,
    points: int = 100,
) -> pd.DataFrame:
    """Return what is gathered, the lift and the profit, for every share of customers contacted.

    Parameters
    ----------
    actual, expected, contact_cost, margin
        As in :func:`targeting_profit`.
    points : int
        Rows, evenly spaced up to everybody.

    Returns
    -------
    pandas.DataFrame
        Index ``share`` of customers; ``captured`` (share of the actual total), ``lift``
        (captured over share; 1 is chance) and ``profit`` (currency a customer of the base).

    Examples
    --------
    >>> targeting_curve([90, 10, 0, 0], [4, 3, 2, 1], contact_cost=20, points=2)
           captured  lift  profit
    share
    0.5         1.0   2.0    15.0
    1.0         1.0   1.0     5.0
    """
    a, e = checked(actual=actual, expected=expected)
    shares = np.arange(1, points + 1) / points
    gathered = _gathered(a, e, shares)
    captured = gathered / a.sum() if a.sum() > 0 else np.full(points, np.nan)
    profit = margin * gathered / len(a) - contact_cost * shares
    return pd.DataFrame(
        {"captured": captured, "lift": captured / shares, "profit": profit},
        index=pd.Index(shares, name="share"),
    )


def mean_ranks(column: npt.ArrayLike) -> FloatArray:
    """Return ranks from 1 for the smallest; ties share their mean."""
    _, group, size = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(size) - (size - 1) / 2)[group])


def _gathered(actual: FloatArray, expected: FloatArray, shares: FloatArray) -> FloatArray:
    """Actual total of the customers forecast highest; within a tie it grows evenly."""
    _, group, size = np.unique(-expected, return_inverse=True, return_counts=True)
    held = np.cumsum(np.bincount(group, actual))
    reached = np.cumsum(size)
    found = np.interp(shares * len(actual), np.append(0, reached), np.append(0.0, held))
    return np.asarray(found)


def _a_share(share: float) -> float:
    if not 0 < share <= 1:
        raise UsageError(f"share: {share} must be above 0 and at most 1.")
    return share
