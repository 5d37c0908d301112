"""Log-likelihood of BG/NBD and MBG/NBD over distinct rows, with gradient and Hessian.

Both processes drop out at purchases, with probability p ~ Beta(a, b), and differ in whether the
first purchase counts (``shift`` 1, MBG/NBD) or not (``shift`` 0, BG/NBD). With n = x + shift,

    log L = log[(b)_n / (a+b)_n] + log (r)_x + r log alpha - (r+x) log(alpha+T) + log(1 + e^lo)
    lo = log a - log(b+n-1) + (r+x) log((alpha+T) / (alpha+tx))

where (z)_n is the rising factorial and lo, the log-odds of having dropped out, is minus infinity
for BG/NBD at x = 0 (Fader, Hardie & Lee 2005, eq. 6, in the form of brucehardie.com note 027;
Batislam, Denizel & Filiztekin 2007). Rising factorials are sums over the purchase number, so they
need the number of customers who made at least i purchases and no gamma function.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers
from forecast.processes.histories import Histories

__all__ = ["BGLikelihood"]


@dataclass(frozen=True)
class BGLikelihood:
    """Likelihood of log(r, alpha, a, b) given compressed histories in rescaled time."""

    shift: int
    scale: float
    n_customers: int
    weight: float
    purchases: float
    reached: Floats
    offered: Floats
    T: Floats
    T_weight: Floats
    T_purchases: Floats
    x: Floats
    tx: Floats
    rows: tuple[Integers, Integers, Integers]
    row_weight: Floats

    names = ("r", "alpha", "a", "b")
    timed = (0, 1, 0, 0)

    @classmethod
    def of(cls, histories: Histories, *, shift: int) -> "BGLikelihood":
        """Prepare sums that do not depend on the parameters."""
        x, w = histories.x, histories.weight
        counts = x.values[x.codes]
        reached = histories.reaching()
        offered = np.concatenate(([w.sum()], reached)) if shift else reached
        codes = histories.T.codes
        keep = slice(None) if shift else counts > 0
        return cls(
            shift=shift,
            scale=histories.scale,
            n_customers=histories.n_customers,
            weight=float(w.sum()),
            purchases=float(w @ counts),
            reached=reached,
            offered=offered,
            T=histories.T.values,
            T_weight=_sums(codes, w, histories.T.values.size),
            T_purchases=_sums(codes, w * counts, histories.T.values.size),
            x=x.values,
            tx=histories.tx.values,
            rows=(x.codes[keep], histories.tx.codes[keep], codes[keep]),
            row_weight=w[keep],
        )

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled time into the data's unit."""
        return -self.purchases * float(np.log(self.scale))

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``, in rescaled time."""
        theta = np.exp(eta)
        fixed = self._fixed_value(theta)
        odds, _, _ = self._log_odds(theta)
        # log(1 + e^odds), several times faster than logaddexp
        soft = np.maximum(odds, 0.0)
        soft += np.log1p(np.exp(-np.abs(odds)))
        return fixed + float(self.row_weight @ soft)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        theta = np.exp(eta)
        _, alpha, a, b = theta
        gradient, hessian = self._fixed_derivatives(theta)
        odds, age_gap, k = self._log_odds(theta)
        small = np.exp(-np.abs(odds))
        value = self._fixed_value(theta) + float(
            self.row_weight @ (np.maximum(odds, 0.0) + np.log1p(small))
        )
        dead = np.where(odds > 0, 1.0, small) / (1.0 + small)
        share = self.row_weight * dead
        ix, itx, iage = self.rows
        before, now = 1 / (alpha + self.tx), 1 / (alpha + self.T)
        h = now[iage] - before[itx]
        h2 = (now * now)[iage] - (before * before)[itx]
        f = (-1 / (b + self._stays()))[ix]
        slopes = np.stack([age_gap, k * h, np.full(h.size, 1 / a), f])
        gradient += slopes @ share
        hessian += (slopes * (share * (1 - dead))) @ slopes.T
        hessian[0, 1] += share @ h
        hessian[1, 0] = hessian[0, 1]
        hessian[1, 1] -= share @ (k * h2)
        hessian[2, 2] -= share.sum() / a**2
        hessian[3, 3] += share @ (f * f)
        slope = theta * gradient
        return value, slope, hessian * np.outer(theta, theta) + np.diag(slope)

    def _log_odds(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Log-odds of having dropped out, log((alpha+T)/(alpha+tx)) and r + x, row by row."""
        r, alpha, a, b = theta
        ix, itx, iage = self.rows
        base = np.log(a) - np.log(b + self._stays())
        age_gap = np.log(alpha + self.T)[iage] - np.log(alpha + self.tx)[itx]
        k = (r + self.x)[ix]
        return base[ix] + k * age_gap, age_gap, k

    def _stays(self) -> Floats:
        """Return how often a customer now gone stayed before; unused for BG at x = 0."""
        return np.maximum(self.x + (self.shift - 1), 0.0)

    def _fixed_value(self, theta: Floats) -> float:
        """Sum what needs no row: rising factorials and the terms in T alone."""
        r, alpha, a, b = theta
        i = np.arange(self.offered.size)
        rate = self.reached @ np.log(r + np.arange(self.reached.size))
        stay = self.offered @ np.log1p(a / (b + i))
        waiting = self.T_weight @ np.log1p(self.T / alpha)
        timing = self.T_purchases @ np.log(alpha + self.T)
        return float(rate - stay - r * waiting - timing)

    def _fixed_derivatives(self, theta: Floats) -> tuple[Floats, Floats]:
        r, alpha, a, b = theta
        rate = 1 / (r + np.arange(self.reached.size))
        i = np.arange(self.offered.size)
        stay, whole = 1 / (b + i), 1 / (a + b + i)
        age = alpha + self.T
        observed = self.T_weight * self.T / (alpha * age)
        gradient = np.array(
            [
                self.reached @ rate - self.T_weight @ np.log1p(self.T / alpha),
                r * observed.sum() - self.T_purchases @ (1 / age),
                -self.offered @ whole,
                a * (self.offered @ (stay * whole)),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = -self.reached @ rate**2
        hessian[0, 1] = hessian[1, 0] = observed.sum()
        hessian[1, 1] = self.T_purchases @ age**-2 - r * (observed @ (1 / alpha + 1 / age))
        both = self.offered @ whole**2
        hessian[2, 2] = hessian[2, 3] = hessian[3, 2] = both
        hessian[3, 3] = -a * (self.offered @ (stay * whole * (stay + whole)))
        return gradient, hessian


def _sums(codes: Integers, weights: Floats, size: int) -> Floats:
    """Sum weights by code."""
    return np.bincount(codes, weights, minlength=size).astype(float, copy=False)
