"""Log-likelihood of NBD over distinct rows, with gradient and Hessian, in log(r, alpha).

log L = log (r)_x - r log(1 + T/alpha) - x log(alpha+T): Gamma rates and nobody ever drops out
(Ehrenberg 1959). It is that of purchase times, as in the processes with dropout, so the last
purchase does not matter.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.histories import Histories

__all__ = ["NBDLikelihood"]


@dataclass(frozen=True)
class NBDLikelihood:
    """Likelihood of log(r, alpha) given compressed histories in rescaled time."""

    scale: float
    n_customers: int
    purchases: float
    reached: Floats
    T: Floats
    T_weight: Floats
    T_purchases: Floats

    names = ("r", "alpha")
    timed = (0, 1)

    @classmethod
    def of(cls, histories: Histories) -> "NBDLikelihood":
        """Prepare sums that do not depend on the parameters."""
        x, w, age = histories.columns()[0], histories.weight, histories.T
        size = age.values.size
        return cls(
            scale=histories.scale,
            n_customers=histories.n_customers,
            purchases=float(w @ x),
            reached=histories.reaching(),
            T=age.values,
            T_weight=np.bincount(age.codes, w, minlength=size).astype(float),
            T_purchases=np.bincount(age.codes, w * x, minlength=size).astype(float),
        )

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled time into the data's unit."""
        return -self.purchases * float(np.log(self.scale))

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``, in rescaled time."""
        r, alpha = np.exp(eta)
        rising = self.reached @ np.log(r + np.arange(self.reached.size))
        waiting = r * (self.T_weight @ np.log1p(self.T / alpha))
        return float(rising - waiting - self.T_purchases @ np.log(alpha + self.T))

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        r, alpha = np.exp(eta)
        rate = 1 / (r + np.arange(self.reached.size))
        left = alpha / (alpha + self.T)
        waited = r * (self.T_weight @ np.log1p(self.T / alpha))
        passed = r * (self.T_weight @ (1 - left))
        gradient = np.array([r * (self.reached @ rate) - waited, passed - self.T_purchases @ left])
        both = (r * self.T_weight + self.T_purchases) @ (left * (1 - left))
        first = gradient[0] - r * r * (self.reached @ rate**2)
        return self.value(eta), gradient, np.array([[first, passed], [passed, -both]])
