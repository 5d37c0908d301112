"""Simulated futures of every process in continuous time follow its formulas."""

import numpy as np
import pytest
from scipy.stats import chi2

from forecast.processes import BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD

CELLS = 100_000
AT_PURCHASE = [(0.243, 4.414, 0.793, 2.426), (2.0, 3.0, 0.3, 0.5), (5.0, 20.0, 3.0, 20.0)]
REGULAR = [(0.4, 3.0, 0.793, 2.426), (5.0, 8.0, 3.0, 20.0)]
COUNTED = [
    *(family(*values) for family in (BGNBD, MBGNBD) for values in AT_PURCHASE),
    *(family(3, *values) for family in (BGCNBD, MBGCNBD) for values in REGULAR),
    NBD(0.38, 12.0),
    ParetoNBD(0.55, 10.6, 0.6, 11.7),
    ParetoNBD(2.0, 3.0, 5.0, 40.0),
    ParetoNBD(5.0, 20.0, 0.1, 0.5),
]
TIMED = [
    BGNBD(0.9, 4.0, 0.6, 1.5),
    MBGNBD(0.9, 4.0, 0.6, 1.5),
    MBGCNBD(3, 1.9, 3.0, 0.6, 2.5),
    NBD(0.38, 12.0),
    ParetoNBD(0.55, 10.6, 0.6, 11.7),
    ParetoNBD(2.0, 3.0, 5.0, 40.0),
]
ACQUIRED = [
    BGNBD(0.7, 4.0, 0.8, 2.4),
    MBGNBD(0.7, 4.0, 0.8, 2.4),
    BGCNBD(3, 0.9, 1.5, 0.8, 2.4),
    MBGCNBD(3, 0.9, 1.5, 0.8, 2.4),
    NBD(0.38, 12.0),
    ParetoNBD(0.55, 10.6, 0.6, 11.7),
    ParetoNBD(2.0, 3.0, 5.0, 40.0),
]


@pytest.mark.parametrize("process", COUNTED, ids=str)
@pytest.mark.parametrize("history", [(0, 0.0, 0.0), (2, 30.43, 38.86), (0, 0.0, 38.86)])
def test_counts_follow_the_pmf(process, history):
    t = 39.0
    future = process.simulate(t, *history, rng=np.random.default_rng(7), size=(CELLS,))
    count = future.purchases()
    expected = float(process.expected_purchases(t, *history))
    assert abs(count.mean() - expected) < 4 * count.std() / np.sqrt(CELLS)
    chance = process.pmf(np.arange(12), t, *history)
    chance = np.append(chance, 1 - chance.sum()) * CELLS
    seen = np.bincount(np.minimum(count, 12), minlength=13)
    enough = chance > 10
    distance = ((seen - chance)[enough] ** 2 / chance[enough]).sum()
    assert chi2.sf(distance, max(1, enough.sum() - 1)) > 1e-4


@pytest.mark.parametrize("process", TIMED, ids=str)
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
    if isinstance(process, NBD | ParetoNBD):  # whose later windows have a formula
        late = np.bincount(future.cell[position[time > 10.0]], minlength=CELLS)
        none = float(process.pmf(0, 30.0, *history, start=10.0))
        assert abs((late == 0).mean() - none) < 4 * np.sqrt(none * (1 - none) / CELLS)


@pytest.mark.parametrize("process", ACQUIRED, ids=str)
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


@pytest.mark.parametrize(
    "draws",
    [
        BGNBD(np.array([0.2, 0.3]), np.array([4.0, 5.0]), np.array([0.8, 0.7]), 2.4),
        BGCNBD(3, np.array([0.2, 0.3]), np.array([4.0, 5.0]), np.array([0.8, 0.7]), 2.4),
        ParetoNBD(np.array([0.5, 0.6]), np.array([9.0, 11.0]), 0.6, np.array([8.0, 12.0])),
        NBD(np.array([0.5, 0.6]), 9.0),
    ],
    ids=lambda draws: type(draws).__name__,
)
def test_the_grid_is_sparse_ordered_and_seeded(draws):
    x, tx = np.array([[0.0], [5.0], [1.0]]), np.array([[0.0], [29], [3]])
    one, two = (
        draws.simulate(26.0, x, tx, np.full((3, 1), 30.0), rng=np.random.default_rng(5))
        for _ in range(2)
    )
    assert one.shape == (3, 2)
    assert np.all(np.diff(one.cell) > 0)
    np.testing.assert_array_equal(one.purchases(), two.purchases())
    assert one.purchases().sum() == one.count.sum()


@pytest.mark.parametrize("process", [*COUNTED, BGCNBD(1, 0.7, 4.0, 0.8, 2.4)], ids=str)
def test_one_customer_is_a_grid_without_an_axis(process):
    rng = np.random.default_rng(1)
    future = process.simulate(39.0, 2, 30.43, 38.86, rng=rng)
    row = process.simulate(39.0, 2, 30.43, 38.86, rng=np.random.default_rng(1), size=(1,))
    assert future.shape == future.purchases().shape == ()
    assert future.purchases() == row.purchases()[0]
    position, time = future.times(rng)
    assert position.size == time.size == future.purchases()
    x, tx = process.simulate_customers(30.0, rng=rng)
    assert x.shape == tx.shape == ()


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
