"""NBD: values by hand, its counts, and the limit of one rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from forecast.processes import NBD


def test_values_by_hand():
    nbd = NBD(2.0, 3.0)
    history = (1, 4.0, 5.0)
    # rate ~ Gamma(3, 8)
    assert nbd.expected_purchases(16, *history) == pytest.approx(6.0)
    assert nbd.p_active(8.0, *history) == pytest.approx(1 - 0.5**3)
    assert nbd.pmf(2, 8.0, *history) == pytest.approx(6 * 0.5**5)
    assert nbd.next_purchase_quantile(1 - 0.5**3, *history) == pytest.approx(8.0)
    assert nbd.next_purchase_quantile(1.0, *history) == np.inf
    assert nbd.dert(0.1, *history) == pytest.approx(3.75)
    assert nbd.p_alive(*history) == nbd.p_alive_at(9, *history) == 1.0
    # Gamma(3)/Gamma(2) 3^2 / 8^3
    assert nbd.log_likelihood(*history) == pytest.approx(np.log(18 / 512))
    assert nbd.pmf(2, 8.0, *history, start=5.0) == nbd.pmf(2, 8.0, *history)
    assert nbd.p_alive(np.zeros(4), 0.0, np.zeros((3, 1))).shape == (3, 4)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 20), st.floats(0.1, 50), st.integers(0, 50), st.floats(0.5, 100))
def test_counts_are_negative_binomial(r, alpha, x, age):
    n = np.arange(50)
    pmf = NBD(r, alpha).pmf(n, 10.0, x, age, age)
    right = nbinom.pmf(n, r + x, (alpha + age) / (alpha + age + 10.0))
    np.testing.assert_allclose(pmf, right, rtol=1e-9, atol=1e-290)


def test_one_rate_is_named():
    age = np.full(2000, 30.0)
    x, tx = NBD(1e6, 5e6).simulate_customers(age, rng=np.random.default_rng(1))
    fit = NBD.fit(x, tx, age)
    assert fit.limit == "Poisson: one purchase rate"
    assert fit.params["r"] / fit.params["alpha"] == pytest.approx(0.2, rel=0.05)
    posterior = fit.posterior(draws=200, seed=1)
    assert np.all(np.isfinite(posterior.draws))
