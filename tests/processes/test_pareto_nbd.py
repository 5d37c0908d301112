"""Pareto/NBD: what is its own; what all processes share is tested with the others."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from forecast.processes import NBD, ParetoNBD
from forecast.processes.death_rate_prior import PARETO_NBD_PRIOR, DeathRatePrior
from forecast.processes.gauss_legendre import integrate
from forecast.processes.lomax_race import wins_race
from forecast.processes.newton import climb
from forecast.processes.pareto_nbd_likelihood import (
    row_derivatives,
    row_values,
)

REFERENCE = tomllib.loads(Path(__file__).with_name("reference_pareto_nbd.toml").read_text())
CDNOW = ParetoNBD(0.55327, 10.5778, 0.60602, 11.6639)


def test_cdnow_at_the_printed_estimate(cdnow):
    # the likelihood is flat in s and beta: at the maximum itself these move in the fourth digit
    assert CDNOW.p_alive(*cdnow).mean() == pytest.approx(0.446318, abs=1e-6)
    assert CDNOW.expected_purchases(39, *cdnow).sum() == pytest.approx(1665.688, abs=1e-3)
    assert CDNOW.dert(0.1, *cdnow).sum() == pytest.approx(469.9582, abs=2e-4)
    for row in REFERENCE["customer"]:
        history = [column[row["id"] - 1] for column in cdnow]
        assert CDNOW.p_alive(*history) == pytest.approx(row["p_alive"], abs=1e-6)
        assert CDNOW.expected_purchases(39, *history) == pytest.approx(row["expected"], abs=1e-6)
    first = [column[0] for column in cdnow]
    rates = np.array([np.log(1.1) / 52, 0.1, 0.0027])
    # values.md a3
    np.testing.assert_allclose(CDNOW.dert(rates, *first), [8.15900, 0.406805, 6.48427], rtol=1e-6)


def test_a_later_window_is_the_truth_and_not_what_btyd_gives():
    # values.md X1: quadrature and four million simulated customers
    process = ParetoNBD(0.55, 10.56, 0.61, 11.64)
    got = process.pmf(np.arange(4), 2.0, start=1.0)
    np.testing.assert_allclose(got, [0.917164, 0.072633, 0.008823, 0.001185], atol=1e-6)
    assert process.pmf(np.arange(500), 2.0, start=1.0).sum() == pytest.approx(1.0, abs=1e-12)


def test_one_of_two_waiting_times_ends_first():
    rng = np.random.default_rng(1)
    p, A, q, B, t = np.exp(rng.uniform(np.log(1e-3), np.log(1e3), (5, 2000)))
    one, other = wins_race(t, p, A, q, B), wins_race(t, q, B, p, A)
    neither = np.exp(-p * np.log1p(t / A) - q * np.log1p(t / B))
    np.testing.assert_allclose(one + other + neither, 1.0, atol=1e-12)
    ever = wins_race(np.inf, p, A, q, B)
    np.testing.assert_allclose(ever + wins_race(np.inf, q, B, p, A), 1.0, atol=1e-12)
    later = neither * wins_race(np.inf, p, A + t, q, B + t)
    np.testing.assert_allclose(one + later, ever, rtol=1e-11)
    assert wins_race(0.0, 1.0, 1.0, 1.0, 1.0) == 0.0


def test_quadrature_uses_the_nodes_wanted():
    wide = integrate(lambda w, rows: np.exp(-w), np.full(3, 40.0), np.array([6.0, 24.0, 1e4]))
    error = np.abs(wide - (1 - np.exp(-40.0)))
    assert error[0] > 1e-3
    assert error[1] < 1e-11
    assert error[2] < 1e-13


positive = st.floats(0.1, 20.0)


@st.composite
def cases(draw):
    """Return a process and a history."""
    process = ParetoNBD(*(draw(positive) for _ in range(4)))
    x = draw(st.integers(0, 30))
    age = draw(st.floats(1.0, 100.0))
    tx = draw(st.floats(0.05, 1.0)) * age if x else 0.0
    return process, (x, tx, age)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_futures_are_consistent(case, t, u):
    process, history = case
    ask = [process.expected_purchases, process.p_active]
    for call in ask:
        assert 0 <= call(t, *history) <= call(t + u, *history) * (1 + 1e-12)
        assert call(0.0, *history) == 0.0
    assert process.pmf(0, 0.0, *history) == pytest.approx(1.0)
    assert process.p_alive_at(0.0, *history) == process.p_alive(*history)
    assert 0 < process.p_alive_at(t + u, *history) <= process.p_alive_at(t, *history) <= 1
    # one silent stretch is as good as another: the history grown older by u
    x, tx, age = history
    silent = process.pmf(0, u, *history)
    gone = process.p_alive_at(u, *history) / silent
    alive_and_silent = process.p_alive(x, tx, age + u)
    assert alive_and_silent <= gone * (1 + 1e-9)
    density = process.log_likelihood(x, tx, age + u) - process.log_likelihood(*history)
    assert np.exp(density) == pytest.approx(float(silent), rel=1e-9)
    # discounting at a rate r is the mean over an exponential horizon
    total = process.dert(0.5, *history)
    by_parts = quad(
        lambda h: 0.5 * np.exp(-0.5 * h) * process.expected_purchases(h, *history), 0, 80
    )
    assert by_parts[0] == pytest.approx(float(total), rel=1e-6)


def test_just_seen_and_gone_beyond_all_doubt():
    assert CDNOW.p_alive(5, 39, 39) == 1.0
    assert CDNOW.p_alive(2000, 1.0, 300.0) == 0.0
    assert CDNOW.next_purchase_quantile(0.1, 2000, 1.0, 300.0) == np.inf


def test_without_dropout_it_is_nbd_and_equal_parameters_are_no_exception():
    history = (np.array([0, 3, 40]), np.array([0.0, 10.0, 29.0]), np.full(3, 30.0))
    never, nbd = ParetoNBD(0.7, 8.0, 1e-10, 5.0), NBD(0.7, 8.0)
    for call in ("expected_purchases", "p_active", "p_alive_at"):
        np.testing.assert_allclose(
            getattr(never, call)(20.0, *history), getattr(nbd, call)(20.0, *history), rtol=1e-8
        )
    np.testing.assert_allclose(never.pmf(4, 20.0, *history), nbd.pmf(4, 20.0, *history), rtol=1e-7)
    np.testing.assert_allclose(
        never.log_likelihood(*history), nbd.log_likelihood(*history), atol=1e-7
    )
    beside = [ParetoNBD(0.7, 8.0, 1.0 + gap, 8.0 + gap) for gap in (-1e-9, 0.0, 1e-9)]
    for call in ("expected_purchases", "dert"):
        values = [getattr(each, call)(0.1, *history) for each in beside]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-8)
        np.testing.assert_allclose(values[2], values[1], rtol=1e-8)


def test_each_row_may_have_its_own_alpha_and_beta():
    # what covariates need: derivatives by log alpha and log beta, row by row
    x, tx, age = np.array([0.0, 3.0, 200.0]), np.array([0.0, 12.0, 30.0]), np.full(3, 30.0)
    alpha, beta = np.array([3.0, 8.0, 1.0]), np.array([5.0, 2.0, 40.0])
    value, gradient, hessian = row_derivatives(x, tx, age, 0.8, alpha, 0.6, beta)
    np.testing.assert_allclose(value, row_values(x, tx, age, 0.8, alpha, 0.6, beta), rtol=1e-13)
    for i, up in ((1, (1 + 1e-6, 1.0)), (3, (1.0, 1 + 1e-6))):
        moved = row_derivatives(x, tx, age, 0.8, alpha * up[0], 0.6, beta * up[1])
        np.testing.assert_allclose((moved[0] - value) / 1e-6, gradient[i], rtol=1e-4, atol=1e-7)
        slope = (moved[1] - gradient) / 1e-6
        np.testing.assert_allclose(slope, hessian[i], rtol=1e-3, atol=1e-6)


def _simulated(parameters, size, seed):
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(20, 60, size), 1)
    x, tx = ParetoNBD(*parameters).simulate_customers(age, rng=rng)
    return x, tx, age


@pytest.mark.parametrize(
    ("parameters", "seed", "name"),
    [
        # other seeds hold, by chance, a sign of some spread or of some dropout
        ((1.5, 10.0, 1e-9, 1.0), 4, "NBD: no dropout"),
        ((1.0, 5.0, 2e5, 8e6), 8, "constant death rate: s, beta to infinity"),
        ((1.0, 5.0, 0.04, 1e-9), 8, "dropout at once or hardly ever: beta to 0"),
        ((1e6, 5e6, 1.0, 30.0), 8, "one purchase rate: r, alpha to infinity"),
        ((1e6, 5e6, 1e6, 3e7), 4, "one purchase rate and one death rate"),
        ((1e6, 5e6, 1e-9, 1.0), 8, "Poisson: one purchase rate and no dropout"),
    ],
)
def test_limits_are_named_and_usable(parameters, seed, name):
    data = _simulated(parameters, 3000, seed)
    fit = ParetoNBD.fit(*data)
    assert fit.limit == name
    assert fit.status in ("limit", "weak")
    r, alpha, s, beta = parameters
    assert fit.params["r"] / fit.params["alpha"] == pytest.approx(r / alpha, rel=0.1)
    if s > 1e-6 and beta > 1e-6:
        assert fit.params["s"] / fit.params["beta"] == pytest.approx(s / beta, rel=0.3)
    assert np.all(np.isfinite(fit.process.expected_purchases(26, *data)))
    assert np.all(np.isfinite(fit.process.dert(0.01, *data)))


def test_the_prior_barely_moves_cdnow(cdnow):
    fit = ParetoNBD.fit(*cdnow)
    posterior = fit.posterior(draws=1000, seed=1)
    assert posterior.pareto_k < 0.7
    weak = DeathRatePrior(PARETO_NBD_PRIOR.names, PARETO_NBD_PRIOR.mean, (20.0,) * 4)
    likelihood = fit.likelihood
    shift = np.array(likelihood.timed) * np.log(likelihood.scale)
    modes = []
    for prior in (PARETO_NBD_PRIOR, weak):

        def both(eta, prior=prior):
            return tuple(
                a + b
                for a, b in zip(likelihood.derivatives(eta), prior.derivatives(eta), strict=True)
            )

        modes.append(climb(both, np.log(list(fit.params.values())) - shift).eta)
    sd = posterior.log_draws.std(axis=0)
    assert np.all(np.abs(modes[0] - modes[1]) < 0.1 * sd)


def test_the_prior_has_its_derivatives_and_its_draws(check_derivatives):
    prior, eta = PARETO_NBD_PRIOR, (0.3, -0.5, 1.2, 2.0)
    check_derivatives(prior, eta, value=prior.log_density, atol=1e-8)
    draws = prior.coordinates(prior.sample(np.random.default_rng(3), 20_000))
    np.testing.assert_allclose(draws.mean(axis=0), prior.mean, atol=0.06)
    np.testing.assert_allclose(draws.std(axis=0), prior.sd, rtol=0.03)
