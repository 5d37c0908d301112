"""Log-likelihood of the shifted-beta-geometric with gradient and Hessian, in log(alpha, beta).

Of the customers at risk in period t, a share alpha / (alpha + beta + t - 1) is lost, so

    log L = sum_t lost_t log(alpha / (alpha+beta+t-1)) + kept_t log((beta+t-1) / (alpha+beta+t-1))

which is Fader & Hardie (2007, eq. 5 and 6) multiplied out. Cohorts of any age, and customers who
are still there, add to ``lost`` and ``kept`` of the periods they were seen in, and nothing else.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats

__all__ = ["ShiftedBetaGeometricLikelihood"]


@dataclass(frozen=True)
class ShiftedBetaGeometricLikelihood:
    """Likelihood of log(alpha, beta) given customers lost and kept in each period."""

    lost: Floats
    kept: Floats
    n_customers: int

    names = ("alpha", "beta")
    timed = (0, 0)
    # a period is a period: nothing is rescaled
    scale = 1.0

    def unit_change(self) -> float:
        """Return 0: periods have no unit to change."""
        return 0.0

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``."""
        alpha, beta = np.exp(eta)
        return self._value(alpha, beta + np.arange(self.lost.size))

    def _value(self, alpha: float, stay: Floats) -> float:
        return float(-self.lost @ np.log1p(stay / alpha) - self.kept @ np.log1p(alpha / stay))

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        theta = np.exp(eta)
        alpha, beta = theta
        stay = beta + np.arange(self.lost.size)
        whole = 1 / (alpha + stay)
        # each as one term, so that large parameters do not cancel
        gradient = np.array(
            [
                self.lost @ (stay * whole) / alpha - self.kept @ whole,
                alpha * (self.kept @ (whole / stay)) - self.lost @ whole,
            ]
        )
        both = (self.lost + self.kept) @ whole**2
        hessian = np.array(
            [
                [both - self.lost.sum() / alpha**2, both],
                [both, both - self.kept @ stay**-2],
            ]
        )
        slope = theta * gradient
        value = self._value(alpha, stay)
        return value, slope, hessian * np.outer(theta, theta) + np.diag(slope)
