"""Maximum likelihood: derivatives, invariances, refusals, limits."""

import warnings
from functools import partial

import numpy as np
import pytest

from forecast.errors import BadRowsError, NotIdentifiedError, TooLittleDataError, UsageError
from forecast.processes import BGNBD, MBGNBD, NBD, ParetoNBD
from forecast.processes.bg_likelihood import BGLikelihood
from forecast.processes.distinct import distinct_rows, encode, pairs
from forecast.processes.histories import read_histories
from forecast.processes.nbd_likelihood import NBDLikelihood
from forecast.processes.newton import climb
from forecast.processes.pareto_nbd_likelihood import ParetoNBDLikelihood

FAMILY = [BGNBD, MBGNBD, ParetoNBD, NBD]
LIKELIHOODS = [
    *(partial(BGLikelihood.of, shift=shift) for shift in (0, 1)),
    ParetoNBDLikelihood.of,
    NBDLikelihood.of,
]
ETAS = [(-1.4, -2, -0.2, 0.9), (0, 0, 0, 0), (2, 3, -4, 5), (-1, -2, 8, 8), (1, -3, 2, -6)]


@pytest.mark.parametrize("of", LIKELIHOODS, ids=["BGNBD", "MBGNBD", "ParetoNBD", "NBD"])
@pytest.mark.parametrize("eta", ETAS)
def test_derivatives_match_finite_differences(check_derivatives, cdnow, of, eta):
    likelihood = of(read_histories(*cdnow))
    check_derivatives(likelihood, eta[: len(likelihood.names)])


@pytest.mark.parametrize("family", FAMILY)
def test_compressed_likelihood_is_the_sum_over_customers(cdnow, family):
    fit = family.fit(*cdnow)
    total = fit.process.log_likelihood(*cdnow).sum()
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fit.n_customers == 2357


@pytest.mark.parametrize("family", FAMILY)
def test_the_unit_of_time_does_not_matter(cdnow, family):
    x, tx, age = cdnow
    weeks = family.fit(x, tx, age, unit="week")
    days = family.fit(x, np.round(tx * 7), np.round(age * 7))
    years = family.fit(x, tx * 7 / 365.25, age * 7 / 365.25)
    assert weeks.unit == "week"
    for other, factor in ((days, 7.0), (years, 7 / 365.25)):
        for name, power in zip(weeks.params, weeks.timed, strict=True):
            assert other.params[name] == pytest.approx(weeks.params[name] * factor**power, rel=1e-6)
            error = weeks.standard_errors[name] * factor**power
            assert other.standard_errors[name] == pytest.approx(error, rel=1e-5)
        change = x.sum() * np.log(factor)
        assert other.log_likelihood == pytest.approx(weeks.log_likelihood - change, abs=1e-6)


@pytest.mark.parametrize("family", FAMILY)
def test_weights_are_repeated_rows_and_order_is_irrelevant(cdnow, family):
    rng = np.random.default_rng(4)
    weight = rng.integers(0, 4, cdnow[0].size)
    weighted = family.fit(*cdnow, weights=weight)
    repeated = [np.repeat(column, weight) for column in cdnow]
    order = rng.permutation(repeated[0].size)
    plain = family.fit(*(column[order] for column in repeated))
    assert weighted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    # Pareto/NBD's likelihood is flat in s and beta
    digits = 1e-7 if family is ParetoNBD else 1e-9
    for name in plain.params:
        assert weighted.params[name] == pytest.approx(plain.params[name], rel=digits)


def _sound(size=40):
    x = np.arange(size) % 4.0
    return x, np.where(x > 0, 5.0 + np.arange(size) % 7, 0.0), np.full(size, 20.0)


