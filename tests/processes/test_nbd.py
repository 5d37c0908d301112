"""NBD: identities by hand, futures of processes without and with dropout at any time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, nbinom

from forecast.errors import UsageError
from forecast.processes import NBD, ParetoNBD
from forecast.processes.histories import read_histories
from forecast.processes.nbd_likelihood import NBDLikelihood

CELLS = 100_000
FAMILY = [
    NBD(0.38, 12.0),
    ParetoNBD(0.55, 10.6, 0.6, 11.7),
    ParetoNBD(2.0, 3.0, 5.0, 40.0),
    ParetoNBD(5.0, 20.0, 0.1, 0.5),
]
HISTORIES = [(0, 0.0, 0.0), (2, 30.43, 38.86), (0, 0.0, 38.86)]


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


def test_refuses_what_is_not_a_process_or_a_rate():
    with pytest.raises(UsageError, match="alpha"):
        NBD(1.0, -1.0)
    with pytest.raises(UsageError, match="rate"):
        NBD(1.0, 1.0).dert(0.0)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 20), st.floats(0.1, 50), st.integers(0, 50), st.floats(0.5, 100))
def test_counts_are_negative_binomial(r, alpha, x, age):
    n = np.arange(50)
    pmf = NBD(r, alpha).pmf(n, 10.0, x, age, age)
    right = nbinom.pmf(n, r + x, (alpha + age) / (alpha + age + 10.0))
    np.testing.assert_allclose(pmf, right, rtol=1e-9, atol=1e-290)


def test_derivatives_match_finite_differences(cdnow):
    likelihood = NBDLikelihood.of(read_histories(*cdnow))
    point, moves = np.array([-0.8, 0.4]), 1e-5 * np.eye(2)
    _, gradient, hessian = likelihood.derivatives(point)
    slope = [(likelihood.value(point + m) - likelihood.value(point - m)) / 2e-5 for m in moves]
    np.testing.assert_allclose(gradient, slope, rtol=1e-6)
    change = [
        likelihood.derivatives(point + m)[1] - likelihood.derivatives(point - m)[1] for m in moves
    ]
    np.testing.assert_allclose(hessian, np.array(change) / 2e-5, rtol=1e-6)


def test_the_likelihood_is_the_sum_over_customers_and_one_rate_is_named(cdnow):
    fit = NBD.fit(*cdnow)
    total = NBD(**fit.params).log_likelihood(*cdnow).sum()
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    age = np.full(2000, 30.0)
    x, tx = NBD(1e6, 5e6).simulate_customers(age, rng=np.random.default_rng(1))
    fit = NBD.fit(x, tx, age)
    assert fit.limit == "Poisson: one purchase rate"
    assert fit.params["r"] / fit.params["alpha"] == pytest.approx(0.2, rel=0.05)
    posterior = fit.posterior(draws=200, seed=1)
    assert np.all(np.isfinite(posterior.draws))


@pytest.mark.parametrize("process", FAMILY, ids=str)
@pytest.mark.parametrize("history", HISTORIES)
def test_simulated_counts_follow_the_pmf(process, history):
    t = 39.0
    future = process.simulate(t, *history, rng=np.random.default_rng(7), size=(CELLS,))
    count = future.purchases()
    expected = float(process.expected_purchases(t, *history))
    assert abs(count.mean() - expected) < 4 * count.std() / np.sqrt(CELLS)
    n = np.arange(12)
    chance = process.pmf(n, t, *history)
    chance = np.append(chance, 1 - chance.sum()) * CELLS
    seen = np.bincount(np.minimum(count, 12), minlength=13)
    enough = chance > 10
    distance = ((seen - chance)[enough] ** 2 / chance[enough]).sum()
    assert chi2.sf(distance, max(1, enough.sum() - 1)) > 1e-4


@pytest.mark.parametrize("process", FAMILY[:3], ids=str)
def test_times_follow_the_counts_of_shorter_windows(process):
    rng, history = np.random.default_rng(11), (3, 20.0, 25.0)
    future = process.simulate(40.0, *history, rng=rng, size=(CELLS,))
    position, time = future.times(rng)
    np.testing.assert_array_equal(np.bincount(position, minlength=future.cell.size), future.count)
    assert np.all((time > 0) & (time <= 40))
    for part in (1.0, 10.0, 25.0):
        early = np.bincount(future.cell[position[time <= part]], minlength=CELLS)
        expected = float(process.expected_purchases(part, *history))
        assert abs(early.mean() - expected) < 4 * early.std() / np.sqrt(CELLS)
        three = float(process.pmf(3, part, *history))
        assert abs((early == 3).mean() - three) < 4 * np.sqrt(three / CELLS)
    # and of later ones
    late = np.bincount(future.cell[position[time > 10.0]], minlength=CELLS)
    none = float(process.pmf(0, 30.0, *history, start=10.0))
    assert abs((late == 0).mean() - none) < 4 * np.sqrt(none * (1 - none) / CELLS)


@pytest.mark.parametrize("process", FAMILY[:3], ids=str)
def test_simulated_histories_are_those_of_the_process(process):
    age = 30.0
    x, tx = process.simulate_customers(np.full(CELLS, age), rng=np.random.default_rng(13))
    assert np.all((tx > 0) == (x > 0))
    assert tx.max() <= age
    # P(alive) is a conditional probability, so its mean is the unconditional one
    alive = process.p_alive(x, tx, age)
    assert abs(alive.mean() - float(process.p_alive_at(age))) <= 4 * alive.std() / np.sqrt(CELLS)
    # and so is every conditional expectation
    ahead = process.expected_purchases(20.0, x, tx, age)
    rest = float(process.expected_purchases(age + 20.0) - process.expected_purchases(age))
    assert abs(ahead.mean() - rest) < 4 * ahead.std() / np.sqrt(CELLS)


def test_the_grid_is_sparse_ordered_and_seeded():
    draws = ParetoNBD(np.array([0.5, 0.6]), np.array([9.0, 11.0]), 0.6, np.array([8.0, 12.0]))
    x, tx = np.array([[0.0], [5.0], [1.0]]), np.array([[0.0], [29], [3]])
    one, two = (
        draws.simulate(
            26.0, x, tx, np.full((3, 1), 30.0), rng=np.random.default_rng(5), size=(3, 2)
        )
        for _ in range(2)
    )
    assert one.shape == (3, 2)
    assert np.all(np.diff(one.cell) > 0)
    np.testing.assert_array_equal(one.purchases(), two.purchases())
    assert one.purchases().sum() == one.count.sum()
