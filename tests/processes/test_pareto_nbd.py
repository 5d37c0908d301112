"""Pareto/NBD: published numbers, mpmath, identities, derivatives, estimation."""

import tomllib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2

from forecast import processes
from forecast.errors import (
    BadRowsError,
    DataError,
    NotIdentifiedError,
    TooLittleDataError,
    UsageError,
)
from forecast.processes import NBD, ParetoNBD
from forecast.processes.dropout_prior import PARETO_NBD_PRIOR, DeathRatePrior
from forecast.processes.gauss_legendre import integrate
from forecast.processes.histories import read_histories
from forecast.processes.lomax_race import wins_race
from forecast.processes.newton import climb, differenced
from forecast.processes.pareto_nbd_likelihood import (
    ParetoNBDLikelihood,
    row_derivatives,
    row_values,
)

HERE = Path(__file__)
REFERENCE = tomllib.loads(HERE.with_name("reference_pareto_nbd.toml").read_text())
ORACLE = np.load(HERE.with_name("pareto_nbd_oracle.npz"))
CDNOW = ParetoNBD(0.55327, 10.5778, 0.60602, 11.6639)
CALLS = ("log L", "p_alive", "p_active", "E new", "E", "p_alive_at", "pmf", "dert")


@lru_cache
def _fit(process, data, histories):
    return getattr(processes, process).fit(*histories(data))


def _named(row):
    return "-".join(str(row[key]) for key in ("process", "at", "call", "data") if key in row)


@pytest.mark.parametrize("row", REFERENCE["fit"], ids=_named)
def test_estimates(row, histories):
    fit = _fit(row["process"], row["data"], histories)
    assert fit.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-4)
    assert fit.status == row.get("verdict", "converged")
    assert fit.limit == row.get("limit")
    for name, value in row["params"].items():
        assert fit.params[name] == pytest.approx(value, rel=1e-3), name
    for name, value in row.get("standard_errors", {}).items():
        assert fit.standard_errors[name] == pytest.approx(value, rel=1e-3), name


@pytest.mark.parametrize("row", REFERENCE["value"], ids=_named)
def test_predictions(row, histories):
    where = REFERENCE["parameters"][row["at"]]
    if "fit" in where:
        process = _fit(where["process"], where["fit"], histories).process
    else:
        process = getattr(processes, where["process"])(**where["values"])
    got = np.broadcast_to(getattr(process, row["call"])(*row["arguments"]), len(row["result"]))
    if "decimals" in row:
        # one unit of the last printed digit: some sources cut rather than round
        np.testing.assert_allclose(got, row["result"], rtol=0, atol=10.0 ** -row["decimals"])
    else:
        np.testing.assert_allclose(got, row["result"], rtol=10.0 ** (1 - row.get("digits", 7)))


@pytest.mark.parametrize("row", REFERENCE["total"], ids=_named)
def test_totals(row, histories):
    history = histories(row["data"])
    process = _fit(row["process"], row["data"], histories).process
    total = process.expected_purchases(52, *history).sum()
    assert total == pytest.approx(row["expected_purchases_52"], rel=2e-5)


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