@pytest.mark.parametrize(
    ("column", "value", "error", "words"),
    [
        (0, 1.5, BadRowsError, "not whole"),
        (0, -1.0, BadRowsError, "negative"),
        (0, np.nan, BadRowsError, "missing"),
        (0, 1e9, BadRowsError, "10,000,000"),
        (1, np.inf, BadRowsError, "infinite"),
        (1, 21.0, BadRowsError, "above T"),
        (1, 0.0, BadRowsError, "age 0"),
        (2, -3.0, BadRowsError, "negative"),
    ],
)
def test_bad_rows_are_refused_by_name(column, value, error, words):
    columns = [each.copy() for each in _sound()]
    columns[column][[1, 5]] = value
    with pytest.raises(error, match=words) as caught:
        BGNBD.fit(*columns)
    assert caught.value.count == 2
    assert caught.value.column == ("frequency", "recency", "T")[column]


def test_a_recency_without_a_repeat_purchase_is_refused():
    x, tx, age = _sound()
    tx[0] = 3.0
    with pytest.raises(BadRowsError, match="without a repeat purchase"):
        MBGNBD.fit(x, tx, age)


def test_what_cannot_be_estimated_is_refused_by_name():
    x, tx, age = _sound()
    none = np.zeros(40)
    with pytest.raises(NotIdentifiedError, match="bought again") as caught:
        BGNBD.fit(none, none, age)
    assert caught.value.limit == "no repeat purchases"
    with pytest.raises(TooLittleDataError, match="Every T is 0"):
        BGNBD.fit(none, none, none)
    with pytest.raises(TooLittleDataError, match="at least 10"):
        BGNBD.fit(x[:9], tx[:9], age[:9])
    with pytest.raises(TooLittleDataError, match="0 customers"):
        BGNBD.fit([], [], [])
    with pytest.raises(UsageError, match="length"):
        BGNBD.fit(x[:-1], tx, age)
    with pytest.raises(UsageError, match="numbers"):
        BGNBD.fit(["many"] * 40, tx, age)
    with pytest.raises(UsageError, match="shape"):
        BGNBD.fit(x[:, None], tx, age)


def _simulated(family, parameters, size, seed):
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(20, 60, size), 1)
    x, tx = family(*parameters).simulate_customers(age, rng=rng)
    return x, tx, age


@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
def test_no_dropout_is_named_and_usable(family):
    data = _simulated(BGNBD, (1.5, 10.0, 1e-9, 1.0), 800, 2)
    fit = family.fit(*data)
    # a few customers who never bought look, by chance, as if they had left at once
    assert fit.limit in ("NBD: no dropout", "dropout at the first occasion or never: a, b to 0")
    assert fit.limit == "NBD: no dropout" or family is MBGNBD
    assert fit.status in ("limit", "weak")
    assert fit.params["r"] == pytest.approx(1.5, rel=0.3)
    if fit.status == "limit":
        assert np.isnan(fit.standard_errors["a"])
        assert fit.standard_errors["r"] > 0
        assert "a, b" in fit.message
    assert np.all(np.isfinite(fit.process.expected_purchases(26, *data)))


def test_constant_dropout_is_named_and_usable():
    rng = np.random.default_rng(8)
    data = _simulated(BGNBD, (1.0, 5.0, 2e5, 8e5), 3000, 8)
    fit = BGNBD.fit(*data)
    assert fit.limit == "constant dropout: a, b to infinity"
    assert fit.params["a"] / (fit.params["a"] + fit.params["b"]) == pytest.approx(0.2, rel=0.1)
    posterior = fit.posterior(draws=200, seed=1)
    assert np.all(np.isfinite(posterior.draws))
    future = posterior.process(BGNBD).simulate(26.0, *(c[:50, None] for c in data), rng=rng)
    assert future.purchases().shape == (50, 200)


def test_one_purchase_rate_is_named():
    fit = MBGNBD.fit(*_simulated(MBGNBD, (1e6, 5e6, 1.0, 3.0), 2000, 3))
    assert fit.limit == "one purchase rate: r, alpha to infinity"
    assert fit.params["r"] / fit.params["alpha"] == pytest.approx(0.2, rel=0.1)
    assert fit.process.expected_purchases(1e-6) == pytest.approx(0.2e-6 * 0.75, rel=0.1)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("truth", [BGNBD, ParetoNBD])
