"""Pooled draws: the ensemble's means, whatever the members; levels as wide as said; one seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.draws import Draws, Sampler, Split
from forecast.models.ensemble.pooled_draws import Part, PooledDraws, draws_of
from forecast.models.spread import Shares

Array = np.ndarray
SIZE = 7


@dataclass(frozen=True)
class Known:
    """Counts and values at hand, in blocks of any size."""

    counts: Array
    value: Array | None
    step: int

    @property
    def draws(self) -> int:
        return self.counts.shape[1]

    def blocks(self) -> Iterator[Draws]:
        for start in range(0, len(self.counts), self.step):
            rows = slice(start, min(start + self.step, len(self.counts)))
            value = None if self.value is None else self.value[rows]
            yield Draws(rows, self.counts[rows], value, _never)


def _never() -> Split:
    raise AssertionError("an ensemble spreads its purchases itself")


def member(
    mean: Array, draws: int, step: int, seed: int, worth: Callable[[Array], Array] | None = None
) -> Part:
    """Negative binomial counts; ``worth`` gives the value of a purchase from the count."""
    rng = np.random.default_rng(seed)
    dispersion = 1.0
    counts = rng.poisson(rng.gamma(dispersion, 1.0, (len(mean), draws)) * mean[:, None])
    if worth is None:
        return Part(Known(counts, None, step), mean, None)
    value = counts * worth(counts)
    # the member's own expectation is that of its draws, so nothing but pooling is under test
    return Part(Known(counts, value, step), counts.mean(axis=1), value.mean(axis=1))


def pooled(
    parts: list[Part], purchases: Array, value: Array | None = None, *, spread: float = 0.0,
    cohort_spread: float = 0.0, customer_spread: float = 0.0, value_spread: float = 0.0,
    cohort: Array | None = None, periods: int = 1, seed: int = 3,
) -> PooledDraws:  # fmt: skip
    size = len(purchases)
    shares = Shares(np.full((1, periods), 1 / periods), np.zeros(size, dtype=np.int64))
    cohort = np.zeros(size, dtype=np.int64) if cohort is None else cohort
    return PooledDraws(
        parts, purchases, value, cohort, spread, cohort_spread, customer_spread, value_spread,
        shares, seed,
    )  # fmt: skip


def all_of(sampler: Sampler) -> tuple[Array, Array | None]:
    blocks = list(sampler.blocks())
    at = 0
    for block in blocks:
        assert block.rows.start == at
        at = block.rows.stop
    counts = np.concatenate([block.purchases for block in blocks])
    if blocks[0].value is None:
        return counts, None
    return counts, np.concatenate([block.value for block in blocks])


def near(drawn: Array, wanted: Array, errors: float = 4.5) -> bool:
    error = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    return bool((np.abs(drawn.mean(axis=1) - wanted) <= errors * error + 1e-12).all())


MEAN = np.array([0.05, 0.3, 1.0, 2.0, 4.0, 0.7, 9.0])
WANTED = np.array([0.1, 0.1, 1.0, 5.0, 3.0, 0.7, 9.0])


@pytest.mark.parametrize(
    "worth", [lambda n: 10.0 + 0.0 * n, lambda n: 5.0 + 3.0 * n], ids=["flat", "by count"]
)
def test_means_are_the_expectations(worth: Callable[[Array], Array]) -> None:
    parts = [
        member(MEAN, 30_000, 3, 0, worth),
        member(MEAN[::-1], 20_000, 2, 1, worth),
        member(MEAN * 2, 10_000, SIZE, 2, worth),
    ]
    value = WANTED * np.arange(1.0, 8.0)
    sampler = pooled(
        parts, WANTED, value, spread=0.2, cohort_spread=0.1, customer_spread=0.3, value_spread=0.1
    )
    assert sampler.draws == 60_000
    counts, drawn = all_of(sampler)
    assert counts.shape == (SIZE, 60_000)
    assert near(counts, WANTED)
    assert drawn is not None
    assert near(drawn, value)
    for start, stop in ((0, 30_000), (30_000, 50_000), (50_000, 60_000)):  # each member as well
        assert near(counts[:, start:stop], WANTED)
        assert near(drawn[:, start:stop], value)


def test_a_member_that_expects_nothing_of_somebody_still_keeps_his_mean() -> None:
    silent = MEAN * (np.arange(SIZE) != 3)
    parts = [member(silent, 20_000, SIZE, 0, lambda n: 10.0 + 0.0 * n),
             member(MEAN, 20_000, SIZE, 1, lambda n: 7.0 + 0.0 * n)]  # fmt: skip
    counts, drawn = all_of(pooled(parts, WANTED, WANTED * 4.0))
    assert near(counts, WANTED)
    assert drawn is not None
    assert near(drawn, WANTED * 4.0)
    nobody = np.where(np.arange(SIZE) == 3, 0.0, WANTED)
    counts, drawn = all_of(pooled(parts, nobody, nobody * 4.0))
    assert not counts[3].any()
    assert drawn is not None
    assert not drawn[3].any()


def test_at_the_members_own_means_and_without_spread_nothing_moves() -> None:
    part = member(MEAN, 50, 3, 0, lambda n: 5.0 + 3.0 * n)
    counts, drawn = all_of(pooled([part], part.purchases, part.value))
    known = part.sampler
    assert isinstance(known, Known)
    assert drawn is not None
    assert known.value is not None
    np.testing.assert_array_equal(counts, known.counts)
    np.testing.assert_allclose(drawn, known.value)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_blocks_of_any_size_replay_and_add_up_by_period(steps: list[int], seed: int) -> None:
    parts = [member(MEAN, 5, step, n, lambda n: 2.0 + n) for n, step in enumerate(steps)]
    sampler = pooled(parts, WANTED, WANTED * 3, spread=0.3, periods=4, seed=seed)
    counts, value = all_of(sampler)
    again = all_of(sampler)
    np.testing.assert_array_equal(counts, again[0])
    np.testing.assert_array_equal(value, again[1])
    assert counts.shape == (SIZE, 5 * len(steps))
    for block in sampler.blocks():
        split, twice = block.split(), block.split()
        np.testing.assert_array_equal(split.period, twice.period)
        size = block.purchases.size
        whole = np.bincount(split.cell, split.purchases, minlength=size)
        np.testing.assert_array_equal(whole, block.purchases.ravel())
        assert split.value is not None
        assert block.value is not None
        amounts = np.bincount(split.cell, split.value, minlength=size)
        np.testing.assert_allclose(amounts, block.value.ravel(), atol=1e-9)


def test_another_seed_gives_other_draws() -> None:
    parts = [member(MEAN, 40, 3, 0)]
    one, other = (all_of(pooled(parts, WANTED, seed=seed, spread=0.3))[0] for seed in (3, 4))
    assert (one != other).any()


class TestSpreads:
    """Customers who buy a thousand times each: their chance is gone, levels remain."""

    def totals(self, **spreads: float) -> tuple[Array, Array, Array]:
        rng = np.random.default_rng(0)
        counts = rng.poisson(1000.0, (40, 4000))
        part = Part(Known(counts, counts * 2.0, 11), np.full(40, 1000.0), np.full(40, 2000.0))
        cohort = np.repeat([0, 1], 20)
        sampler = pooled([part], part.purchases, part.value, cohort=cohort, **spreads)
        drawn, value = all_of(sampler)
        assert value is not None
        return np.log(drawn[:20].sum(0)), np.log(drawn[20:].sum(0)), np.log(value.sum(0))

    def test_a_shared_level_moves_all(self) -> None:
        one, other, value = self.totals(spread=0.2)
        assert one.std() == pytest.approx(0.2, rel=0.05)
        assert np.corrcoef(one, other)[0, 1] > 0.95
        assert value.std() == pytest.approx(0.2, rel=0.05)

    def test_cohorts_move_apart(self) -> None:
        one, other, value = self.totals(cohort_spread=0.2)
        assert one.std() == pytest.approx(0.2, rel=0.05)
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.06
        assert value.std() == pytest.approx(0.2 / np.sqrt(2), rel=0.06)

    def test_customers_move_apart(self) -> None:
        one, _, _ = self.totals(customer_spread=0.2)
        assert one.std() == pytest.approx(0.2 / np.sqrt(20), rel=0.12)

    def test_the_value_of_a_purchase_moves_value_alone(self) -> None:
        one, _, value = self.totals(value_spread=0.2)
        assert one.std() < 0.02
        assert value.std() == pytest.approx(0.2, rel=0.05)


def test_without_amounts_there_is_no_value() -> None:
    parts = [member(MEAN, 10, 3, 0), member(MEAN, 10, 2, 1)]
    assert all_of(pooled(parts, WANTED))[1] is None


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_every_draw_belongs_to_a_member(raw: list[float], draws: int) -> None:
    weights = np.array(raw) + 1e-9
    weights /= weights.sum()
    draws = 0 if draws == 1 else draws
    counts = draws_of(weights, draws)
    assert counts.sum() == draws
    assert (counts >= 0).all()
    assert (counts != 1).all()
    # a member gets its share to within a draw, and whatever shares too small for two leave over
    assert (counts <= np.ceil(weights * draws) + 2 * len(raw)).all()
    if draws * weights.min() >= 2:
        assert (np.abs(counts - weights * draws) < 1).all()
