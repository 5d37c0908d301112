"""The prior of a process that drops out at a Gamma rate.

r and alpha as everywhere (see :mod:`forecast.processes.prior`). s and beta apart have hardly any
meaning of their own: their ratio is the mean death rate, and s alone is how alike the death rates
of customers are. So the coordinates are

- log s ~ N(0, 2)
- log(s median T / beta) ~ N(0, 2), the mean number of deaths in a median age

The map from (log s, log beta) to this pair has a Jacobian of absolute value 1.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.prior import Prior

__all__ = ["PARETO_NBD_PRIOR", "DeathRatePrior"]

_MAP = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, -1]])


@dataclass(frozen=True)
class DeathRatePrior(Prior):
    """Independent normals on log r, log alpha, log s and log(s / beta)."""

    def coordinates(self, eta: Floats) -> Floats:
        """Return the coordinates of log-parameters, shape (..., 4)."""
        return np.asarray(np.asarray(eta, dtype=float) @ _MAP.T)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-density, gradient and Hessian at one point."""
        precision = np.array(self.sd) ** -2
        pull = (np.array(self.mean) - self.coordinates(eta)) * precision
        return float(self.log_density(eta)), _MAP.T @ pull, -(_MAP.T * precision) @ _MAP

    def sample(self, rng: np.random.Generator, size: int) -> Floats:
        """Return draws of the log-parameters in rescaled units, shape (size, 4)."""
        drawn = rng.normal(self.mean, self.sd, (size, len(self.mean)))
        # the map is its own inverse
        return np.asarray(drawn @ _MAP.T)


PARETO_NBD_PRIOR = DeathRatePrior(
    names=("log r", "log(alpha / median T)", "log s", "log(s median T / beta)"),
    mean=(0.0, 0.0, 0.0, 0.0),
    sd=(2.0, 2.0, 2.0, 2.0),
)
