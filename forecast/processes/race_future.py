"""Simulated futures of customers who may drop out at any time, sparse and exact.

Only cells whose next purchase would come inside the window are looked at any further: that takes
one uniform a cell and no integral. Of these the ones are kept who are alive and do not drop out
before that purchase. Then the rate and the time left to dropout are conjugate again, and the
remaining purchases are a Poisson process until dropout or the end of the window.
"""

from collections.abc import Callable

import numpy as np

from forecast.processes.arrays import Floats, Integers, Shape
from forecast.processes.future import Future

__all__ = ["draw_race"]


def draw_race(
    rng: np.random.Generator,
    t: Floats,
    alive: Callable[[tuple[Integers, ...]], Floats],
    k: Floats,
    A: Floats,
    s: Floats,
    B: Floats,
    shape: Shape,
) -> Future:
    """Draw futures on a grid of cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    t : array
        Length of the window; this and all that follow broadcast to ``shape``.
    alive : callable
        Returns P(alive) of the cells at an index of the grid; called for few of them.
    k, A : array
        Given alive, purchases come at rate Gamma(k, A).
    s, B : array
        Given alive, dropout comes at rate Gamma(s, B); never where s is 0.
    shape : tuple of int
        Shape of the grid of cells.
    """
    uniform = rng.random(shape)
    cell = np.flatnonzero(uniform < np.broadcast_to(-np.expm1(-k * np.log1p(t / A)), shape))
    at = np.unravel_index(cell, shape)
    t, k, A, s, B = (np.broadcast_to(each, shape)[at] for each in (t, k, A, s, B))
    # the uniform that found the cell is reused as the Lomax quantile of the next purchase
    level = np.minimum(uniform.ravel()[cell], 1 - 1e-16)
    first = np.minimum(A * np.expm1(-np.log1p(-level) / k), t)
    chance = rng.random(cell.size)
    lasting = np.exp(-s * np.log1p(first / B))
    kept = np.flatnonzero(chance < lasting)
    kept = kept[chance[kept] < lasting[kept] * alive(tuple(each[kept] for each in at))]
    t, k, A, s, B, first = (each[kept] for each in (t, k, A, s, B, first))
    with np.errstate(divide="ignore", over="ignore"):
        left = (B + first) * np.expm1(rng.standard_exponential(kept.size) / s)
    end = first + np.fmin(left, t - first)
    rate = rng.standard_gamma(k + 1) / (A + first)
    more = rng.poisson(np.minimum(rate * (end - first), 1e15))
    return Future(shape, cell[kept], more + 1, first, end, more)
