"""One distribution out of many: simulated futures of an ensemble.

Each draw belongs to one member, for all customers. It is then moved by one map: to the ensemble's
expectation of each customer, and by a random level that all customers share and one that each
cohort shares, because totals miss by more than the customers' own chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.draws import Draws, Sampler, Split
from forecast.models.rescaled import gained, rescaled
from forecast.models.spread import Shares

__all__ = ["Part", "PooledDraws", "draws_of"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """A member's share of the draws.

    Attributes
    ----------
    sampler : Sampler
        With as many draws as the member has a share in.
    purchases : array of float, shape (customers,)
        The member's own expectation.
    value : array of float, shape (customers,), or None
        Likewise; in the ledger's currency.
    """

    sampler: Sampler
    purchases: Floats
    value: Floats | None


@dataclass(frozen=True)
class PooledDraws:
    """Draws of all members, moved to the ensemble's expectations and levels.

    Attributes
    ----------
    parts : sequence of Part
    purchases, value : array of float, shape (customers,)
        The ensemble's expectations; value is None without amounts.
    cohort : array of int, shape (customers,)
    spread, cohort_spread, customer_spread, value_spread : float
        Standard deviations of the logarithm of the level of all customers, of that of a cohort,
        of that of a customer, and of that of the value of a purchase.
    shares : Shares
        How the horizon's purchases fall into periods.
    seed : int
    """

    parts: Sequence[Part]
    purchases: Floats
    value: Floats | None
    cohort: Integers
    spread: float
    cohort_spread: float
    customer_spread: float
    value_spread: float
    shares: Shares
    seed: int

    @property
    def draws(self) -> int:
        """Number of simulated futures."""
        return sum(part.sampler.draws for part in self.parts)

    def blocks(self) -> Iterator[Draws]:
        """Yield all customers, block by block, the same futures each time."""
        level, order_level = self._levels()
        for rows, blocks in _aligned([part.sampler for part in self.parts]):
            yield self._block(rows, blocks, level, order_level)

    def _levels(self) -> tuple[Floats, Floats]:
        """Return factors of mean 1: (draws, cohorts) for purchases, (draws, 1) for order value."""
        rng = np.random.default_rng([self.seed, 2])
        cohorts = int(self.cohort.max()) + 1 if len(self.cohort) else 1
        shared = rng.standard_normal((self.draws, 1)) * self.spread
        own = rng.standard_normal((self.draws, cohorts)) * self.cohort_spread
        variance = self.spread**2 + self.cohort_spread**2
        worth = rng.standard_normal((self.draws, 1)) * self.value_spread
        return np.exp(shared + own - variance / 2), np.exp(worth - self.value_spread**2 / 2)

    def _block(
        self, rows: slice, blocks: list[tuple[Draws, slice]], level: Floats, order_level: Floats
    ) -> Draws:
        rng = np.random.default_rng([self.seed, 3, rows.start])
        counts, amounts, at = [], [], 0
        for part, (block, inside) in zip(self.parts, blocks, strict=True):
            drawn = slice(at, at + part.sampler.draws)
            at = drawn.stop
            mean, ratio = part.purchases[rows], _ratio(self.purchases, part.purchases, rows)
            before = np.array(block.purchases[inside])
            silent = mean <= 0  # a member that expects nothing has no futures to move
            if silent.any():
                mean = np.where(silent, self.purchases[rows], mean)
                ratio = np.where(silent, 1.0, ratio)
                before[silent] = rng.poisson(mean[silent, None], (silent.sum(), before.shape[1]))
            moved = ratio[:, None] * level[drawn][:, self.cohort[rows]].T
            if self.customer_spread > 0:
                own = rng.standard_normal(before.shape) * self.customer_spread
                moved = moved * np.exp(own - self.customer_spread**2 / 2)
            after = rescaled(before, mean[:, None], moved, rng)
            counts.append(after)
            if block.value is None or self.value is None or part.value is None:
                continue
            wanted = _ratio(self.value, self.purchases, rows)
            usual = _ratio(part.value, part.purchases, rows)
            free = usual <= 0
            amount = np.where(free[:, None], before, block.value[inside])
            usual = np.where(free, 1.0, usual)
            spent = _spent(before, after, amount, mean[:, None], usual[:, None], moved)
            amounts.append(spent * (wanted / usual)[:, None] * order_level[drawn].T)
        purchases = np.concatenate(counts, axis=1)
        value = np.concatenate(amounts, axis=1) if amounts else None

        def split() -> Split:
            again = np.random.default_rng([self.seed, 4, rows.start])
            return self.shares.split(rows, purchases, value, again)

        return Draws(rows, purchases, value, split)


def _spent(
    before: Integers, after: Integers, amount: Floats, mean: Floats, usual: Floats, ratio: Floats
) -> Floats:
    """Return the value of rescaled counts; its mean grows as theirs does.

    Kept purchases are worth what they were. Those added come partly from the draw itself, partly
    from everybody, see :func:`gained`, and so does their worth.
    """
    own, shared = gained(ratio)
    flat = np.broadcast_to(usual, amount.shape)
    worth = np.divide(amount, before, out=flat.copy(), where=before > 0)
    added = own * before + shared * mean
    theirs = np.divide(
        own * amount + shared * mean * usual, added, out=flat.copy(), where=added > 0
    )
    kept = np.minimum(before, after)
    return np.asarray(kept * worth + (after - kept) * theirs)


def draws_of(weights: Floats, draws: int) -> Integers:
    """Return how many of the draws each member gets: by largest remainders, 2 at least or none.

    Examples
    --------
    >>> draws_of(np.array([0.5, 0.499, 0.001]), 100)
    array([50, 50,  0])
    """
    counts = np.floor(weights * draws).astype(np.int64)
    rest = weights * draws - counts
    counts[np.argsort(-rest, kind="stable")[: draws - counts.sum()]] += 1
    few = counts < 2
    counts[few] = 0
    counts[np.argmax(counts if counts.any() else weights)] += draws - counts.sum()
    return counts


def _ratio(wanted: Floats, own: Floats, rows: slice) -> Floats:
    part, whole = wanted[rows], own[rows]
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _aligned(
    samplers: Sequence[Sampler],
) -> Iterator[tuple[slice, list[tuple[Draws, slice]]]]:
    """Walk all samplers in step; yields rows and, for each sampler, its block and rows in it."""
    walks = [sampler.blocks() for sampler in samplers]
    held = [next(walk) for walk in walks]
    start = 0
    while True:
        stop = min(block.rows.stop for block in held)
        yield (
            slice(start, stop),
            [(block, slice(start - block.rows.start, stop - block.rows.start)) for block in held],
        )
        start = stop
        for place, block in enumerate(held):
            if block.rows.stop == stop:
                following = next(walks[place], None)
                if following is None:
                    return
                held[place] = following
