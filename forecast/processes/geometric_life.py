"""A life counted in periods that ends with probability theta ~ Beta(a, b) in each of them.

Its survivor function is S(m) = (b)_m / (a+b)_m, with (z)_m the rising factorial. Sums of S are
added term by term while there are few and taken as means over theta by quadrature beyond, so
nothing cancels, and a = 1, where the textbook's closed forms divide by 0, is an ordinary point.
"""

import numpy as np

from forecast.processes.arrays import Floats, Numbers, flat_rows
from forecast.processes.beta_mean import beta_mean
from forecast.processes.hypergeometric import hypergeometric_tail
from forecast.processes.rising_factorial import log_rising

__all__ = ["death_chance", "mean_discounted_life", "mean_life", "survival"]

_FEW = 256
_LOST = 1e-11
_EPS = float(np.finfo(float).eps)


def survival(m: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return the probability of surviving ``m`` periods; arguments broadcast."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.asarray(np.exp(log_rising(b, m) - log_rising(a + b, m)))


def death_chance(m: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return the probability that the ``m``-th period is the one that ends the life, m >= 1."""
    a, b, m = (np.asarray(each, dtype=float) for each in (a, b, m))
    return np.asarray(a / (a + b + m - 1) * survival(m - 1, a, b))


def mean_life(m: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return S(0) + ... + S(m - 1), the expected periods begun out of ``m``.

    With ``m`` infinite it is (a + b - 1) / (a - 1), or infinite where a <= 1.

    Examples
    --------
    >>> round(float(mean_life(2, 3.8, 15.2)), 10)
    1.8
    """
    (m, a, b), shape = flat_rows(m, a, b)
    with np.errstate(divide="ignore"):
        endless = np.where(a > 1, 1 + b / np.maximum(a - 1, 0.0), np.inf)
    total = np.where(np.isinf(m), endless, np.minimum(m, 1.0))
    few = np.flatnonzero((m > 1) & (m <= _FEW))
    if few.size:
        total[few] = _added(m[few], a[few], b[few])
    many = np.flatnonzero((m > _FEW) & np.isfinite(m))
    if many.size:
        total[many] = beta_mean(lambda p, rows: _life(p, m[many][rows, None]), a[many], b[many])
    return np.asarray(total.reshape(shape))


def mean_discounted_life(rate: Numbers, a: Numbers, b: Numbers) -> Floats:
    """Return E[1 / (rate + theta)], which is S(0)/(1+rate) + S(1)/(1+rate)^2 + ...

    Equal to 2F1(1, b; a + b; 1 / (1 + rate)) / (1 + rate); the series has positive terms, and
    where it is slow the mean is computed by quadrature.
    """
    (rate, a, b), shape = flat_rows(rate, a, b)
    tail, size, done = hypergeometric_tail(np.ones(a.size), b, a + b, 1 / (1 + rate))
    total = (1 + tail) / (1 + rate)
    bad = np.flatnonzero(~(done & np.isfinite(total) & (_EPS * size < _LOST * (1 + tail))))
    if bad.size:
        total[bad] = beta_mean(lambda p, rows: 1 / (rate[bad][rows, None] + p), a[bad], b[bad])
    return np.asarray(total.reshape(shape))


def _added(m: Floats, a: Floats, b: Floats) -> Floats:
    """Sum of the first ``m`` values of S."""
    total, term = np.ones(m.size), np.ones(m.size)
    for j in range(1, int(m.max())):
        term = term * ((b + (j - 1)) / (a + b + (j - 1)))
        total += np.where(j < m, term, 0.0)
    return total


def _life(p: Floats, m: Floats) -> Floats:
    """Mean periods begun out of ``m`` when each ends the life with probability ``p``."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(m * np.log1p(-p)) / p)
