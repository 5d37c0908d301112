"""BG/BB: published numbers, mpmath, identities, estimation, simulation."""

import os
import tomllib
from dataclasses import replace
from functools import partial
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from forecast.errors import BadRowsError, NotIdentifiedError, TooLittleDataError, UsageError
from forecast.processes import BGBB
from forecast.processes.bgbb_estimate import BGBB_PRIOR
from forecast.processes.bgbb_likelihood import BGBBLikelihood
from forecast.processes.newton import climb
from forecast.processes.opportunities import read_opportunities

HERE = Path(__file__).parent
REFERENCE = tomllib.loads((HERE / "reference_discrete.toml").read_text())["bgbb"]
ORACLE = np.load(HERE / "discrete_oracle.npz")
CELLS = 100_000
ROUNDED = BGBB(**REFERENCE["parameters"]["rounded"])
NAMES = ("frequency", "recency", "n_periods")
positive = st.floats(0.1, 20.0)


@pytest.fixture(scope="module")
def donations():
    folder = os.environ.get("LTV_DATA")
    if folder is None:
        pytest.skip("LTV_DATA does not name the folder of development data")
    table = pd.read_parquet(Path(folder) / "bgbb_donations.parquet")
    names = ("frequency", "recency", "n_periods", "customers")
    return tuple(table[name].to_numpy() for name in names)


@pytest.fixture(scope="module")
def donors(donations):
    return BGBB.fit(*donations[:3], weights=donations[3], unit="year")


def _simulated(parameters, size, seed, most=8):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, most + 1, size)
    return *BGBB(*parameters).simulate_customers(n, rng=rng), n


def _expected(parameters, customers=4000.0, n=8):
    """Return every history of ``n`` opportunities, weighted by how often it is expected."""
    cells = [(0, 0)] + [(x, tx) for tx in range(1, n + 1) for x in range(1, tx + 1)]
    x, tx = np.array(cells).T
    # orders of the purchases before the last one
    orders = np.array([comb(max(b - 1, 0), max(a - 1, 0)) for a, b in cells])
    chance = orders * np.exp(BGBB(*parameters).log_likelihood(x, tx, n))
    assert chance.sum() == pytest.approx(1.0, abs=1e-9)
    return (x, tx, np.full(x.size, n)), customers * chance


@st.composite
def cases(draw):
    """Return a process and a history."""
    n = draw(st.integers(0, 30))
    tx = draw(st.integers(0, n))
    x = draw(st.integers(1, tx)) if tx else 0
    return BGBB(*(draw(positive) for _ in range(4))), (x, tx, n)


# --- published numbers ---------------------------------------------------------------------------


def test_published_estimate(donors, donations):
    row = REFERENCE["fit"]
    assert donors.status == "converged"
    assert (donors.n_customers, donors.unit) == (11_104, "year")
    assert donors.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-4)
    at_rounded = donations[3] @ ROUNDED.log_likelihood(*donations[:3])
    assert at_rounded == pytest.approx(row["at_rounded"], abs=1e-4)
    for name in row["params"]:
        assert donors.params[name] == pytest.approx(row["params"][name], rel=1e-5)
        error = row["standard_errors"][name]
        assert donors.standard_errors[name] == pytest.approx(error, abs=1e-5)


@pytest.mark.parametrize("row", REFERENCE["value"], ids=lambda r: f"{r['at']}-{r['call']}")
def test_published_predictions(row, request):
    rounded = row["at"] == "rounded"
    process = ROUNDED if rounded else request.getfixturevalue("donors").process
    got = getattr(process, row["call"])(*row["arguments"])
    np.testing.assert_allclose(got, row["result"], rtol=0, atol=0.51 * 10.0 ** -row["decimals"])


def test_published_totals(donors, donations):
    expected = donors.process.expected_purchases(5, *donations[:3])
    total = REFERENCE["totals"]["expected_purchases_5"]
    assert donations[3] @ expected == pytest.approx(total, abs=0.005)
    counts = 11_104 * donors.process.pmf(np.arange(7), 6)
    np.testing.assert_allclose(counts, REFERENCE["totals"]["counts"], rtol=0, atol=0.051)