@pytest.mark.parametrize(
    "rows", [slice(0, 300), pytest.param(slice(300, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(rows):
    point, truth = ORACLE["points"][rows].T, ORACLE["values"][rows].T
    process, (x, tx, age, t, n, rate) = ParetoNBD(*point[:4]), point[4:]
    got = [
        process.log_likelihood(x, tx, age),
        process.p_alive(x, tx, age),
        process.p_active(t, x, tx, age),
        process.expected_purchases(t),
        process.expected_purchases(t, x, tx, age),
        process.p_alive_at(t, x, tx, age),
        process.pmf(n, t, x, tx, age),
        process.dert(rate, x, tx, age),
    ]
    np.testing.assert_allclose(got[0], truth[0], rtol=0, atol=1e-7, err_msg="log L")
    for name, mine, right in zip(CALLS[1:], got[1:], truth[1:], strict=True):
        known = np.isfinite(right)
        assert known.all() or name == "pmf"
        assert np.all(np.isfinite(mine)), name
        # numbers below the smallest normal double cannot have eight digits
        np.testing.assert_allclose(mine[known], right[known], rtol=1e-8, atol=1e-300, err_msg=name)


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


@settings(max_examples=40, deadline=None)
@given(cases(), st.floats(0.1, 100.0))
def test_pmf_adds_up_to_one_and_to_the_mean(case, t):
    process, history = case
    n = np.arange(3000)
    pmf = process.pmf(n, t, *history)
    assert np.all(pmf >= 0)
    # heavy-tailed rates leave a little beyond the last n
    beyond = 1 - pmf.sum()
    assert -1e-10 < beyond < 1e-3
    if beyond < 1e-12:
        mean = float(process.expected_purchases(t, *history))
        assert (n * pmf).sum() == pytest.approx(mean, rel=1e-8)
    assert process.p_active(t, *history) == pytest.approx(1 - float(pmf[0]), abs=1e-12)


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


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(1e-6, 0.999))
def test_next_purchase_quantile_inverts_p_active(case, share):
    process, history = case
    k, A, s, B = process._ahead(*history)
    ever = float(process.p_alive(*history) * wins_race(np.inf, k, A, s, B))
    wait = process.next_purchase_quantile(share * ever, *history)
    assert process.p_active(wait, *history) == pytest.approx(share * ever, rel=1e-9)
    assert process.next_purchase_quantile(ever * 1.001, *history) == np.inf


@settings(max_examples=30, deadline=None)
@given(cases(), st.floats(0.1, 100.0), st.floats(0.01, 100.0))
def test_the_unit_of_time_does_not_matter_to_predictions(case, t, factor):
    process, (x, tx, age) = case
    other = process.scaled(factor)
    there = (x, tx * factor, age * factor)
    assert other.p_alive(*there) == pytest.approx(float(process.p_alive(x, tx, age)), rel=1e-9)
    assert other.expected_purchases(t * factor, *there) == pytest.approx(
        float(process.expected_purchases(t, x, tx, age)), rel=1e-9
    )
    change = x * np.log(factor)
    assert other.log_likelihood(*there) + change == pytest.approx(
        float(process.log_likelihood(x, tx, age)), abs=1e-8
    )


def test_a_new_customer_is_one_without_a_history():
    assert CDNOW.p_alive() == 1.0
    assert CDNOW.log_likelihood(0, 0, 0) == pytest.approx(0.0, abs=1e-14)
    assert CDNOW.expected_purchases(39, 0, 0, 0) == CDNOW.expected_purchases(39)
    assert CDNOW.p_alive(5, 39, 39) == 1.0
    # gone beyond all doubt: no number fails
    assert CDNOW.p_alive(2000, 1.0, 300.0) == 0.0
    assert CDNOW.next_purchase_quantile(0.1, 2000, 1.0, 300.0) == np.inf


@pytest.mark.parametrize("x", [1, 2, 5, 20])
def test_likelihood_integrates_to_the_pmf(x):
    # the likelihood is the density of ordered purchase times; the first x-1 of them fill a
    # simplex of volume tx^(x-1) / (x-1)!, and what is left is an integral over tx
    process, age = ParetoNBD(0.8, 5.0, 0.7, 6.0), 30.0
    node, weight = np.polynomial.legendre.leggauss(200)
    tx = age * (node + 1) / 2
    log_volume = (x - 1) * np.log(tx) - np.log(np.arange(1, x)).sum()
    density = np.exp(process.log_likelihood(x, tx, age) + log_volume)
    assert age / 2 * (weight @ density) == pytest.approx(float(process.pmf(x, age)), rel=1e-10)


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


def test_many_customers_are_answered_as_few(cdnow):
    columns = [np.tile(column, 3) for column in cdnow]
    size = cdnow[0].size
    for call, first in (("p_alive", ()), ("p_active", (39.0,)), ("expected_purchases", (39.0,))):
        many = getattr(CDNOW, call)(*first, *columns)
        few = getattr(CDNOW, call)(*first, *(column[:500] for column in cdnow))
        np.testing.assert_allclose(many[:500], few, rtol=1e-12)
        np.testing.assert_array_equal(many[:size], many[size : 2 * size])
    grid = CDNOW.p_alive(*(column.reshape(-1, 3) for column in columns))
    np.testing.assert_array_equal(grid.ravel(), CDNOW.p_alive(*columns))


def test_parameters_broadcast_as_draws():
    draws = ParetoNBD(np.array([0.5, 0.6]), np.array([10.0, 12.0]), 0.6, np.array([11.0, 13.0]))
    x, tx, age = np.array([[0.0], [2.0]]), np.array([[0.0], [20.0]]), np.array([[39.0], [39.0]])
    single = ParetoNBD(0.6, 12.0, 0.6, 13.0)
    for call, first in (("p_alive", ()), ("expected_purchases", (10.0,)), ("dert", (0.01,))):
        both = getattr(draws, call)(*first, x, tx, age)
        assert both.shape == (2, 2)
        alone = getattr(single, call)(*first, x[:, 0], tx[:, 0], age[:, 0])
        np.testing.assert_allclose(both[:, 1], alone, rtol=1e-12)
    with pytest.raises(UsageError, match="positive"):
        ParetoNBD(0.5, 10.0, 0.0, 11.0)
    with pytest.raises(UsageError, match="rate"):
        CDNOW.dert(0.0)


ETAS = [(-0.6, -1.1, -0.5, -1.0), (0, 0, 0, 0), (2, 3, -4, 5), (-1, -2, 8, 8), (1, -3, 2, -6)]


@pytest.mark.parametrize("eta", ETAS)
def test_derivatives_match_finite_differences(cdnow, eta):
    likelihood = ParetoNBDLikelihood.of(read_histories(*cdnow))
    point = np.array(eta, dtype=float)
    value, gradient, hessian = likelihood.derivatives(point)
    assert value == pytest.approx(likelihood.value(point), rel=1e-13)
    moves = 1e-5 * np.eye(4)
    slope = [(likelihood.value(point + m) - likelihood.value(point - m)) / 2e-5 for m in moves]
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-3)
    by_difference = differenced(lambda e: likelihood.derivatives(e)[:2])(point)[2]
    np.testing.assert_allclose(hessian, by_difference, rtol=1e-6, atol=1e-3)


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


def test_compressed_likelihood_is_the_sum_over_customers(cdnow):
    fit = ParetoNBD.fit(*cdnow)
    total = fit.process.log_likelihood(*cdnow).sum()
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fit.n_customers == 2357


@pytest.mark.parametrize("family", [ParetoNBD, NBD])
def test_the_unit_of_time_does_not_matter(cdnow, family):
    x, tx, age = cdnow
    weeks = family.fit(x, tx, age, unit="week")
    days = family.fit(x, np.round(tx * 7), np.round(age * 7))
    assert weeks.unit == "week"
    for name, power in zip(weeks.params, weeks.likelihood.timed, strict=True):
        assert days.params[name] == pytest.approx(weeks.params[name] * 7.0**power, rel=1e-6)
    change = x.sum() * np.log(7.0)
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - change, abs=1e-6)


@pytest.mark.parametrize("family", [ParetoNBD, NBD])
def test_weights_are_repeated_rows_and_order_is_irrelevant(cdnow, family):
    rng = np.random.default_rng(4)
    weight = rng.integers(0, 4, cdnow[0].size)
    weighted = family.fit(*cdnow, weights=weight)
    repeated = [np.repeat(column, weight) for column in cdnow]
    order = rng.permutation(repeated[0].size)
    plain = family.fit(*(column[order] for column in repeated))
    assert weighted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    for name in plain.params:
        assert weighted.params[name] == pytest.approx(plain.params[name], rel=1e-7)


def test_refusals_have_names():
    x = np.arange(40) % 4.0
    tx, age = np.where(x > 0, 5.0, 0.0), np.full(40, 20.0)
    with pytest.raises(BadRowsError, match="age 0"):
        ParetoNBD.fit(x, np.zeros(40), age)
    with pytest.raises(NotIdentifiedError, match="bought again"):
        ParetoNBD.fit(np.zeros(40), np.zeros(40), age)
    with pytest.raises(TooLittleDataError, match="at least 10"):
        ParetoNBD.fit(x[:9], tx[:9], age[:9])


def _simulated(parameters, size, seed):
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(20, 60, size), 1)
    x, tx = ParetoNBD(*parameters).simulate_customers(age, rng=rng)
    return x, tx, age


