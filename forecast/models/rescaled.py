"""A simulated count at another mean, one draw at a time."""

import numpy as np
import numpy.typing as npt

__all__ = ["rescaled"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def rescaled(counts: Integers, mean: Floats, ratio: Floats, rng: np.random.Generator) -> Integers:
    """Return counts whose mean is ``ratio`` times as large, each drawn from its own count.

    A count n becomes Binomial(n, s) where s <= 1. Where s > 1 it becomes
    n + Poisson((s - 1) (n + m) / 2), m the mean of the counts: half of what is added goes to
    those who bought anyway, half to everybody, so that both their number and their purchases
    grow.

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
    added = (counts + mean)[more] / 2.0
    out[more] += rng.poisson((ratio[more] - 1.0) * added)
    return out
