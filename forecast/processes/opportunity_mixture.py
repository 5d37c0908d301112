"""Opportunities ahead of a customer who is alive at the first of them.

At each opportunity the customer buys with probability p ~ Beta(a, b); before each one after the
first, life ends with probability theta ~ Beta(g, d). All is built from positive terms by stepping
through the opportunities, so nothing cancels.
"""

import numpy as np

from forecast.processes.arrays import Floats, Integers, Numbers, flat_rows
from forecast.processes.rising_factorial import log_rising

__all__ = ["count_probability", "first_purchase", "first_purchase_quantile"]

# opportunities that a search for the next purchase looks ahead
_FARTHEST = 10_000


def first_purchase(
    n: Numbers, a: Numbers, b: Numbers, g: Numbers, d: Numbers, level: Floats | None = None
) -> tuple[Floats, Integers]:
    """Return the chance of a purchase within ``n`` opportunities; arguments broadcast.

    The j-th opportunity has the first purchase with probability
    E[p (1-p)^(j-1)] E[(1-theta)^(j-1)].

    Parameters
    ----------
    n, a, b, g, d : array-like
    level : array, optional
        Where given, the second answer is the opportunity at which the chance exceeds it, or 0.
    """
    n, a, b, g, d = (np.asarray(each, dtype=float) for each in (n, a, b, g, d))
    bought, lived = a / (a + b), np.ones(np.broadcast_shapes(g.shape, d.shape))
    shape = np.broadcast_shapes(n.shape, bought.shape, lived.shape)
    chance = np.zeros(shape)
    found = np.zeros(shape if level is None else level.shape, dtype=np.int64)
    for j in range(1, int(n.max(initial=0)) + 1):
        chance += np.where(j <= n, bought * lived, 0.0)
        if level is not None:
            found[(found == 0) & (level < chance)] = j
        bought = bought * ((b + (j - 1)) / (a + b + j))
        lived = lived * ((d + (j - 1)) / (g + d + (j - 1)))
    return chance, found


def first_purchase_quantile(
    level: Numbers, a: Numbers, b: Numbers, g: Numbers, d: Numbers
) -> Floats:
    """Return the first opportunity by which a purchase has come with probability ``level``.

    Infinite where that never happens, or not within 10,000 opportunities.
    """
    rows, shape = flat_rows(level, a, b, g, d)
    chance = rows[0]
    answer = np.where(chance > 0, np.inf, 0.0)
    left = np.flatnonzero((chance > 0) & (chance < 1))
    rows = [each[left] for each in rows]
    so_far, term = np.zeros(left.size), rows[1] / (rows[1] + rows[2])
    for j in range(1, _FARTHEST + 1):
        chance, buy, skip, end, live = rows
        so_far = so_far + term
        here = so_far >= chance
        answer[left[here]] = j
        rest = (buy + skip + j) / buy
        bought, lived = (
            (skip + (j - 1)) / (buy + skip + j),
            (live + (j - 1)) / (end + live + (j - 1)),
        )
        term = term * bought * lived
        # all that follow add up to at most this: without deaths, to exactly this
        on = ~here & (so_far + term * rest >= chance)
        left, so_far, term = left[on], so_far[on], term[on]
        rows = [each[on] for each in rows]
        if not left.size:
            break
    return np.asarray(answer.reshape(shape))


def count_probability(
    k: Numbers, n: Numbers, a: Numbers, b: Numbers, g: Numbers, d: Numbers
) -> Floats:
    """Return the probability of ``k`` purchases in ``n`` opportunities; arguments broadcast.

    A beta-binomial count over the opportunities lived through, Fader, Hardie & Shang (2010),
    eq. 8 for a customer who is alive at the first opportunity.
    """
    rows, shape = flat_rows(k, n, a, b, g, d)
    count, ahead = rows[:2]
    total = np.where((count == 0) & (ahead == 0), 1.0, 0.0)
    left = np.flatnonzero((count >= 0) & (count <= ahead) & (ahead > 0) & (count % 1 == 0))
    rows = [each[left] for each in rows]
    count, ahead, buy, skip, end, live = rows
    # j opportunities lived through, at least as many as purchases and at least the first
    j = np.maximum(count, 1.0)
    log_count = log_rising(buy, count) + log_rising(skip, j - count) - log_rising(buy + skip, j)
    lived = np.exp(log_rising(live, j - 1) - log_rising(end + live, j - 1))
    while left.size:
        count, ahead, buy, skip, end, live = rows
        last = j == ahead
        ends = np.where(last, 1.0, end / (end + live + j - 1))
        total[left] += np.exp(log_count) * lived * ends
        grown = np.log((j + 1) / (j + 1 - count) * ((skip + j - count) / (buy + skip + j)))
        log_count, lived = log_count + grown, lived * ((live + j - 1) / (end + live + j - 1))
        j = j + 1
        on = ~last
        left, j, log_count, lived = left[on], j[on], log_count[on], lived[on]
        rows = [each[on] for each in rows]
    return np.asarray(total.reshape(shape))
