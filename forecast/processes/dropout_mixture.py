"""The future of a customer who is alive, when dropout happens at purchases.

Purchases come at rate lambda ~ Gamma(r, alpha) and each one ends the relation with probability
p ~ Beta(a, b). With z = t / (alpha + t) and c = a + b - 1 the expected purchases are

    E[X(t)] = -(c / (a-1)) expm1((a-1) log(1-z) + log F),   F = 2F1(a-1, c-r; c; z)

(Fader, Hardie & Lee 2005, eq. 9, after Euler's transformation, DLMF 15.8.1). F - 1 carries a
factor a - 1, which is taken out of the series, so a = 1 is an ordinary point. Wherever the
series is slow or loses digits, the mean over p is computed by quadrature instead.
"""

import numpy as np
from scipy.special import betainc, gammaln

from forecast.processes.arrays import Floats, Numbers, flat_rows
from forecast.processes.beta_mean import beta_mean
from forecast.processes.hypergeometric import hypergeometric_tail
from forecast.processes.rising_factorial import log_rising

__all__ = ["count_probability", "mean_discounted", "mean_purchases", "mean_survival"]

_LOST = 1e-11
_EPS = float(np.finfo(float).eps)


def mean_purchases(t: Numbers, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return the expected purchases in (0, t]; arguments broadcast.

    Examples
    --------
    >>> round(float(mean_purchases(52.0, 0.24259, 4.41360, 0.79292, 2.42589)), 4)
    1.444
    """
    (t, r, alpha, a, b), shape = flat_rows(t, r, alpha, a, b)
    odds, c, drop = t / alpha, a + b - 1, a - 1
    log_left = -np.log1p(odds)
    tail, size, done = hypergeometric_tail(drop, c - r, c, odds / (1 + odds))
    with np.errstate(all="ignore"):
        smooth = np.abs(drop) < 1e-300
        # log(F) / (a - 1) and then expm1((a - 1) .) / (a - 1), both continuous at a = 1
        exponent = log_left + np.where(smooth, tail, np.log1p(drop * tail) / drop)
        expected = -c * np.where(smooth, exponent, np.expm1(drop * exponent) / drop)
        lost = _EPS * (np.abs(log_left) + size / np.abs(1 + drop * tail)) / np.abs(exponent)
        sound = done & (drop * tail > -0.9) & (lost < _LOST) & (expected > 0)
    bad = np.flatnonzero(~(sound & np.isfinite(expected)))
    odds, r = odds[bad, None], r[bad, None]
    expected[bad] = beta_mean(
        lambda p, rows: -np.expm1(-r[rows] * np.log1p(p * odds[rows])) / p, a[bad], b[bad]
    )
    return np.asarray(np.where(t > 0, expected, 0.0).reshape(shape))


def mean_survival(t: Numbers, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return the probability of being alive after t; arguments broadcast.

    E_p[(1 + p t / alpha)^-r] = (1-z)^a 2F1(a, a+b-r; a+b; z), DLMF 15.6.1 and 15.8.1.
    """
    (t, r, alpha, a, b), shape = flat_rows(t, r, alpha, a, b)
    odds, c = t / alpha, a + b
    tail, size, done = hypergeometric_tail(a, c - r, c, odds / (1 + odds))
    with np.errstate(all="ignore"):
        alive = np.exp(-a * np.log1p(odds)) * (1 + a * tail)
        sound = done & (_EPS * (1 + a * size) / np.abs(1 + a * tail) < _LOST) & (alive > 0)
    bad = np.flatnonzero(~(sound & np.isfinite(alive)))
    odds, r = odds[bad, None], r[bad, None]
    alive[bad] = beta_mean(
        lambda p, rows: np.exp(-r[rows] * np.log1p(p * odds[rows])), a[bad], b[bad]
    )
    return np.asarray(np.where(t > 0, np.minimum(alive, 1.0), 1.0).reshape(shape))


def mean_discounted(rate: Numbers, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return all future purchases, discounted continuously at ``rate`` per unit of time.

    E[lambda / (rate + lambda p)] = E_p[(r/p) int_0^inf exp(-y (e^w - 1) - r w) dw] with
    y = rate alpha / p: the purchase density r alpha^r / (alpha + p u)^(r+1) of a customer with
    dropout probability p, discounted, after u = alpha (e^w - 1) / p.
    """
    (rate, r, alpha, a, b), shape = flat_rows(rate, r, alpha, a, b)
    # exp-sinh nodes on (0, inf), in units of the integrand's initial decay
    s = np.arange(-3.6, 4.0, 0.05)
    node = np.exp(s - np.exp(-s))
    weight = node * (1 + np.exp(-s)) * 0.05
    pull, r = (rate * alpha)[:, None], r[:, None]

    def density(p: Floats, rows: "np.typing.NDArray[np.int64]") -> Floats:
        y = pull[rows] / p
        unit = 1 / (r[rows] + y)
        w = unit[..., None] * node
        with np.errstate(over="ignore", invalid="ignore"):
            drift = np.where(y[..., None] > 1e12, node, y[..., None] * np.expm1(w))
            height = np.exp(-drift - r[rows][..., None] * w)
        return np.asarray(r[rows] / p * unit * (height @ weight))

    return beta_mean(density, a, b, cost=node.size).reshape(shape)


def count_probability(
    n: Numbers, t: Numbers, r: Numbers, alpha: Numbers, a: Numbers, b: Numbers
) -> Floats:
    """Return P(X(t) = n); arguments broadcast (Fader, Hardie & Lee 2005, eq. 8).

    [B(a, b+n) / B(a, b)] NBD(n) + 1[n>0] [B(a+1, b+n-1) / B(a, b)] P_NBD(N >= n).
    """
    (n, t, r, alpha, a, b), shape = flat_rows(n, t, r, alpha, a, b)
    odds = t / alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(n > 0, n * (np.log(odds) - np.log1p(odds)), 0.0)
        log_nbd = log_rising(r, n) - gammaln(n + 1) - r * np.log1p(odds) + power
        stay = log_rising(b, n) - log_rising(a + b, n)
        alive = np.exp(stay + log_nbd)
        # B(a+1, b+n-1) / B(a, b+n) = a / (b+n-1)
        leave = np.exp(stay) * a / (b + n - 1)
        tail = betainc(np.maximum(n, 1.0), r, odds / (1 + odds))
        gone = np.where(n > 0, leave * tail, 0.0)
    return np.asarray((alive + gone).reshape(shape))
