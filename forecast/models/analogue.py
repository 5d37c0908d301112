"""Analogues: what customers with a similar prediction went on to do is what may happen again.

Models without a distribution of their own borrow one. Past customers are put in bins by what was
predicted for them; a customer's futures are the realised outcomes of his bin, rescaled so that
their mean is his own expectation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from forecast.forecaster import Draws, Split
from forecast.models.rescaled import gained, rescaled
from forecast.models.spread import Shares, block_rows

__all__ = ["AnalogueDraws", "Analogues"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BIN_CUSTOMERS, _BIN_BUYERS = 50, 10
# outcomes where nobody bought at all: the expected frequencies of Poisson(1) among 100 customers
_NOBODY = np.repeat(np.arange(5.0), [37, 37, 18, 6, 2])


@dataclass(frozen=True)
class Analogues:
    """Realised outcomes of past customers, in bins of similar prediction.

    Attributes
    ----------
    edges : array of float, shape (bins - 1,)
        Lowest score of each bin but the first.
    starts : array of int, shape (bins + 1,)
        Where each bin begins among the outcomes.
    purchases : array of float, shape (outcomes,)
        Realised purchases, bin by bin.
    order_value : array of float, shape (outcomes,), or None
        Realised value per purchase; 0 where there was none.

    Examples
    --------
    Of the lower fifty half bought once; the upper fifty all bought twice.

    >>> past = Analogues.learn(np.arange(100.0), np.repeat([0, 1, 2], [25, 25, 50]), None)
    >>> past.edges
    array([50.])
    >>> past.p_active(np.array([10.0, 60.0]), np.array([0.25, 2.0]))
    array([0.25, 1.  ])
    """

    edges: FloatArray
    starts: IntArray
    purchases: FloatArray
    order_value: FloatArray | None

    @classmethod
    def learn(
        cls, score: npt.ArrayLike, purchases: npt.ArrayLike, value: npt.ArrayLike | None
    ) -> "Analogues":
        """Put past customers in bins of at least 50 customers, ten of whom bought.

        Parameters
        ----------
        score : array-like, shape (customers,)
            What was predicted for them; equal scores share a bin.
        purchases : array-like of int, shape (customers,)
            What they did.
        value : array-like, shape (customers,), or None
        """
        score, bought = np.asarray(score, dtype=float), np.asarray(purchases, dtype=float)
        worth = None
        if value is not None:
            worth = np.divide(value, bought, out=np.zeros_like(bought), where=bought > 0)
        if not bought.any():
            flat = None if worth is None else np.ones_like(_NOBODY)
            return cls(np.empty(0), np.array([0, len(_NOBODY)]), _NOBODY, flat)
        # outcomes break ties in the score, so the order never depends on who is who
        keys = (bought, score) if worth is None else (worth, bought, score)
        order = np.lexsort(keys)
        starts = _bins(score[order], bought[order])
        done = cls(score[order][starts[1:-1]], starts, bought[order], None)
        if worth is None:
            return done
        # a bin whose purchases were all free says nothing of amounts: take them as equal
        free = np.repeat(done.mean(worth[order]) == 0, np.diff(starts))
        return replace(done, order_value=np.where(free, done.purchases > 0, worth[order]))

    def bins(self, score: FloatArray) -> IntArray:
        """Return the bin of each score."""
        return np.searchsorted(self.edges, score, side="right")

    def mean(self, of: FloatArray) -> FloatArray:
        """Return the mean of an outcome in each bin."""
        return np.add.reduceat(of, self.starts[:-1]) / np.diff(self.starts)

    def p_active(self, score: FloatArray, expected: FloatArray) -> FloatArray:
        """Return the probability of at least one purchase, as the draws have it."""
        bins = self.bins(score)
        scale = expected / self.mean(self.purchases)[bins]
        order = np.argsort(bins, kind="stable")
        ends = np.cumsum(np.bincount(bins, minlength=len(self.starts) - 1))
        out = np.zeros(len(score))
        for number, rows in enumerate(np.split(order, ends[:-1])):
            outcomes = self.purchases[self.starts[number] : self.starts[number + 1]]
            counts, weight = np.unique(outcomes, return_counts=True)
            mean = float(counts @ weight / weight.sum())
            kept = np.minimum(1.0, scale[rows, None])
            own, shared = gained(scale[rows, None])
            added = own * counts + shared * mean
            nothing = (1.0 - kept) ** counts * np.exp(-added)
            out[rows] = (1.0 - nothing) @ weight / weight.sum()
        return out


@dataclass(frozen=True)
class AnalogueDraws:
    """Futures of customers, drawn from the outcomes of their analogues.

    An analogue's count is moved to the customer's expectation by
    :func:`forecast.models.rescaled.rescaled`. The value of a purchase is the analogue's, scaled
    likewise.

    Attributes
    ----------
    analogues : Analogues
    expected_purchases : array of float, shape (customers,)
        The score as well.
    expected_value : array of float, shape (customers,), or None
        0 wherever ``expected_purchases`` is 0.
    shares : Shares
        How the horizon's purchases fall into periods.
    draws, seed : int
    """

    analogues: Analogues
    expected_purchases: FloatArray
    expected_value: FloatArray | None
    shares: Shares
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers' futures block by block, the same ones each time."""
        past = self.analogues
        bins, mean = past.bins(self.expected_purchases), past.mean(past.purchases)
        scale = self.expected_purchases / mean[bins]
        order_scale = worth = None
        if self.expected_value is not None and past.order_value is not None:
            # an analogue who bought nothing lends the order value of his bin
            spent = past.mean(past.purchases * past.order_value)
            worth = np.where(
                past.purchases > 0, past.order_value, np.repeat(spent / mean, np.diff(past.starts))
            )
            own, shared = gained(scale)
            usual = (np.minimum(scale, 1.0) + own) * spent[bins]
            usual += shared * (mean * past.mean(worth))[bins]
            order_scale = np.divide(
                self.expected_value, usual, out=np.zeros_like(usual), where=usual > 0
            )
        for number, rows in enumerate(block_rows(self.expected_purchases, self.draws)):
            yield self._block(number, rows, bins, scale, order_scale, worth)

    def _block(
        self,
        number: int,
        rows: slice,
        bins: IntArray,
        scale: FloatArray,
        order_scale: FloatArray | None,
        worth: FloatArray | None,
    ) -> Draws:
        past = self.analogues
        first, second = np.random.SeedSequence([self.seed, number]).spawn(2)
        rng = np.random.default_rng(first)
        own = bins[rows]
        shape = (len(own), self.draws)
        start, size = past.starts[own, None], np.diff(past.starts)[own, None]
        like = start + (rng.random(shape) * size).astype(np.int64)
        counts = past.purchases[like].astype(np.int64)
        mean = past.mean(past.purchases)[own, None]
        purchases = rescaled(counts, mean, scale[rows][:, None], rng)
        value = None
        if order_scale is not None and worth is not None:
            value = purchases * worth[like] * order_scale[rows, None]

        def split() -> Split:
            return self.shares.split(rows, purchases, value, np.random.default_rng(second))

        return Draws(rows, purchases, value, split)


def _bins(score: FloatArray, bought: FloatArray) -> IntArray:
    """Cut sorted scores into bins, from the top down, where enough customers and buyers are."""
    changes = np.flatnonzero(np.diff(score)) + 1
    candidates = np.searchsorted(score, score[_BIN_CUSTOMERS::_BIN_CUSTOMERS], side="left")
    candidates = np.intersect1d(candidates, changes)
    buyers = np.concatenate([[0], np.cumsum(bought > 0)])
    cuts, end = [], len(score)
    for cut in candidates[::-1]:
        if end - cut >= _BIN_CUSTOMERS and buyers[end] - buyers[cut] >= _BIN_BUYERS:
            cuts.append(int(cut))
            end = int(cut)
    # the lowest bin joins the next where it is too thin
    while cuts and (cuts[-1] < _BIN_CUSTOMERS or buyers[cuts[-1]] < 1):
        cuts.pop()
    return np.array([0, *cuts[::-1], len(score)], dtype=np.int64)
