"""Simulated futures, kept sparse: only customers and draws with a purchase take space.

For a customer who is alive, all that matters of the time after the next purchase y is how many
points N a Poisson process has in (y, t] and after how many of them, G, the customer drops out.
Then ``1 + min(N, G)`` purchases happen, and their times are y and the first min(N, G) of N
uniform points. So a future is a handful of vectorised draws, exact in distribution.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers, Shape, on_grid

__all__ = ["Future", "draw_future"]


@dataclass(frozen=True)
class Future:
    """Simulated purchases in (0, t] from now, for a grid of customers and draws.

    Attributes
    ----------
    shape : tuple of int
        Shape of the grid, usually (customers, draws).
    cell : array of int64, shape (active,)
        Positions, in the flattened grid and in order, with at least one purchase.
    count : array of int64, shape (active,)
        Purchases of each such cell.
    first : array, shape (active,)
        Time of the first of them, from now.
    horizon : array, shape (active,)
        Length of the window of each cell.
    points : array of int64, shape (active,)
        Points of the purchase process after the first purchase, had there been no dropout.
    """

    shape: Shape
    cell: Integers
    count: Integers
    first: Floats
    horizon: Floats
    points: Integers

    def purchases(self) -> Integers:
        """Return the purchases of every cell, in the shape of the grid."""
        return on_grid(self.shape, self.cell, self.count)

    def times(self, rng: np.random.Generator) -> tuple[Integers, Floats]:
        """Return every purchase as (position in ``cell``, time from now), in no set order.

        Times are drawn consistently with the counts: the first purchase, the last of those that
        happened (an order statistic of ``points`` uniform ones), and the rest uniform between.
        """
        more = np.flatnonzero(self.count > 1)
        last = self._last(rng, more)
        between = self.count[more] - 2
        inner = np.repeat(np.arange(more.size), between)
        first = self.first[more][inner]
        inside = first + (last[inner] - first) * rng.random(inner.size)
        position = np.concatenate((np.arange(self.cell.size), more, more[inner]))
        return position, np.concatenate((self.first, last, inside))

    def last(self, rng: np.random.Generator) -> Floats:
        """Return the time of each active cell's last purchase."""
        time = self.first.copy()
        more = np.flatnonzero(self.count > 1)
        time[more] = self._last(rng, more)
        return time

    def _last(self, rng: np.random.Generator, more: Integers) -> Floats:
        """Draw the k-th of N uniform points in (first, horizon]: a Beta(k, N-k+1) share of it."""
        k = self.count[more] - 1
        share = rng.beta(k, self.points[more] - k + 1)
        return np.asarray(self.first[more] + (self.horizon[more] - self.first[more]) * share)


def draw_future(
    rng: np.random.Generator,
    t: Floats,
    alive: Floats,
    r: Floats,
    alpha: Floats,
    a: Floats,
    b: Floats,
    shape: Shape,
) -> Future:
    """Draw futures of customers who are alive with probability ``alive``.

    Given alive, purchases come at rate Gamma(r, alpha) and each ends the relation with
    probability Beta(a, b).

    Parameters
    ----------
    rng : numpy.random.Generator
    t : array
        Length of the window; this and all that follow broadcast to ``shape``.
    alive, r, alpha, a, b : array
    shape : tuple of int
        Shape of the grid of cells.
    """
    # P(a purchase in (0, t]) = P(alive) (1 - (1 + t/alpha)^-r): the next purchase is Lomax
    active = np.broadcast_to(alive * -np.expm1(-r * np.log1p(t / alpha)), shape)
    uniform = rng.random(shape)
    cell = np.flatnonzero(uniform < active)
    at = np.unravel_index(cell, shape)
    t, alive, r, alpha, a, b = (
        np.broadcast_to(each, shape)[at] for each in (t, alive, r, alpha, a, b)
    )
    # the uniform that found the cell active, below P(active), is reused as the Lomax quantile
    level = np.minimum(uniform.ravel()[cell] / alive, 1 - 1e-16)
    first = alpha * np.expm1(-np.log1p(-level) / r)
    np.minimum(first, t, out=first)
    points = np.zeros(cell.size, dtype=np.int64)
    further = np.zeros(cell.size, dtype=np.int64)
    stay = np.flatnonzero(rng.random(cell.size) * (a + b) >= a)
    rate = rng.standard_gamma(r[stay] + 1) / (alpha[stay] + first[stay])
    points[stay] = rng.poisson(np.minimum(rate * (t - first)[stay], 1e15))
    again = stay[points[stay] > 0]
    dropout = rng.beta(a[again], b[again] + 1)
    with np.errstate(divide="ignore", over="ignore"):
        until = np.ceil(rng.standard_exponential(again.size) / -np.log1p(-dropout))
    further[again] = np.minimum(points[again], np.maximum(until, 1.0)).astype(np.int64)
    return Future(shape, cell, further + 1, first, t, points)
