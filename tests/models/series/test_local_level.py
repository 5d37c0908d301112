"""The filter against an exact Gaussian regression, and the averaging over variances."""

import numpy as np
import pytest

from forecast.models.series import local_level
from forecast.models.series.local_level import LevelFilter
from forecast.models.series.state import StateSpace


def exact(
    log: np.ndarray, columns: np.ndarray, prior: np.ndarray, noise: float, drift: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """The same model as one multivariate normal: state after the data, and log-likelihood."""
    size, steps = len(log), np.arange(len(log))
    cov = 25.0 + drift * np.minimum.outer(steps, steps) + noise * np.eye(size)
    cov += columns @ np.diag(prior**2) @ columns.T
    level = 25.0 + drift * steps  # of the level one step after the data with each observation
    across = np.concatenate([level[None, :], np.diag(prior**2) @ columns.T])
    before = np.diag(np.concatenate([[25.0 + drift * size], prior**2]))
    known = np.isfinite(log)
    cov, across, missed = cov[np.ix_(known, known)], across[:, known], log[known] - np.nanmean(log)
    state = across @ np.linalg.solve(cov, missed)
    state[0] += np.nanmean(log)
    after = before - across @ np.linalg.solve(cov, across.T)
    likelihood = -(np.linalg.slogdet(cov)[1] + missed @ np.linalg.solve(cov, missed)) / 2
    return state, after, likelihood


def fitted(
    log: np.ndarray, columns: np.ndarray, prior: np.ndarray, *, drift: float, scale: float = 1.0
) -> StateSpace:
    found = LevelFilter.learn(log, columns, prior, drift=drift)
    return found.stand(log, columns, scale=scale, shift=0.0)


def test_filter_equals_the_multivariate_normal() -> None:
    rng = np.random.default_rng(0)
    log, columns = rng.standard_normal(12), rng.standard_normal((12, 2))
    log[4] = np.nan
    prior, noise, drift = np.array([0.4, 1.0]), np.array([0.2, 0.9]), np.array([0.05, 0.3])
    state, cov, likelihood = local_level._filtered(
        log, columns, prior, noise, drift, float(np.nanmean(log))
    )
    for model in range(2):
        expected = exact(log, columns, prior, noise[model], drift[model])
        np.testing.assert_allclose(state[model], expected[0], atol=1e-9)
        np.testing.assert_allclose(cov[model], expected[1], atol=1e-9)
        assert likelihood[model] == pytest.approx(expected[2])


def test_variances_are_found_and_their_uncertainty_kept() -> None:
    rng = np.random.default_rng(1)
    log = np.cumsum(0.1 * rng.standard_normal(300)) + 0.2 * rng.standard_normal(300)
    none = np.zeros((300, 0))
    state = fitted(log, none, np.zeros(0), drift=1.0)
    assert np.sqrt(state.weight @ state.noise) == pytest.approx(0.2, rel=0.2)
    assert np.sqrt(state.weight @ state.drift_cov[:, 0, 0]) == pytest.approx(0.1, rel=0.35)
    assert len(state.weight) > 3
    assert state.weight.sum() == pytest.approx(1)
    short = fitted(log[:20], none[:20], np.zeros(0), drift=1.0)
    assert len(short.weight) > len(state.weight)


def test_a_calm_prior_calms_the_level() -> None:
    log = np.cumsum(0.1 * np.random.default_rng(2).standard_normal(60))
    none = np.zeros((60, 0))
    drifts = [
        state.weight @ state.drift_cov[:, 0, 0]
        for state in (fitted(log, none, np.zeros(0), drift=drift) for drift in (1.0, 0.03))
    ]
    assert drifts[1] < 0.85 * drifts[0]


def test_constant_series_has_no_spread() -> None:
    state = fitted(np.full(20, 0.3), np.zeros((20, 1)), np.ones(1), drift=0.1, scale=2.0)
    np.testing.assert_allclose(state.expect(np.zeros((5, 1))), 2 * np.exp(0.3))
    drawn = state.draw(np.zeros((5, 1)), 3, np.random.default_rng(0))
    np.testing.assert_allclose(drawn, 2 * np.exp(0.3))
