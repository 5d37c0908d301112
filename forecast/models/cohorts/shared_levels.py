"""Draws in which whole groups of customers are off together: the uncertainty of parameters."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.forecaster import Draws, Sampler, Split
from forecast.models.spread import Shares

__all__ = ["SharedLevels", "factors"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SharedLevels:
    """Draws of another sampler, where draw d moves all customers of a group by one factor.

    A count n becomes Binomial(n, f) where the factor f is below 1, and n + Poisson(n (f - 1))
    above, so its mean is f n; the value moves with its purchases and by the factor on their value.

    Attributes
    ----------
    inner : Sampler
        Draws around parameters that are taken as known.
    group : array of int, shape (customers,)
    purchases, value : array of float, shape (groups, draws)
        Factors on purchases and on value, of mean 1 over the draws; ``value`` may be None.
    shares : Shares
        How the horizon's purchases fall into periods.
    seed : int
    """

    inner: Sampler
    group: IntArray
    purchases: FloatArray
    value: FloatArray | None
    shares: Shares
    seed: int

    @property
    def draws(self) -> int:
        """Number of simulated futures."""
        return self.inner.draws

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers' futures block by block, the same ones each time."""
        for number, block in enumerate(self.inner.blocks()):
            yield self._moved(number, block)

    def _moved(self, number: int, block: Draws) -> Draws:
        first, second = np.random.SeedSequence([self.seed, 2, number]).spawn(2)
        rng = np.random.default_rng(first)
        customer, draw = np.nonzero(block.purchases)
        group = self.group[block.rows][customer]
        factor, before = self.purchases[group, draw], block.purchases[customer, draw]
        after = rng.binomial(before, np.minimum(factor, 1.0))
        after += rng.poisson(before * np.maximum(factor - 1.0, 0.0))
        purchases = np.zeros_like(block.purchases)
        purchases[customer, draw] = after
        value = None
        if block.value is not None:
            value = np.zeros_like(block.value)
            worth = block.value[customer, draw] * after / before
            if self.value is not None:
                ratio = np.divide(
                    self.value[group, draw], factor, out=np.ones_like(factor), where=factor > 0
                )
                worth = worth * ratio
            value[customer, draw] = worth

        def split() -> Split:
            rng = np.random.default_rng(second)
            return self.shares.split(block.rows, purchases, value, rng)

        return Draws(block.rows, purchases, value, split)


def factors(drawn: FloatArray) -> FloatArray:
    """Return draws over their mean, groups first; 1 where nothing is expected.

    Parameters
    ----------
    drawn : array of float, shape (draws, groups)
    """
    mean = drawn.mean(axis=0)
    return np.asarray(np.divide(drawn, mean, out=np.ones_like(drawn), where=mean > 0).T)