@pytest.mark.parametrize(
    "rows", [slice(0, 300), pytest.param(slice(300, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(rows):
    point, truth = ORACLE["bgbb_points"][rows].T, ORACLE["bgbb"][rows].T
    process, (x, tx, n, ahead, k, rate) = BGBB(*point[:4]), point[4:]
    got = {
        "p_alive": process.p_alive(x, tx, n),
        "p_alive_at": process.p_alive_at(ahead, x, tx, n),
        "p_active": process.p_active(ahead, x, tx, n),
        "E new": process.expected_purchases(ahead),
        "E": process.expected_purchases(ahead, x, tx, n),
        "pmf": process.pmf(k, ahead, x, tx, n),
        "dert": process.dert(rate, x, tx, n),
    }
    np.testing.assert_allclose(process.log_likelihood(x, tx, n), truth[0], rtol=0, atol=1e-7)
    for (name, mine), right in zip(got.items(), truth[1:], strict=True):
        assert np.all(np.isfinite(mine)), name
        np.testing.assert_allclose(mine, right, rtol=1e-8, atol=1e-300, err_msg=name)


# --- identities ----------------------------------------------------------------------------------


def test_a_new_customer_is_one_without_a_history():
    assert ROUNDED.p_alive() == pytest.approx(2.783 / (0.657 + 2.783))
    assert ROUNDED.log_likelihood(0, 0, 0) == pytest.approx(0.0, abs=1e-14)
    assert ROUNDED.expected_purchases(5, 0, 0, 0) == ROUNDED.expected_purchases(5)
    assert ROUNDED.expected_purchases(0, 4, 5, 6) == 0
    assert ROUNDED.pmf(0, 0, 4, 5, 6) == pytest.approx(1.0)
    assert ROUNDED.pmf(6, 5) == 0


@pytest.mark.parametrize("n", [1, 4, 7])
def test_all_histories_together_have_probability_one(n):
    (x, _, _), chance = _expected((1.204, 0.750, 0.657, 2.783), 1.0, n)
    counts = np.bincount(x, chance)
    np.testing.assert_allclose(counts, ROUNDED.pmf(np.arange(n + 1), n), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 60))
def test_pmf_adds_up_to_one_and_to_the_mean(case, ahead):
    process, history = case
    k = np.arange(ahead + 1)
    pmf = process.pmf(k, ahead, *history)
    assert np.all(pmf >= 0)
    assert pmf.sum() == pytest.approx(1.0, abs=1e-11)
    expected = process.expected_purchases(ahead, *history)
    assert k @ pmf == pytest.approx(float(expected), rel=1e-9)
    assert process.p_active(ahead, *history) == pytest.approx(1 - float(pmf[0]), abs=1e-11)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 40))
def test_silence_updates_p_alive_by_bayes(case, ahead):
    process, (x, tx, n) = case
    later, silent = process.p_alive(x, tx, n + ahead), process.pmf(0, ahead, x, tx, n)
    change = process.log_likelihood(x, tx, n + ahead) - process.log_likelihood(x, tx, n)
    assert np.log(silent) == pytest.approx(float(change), abs=1e-9)
    # alive and silent: alive, times the chance of not buying with p alone
    i = np.arange(ahead)
    quiet = np.prod((process.beta + n - x + i) / (process.alpha + process.beta + n + i))
    both = process.p_alive_at(ahead, x, tx, n) * quiet
    assert later * silent == pytest.approx(float(both), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(cases(), st.floats(0.12, 1.0))
def test_dert_is_the_discounted_sum_of_expectations(case, rate):
    process, history = case
    n = np.arange(1, 256)
    each = np.diff(process.expected_purchases(np.append(0, n), *history))
    assert process.dert(rate, *history) == pytest.approx(each @ (1 + rate) ** -n, rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.01, 0.99))
def test_quantile_inverts_the_chance_of_a_purchase(case, level):
    process, history = case
    wait = float(process.next_purchase_quantile(level, *history))
    if np.isfinite(wait):
        assert process.p_active(wait, *history) >= level - 1e-12
        assert process.p_active(wait - 1, *history) < level
    else:
        assert process.p_active(500, *history) < level


def test_nothing_happens_at_gamma_equal_to_one():
    gamma = 1 + np.array([-1e-6, -1e-13, 0.0, 1e-13, 1e-6])
    expected = BGBB(1.2, 0.7, gamma, 2.8).expected_purchases(40, 4, 5, 6)
    np.testing.assert_allclose(expected, expected[2], rtol=1e-5)
    np.testing.assert_allclose(expected[1:4], expected[2], rtol=1e-12)


@pytest.mark.parametrize("p", [(1e-7, 1e-7), (1e-7, 1.0), (1.0, 1e-7), (1e6, 1e6), (1e6, 1.0)])
@pytest.mark.parametrize("d", [(1e-7, 1e-7), (1e-7, 1.0), (1.0, 1e-7), (1e6, 1e6), (1.0, 1e6)])
def test_extremes_stay_numbers(p, d):
    process = BGBB(*p, *d)
    history = np.array([0, 0, 1, 3, 60, 1]), np.array([0, 0, 1, 7, 60, 60]), [0, 60, 60, 7, 60, 60]
    assert np.all(np.isfinite(process.log_likelihood(*history)))
    for ahead in (1, 50, 1000):
        for call in (process.p_alive_at, process.p_active, process.expected_purchases):
            values = call(ahead, *history)
            assert np.all((values >= 0) & (values <= ahead + 1e-9))
        pmf = process.pmf(np.array([0, 1, 50])[:, None], ahead, *history)
        assert np.all((pmf >= 0) & (pmf <= 1 + 1e-12))
    assert np.all(np.isfinite(process.dert(0.001, *history)))
    assert np.all(process.next_purchase_quantile(0.5, *history) >= 1)


def test_draws_broadcast_against_customers():
    rng = np.random.default_rng(1)
    draws = [rng.uniform(0.5, 3, 4) for _ in range(4)]
    x, tx, n = np.array([0, 3, 6]), np.array([0, 4, 6]), np.array([0, 5, 6])
    family = BGBB(*draws)
    for name, first in (
        ("p_alive", ()),
        ("expected_purchases", (13,)),
        ("pmf", (2, 13)),
        ("p_active", (13,)),
        ("dert", (0.1,)),
        ("next_purchase_quantile", (0.4,)),
        ("log_likelihood", ()),
    ):
        grid = getattr(family, name)(*first, x[:, None], tx[:, None], n[:, None])
        assert grid.shape == (3, 4), name
        for i in range(4):
            alone = getattr(BGBB(*(each[i] for each in draws)), name)(*first, x, tx, n)
            np.testing.assert_allclose(grid[:, i], alone, rtol=1e-12)


def test_looking_up_equal_histories_changes_nothing():
    x, tx, n = _simulated((1.2, 0.75, 0.66, 2.8), 6000, 2)
    many = ROUNDED.expected_purchases(5, x, tx, n)
    few = [
        ROUNDED.expected_purchases(5, *(c[i] for c in (x, tx, n)))
        for i in np.arange(6000).reshape(6, -1)
    ]
    np.testing.assert_allclose(many, np.concatenate(few), rtol=1e-13)


# --- estimation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [(0.2, -0.3, -0.4, 1.0), (0, 0, 0, 0), (2, 3, -4, 5), (9, 8, 9, 9)])
def test_derivatives_match_finite_differences(check_derivatives, eta):
    cells = read_opportunities(*_simulated((1.2, 0.7, 0.6, 2.8), 900, 1))
    check_derivatives(BGBBLikelihood.of(cells), eta, atol=1e-4)


def test_blocks_of_terms_change_nothing(monkeypatch):
    cells = read_opportunities(*_simulated((1.2, 0.7, 0.6, 2.8), 900, 1, most=20))
    whole = BGBBLikelihood.of(cells)
    monkeypatch.setattr("forecast.processes.bgbb_likelihood._BLOCK", 50)
    parts = BGBBLikelihood.of(cells)
    assert len(parts.blocks) > 5
    point = np.array([0.2, -0.3, -0.4, 1.0])
    for one, two in zip(whole.derivatives(point), parts.derivatives(point), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_weights_are_repeated_rows_and_order_is_irrelevant(donations, donors):
    rows = np.repeat(np.arange(22), donations[3])
    rows = np.random.default_rng(0).permutation(rows)
    plain = BGBB.fit(*(column[rows] for column in donations[:3]))
    assert plain.n_customers == donors.n_customers
    assert plain.log_likelihood == pytest.approx(donors.log_likelihood, abs=1e-7)
    for name in plain.params:
        assert plain.params[name] == pytest.approx(donors.params[name], rel=1e-8)
    one_length = BGBB.fit(*donations[:2], 6, weights=donations[3])
    assert one_length.params == donors.params


def test_compressed_likelihood_is_the_sum_over_customers():
    data = _simulated((1.2, 0.7, 0.6, 2.8), 3000, 4)
    fit = BGBB.fit(*data)
    assert fit.log_likelihood == pytest.approx(fit.process.log_likelihood(*data).sum(), abs=1e-8)


def test_parameters_are_recovered():
    truth = (1.2, 0.75, 0.66, 2.8)
    fit = BGBB.fit(*_simulated(truth, 20_000, 6, most=12))
    assert fit.status == "converged"
    for name, value in zip(fit.params, truth, strict=True):
        assert abs(fit.params[name] - value) < 4 * fit.standard_errors[name], name


@pytest.mark.parametrize(
    ("parameters", "limit"),
    [
        ((1.0, 2.0, 1e-9, 1.0), "beta-binomial: no death"),
        ((1e6, 2e6, 1e-9, 1.0), "binomial: one purchase probability and no death"),
        ((1.0, 2.0, 2e5, 8e5), "constant chance of death: gamma, delta to infinity"),
        ((4e5, 6e5, 1.0, 2.0), "one purchase probability: alpha, beta to infinity"),
        ((4e5, 6e5, 2e5, 8e5), "one purchase probability and a constant chance of death"),
        ((1.0, 1e-9, 1.0, 3.0), "a purchase at every opportunity until death: beta to 0"),
        ((1.0, 1e-9, 1e-9, 1.0), "a purchase at every opportunity, and no death"),
        (
            (1.0, 1e-9, 2e5, 8e5),
            "a purchase at every opportunity until a constant chance of death",
        ),
        (
            (2.0, 3.0, 3e-9, 7e-9),
            "dead before the first opportunity or never: gamma, delta to 0",
        ),
        ((5e-9, 5e-9, 2.0, 3.0), "a purchase at every opportunity or at none: alpha, beta to 0"),
    ],
)
def test_limits_are_named_and_usable(parameters, limit):
    # data just as expected, so that chance has no say in the name
    data, weight = _expected(parameters)
    fit = BGBB.fit(*data, weights=weight)
    assert (fit.status, fit.limit) == ("limit", limit)
    assert fit.log_likelihood >= weight @ BGBB(*parameters).log_likelihood(*data) - 0.01
    assert np.all(np.isfinite(fit.process.expected_purchases(26, *data)))
    likelihood = BGBBLikelihood.of(read_opportunities(*data, weight))
    for seed in range(3):
        start = np.random.default_rng(seed).normal(0, 2, 4)
        assert fit.log_likelihood >= climb(likelihood.derivatives, start).value - 0.01
    posterior = fit.posterior(draws=100, seed=1)
    assert np.all(np.isfinite(posterior.draws))


def test_the_higher_of_two_maxima_is_found():
    # silence explained by death, or by half the customers never buying: a maximum for each
    data = _simulated((5e-9, 5e-9, 20.0, 180.0), 4000, 0, most=12)
    fit = BGBB.fit(*data)
    assert fit.log_likelihood >= BGBB(5e-6, 5e-6, 20.0, 180.0).log_likelihood(*data).sum()
    low = climb(BGBBLikelihood.of(read_opportunities(*data)).derivatives, np.zeros(4))
    assert low.value < fit.log_likelihood - 100


def test_one_opportunity_tells_only_the_share_of_buyers():
    fit = BGBB.fit(np.arange(100) % 4 == 0, np.arange(100) % 4 == 0, 1)
    assert fit.status == "limit"
    assert fit.process.pmf(1, 1) == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_small_and_odd_data_never_fail(seed):
    parameters = np.exp(np.random.default_rng(seed).normal(0, 2, 4))
    data = _simulated(parameters, 25, seed)
    try:
        fit = BGBB.fit(*data)
    except NotIdentifiedError:
        assert data[0].sum() == 0
        return
    assert fit.status in ("converged", "weak", "limit")
    assert np.isfinite(fit.log_likelihood)
    for ahead in (1, 1000):
        assert np.all(np.isfinite(fit.process.expected_purchases(ahead, *data)))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("frequency", 1.5, "not whole"),
        ("frequency", -1.0, "negative"),
        ("frequency", np.nan, "missing"),
        ("frequency", 5.0, "more purchases than opportunities"),
        ("frequency", 0.0, "without a purchase"),
        ("recency", 7.0, "after the last opportunity"),
        ("recency", 0.0, "more purchases than opportunities"),
        ("n_periods", 1e6, "above 10,000"),
        ("n_periods", np.inf, "infinite"),
    ],
)
def test_bad_rows_are_refused_by_name(column, value, words):
    columns = {name: np.full(20, float(v)) for name, v in zip(NAMES, (2, 4, 6), strict=True)}
    columns[column][[1, 5]] = value
    with pytest.raises(BadRowsError, match=words) as caught:
        BGBB.fit(*columns.values())
    assert caught.value.count == 2


