"""A level that drifts, plus regressors: estimated by averaging over how much it drifts.

    log(y_t / mean(y) + shift) = level_t + regressors_t . effects + noise_t
    level_t+1 = level_t + drift_t

Given the variances of noise and drift everything is Gaussian and exact (the Kalman filter). The
two variances are not searched for but averaged over: every pair of a grid is filtered at once and
weighs as much as its likelihood. So their uncertainty enters the forecast, and nothing can fail to
converge.
"""

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["fit_local_level"]

FloatArray = npt.NDArray[np.float64]

_NOISE = np.geomspace(0.02, 1.5, 10)  # of the mean square of the steps' changes
_DRIFT = np.geomspace(3e-4, 1.5, 13)
_DIFFUSE = 25.0  # prior variance of the level, in squared logarithms
_KEPT = 0.99  # of the weight: the rest of the grid is left out


def fit_local_level(
    log: FloatArray,
    regressors: FloatArray,
    prior: FloatArray,
    *,
    drift: float,
    scale: float,
    shift: float,
) -> StateSpace:
    """Filter a series of logarithms, the last one now.

    Parameters
    ----------
    log : array of float, shape (steps,)
        Missing values are allowed.
    regressors : array of float, shape (steps, effects)
    prior : array of float, shape (effects,)
        Standard deviation of each effect around 0 before the data, in logarithms.
    drift : float
        Prior scale of the level's drift a step, in logarithms: a half-normal distribution.
    scale, shift : float
        See :class:`forecast.models.series.state.StateSpace`.
    """
    known = np.isfinite(log)
    usual = float(np.mean(np.diff(log[known]) ** 2)) if known.sum() > 1 else 0.0
    if np.std(log[known]) < 1e-6 or usual == 0:
        size = 1 + len(prior)
        state = np.zeros((1, size))
        state[0, 0] = np.mean(log[known])
        none = np.zeros((1, 1, 1))
        return StateSpace(
            scale, shift, np.ones((1, 1)), np.ones(1), state, np.zeros((1, size, size)), none,
            np.zeros(1), np.ones(1),
        )  # fmt: skip
    noise, variance = (each.ravel() for each in np.meshgrid(usual * _NOISE, usual * _DRIFT))
    state, cov, likelihood = _filtered(log, regressors, prior, noise, variance)
    likelihood -= variance / (2 * drift**2)
    weight = np.exp(likelihood - likelihood.max())
    order = np.argsort(-weight, kind="stable")
    kept = order[: 1 + int(np.searchsorted(np.cumsum(weight[order]), _KEPT * weight.sum()))]
    return StateSpace(
        scale=scale,
        shift=shift,
        transition=np.ones((1, 1)),
        design=np.ones(1),
        state=state[kept],
        state_cov=cov[kept],
        drift_cov=variance[kept, None, None],
        noise=noise[kept],
        weight=weight[kept] / weight[kept].sum(),
    )


def _filtered(
    log: FloatArray, regressors: FloatArray, prior: FloatArray, noise: FloatArray, drift: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Run the Kalman filter for all variances at once (Durbin & Koopman 2012, eq. 4.24).

    Returns
    -------
    state, cov : array of float
        One step after the data.
    likelihood : array of float, shape (models,)
        Logarithm of it.
    """
    models, size = len(noise), 1 + len(prior)
    state, likelihood = np.zeros((models, size)), np.zeros(models)
    state[:, 0] = np.nanmean(log)
    cov = np.tile(np.diag(np.concatenate([[_DIFFUSE], prior**2])), (models, 1, 1))
    for value, row in zip(log, regressors, strict=True):
        if np.isfinite(value):
            look = np.concatenate([[1.0], row])
            seen = cov @ look
            variance = seen @ look + noise
            missed = value - state @ look
            likelihood -= (np.log(variance) + missed**2 / variance) / 2
            state = state + seen * (missed / variance)[:, None]
            cov = cov - seen[:, :, None] * (seen / variance[:, None])[:, None, :]
        cov[:, 0, 0] += drift
    return state, cov, likelihood
