"""Groups that are off together: means, dependence inside a group, splits that add up."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from forecast.draws import Draws
from forecast.models.cohorts.shared_levels import SharedLevels, factors
from forecast.models.poisson_draws import PoissonDraws
from forecast.models.spread import Shares

SIZE, DRAWS = 300, 2000
SHARES = Shares(np.array([[0.25, 0.75]]), np.zeros(SIZE, dtype=np.int64))
GROUP = np.repeat([0, 1], SIZE // 2)


@dataclass
class Empty:
    draws: int = 10
    seed: int = 0

    def blocks(self) -> Iterator[Draws]:
        yield from ()


@pytest.fixture(scope="module")
def sampler() -> SharedLevels:
    rng = np.random.default_rng(0)
    level = factors(rng.gamma([16.0, 400.0], [1 / 16, 1 / 400], (DRAWS, 2)))
    worth = factors(level.T * rng.gamma(100, 0.01, (DRAWS, 2)))
    inner = PoissonDraws(np.full(SIZE, 0.8), np.full(SIZE, 5.0), SHARES, DRAWS, 1)
    return SharedLevels(inner, GROUP, level, worth, SHARES, 1)


def test_factors_have_mean_one_and_unknown_ones_stay() -> None:
    drawn = factors(np.array([[1.0, 0.0], [3.0, 0.0]]))
    np.testing.assert_array_equal(drawn, [[0.5, 1.5], [1, 1]])


def test_totals_move_with_their_factor(sampler: SharedLevels) -> None:
    (block,) = sampler.blocks()
    assert block.value is not None
    for group, sd in ((0, 0.25), (1, 0.05)):
        total = block.purchases[group == GROUP].sum(axis=0)
        expected = 0.8 * SIZE / 2
        assert total.mean() == pytest.approx(expected, rel=0.02)
        wanted = np.sqrt(1 / expected + sd**2)  # Poisson, and the level on top
        assert total.std() / total.mean() == pytest.approx(wanted, rel=0.1)
        assert np.corrcoef(total, sampler.purchases[group])[0, 1] > 0.4
        value = block.value[group == GROUP].sum(axis=0)
        assert value.mean() == pytest.approx(5 * expected, rel=0.02)
    assert (block.value[block.purchases == 0] == 0).all()


def test_split_adds_up_and_blocks_replay(sampler: SharedLevels) -> None:
    (one,), (two,) = sampler.blocks(), sampler.blocks()
    np.testing.assert_array_equal(one.purchases, two.purchases)
    split = one.split()
    whole = np.bincount(split.cell, split.purchases, one.purchases.size)
    np.testing.assert_array_equal(whole, one.purchases.ravel())
    assert one.value is not None
    assert split.value is not None
    np.testing.assert_allclose(
        np.bincount(split.cell, split.value, one.value.size), one.value.ravel()
    )
    assert sampler.draws == DRAWS


def test_without_amounts_there_is_no_value() -> None:
    inner = PoissonDraws(np.full(SIZE, 0.8), None, SHARES, 10, 1)
    (block,) = SharedLevels(inner, GROUP, np.ones((2, 10)), None, SHARES, 1).blocks()
    assert block.value is None
    plain = next(inner.blocks())
    np.testing.assert_array_equal(block.purchases, plain.purchases)  # a factor of 1 changes nothing


def test_nobody_gives_no_blocks() -> None:
    moved = SharedLevels(Empty(), GROUP, np.ones((2, 10)), None, SHARES, 1)
    assert list(moved.blocks()) == []