def test_what_cannot_be_estimated_is_refused_by_name():
    none, six = np.zeros(20), np.full(20, 6)
    with pytest.raises(NotIdentifiedError, match="None of 20 customers") as caught:
        BGBB.fit(none, none, six)
    assert caught.value.limit == "no purchases"
    with pytest.raises(TooLittleDataError, match="nobody had an opportunity"):
        BGBB.fit(none, none, none)
    with pytest.raises(TooLittleDataError, match="at least 10"):
        BGBB.fit(none[:3], none[:3], six[:3])
    with pytest.raises(UsageError, match="length"):
        BGBB.fit(none, none[:4], six)
    with pytest.raises(UsageError, match="positive and finite"):
        BGBB(1.0, 1.0, 0.0, 1.0)
    for wrong in (1.5, -1, 1e9, np.nan):
        with pytest.raises(UsageError, match="whole numbers of opportunities"):
            ROUNDED.expected_purchases(wrong)
    with pytest.raises(UsageError, match="positive"):
        ROUNDED.dert(0.0)


@pytest.mark.parametrize("history", [(2, 1, 6), (1, 7, 6), (-1, 0, 6), (0.5, 1, 6), (1, 2, np.nan)])
def test_what_is_no_history_is_refused(history):
    asks = [ROUNDED.p_alive, ROUNDED.log_likelihood, partial(ROUNDED.expected_purchases, [1, 5])]
    asks += [partial(ROUNDED.simulate, 5, rng=np.random.default_rng(0))]
    for ask in asks:
        with pytest.raises(UsageError, match="frequency, recency, n_periods"):
            ask(*history)


