"""Simulated purchases at future opportunities, kept sparse like those in continuous time."""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers, Shape, on_grid
from forecast.processes.opportunity_mixture import first_purchase

__all__ = ["OpportunityFuture", "draw_opportunities"]


@dataclass(frozen=True)
class OpportunityFuture:
    """Simulated purchases at the next opportunities, for a grid of customers and draws.

    Attributes
    ----------
    shape : tuple of int
        Shape of the grid, usually (customers, draws).
    cell : array of int64, shape (active,)
        Positions, in the flattened grid and in order, with at least one purchase.
    count : array of int64, shape (active,)
        Purchases of each such cell.
    first : array of int64, shape (active,)
        Number of the opportunity of the first of them, 1 for the next one.
    lived : array of int64, shape (active,)
        Number of the last opportunity in the window that the customer lived to see.
    """

    shape: Shape
    cell: Integers
    count: Integers
    first: Integers
    lived: Integers

    def purchases(self) -> Integers:
        """Return the purchases of every cell, in the shape of the grid."""
        return on_grid(self.shape, self.cell, self.count)

    def times(self, rng: np.random.Generator) -> tuple[Integers, Integers]:
        """Return every purchase as (position in ``cell``, number of the opportunity).

        The purchases after the first fall on any of the opportunities lived through since,
        with equal chances: the buying probability is the same at each.
        """
        more = np.flatnonzero(self.count > 1)
        slots = (self.lived - self.first)[more]
        owner = np.repeat(np.arange(more.size), slots)
        begin = np.cumsum(slots) - slots
        place = np.arange(owner.size) - np.repeat(begin, slots)
        # the first count - 1 of the slots of each, in random order
        order = np.lexsort((rng.random(owner.size), owner))
        taken = order[place < (self.count[more] - 1)[owner]]
        position = more[owner[taken]]
        number = self.first[position] + 1 + place[taken]
        return (
            np.concatenate((np.arange(self.cell.size), position)),
            np.concatenate((self.first, number)),
        )

    def last(self, rng: np.random.Generator) -> Integers:
        """Return the opportunity of each active cell's last purchase."""
        position, number = self.times(rng)
        latest = self.first.copy()
        np.maximum.at(latest, position, number)
        return latest


def draw_opportunities(
    rng: np.random.Generator,
    n: Floats,
    alive: Floats,
    a: Floats,
    b: Floats,
    g: Floats,
    d: Floats,
    shape: Shape,
) -> OpportunityFuture:
    """Draw futures of customers who are alive at the next opportunity with chance ``alive``.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : array
        Opportunities ahead; this and all that follow broadcast to ``shape``.
    alive, a, b, g, d : array
        P(alive), and then p ~ Beta(a, b) and theta ~ Beta(g, d).
    shape : tuple of int
        Shape of the grid of cells.
    """
    # one uniform decides whether there is a first purchase and, by the inverse of its
    # distribution, at which opportunity
    level = rng.random(shape) / np.where(alive > 0, alive, 1e-300)
    _, found = first_purchase(n, a, b, g, d, level)
    cell = np.flatnonzero(found)
    at = np.unravel_index(cell, shape)
    first = found.ravel()[cell]
    n, a, b, g, d = (np.broadcast_to(each, shape)[at] for each in (n, a, b, g, d))
    theta = rng.beta(g, d + first - 1)
    with np.errstate(divide="ignore", over="ignore"):
        further = np.floor(rng.standard_exponential(cell.size) / -np.log1p(-theta))
    further = np.minimum(further, n - first).astype(np.int64)
    count = 1 + rng.binomial(further, rng.beta(a + 1, b + first - 1))
    return OpportunityFuture(shape, cell, count, first, first + further)
