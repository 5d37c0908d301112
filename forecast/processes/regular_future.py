"""Simulated futures of customers who buy regularly: Erlang gaps from the phase they are in now.

The phase and the event rate are drawn given the history and being alive, then the time until the
next purchase. Of the N hidden events after it every k-th is a possible purchase, and G purchases
happen before the customer drops out, so 1 + min(floor(N / k), G - 1) happen in the window. Exact
in distribution, in a handful of vectorised draws.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers, Shape
from forecast.processes.future import Future

__all__ = ["RegularFuture", "draw_regular_future"]


@dataclass(frozen=True)
class RegularFuture(Future):
    """Simulated purchases in (0, t] from now, every k-th event of a hidden process.

    As :class:`Future`, with ``points`` the hidden events after the first purchase.

    Attributes
    ----------
    k : int
        Hidden events per purchase.
    """

    k: int

    def times(self, rng: np.random.Generator) -> tuple[Integers, Floats]:
        """Return every purchase as (position in ``cell``, time from now), in no set order."""
        position, gap = self.gaps(rng)
        later, gap = position[self.cell.size :], gap[self.cell.size :]
        # time of the first purchase, plus what has come since within the same cell
        upto, start = np.cumsum(gap), np.flatnonzero(np.diff(later, prepend=-1))
        before = np.repeat((upto - gap)[start], np.diff(start, append=later.size))
        time = np.minimum(self.first[later] + (upto - before), self.horizon[later])
        return position, np.concatenate((self.first, time))

    def gaps(self, rng: np.random.Generator) -> tuple[Integers, Floats]:
        """Return every gap as (position in ``cell``, length): first waits, then the later gaps.

        Given the last purchase, the gaps before it share the time from the first one as k parts
        each of a uniform division: a Dirichlet(k, ..., k) split.
        """
        more = np.flatnonzero(self.count > 1)
        span = self._last(rng, more) - self.first[more]
        owner = np.repeat(np.arange(more.size), self.count[more] - 1)
        part = rng.standard_gamma(self.k, owner.size)
        whole = np.bincount(owner, part, minlength=more.size)
        gap = part * (span / whole)[owner]
        position = np.concatenate((np.arange(self.cell.size), more[owner]))
        return position, np.concatenate((self.first, gap))

    def _last(self, rng: np.random.Generator, more: Integers) -> Floats:
        """Draw the k (count - 1)-th of N uniform events in (first, horizon]."""
        events = self.k * (self.count[more] - 1)
        share = rng.beta(events, self.points[more] - events + 1)
        return np.asarray(self.first[more] + (self.horizon[more] - self.first[more]) * share)


def draw_regular_future(
    rng: np.random.Generator,
    t: Floats,
    k: int,
    alive: Floats,
    chances: list[Floats],
    r: Floats,
    alpha: Floats,
    a: Floats,
    b: Floats,
    shape: Shape,
) -> RegularFuture:
    """Draw futures of customers who are alive with probability ``alive``.

    Parameters
    ----------
    rng : numpy.random.Generator
    t : array
        Length of the window; this and all that follow broadcast to ``shape``.
    k : int
        Hidden events per purchase.
    alive : array
    chances : list of k arrays
        Of each phase, given alive.
    r, alpha : array
        The event rate in phase j is Gamma(r + j, alpha), given alive.
    a, b : array
        Each purchase ends the relation with probability Beta(a, b), given alive.
    shape : tuple of int
        Shape of the grid of cells.
    """
    cell = np.flatnonzero(rng.random(shape) < np.broadcast_to(alive, shape))
    at = np.unravel_index(cell, shape)
    t, r, alpha, a, b = (np.broadcast_to(each, shape)[at] for each in (t, r, alpha, a, b))
    level, upto = rng.random(cell.size), np.zeros(cell.size)
    phase = np.zeros(cell.size, dtype=np.int64)
    for chance in chances[:-1]:
        upto += np.broadcast_to(chance, shape)[at]
        phase += level >= upto
    # rates of very dispersed customers underflow: they never buy
    with np.errstate(divide="ignore", over="ignore"):
        rate = rng.standard_gamma(r + phase) / alpha
        first = rng.standard_gamma(k - phase) / rate
    come = np.flatnonzero(first <= t)
    cell = cell[come]
    t, first, rate, a, b = (each[come] for each in (t, first, rate, a, b))
    points = rng.poisson(np.minimum(rate * (t - first), 1e15)).astype(np.int64, copy=False)
    dropout = rng.beta(a, b)
    with np.errstate(divide="ignore", over="ignore"):
        until = np.ceil(rng.standard_exponential(come.size) / -np.log1p(-dropout))
    count = np.minimum(points // k + 1, np.maximum(until, 1.0)).astype(np.int64)
    return RegularFuture(shape, cell, count, first, t, points, k)