def test_parameters_are_recovered_also_by_rehearsal():
    truth = (0.6, 5.0, 0.8, 12.0)
    x, tx, age = _simulated(truth, 60_000, 5)
    fit = ParetoNBD.fit(x, tx, age)
    likelihood = ParetoNBDLikelihood.of(read_histories(x, tx, age))
    assert likelihood.weight.size > 20_000
    direct = climb(likelihood.derivatives, np.zeros(4))
    assert fit.log_likelihood == pytest.approx(direct.value + likelihood.unit_change(), abs=1e-4)
    assert fit.status == "converged"
    for name, value in zip(fit.params, truth, strict=True):
        assert abs(fit.params[name] - value) < 4 * fit.standard_errors[name], name


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


@pytest.mark.parametrize("seed", range(16))
def test_small_and_odd_data_never_fail(seed):
    # tiny bases from wild parameters: always a fit or a refusal by name, and always numbers
    rng = np.random.default_rng(seed)
    parameters = np.exp(rng.normal(0, 2, 4))
    age = rng.choice([3.0, 10.0, 30.0, 100.0], 25)
    x, tx = ParetoNBD(*parameters).simulate_customers(age, rng=rng)
    for family in (ParetoNBD, NBD):
        try:
            fit = family.fit(x, tx, age)
        except NotIdentifiedError:
            assert x.sum() == 0
            continue
        assert fit.status in ("converged", "weak", "limit"), fit.message
        assert np.isfinite(fit.log_likelihood)
        assert np.all(np.isfinite(list(fit.params.values())))
        for t in (1.0, 1000.0):
            assert np.all(np.isfinite(fit.process.expected_purchases(t, x, tx, age)))
            assert np.all(np.isfinite(fit.process.pmf(2, t, x, tx, age)))


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


