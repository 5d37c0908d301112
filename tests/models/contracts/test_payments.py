"""Payments: fees that never change, credibility, and totals drawn around the level."""

import numpy as np
import pytest

from forecast.models.contracts.payments import Payments


def simulated(within: float, between: float, seed: int) -> tuple[Payments, np.ndarray]:
    rng = np.random.default_rng(seed)
    level = 20 * rng.gamma(1 / between, between, 500)
    who = np.repeat(np.arange(500), rng.integers(1, 9, 500))
    value = level[who] * rng.gamma(1 / within, within, len(who))
    return Payments.learn(who, value, 500), level


def test_variances_are_found_and_levels_beat_own_means() -> None:
    found, level = simulated(0.3, 0.25, 0)
    assert found.within == pytest.approx(0.3, rel=0.15)
    off = found.level - level
    assert abs(off.mean()) < 0.05 * level.mean()
    # what it claims to be unsure of is what it is off by, and less than own means are
    claimed = np.sqrt((found.unsure * found.level**2).mean())
    assert claimed == pytest.approx(np.std(off), rel=0.15)


def test_customers_who_do_not_differ_share_one_level() -> None:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(2000), 3)
    found = Payments.learn(who, rng.gamma(2.0, 10.0, len(who)), 2000)
    assert np.ptp(found.level) < 0.2 * found.level.mean()


def test_a_fixed_fee_is_paid_exactly() -> None:
    fees = Payments.learn(np.array([0, 0, 1]), np.array([10.0, 10.0, 30.0]), 2)
    count = np.array([3, 2])
    drawn = fees.simulate(np.array([0, 1]), count, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, [30, 60])


def test_totals_have_the_mean_and_the_spread_of_both_layers() -> None:
    found, _ = simulated(0.3, 0.25, 2)
    who, count = np.zeros(40_000, dtype=np.int64), np.full(40_000, 4)
    drawn = found.simulate(who, count, np.random.default_rng(0))
    mean = 4 * found.level[0]
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    # (1 + unsure) (1 + within / 4) - 1
    square = (1 + found.unsure[0]) * (1 + found.within / 4) - 1
    assert drawn.std() / mean == pytest.approx(np.sqrt(square), rel=0.03)


def test_one_payment_each_leaves_the_variance_unknown_and_nothing_paid_is_nothing() -> None:
    once = Payments.learn(np.arange(3), np.array([5.0, 6.0, 7.0]), 3)
    np.testing.assert_array_equal(once.level, [5, 6, 7])
    free = Payments.learn(np.arange(3), np.zeros(3), 3)
    np.testing.assert_array_equal(free.level, 0)
    assert free.simulate(np.arange(3), np.ones(3, dtype=int), np.random.default_rng(0)).sum() == 0


def test_levels_are_drawn_to_what_was_learned() -> None:
    who, paid = np.array([0, 0, 1, 1]), np.array([8.0, 12.0, 24.0, 36.0])
    both = Payments.learn(who, paid, 2)
    alone = Payments.learn(who[:2], paid[:2], 1, both.pricing)
    np.testing.assert_allclose(alone.level, both.level[:1])
