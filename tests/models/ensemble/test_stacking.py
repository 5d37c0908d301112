"""Learned shares: shares at all times, right where one member is, and blind to level and order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.models.ensemble.stacking import learned_shares

Array = np.ndarray


def case(seed: int, members: int = 3, customers: int = 200) -> tuple[list[Array], list[Array]]:
    rng = np.random.default_rng(seed)
    predictions, actuals = [], []
    for _ in range(2):
        mean = rng.gamma(0.5, 2.0, customers)
        noise = rng.lognormal(0.0, np.linspace(0.1, 1.5, members), (customers, members))
        predictions.append(mean[:, None] * noise)
        actuals.append(rng.poisson(mean).astype(float))
    return predictions, actuals


@given(st.integers(0, 2**16), st.integers(1, 5), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_they_are_shares_between_the_prior_and_the_learned(
    seed: int, members: int, trust: float
) -> None:
    predictions, actuals = case(seed, members, 60)
    prior = np.random.default_rng(seed).dirichlet(np.ones(members))
    shares = learned_shares(predictions, actuals, prior, trust)
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= (1 - trust) * prior - 1e-12).all()
    full = learned_shares(predictions, actuals, prior, 1.0)
    np.testing.assert_allclose(shares, (1 - trust) * prior + trust * full, atol=1e-12)


def test_no_trust_or_nothing_to_learn_from_leaves_the_prior() -> None:
    predictions, actuals = case(0)
    prior = np.array([0.2, 0.3, 0.5])
    np.testing.assert_array_equal(learned_shares(predictions, actuals, prior, 0.0), prior)
    np.testing.assert_array_equal(learned_shares([], [], prior, 1.0), prior)
    nobody = [np.zeros_like(each) for each in actuals]
    np.testing.assert_array_equal(learned_shares(predictions, nobody, prior, 1.0), prior)
    mute = [rows * [1.0, 0.0, 1.0] for rows in predictions]
    np.testing.assert_array_equal(learned_shares(mute, actuals, prior, 1.0), prior)


def test_the_best_mixture_of_two_is_found() -> None:
    # the truth is .7 of one and .3 of the other, which are as different as can be
    one, other = np.tile([1.0, 3.0], 500), np.repeat([1.0, 3.0], 500)
    truth = 0.7 * one + 0.3 * other
    shares = learned_shares([np.column_stack([one, other])], [truth], np.full(2, 0.5), 1.0)
    np.testing.assert_allclose(shares, [0.7, 0.3], atol=0.02)


@given(st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_level_unit_and_order_do_not_matter(seed: int) -> None:
    predictions, actuals = case(seed, customers=80)
    rng = np.random.default_rng(seed)
    prior = np.full(3, 1 / 3)
    shares = learned_shares(predictions, actuals, prior, 0.8)
    levelled = [rows * rng.lognormal(0, 1, 3) for rows in predictions]
    np.testing.assert_allclose(learned_shares(levelled, actuals, prior, 0.8), shares, atol=1e-8)
    cents = [100 * rows for rows in predictions], [100 * seen for seen in actuals]
    np.testing.assert_allclose(learned_shares(*cents, prior, 0.8), shares, atol=1e-8)
    order = rng.permutation(80)
    shuffled = [rows[order] for rows in predictions], [seen[order] for seen in actuals]
    np.testing.assert_allclose(learned_shares(*shuffled, prior, 0.8), shares, atol=1e-8)
    turned = [rows[:, ::-1] for rows in predictions]
    np.testing.assert_allclose(learned_shares(turned, actuals, prior, 0.8), shares[::-1], atol=1e-8)


def test_the_less_noisy_member_gets_more() -> None:
    predictions, actuals = case(1, customers=5000)
    shares = learned_shares(predictions, actuals, np.full(3, 1 / 3), 1.0)
    assert shares[0] > 0.8


def test_in_sample_it_is_no_worse_than_the_prior() -> None:
    for seed in range(10):
        predictions, actuals = case(seed, 4)
        prior = np.full(4, 0.25)
        shares = learned_shares(predictions, actuals, prior, 0.5)
        learned, plain = (
            sum(  # every origin in units of what the prior misses there
                float(np.mean((levelled @ weights - seen) ** 2))
                / float(np.mean((levelled @ prior - seen) ** 2))
                for levelled, seen in zip(_levelled(predictions, actuals), actuals, strict=True)
            )
            for weights in (shares, prior)
        )
        assert learned < plain


def _levelled(predictions: list[Array], actuals: list[Array]) -> list[Array]:
    return [
        rows * (seen.sum() / rows.sum(0)) for rows, seen in zip(predictions, actuals, strict=True)
    ]