@pytest.mark.parametrize("seed", range(16))
def test_small_and_odd_data_never_fail(family, truth, seed):
    # tiny bases from wild parameters: always a fit or a refusal by name, and always numbers
    rng = np.random.default_rng(seed)
    parameters = np.exp(rng.normal(0, 2, 4))
    age = rng.choice([3.0, 10.0, 30.0, 100.0], 25)
    x, tx = truth(*parameters).simulate_customers(age, rng=rng)
    try:
        fit = family.fit(x, tx, age)
    except NotIdentifiedError:
        assert x.sum() == 0
        return
    assert fit.status in ("converged", "weak", "limit"), fit.message
    assert np.isfinite(fit.log_likelihood)
    assert np.all(np.isfinite(list(fit.params.values())))
    for t in (1.0, 1000.0):
        assert np.all(np.isfinite(fit.process.expected_purchases(t, x, tx, age)))
        assert np.all(np.isfinite(fit.process.pmf(2, t, x, tx, age)))


def test_the_limit_is_never_worse_than_a_search_inside():
    data = _simulated(BGNBD, (1, 5, 2e5, 8e5), 500, 1)
    fit, likelihood = BGNBD.fit(*data), BGLikelihood.of(read_histories(*data), shift=0)
    for seed in range(5):
        start = np.random.default_rng(seed).normal(0, 2, 4)
        other = climb(likelihood.derivatives, start).value + likelihood.unit_change()
        assert fit.log_likelihood >= other - 0.01


@pytest.mark.parametrize(
    ("family", "of", "truth"),
    [
        (BGNBD, LIKELIHOODS[0], (0.6, 5.0, 0.8, 2.4)),
        (ParetoNBD, LIKELIHOODS[2], (0.6, 5.0, 0.8, 12.0)),
    ],
)
def test_parameters_are_recovered_after_a_rehearsal_on_a_sample(family, of, truth):
    x, tx, age = _simulated(family, truth, 60_000, 5)
    fit = family.fit(x, tx, age)
    histories = read_histories(x, tx, age)
    assert histories.weight.size > 20_000
    likelihood = of(histories)
    direct = climb(likelihood.derivatives, np.zeros(4))
    assert fit.log_likelihood == pytest.approx(direct.value + likelihood.unit_change(), abs=1e-4)
    assert fit.status == "converged"
    for name, value in zip(fit.params, truth, strict=True):
        assert abs(fit.params[name] - value) < 4 * fit.standard_errors[name], name


def test_recency_counts_in_days_or_weeks_or_neither():
    for column in (np.array([0.0, 3, 3, 1]), np.array([0, 1, 5, 1]) / 7, np.array([0.1, 0.3, 0.1])):
        coded = encode(column)
        np.testing.assert_array_equal(coded.values[coded.codes], column)
        assert np.all(np.diff(coded.values) > 0)


def test_distinct_rows_keep_their_weight():
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 5, 500).astype(float) for _ in range(3)]
    weight = rng.random(500)
    coded = [encode(column) for column in columns]
    codes, total = distinct_rows(coded, weight)
    rows = np.stack([each.values[code] for each, code in zip(coded, codes, strict=True)])
    want, place = np.unique(np.stack(columns), axis=1, return_inverse=True)
    np.testing.assert_array_equal(rows, want)
    np.testing.assert_allclose(total, np.bincount(place.ravel(), weight))
    assert distinct_rows(coded, None)[1].sum() == 500
    for second in (columns[1], rng.random(500)):
        one, two, back = pairs(columns[0], second)
        np.testing.assert_array_equal(one[back], columns[0])
        np.testing.assert_array_equal(two[back], second)


def test_estimation_is_silent_and_repeats(cdnow):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = BGNBD.fit(*cdnow), BGNBD.fit(*cdnow)
    assert one.params == two.params
    assert one.log_likelihood == two.log_likelihood
