"""Simulated futures against the closed forms, at four standard errors."""

import numpy as np
import pytest
from scipy.stats import chi2

from forecast.processes import BGNBD, MBGNBD

CELLS = 100_000
PARAMETERS = [(0.243, 4.414, 0.793, 2.426), (2.0, 3.0, 0.3, 0.5), (5.0, 20.0, 3.0, 20.0)]
HISTORIES = [(0, 0.0, 0.0), (2, 30.43, 38.86), (0, 0.0, 38.86)]


@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("history", HISTORIES)
def test_counts_follow_the_pmf(family, parameters, history):
    process, t = family(*parameters), 39.0
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


@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
def test_times_follow_the_counts_of_shorter_windows(family):
    process, rng = family(0.9, 4.0, 0.6, 1.5), np.random.default_rng(11)
    history = (3, 20.0, 25.0)
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


@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
def test_simulated_histories_are_those_of_the_process(family):
    process, rng = family(0.7, 4.0, 0.8, 2.4), np.random.default_rng(13)
    age = 30.0
    x, tx = process.simulate_customers(np.full(CELLS, age), rng=rng)
    assert np.all((tx > 0) == (x > 0))
    assert tx.max() <= age
    # P(alive) is a conditional probability, so its mean is the unconditional one
    alive = process.p_alive(x, tx, age)
    truth = float(process.p_alive_at(age))
    assert abs(alive.mean() - truth) < 4 * alive.std() / np.sqrt(CELLS)
    # and so is every conditional expectation
    ahead = process.expected_purchases(20.0, x, tx, age)
    rest = float(process.expected_purchases(age + 20.0) - process.expected_purchases(age))
    assert abs(ahead.mean() - rest) < 4 * ahead.std() / np.sqrt(CELLS)


def test_the_grid_is_sparse_ordered_and_seeded():
    draws = BGNBD(np.array([0.2, 0.3]), np.array([4.0, 5.0]), np.array([0.8, 0.7]), 2.4)
    x, tx, age = (
        np.array([[0.0], [5.0], [1.0]]),
        np.array([[0.0], [29], [3]]),
        np.full((3, 1), 30.0),
    )
    one = draws.simulate(26.0, x, tx, age, rng=np.random.default_rng(5))
    two = draws.simulate(26.0, x, tx, age, rng=np.random.default_rng(5))
    assert one.shape == (3, 2)
    assert np.all(np.diff(one.cell) > 0)
    np.testing.assert_array_equal(one.purchases(), two.purchases())
    assert one.purchases().sum() == one.count.sum()


def test_windows_may_differ_by_cell():
    t = np.array([0.0, 1.0, 100.0])[:, None]
    process = BGNBD(1.0, 5.0, 0.5, 2.0)
    future = process.simulate(t, rng=np.random.default_rng(3), size=(3, 20_000))
    mean = future.purchases().mean(axis=1)
    assert mean[0] == 0
    np.testing.assert_allclose(mean[1:], process.expected_purchases([1.0, 100.0]), rtol=0.05)


def test_vanishing_dropout_is_a_poisson_process():
    process = BGNBD(2.0, 4.0, 1e-7, 1.0)
    future = process.simulate(10.0, rng=np.random.default_rng(3), size=(20_000,))
    assert future.purchases().mean() == pytest.approx(5.0, rel=0.03)
