"""Spread simulated purchases over the periods of a horizon.

Samplers draw a customer's purchases over the whole horizon first; this file says in which period
each of them falls, and how many customers fit in one block of draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.calendar import Window
from forecast.errors import UsageError
from forecast.forecaster import Split

__all__ = ["Shares", "block_rows"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_MOST_CUSTOMERS, _MOST_PURCHASES = 2048, 4_000_000


@dataclass(frozen=True)
class Shares:
    """The share of a horizon's purchases that falls into each period, by kind of customer.

    Attributes
    ----------
    table : array of float, shape (kinds, periods)
        Rows add up to 1.
    kind : array of int, shape (customers,)
        Row of the table for each customer.
    """

    table: FloatArray
    kind: IntArray

    def __post_init__(self) -> None:
        if not np.allclose(self.table.sum(axis=1), 1.0) or (self.table < 0).any():
            raise UsageError("shares: the shares of the periods must be >= 0 and add up to 1.")

    @classmethod
    def by_days(cls, windows: list[Window], customers: int) -> "Shares":
        """Give every period a share in proportion to its days, the same for all customers.

        Examples
        --------
        >>> from datetime import date
        >>> weeks = [Window(date(2024, 1, 1), date(2024, 1, 8)),
        ...          Window(date(2024, 1, 8), date(2024, 1, 15))]
        >>> Shares.by_days(weeks, customers=3).table
        array([[0.5, 0.5]])
        """
        days = np.array([window.days for window in windows], dtype=float)
        return cls((days / days.sum())[None, :], np.zeros(customers, dtype=np.int64))

    def split(
        self, rows: slice, purchases: IntArray, value: FloatArray | None, rng: np.random.Generator
    ) -> Split:
        """Put each purchase of a block into a period, drawn by the customer's shares.

        Parameters
        ----------
        rows : slice
            The block's customers.
        purchases : array of int, shape (customers in the block, draws)
        value : array of float of the same shape, or None
            Shared among the periods in proportion to their purchases.
        rng : numpy.random.Generator
        """
        periods, draws = self.table.shape[1], purchases.shape[1]
        counts = purchases.ravel()
        bought = np.flatnonzero(counts)
        cell = np.repeat(bought, counts[bought])
        kind = self.kind[rows][cell // draws]
        # one search for all kinds: the cumulative shares of kind k lie in (k, k + 1]
        upto = np.cumsum(self.table, axis=1)
        upto[:, -1] = 1.0
        upto += np.arange(len(upto))[:, None]
        place = np.searchsorted(upto.ravel(), kind + rng.random(len(cell)), side="right")
        place = np.minimum(place - kind * periods, periods - 1)
        key, number = _counted(cell * periods + place, counts.size * periods)
        cells, period = np.divmod(key, periods)
        if value is None:
            return Split(cells, period, number, None)
        return Split(cells, period, number, value.ravel()[cells] * number / counts[cells])


def block_rows(load: FloatArray, draws: int) -> Iterator[slice]:
    """Yield consecutive blocks of customers whose draws fit in memory.

    Parameters
    ----------
    load : array of float, shape (customers,)
        Purchases to expect of a customer in one draw.
    draws : int
    """
    usual = draws * (1.0 + (float(load.mean()) if len(load) else 0.0))
    step = int(np.clip(_MOST_PURCHASES / usual, 1, _MOST_CUSTOMERS))
    for start in range(0, len(load), step):
        yield slice(start, min(start + step, len(load)))


def _counted(keys: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Count equal keys: by a table where it is small, else by sorting."""
    if size <= 4 * len(keys):
        table = np.bincount(keys, minlength=size)
        found = np.flatnonzero(table)
        return found, table[found]
    found, number = np.unique(keys, return_counts=True)
    return found, number
