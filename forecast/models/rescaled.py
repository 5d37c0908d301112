"""A simulated count at another mean, one draw at a time."""

import numpy as np
import numpy.typing as npt

__all__ = ["gained", "rescaled"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def rescaled(counts: Integers, mean: Floats, ratio: Floats, rng: np.random.Generator) -> Integers:
    """Return counts whose mean is ``ratio`` times as large, each drawn from its own count.

    A count n becomes Binomial(n, s) where s <= 1. Where s > 1 it becomes n + Poisson(u n + v m),
    m the mean of the counts and u + v = s - 1 as :func:`gained` says: up to three times the mean
    half of what is added goes to those who bought anyway and half to everybody, so that both
    their number and their purchases grow; beyond, what is left goes to everybody.

    Parameters
    ----------
    counts : array of int, shape (customers, draws)
    mean : array of float, shape (customers, 1)
        Mean of each customer's counts.
    ratio : array of float, shape (customers, draws) or (customers, 1)
        0 or more.
    rng : numpy.random.Generator

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> counts = rng.poisson(2.0, (1, 100_000))
    >>> half, more = (rescaled(counts, np.full((1, 1), 2.0), np.full((1, 1), ratio), rng)
    ...               for ratio in (0.5, 1.5))
    >>> round(half.mean(), 2), round(more.mean(), 1)
    (np.float64(1.0), np.float64(3.0))
    """
    ratio = np.broadcast_to(ratio, counts.shape)
    out = counts.copy()
    less = np.nonzero((ratio < 1.0) & (counts > 0))
    out[less] = rng.binomial(counts[less], ratio[less])
    more = np.nonzero(ratio > 1.0)
    own, shared = gained(ratio)
    out[more] += rng.poisson((own * counts + shared * mean)[more])
    return out


def gained(ratio: Floats) -> tuple[Floats, Floats]:
    """Return how much a growing mean adds to a count: per purchase of its own, and of the mean.

    Both are half of ``ratio - 1``, but a purchase brings one other at most: a mean of next to
    nothing that has to grow a thousandfold must not do so by a thousand purchases at once.

    Examples
    --------
    >>> gained(np.array([0.5, 2.0, 11.0]))
    (array([0. , 0.5, 1. ]), array([0. , 0.5, 9. ]))
    """
    more = np.maximum(ratio - 1.0, 0.0)
    own = np.minimum(more / 2.0, 1.0)
    return own, more - own
