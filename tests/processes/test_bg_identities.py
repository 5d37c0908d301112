"""What must hold between the formulas of BG/NBD and MBG/NBD, whatever the parameters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import UsageError
from forecast.processes import BGNBD, MBGNBD, ParetoNBD

FAMILY = [BGNBD, MBGNBD]
positive = st.floats(0.1, 20.0)


@st.composite
def cases(draw):
    """Return a process and a history."""
    process = draw(st.sampled_from(FAMILY))(*(draw(positive) for _ in range(4)))
    x = draw(st.integers(0, 30))
    age = draw(st.floats(1.0, 100.0))
    tx = draw(st.floats(0.05, 1.0)) * age if x else 0.0
    return process, (x, tx, age)


def test_a_new_customer_is_one_without_a_history():
    parameters = (0.243, 4.414, 0.793, 2.426)
    assert BGNBD(*parameters).p_alive() == 1.0
    assert BGNBD(*parameters).p_alive(0, 0, 500) == 1.0
    assert MBGNBD(*parameters).p_alive() == pytest.approx(2.426 / (0.793 + 2.426))
    for family in FAMILY:
        process = family(*parameters)
        assert process.log_likelihood(0, 0, 0) == pytest.approx(0.0, abs=1e-14)
        assert process.expected_purchases(39, 0, 0, 0) == process.expected_purchases(39)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.1, 100.0))
def test_pmf_adds_up_to_one_and_to_the_mean(case, t):
    process, history = case
    n = np.arange(4000)
    pmf = process.pmf(n, t, *history)
    mean = process.expected_purchases(t, *history)
    assert np.all(pmf >= 0)
    # heavy-tailed rates leave a little beyond the last n
    beyond = 1 - pmf.sum()
    assert -1e-10 < beyond < 1e-3
    if beyond < 1e-12:
        assert (n * pmf).sum() == pytest.approx(float(mean), rel=1e-8)
    assert process.p_active(t, *history) == pytest.approx(1 - float(pmf[0]), abs=1e-12)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("x", [1, 2, 5, 20])
def test_likelihood_integrates_to_the_pmf(family, x):
    # the likelihood is the density of ordered purchase times; the first x-1 of them fill a
    # simplex of volume tx^(x-1) / (x-1)!, and what is left is an integral over tx
    process, age = family(0.8, 5.0, 0.7, 2.0), 30.0
    node, weight = np.polynomial.legendre.leggauss(200)
    tx = age * (node + 1) / 2
    log_volume = (x - 1) * np.log(tx) - np.log(np.arange(1, x)).sum()
    density = np.exp(process.log_likelihood(x, tx, age) + log_volume)
    assert age / 2 * (weight @ density) == pytest.approx(float(process.pmf(x, age)), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.1, 100.0))
def test_silence_updates_p_alive_by_bayes(case, t):
    process, (x, tx, age) = case
    silent_and_alive = process.p_alive(x, tx, age) - process.p_active(t, x, tx, age)
    silent = 1 - process.p_active(t, x, tx, age)
    later = process.p_alive(x, tx, age + t)
    assert silent_and_alive == pytest.approx(float(later * silent), rel=1e-7, abs=1e-13)


@settings(max_examples=40, deadline=None)
@given(cases(), st.floats(0.002, 0.5))
def test_dert_is_the_discounted_sum_of_expectations(case, rate):
    process, history = case
    # rate * int exp(-rate u) CE(u) du; u = 10^s, trapezoidal
    s = np.linspace(-14, np.log10(60 / rate), 1500)
    u = 10.0**s
    height = rate * np.exp(-rate * u) * process.expected_purchases(u, *history) * u * np.log(10)
    total = np.trapezoid(height, s)
    assert process.dert(rate, *history) == pytest.approx(float(total), rel=1e-5, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(1.0, 100.0))
def test_future_life_falls_and_purchases_rise(case, t):
    process, history = case
    alive = process.p_alive_at(np.array([0.0, t, 2 * t]), *history)
    assert alive[0] == pytest.approx(float(process.p_alive(*history)), rel=1e-12)
    assert alive[0] >= alive[1] >= alive[2] >= 0
    one, two = process.expected_purchases(np.array([t, 2 * t]), *history)
    assert one <= two <= 2 * one * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.01, 0.99))
def test_quantile_inverts_the_chance_of_a_purchase(case, level):
    process, history = case
    wait = process.next_purchase_quantile(level, *history)
    if level < process.p_alive(*history):
        if np.isfinite(wait):
            assert process.p_active(wait, *history) == pytest.approx(level, rel=1e-9)
    else:
        assert wait == np.inf


@pytest.mark.parametrize("family", FAMILY)
def test_nothing_happens_at_a_equal_to_one(family):
    a = 1 + np.array([-1e-3, -1e-6, -1e-9, -1e-13, 0.0, 1e-13, 1e-9, 1e-6, 1e-3])
    expected = family(0.243, 4.414, a, 2.426).expected_purchases(39, 2, 30.43, 38.86)
    # a straight line through the ends, up to curvature
    line = np.interp(a, a[[0, -1]], expected[[0, -1]])
    np.testing.assert_allclose(expected, line, rtol=2e-6)
    np.testing.assert_allclose(expected[2:7], expected[4], rtol=1e-9)


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("a", [1e-7, 1e-3, 0.5, 1.0, 30.0, 1e5, 1e7])
@pytest.mark.parametrize("b", [1e-7, 1e-3, 0.5, 30.0, 1e5, 1e7])
def test_extremes_stay_numbers(family, a, b):
    process = family(0.3, 5.0, a, b)
    x = np.array([0.0, 0.0, 1.0, 3.0, 2000.0, 2000.0])
    tx = np.array([0.0, 0.0, 1e-3, 20.0, 300.0, 20.0])
    age = np.array([0.0, 300.0, 300.0, 20.0, 300.0, 300.0])
    for t in (1e-9, 1.0, 1e4):
        assert np.all(np.isfinite(process.log_likelihood(x, tx, age)))
        for call in (process.p_alive_at, process.expected_purchases, process.p_active):
            values = call(t, x, tx, age)
            assert np.all(np.isfinite(values))
            assert np.all(values >= 0)
        pmf = process.pmf(np.arange(5)[:, None], t, x, tx, age)
        assert np.all((pmf >= 0) & (pmf <= 1 + 1e-12))
    assert np.all(process.p_alive_at(1.0, x, tx, age) <= 1)
    assert np.all(np.isfinite(process.dert(0.01, x, tx, age)))


@pytest.mark.parametrize("family", FAMILY)
def test_draws_broadcast_against_customers(family):
    rng = np.random.default_rng(1)
    draws = [rng.uniform(0.5, 3, 4) for _ in range(4)]
    x, tx, age = np.array([0.0, 3.0, 9.0]), np.array([0.0, 10.0, 29.0]), np.array([5.0, 30, 30])
    grid = family(*draws).expected_purchases(13, x[:, None], tx[:, None], age[:, None])
    assert grid.shape == (3, 4)
    for d in range(4):
        alone = family(*(each[d] for each in draws)).expected_purchases(13, x, tx, age)
        np.testing.assert_allclose(grid[:, d], alone, rtol=1e-12)


def test_looking_up_equal_histories_changes_nothing():
    rng = np.random.default_rng(2)
    process = BGNBD(0.243, 31.0, 0.793, 2.426)
    age = rng.integers(0, 300, 20_000).astype(float)
    x, tx = process.simulate_customers(age, rng=rng)
    many = process.expected_purchases(365.0, x, tx, age)
    few = np.concatenate(
        [
            process.expected_purchases(365.0, x[i], tx[i], age[i])
            for i in np.split(np.arange(20_000), 5)
        ]
    )
    np.testing.assert_allclose(many, few, rtol=1e-13)


@pytest.mark.parametrize("family", FAMILY)
def test_units_of_time_do_not_matter(family):
    weeks, days = family(0.243, 4.414, 0.793, 2.426), family(0.243, 4.414 * 7, 0.793, 2.426)
    np.testing.assert_allclose(
        weeks.expected_purchases(26, 3, 20, 30), days.expected_purchases(182, 21 / 7, 140, 210)
    )
    np.testing.assert_allclose(
        weeks.log_likelihood(3, 20, 30), days.log_likelihood(3, 140, 210) + 3 * np.log(7)
    )
    assert weeks.scaled(7.0) == days


def test_parameters_must_be_positive_and_rates_too():
    with pytest.raises(UsageError, match="alpha"):
        BGNBD(0.2, -1.0, 1.0, 1.0)
    with pytest.raises(UsageError, match="b"):
        MBGNBD(0.2, 1.0, 1.0, np.nan)
    with pytest.raises(UsageError, match="rate"):
        BGNBD(0.2, 1.0, 1.0, 1.0).dert(0.0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p.expected_purchases(float("nan"), 2, 30.0, 38.0),
        lambda p: p.expected_purchases(-1.0),
        lambda p: p.p_alive(2, 40.0, 38.0),
        lambda p: p.p_alive(1.7, 30.0, 38.0),
        lambda p: p.p_active(3.0, 2, -1.0, 38.0),
        lambda p: p.simulate(float("nan"), 2, 30.0, 38.0, rng=np.random.default_rng(0)),
        lambda p: type(p)("1", 1.0, 1.0, 1.0),
    ],
)
@pytest.mark.parametrize("family", [BGNBD, MBGNBD, ParetoNBD])
def test_what_is_no_history_or_time_is_refused(family, ask):
    with pytest.raises(UsageError):
        ask(family(0.5, 4.0, 0.8, 2.4))
