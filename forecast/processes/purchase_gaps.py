"""The logarithms of the gaps between purchases: all that regularity adds to (x, tx, T).

A customer's ``log_gaps`` is the sum, over the repeat purchases, of the natural logarithm of the
time since the purchase before, in the unit of recency and T: 0 without a repeat purchase,
log(tx) with one. Equal gaps make it largest: x log(tx / x).
"""

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import Array, Floats, Numbers, floats
from forecast.processes.histories import refuse

__all__ = ["log_gaps", "read_log_gaps", "total_log_gaps"]

# rounding of published summaries, a gap
_SLACK = 0.05


def log_gaps(customers: Numbers, times: Numbers) -> tuple[Array, Floats]:
    """Return each customer's sum of log gaps between successive purchases.

    Parameters
    ----------
    customers : array-like, shape (purchases,)
        Who bought; in any order.
    times : array-like, shape (purchases,)
        When, in one unit; at most one purchase a customer and time (merge those of a day).

    Returns
    -------
    customers : array, shape (customers,)
        Each customer once, sorted.
    log_gaps : array, shape (customers,)
        Sum of the natural logarithms of the gaps; 0 for a single purchase.

    Raises
    ------
    UsageError
        If the columns differ in length or a time is not a finite number.
    BadRowsError
        If a customer bought twice at one time.

    Examples
    --------
    Anna bought on days 0, 7 and 21, Ben only once: log(7) + log(14) = 4.585.

    >>> who, total = log_gaps(["anna", "ben", "anna", "anna"], [21, 3, 0, 7])
    >>> who.tolist(), total.round(3).tolist()
    (['anna', 'ben'], [4.585, 0.0])
    """
    who, when = np.asarray(customers), np.asarray(times, dtype=float)
    if who.shape != when.shape or who.ndim != 1 or not np.all(np.isfinite(when)):
        raise UsageError("log_gaps: give one customer and one finite time a purchase.")
    names, code = np.unique(who, return_inverse=True)
    order = np.lexsort((when, code))
    code, when = code[order], when[order]
    same = code[1:] == code[:-1]
    gap = np.diff(when)[same]
    fix = "Merge purchases of one day before."
    refuse("times", "a second purchase at the same time", gap == 0, when[1:][same], fix)
    total = np.bincount(code[1:][same], np.log(gap), minlength=names.size)
    return names, total.astype(float, copy=False)


def read_log_gaps(values: Numbers, x: Floats, tx: Floats) -> Floats:
    """Check sums of log gaps against the histories they belong to.

    Raises
    ------
    UsageError
        If they are not numbers, one a customer.
    BadRowsError
        If a sum is not finite, not 0 without a repeat purchase, or not in the unit of recency.
    """
    try:
        column = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UsageError("log_gaps: values must be numbers, one a customer.") from None
    if column.shape != x.shape:
        raise UsageError(f"log_gaps: one value a customer is needed, not shape {column.shape}.")
    fix = "Sum log(gap) over repeat purchases; without one the sum is 0."
    refuse("log_gaps", "missing or infinite values", ~np.isfinite(column), column, fix)
    refuse("log_gaps", "a sum without a repeat purchase", (x == 0) & (column != 0), column, fix)
    fix = "Use natural logarithms and the unit of recency."
    most = x * (np.log(np.maximum(tx, 1e-300)) - np.log(np.maximum(x, 1.0)))
    above = (x > 0) & (column > most + _SLACK * x)
    refuse("log_gaps", "more than gaps that add up to recency allow", above, column, fix)
    other = (x == 1) & (column < most - _SLACK)
    refuse("log_gaps", "less than log(recency) for one gap", other, column, fix)
    return column


def total_log_gaps(
    log_gaps: Numbers | None, frequency: Numbers, recency: Numbers, weights: Numbers | None
) -> float | None:
    """Return the weighted sum over customers, in the data's unit, or None without log gaps."""
    if log_gaps is None:
        return None
    x, tx = floats(frequency, recency)
    if weights is None:
        return float(read_log_gaps(log_gaps, x, tx).sum())
    w, gaps = np.asarray(weights, dtype=float), np.asarray(log_gaps)
    if gaps.shape == w.shape:
        x, tx, gaps, w = (each[w > 0] for each in (x, tx, gaps, w))
    return float(w @ read_log_gaps(gaps, x, tx))
