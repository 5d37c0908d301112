"""Regular purchases given the dropout probability p, in closed form.

Customers stay after each purchase with probability q = 1 - p, so they outlast N purchases with
probability q^N. Every k-th event of a mixed Poisson process is a purchase, N = floor((M + j) / k),
and q^floor(m / k) is a sum of k powers of m: with v_l = q^(1/k) exp(2 pi i l / k) and
y = t / alpha,

    E[q^N] = p / (k q) sum_{l<k} v_l^(j+1) / (1 - v_l) [1 + (1 - v_l) y]^-r.

The term l = 0 tends to 1 as p tends to 0, so what it lacks is computed by itself. For q < 2^-12
the powers cancel, and five terms of sum_n q^n P(N = n) are exact.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from forecast.processes.arrays import Floats, Integers

__all__ = ["SmallStay", "lost_share", "survival_given"]

_SMALL = 2.0**-12
_FEW = 6


@dataclass(frozen=True)
class SmallStay:
    """Coefficients, shape (rows, 6), of a power series in a small q."""

    terms: Floats

    @classmethod
    def tails(cls, k: int, j: int, odds: Floats, r: Floats) -> "SmallStay":
        """P(N >= 1), P(N >= 2), ...: the series of (1 - E[q^N]) / (1 - q)."""
        events = k * np.arange(1, _FEW + 1) - j
        return cls(np.asarray(betainc(events, r[:, None], (odds / (1 + odds))[:, None])))

    @classmethod
    def counts(cls, chance: Callable[[float], Floats]) -> "SmallStay":
        """P(N = 0), P(N = 1), ...: the series of E[q^N]."""
        return cls(np.stack([chance(float(n)) for n in range(_FEW)], axis=1))

    def at(self, q: Floats, rows: Integers) -> Floats:
        """Sum the series by Horner's rule."""
        terms = self.terms[rows]
        total = np.zeros(q.shape)
        for column in reversed(range(_FEW)):
            total = total * q + terms[:, column, None]
        return total


def survival_given(
    p: Floats, k: int, j: int, odds: Floats, r: Floats, few: SmallStay, rows: Integers
) -> Floats:
    """Return E[q^N], the chance to outlast all purchases of the window.

    Parameters
    ----------
    p : array, shape (rows, nodes)
        Dropout probability.
    k, j : int
        Events per purchase, and events since the last one.
    odds, r : array, shape (rows, 1)
        y = t / alpha and the shape of the event rate.
    few : SmallStay
        Of P(N = n).
    rows : array of int64
        Positions of these rows in ``few``.
    """
    first, others = _powers(p, k, j, odds, r)
    small = few.at(np.minimum(1 - p, _SMALL), rows)
    return np.where(1 - p < _SMALL, small, np.maximum(np.exp(first) + p * others, 0.0))


def lost_share(
    p: Floats, k: int, j: int, odds: Floats, r: Floats, few: SmallStay, rows: Integers
) -> Floats:
    """Return (1 - E[q^N]) / p, the expected purchases of the window given p.

    Arguments are those of :func:`survival_given`, with ``few`` of P(N >= n).
    """
    first, others = _powers(p, k, j, odds, r)
    small = few.at(np.minimum(1 - p, _SMALL), rows)
    return np.where(1 - p < _SMALL, small, np.maximum(-np.expm1(first) / p - others, 0.0))


def _powers(p: Floats, k: int, j: int, odds: Floats, r: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the term l = 0, and the sum of all others divided by p."""
    p = np.minimum(p, 1 - _SMALL)
    log_root = np.log1p(-p) / k
    # p root / (k q (1 - root)) = mean of root^-s over s < k
    more = np.zeros(p.shape)
    for s in range(1, k):
        more += np.expm1(-s * log_root)
    first = np.log1p(more / k) + j * log_root - r * np.log1p(-np.expm1(log_root) * odds)
    others = np.zeros(p.shape)
    root = np.exp(log_root)
    for turn in range(1, k // 2 + 1):
        v = root * np.exp(2j * np.pi * turn / k)
        term = (v ** (j + 1) / (1 - v) * np.exp(-r * np.log(1 + (1 - v) * odds))).real
        # conjugate pairs count twice; for even k the last root is real and alone
        others += term if 2 * turn == k else 2 * term
    return first, others / (k * (1 - p))
