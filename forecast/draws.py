"""What a distribution is here: simulated futures in blocks, their sums, quantiles and scores.

A sampler replays its seeded draws block by block, so a forecast of millions of customers answers
any question in bounded memory.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Window

__all__ = [
    "Draws",
    "Sampler",
    "Split",
    "Totals",
    "accumulate",
    "crps",
    "in_order",
    "ranks",
    "row_quantiles",
    "smoothed",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Split:
    """A block's draws by period: one entry for each cell and period with a purchase.

    Attributes
    ----------
    cell : array of int
        ``customer_in_block * draws + draw``.
    period : array of int
        Position in ``Forecast.periods``.
    purchases : array of int
        Purchases of that cell in that period.
    value : array of float or None
        Their value, in the ledger's currency.
    """

    cell: IntArray
    period: IntArray
    purchases: IntArray
    value: FloatArray | None


@dataclass(frozen=True)
class Draws:
    """Simulated futures of a block of consecutive customers.

    Attributes
    ----------
    rows : slice
        Positions of the customers in ``Forecast.customers``.
    purchases : array of int, shape (customers, draws)
        Purchases inside the horizon.
    value : array of float, shape (customers, draws), or None
        Value inside the horizon, in the ledger's currency; None without amounts.
    split : callable
        Returns the same draws by period; sums over periods equal ``purchases`` and ``value``.
    """

    rows: slice
    purchases: IntArray
    value: FloatArray | None
    split: Callable[[], Split]


class Sampler(Protocol):
    """The recipe of a forecast's distribution: replays the same draws each time it is asked."""

    @property
    def draws(self) -> int:
        """Number of simulated futures."""
        ...

    def blocks(self) -> Iterator[Draws]:
        """Yield all customers, block by block, in order."""
        ...


@dataclass(frozen=True)
class Totals:
    """Draws of totals by group and period.

    Attributes
    ----------
    groups : pandas.Index
        Labels of the second axis.
    windows : list of Window
        Periods of the third axis.
    purchases : array of float, shape (draws, groups, periods)
    value : array of float of the same shape, or None
    """

    groups: pd.Index
    windows: list[Window]
    purchases: FloatArray
    value: FloatArray | None

    def table(self, level: float = 0.9) -> pd.DataFrame:
        """Return mean, lower and upper bound of each group's total over all periods."""
        columns: dict[str, FloatArray] = {}
        for name, cube in (("purchases", self.purchases), ("value", self.value)):
            if cube is not None:
                total = cube.sum(axis=2)
                lo, hi = np.quantile(total, [(1 - level) / 2, (1 + level) / 2], axis=0)
                columns |= {name: total.mean(axis=0), f"{name}_lo": lo, f"{name}_hi": hi}
        return pd.DataFrame(columns, index=self.groups)


def accumulate(
    sampler: Sampler,
    periods: int,
    codes: npt.NDArray[Any] | None = None,
    groups: int = 1,
    bounds: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray | None]:
    """Sum draws by group and period in one pass, filling customers' bounds on the way.

    A sampler that also has ``tasks()``, which yields a callable for each block, has its blocks made
    on all cores. They are added up in their order, so the number of cores changes nothing.
    """
    shape, draws = (sampler.draws, groups, periods), sampler.draws
    size = draws * groups * periods

    def added(block: Draws) -> tuple[FloatArray, FloatArray | None]:
        if bounds is not None:
            bounds[block.rows, :2] = row_quantiles(block.purchases, [0.05, 0.95])
            if block.value is not None:
                bounds[block.rows, 2:] = row_quantiles(block.value, [0.05, 0.95])
        split = block.split()
        customer, draw = np.divmod(split.cell, draws)
        group = 0 if codes is None else codes[block.rows][customer]
        flat = (draw * groups + group) * periods + split.period
        counted = np.bincount(flat, split.purchases, minlength=size).astype(float)
        if split.value is None:
            return counted, None
        return counted, np.bincount(flat, split.value, minlength=size).astype(float)

    if hasattr(sampler, "tasks"):
        sums = in_order(lambda make: added(make()), sampler.tasks())
    else:
        sums = map(added, sampler.blocks())
    purchases = np.zeros(size)
    value: FloatArray | None = None
    for more_purchases, more_value in sums:
        purchases += more_purchases
        if more_value is not None:
            value = more_value if value is None else value + more_value
    return purchases.reshape(shape), None if value is None else value.reshape(shape)


def in_order(
    work: Callable[[Task], Result], tasks: Iterator[Task], threads: int | None = None
) -> Iterator[Result]:
    """Yield ``work(task)`` in the order of the tasks, a few of them under way at a time.

    Parameters
    ----------
    work : callable
        Of one task; must not depend on the others.
    tasks : iterator
    threads : int, optional
        By default as many as there are cores, at most 8: memory grows with them.
    """
    threads = min(8, os.cpu_count() or 1) if threads is None else threads
    if threads == 1:
        yield from map(work, tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[Result]] = deque()
        for task in tasks:
            under_way.append(pool.submit(work, task))
            if len(under_way) > threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def row_quantiles(drawn: npt.NDArray[Any], levels: Sequence[float]) -> npt.NDArray[Any]:
    """Quantiles of each row as order statistics, so that counts stay counts."""
    size = drawn.shape[1]
    ranks = [max(0, int(np.ceil(level * size - 1e-9)) - 1) for level in levels]
    return np.asarray(np.partition(drawn, sorted(set(ranks)), axis=1)[:, ranks])


def ranks(drawn: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of sorted draws strictly below, and at or below, what was seen."""
    return (drawn < seen[:, None]).mean(axis=1), (drawn <= seen[:, None]).mean(axis=1)


def smoothed(drawn: FloatArray, seen: FloatArray, share: FloatArray) -> FloatArray:
    """Return the probability of the counts seen: the draws' share, and a geometric for the rest.

    The geometric has the mean of the draws plus 1 and the weight of one draw, so probabilities
    add up to 1 and a far count is less likely than a near one.
    """
    size = drawn.shape[1]
    stop = 1.0 / (2.0 + drawn.mean(axis=1))
    rest = stop * (1.0 - stop) ** np.minimum(seen, 1e6)
    return np.asarray(np.maximum((share * size + rest) / (size + 1), 1e-300))


def crps(drawn: FloatArray, seen: FloatArray) -> FloatArray:
    """Continuous ranked probability score of sorted draws (Gneiting & Raftery 2007, eq. 21)."""
    size = drawn.shape[1]
    weights = (2 * np.arange(1, size + 1) - size - 1) / size**2
    return np.asarray(np.abs(drawn - seen[:, None]).mean(axis=1) - drawn @ weights)