def test_the_prior_has_its_derivatives_and_its_draws():
    prior, eta = PARETO_NBD_PRIOR, np.array([0.3, -0.5, 1.2, 2.0])
    value, gradient, hessian = prior.derivatives(eta)
    assert value == float(prior.log_density(eta))
    moves = 1e-5 * np.eye(4)
    slope = [(prior.log_density(eta + m) - prior.log_density(eta - m)) / 2e-5 for m in moves]
    np.testing.assert_allclose(gradient, slope, rtol=1e-8)
    bend = [(prior.derivatives(eta + m)[1] - prior.derivatives(eta - m)[1]) / 2e-5 for m in moves]
    np.testing.assert_allclose(hessian, bend, atol=1e-8)
    draws = prior.coordinates(prior.sample(np.random.default_rng(3), 20_000))
    np.testing.assert_allclose(draws.mean(axis=0), prior.mean, atol=0.06)
    np.testing.assert_allclose(draws.std(axis=0), prior.sd, rtol=0.03)


@pytest.mark.slow
def test_true_parameters_rank_evenly_among_draws():
    # simulation-based calibration (Talts et al. 2018), parameters drawn from the prior itself
    rng, ranks, draws, bins = np.random.default_rng(2018), [], 99, 10
    while len(ranks) < 500:
        theta = np.exp(PARETO_NBD_PRIOR.sample(rng, 1)[0])
        age = np.round(rng.uniform(0.2, 1.8, 301), 2)
        age *= 1 / np.median(age)
        if theta[0] / theta[1] > 2000:
            continue
        x, tx = ParetoNBD(*theta).simulate_customers(age, rng=rng)
        try:
            fit = ParetoNBD.fit(x, tx, age)
        except (NotIdentifiedError, DataError):
            continue
        found = fit.posterior(draws=draws, seed=len(ranks))
        ranks.append((found.draws < theta).sum(axis=0))
    for name, column in zip(fit.likelihood.names, np.array(ranks).T, strict=True):
        seen = np.bincount(column * bins // (draws + 1), minlength=bins)
        expected = len(column) / bins
        assert chi2.sf(((seen - expected) ** 2 / expected).sum(), bins - 1) > 0.001, (name, seen)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["cdnow", "grocery"])
def test_draws_agree_with_a_long_chain(histories, data):
    emcee = pytest.importorskip("emcee")
    fit = ParetoNBD.fit(*histories(data))
    posterior = fit.posterior(draws=8000, seed=1)
    assert posterior.method == "importance"
    scale = np.log(fit.likelihood.scale) * np.array(fit.likelihood.timed)

    def density(eta):
        if np.abs(eta).max() > 30:
            return -np.inf
        return fit.likelihood.value(eta) + float(fit.prior.log_density(eta))

    rng = np.random.default_rng(1)
    start = posterior.log_draws[rng.integers(8000, size=32)] - scale
    sampler = emcee.EnsembleSampler(32, 4, density)
    sampler.random_state = np.random.RandomState(5).get_state()
    sampler.run_mcmc(start + 1e-3 * rng.standard_normal(start.shape), 5000)
    chain = sampler.get_chain(discard=1000, flat=True) + scale
    spread = chain.std(axis=0)
    assert np.all(np.abs(posterior.log_draws.mean(axis=0) - chain.mean(axis=0)) < 0.05 * spread)
    np.testing.assert_allclose(posterior.log_draws.std(axis=0), spread, rtol=0.05)
