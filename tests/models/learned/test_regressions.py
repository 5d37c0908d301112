"""The regressions recover what made the data, stay in range, and do not mind the unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from forecast.models.learned.lesson import Learner
from forecast.models.learned.regressions import LEARNERS, hurdle, linear, poisson, regressor

Array = np.ndarray
ALL = [*LEARNERS.values(), regressor(LinearRegression())]


def data(seed: int, customers: int = 20_000) -> tuple[Array, Array, Array]:
    """Return features, some below 0 so that they are taken as they are; weights; and new rows."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0.0, 1.0, (customers, 2))
    return features, np.ones(customers), rng.normal(0.0, 0.8, (50, 2))


def test_poisson_recovers_its_coefficients() -> None:
    features, weight, today = data(0)
    mean = np.exp(-0.5 + features @ [0.6, -0.3])
    bought = np.random.default_rng(1).poisson(mean).astype(float)
    found = poisson(features, bought, weight)
    then, now = found.predict(features), found.predict(today)
    # slopes of the logarithm of the predictions; the penalty shrinks them a little
    slopes = np.linalg.lstsq(np.column_stack([np.ones(50), today]), np.log(now), rcond=None)[0]
    np.testing.assert_allclose(slopes, [-0.5, 0.6, -0.3], atol=0.03)
    assert then.mean() == pytest.approx(bought.mean(), rel=0.01)


def test_poisson_on_counts_is_a_power_law() -> None:
    rng = np.random.default_rng(2)
    counts = rng.geometric(0.3, (20_000, 1)).astype(float)
    bought = rng.poisson(0.4 * (1.0 + counts[:, 0]) ** 0.8).astype(float)
    today = np.array([[1.0], [3.0], [7.0]])
    now = poisson(counts, bought, np.ones(20_000)).predict(today)
    slope = np.diff(np.log(now)) / np.diff(np.log1p(today[:, 0]))
    np.testing.assert_allclose(slope, 0.8, atol=0.03)


def test_hurdle_recovers_chance_times_amount() -> None:
    features, weight, today = data(3)
    rng = np.random.default_rng(4)

    def chance(rows: Array) -> Array:
        return 1 / (1 + np.exp(0.3 - rows @ [1.0, 0.0]))

    def amount(rows: Array) -> Array:
        return np.exp(1.0 + rows @ [0.0, 0.5])

    buys = rng.random(len(features)) < chance(features)
    much = np.where(buys, rng.gamma(4.0, amount(features) / 4.0), 0.0)
    now = hurdle(features, much, weight).predict(today)
    np.testing.assert_allclose(now, chance(today) * amount(today), rtol=0.05, atol=0.04)


def test_hurdle_where_everybody_buys_and_beyond_what_was_seen() -> None:
    features = np.linspace(-1.0, 1.0, 400)[:, None]
    much = np.exp(3.0 * features[:, 0])
    found = hurdle(features, much, np.ones(400))
    then, now = found.predict(features), found.predict(np.array([[0.0], [50.0]]))
    assert then.min() > 0
    assert now[1] <= much.max()
    assert now[0] == pytest.approx(1.0, rel=0.1)


def test_linear_recovers_its_coefficients() -> None:
    features, weight, today = data(5)
    wanted = np.array([0.7, -0.2])
    noise = np.random.default_rng(6).normal(0.0, 1.0, len(features))
    now = linear(features, 5.0 + features @ wanted + noise, weight).predict(today)
    slopes = np.linalg.lstsq(np.column_stack([np.ones(50), today]), now, rcond=None)[0]
    np.testing.assert_allclose(slopes, [5.0, *wanted], atol=0.03)


@pytest.mark.parametrize("learner", ALL, ids=[*LEARNERS, "any"])
def test_weights_are_repetitions(learner: Learner) -> None:
    features, _, today = data(7, 300)
    rng = np.random.default_rng(8)
    target = rng.poisson(1.0 + (features[:, 0] > 0)).astype(float)
    times = rng.integers(1, 4, 300)
    features[:, 1] = 0.0  # standardising takes each row once, so a symmetric feature is left
    features[:, 0] = np.sign(features[:, 0])
    weighed = learner(features, target, times.astype(float)).predict(today)
    again = np.repeat(np.arange(300), times)
    repeated = learner(features[again], target[again], np.ones(len(again))).predict(today)
    np.testing.assert_allclose(weighed, repeated, rtol=0.03)


@given(st.integers(0, 2**16), st.sampled_from(range(len(ALL))))
@settings(max_examples=30, deadline=None)
def test_predictions_are_above_zero_and_finite(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    features = np.column_stack(
        [rng.poisson(1.0, 80), rng.lognormal(3, 2, 80), np.full(80, 7.0), rng.normal(size=80)]
    )
    target = rng.poisson(0.7, 80).astype(float)
    target[0] = 1.0
    today = np.column_stack([rng.integers(0, 500, 20), rng.lognormal(9, 3, 20),
                             rng.normal(size=20), rng.normal(0, 50, 20)])  # fmt: skip
    found = ALL[number](features, target, np.ones(80))
    then, now = found.predict(features), found.predict(today)
    for rows in (then, now):
        assert np.isfinite(rows).all()
        assert (rows > 0).all()


@pytest.mark.parametrize("learner", ALL, ids=[*LEARNERS, "any"])
def test_features_beyond_the_past_count_as_its_edge(learner: Learner) -> None:
    features, weight, _ = data(9, 500)
    features = np.abs(features)
    target = np.random.default_rng(0).poisson(1 + features[:, 0]).astype(float)
    top = features.max(axis=0)
    at, beyond = learner(features, target, weight).predict(np.stack([top, top * 100]))
    assert at == pytest.approx(beyond)


@pytest.mark.parametrize("learner", ALL, ids=[*LEARNERS, "any"])
def test_a_constant_feature_is_no_feature(learner: Learner) -> None:
    features, weight, today = data(10, 500)
    target = np.random.default_rng(0).poisson(np.exp(features[:, 0] / 2)).astype(float)
    same = np.full(500, 0.1 + 0.2)
    wider = learner(np.column_stack([features, same]), target, weight).predict(
        np.column_stack([today, np.full(50, 99.0)])
    )
    np.testing.assert_allclose(wider, learner(features, target, weight).predict(today), rtol=1e-6)


def test_any_regressor_is_cloned_and_need_not_weigh() -> None:
    features, weight, today = data(11, 100)
    target = np.arange(100.0)
    mine = DummyRegressor()
    assert regressor(mine)(features, target, weight).predict(today) == pytest.approx(49.5)
    assert not hasattr(mine, "constant_")
    near = regressor(KNeighborsRegressor(1))(features, target, weight).predict(features[:3])
    np.testing.assert_allclose(near, [1e-9, 1.0, 2.0])
