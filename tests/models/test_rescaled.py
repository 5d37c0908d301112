"""Counts at another mean: the mean asked for, whole numbers, and nothing from nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.models.rescaled import rescaled


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.9, 1.0, 1.1, 2.0, 7.5])
def test_the_mean_is_the_ratio_times_the_mean(ratio: float) -> None:
    rng = np.random.default_rng(1)
    mean = np.array([[0.1], [1.0], [12.0]])
    counts = rng.negative_binomial(mean, 0.5, (3, 60_000))
    drawn = rescaled(counts, mean, np.full((3, 1), ratio), rng)
    error = drawn.std(axis=1) / np.sqrt(60_000) + ratio * counts.std(axis=1) / np.sqrt(60_000)
    assert (np.abs(drawn.mean(axis=1) - ratio * mean[:, 0]) <= 4 * error).all()


def test_half_of_what_is_added_goes_to_everybody() -> None:
    rng = np.random.default_rng(2)
    counts = np.tile([0, 4], (1, 50_000))  # mean 2; at twice the mean 2 more: 1 and 3
    drawn = rescaled(counts, np.full((1, 1), 2.0), np.full((1, 1), 2.0), rng)
    assert drawn[:, ::2].mean() == pytest.approx(1.0, abs=0.02)
    assert drawn[:, 1::2].mean() == pytest.approx(7.0, abs=0.04)
    assert (drawn >= counts).all()


@given(st.integers(0, 2**16), st.floats(0, 4))
@settings(max_examples=40, deadline=None)
def test_fewer_are_thinned_and_more_are_added(seed: int, ratio: float) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.5, (4, 30))
    before = counts.copy()
    each = np.where(rng.random(counts.shape) < 0.5, ratio, 1.0)
    drawn = rescaled(counts, np.full((4, 1), 1.5), each, rng)
    np.testing.assert_array_equal(counts, before)
    assert drawn.dtype == counts.dtype
    assert (drawn >= 0).all()
    np.testing.assert_array_equal(drawn[each == 1.0], counts[each == 1.0])
    assert (drawn <= counts)[each < 1].all()
    assert (drawn >= counts)[each > 1].all()


def test_nobody_expected_stays_nobody() -> None:
    rng = np.random.default_rng(0)
    nothing = np.zeros((2, 50), dtype=np.int64)
    assert not rescaled(nothing, np.zeros((2, 1)), np.full((2, 1), 3.0), rng).any()


def test_next_to_nothing_grows_without_bursts() -> None:
    rng = np.random.default_rng(3)
    counts = (rng.random((1, 200_000)) < 1e-4).astype(np.int64)
    drawn = rescaled(counts, np.full((1, 1), 1e-4), np.full((1, 1), 3000.0), rng)
    assert drawn.mean() == pytest.approx(0.3, rel=0.02)
    assert drawn.max() < 10
