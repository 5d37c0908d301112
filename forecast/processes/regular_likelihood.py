"""Log-likelihood of BG/CNBD-k and MBG/CNBD-k over distinct rows, with gradient and Hessian.

As :mod:`forecast.processes.bg_likelihood`, with k hidden events per purchase. With R = r + k x and
n = x + shift,

    log L = log[(b)_n / (a+b)_n] + log (r)_(kx) + r log alpha - R log(alpha+T) + g + log(1 + e^lo)
    g = log sum_{j<k} (R)_j / j! [(T-tx) / (alpha+T)]^j
    lo = log a - log(b+n-1) + R log((alpha+T) / (alpha+tx)) - g

(Platzer & Reutterer 2016, "Ticking away the moments", for MBG/CNBD-k), plus what does not depend
on the parameters: (k-1) log_gaps - x log (k-1)!. Where the gaps are not known, their uniform mean
given x and tx takes its place, so that values for different k, and those of BG/NBD, compare.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from forecast.processes.arrays import Floats
from forecast.processes.bg_likelihood import BGLikelihood
from forecast.processes.histories import Histories
from forecast.processes.rising_factorial import log_rising

__all__ = ["RegularLikelihood", "gap_term"]


def gap_term(k: int, x: Floats, tx: Floats, log_gaps: Floats | None) -> Floats:
    """Return the part of the log-likelihood that the gaps enter, in the unit of ``tx``.

    (k-1) log_gaps - x log (k-1)!, or without gaps log[(x-1)! tx^(x(k-1)) / (kx-1)!].
    """
    if log_gaps is not None:
        return np.asarray((k - 1) * log_gaps - x * gammaln(k))
    buyer = x > 0
    x, tx = np.where(buyer, x, 1.0), np.where(buyer, tx, 1.0)
    mean = x * (k - 1) * np.log(tx) - (gammaln(k * x) - gammaln(x))
    return np.asarray(np.where(buyer, mean, 0.0))


@dataclass(frozen=True)
class RegularLikelihood(BGLikelihood):
    """Likelihood of log(r, alpha, a, b) for given k, in rescaled time."""

    k: int
    constant: float
    log_quiet: Floats

    @classmethod
    def regular(
        cls, histories: Histories, *, k: int, shift: int, total_log_gaps: float | None
    ) -> "RegularLikelihood":
        """Prepare sums; ``total_log_gaps`` is the weighted sum in the data's unit, if known."""
        plain = BGLikelihood.of(histories, shift=shift)
        x, tx, age = histories.columns()
        w, scale = histories.weight, histories.scale
        if total_log_gaps is None:
            timing = float(w @ gap_term(k, x, tx * scale, None))
        else:
            timing = (k - 1) * total_log_gaps - float(w @ x) * float(gammaln(k))
        with np.errstate(divide="ignore"):
            log_quiet = np.maximum(np.log(age - tx), -1e300)
        changed: dict[str, Any] = {
            "reached": np.repeat(plain.reached, k),
            "T_purchases": k * plain.T_purchases,
            "rows": (histories.x.codes, histories.tx.codes, histories.T.codes),
            "row_weight": w,
        }
        return cls(
            **{**vars(plain), **changed},
            k=k,
            constant=timing - k * float(w @ x) * float(np.log(scale)),
            log_quiet=log_quiet,
        )

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled time into the data's unit."""
        return self.constant

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``, in rescaled time."""
        theta = np.exp(eta)
        g, _ = self._phases(theta)
        odds, _, _ = self._regular_odds(theta, g)
        soft = np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds)))
        return self._fixed_value(theta) + float(self.row_weight @ (g + soft))

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        theta = np.exp(eta)
        r, alpha, a, b = theta
        gradient, hessian = self._fixed_derivatives(theta)
        g, share = self._phases(theta)
        odds, age_gap, evidence = self._regular_odds(theta, g)
        small = np.exp(-np.abs(odds))
        soft = np.maximum(odds, 0.0) + np.log1p(small)
        value = self._fixed_value(theta) + float(self.row_weight @ (g + soft))
        dead = np.where(odds > 0, 1.0, small) / (1.0 + small)
        ix, itx, iage = self.rows
        before, now = (1 / (alpha + self.tx))[itx], (1 / (alpha + self.T))[iage]
        # moments over the phases of j and of the slope of log (R)_j
        zero = np.zeros(ix.size)
        j1, j2, h1, h2, hj, bend = (zero.copy() for _ in range(6))
        for j in range(1, self.k):
            steps = 1 / (r + self.k * self.x[:, None] + np.arange(j))
            slope, curve = steps.sum(axis=1)[ix], (steps**2).sum(axis=1)[ix]
            each = share[j]
            j1 += each * j
            j2 += each * j**2
            h1 += each * slope
            h2 += each * slope**2
            hj += each * slope * j
            bend += each * curve
        alive, gone = self.row_weight * (1 - dead), self.row_weight * dead
        f = (-1 / (b + self._stays()))[ix]
        out = np.stack([age_gap, evidence * (now - before), np.full(ix.size, 1 / a), f])
        stay = np.stack([h1, -j1 * now, zero, zero])
        gradient += stay @ alive + out @ gone
        apart = out - stay
        hessian += (apart * (gone * (1 - dead))) @ apart.T
        hessian[0, 0] += alive @ (h2 - h1**2 - bend)
        hessian[0, 1] += gone @ (now - before) - alive @ ((hj - h1 * j1) * now)
        hessian[1, 0] = hessian[0, 1]
        hessian[1, 1] += alive @ ((j1 + j2 - j1**2) * now**2)
        hessian[1, 1] -= gone @ (evidence * (now**2 - before**2))
        hessian[2, 2] -= gone.sum() / a**2
        hessian[3, 3] += gone @ (f * f)
        pull = theta * gradient
        return value, pull, hessian * np.outer(theta, theta) + np.diag(pull)

    def _phases(self, theta: Floats) -> tuple[Floats, Floats]:
        """g, and the chance of each phase given alive, shape (k, rows)."""
        r, alpha, _, _ = theta
        ix, _, iage = self.rows
        log_z = self.log_quiet - np.log(alpha + self.T)[iage]
        j = np.arange(self.k)
        known = log_rising(r + self.k * self.x, j[:, None]) - gammaln(j + 1.0)[:, None]
        terms = known[:, ix] + j[:, None] * log_z
        top = terms.max(axis=0)
        heights = np.exp(terms - top)
        total = heights.sum(axis=0)
        return top + np.log(total), heights / total

    def _regular_odds(self, theta: Floats, g: Floats) -> tuple[Floats, Floats, Floats]:
        """Log-odds of having dropped out, log((alpha+T)/(alpha+tx)) and R, row by row."""
        r, alpha, a, b = theta
        ix, itx, iage = self.rows
        base = np.log(a) - np.log(b + self._stays())
        if not self.shift:
            base = np.where(self.x > 0, base, -np.inf)
        age_gap = np.log(alpha + self.T)[iage] - np.log(alpha + self.tx)[itx]
        evidence = (r + self.k * self.x)[ix]
        return base[ix] + evidence * age_gap - g, age_gap, evidence
