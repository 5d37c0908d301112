"""Analogues: bins, expectations kept, and futures that look like the past."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.spread import Shares


def past(seed: int = 0, customers: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.gamma(0.7, 2.0, customers)
    bought = rng.poisson(score * rng.gamma(2.0, 0.5, customers)).astype(float)
    return score, bought, bought * rng.lognormal(3.0, 0.8, customers)


def one_period(customers: int) -> Shares:
    return Shares(np.ones((1, 1)), np.zeros(customers, dtype=np.int64))


def draws_of(
    analogues: Analogues, purchases: np.ndarray, value: np.ndarray | None, draws: int = 20_000
) -> tuple[np.ndarray, np.ndarray | None]:
    sampler = AnalogueDraws(analogues, purchases, value, one_period(len(purchases)), draws, 7)
    blocks = list(sampler.blocks())
    values = None if value is None else np.concatenate([block.value for block in blocks])
    return np.concatenate([block.purchases for block in blocks]), values


def test_draws_are_outcomes_of_the_own_bin() -> None:
    # 50 customers of score 1 who bought 0 or 2 for 10 each, 50 of score 5 who bought 4 or 6
    score = np.repeat([1.0, 5.0], 50)
    bought = np.concatenate([np.repeat([0.0, 2.0], 25), np.repeat([4.0, 6.0], 25)])
    analogues = Analogues.learn(score, bought, bought * np.where(score == 1, 10.0, 3.0))
    np.testing.assert_array_equal(analogues.edges, [5.0])
    counts, value = draws_of(analogues, np.array([1.0, 5.0]), np.array([10.0, 15.0]))
    assert set(np.unique(counts[0])) == {0, 2}
    assert set(np.unique(counts[1])) == {4, 6}
    assert value is not None
    np.testing.assert_allclose(value, counts * np.array([[10.0], [3.0]]))


def test_mean_is_each_customers_expectation() -> None:
    analogues = Analogues.learn(*past())
    purchases = np.array([0.0, 0.01, 0.3, 1.7, 6.0, 40.0])
    value = purchases * np.array([0.0, 5.0, 20.0, 30.0, 8.0, 11.0])
    counts, drawn = draws_of(analogues, purchases, value)
    assert drawn is not None
    for got, wanted in ((counts, purchases), (drawn, value)):
        error = got.std(axis=1) / np.sqrt(got.shape[1])
        assert (np.abs(got.mean(axis=1) - wanted) <= 4.5 * error + 1e-12).all()
    active = analogues.p_active(purchases, purchases)
    np.testing.assert_allclose((counts > 0).mean(axis=1), active, atol=0.015)


@given(st.integers(0, 2**16), st.integers(1, 400), st.floats(0.01, 30.0))
@settings(max_examples=40, deadline=None)
def test_bins_hold_enough_and_cover_every_score(seed: int, customers: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    score = np.round(rng.gamma(0.5, rate, customers), 1)  # many ties
    bought = rng.poisson(np.minimum(score, 5.0)).astype(float)
    analogues = Analogues.learn(score, bought, None)
    sizes = np.diff(analogues.starts)
    assert (sizes > 0).all()
    if bought.any():
        assert sizes.sum() == customers
        assert len(sizes) == 1 or sizes.min() >= 50
        assert (np.diff(analogues.edges) > 0).all()
        placed = np.bincount(analogues.bins(score), minlength=len(sizes))
        np.testing.assert_array_equal(placed, sizes)
    assert (analogues.mean(analogues.purchases) > 0).all()
    chance = analogues.p_active(score, score)
    assert ((chance >= 0) & (chance <= 1)).all()


def test_who_is_who_does_not_matter() -> None:
    score, bought, value = past(3, 300)
    order = np.random.default_rng(1).permutation(300)
    a, b = Analogues.learn(score, bought, value), Analogues.learn(
        score[order], bought[order], value[order]
    )  # fmt: skip
    np.testing.assert_array_equal(a.purchases, b.purchases)
    assert a.order_value is not None
    np.testing.assert_array_equal(a.order_value, b.order_value)


def test_a_past_without_purchases_gives_poisson_like_futures() -> None:
    analogues = Analogues.learn(np.arange(60.0), np.zeros(60), np.zeros(60))
    counts, value = draws_of(analogues, np.array([0.5]), np.array([4.0]))
    assert value is not None
    assert counts.mean() == pytest.approx(0.5, abs=0.03)
    assert value.mean() == pytest.approx(4.0, abs=0.25)
    assert counts.var() == pytest.approx(0.5, rel=0.1)


def test_free_purchases_in_a_bin_do_not_lose_the_value() -> None:
    analogues = Analogues.learn(np.zeros(60), np.ones(60), np.zeros(60))
    counts, value = draws_of(analogues, np.array([1.0]), np.array([3.0]), draws=10)
    assert value is not None
    np.testing.assert_allclose(value, 3.0 * counts)


def test_blocks_are_small_and_in_order() -> None:
    analogues = Analogues.learn(*past())
    sampler = AnalogueDraws(analogues, np.full(5000, 0.4), None, one_period(5000), 100, 0)
    rows = [block.rows for block in sampler.blocks()]
    assert [each.start for each in rows] == [0, *[each.stop for each in rows[:-1]]]
    assert rows[-1].stop == 5000
    assert max(each.stop - each.start for each in rows) <= 2048
