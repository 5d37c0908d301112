"""Futures with Poisson counts around known means: the distribution of the naive models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.forecaster import Draws, Split
from forecast.models.spread import Shares, block_rows

__all__ = ["PoissonDraws", "ReplayDraws"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PoissonDraws:
    """Each customer buys Poisson(mean) times, each time for the same amount.

    Attributes
    ----------
    mean : array of float, shape (customers,)
        Expected purchases over the horizon.
    order_value : array of float, shape (customers,), or None
        Value of one purchase.
    shares : Shares
        How the horizon's purchases fall into periods.
    draws, seed : int
    """

    mean: FloatArray
    order_value: FloatArray | None
    shares: Shares
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers' futures block by block, the same ones each time."""
        for number, rows in enumerate(block_rows(self.mean, self.draws)):
            yield self._block(number, rows)

    def _block(self, number: int, rows: slice) -> Draws:
        first, second = np.random.SeedSequence([self.seed, number]).spawn(2)
        mean = self.mean[rows, None]
        purchases = np.random.default_rng(first).poisson(mean, (len(mean), self.draws))
        value = None if self.order_value is None else purchases * self.order_value[rows, None]

        def split() -> Split:
            return self.shares.split(rows, purchases, value, np.random.default_rng(second))

        return Draws(rows, purchases, value, split)


@dataclass(frozen=True)
class ReplayDraws:
    """Each past purchase day happens Poisson(1) times again, in its period and for its amount.

    Attributes
    ----------
    customers : int
        How many customers there are; those without an entry buy nothing.
    customer : array of int, shape (entries,)
        Position of the customer, ascending.
    period : array of int, shape (entries,)
    mean : array of float, shape (entries,)
        Past purchases of that customer in that period, > 0.
    value : array of float, shape (entries,), or None
        Their total value.
    draws, seed : int
    """

    customers: int
    customer: IntArray
    period: IntArray
    mean: FloatArray
    value: FloatArray | None
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers' futures block by block, the same ones each time."""
        entries = np.bincount(self.customer, minlength=self.customers).astype(float)
        for number, rows in enumerate(block_rows(entries, self.draws)):
            yield self._block(number, rows)

    def _block(self, number: int, rows: slice) -> Draws:
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, number]))
        first, last = np.searchsorted(self.customer, [rows.start, rows.stop])
        here = self.customer[first:last] - rows.start
        mean = self.mean[first:last, None]
        counts = rng.poisson(mean, (len(mean), self.draws))
        purchases = np.zeros((rows.stop - rows.start, self.draws), dtype=np.int64)
        np.add.at(purchases, here, counts)
        entry, draw = np.nonzero(counts)
        number_of = counts[entry, draw]
        amounts = value = None
        if self.value is not None:
            worth = self.value[first:last, None] / mean
            value = np.zeros(purchases.shape)
            np.add.at(value, here, counts * worth)
            amounts = number_of * worth[entry, 0]
        done = Split(
            here[entry] * self.draws + draw, self.period[first + entry], number_of, amounts
        )
        return Draws(rows, purchases, value, lambda: done)
