"""A series of logarithms as a linear state space model, and its forecast on the original scale.

    log(y_t / scale + shift) = design . core_t + regressors_t . effects + noise_t
    core_t+1 = transition core_t + drift_t

Several models with weights may stand for one series (Durbin & Koopman 2012, ch. 3 and 13): draws
are shared out among them, and so is the expectation. Every method of
:mod:`forecast.models.series.fit` ends here, so there is one way to forecast and to simulate.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["StateSpace"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StateSpace:
    """Weighted models of one series, standing one step after its data.

    Attributes
    ----------
    scale : float
        Mean of the series, in its own unit.
    shift : float
        Added to the scaled series before taking logarithms, so that zeros are finite.
    transition : array of float, shape (core, core)
    design : array of float, shape (core,)
    state : array of float, shape (models, core + effects)
        Means of the core, then of the regressors' effects, which do not change.
    state_cov : array of float, shape (models, core + effects, core + effects)
    drift_cov : array of float, shape (models, core, core)
        Covariance of what is added to the core at each step.
    noise : array of float, shape (models,)
        Variance of an observation around its mean.
    weight : array of float, shape (models,)
        Adds up to 1.
    """

    scale: float
    shift: float
    transition: FloatArray
    design: FloatArray
    state: FloatArray
    state_cov: FloatArray
    drift_cov: FloatArray
    noise: FloatArray
    weight: FloatArray

    @classmethod
    def of_one_model(
        cls,
        *,
        scale: float,
        shift: float,
        transition: FloatArray,
        design: FloatArray,
        core: FloatArray,
        core_cov: FloatArray,
        drift_cov: FloatArray,
        effects: FloatArray,
        effects_cov: FloatArray | None = None,
    ) -> "StateSpace":
        """Put one model together whose effects were estimated apart from its core.

        Parameters
        ----------
        core, core_cov : arrays of float, shape (core,) and (core, core)
            Distribution of the core one step after the data.
        effects, effects_cov : arrays of float, shape (effects,) and (effects, effects)
            Without a covariance the effects are taken as known.
        """
        size = len(core)
        cov = np.zeros((1, size + len(effects), size + len(effects)))
        cov[0, :size, :size] = core_cov
        if effects_cov is not None:
            cov[0, size:, size:] = effects_cov
        state = np.concatenate([core, effects])[None, :]
        return cls(
            scale, shift, transition, design, state, cov, drift_cov[None], np.zeros(1), np.ones(1)
        )

    def with_known(self, effects: FloatArray) -> "StateSpace":
        """Put effects that are taken as known before those there are."""
        core = len(self.design)
        place = np.full(len(effects), core)
        cov = np.insert(np.insert(self.state_cov, place, 0.0, axis=1), place, 0.0, axis=2)
        return replace(self, state=np.insert(self.state, place, effects, axis=1), state_cov=cov)

    def moments(self, regressors: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the next steps on the log scale; shape (models, steps).

        Half of what the variance grows by after the first step is taken off the mean, so that on
        the original scale an uncertain level does not raise the forecast without end.

        Parameters
        ----------
        regressors : array of float, shape (steps, effects)
        """
        forward, drift = self._forward(regressors.shape[1])
        state, cov = self.state, self.state_cov
        mean, variance = np.empty((2, len(state), len(regressors)))
        for step, row in enumerate(regressors):
            look = np.concatenate([self.design, row])
            mean[:, step], variance[:, step] = state @ look, cov @ look @ look
            state, cov = state @ forward.T, forward @ cov @ forward.T + drift
        variance += self.noise[:, None]
        return mean - (variance - variance[:, :1]) / 2, variance

    def expect(self, regressors: FloatArray) -> FloatArray:
        """Return the expectation of the next steps, cut off at 0, in the series' unit.

        For z ~ N(m, s²) and a shift k: E max(exp(z) - k, 0) = exp(m + s²/2) P(d + s) - k P(d),
        with d = (m - log k) / s and P the standard normal distribution function (Black 1976).
        """
        from scipy.special import ndtr

        mean, variance = self.moments(regressors)
        full = np.exp(mean + variance / 2)
        if self.shift > 0:
            spread = np.sqrt(np.maximum(variance, 1e-18))
            above = (mean - np.log(self.shift)) / spread
            full = full * ndtr(above + spread) - self.shift * ndtr(above)
        return np.asarray(self.scale * (self.weight @ full))

    def draw(self, regressors: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
        """Simulate the next steps; shape (draws, steps), in the series' unit, never below 0."""
        steps, core = len(regressors), len(self.design)
        # each model has its share of the draws; which draws those are is left to chance
        places = (rng.permutation(draws) + 0.5) / draws
        model = np.minimum(np.searchsorted(np.cumsum(self.weight), places), len(self.weight) - 1)
        root = _roots(self.state_cov)[model]
        chance = rng.standard_normal((draws, self.state.shape[1]))
        state = self.state[model] + np.einsum("dij,dj->di", root, chance)
        now, path = state[:, :core], state[:, core:] @ regressors.T
        root = _roots(self.drift_cov)[model]
        for step in range(steps):
            path[:, step] += now @ self.design
            chance = rng.standard_normal((draws, core))
            now = now @ self.transition.T + np.einsum("dij,dj->di", root, chance)
        variance = self.moments(regressors)[1]
        path -= ((variance - variance[:, :1]) / 2)[model]  # as in moments
        path += np.sqrt(self.noise)[model, None] * rng.standard_normal((draws, steps))
        return np.asarray(self.scale * np.maximum(np.exp(path) - self.shift, 0.0))

    def _forward(self, effects: int) -> tuple[FloatArray, FloatArray]:
        """Return transition and drift of the core and the effects together."""
        core, models = len(self.design), len(self.weight)
        forward, drift = np.eye(core + effects), np.zeros((models, core + effects, core + effects))
        forward[:core, :core], drift[:, :core, :core] = self.transition, self.drift_cov
        return forward, drift


def _roots(cov: FloatArray) -> FloatArray:
    """Return square roots of covariances that may be singular."""
    size, vectors = np.linalg.eigh((cov + cov.transpose(0, 2, 1)) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(size, 0.0))[:, None, :])
