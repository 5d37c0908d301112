"""The state space every series ends in: moments by hand, draws as expected."""

import numpy as np
import pytest

from forecast.models.series.state import StateSpace


def walk(variance: float, noise: float, shift: float = 0.0) -> StateSpace:
    return StateSpace(
        scale=10.0,
        shift=shift,
        transition=np.ones((1, 1)),
        design=np.ones(1),
        state=np.array([[0.5]]),
        state_cov=np.array([[[0.04]]]),
        drift_cov=np.array([[[variance]]]),
        noise=np.array([noise]),
        weight=np.ones(1),
    )


NOTHING = np.zeros((4, 0))


def test_moments_of_a_random_walk() -> None:
    mean, variance = walk(0.01, 0.02).moments(NOTHING)
    np.testing.assert_allclose(variance, [[0.06, 0.07, 0.08, 0.09]])
    np.testing.assert_allclose(mean, [[0.5, 0.495, 0.49, 0.485]])


def test_the_level_is_a_martingale() -> None:
    expected = walk(0.01, 0.02).expect(NOTHING)
    np.testing.assert_allclose(expected, 10 * np.exp(0.5 + 0.03))


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.5])
def test_draws_have_the_expectation_as_mean(shift: float) -> None:
    state = walk(0.05, 0.3, shift)
    drawn = state.draw(NOTHING, 60_000, np.random.default_rng(1))
    assert (drawn >= 0).all()
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - state.expect(NOTHING)) < 4.5 * error).all()


def test_models_share_the_draws_by_weight() -> None:
    both = StateSpace(
        scale=1.0,
        shift=0.0,
        transition=np.ones((1, 1)),
        design=np.ones(1),
        state=np.log([[1.0], [3.0]]),
        state_cov=np.zeros((2, 1, 1)),
        drift_cov=np.zeros((2, 1, 1)),
        noise=np.zeros(2),
        weight=np.array([0.25, 0.75]),
    )
    np.testing.assert_allclose(both.expect(NOTHING), 2.5)
    drawn = both.draw(NOTHING, 400, np.random.default_rng(0))
    assert np.isclose(drawn[:, 0], 3.0).sum() == 300
    np.testing.assert_allclose(drawn, drawn[:, [0]] * np.ones(4))


def test_known_effects_come_first_and_stay() -> None:
    state = walk(0.0, 0.0).with_known(np.array([2.0, -1.0]))
    regressors = np.array([[0.1, 0.0], [0.0, 0.3]])
    mean, variance = state.moments(regressors)
    np.testing.assert_allclose(mean, [[0.7, 0.2]])
    np.testing.assert_allclose(variance, 0.04)
