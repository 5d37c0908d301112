"""A level that drifts, plus regressors: estimated by averaging over how much it drifts.

    log(y_t / mean(y) + shift) = level_t + regressors_t . effects + noise_t
    level_t+1 = level_t + drift_t

Given the variances of noise and drift everything is Gaussian and exact (the Kalman filter). The
two variances are not searched for but averaged over: every pair of a grid is filtered at once and
weighs as much as its likelihood. So their uncertainty enters the forecast, and nothing can fail to
converge.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["LevelFilter"]

FloatArray = npt.NDArray[np.float64]

_NOISE = np.geomspace(0.02, 1.5, 10)  # of the mean square of the steps' changes
_DRIFT = np.geomspace(3e-4, 1.5, 13)
_DIFFUSE = 25.0  # prior variance of the level, in squared logarithms
_KEPT = 0.99  # of the weight: the rest of the grid is left out


@dataclass(frozen=True)
class LevelFilter:
    """The variances of a drifting level, and what it filters a series with.

    Attributes
    ----------
    noise, drift, weight : array of float, shape (models,)
        Variances by model, and what each model weighs; no variance where the series is constant.
    prior : array of float, shape (effects,)
    level : float
        Mean of the series it was learned on: for one of which nothing is known.
    """

    noise: FloatArray
    drift: FloatArray
    weight: FloatArray
    prior: FloatArray
    level: float

    @classmethod
    def learn(
        cls, log: FloatArray, regressors: FloatArray, prior: FloatArray, *, drift: float
    ) -> "LevelFilter":
        """Weigh the grid of variances by the likelihood of a series of logarithms.

        Parameters
        ----------
        log : array of float, shape (steps,)
            Missing values are allowed.
        regressors : array of float, shape (steps, effects)
        prior : array of float, shape (effects,)
            Standard deviation of each effect around 0 before the data, in logarithms.
        drift : float
            Prior scale of the level's drift a step, in logarithms: a half-normal distribution.
        """
        known = np.isfinite(log)
        level = float(np.mean(log[known]))
        usual = float(np.mean(np.diff(log[known]) ** 2)) if known.sum() > 1 else 0.0
        if np.std(log[known]) < 1e-6 or usual == 0:
            return cls(np.zeros(1), np.zeros(1), np.ones(1), prior, level)
        noise, variance = (each.ravel() for each in np.meshgrid(usual * _NOISE, usual * _DRIFT))
        likelihood = _filtered(log, regressors, prior, noise, variance, level)[2]
        likelihood -= variance / (2 * drift**2)
        weight = np.exp(likelihood - likelihood.max())
        order = np.argsort(-weight, kind="stable")
        kept = order[: 1 + int(np.searchsorted(np.cumsum(weight[order]), _KEPT * weight.sum()))]
        return cls(noise[kept], variance[kept], weight[kept] / weight[kept].sum(), prior, level)

    def stand(
        self, log: FloatArray, regressors: FloatArray, *, scale: float, shift: float
    ) -> StateSpace:
        """Return the models as they stand at the end of a series.

        Parameters
        ----------
        scale, shift : float
            See :class:`forecast.models.series.state.StateSpace`.
        """
        known, size = np.isfinite(log), 1 + len(self.prior)
        level = float(np.mean(log[known])) if known.any() else self.level
        if not self.drift.any():
            state, cov = np.zeros((1, size)), np.zeros((1, size, size))
            state[0, 0] = level
        else:
            state, cov, _ = _filtered(log, regressors, self.prior, self.noise, self.drift, level)
        return StateSpace(
            scale=scale,
            shift=shift,
            transition=np.ones((1, 1)),
            design=np.ones(1),
            state=state,
            state_cov=cov,
            drift_cov=self.drift[:, None, None],
            noise=self.noise,
            weight=self.weight,
        )


def _filtered(
    log: FloatArray,
    regressors: FloatArray,
    prior: FloatArray,
    noise: FloatArray,
    drift: FloatArray,
    level: float,
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
    state[:, 0] = level
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
