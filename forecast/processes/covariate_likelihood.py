"""Likelihood and prior of a process with customer covariates, in its log-parameters and log-ratios.

Logarithms of ratios enter the log-parameters linearly, so customers with equal covariates share
the plain likelihood with its parameters shifted, and gradient and Hessian follow by the chain rule.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.fitting import Likelihood
from forecast.processes.prior import Prior

__all__ = ["RATIO_SD", "CovariateLikelihood", "PriorWithRatios"]

RATIO_SD = 1.0  # prior of a log-ratio per unit of its covariate: N(0, 1)


@dataclass(frozen=True)
class CovariateLikelihood:
    """Sum of the plain likelihoods of groups with equal covariates.

    Attributes
    ----------
    groups : tuple of Likelihood
        One for each distinct row of covariates, in one scale of time.
    shifts : array, shape (groups, plain parameters, parameters)
        Linear map from all log-parameters to those of each group.
    names, timed
        As of any likelihood.
    """

    groups: tuple[Likelihood, ...]
    shifts: Floats
    names: tuple[str, ...]
    timed: tuple[int, ...]
    n_customers: int

    @property
    def scale(self) -> float:
        """The data's unit was divided by this."""
        return self.groups[0].scale

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled units into the data's unit."""
        return sum(group.unit_change() for group in self.groups)

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at ``eta``."""
        pairs = zip(self.groups, self.shifts, strict=True)
        return sum(group.value(shift @ eta) for group, shift in pairs)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at ``eta``."""
        value, gradient = 0.0, np.zeros(eta.size)
        hessian = np.zeros((eta.size, eta.size))
        for group, shift in zip(self.groups, self.shifts, strict=True):
            part = group.derivatives(shift @ eta)
            value += part[0]
            gradient += shift.T @ part[1]
            hessian += shift.T @ part[2] @ shift
        return value, gradient, hessian


@dataclass(frozen=True)
class PriorWithRatios(Prior):
    """The plain prior, and N(0, 1) on each log-ratio."""

    plain: Prior | None = None

    def log_density(self, eta: Floats) -> Floats:
        """Return the log-density at log-parameters and log-ratios."""
        assert self.plain is not None
        size = len(self.plain.mean)
        tail = eta[..., size:]
        constant = tail.shape[-1] * np.log(RATIO_SD * np.sqrt(2 * np.pi))
        below = -0.5 * (tail**2).sum(axis=-1) / RATIO_SD**2 - constant
        return np.asarray(self.plain.log_density(eta[..., :size]) + below)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-density, gradient and Hessian at one point."""
        assert self.plain is not None
        size = len(self.plain.mean)
        _, gradient, hessian = self.plain.derivatives(eta[:size])
        whole = -np.eye(eta.size) / RATIO_SD**2
        whole[:size, :size] = hessian
        slope = np.concatenate([gradient, -eta[size:] / RATIO_SD**2])
        return float(self.log_density(eta)), slope, whole

    def sample(self, rng: np.random.Generator, size: int) -> Floats:
        """Return draws of the log-parameters and log-ratios, in rescaled units."""
        assert self.plain is not None
        ratios = rng.normal(0.0, RATIO_SD, (size, len(self.mean) - len(self.plain.mean)))
        return np.concatenate([self.plain.sample(rng, size), ratios], axis=1)
