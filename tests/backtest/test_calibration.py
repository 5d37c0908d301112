import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.backtest.calibration import (
    brier,
    brier_losses,
    calibration_table,
    coverage,
    decile_calibration_error,
    expected_calibration_error,
    interval_width,
    pit_coverage,
    reliability,
)
from forecast.draws import crps, ranks, smoothed
from forecast.errors import UsageError


def test_table_by_hand():
    actual, expected = [0, 0, 1, 2, 4, 1], [3, 1, 2, 2, 5, 4]
    # in order of the forecast: 1, 2, 2, 3, 4, 5 against 0, (1 + 2) / 2 twice, 0, 1, 4
    table = calibration_table(actual, expected, groups=3)
    assert table["n"].tolist() == [2, 2, 2]
    assert table["mean_expected"].tolist() == [1.5, 2.5, 4.5]
    assert table["mean_actual"].tolist() == [0.75, 0.75, 2.5]
    # fewer customers than groups: none is made up
    assert calibration_table([1, 2], [1, 2]).index.tolist() == [1, 6]


@given(seed=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_does_not_matter_even_with_ties(seed):
    rng = np.random.default_rng(seed)
    actual, expected = rng.poisson(1.0, 37), rng.integers(0, 4, 37) / 2
    mixed = rng.permutation(37)
    here, there = (
        calibration_table(actual[order], expected[order]) for order in (np.arange(37), mixed)
    )
    assert here.equals(there)
    assert (here["n"] * here["mean_actual"]).sum() == pytest.approx(actual.sum())


def test_decile_error_by_hand():
    actual = np.repeat([0.0, 1.0], 10)
    # ten groups of two: five expected .5 against 0, five against 1
    expected = np.linspace(0.499, 0.501, 20)
    assert decile_calibration_error(actual, expected) == pytest.approx(1.0, abs=2e-3)
    assert decile_calibration_error(actual, actual) == 0.0
    assert np.isnan(decile_calibration_error([0, 0], [1, 2]))


def test_brier_is_that_of_scoringrules():
    rng = np.random.default_rng(0)
    purchases, p = rng.poisson(0.5, 50), rng.random(50)
    reference = scoringrules.brier_score((purchases > 0).astype(float), p)
    np.testing.assert_allclose(brier_losses(purchases, p), reference)
    assert brier(purchases, p) == pytest.approx(reference.mean())
    with pytest.raises(UsageError, match="p_active: 1 of 2"):
        brier([0, 1], [0.5, 1.5])


def test_ece_finds_a_fault_that_cancels_in_the_mean():
    rng = np.random.default_rng(3)
    truth = rng.beta(0.5, 3, 40_000)
    active = rng.random(40_000) < truth
    flat = np.clip(truth.mean() + 0.5 * (truth - truth.mean()), 0, 1)
    assert flat.mean() == pytest.approx(active.mean(), abs=0.01)
    assert expected_calibration_error(active, truth) < 0.01
    assert expected_calibration_error(active, flat) > 0.05


def test_reliability_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(150):
        p = rng.beta(1, 4, 600)
        table = reliability(rng.random(600) < p, p)
        inside += list((table["lo_90"] <= table["mean_expected"])
                       & (table["mean_expected"] <= table["hi_90"]))  # fmt: skip
    assert np.mean(inside) == pytest.approx(0.9, abs=0.025)
    table = reliability([0] * 20, np.linspace(0, 0.1, 20))
    assert (table["lo_90"] == 0).all()
    assert (table["hi_90"] > 0.3).all()


def test_intervals_by_hand():
    assert coverage([0, 1, 3, 9], lo=[0, 2, 0, 0], hi=[0, 3, 3, 8]) == 0.5
    assert interval_width([0, 2, 0], [0, 3, 8]) == 3.0
    assert pit_coverage([0.05, 0.5, 0.96, 0.9]) == 0.5
    with pytest.raises(UsageError, match="hi: 2 of 2"):
        coverage([1, 2], [0, 0], [np.nan, np.nan])
    with pytest.raises(UsageError, match="pit: 1 of 2"):
        pit_coverage([0.5, 1.2])


def test_right_counts_cover_more_than_90_percent_but_not_by_pit():
    rng = np.random.default_rng(7)
    drawn = np.sort(rng.poisson(0.3, (20_000, 400)).astype(float), axis=1)
    seen = rng.poisson(0.3, 20_000).astype(float)
    lo, hi = np.quantile(drawn, [0.05, 0.95], axis=1, method="inverted_cdf")
    assert coverage(seen, lo, hi) > 0.95
    below, upto = ranks(drawn, seen)
    pit = below + rng.random(20_000) * (upto - below)
    assert pit_coverage(pit) == pytest.approx(0.9, abs=0.01)


def test_crps_of_draws_is_that_of_scoringrules():
    rng = np.random.default_rng(11)
    for drawn in (rng.poisson(1.0, (60, 50)), rng.gamma(0.3, 40, (60, 50))):
        seen = rng.permuted(drawn[:, 0]).astype(float)
        mine = crps(np.sort(drawn.astype(float), axis=1), seen)
        other = scoringrules.crps_ensemble(seen, drawn.astype(float), estimator="nrg")
        np.testing.assert_allclose(mine, other, atol=1e-12)


def test_log_score_of_draws_is_a_proper_probability():
    drawn = np.sort(np.random.default_rng(2).poisson(1.5, (1, 40)).astype(float), axis=1)
    counts = np.arange(400.0)
    share = (drawn == counts[:, None]).mean(axis=1)
    found = smoothed(np.repeat(drawn, 400, axis=0), counts, share)
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    # by hand: three of four draws are 0, one is 2; the geometric has mean 1.5
    few = np.array([[0.0, 0, 0, 2]])
    stop = 1 / 2.5
    assert smoothed(few, np.array([0.0]), np.array([0.75]))[0] == pytest.approx((3 + stop) / 5)
