"""The future of a customer who is alive, when purchases are regular and may be the last.

A purchase is every k-th event of a Poisson process of rate lambda ~ Gamma(r, alpha), j < k events
have come since the last one, and each purchase ends the relation with probability
p ~ Beta(a, b). With M events in (0, t] there are N = floor((M + j) / k) possible purchases, M is
negative binomial, and with z = t / (alpha + t) and S(n) = (b)_n / (a + b)_n, the chance to outlast
n purchases,

    P(N >= n) = I_z(k n - j, r),   E[X(t)] = sum_n S(n-1) P(N >= n).

All terms are positive, and 64 of them settle most cases to 1e-13. Otherwise the sum is done in
closed form given p, see :mod:`forecast.processes.roots_of_unity`, and its mean over p by
quadrature that doubles its nodes until it has settled to 1e-11. For k = 1 all functions are those
of BG/NBD. Every function agrees with mpmath to 1e-8 (relative) at 4,000 random points, the
discounted sum at 120 (a, b >= .1; x up to 500; k from 2 to 12).
"""

import numpy as np
from scipy.special import betainc, gammaln

from forecast.processes import dropout_mixture
from forecast.processes.arrays import Floats, Integers, Numbers, flat_rows
from forecast.processes.beta_mean import beta_mean
from forecast.processes.rising_factorial import log_rising
from forecast.processes.roots_of_unity import SmallStay, lost_share, survival_given

__all__ = [
    "chance_of_purchase",
    "count_probability",
    "mean_discounted",
    "mean_purchases",
    "mean_survival",
]

_TERMS = 64
_SETTLED = 1e-13
# below, 1 - (chance of dropping out) has lost four digits
_CANCELS = 1e-4
_NODES = 256


def chance_of_purchase(t: Numbers, k: int, j: int, r: Floats, alpha: Floats) -> Floats:
    """Return P(at least one purchase in (0, t]) = I_z(k - j, r); arguments broadcast."""
    odds = np.asarray(t, dtype=float) / alpha
    if k - j == 1:
        return np.asarray(-np.expm1(-r * np.log1p(odds)))
    return np.asarray(betainc(k - j, r, odds / (1 + odds)))


def count_probability(
    n: Numbers, t: Numbers, k: int, j: int, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers
) -> Floats:
    """Return P(X(t) = n) = S(n) P(N = n) + 1[n>0] (S(n-1) - S(n)) P(N >= n)."""
    if k == 1:
        return dropout_mixture.count_probability(n, t, r, alpha, a, b)
    (n, t, r, alpha, a, b), shape = flat_rows(n, t, r, alpha, a, b)
    odds = t / alpha
    stay = np.exp(log_rising(b, n) - log_rising(a + b, n))
    tail = betainc(np.maximum(k * n - j, 1.0), r, odds / (1 + odds))
    # S(n-1) - S(n) = S(n) a / (b+n-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        leave = np.where(n > 0, stay * a / (b + n - 1) * tail, 0.0)
    return np.asarray((stay * _possible(n, k, j, odds, r) + leave).reshape(shape))


def mean_purchases(
    t: Numbers, k: int, j: int, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers
) -> Floats:
    """Return the expected purchases in (0, t]; arguments after k and j broadcast.

    Examples
    --------
    >>> round(float(mean_purchases(52.0, 2, 0, 1.3292, 2.8126, 0.42472, 1.79004)), 4)
    6.2966
    """
    if k == 1:
        return dropout_mixture.mean_purchases(t, r, alpha, a, b)
    (t, r, alpha, a, b), shape = flat_rows(t, r, alpha, a, b)
    odds = t / alpha
    expected, _, settled = _sums(k, j, odds, r, a, b)
    bad = np.flatnonzero(~settled)
    if bad.size:
        few = SmallStay.tails(k, j, odds[bad], r[bad])
        odds, r = odds[bad, None], r[bad, None]
        expected[bad] = beta_mean(
            lambda p, rows: lost_share(p, k, j, odds[rows], r[rows], few, rows),
            a[bad],
            b[bad],
            cost=8,
        )
    return np.asarray(expected.reshape(shape))


def mean_survival(
    t: Numbers, k: int, j: int, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers
) -> Floats:
    """Return the probability of being alive after t; arguments after k and j broadcast."""
    if k == 1:
        return dropout_mixture.mean_survival(t, r, alpha, a, b)
    (t, r, alpha, a, b), shape = flat_rows(t, r, alpha, a, b)
    odds = t / alpha
    _, gone, settled = _sums(k, j, odds, r, a, b)
    alive = 1 - gone
    bad = np.flatnonzero(~(settled & (alive > _CANCELS)))
    if bad.size:
        few = SmallStay.counts(lambda n: _possible(n, k, j, odds[bad], r[bad]))
        odds_bad, r_bad = odds[bad, None], r[bad, None]
        alive[bad] = beta_mean(
            lambda p, rows: survival_given(p, k, j, odds_bad[rows], r_bad[rows], few, rows),
            a[bad],
            b[bad],
            cost=8,
        )
    return np.asarray(np.clip(alive, 0.0, 1.0).reshape(shape))


