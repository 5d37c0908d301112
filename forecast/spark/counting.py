"""What an estimation needs of a base of any size: counts of customers who are alike.

A process knows a customer by frequency, first and last day, all whole numbers, so customers with
the same three are counted, not collected. Of gaps between purchases and of days with purchases the
estimation needs sums over customers, so days and pairs of days are counted. A spend model knows
a customer by the number and the total of the orders; these repeat as long as prices do.
"""

from dataclasses import dataclass
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from forecast.errors import TooLittleDataError, UnsupportedError
from forecast.ledger import Ledger

__all__ = ["EXACT", "MOST", "STEP", "Histories", "OrderCounts", "gap_counts", "repeat_counts"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
EXACT = 1_000_000  # distinct (orders, total) that are collected as they are
STEP = 1e-3  # width of a cell of the grid beyond, on the logarithm of the mean order
MOST = 30_000_000  # distinct histories that are collected at all
FEWEST_BUYERS = 10
_FINE = 1e12  # parts of a unit that a logarithm is summed in, so that no order of rows matters


@dataclass(frozen=True)
class Histories:
    """Distinct histories, sorted by first day, and how many customers have each.

    Attributes
    ----------
    frequency : array, shape (histories,)
        Repeat purchases.
    first, last : array of int, shape (histories,)
        Day numbers of the first and the last purchase.
    customers : array, shape (histories,)
    """

    frequency: Floats
    first: Integers
    last: Integers
    customers: Floats

    @classmethod
    def of(cls, people: Any) -> Self:
        """Count them.

        Parameters
        ----------
        people : narwhals.LazyFrame
            As :func:`forecast.views.summary_frame` returns.

        Raises
        ------
        UnsupportedError
            If there are more distinct ones than a driver should hold.
        """
        names = ("first", "last", "n_purchases")
        found = people.group_by(*names).agg(_size()).head(MOST + 1)
        first, last, count, customers = _collected(found, *names, "customers")
        if first.size > MOST:
            raise UnsupportedError(
                f"The customers have more than {MOST:,} distinct histories. Estimate on a share "
                "of them, e.g. fit(model, ledger, share=0.1), and score them all."
            )
        return cls((count - 1).astype(float), first, last, customers.astype(float))

    def __getitem__(self, rows: npt.NDArray[np.bool_]) -> Self:
        return type(self)(*(each[rows] for each in vars(self).values()))


@dataclass(frozen=True)
class OrderCounts:
    """Customers by how many orders of a value above 0 they made, and the mean of these.

    Attributes
    ----------
    orders, mean : array, shape (kinds,)
        The mean in the ledger's currency.
    customers : array, shape (kinds,)
    exact : bool
        Whether each kind is one number and one total. Otherwise means within 0.1 % of each other
        are one kind at their geometric mean: the curvature of a customer's log-likelihood in the
        logarithm of the mean is at most (p n + q) / 4, so it moves by (p n + q) 3.2e-8 at most.
    """

    orders: Floats
    mean: Floats
    customers: Floats
    exact: bool

    @classmethod
    def of(cls, people: Any, ledger: Ledger, *, repeat_only: bool) -> Self:
        """Count them; one by one up to a million kinds, on a grid beyond.

        Parameters
        ----------
        people : narwhals.LazyFrame
            As :func:`forecast.views.summary_frame` returns.
        ledger : Ledger
        repeat_only : bool
            Whether the first purchase is left out.

        Raises
        ------
        TooLittleDataError
            If fewer than ten customers have such an order.
        """
        orders, total = nw.col("paid"), nw.col("ticks")
        if repeat_only:
            orders = orders - (nw.col("first_ticks") > 0).cast(nw.Int64)
            total = total - nw.col("first_ticks")
        buyers = people.select(orders=orders, total=total).filter(nw.col("orders") > 0)
        kinds = buyers.group_by("orders", "total").agg(_size()).head(EXACT + 1)
        number, ticks, customers = _collected(kinds, "orders", "total", "customers")
        exact = number.size <= EXACT
        mean = ticks / ledger.ticks / number
        if not exact:
            number, mean, customers = _on_a_grid(buyers, ledger.ticks)
        if customers.sum() < FEWEST_BUYERS:
            kind = "repeat purchase" if repeat_only else "purchase"
            raise TooLittleDataError(
                f"{int(customers.sum())} customers have a {kind} of a value above 0; a spend model "
                f"needs {FEWEST_BUYERS}. Read the log without its value column to forecast "
                "purchases alone."
            )
        return cls(number.astype(float), mean, customers.astype(float), exact)


def repeat_counts(days: Any) -> tuple[Integers, Integers, Floats]:
    """Return how many repeat purchases fell on each day, by the customers' first day.

    Parameters
    ----------
    days : narwhals.LazyFrame
        Purchase days, as :meth:`forecast.Ledger.days` returns.

    Returns
    -------
    first, day : array of int, shape (pairs,)
    purchases : array, shape (pairs,)
    """
    first, day, number = _collected(_repeats(days, "first"), "first", "day", "customers")
    return first, day, number.astype(float)


def gap_counts(days: Any, since: int) -> tuple[Integers, Integers, Floats]:
    """Return how often a purchase on one day followed one on another.

    Parameters
    ----------
    days : narwhals.LazyFrame
        Purchase days, as :meth:`forecast.Ledger.days` returns.
    since : int
        Day number: customers first seen before it are left out.

    Returns
    -------
    before, day : array of int, shape (pairs,)
    purchases : array, shape (pairs,)
    """
    found = _repeats(days, "before", since)
    before, day, number = _collected(found, "before", "day", "customers")
    return before, day, number.astype(float)


def _repeats(days: Any, by: str, since: int | None = None) -> Any:
    day = nw.col("day")
    days = days.select("customer_id", "day").with_columns(
        first=day.min().over("customer_id"),
        before=day.shift(1).over("customer_id", order_by="day"),
    )  # fmt: skip
    later = days.filter(day > nw.col("first"))
    if since is not None:
        later = later.filter(nw.col("first") >= since)
    return later.group_by(by, "day").agg(_size())


def _on_a_grid(buyers: Any, ticks: int) -> tuple[Integers, Floats, Integers]:
    """Count customers by orders and cells of the mean; the sums within a cell are whole numbers."""
    level = (nw.col("total").cast(nw.Float64) / nw.col("orders")).log()
    cells = buyers.with_columns(level=level).with_columns(cell=(nw.col("level") / STEP).floor())
    beyond = ((nw.col("level") - nw.col("cell") * STEP) * _FINE).round()
    cells = cells.with_columns(inside=beyond.cast(nw.Int64), cell=nw.col("cell").cast(nw.Int64))
    found = cells.group_by("orders", "cell").agg(_size(), nw.col("inside").sum().cast(nw.Int64))
    orders, cell, customers, inside = _collected(found, "orders", "cell", "customers", "inside")
    mean = np.exp(cell * STEP + inside / _FINE / customers) / ticks
    return orders, np.asarray(mean), customers


def _size() -> Any:
    return nw.len().cast(nw.Int64).alias("customers")


def _collected(frame: Any, *names: str) -> tuple[Integers, ...]:
    """Bring counts here, sorted, since a cluster returns them in any order."""
    table = frame.select(*names).collect("pyarrow")
    columns = [table[name].to_numpy().astype(np.int64) for name in names]
    order = np.lexsort(columns[::-1])
    return tuple(each[order] for each in columns)
