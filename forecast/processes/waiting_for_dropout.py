"""The future of a customer who is alive, when dropout may come at any time.

Purchases come at rate lambda ~ Gamma(k, A) until dropout, which comes at rate mu ~ Gamma(s, B).
Nothing here subtracts large numbers: each answer is closed, or the integral of a positive
log-concave function, taken between the places where it has fallen by e^-40.
"""

import numpy as np
from scipy.special import exprel, gammaln

from forecast.processes.arrays import Floats, Integers, Numbers, flat_rows
from forecast.processes.gauss_legendre import integrate
from forecast.processes.lomax_race import wins_race
from forecast.processes.rising_factorial import log_rising

__all__ = [
    "count_while_alive",
    "log_nbd",
    "mean_discounted_while_alive",
    "mean_while_alive",
    "next_purchase_time",
]

_FALL = 40.0
# logarithms of times this far from the peak are never needed, and exp would overflow
_FARTHEST = 500.0


def mean_while_alive(t: Numbers, k: Numbers, A: Numbers, s: Numbers, B: Numbers) -> Floats:
    """Return the expected purchases in (0, t]; arguments broadcast.

    (k B / A) [1 - (B / (B+t))^(s-1)] / (s-1), Schmittlein, Morrison & Colombo (1987), eq. 17,
    which is the logarithm of 1 + t/B at s = 1.
    """
    t, k, A, s, B = (np.asarray(each, dtype=float) for each in (t, k, A, s, B))
    log_wide = np.log1p(t / B)
    return np.asarray(k / A * B * log_wide * exprel((1 - s) * log_wide))


def mean_discounted_while_alive(
    rate: Numbers, k: Numbers, A: Numbers, s: Numbers, B: Numbers
) -> Floats:
    """Return all future purchases, discounted continuously at ``rate``; arguments broadcast.

    (k / A) int_0^inf exp(-rate u) (B/(B+u))^s du, which is (k B / A) Psi(1, 2-s; rate B) in
    brucehardie.com note 018. Here it is integrated over log(1 + u/B).
    """
    (rate, k, A, s, B), shape = flat_rows(rate, k, A, s, B)
    pull = rate * B

    def fall(w: Floats) -> Floats:
        return np.asarray(pull * np.expm1(w) + (s - 1) * w)

    with np.errstate(divide="ignore", invalid="ignore"):
        peak = np.where(s < 1, np.maximum(np.log((1 - s) / pull), 0.0), 0.0)
    least = fall(peak)
    # convex, so Newton's method comes down to the end from the right of it
    end = peak + np.log1p(_FALL / np.maximum(pull * np.exp(peak), 1e-300))
    for _ in range(60):
        over = np.maximum(fall(end) - least - _FALL, 0.0)
        step = over / np.where(over > 0, pull * np.exp(end) + s - 1, 1.0)
        end -= step
        if np.all(step < 0.02 * end):
            break

    def density(w: Floats, rows: Integers) -> Floats:
        return np.exp(least[rows] - pull[rows] * np.expm1(w) - (s[rows] - 1) * w)

    area = integrate(density, end, 28 + 2.2 * end)
    return np.asarray((k * B / A * area * np.exp(-least)).reshape(shape))


def log_nbd(n: Numbers, t: Numbers, k: Numbers, A: Numbers) -> Floats:
    """Return the log-probability of ``n`` points in (0, t] at a rate ~ Gamma(k, A)."""
    n, t, k, A = (np.asarray(each, dtype=float) for each in (n, t, k, A))
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(n > 0, n * (np.log(t) - np.log(A + t)), 0.0)
    return np.asarray(log_rising(k, n) - gammaln(n + 1) - k * np.log1p(t / A) + power)


def count_while_alive(
    n: Numbers, t: Numbers, k: Numbers, A: Numbers, s: Numbers, B: Numbers
) -> Floats:
    """Return P(X(t) = n); arguments broadcast.

    NBD(n; t) (B/(B+t))^s + int_0^t NBD(n; u) s/(B+u) (B/(B+u))^s du: alive all the time, or
    dropped out at u. (The closed form of brucehardie.com note 012 is a sum with cancellation.)
    """
    (n, t, k, A, s, B), shape = flat_rows(n, t, k, A, s, B)
    total = np.exp(log_nbd(n, t, k, A) - s * np.log1p(t / B))
    none = np.flatnonzero(n == 0)
    total[none] += wins_race(*(each[none] for each in (t, s, B, k, A)))
    some = np.flatnonzero((n > 0) & (t > 0))
    total[some] += _dropped_after(*(each[some] for each in (n, t, k, A, s, B)))
    return np.asarray(total.reshape(shape))


