import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_poisson_deviance, mean_tweedie_deviance

from forecast.backtest.accuracy import (
    absolute_errors,
    bias,
    capped_rmse,
    mae,
    poisson_deviance,
    poisson_deviances,
    rmse,
    squared_errors,
    tweedie_deviance,
    tweedie_deviances,
    wape,
)
from forecast.errors import UsageError

pairs = st.lists(
    st.tuples(st.just(0.0) | st.floats(0.01, 50), st.floats(0.01, 50)), min_size=1, max_size=30
)


def test_by_hand():
    actual, expected = [0, 1, 3], [1, 1, 1]
    assert rmse(actual, expected) == pytest.approx(np.sqrt(5 / 3))
    assert mae(actual, expected) == pytest.approx(1.0)
    assert wape(actual, expected) == pytest.approx(3 / 4)
    assert bias(actual, expected) == pytest.approx(-1 / 4)
    assert squared_errors(actual, expected).tolist() == [1, 0, 4]
    assert absolute_errors(actual, expected).tolist() == [1, 0, 2]


@given(pairs=pairs, power=st.floats(1.05, 1.95))
@settings(max_examples=60, deadline=None)
def test_deviances_equal_those_of_scikit_learn(pairs, power):
    actual, expected = np.array(pairs).T
    assert poisson_deviance(actual, expected) == pytest.approx(
        mean_poisson_deviance(actual, expected), rel=1e-9, abs=1e-9
    )
    assert tweedie_deviance(actual, expected, power) == pytest.approx(
        mean_tweedie_deviance(actual, expected, power=power), rel=1e-6, abs=1e-6
    )


def test_deviances_at_the_edge():
    for losses in (poisson_deviances, tweedie_deviances):
        # nothing foreseen and nothing came; something came; a forecast below 0
        assert losses([0, 1, 0], [0, 0, -0.1]).tolist() == [0, np.inf, np.inf]
        with pytest.raises(UsageError, match="1 numbers are below 0"):
            losses([-1, 2], [1, 2])
    for power in (1.0, 2.0, 3.0):
        with pytest.raises(UsageError, match="power"):
            tweedie_deviance([1], [1], power)


def test_the_mean_is_the_best_constant_for_rmse_and_deviances_but_not_for_mae():
    actual = np.random.default_rng(1).poisson(0.4, 500).astype(float)
    tried = np.linspace(0.05, 1.5, 146)
    for score in (rmse, poisson_deviance, tweedie_deviance):
        best = tried[np.argmin([score(actual, np.full(500, each)) for each in tried])]
        assert best == pytest.approx(actual.mean(), abs=0.01)
    assert mae(actual, np.zeros(500)) < mae(actual, np.full(500, actual.mean()))


def test_a_cap_takes_the_weight_of_one_customer():
    actual, expected = np.array([0.0, 10, 5000]), np.array([0.0, 12, 800])
    assert capped_rmse(actual, expected, cap=100) == pytest.approx(np.sqrt(4 / 3))
    assert capped_rmse(actual, expected, cap=1e9) == rmse(actual, expected)
    with pytest.raises(UsageError, match="cap"):
        capped_rmse(actual, expected, cap=0)
