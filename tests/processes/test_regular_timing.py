"""BG/CNBD-k and MBG/CNBD-k: published numbers, mpmath, k and the gaps, estimation."""

import tomllib
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest

from forecast.errors import BadRowsError, NotIdentifiedError, UsageError
from forecast.processes import BGCNBD, BGNBD, MBGCNBD, MBGNBD, regular_mixture
from forecast.processes.histories import read_histories
from forecast.processes.purchase_gaps import log_gaps
from forecast.processes.regular_likelihood import RegularLikelihood
from forecast.processes.regular_mixture import mean_purchases, mean_survival
from forecast.processes.roots_of_unity import SmallStay, lost_share, survival_given

HERE = Path(__file__)
REFERENCE = tomllib.loads(HERE.with_name("reference_regular.toml").read_text())
ORACLE = np.load(HERE.with_name("regular_oracle.npz"))
FAMILY = [BGCNBD, MBGCNBD]
PLAIN = {BGCNBD: BGNBD, MBGCNBD: MBGNBD}


@lru_cache
def _fit(family, data, histories):
    x, tx, age, gaps = histories(f"{data}_gaps")
    return family.fit(x, tx, age, log_gaps=gaps)


# Published numbers


@pytest.mark.parametrize("row", REFERENCE["fit"], ids=lambda r: f"{r['process']}-{r['data']}")
def test_estimates(row, histories):
    family = {each.__name__: each for each in FAMILY}[row["process"]]
    fit = _fit(family, row["data"], histories)
    assert fit.k == fit.process.k == row["k"]
    assert fit.status == "converged"
    for k, value in row["log_likelihood"].items():
        assert fit.by_k[int(k)] == pytest.approx(value, abs=1e-4)
    assert fit.log_likelihood == fit.by_k[fit.k] == max(fit.by_k.values())
    for name, value in row["params"].items():
        assert fit.params[name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("row", REFERENCE["value"], ids=lambda r: r["call"])
def test_predictions(row):
    process = MBGCNBD(2, r=1.32920, alpha=2.81260, a=0.42472, b=0.79004)
    got = getattr(process, row["call"])(*row["arguments"])
    np.testing.assert_allclose(got, row["result"], rtol=row.get("rtol", 0), atol=row.get("atol", 0))


def test_the_total_does_not_move_with_its_parts(histories):
    # the peer's total, 3970.0, is rescaled by what else is in the call
    x, tx, age = histories("grocery")
    process = _fit(MBGCNBD, "grocery", histories).process
    every = process.expected_purchases(52, x, tx, age)
    assert every.sum() == pytest.approx(3811.543, abs=0.01)
    few = [
        process.expected_purchases(52, x[i], tx[i], age[i]) for i in np.split(np.arange(1525), 5)
    ]
    np.testing.assert_allclose(every, np.concatenate(few), rtol=1e-14)


# mpmath


@pytest.mark.parametrize(("family", "key"), [(BGCNBD, "bg"), (MBGCNBD, "mbg")])
@pytest.mark.parametrize(
    "rows", [slice(0, 300), pytest.param(slice(300, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(family, key, rows):
    points, truths = ORACLE["points"][rows], ORACLE[key][rows]
    names = ("p_alive", "p_active", "E", "p_alive_at", "pmf", "dert")
    for k in range(2, 13):
        chosen = points[:, 0] == k
        point, truth = points[chosen].T, truths[chosen].T
        process, (x, tx, age, t, n, rate, gaps) = family(k, *point[1:5]), point[5:]
        likelihood = process.log_likelihood(x, tx, age, log_gaps=gaps)
        np.testing.assert_allclose(likelihood, truth[0], rtol=0, atol=1e-7)
        np.testing.assert_allclose(process.log_likelihood(x, tx, age), truth[1], rtol=0, atol=1e-7)
        known = np.isfinite(truth[7])
        got = [
            process.p_alive(x, tx, age),
            process.p_active(t, x, tx, age),
            process.expected_purchases(t, x, tx, age),
            process.p_alive_at(t, x, tx, age),
            process.pmf(n, t, x, tx, age),
        ]
        for name, mine, right in zip(names, got, truth[2:7], strict=False):
            np.testing.assert_allclose(mine, right, rtol=1e-8, atol=1e-300, err_msg=name)
        if known.any():
            some = family(k, *(each[known] for each in point[1:5]))
            mine = some.dert(rate[known], x[known], tx[known], age[known])
            np.testing.assert_allclose(mine, truth[7][known], rtol=1e-8, err_msg="dert")
    assert np.isfinite(truths[:, :7]).all()


# k = 1


@pytest.mark.parametrize("family", FAMILY)
def test_k_one_is_the_plain_process_in_everything(family):
    parameters = (0.7, 4.4, 0.8, 2.4)
    one, plain = family(1, *parameters), PLAIN[family](*parameters)
    x, tx, age = np.array([0.0, 2, 0, 40]), np.array([0.0, 30, 0, 36]), np.array([0.0, 38, 20, 36])
    np.testing.assert_array_equal(one.log_likelihood(x, tx, age), plain.log_likelihood(x, tx, age))
    np.testing.assert_array_equal(one.p_alive(x, tx, age), plain.p_alive(x, tx, age))
    for call in ("p_active", "p_alive_at", "expected_purchases"):
        np.testing.assert_array_equal(
            getattr(one, call)(39, x, tx, age), getattr(plain, call)(39, x, tx, age)
        )
    for call, first in (("dert", 0.01), ("next_purchase_quantile", 0.2)):
        np.testing.assert_array_equal(
            getattr(one, call)(first, x, tx, age), getattr(plain, call)(first, x, tx, age)
        )
    np.testing.assert_array_equal(one.pmf(3, 39, x, tx, age), plain.pmf(3, 39, x, tx, age))
    futures = [p.simulate(39, x, tx, age, rng=np.random.default_rng(1)) for p in (one, plain)]
    np.testing.assert_array_equal(futures[0].purchases(), futures[1].purchases())
    simulated = [p.simulate_customers(age, rng=np.random.default_rng(1)) for p in (one, plain)]
    np.testing.assert_array_equal(simulated[0], simulated[1])


@pytest.mark.parametrize("family", FAMILY)
def test_k_one_is_fitted_as_the_plain_process(family, cdnow):
    one, plain = family.fit(*cdnow, k=1), PLAIN[family].fit(*cdnow)
    assert one.params == plain.params
    assert one.log_likelihood == plain.log_likelihood
    assert one.standard_errors == plain.standard_errors
    assert one.status == plain.status
    draws = [fit.posterior(draws=50, seed=3).draws for fit in (one, plain)]
    np.testing.assert_array_equal(*draws)


def test_roots_of_unity_are_powers_at_k_one():
    p = np.array([[1e-300, 1e-20, 1e-3, 0.3, 0.9, 0.999]])
    odds, r = np.array([[7.0]]), np.array([[1.7]])
    kept = (1 + p * odds) ** -r
    tails = SmallStay.tails(1, 0, odds[0], r[0])
    rows = np.array([0])
    np.testing.assert_allclose(survival_given(p, 1, 0, odds, r, tails, rows), kept, rtol=1e-14)
    lost = -np.expm1(-r * np.log1p(p * odds)) / p
    np.testing.assert_allclose(lost_share(p, 1, 0, odds, r, tails, rows), lost, rtol=1e-13)


# Identities


@pytest.mark.parametrize("family", FAMILY)
def test_likelihood_without_gaps_is_the_mean_over_gaps(family):
    process, tx, age = family(3, 1.1, 2.5, 0.7, 2.0), 12.0, 30.0
    node, weight = np.polynomial.legendre.leggauss(60)
    first = tx * (node + 1) / 2
    gaps = np.log(first) + np.log(tx - first)
    known = np.exp(process.log_likelihood(np.full(60, 2), np.full(60, tx), age, log_gaps=gaps))
    free = np.exp(process.log_likelihood(2, tx, age))
    assert weight @ known / 2 == pytest.approx(float(free), rel=1e-12)


@pytest.mark.parametrize(("k", "j"), [(2, 0), (3, 2), (12, 5)])
def test_sum_and_quadrature_agree(monkeypatch, k, j):
    # the answer is a sum of up to 64 terms or else a quadrature: both must give the same
    t = np.array([3.0, 10.0, 40.0])
    r, a, b = np.array([[0.7], [5.0], [30.0]]) * k, 0.3, np.array([[[0.02]], [[0.5]], [[8.0]]])
    summed = [f(t, k, j, r, 9.0, a, b) for f in (mean_purchases, mean_survival)]
    monkeypatch.setattr(regular_mixture, "_TERMS", 1)
    integral = [f(t, k, j, r, 9.0, a, b) for f in (mean_purchases, mean_survival)]
    np.testing.assert_allclose(summed[0], integral[0], rtol=1e-9)
    np.testing.assert_allclose(summed[1], integral[1], rtol=1e-9)


@pytest.mark.parametrize("family", FAMILY)
def test_a_row_does_not_depend_on_its_batch(family):
    rng = np.random.default_rng(3)
    process = family(3, 0.9, 3.0, 0.8, 2.4)
    age = rng.integers(1, 60, 3000).astype(float)
    x, tx, _ = process.simulate_histories(age, rng=rng)
    x[:2], tx[:2], age[:2] = 400, 50.0, 52.0
    some = np.r_[0:4, 100:104]
    for call, first in (
        ("expected_purchases", 300.0),
        ("p_alive_at", 300.0),
        ("p_active", 13.0),
        ("next_purchase_quantile", 0.2),
        ("dert", 0.01),
    ):
        size = 400 if call == "dert" else 3000
        every = getattr(process, call)(first, x[:size], tx[:size], age[:size])[some]
        alone = [float(getattr(process, call)(first, x[i], tx[i], age[i])) for i in some]
        np.testing.assert_allclose(every, alone, rtol=1e-14, err_msg=call)


# Simulation


def _by_hand(rng, k, parameters, age, ahead, first_counts, size=60_000, most=150):
    """Simulate customers purchase by purchase: frequency, recency and purchases afterwards."""
    r, alpha, a, b = parameters
    rate, drop = rng.gamma(r, 1 / alpha, size), rng.beta(a, b, size)
    life = rng.geometric(np.maximum(drop, 1e-12)) - first_counts
    time = np.cumsum(rng.gamma(k, 1 / rate[:, None], (size, most)), axis=1)
    bought = time <= age + ahead
    bought &= np.arange(most) < life[:, None]
    assert not bought[:, -1].any()
    early = bought & (time <= age)
    return early.sum(1), np.where(early, time, 0.0).max(1), (bought & ~early).sum(1)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("k", [2, 4])
def test_predictions_are_those_of_customers_simulated_by_hand(family, k):
    parameters, age, ahead = (1.5, 4.0 / k, 0.6, 1.5), 12.0, 10.0
    rng = np.random.default_rng(19)
    x, tx, more = _by_hand(rng, k, parameters, age, ahead, int(family is MBGCNBD))
    process = family(k, *parameters)
    expected = process.expected_purchases(ahead, x, tx, age)
    active = process.p_active(ahead, x, tx, age)
    two = process.pmf(2, ahead, x, tx, age)
    recent = age - tx < 2.0
    for group in (x == 0, x == 1, x == 2, x > 3, (x > 0) & recent, (x > 1) & ~recent):
        for got, seen in ((expected, more), (active, more > 0), (two, more == 2)):
            gap = seen[group] - got[group]
            assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(group.sum())
    counts = process.pmf(np.arange(8), age)
    seen = np.bincount(np.minimum(x, 8), minlength=9)[:8] / x.size
    np.testing.assert_allclose(seen, counts, atol=4 * np.sqrt(0.25 / x.size))


CELLS = 60_000


@pytest.mark.parametrize("family", FAMILY)
def test_simulated_histories_are_those_of_the_process(family):
    process, rng, age = family(3, 0.9, 1.5, 0.8, 2.4), np.random.default_rng(13), 30.0
    x, tx, gaps = process.simulate_histories(np.full(CELLS, age), rng=rng)
    assert np.all((tx > 0) == (x > 0))
    assert tx.max() <= age
    np.testing.assert_allclose(gaps[x == 1], np.log(tx[x == 1]), atol=1e-12)
    alive, truth = process.p_alive(x, tx, age), float(process.p_alive_at(age))
    assert abs(alive.mean() - truth) < 4 * alive.std() / np.sqrt(CELLS)
    assert process.simulate_histories(age, rng=rng)[2].shape == ()
    nobody = family(3, 0.01, 400.0, 0.8, 2.4).simulate_histories(1.0, rng=rng)
    assert [each.dtype.kind for each in nobody] == ["i", "f", "f"]
    # the likelihood's ratio to that of another k has mean 1: densities of the same data
    other = family(2, 1.2, 1.4, 0.9, 2.5)
    known = [p.log_likelihood(x, tx, age, log_gaps=gaps) for p in (other, process)]
    ratio = np.exp(known[0] - known[1])
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(CELLS)


# Estimation


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("eta", [(-1.4, -2.0, -0.2, 0.9), (0.0, 0.0, 0.0, 0.0), (2, 3, -4, 5)])
def test_derivatives_match_finite_differences(check_derivatives, cdnow, shift, k, eta):
    histories = read_histories(*cdnow)
    likelihood = RegularLikelihood.regular(histories, k=k, shift=shift, total_log_gaps=None)
    check_derivatives(likelihood, eta, atol=2e-3)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("known", [True, False])
def test_compressed_likelihood_is_the_sum_over_customers(histories, family, known):
    *data, gaps = histories("cdnow_gaps")
    gaps = gaps if known else None
    fit = family.fit(*data, k=2, log_gaps=gaps)
    total = fit.process.log_likelihood(*data, log_gaps=gaps).sum()
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fit.n_customers == 2357


def _customers(family, k, parameters, size, seed):
    """Return frequency, recency, T and log gaps of simulated customers."""
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(20, 60, size))
    x, tx, gaps = family(k, *parameters).simulate_histories(age, rng=rng)
    return x, tx, age, gaps


@pytest.mark.parametrize("family", FAMILY)
def test_parameters_and_k_come_back(family):
    truth = {"r": 1.2, "alpha": 1.5, "a": 0.8, "b": 2.4}
    x, tx, age, gaps = _customers(family, 3, truth.values(), 4000, 5)
    fit = family.fit(x, tx, age, log_gaps=gaps)
    assert fit.k == 3
    assert "k = 3 of 1 to 12" in fit.message
    for name, value in truth.items():
        assert abs(np.log(fit.params[name] / value)) < 4 * fit.standard_errors[name] / value
    blind = family.fit(x, tx, age, k=3)
    assert blind.params == pytest.approx(fit.params, rel=1e-5)


@pytest.mark.parametrize("family", FAMILY)
def test_the_unit_of_time_does_not_matter(histories, family):
    x, tx, age, gaps = histories("cdnow_gaps")
    weeks = family.fit(x, tx, age, k=2, log_gaps=gaps)
    for factor in (7.0, 7 / 365.25):
        days = family.fit(x, tx * factor, age * factor, k=2, log_gaps=gaps + x * np.log(factor))
        for name, power in {"r": 0, "alpha": 1, "a": 0, "b": 0}.items():
            assert days.params[name] == pytest.approx(weeks.params[name] * factor**power, rel=1e-6)
        change = x.sum() * np.log(factor)
        assert days.log_likelihood == pytest.approx(weeks.log_likelihood - change, abs=1e-6)
        blind = [family.fit(x, tx * f, age * f, k=2).log_likelihood for f in (1.0, factor)]
        assert blind[1] == pytest.approx(blind[0] - change, abs=1e-6)


@pytest.mark.parametrize("family", FAMILY)
def test_weights_are_repeated_rows_and_order_is_irrelevant(histories, family):
    columns = histories("cdnow_gaps")
    rng = np.random.default_rng(4)
    weight = rng.integers(0, 4, columns[0].size)
    repeated = [np.repeat(column, weight) for column in columns]
    order = rng.permutation(repeated[0].size)
    x, tx, age, gaps = (column[order] for column in repeated)
    plain = family.fit(x, tx, age, log_gaps=gaps, k=2)
    weighted = family.fit(*columns[:3], log_gaps=columns[3], k=2, weights=weight)
    assert weighted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    assert weighted.params == pytest.approx(plain.params, rel=1e-9)


def _sound(size=40):
    x = np.arange(size) % 4.0
    tx = np.where(x > 0, 5.0 + np.arange(size) % 7, 0.0)
    gaps = np.where(x > 0, x * np.log(np.maximum(tx, 1) / np.maximum(x, 1)), 0.0)
    return x, tx, np.full(size, 20.0), gaps


@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        (1, np.nan, "missing"),
        (1, -np.inf, "infinite"),
        (0, 1.0, "without a repeat purchase"),
        (2, 9.0, "more than gaps"),
        (1, np.log(6.0 / 7), "less than log"),
    ],
)
def test_gaps_that_cannot_be_are_refused(row, value, words):
    x, tx, age, gaps = _sound()
    gaps[row] = value
    with pytest.raises(BadRowsError, match=words) as caught:
        BGCNBD.fit(x, tx, age, log_gaps=gaps)
    assert caught.value.count == 1
    assert caught.value.column == "log_gaps"


def test_what_is_missing_or_odd_is_refused():
    x, tx, age, gaps = _sound()
    with pytest.raises(UsageError, match="log_gaps: missing"):
        MBGCNBD.fit(x, tx, age)
    with pytest.raises(UsageError, match="shape"):
        MBGCNBD.fit(x, tx, age, log_gaps=gaps[:-1])
    with pytest.raises(UsageError, match="numbers"):
        MBGCNBD.fit(x, tx, age, log_gaps=["short"] * 40)
    for k in (0, 1.5, -2, np.nan, True, "2", [2]):
        with pytest.raises(UsageError, match="whole number"):
            BGCNBD.fit(x, tx, age, k=k)
        with pytest.raises(UsageError, match="whole number"):
            BGCNBD(k, 1.0, 1.0, 1.0, 1.0)
    none = np.zeros(40)
    with pytest.raises(NotIdentifiedError, match="bought again"):
        BGCNBD.fit(none, none, age, log_gaps=none)
    assert BGCNBD(np.int64(2), 1.0, 1.0, 1.0, 1.0).k == 2


def test_log_gaps_are_summed_by_customer_in_any_order():
    names, total = log_gaps([2, 1, 2, 2, 3, 1], [9.0, 4.0, 1.0, 2.0, 5.0, 1.0])
    np.testing.assert_array_equal(names, [1, 2, 3])
    np.testing.assert_allclose(total, [np.log(3), np.log(1) + np.log(7), 0.0])
    with pytest.raises(BadRowsError, match="same time"):
        log_gaps([1, 1], [3.0, 3.0])
    with pytest.raises(UsageError, match="one finite time"):
        log_gaps([1, 1], [3.0, np.nan])


def test_no_dropout_is_named_and_usable():
    x, tx, age, gaps = _customers(BGCNBD, 2, (1.5, 5.0, 1e-9, 1.0), 800, 2)
    fit = BGCNBD.fit(x, tx, age, log_gaps=gaps)
    assert fit.k == 2
    assert fit.limit == "CNBD-2: no dropout"
    assert fit.status == "limit"
    assert fit.params["r"] == pytest.approx(1.5, rel=0.3)
    assert np.isnan(fit.standard_errors["a"])
    assert np.all(np.isfinite(fit.process.expected_purchases(26, x, tx, age)))


def test_constant_dropout_is_named_and_usable():
    x, tx, age, gaps = _customers(MBGCNBD, 3, (1.0, 3.0, 2e5, 8e5), 3000, 8)
    fit = MBGCNBD.fit(x, tx, age, log_gaps=gaps)
    assert (fit.k, fit.limit) == (3, "constant dropout: a, b to infinity")
    assert fit.params["a"] / (fit.params["a"] + fit.params["b"]) == pytest.approx(0.2, rel=0.1)
    assert np.all(np.isfinite(fit.posterior(draws=200, seed=1).draws))


def test_one_rate_without_dropout_is_an_erlang_process():
    x, tx, age, gaps = _customers(BGCNBD, 2, (1e6, 4e6, 1e-9, 1.0), 500, 3)
    fit = BGCNBD.fit(x, tx, age, log_gaps=gaps)
    assert fit.limit == "Erlang-2: one purchase rate and no dropout"
    assert fit.params["r"] / fit.params["alpha"] == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("seed", range(8))
def test_small_and_odd_data_never_fail(family, seed):
    rng = np.random.default_rng(seed)
    age = rng.choice([3.0, 10.0, 30.0, 100.0], 25)
    x, tx, gaps = BGCNBD(1 + seed % 4, *np.exp(rng.normal(0, 2, 4))).simulate_histories(
        age, rng=rng
    )
    try:
        fit = family.fit(x, tx, age, log_gaps=gaps)
    except NotIdentifiedError:
        assert x.sum() == 0
        return
    assert fit.status in ("converged", "weak", "limit")
    assert np.isfinite(fit.log_likelihood)
    assert np.all(np.isfinite(list(fit.params.values())))
    for t in (1.0, 1000.0):
        assert np.all(np.isfinite(fit.process.expected_purchases(t, x, tx, age)))


@pytest.mark.slow
def test_many_customers_are_rehearsed_on_a_sample():
    x, tx, age, gaps = _customers(MBGCNBD, 2, (0.9, 2.0, 0.8, 2.4), 120_000, 5)
    fit = MBGCNBD.fit(x, tx, age, log_gaps=gaps)
    assert fit.k == 2
    assert fit.status == "converged"
    assert fit.likelihood.row_weight.size > 20_000
    small = MBGCNBD.fit(x[:40_000], tx[:40_000], age[:40_000], log_gaps=gaps[:40_000], k=2)
    for name, value in small.params.items():
        assert abs(fit.params[name] - value) < 4 * small.standard_errors[name]


def test_posterior_draws_make_a_process(cdnow):
    fit = MBGCNBD.fit(*cdnow, k=2)
    posterior = fit.posterior(draws=500, seed=1)
    assert posterior.pareto_k < 0.7
    mean = dict(zip(posterior.names, posterior.log_draws.mean(axis=0), strict=True))
    for name, value in fit.params.items():
        assert abs(mean[name] - np.log(value)) < fit.standard_errors[name] / value
    process = posterior.process(partial(MBGCNBD, fit.k))
    future = process.simulate(26.0, 2, 10.0, 20.0, rng=np.random.default_rng(1))
    assert future.shape == (500,)
