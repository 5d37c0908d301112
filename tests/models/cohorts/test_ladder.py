"""The chain ladder: marginal sums, credibility, scatter, and draws of its parameters."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.models.cohorts.age_curve import falling_tail, level_tail
from forecast.models.cohorts.ladder import Ladder

# development of three cohorts of 100, lower right unknown
EXPOSURE = np.array([[100.0, 100, 100], [100, 100, 0], [100, 0, 0]])
SEEN = np.array([[50.0, 40, 10], [70, 60, 0], [30, 0, 0]])


def ladder(seen=SEEN, exposure=EXPOSURE, credibility=0.0, **options) -> Ladder:  # type: ignore[no-untyped-def]
    settings = {"weight": np.full(len(seen), 100.0), "pooled": 3, "extend": falling_tail}
    return Ladder.fit(seen, exposure, credibility=credibility, **(settings | options))


def test_without_credibility_fitted_sums_are_the_observed_ones() -> None:
    # the Poisson chain ladder keeps both margins (Mack 1991)
    fitted = ladder().expected()
    np.testing.assert_allclose(fitted.sum(axis=1), SEEN.sum(axis=1), rtol=1e-3)
    np.testing.assert_allclose(fitted.sum(axis=0), SEEN.sum(axis=0), rtol=1e-3)


def test_development_factors_are_the_chain_ladders() -> None:
    found = ladder()
    cumulative = np.cumsum(found.rate(3))
    # volume-weighted link ratios of cumulative purchases
    assert cumulative[1] / cumulative[0] == pytest.approx((90 + 130) / (50 + 70), rel=1e-3)
    assert cumulative[2] / cumulative[1] == pytest.approx(100 / 90, rel=1e-3)


def test_young_cohorts_are_drawn_to_the_pool() -> None:
    own, shrunk, pooled = (ladder(credibility=k).level for k in (0.0, 100.0, 1e9))
    # the third cohort is the lowest and has seen least: it moves most, relative to the first
    assert own[2] < own[0] < own[1]
    apart, before = shrunk / shrunk[0], own / own[0]
    assert before[2] < apart[2] < 1
    assert 1 < apart[1] < before[1]
    assert np.log(apart[2]) / np.log(before[2]) < np.log(apart[1]) / np.log(before[1])
    np.testing.assert_allclose(pooled, 1, rtol=1e-6)


def test_amounts_are_a_mean_per_purchase() -> None:
    value = SEEN * np.array([[10.0], [20.0], [40.0]])
    found = ladder(value, SEEN, weight=SEEN.sum(axis=1), amounts=True, extend=level_tail)
    pooled = value.sum() / SEEN.sum()
    np.testing.assert_allclose(found.level, np.array([10, 20, 40]) / pooled, rtol=1e-3)
    np.testing.assert_allclose(found.rate(5), pooled, rtol=1e-3)


@pytest.mark.parametrize("scatter", [0.5, 1.0, 6.0])
def test_scatter_is_found(scatter: float) -> None:
    rng = np.random.default_rng(1)
    rate, level = np.linspace(0.6, 0.2, 20), rng.gamma(30, 1 / 30, 25)
    exposure = np.full((25, 20), 400.0)
    seen = scatter * rng.poisson(exposure * rate * level[:, None] / scatter)
    found = ladder(seen, exposure, weight=np.full(25, 400.0), pooled=20)
    assert found.scatter == pytest.approx(scatter, rel=0.2)


def test_scatter_of_amounts_is_that_of_one_purchase() -> None:
    rng = np.random.default_rng(2)
    count = rng.poisson(30, (25, 20)).astype(float)
    value = 12.0 * rng.gamma(count * 2) / 2  # orders Gamma(2): relative variance a half
    found = ladder(value, count, weight=count.sum(axis=1), pooled=20, amounts=True)
    assert found.scatter == pytest.approx(0.5, rel=0.2)


def test_draws_have_the_spread_of_the_estimates_over_repeated_samples() -> None:
    rng = np.random.default_rng(3)
    rate, level = np.array([0.5, 0.4, 0.3, 0.2, 0.1]), np.array([1.2, 1.0, 0.8])
    exposure = np.full((3, 5), 300.0)
    mean = exposure * rate * level[:, None]

    def sample() -> Ladder:
        seen = rng.poisson(mean).astype(float)
        return ladder(seen, exposure, weight=np.full(3, 300.0), pooled=5)

    fits = [sample() for _ in range(400)]
    product = np.array([(each.rate(5)[:, None] * each.level).ravel() for each in fits])
    known = Ladder.fit(
        mean, exposure, weight=np.full(3, 300.0), credibility=0.0, pooled=5, extend=falling_tail
    )
    known = replace(known, development=replace(known.development, scatter=1.0))
    rates, levels = known.draw(rng, 4000, 5)
    drawn = (rates[:, :, None] * levels[:, None, :]).reshape(4000, -1)
    np.testing.assert_allclose(drawn.mean(axis=0), product.mean(axis=0), rtol=0.03)
    np.testing.assert_allclose(drawn.std(axis=0), product.std(axis=0), rtol=0.25)


def test_a_cohort_that_has_done_nothing_is_as_unsure_as_the_prior() -> None:
    exposure = np.vstack([EXPOSURE, [0.0, 0, 0]])
    seen = np.vstack([SEEN, [0.0, 0, 0]])
    found = ladder(seen, exposure, credibility=25.0)
    _, levels = found.draw(np.random.default_rng(0), 4000, 3)
    spread = levels.std(axis=0) / levels.mean(axis=0)
    assert spread[3] == pytest.approx(1 / np.sqrt(25), rel=0.25)
    assert (spread[:2] < spread[3]).all()
    np.testing.assert_allclose(levels.mean(axis=1), 1)


def test_nothing_seen_at_all_gives_zeros() -> None:
    found = ladder(SEEN * 0, credibility=10.0)
    np.testing.assert_array_equal(found.rate(4), 0)
    rates, levels = found.draw(np.random.default_rng(0), 5, 4)
    assert np.isfinite(rates).all()
    assert np.isfinite(levels).all()


def test_a_cohort_that_is_not_known_finds_its_level_on_the_curve() -> None:
    seen, lived = np.array([[60.0, 30.0]]), np.array([[300.0, 300.0]])
    known = Ladder.fit(
        seen, lived, weight=np.full(1, 10.0), credibility=30.0, pooled=2, extend=falling_tail
    )
    more = Ladder.of(known.development, np.array([[120.0, 0.0]]), np.array([[300.0, 0.0]]),
                     np.ones(1))  # fmt: skip
    # the curve expects 60 of it and it has done 120: (120 + 30) / (60 + 30)
    np.testing.assert_allclose(more.level, [150 / 90])
    np.testing.assert_array_equal(more.rate(5), known.rate(5))
    again = Ladder.of(known.development, seen, lived, np.full(1, 10.0))
    np.testing.assert_array_equal(again.level, known.level)
