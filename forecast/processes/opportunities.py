"""Histories over discrete opportunities: what is refused, and the distinct cells."""

from dataclasses import dataclass

import numpy as np

from forecast.errors import NotIdentifiedError, TooLittleDataError
from forecast.processes.arrays import Floats, Integers, Numbers
from forecast.processes.distinct import distinct_rows, encode
from forecast.processes.histories import FEWEST_CUSTOMERS, columns, refuse

__all__ = ["Cells", "read_opportunities"]

_MOST = 10_000


@dataclass(frozen=True)
class Cells:
    """Distinct (frequency, recency, opportunities) with their weights.

    Attributes
    ----------
    x, tx, n : array of int64, shape (cells,)
        Purchases, the opportunity of the last of them (0 for none) and opportunities seen.
    weight : array, shape (cells,)
        Summed weight of each.
    n_customers : int
        Customers behind the cells: rows, or their whole weight where that is more.
    """

    x: Integers
    tx: Integers
    n: Integers
    weight: Floats
    n_customers: int


def read_opportunities(
    frequency: Numbers, recency: Numbers, n_periods: Numbers, weights: Numbers | None = None
) -> Cells:
    """Check the columns and compress them to distinct weighted cells.

    Parameters
    ----------
    frequency : array-like, shape (customers,)
        Opportunities with a purchase.
    recency : array-like, shape (customers,)
        Number of the last opportunity with a purchase, 0 for none.
    n_periods : array-like, shape (customers,)
        Opportunities seen so far; a single number stands for all.
    weights : array-like, shape (customers,), optional
        How often each row counts; rows of weight 0 are left out.

    Raises
    ------
    BadRowsError
        If a row cannot be a history.
    TooLittleDataError
        If there are fewer than ten customers, or nobody had an opportunity.
    NotIdentifiedError
        If nobody bought.
    UsageError
        If the columns differ in length.
    """
    seen = np.full(np.size(frequency), n_periods) if np.ndim(n_periods) == 0 else n_periods
    (x, tx, n), weight = columns(weights, frequency=frequency, recency=recency, n_periods=seen)
    weight = np.ones(x.size) if weight is None else weight
    customers = max(int(x.size), int(np.rint(weight.sum())))
    if customers < FEWEST_CUSTOMERS:
        raise TooLittleDataError(
            f"{customers} customers are too few to estimate a process; "
            f"at least {FEWEST_CUSTOMERS} are needed. Use a longer log or a simpler model."
        )
    for name, values in (("frequency", x), ("recency", tx), ("n_periods", n)):
        refuse(name, "values that are not whole", values % 1 != 0, values, "Count opportunities.")
    few = "Use wider periods, or BG/NBD, where purchases may happen at any time."
    refuse("n_periods", f"values above {_MOST:,}", n > _MOST, n, few)
    late = "Recency is the number of the last opportunity with a purchase, at most n_periods."
    refuse("recency", "a last purchase after the last opportunity", tx > n, tx, late)
    once = "An opportunity has one purchase or none: count opportunities, not orders."
    refuse("frequency", "more purchases than opportunities up to the last one", x > tx, x, once)
    odd = "A customer without purchase has recency 0."
    refuse("recency", "a positive value without a purchase", (x == 0) & (tx > 0), tx, odd)
    if not n.any():
        raise TooLittleDataError("Every n_periods is 0: nobody had an opportunity to buy.")
    if not x.any():
        raise NotIdentifiedError(
            f"None of {customers:,} customers bought at any opportunity, so the chance of a "
            "purchase tends to 0 and no parameter is determined. Use a longer log.",
            limit="no purchases",
        )
    coded = [encode(each) for each in (x, tx, n)]
    codes, total = distinct_rows(coded, weight)
    x_cell, tx_cell, n_cell = (
        each.values[code].astype(np.int64) for each, code in zip(coded, codes, strict=True)
    )
    return Cells(x_cell, tx_cell, n_cell, total, customers)