# --- simulation and posterior --------------------------------------------------------------------


@pytest.mark.parametrize("process", [ROUNDED, BGBB(0.5, 3.0, 4.0, 30.0)])
@pytest.mark.parametrize("history", [(0, 0, 0), (4, 5, 6), (0, 0, 6)])
def test_counts_and_times_follow_the_pmf(process, history):
    ahead, rng = 12, np.random.default_rng(7)
    future = process.simulate(ahead, *history, rng=rng, size=(CELLS,))
    count = future.purchases()
    expected = float(process.expected_purchases(ahead, *history))
    assert abs(count.mean() - expected) < 4 * count.std() / np.sqrt(CELLS)
    chance = CELLS * process.pmf(np.arange(ahead + 1), ahead, *history)
    seen, enough = np.bincount(count, minlength=ahead + 1), chance > 10
    distance = ((seen - chance)[enough] ** 2 / chance[enough]).sum()
    assert chi2.sf(distance, enough.sum() - 1) > 1e-4
    position, number = future.times(rng)
    np.testing.assert_array_equal(np.bincount(position, minlength=future.cell.size), future.count)
    assert number.min() >= 1
    assert number.max() <= ahead
    # no opportunity is used twice
    assert np.unique(position * 100 + number).size == position.size
    for part in (1, 4, 8):
        early = np.bincount(future.cell[position[number <= part]], minlength=CELLS)
        expected = float(process.expected_purchases(part, *history))
        assert abs(early.mean() - expected) < 4 * early.std() / np.sqrt(CELLS)
        two = float(process.pmf(2, part, *history))
        assert abs((early == 2).mean() - two) <= 4 * np.sqrt(two / CELLS)