def mean_discounted(
    rate: Numbers, k: int, j: int, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers
) -> Floats:
    """Return all future purchases, discounted continuously at ``rate`` per unit of time.

    With u = lambda / (lambda + rate), the n-th purchase is discounted by u^(k n - j), so the sum
    is E[u^(k-j) / (1 - (1-p) u^k)], a double quadrature of a positive function: over log lambda
    by the trapezoidal rule, which converges exponentially, and over p as everywhere.
    """
    if k == 1:
        return dropout_mixture.mean_discounted(rate, r, alpha, a, b)
    (rate, r, alpha, a, b), shape = flat_rows(rate, r, alpha, a, b)
    pull = np.log(rate) + np.log(alpha)
    # Gamma(r, 1) on the log scale, whose lower tail also falls with u once lambda < rate
    peak = np.log(r + 1)
    low = np.minimum(peak, pull) - 45 / (r + k - j) - np.sqrt(90 / (r + 1)) - 1
    low = np.maximum(low, peak - 45 / r - np.sqrt(90 / r) - 1)
    step = (np.log(r + 10 * np.sqrt(r) + 50) - low) / _NODES
    v = low[:, None] + step[:, None] * np.arange(_NODES + 1)
    density = np.exp(r[:, None] * v - np.exp(v) - gammaln(r)[:, None]) * step[:, None]
    # log u = -log(1 + rate alpha e^-v)
    log_u = -np.logaddexp(0.0, pull[:, None] - v)
    height = density * np.exp((k - j) * log_u)
    once, missed = np.exp(k * log_u), -np.expm1(k * log_u)

    def discounted(p: Floats, rows: Integers) -> Floats:
        again = missed[rows][:, None, :] + p[..., None] * once[rows][:, None, :]
        return np.asarray((height[rows][:, None, :] / again).sum(axis=2))

    return beta_mean(discounted, a, b, cost=_NODES).reshape(shape)


def _sums(
    k: int, j: int, odds: Floats, r: Floats, a: Floats, b: Floats
) -> tuple[Floats, Floats, "np.typing.NDArray[np.bool_]"]:
    """Sum expected purchases and the chance of dropping out, and tell which rows settled.

    What n terms leave out is at most S(n) E[(M - m)+] / k <= S(n) r odds P(M' >= m) / k with
    m = k n - j and M' negative binomial of shape r + 1.
    """
    expected, gone = np.zeros(r.size), np.zeros(r.size)
    settled = np.zeros(r.size, dtype=bool)
    z = odds / (1 + odds)
    last = np.exp(log_rising(b, _TERMS) - log_rising(a + b, _TERMS))
    beyond = last * r * odds * betainc(k * _TERMS - j, r + 1, z) / k
    # no hope: more is left out than the terms, each at most 1, can outweigh
    left = np.flatnonzero(beyond <= _SETTLED * (_TERMS + beyond))
    odds, r, a, b, z = (each[left] for each in (odds, r, a, b, z))
    stay, total, lost = np.ones(left.size), np.zeros(left.size), np.zeros(left.size)
    for n in range(1, _TERMS + 1):
        chance = betainc(k * n - j, r, z)
        total += stay * chance
        lost += stay * chance * (a / (a + b + (n - 1)))
        stay = stay * ((b + (n - 1)) / (a + b + (n - 1)))
        if n in (1, 2, 4, 8, 12, 16, 24, 32, 48, _TERMS):
            over = stay * r * odds * betainc(k * n - j, r + 1, z) / k <= _SETTLED * total
            ended = left[over]
            expected[ended], gone[ended], settled[ended] = total[over], lost[over], True
            keep = ~over
            left, stay, total, lost = left[keep], stay[keep], total[keep], lost[keep]
            odds, r, a, b, z = odds[keep], r[keep], a[keep], b[keep], z[keep]
            if not left.size:
                break
    return expected, gone, settled


def _possible(n: Numbers, k: int, j: int, odds: Floats, r: Floats) -> Floats:
    """P(N = n): the k counts of events (k - j of them at n = 0) that make n purchases."""
    n = np.asarray(n, dtype=float)
    first = np.maximum(k * n - j, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_z = np.log(odds) - np.log1p(odds)
        term = log_rising(r, first) - gammaln(first + 1) - r * np.log1p(odds)
        term = term + np.where(first > 0, first * log_z, 0.0)
        total = np.zeros(np.shape(term))
        for i in range(k):
            total = total + np.where((n > 0) | (i < k - j), np.exp(term), 0.0)
            term = term + np.log(r + first + i) - np.log(first + (i + 1)) + log_z
    return np.asarray(total)