def next_purchase_time(level: Numbers, k: Numbers, A: Numbers, s: Numbers, B: Numbers) -> Floats:
    """Return when the next purchase has come with probability ``level``; arguments broadcast.

    Infinite where dropout may come first with probability 1 - ``level`` or more. The chance that
    it is still to come is log-concave in log(1 + t / min(A, B)), so Newton's method on its
    logarithm never fails.
    """
    (level, k, A, s, B), shape = flat_rows(level, k, A, s, B)
    time = np.full(level.size, np.inf)
    ever = wins_race(np.inf, k, A, s, B)
    left = np.flatnonzero(level < ever)
    z = np.zeros(left.size)
    for _ in range(100):
        if not left.size:
            break
        clocks = k[left], A[left], s[left], B[left]
        small = np.minimum(clocks[1], clocks[3])
        t = small * np.expm1(z)
        step = _towards(level[left], ever[left] - level[left], t, *clocks) / (small + t)
        z = np.clip(z + step, 0.0, _FARTHEST)
        time[left] = np.where(z < _FARTHEST, small * np.expm1(z), np.inf)
        going = np.abs(step) > 1e-13 * z
        left, z = left[going], z[going]
    return np.asarray(time.reshape(shape))


def _towards(
    level: Floats, rest: Floats, t: Floats, k: Floats, A: Floats, s: Floats, B: Floats
) -> Floats:
    """Newton step in time for the logarithm of P(next purchase after t, if ever) = ``rest``."""
    still = wins_race(np.inf, k, A + t, s, B + t)
    excess = (level - wins_race(t, k, A, s, B)) / rest
    log_survival = -k * np.log1p(t / A) - s * np.log1p(t / B)
    close = np.abs(excess) < 0.5
    log_ratio = np.where(
        close,
        np.log1p(np.where(close, excess, 0.0)),
        log_survival + np.log(still) - np.log(rest),
    )
    return np.asarray(log_ratio * still * (A + t) / k)


def _dropped_after(n: Floats, t: Floats, k: Floats, A: Floats, s: Floats, B: Floats) -> Floats:
    """P(n >= 1 purchases, then dropout by t), integrated over the logarithm of its time u."""
    constant = log_rising(k, n) - gammaln(n + 1) + np.log(s)

    def height(w: Floats, rows: Integers | slice = slice(None)) -> Floats:
        u = np.exp(w)
        stay, leave = np.log1p(u / A[rows]), np.log1p(u / B[rows])
        log_share = w - np.log(A[rows]) - stay
        return np.asarray(
            n[rows] * log_share - k[rows] * stay - s[rows] * leave + w - np.log(B[rows]) - leave
        )

    def slope(w: Floats) -> Floats:
        u = np.exp(w)
        return np.asarray(n + 1 - (k + n) * u / (A + u) - (s + 1) * u / (B + u))

    # the slope vanishes at the positive root of a quadratic in u
    square, linear = k + s, (k + n) * B + (s + 1) * A - (n + 1) * (A + B)
    constant_term = (n + 1) * A * B
    root = np.sqrt(linear * linear + 4 * square * constant_term)
    mode = np.where(
        linear > 0, 2 * constant_term / (root + np.abs(linear)), (root - linear) / (2 * square)
    )
    log_t = np.log(t)
    top = np.minimum(log_t, np.log(mode))
    highest = height(top)
    ends = []
    for side in (-1.0, 1.0):
        # a first guess by curvature; outside, Newton's method on a convex fall comes back
        u = np.exp(top)
        curve = (k + n) * A * u / (A + u) ** 2 + (s + 1) * B * u / (B + u) ** 2
        away = np.minimum(np.sqrt(2 * _FALL / np.maximum(curve, 1e-9)), _FARTHEST)
        for _ in range(60):
            at = top + side * away
            fall = np.where(np.abs(at) < _FARTHEST, highest - height(at) - _FALL, np.inf)
            steep = np.maximum(-side * slope(at), 1e-12)
            step = np.where(np.isinf(fall), away / 2, fall / steep)
            moved = np.clip(away - step, 0.0, _FARTHEST)
            done = np.abs(moved - away) < 0.02 * away
            away = moved
            if done.all():
                break
        ends.append(top + side * away)
    low, high = ends[0], np.minimum(ends[1], log_t)
    area = integrate(
        lambda w, rows: np.exp(height(low[rows] + w, rows) - highest[rows]),
        high - low,
        44 + 2.2 * (high - low),
    )
    return np.asarray(area * np.exp(constant + highest))