def test_simulated_histories_are_those_of_the_process():
    process, n = ROUNDED, 6
    x, tx = process.simulate_customers(np.full(CELLS, n), rng=np.random.default_rng(13))
    assert np.all((tx > 0) == (x > 0))
    assert np.all(x <= tx)
    assert tx.max() <= n
    # a history's probability is its likelihood times the orders of the purchases before the last
    for cell, orders in (((0, 0), 1), ((1, 3), 1), ((3, 5), 6), ((5, 6), 5), ((6, 6), 1)):
        chance = orders * np.exp(float(process.log_likelihood(*cell, n)))
        seen = np.mean((x == cell[0]) & (tx == cell[1]))
        assert abs(seen - chance) < 4 * np.sqrt(chance / CELLS), cell
    # P(alive) is a conditional probability, so its mean is the unconditional one
    alive = process.p_alive(x, tx, n)
    assert abs(alive.mean() - float(process.p_alive_at(n))) < 4 * alive.std() / np.sqrt(CELLS)


def test_the_grid_is_sparse_ordered_and_seeded():
    draws = BGBB(np.array([1.2, 1.3]), 0.7, np.array([0.6, 0.7]), 2.8)
    history = np.array([[0], [4], [6]]), np.array([[0], [5], [6]]), np.full((3, 1), 6)
    one, two = (draws.simulate(5, *history, rng=np.random.default_rng(5)) for _ in range(2))
    assert one.shape == (3, 2)
    assert np.all(np.diff(one.cell) > 0)
    np.testing.assert_array_equal(one.purchases(), two.purchases())
    assert one.purchases().sum() == one.count.sum()
    alone = ROUNDED.simulate(5, 4, 5, 6, rng=np.random.default_rng(5))
    assert alone.purchases().shape == alone.shape == ()
    ahead = np.array([0, 1, 9])[:, None]
    mean = ROUNDED.simulate(ahead, rng=np.random.default_rng(3), size=(3, 20_000)).purchases()
    np.testing.assert_allclose(mean.mean(axis=1), ROUNDED.expected_purchases([0, 1, 9]), rtol=0.04)


def test_posterior_is_near_the_estimate_and_the_prior_is_weak(donors):
    posterior = donors.posterior(draws=4000, seed=1)
    spread = np.sqrt(np.diag(donors.covariance_log))
    assert posterior.pareto_k < 0.5
    np.testing.assert_allclose(posterior.log_draws.std(axis=0), spread, rtol=0.1)
    weaker = replace(donors, prior=replace(donors.prior, sd=(20.0,) * 4)).posterior(4000, seed=1)
    moved = posterior.log_draws.mean(axis=0) - weaker.log_draws.mean(axis=0)
    assert np.all(np.abs(moved) < 0.1 * spread)
    assert "log(gamma / delta) ~ N(-1, 2)" in posterior.prior


def test_prior_of_two_beta_pairs_has_its_derivatives_and_its_draws(check_derivatives):
    prior = BGBB_PRIOR
    check_derivatives(prior, (0.3, -1.0, 2.0, 0.5), value=prior.log_density, atol=1e-8)
    drawn = prior.coordinates(prior.sample(np.random.default_rng(0), 40_000))
    np.testing.assert_allclose(drawn.mean(axis=0), prior.mean, atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), prior.sd, rtol=0.02)
