"""Contractual retention: published numbers, mpmath, identities, all forms of data."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from forecast.errors import (
    BadRowsError,
    DataWarning,
    NotIdentifiedError,
    TooLittleDataError,
    UsageError,
)
from forecast.processes import ShiftedBetaGeometric
from forecast.processes.retention_counts import count_churned, count_customers, count_survivors
from forecast.processes.shifted_beta_geometric_likelihood import ShiftedBetaGeometricLikelihood

HERE = Path(__file__).parent
REFERENCE = tomllib.loads((HERE / "reference_discrete.toml").read_text())["sbg"]
ORACLE = np.load(HERE / "discrete_oracle.npz")
CURVES = {
    name: np.array(REFERENCE["curves"][name], dtype=float) for name in ("regular", "high_end")
}
positive = st.floats(0.1, 50.0)


@pytest.mark.parametrize("row", REFERENCE["fit"], ids=lambda r: f"{r['curve']}-{r['renewals']}")
def test_published_estimates(row):
    fit = ShiftedBetaGeometric.fit(CURVES[row["curve"]][: row["renewals"] + 1])
    assert fit.status == "converged"
    assert fit.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-4)
    for name, value in row["params"].items():
        assert fit.params[name] == pytest.approx(value, abs=2e-6), name
    if "survivors" in row:
        ahead = 1000 * fit.process.survival(np.arange(1, 13))
        np.testing.assert_allclose(ahead, row["survivors"], rtol=0, atol=0.05)


@pytest.mark.parametrize("row", REFERENCE["value"], ids=lambda row: str(row["at"]))
def test_published_lifetimes(row):
    process = ShiftedBetaGeometric(**row["at"])
    assert process.discounted_lifetime(0.1) == pytest.approx(row["lifetime"], abs=1e-6)
    residual = process.discounted_residual_lifetime(0.1, np.arange(len(row["residual"])))
    np.testing.assert_allclose(residual, row["residual"], rtol=0, atol=1e-6)


def test_published_cohort():
    process = ShiftedBetaGeometric(**REFERENCE["cohort"]["at"])
    left = 10_000 * process.survival(np.arange(5))
    np.testing.assert_allclose(left, REFERENCE["cohort"]["customers"], rtol=0, atol=0.5)


@pytest.mark.parametrize(
    "rows", [slice(0, 300), pytest.param(slice(300, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(rows):
    alpha, beta, renewals, t, rate = ORACLE["sbg_points"][rows].T
    process = ShiftedBetaGeometric(alpha, beta)
    got = {
        "survival": process.survival(t, renewals),
        "pmf": process.pmf(t, renewals),
        "tenure": process.expected_tenure(t, renewals),
        "DEL": process.discounted_lifetime(rate),
        "DERL": process.discounted_residual_lifetime(rate, renewals),
    }
    for (name, mine), right in zip(got.items(), ORACLE["sbg"][rows].T, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-8, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(positive, positive, st.integers(0, 40), st.integers(1, 300))
def test_the_parts_fit_together(alpha, beta, renewals, t):
    process, periods = ShiftedBetaGeometric(alpha, beta), np.arange(1, t + 1)
    lost, alive = process.pmf(periods, renewals), process.survival(periods, renewals)
    assert lost.sum() + alive[-1] == pytest.approx(1.0, abs=1e-11)
    rates = process.retention_rate(renewals + periods)
    np.testing.assert_allclose(np.cumprod(rates), alive, rtol=1e-10)
    begun = 1 + alive[:-1].sum()
    assert process.expected_tenure(t, renewals) == pytest.approx(begun, rel=1e-10)
    # renewing is evidence: S(renewals + t) = S(renewals) S(t | renewals)
    both = process.survival(renewals) * alive
    np.testing.assert_allclose(process.survival(renewals + periods), both, rtol=1e-10)
    total = process.log_likelihood(renewals + t, [True, False])
    after = np.log(process.survival(renewals + t) * [process.pmf(1, renewals + t), 1.0])
    np.testing.assert_allclose(total, after, rtol=1e-9, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(positive, positive, st.integers(0, 40), st.floats(0.02, 0.5))
def test_discounted_lifetimes_are_sums(alpha, beta, renewals, rate):
    process, t = ShiftedBetaGeometric(alpha, beta), np.arange(3000)
    ahead = (process.survival(t, renewals) * (1 + rate) ** -t)[1:].sum() * (1 + rate)
    derl = process.discounted_residual_lifetime(rate, renewals)
    assert derl == pytest.approx(ahead, rel=1e-9)
    new = process.discounted_residual_lifetime(rate)
    assert process.discounted_lifetime(rate) == pytest.approx(
        1 + float(new) / (1 + rate), rel=1e-12
    )


def test_endless_tenure():
    assert ShiftedBetaGeometric(3.0, 4.0).expected_tenure(np.inf) == pytest.approx(3.0)
    assert ShiftedBetaGeometric(1.0, 4.0).expected_tenure(np.inf) == np.inf
    # a = 1, where the closed form divides by 0: a harmonic sum
    harmonic = 4 * (1 / np.arange(4.0, 504.0)).sum()
    assert ShiftedBetaGeometric(1.0, 4.0).expected_tenure(500) == pytest.approx(harmonic, rel=1e-11)


@pytest.mark.parametrize("alpha", [1e-7, 1e-3, 1.0, 1e5, 1e7])
@pytest.mark.parametrize("beta", [1e-7, 1e-3, 1.0, 1e5, 1e7])
def test_extremes_stay_numbers(alpha, beta):
    process, t = ShiftedBetaGeometric(alpha, beta), np.array([1.0, 2.0, 300.0, 1e5])
    for renewals in (0, 50):
        for values in (process.survival(t, renewals), process.pmf(t, renewals)):
            assert np.all((values >= 0) & (values <= 1))
        tenure = process.expected_tenure(t, renewals)
        assert np.all((tenure >= 1) & (tenure <= t * (1 + 1e-12)))
        for rate in (1e-6, 0.1, 10.0):
            derl = process.discounted_residual_lifetime(rate, renewals)
            assert 0 <= derl <= (1 + rate) / rate * (1 + 1e-9)


@pytest.mark.parametrize("eta", [(-0.3, 0.2), (2.0, 3.0), (-4.0, 5.0), (10.0, 9.0)])
def test_derivatives_match_finite_differences(check_derivatives, eta):
    check_derivatives(count_survivors(CURVES["regular"])[0], eta)


def _same(one: ShiftedBetaGeometricLikelihood, two: ShiftedBetaGeometricLikelihood) -> None:
    np.testing.assert_allclose(one.lost, two.lost)
    np.testing.assert_allclose(one.kept, two.kept)
    assert one.n_customers == two.n_customers


def test_three_forms_of_the_same_data():
    curve = CURVES["high_end"][:8]
    lost = -np.diff(curve)
    survivors = count_survivors(curve)[0]
    _same(survivors, count_churned(lost, curve[-1]))
    renewals = np.append(np.arange(7), 7)
    gone = np.append(np.ones(7, dtype=bool), False)
    _same(survivors, count_customers(renewals, gone, np.append(lost, curve[-1])))
    counts = np.append(lost, curve[-1]).astype(int)
    _same(survivors, count_customers(np.repeat(renewals, counts), np.repeat(gone, counts), None))
    fit = ShiftedBetaGeometric.fit_customers(renewals, gone, weights=counts, unit="year")
    total = counts @ fit.process.log_likelihood(renewals, gone)
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fit.unit == "year"
    assert fit.n_customers == 1000
    other = ShiftedBetaGeometric.fit_churn(lost, curve[-1])
    assert other.params["beta"] == pytest.approx(fit.params["beta"], rel=1e-9)


def test_cohorts_of_different_age_add_up():
    truth, rng = ShiftedBetaGeometric(0.8, 3.0), np.random.default_rng(3)
    cohorts, renewals, gone = [], [], []
    for age in (1, 2, 5, 12):
        made, left = truth.simulate_customers(np.full(3000, age), rng=rng)
        cohorts.append([np.count_nonzero(made >= t) for t in range(age + 1)])
        renewals.append(made)
        gone.append(left)
    fit = ShiftedBetaGeometric.fit(cohorts)
    rows = np.concatenate(renewals), np.concatenate(gone)
    assert fit.log_likelihood == pytest.approx(fit.process.log_likelihood(*rows).sum(), abs=1e-7)
    assert fit.n_customers == 12_000
    for name, value in (("alpha", 0.8), ("beta", 3.0)):
        assert abs(fit.params[name] - value) < 4 * fit.standard_errors[name]
    retained = [each[-1] for each in cohorts]
    lost = [-np.diff(each) for each in cohorts]
    again = ShiftedBetaGeometric.fit_churn(lost, retained)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)


def test_weights_and_counts_scale():
    one, ten = (ShiftedBetaGeometric.fit(CURVES["regular"][:8] * k) for k in (1, 10))
    assert ten.params["alpha"] == pytest.approx(one.params["alpha"], rel=1e-7)
    assert ten.log_likelihood == pytest.approx(10 * one.log_likelihood, rel=1e-12)
    narrower = one.standard_errors["alpha"] / ten.standard_errors["alpha"]
    assert narrower == pytest.approx(np.sqrt(10), rel=1e-6)


@pytest.mark.parametrize(
    ("curve", "limit"),
    [
        (1000 * 0.8 ** np.arange(8), "geometric: constant churn, alpha, beta to infinity"),
        # retention that falls is no mixture at all; constant churn comes closest
        ([1000, 950, 850, 650, 300], "geometric: constant churn, alpha, beta to infinity"),
        ([1000, 700], "geometric: constant churn, alpha, beta to infinity"),
        ([1000, 400, 400, 400, 400], "leave in the first period or never: alpha, beta to 0"),
        ([1000, 0], "everyone leaves in the first period: beta to 0"),
        ([1000, 0, 0], "everyone leaves in the first period: beta to 0"),
    ],
)
def test_limits_are_named_and_usable(curve, limit):
    fit = ShiftedBetaGeometric.fit(curve)
    assert (fit.status, fit.limit) == ("limit", limit)
    first = float(fit.process.survival(1))
    if len(curve) == 2 or "geometric" not in limit or len(curve) == 8:
        assert first == pytest.approx(curve[1] / curve[0], abs=1e-3)
    posterior = fit.posterior(draws=100, seed=1)
    ahead = posterior.process(ShiftedBetaGeometric).survival(np.arange(20)[:, None])
    assert ahead.shape == (20, 100)
    assert np.all((ahead >= 0) & (ahead <= 1))


@pytest.mark.parametrize("seed", range(20))
def test_small_and_odd_data_never_fail(seed):
    rng = np.random.default_rng(seed)
    truth = ShiftedBetaGeometric(*np.exp(rng.normal(0, 3, 2)))
    renewals, gone = truth.simulate_customers(rng.integers(0, 9, 25), rng=rng)
    try:
        fit = ShiftedBetaGeometric.fit_customers(renewals, gone)
    except NotIdentifiedError:
        assert not gone.any()
        return
    assert fit.status in ("converged", "weak", "limit")
    assert np.isfinite(fit.log_likelihood)
    assert np.all(np.isfinite(fit.process.survival(np.arange(50))))


def test_ten_drug_curves():
    folder = os.environ.get("LTV_DATA")
    if folder is None:
        pytest.skip("LTV_DATA does not name the folder of development data")
    table = pd.read_parquet(Path(folder) / "drug_persistency.parquet")
    rising = {"ADHD": 1, "Hypertension": 3}
    fits = {}
    for name, curve in table.groupby("therapy"):
        patients = 10 * curve["value"].to_numpy()
        if name in rising:
            with pytest.warns(DataWarning, match=f"rises {rising[name]} times"):
                fits[name] = ShiftedBetaGeometric.fit(patients, unit="month")
            assert f"rose {rising[name]} times" in fits[name].message
        else:
            fits[name] = ShiftedBetaGeometric.fit(patients, unit="month")
        assert fits[name].status == "converged"
        away = fits[name].process.survival(curve["time_period"]) - curve["value"] / 100
        assert np.abs(away).max() < 0.08
    assert len(fits) == 10


def test_shipped_percentages_are_the_published_counts():
    folder = os.environ.get("LTV_DATA")
    if folder is None:
        pytest.skip("LTV_DATA does not name the folder of development data")
    table = pd.read_parquet(Path(folder) / "sbg_fader_hardie_retention.parquet")
    for name, curve in CURVES.items():
        np.testing.assert_allclose(10 * table[name], curve)


def test_rises_are_levelled_to_the_nearest_falling_curve():
    with pytest.warns(DataWarning, match="rises 1 times"):
        likelihood, rises = count_survivors([100.0, 60.0, 50.0, 58.0, 40.0])
    assert rises == 1
    np.testing.assert_allclose(likelihood.lost, [40.0, 6.0, 0.0, 14.0])
    np.testing.assert_allclose(likelihood.kept, [60.0, 54.0, 54.0, 40.0])


def test_refusals_by_name():
    fit = ShiftedBetaGeometric.fit
    with pytest.raises(NotIdentifiedError, match="None of 1,000 customers") as caught:
        fit([1000, 1000, 1000])
    assert caught.value.limit == "no churn"
    with pytest.raises(TooLittleDataError, match="counts, not shares"):
        fit([1.0, 0.63, 0.47])
    with pytest.raises(TooLittleDataError, match="No period"):
        fit([1000])
    with pytest.raises(TooLittleDataError):
        fit([])
    with pytest.raises(BadRowsError, match="negative"):
        fit([1000, -1, -2])
    with pytest.raises(BadRowsError, match="missing"):
        fit([[1000, 800], [1000, np.nan]])
    with pytest.raises(UsageError, match="curve a cohort"):
        fit(1000)
    with pytest.raises(UsageError, match="cohorts"):
        ShiftedBetaGeometric.fit_churn([[10, 5], [3]], 7)
    rows = np.arange(12) % 3
    with pytest.raises(BadRowsError, match="not whole"):
        ShiftedBetaGeometric.fit_customers(rows + 0.5, rows > 0)
    with pytest.raises(BadRowsError, match="other than 0 and 1"):
        ShiftedBetaGeometric.fit_customers(rows, rows)
    with pytest.raises(UsageError, match="length"):
        ShiftedBetaGeometric.fit_customers(rows, rows[:5])
    for wrong in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(UsageError, match="positive and finite"):
            ShiftedBetaGeometric(1.0, wrong)
    process = ShiftedBetaGeometric(1.0, 2.0)
    with pytest.raises(UsageError, match="whole"):
        process.survival(1.5)
    with pytest.raises(UsageError, match="at least 1"):
        process.pmf(0)
    with pytest.raises(UsageError, match="positive"):
        process.discounted_lifetime(0.0)


@pytest.mark.parametrize("renewals", [0, 6])
def test_simulation_follows_the_pmf(renewals):
    process, size = ShiftedBetaGeometric(0.7, 1.2), 100_000
    made = process.simulate(10, renewals, rng=np.random.default_rng(2), size=(size,))
    chance = np.append(process.pmf(np.arange(1, 11), renewals), process.survival(10, renewals))
    seen = np.bincount(made, minlength=11)
    distance = ((seen - size * chance) ** 2 / (size * chance)).sum()
    assert chi2.sf(distance, 10) > 1e-4


def test_posterior_gives_bands_for_survival():
    fit = ShiftedBetaGeometric.fit(CURVES["high_end"][:8])
    posterior = fit.posterior(draws=4000, seed=3)
    assert posterior.pareto_k < 0.5
    draws = posterior.process(ShiftedBetaGeometric).survival(np.arange(13)[:, None])
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    # the curve the estimate did not see
    unseen = CURVES["high_end"][8:] / 1000
    assert np.all((low[8:] < unseen) & (unseen < high[8:]))
    assert np.all(high[1:] - low[1:] < 0.1)
    spread = np.sqrt(np.diag(fit.covariance_log))
    np.testing.assert_allclose(posterior.log_draws.std(axis=0), spread, rtol=0.15)
    # the prior is weak
    weaker = replace(fit, prior=replace(fit.prior, sd=(20.0, 20.0))).posterior(4000, seed=3)
    moved = posterior.log_draws.mean(axis=0) - weaker.log_draws.mean(axis=0)
    assert np.all(np.abs(moved) < 0.1 * spread)
