"""A level that drifts, times a season: the time series model behind SeasonalSeries.

    log(y_t / mean(y) + shift) = level_t + season_t + noise_t,    level_t = level_{t-1} + drift_t

The season is one or two Fourier pairs of the year. With two full years it is estimated jointly
with the level (statsmodels' UnobservedComponents); with one to two years it is found first by a
regression on a line and the pairs, shrunk the more the shorter the history; with less there is
none.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LocalLevel", "fit_local_level"]

FloatArray = npt.NDArray[np.float64]

PAIRS = 2
_SHRINKAGE = 0.2  # ridge penalty, as a share of the information, with one year of data


@dataclass(frozen=True)
class LocalLevel:
    """A fitted level and season in state space form (Durbin & Koopman 2012, ch. 3).

    Attributes
    ----------
    scale : float
        Mean of the series, in its own unit.
    shift : float
        Added to the scaled series before taking logarithms, so that zeros are finite.
    season : array of float, shape (2 * pairs,)
        Coefficients of cosine and sine found before the level; zeros otherwise.
    cycle : float
        Steps a year.
    transition : array of float, shape (states, states)
    design : array of float, shape (states,)
    state, state_cov : arrays of float, shape (states,) and (states, states)
        Distribution of the state one step after the data.
    drift_cov : array of float, shape (states, states)
        Covariance of what is added to the state at each step.
    noise : float
        Variance of an observation around its mean, on the log scale.
    kind : str
        ``"season"``, ``"shrunk season"`` or ``"no season"``.
    converged : bool
    """

    scale: float
    shift: float
    season: FloatArray
    cycle: float
    transition: FloatArray
    design: FloatArray
    state: FloatArray
    state_cov: FloatArray
    drift_cov: FloatArray
    noise: float
    kind: str
    converged: bool

    def moments(self, steps: int) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the next steps on the log scale.

        The level is a martingale on the original scale: half the variance of the level is taken
        off its mean, so that an uncertain level does not raise the forecast without end.
        """
        state, cov = self.state, self.state_cov
        mean, variance = np.empty(steps), np.empty(steps)
        for step in range(steps):
            mean[step], variance[step] = self.design @ state, self.design @ cov @ self.design
            state = self.transition @ state
            cov = self.transition @ cov @ self.transition.T + self.drift_cov
        mean += _fourier(np.arange(steps), self.cycle, PAIRS) @ self.season
        return mean - variance / 2, variance + self.noise

    def expect(self, steps: int) -> FloatArray:
        """Return the expectation of the next steps, cut off at 0, in the series' unit.

        For z ~ N(m, s²) and a shift k: E max(exp(z) - k, 0) = exp(m + s²/2) P(d + s) - k P(d),
        with d = (m - log k) / s and P the standard normal distribution function (Black 1976).
        """
        from scipy.special import ndtr

        mean, variance = self.moments(steps)
        if self.shift == 0:
            return self.scale * np.exp(mean + variance / 2)
        spread = np.sqrt(np.maximum(variance, 1e-18))
        above = (mean - np.log(self.shift)) / spread
        full = np.exp(mean + variance / 2) * ndtr(above + spread)
        return np.asarray(self.scale * (full - self.shift * ndtr(above)))

    def draw(self, steps: int, draws: int, rng: np.random.Generator) -> FloatArray:
        """Simulate the next steps; shape (draws, steps), in the series' unit, never below 0."""
        states = len(self.state)
        state = self.state + rng.standard_normal((draws, states)) @ _root(self.state_cov).T
        root, path = _root(self.drift_cov).T, np.empty((draws, steps))
        for step in range(steps):
            path[:, step] = state @ self.design
            state = state @ self.transition.T + rng.standard_normal((draws, states)) @ root
        variance = self.moments(steps)[1]
        path += _fourier(np.arange(steps), self.cycle, PAIRS) @ self.season
        path -= (variance - self.noise) / 2  # as in moments
        path += np.sqrt(self.noise) * rng.standard_normal((draws, steps))
        return self.scale * np.maximum(np.exp(path) - self.shift, 0.0)


def fit_local_level(
    series: FloatArray, *, cycle: float, shift: float, season: bool = True
) -> LocalLevel:
    """Fit level and season to a series of one value a step, the last one now.

    Parameters
    ----------
    series : array of float, shape (steps,)
        At least one value above 0; missing values are allowed.
    cycle : float
        Steps a year.
    shift : float
        See :class:`LocalLevel`; with 0 every value must be above 0.
    season : bool
        Whether to look for a season.
    """
    scale, size = float(np.nanmean(series)), len(series)
    # rounded, so that the search for the optimum takes the same path in any currency
    log = np.asarray(np.round(np.log(series / scale + shift), 9), dtype=np.float64)
    years, coefficients, kind = size / cycle, np.zeros(2 * PAIRS), "no season"
    joint: dict[str, Any] = {}
    if season and years >= 2:
        kind = "season"
        joint = {
            "freq_seasonal": [{"period": cycle, "harmonics": PAIRS}],
            "stochastic_freq_seasonal": [False],
        }
    elif season and years >= 1:
        kind = "shrunk season"
        waves = _fourier(np.arange(-size, 0), cycle, PAIRS)
        coefficients = _ridge(waves, log, _SHRINKAGE * (2 - years))
        log = log - waves @ coefficients
    if np.nanstd(log) < 1e-6:
        one, none = np.ones((1, 1)), np.zeros((1, 1))
        level = np.array([np.nanmean(log)])
        return LocalLevel(
            scale, shift, coefficients, cycle, one, one[0], level, none, none, 0.0, kind, True
        )
    fitted = _estimate(log, joint)
    system = fitted.model.ssm
    selection = system["selection"]
    return LocalLevel(
        scale=scale,
        shift=shift,
        season=coefficients,
        cycle=cycle,
        transition=system["transition"],
        design=system["design"][0],
        state=fitted.predicted_state[:, -1],
        state_cov=fitted.predicted_state_cov[:, :, -1],
        drift_cov=selection @ system["state_cov"] @ selection.T,
        noise=float(system["obs_cov"][0, 0]),
        kind=kind,
        converged=bool(fitted.mle_retvals.get("converged", False)),
    )


def _estimate(log: FloatArray, joint: dict[str, Any]) -> Any:
    """Maximise the likelihood of the level, on one thread; non-convergence is told in a note."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return UnobservedComponents(log, level="llevel", **joint).fit(disp=False)


def _fourier(step: npt.NDArray[np.int64], cycle: float, pairs: int) -> FloatArray:
    """Return cosine and sine of the year; shape (steps, 2 * pairs)."""
    angle = 2 * np.pi * np.outer(step, np.arange(1, pairs + 1)) / cycle
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def _ridge(waves: FloatArray, log: FloatArray, shrinkage: float) -> FloatArray:
    """Regress on a free line and shrunk waves; return the waves' coefficients."""
    known = np.isfinite(log)
    size = int(known.sum())
    line = np.column_stack([np.ones(len(log)), np.linspace(-1, 1, len(log))])
    design = np.concatenate([line, waves], axis=1)[known]
    penalty = np.diag([0.0, 0.0] + [shrinkage * size / 2] * waves.shape[1])
    return np.asarray(np.linalg.solve(design.T @ design + penalty, design.T @ log[known])[2:])


def _root(cov: FloatArray) -> FloatArray:
    """Return a square root of a covariance that may be singular."""
    size, vectors = np.linalg.eigh((cov + cov.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(size, 0.0)))
