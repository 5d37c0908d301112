import numpy as np
import pytest

from forecast.backtest.bootstrap import (
    GROUPS,
    LossSums,
    customer_groups,
    paired_ratio,
    ratio_of,
    resample,
)
from forecast.errors import UsageError


def pairs(rng, customers, origins, *, season=0.0, people=0.0, overlap=1):
    """Losses of two models, equal but for a season by origin, a taste by customer, and noise.

    Overlapping windows share their season. The scores' true ratio is exp(season ** 2 / 8).
    """
    base = rng.gamma(0.8, 2, customers)[:, None]
    waves = rng.normal(0, season, origins + overlap - 1)
    waves = np.convolve(waves, np.full(overlap, overlap**-0.5), "valid")
    taste = np.exp(rng.normal(-(people**2) / 2, people, customers))[:, None]
    noise = rng.gamma(2, 0.5, (2, customers, origins))
    return base * noise[0] * taste * np.exp(waves), base * noise[1]


def flat(a, b):
    customers, origins = a.shape
    return {
        "loss_a": a.ravel(),
        "loss_b": b.ravel(),
        "customer": np.repeat(np.arange(customers), origins),
        "origin": np.tile(np.arange(origins), customers),
    }


def test_ratio_by_hand():
    # origins score 2 and 4 against 1 and 2; a mean of roots, not the root of a mean
    losses = {"loss_a": [4.0, 4, 16, 16], "loss_b": [1.0, 1, 4, 4], "origin": [0, 0, 1, 1]}
    found = paired_ratio(**losses)
    assert found.ratio == pytest.approx(2.0)
    assert (found.lo, found.hi) == pytest.approx((2.0, 2.0))
    assert not found.origins_resampled
    assert found.p_value < 0.01
    assert paired_ratio(**losses, root=False).ratio == pytest.approx(4.0)


def test_equal_models_do_not_differ():
    loss = np.random.default_rng(0).random(300)
    found = paired_ratio(loss, loss)
    assert (found.ratio, found.lo, found.hi, found.p_value) == (1.0, 1.0, 1.0, 1.0)


def test_a_perfect_model_and_a_perfect_reference():
    loss = np.random.default_rng(0).random(300) + 0.1
    assert paired_ratio(0 * loss, loss).hi < 1e-100
    assert paired_ratio(loss, 0 * loss).lo > 1e100


def test_rows_and_customers_in_any_order():
    rng = np.random.default_rng(1)
    given = flat(*pairs(rng, 200, 5, season=0.2))
    mixed = rng.permutation(1000)
    names = np.array([f"c{number}" for number in range(200)], dtype=object)
    given["customer"] = names[given["customer"]]
    here = paired_ratio(**given, replicates=200)
    there = paired_ratio(**{name: each[mixed] for name, each in given.items()}, replicates=200)
    for name in ("ratio", "lo", "hi", "p_value"):
        assert getattr(here, name) == pytest.approx(getattr(there, name), rel=1e-9)
    assert paired_ratio(**given, replicates=200, seed=1) != here


def test_groups_depend_on_the_name_alone():
    names = [f"customer {number}" for number in range(50_000)]
    groups = customer_groups(names)
    assert np.array_equal(customer_groups(names[::-1]), groups[::-1])
    held = np.bincount(groups, minlength=GROUPS)
    assert held.mean() == pytest.approx(50_000 / GROUPS)
    assert held.var() == pytest.approx(held.mean(), rel=0.15)  # as thrown at random
    assert len(set(customer_groups(np.arange(5000)))) > 2500


def test_groups_have_the_spread_of_single_customers():
    rng = np.random.default_rng(2)
    a, b = (each[:, 0] for each in pairs(rng, 30_000, 1, people=0.5))
    found = paired_ratio(a, b, customer=np.arange(30_000), replicates=2000)
    # delta method over single customers, for half the log ratio of two means
    influence = (a / a.mean() - b / b.mean()) / 2
    expected = 2 * 1.645 * influence.std() / np.sqrt(30_000)
    assert np.log(found.hi / found.lo) == pytest.approx(expected, rel=0.08)


def test_the_same_customers_at_more_origins_teach_less_than_others():
    rng = np.random.default_rng(3)
    given = flat(*pairs(rng, 400, 3, people=0.8))
    same = paired_ratio(**given)
    given["customer"] = np.arange(1200)
    others = paired_ratio(**given)
    assert np.log(same.hi / same.lo) > 1.2 * np.log(others.hi / others.lo)


def test_origins_count_only_when_windows_stand_apart():
    losses = np.ones((2, 9, GROUPS))
    for overlap, enough in ((1, True), (2, True), (3, False)):
        sums = LossSums(losses, np.ones((9, GROUPS)), True, overlap)
        found = resample(sums, replicates=100)
        assert (found.origins is not None) == enough == sums.enough_origins
    apart = np.random.default_rng(4).random((2, 8, GROUPS)) * np.linspace(1, 3, 8)[None, :, None]
    apart[0] *= np.array([1, 2] * 4)[:, None]
    wide, slim = (
        ratio_of(resample(LossSums(apart[:, :count], np.ones((count, GROUPS)), True)), 0, 1)
        for count in (8, 3)
    )
    assert np.log(wide.hi / wide.lo) > 4 * np.log(slim.hi / slim.lo)


def test_odd_losses_are_refused():
    for wrong in ([-1.0, 1], [np.nan, 1], [np.inf, 1]):
        with pytest.raises(UsageError, match="losses: 1 are missing, infinite or below 0"):
            paired_ratio(wrong, [1, 1])
    with pytest.raises(UsageError, match="replicates"):
        paired_ratio([1.0], [1.0], replicates=10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("origins", "season", "people", "overlap"),
    [(1, 0, 0.5, 1), (6, 0, 0.5, 1), (6, 0.1, 0, 1), (8, 0.3, 0.3, 1), (12, 0.2, 0.3, 2)],
)
def test_the_interval_covers_as_often_as_it_says(origins, season, people, overlap):
    rng = np.random.default_rng(origins)
    truth, hits, count = np.exp(season**2 / 8), 0, 250
    for seed in range(count):
        given = flat(*pairs(rng, 500, origins, season=season, people=people, overlap=overlap))
        found = paired_ratio(**given, overlap=overlap, replicates=300, seed=seed)
        hits += found.lo <= truth <= found.hi
    # two binomial standard errors are .038; few origins cost a little more
    assert 0.84 <= hits / count <= 0.95
