"""Poisson regression with an offset, an intercept and a normal prior of estimated variance."""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats

__all__ = ["Ridge", "poisson_ridge"]

_STEPS = 100
_SMALLEST, _LARGEST = 1e-6, 1.0


@dataclass(frozen=True)
class Ridge:
    """Shrunk coefficients.

    Attributes
    ----------
    weights : array, shape (terms,)
    covariance : array, shape (terms, terms)
        Given data and prior, with overdispersion counted in.
    variance : float
        Of the prior N(0, variance) of each coefficient per standard deviation of its term,
        estimated from the data.
    dispersion : float
        Variance of the counts over their mean, at least 1.
    """

    weights: Floats
    covariance: Floats
    variance: float
    dispersion: float


def poisson_ridge(terms: Floats, counts: Floats, offset: Floats) -> Ridge:
    """Fit counts ~ Poisson(offset exp(level + terms @ weights)) with weights ~ N(0, variance).

    Counts that vary more than Poisson ones lower the weight of the data by their dispersion. The
    prior's variance is the fixed point of variance = mean(weights^2 + posterior variance)
    (MacKay 1992), between 1e-6 and 1.

    Parameters
    ----------
    terms : array, shape (n, terms)
    counts : array, shape (n,)
    offset : array, shape (n,)
        Expected counts without terms; rows of 0 are left out.
    """
    use, size = offset > 0, terms.shape[1]
    if size == 0:
        return Ridge(np.zeros(0), np.zeros((0, 0)), 0.0, 1.0)
    # in units of their spread, so that the shrinkage does not depend on how terms are written
    spread = np.maximum(terms[use].std(axis=0), 1e-300)
    x = np.column_stack([np.ones(use.sum()), terms[use] / spread])
    y, log_offset = np.asarray(counts, dtype=float)[use], np.log(offset[use])
    weights = np.zeros(size + 1)
    weights[0] = np.log(max(y.sum(), 0.5)) - np.log(offset[use].sum())
    variance, dispersion = 0.1, 1.0
    for _ in range(_STEPS):
        mean = np.exp(np.clip(log_offset + x @ weights, -700, 50))
        dispersion = max(1.0, float(((y - mean) ** 2 / mean).sum() / max(1, y.size - size - 1)))
        prior = np.diag([0.0, *np.full(size, 1 / variance)])
        information = (x.T * mean) @ x / dispersion + prior
        step = np.linalg.solve(information, x.T @ (y - mean) / dispersion - prior @ weights)
        step *= min(1.0, 1.0 / max(np.abs(step).max(), 1e-300))
        weights = weights + step
        covariance = np.linalg.inv(information)[1:, 1:]
        wanted = float(np.mean(weights[1:] ** 2 + np.diag(covariance)))
        moved = abs(np.log(wanted / variance))
        variance = float(np.clip(wanted, _SMALLEST, _LARGEST))
        if np.abs(step).max() < 1e-10 and moved < 1e-8:
            break
    return Ridge(weights[1:] / spread, covariance / np.outer(spread, spread), variance, dispersion)
