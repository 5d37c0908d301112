"""The mean of a smooth positive function of a probability p ~ Beta(a, b), by quadrature.

On the logit scale u the Beta density falls exponentially on both sides, so the trapezoidal rule
converges exponentially in the number of nodes (Trefethen & Weideman 2014). Nodes are
``u = centre + width sinh(s)``, which also reaches the very long tails of a, b near 0. The number
of nodes doubles until two answers agree. No sign changes, so no cancellation.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import betaln

from forecast.processes.arrays import Floats, Integers

__all__ = ["beta_mean"]

_AGREE = 1e-11
_CELLS = 1_000_000
_CONCENTRATED = 100.0


def beta_mean(
    function: Callable[[Floats, Integers], Floats], a: Floats, b: Floats, *, cost: int = 1
) -> Floats:
    """Return E[function(p)] for p ~ Beta(a, b), row by row.

    Parameters
    ----------
    function : callable
        Takes p, shape (rows, nodes), and the positions of these rows; returns positive values of
        the same shape.
    a, b : array, shape (rows,)
    cost : int
        Values the function holds in memory per node; rows are taken in chunks accordingly.

    Examples
    --------
    >>> round(float(beta_mean(lambda p, rows: p, np.array([1.0]), np.array([3.0]))[0]), 10)
    0.25
    """
    mean = np.empty(a.size)
    chunk = max(1, _CELLS // (128 * cost))
    for start in range(0, a.size, chunk):
        rows = np.arange(start, min(start + chunk, a.size))
        mean[rows] = _converged(function, a[rows], b[rows], rows)
    return mean


def _converged(
    function: Callable[[Floats, Integers], Floats], a: Floats, b: Floats, rows: Integers
) -> Floats:
    centre, width = np.log(a) - np.log(b), np.minimum(np.sqrt(1 / a + 1 / b), 1.5)
    for _ in range(2):
        u, height, slope = _nodes(64, centre, width, a, b)
        mass = np.exp(height) * slope * function(_probability(u), rows)
        total = mass.sum(axis=1)
        # below the smallest number there is no peak to find, and the mean is 0
        seen = total > 0
        share = mass / np.where(seen, total, 1.0)[:, None]
        shift = np.where(seen, (share * u).sum(axis=1), centre)
        spread = np.sqrt((share * (u - shift[:, None]) ** 2).sum(axis=1))
        # a mass with very long tails is resolved at its bend, not at its mean far out in a tail
        centre = np.where(spread > 5.0, np.log(a) - np.log(b), shift)
        width = np.clip(spread, 1e-6, 1.5)
    answer = np.full(a.size, np.nan)
    left, last = np.arange(a.size), np.full(a.size, np.inf)
    nodes = 64
    while left.size and nodes <= 4096:
        u, height, slope = _nodes(nodes, centre[left], width[left], a[left], b[left])
        mass = np.exp(height) * slope
        whole = mass.sum(axis=1)
        value = (mass * function(_probability(u), rows[left])).sum(axis=1) / whole
        answer[left] = value
        keep = np.abs(value - last[left]) > _AGREE * np.abs(value)
        last[left] = value
        left = left[keep]
        nodes *= 2
    return answer


def _nodes(
    count: int, centre: Floats, width: Floats, a: Floats, b: Floats
) -> tuple[Floats, Floats, Floats]:
    """Logits, log-density there (up to a constant) and the trapezoid's weights."""
    reach = 60 + np.abs(centre)
    near = np.abs(centre - np.log(a / b)) + 5
    # far enough for the density to fall by e^-reach also where its mean is far from its bend
    low = -np.arcsinh(np.maximum(reach / a + near, centre + _bend(reach / a)) / width)
    high = np.arcsinh(np.maximum(reach / b + near, _bend(reach / b) - centre) / width)
    step = (high - low) / count
    s = low[:, None] + step[:, None] * np.arange(count + 1)
    u = centre[:, None] + width[:, None] * np.sinh(s)
    density = -a[:, None] * np.logaddexp(0.0, -u) - b[:, None] * np.logaddexp(0.0, u)
    constant = np.where(np.minimum(a, b) > _CONCENTRATED, density.max(axis=1), betaln(a, b))
    return u, density - constant[:, None], width[:, None] * np.cosh(s) * step[:, None]


def _bend(fall: Floats) -> Floats:
    """Logit u at which log(1 + e^u) has grown to ``fall``."""
    return np.asarray(fall + np.log(-np.expm1(-fall)))


def _probability(u: Floats) -> Floats:
    """Logistic function, kept above the smallest normal number so that 1/p is finite."""
    return np.asarray(np.maximum(1 / (1 + np.exp(np.minimum(-u, 700.0))), 1e-300))
