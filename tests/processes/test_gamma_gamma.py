"""Gamma-Gamma: derivatives, invariances, predictive distribution, refusals, limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import BadRowsError, TooLittleDataError, UsageError
from forecast.processes import GammaGamma
from forecast.processes.gamma_gamma_likelihood import GammaGammaLikelihood

CDNOW = GammaGamma(p=6.25, q=3.74, v=15.44)


@pytest.fixture
def spend(histories):
    return histories("cdnow_spend")


@pytest.mark.parametrize("eta", [(1.8, 1.3, -0.5), (0.0, 0.0, 0.0), (-1.0, 2.0, 3.0)])
def test_derivatives_match_finite_differences(check_derivatives, spend, eta):
    check_derivatives(GammaGammaLikelihood.of(*spend), eta)


def test_compressed_likelihood_is_the_sum_over_customers(spend):
    fit = GammaGamma.fit(*spend)
    assert fit.log_likelihood == pytest.approx(fit.process.log_likelihood(*spend).sum(), abs=1e-8)
    assert fit.status == "converged"


def test_likelihood_is_a_density():
    node = np.linspace(-12, 12, 4001)
    density = np.exp(CDNOW.log_likelihood(3, np.exp(node)) + node)
    assert np.trapezoid(density, node) == pytest.approx(1.0, abs=1e-7)


def test_currency_and_weights_do_not_matter(spend):
    n, mean = spend
    euros, cents = GammaGamma.fit(n, mean), GammaGamma.fit(n, mean * 100, unit="cent")
    assert cents.unit == "cent"
    assert cents.params["p"] == pytest.approx(euros.params["p"], rel=1e-6)
    assert cents.params["v"] == pytest.approx(100 * euros.params["v"], rel=1e-6)
    change = n.size * np.log(100)
    assert cents.log_likelihood == pytest.approx(euros.log_likelihood - change, abs=1e-6)
    weight = np.arange(n.size) % 3
    weighted = GammaGamma.fit(n, mean, weights=weight)
    repeated = GammaGamma.fit(np.repeat(n, weight), np.repeat(mean, weight))
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-8)
    assert weighted.params["q"] == pytest.approx(repeated.params["q"], rel=1e-9)


positive = st.floats(0.5, 20.0)


@settings(max_examples=40, deadline=None)
@given(positive, positive, positive, st.integers(0, 20), positive)
def test_quantiles_invert_simulated_orders(p, q, v, n, mean):
    process, rng = GammaGamma(p, q, v), np.random.default_rng(1)
    scale = process.simulate_scale(np.full(4000, n), np.full(4000, mean), rng)
    for orders in (1, 5):
        total = process.simulate_total(orders, scale, rng)
        for level in (0.1, 0.5, 0.9):
            below = (total <= process.order_value_quantile(level, n, mean, orders=orders)).mean()
            assert abs(below - level) < 5 * np.sqrt(level * (1 - level) / 4000)


def test_mean_of_simulated_orders_is_the_expected_order_value():
    rng = np.random.default_rng(2)
    scale = CDNOW.simulate_scale(np.full(200_000, 3), np.full(200_000, 35.0), rng)
    total = CDNOW.simulate_total(4, scale, rng)
    error = total.std() / np.sqrt(total.size)
    assert abs(total.mean() - 4 * CDNOW.expected_order_value(3, 35.0)) < 4 * error
    assert np.all(CDNOW.simulate_total(0, scale, rng) == 0)


def test_an_infinite_mean_is_missing_and_a_quantile_is_not():
    heavy = GammaGamma(p=0.8, q=0.9, v=10.0)
    assert not heavy.has_mean
    assert CDNOW.has_mean
    np.testing.assert_array_equal(
        np.isnan(heavy.expected_order_value([0, 1], [0, 5])), [True, False]
    )
    assert np.isfinite(heavy.order_value_quantile(0.5))
    assert CDNOW.expected_order_value(0, np.nan) == CDNOW.expected_order_value()


def test_draws_broadcast_against_customers():
    draws = GammaGamma(np.array([6.0, 7.0]), np.array([3.0, 4.0]), 15.0)
    n, mean = np.array([[1.0], [2.0], [9.0]]), np.array([[20.0], [30.0], [10.0]])
    grid = draws.expected_order_value(n, mean)
    assert grid.shape == (3, 2)
    assert grid[2, 1] == pytest.approx(
        float(GammaGamma(7.0, 4.0, 15.0).expected_order_value(9, 10))
    )


def test_constant_spend_is_named():
    n = np.arange(50) % 5 + 1
    fit = GammaGamma.fit(n, np.full(50, 19.99))
    assert (fit.status, fit.limit) == ("limit", "constant spend")
    assert fit.process.expected_order_value(3, 19.99) == pytest.approx(19.99)
    assert fit.process.order_value_quantile(0.99, 3, 19.99) == pytest.approx(19.99, rel=0.01)
    assert np.isfinite(fit.log_likelihood)
    draws = fit.posterior(draws=20)
    assert draws.method == "constant"
    assert draws.draws.shape == (20, 3)
    assert GammaGamma.fit(n, np.full(50, 1e-3)).status == "limit"


def test_limits_of_spend_are_named():
    rng = np.random.default_rng(5)
    n = rng.integers(1, 8, 2000)
    same = rng.gamma(3.0 * n) / (3.0 * n) * 30
    assert GammaGamma.fit(n, same).limit == "one spend level for all: q, v to infinity"
    steady = 30 / rng.gamma(3.0, size=2000)
    fit = GammaGamma.fit(n, steady)
    assert fit.limit == "equal orders within a customer: p to infinity, v to 0"
    assert fit.params["q"] == pytest.approx(3.0, rel=0.1)
    assert fit.process.expected_order_value(4, 25.0) == pytest.approx(25.0, rel=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_small_and_odd_data_never_fail(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 4, 12)
    mean = np.round(np.exp(rng.normal(0, 10.0 ** rng.uniform(-4, 1), 12)), 8) + 1e-8
    fit = GammaGamma.fit(n, mean)
    assert fit.status in ("converged", "weak", "limit")
    assert np.isfinite(fit.log_likelihood)
    assert np.all(np.isfinite(fit.process.order_value_quantile([0.05, 0.5, 0.95])))


def test_bad_rows_are_refused_by_name():
    n, mean = np.full(20, 2.0), np.linspace(1, 20, 20)
    with pytest.raises(BadRowsError, match="positive"):
        GammaGamma.fit(n, mean - 1)
    with pytest.raises(BadRowsError, match="whole"):
        GammaGamma.fit(n - 0.5, mean)
    with pytest.raises(BadRowsError, match="missing"):
        GammaGamma.fit(n, np.where(mean > 5, mean, np.nan))
    with pytest.raises(TooLittleDataError, match="9 customers"):
        GammaGamma.fit(n[:9], mean[:9])
    with pytest.raises(UsageError, match="length"):
        GammaGamma.fit(n[:-1], mean)
    with pytest.raises(UsageError, match="p"):
        GammaGamma(-1.0, 1.0, 1.0)


def test_a_rehearsal_changes_nothing_but_the_time(monkeypatch):
    rng = np.random.default_rng(8)
    n = rng.integers(1, 12, 120_000)
    mean = rng.gamma(4.0 * n, 1 / (n * rng.gamma(3.0, 1 / 20, n.size)))
    fast = GammaGamma.fit(n, mean)
    rows = rng.permutation(n.size)
    shuffled = GammaGamma.fit(n[rows], mean[rows])
    assert GammaGammaLikelihood.of(n, mean).rehearsal() is not None
    monkeypatch.setattr(GammaGammaLikelihood, "rehearsal", lambda _: None)
    plain = GammaGamma.fit(n, mean)
    assert fast.status == plain.status == "converged"
    assert fast.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13)
    for other in (plain, shuffled):
        assert fast.params == pytest.approx(other.params, rel=1e-7)
    assert fast.params == pytest.approx({"p": 4.0, "q": 3.0, "v": 20.0}, rel=0.03)
