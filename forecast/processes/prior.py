"""The proper, weak prior of every posterior, on dimensionless log-parameters.

The likelihood of a buy-till-you-die process tends to a constant along its ridges, so a posterior
needs a proper prior. Each coordinate below is normal with standard deviation 2: its central 95 %
spans a factor of about 3,000. Times are relative to the median age, money to the median spend, so
the prior does not depend on units.

- purchase rate: log r ~ N(0, 2), log(alpha / median T) ~ N(0, 2)
- dropout: log(a + b) ~ N(1, 2) and log(a / b) ~ N(-1, 2), the spread and the mean of the dropout
  probability, since a and b apart have no meaning of their own. The map from (log a, log b) to
  this pair has a Jacobian of absolute value 1.
- spend: log p ~ N(1, 2), log q ~ N(1, 2), log(v / median spend) ~ N(0, 2)

On CDNOW the posterior means of BG/NBD, MBG/NBD and Gamma-Gamma move by less than a tenth of a
posterior standard deviation when this prior is made ten times weaker (a test checks it).
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats

__all__ = ["Prior"]


@dataclass(frozen=True)
class Prior:
    """Independent normals on coordinates of the log-parameters.

    Attributes
    ----------
    names : tuple of str
        Coordinates, for reading.
    mean, sd : tuple of float
        Of each coordinate.
    beta_pairs : tuple of int
        Position of each ``log a`` followed by its ``log b``: their coordinates are
        ``log(a + b)`` and ``log(a / b)``. All others are the log-parameters themselves.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    beta_pairs: tuple[int, ...] = ()

    def __str__(self) -> str:
        pieces = zip(self.names, self.mean, self.sd, strict=True)
        return ", ".join(f"{name} ~ N({mean:g}, {sd:g})" for name, mean, sd in pieces)

    def coordinates(self, eta: Floats) -> Floats:
        """Return the coordinates of log-parameters, shape (..., p)."""
        c = np.array(eta, dtype=float)
        for i in self.beta_pairs:
            log_a, log_b = eta[..., i], eta[..., i + 1]
            c[..., i], c[..., i + 1] = np.logaddexp(log_a, log_b), log_a - log_b
        return c

    def log_density(self, eta: Floats) -> Floats:
        """Return the log-density at log-parameters, shape (..., p) to (...)."""
        z = (self.coordinates(eta) - np.array(self.mean)) / np.array(self.sd)
        constant = np.log(self.sd).sum() + 0.5 * len(self.sd) * np.log(2 * np.pi)
        return np.asarray(-0.5 * (z * z).sum(axis=-1) - constant)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-density, gradient and Hessian at one point."""
        pull = (np.array(self.mean) - self.coordinates(eta)) / np.array(self.sd) ** 2
        jacobian = np.eye(eta.size)
        hessian = np.zeros((eta.size, eta.size))
        for i in self.beta_pairs:
            pair = slice(i, i + 2)
            share = 1 / (1 + np.exp(eta[pair][1] - eta[pair][0]))
            jacobian[pair, pair] = [[share, 1 - share], [1.0, -1.0]]
            bend = share * (1 - share) * np.array([[1.0, -1.0], [-1.0, 1.0]])
            hessian[pair, pair] = pull[i] * bend
        hessian -= jacobian.T @ np.diag(np.array(self.sd) ** -2) @ jacobian
        return float(self.log_density(eta)), jacobian.T @ pull, hessian

    def sample(self, rng: np.random.Generator, size: int) -> Floats:
        """Return draws of the log-parameters in rescaled units, shape (size, p)."""
        eta = rng.normal(self.mean, self.sd, (size, len(self.mean)))
        for i in self.beta_pairs:
            total, ratio = eta[:, i].copy(), eta[:, i + 1].copy()
            eta[:, i] = total - np.logaddexp(0.0, -ratio)
            eta[:, i + 1] = total - np.logaddexp(0.0, ratio)
        return eta
