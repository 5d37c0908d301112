"""What must hold between the formulas of every process in continuous time, whatever the parameters.

Frequency, recency and T are a history; times are in any one unit.
"""

from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import UsageError
from forecast.processes import BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD

REGULAR = (BGCNBD, MBGCNBD)
AT_PURCHASE = (BGNBD, MBGNBD, *REGULAR)
FAMILY = (*AT_PURCHASE, ParetoNBD)
EVERY = [
    *(BGNBD, MBGNBD, ParetoNBD),
    *(partial(family, k) for family in REGULAR for k in (2, 5)),
    lambda r, alpha, *_: NBD(r, alpha),
]
PARAMETERS = (0.243, 4.414, 0.793, 2.426)
positive = st.floats(0.1, 20.0)


def _named(family):
    return "NBD" if family is EVERY[-1] else type(family(*PARAMETERS)).__name__


every = pytest.mark.parametrize("family", EVERY, ids=_named)


@st.composite
def cases(draw, families=FAMILY):
    """Return a process and a history."""
    family = draw(st.sampled_from(families))
    k = [draw(st.integers(1, 6))] if family in REGULAR else []
    process = family(*k, *(draw(positive) for _ in range(4)))
    x = draw(st.integers(0, 30))
    age = draw(st.floats(1.0, 100.0))
    tx = draw(st.floats(0.05, 1.0)) * age if x else 0.0
    return process, (x, tx, age)


@every
def test_a_new_customer_is_one_without_a_history(family):
    process = family(*PARAMETERS)
    maybe_gone = isinstance(process, MBGNBD | MBGCNBD)
    assert process.p_alive() == pytest.approx(2.426 / (0.793 + 2.426) if maybe_gone else 1.0)
    if isinstance(process, BGNBD | BGCNBD):
        assert process.p_alive(0, 0, 500) == 1.0
    assert process.log_likelihood(0, 0, 0) == pytest.approx(0.0, abs=1e-14)
    assert process.expected_purchases(39, 0, 0, 0) == process.expected_purchases(39)
    assert process.expected_purchases(0.0, 3, 5, 9) == 0.0
    assert process.p_alive_at(0.0, 3, 5, 9) == pytest.approx(float(process.p_alive(3, 5, 9)))
    assert process.pmf(0, 0.0, 3, 5, 9) == pytest.approx(1.0)


@settings(max_examples=200, deadline=None)
@given(cases(), st.floats(0.1, 100.0))
def test_pmf_adds_up_to_one_and_to_the_mean(case, t):
    process, history = case
    n = np.arange(4000)
    pmf = process.pmf(n, t, *history)
    assert np.all(pmf >= 0)
    # heavy-tailed rates leave a little beyond the last n
    beyond = 1 - pmf.sum()
    assert -1e-10 < beyond < 1e-3
    if beyond < 1e-12:
        mean = float(process.expected_purchases(t, *history))
        assert (n * pmf).sum() == pytest.approx(mean, rel=1e-8)
    assert process.p_active(t, *history) == pytest.approx(1 - float(pmf[0]), abs=1e-12)


@pytest.mark.parametrize(
    "process",
    [
        BGNBD(0.8, 5.0, 0.7, 2.0),
        MBGNBD(0.8, 5.0, 0.7, 2.0),
        ParetoNBD(0.8, 5.0, 0.7, 6.0),
        *(family(k, 1.1, 2.5, 0.7, 2.0) for family in (BGCNBD, MBGCNBD) for k in (2, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("x", [1, 2, 5, 20])
def test_likelihood_integrates_to_the_pmf(process, x):
    # the likelihood is the density of ordered purchase times, gaps averaged out; the first x-1
    # of them fill a simplex of volume tx^(x-1) / (x-1)!, and what is left is an integral over tx
    age = 30.0
    node, weight = np.polynomial.legendre.leggauss(200)
    tx = age * (node + 1) / 2
    log_volume = (x - 1) * np.log(tx) - np.log(np.arange(1, x)).sum()
    density = np.exp(process.log_likelihood(x, tx, age) + log_volume)
    assert age / 2 * (weight @ density) == pytest.approx(float(process.pmf(x, age)), rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(cases(AT_PURCHASE), st.floats(0.1, 100.0))
def test_silence_updates_p_alive_by_bayes(case, t):
    process, (x, tx, age) = case
    silent_and_alive = process.p_alive(x, tx, age) - process.p_active(t, x, tx, age)
    silent = 1 - process.p_active(t, x, tx, age)
    later = process.p_alive(x, tx, age + t)
    rounding = 1e-12 if isinstance(process, BGCNBD | MBGCNBD) else 1e-13
    assert silent_and_alive == pytest.approx(float(later * silent), rel=1e-7, abs=rounding)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.002, 0.5))
def test_dert_is_the_discounted_sum_of_expectations(case, rate):
    process, history = case
    # rate * int exp(-rate u) CE(u) du; u = 10^s, trapezoidal
    s = np.linspace(-14, np.log10(60 / rate), 1500)
    u = 10.0**s
    height = rate * np.exp(-rate * u) * process.expected_purchases(u, *history) * u * np.log(10)
    total = np.trapezoid(height, s)
    assert process.dert(rate, *history) == pytest.approx(float(total), rel=1e-5, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(cases(), st.floats(1.0, 100.0))
def test_future_life_falls_and_purchases_rise(case, t):
    process, history = case
    alive = process.p_alive_at(np.array([0.0, t, 2 * t]), *history)
    assert alive[0] == pytest.approx(float(process.p_alive(*history)), rel=1e-12)
    assert np.all(np.diff(alive) <= 1e-12 * alive[:-1])
    assert alive[2] >= 0
    one, two = process.expected_purchases(np.array([t, 2 * t]), *history)
    assert one <= two * (1 + 1e-12)
    if not isinstance(process, BGCNBD | MBGCNBD):  # after a long silence the next one is due soon
        assert two <= 2 * one * (1 + 1e-12)


@settings(max_examples=300, deadline=None)
@given(cases(), st.floats(1e-6, 0.999))
def test_quantile_inverts_the_chance_of_a_purchase(case, share):
    process, history = case
    dies = isinstance(process, ParetoNBD)  # also before the next purchase
    ever = float(process.p_active(np.inf, *history) if dies else process.p_alive(*history))
    wait = process.next_purchase_quantile(share * ever, *history)
    if dies or np.isfinite(wait):  # a wait beyond the largest number is infinite
        assert process.p_active(wait, *history) == pytest.approx(share * ever, rel=1e-9)
    assert process.next_purchase_quantile(ever * 1.001, *history) == np.inf


@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
def test_nothing_happens_at_a_equal_to_one(family):
    a = 1 + np.array([-1e-3, -1e-6, -1e-9, -1e-13, 0.0, 1e-13, 1e-9, 1e-6, 1e-3])
    expected = family(0.243, 4.414, a, 2.426).expected_purchases(39, 2, 30.43, 38.86)
    # a straight line through the ends, up to curvature
    line = np.interp(a, a[[0, -1]], expected[[0, -1]])
    np.testing.assert_allclose(expected, line, rtol=2e-6)
    np.testing.assert_allclose(expected[2:7], expected[4], rtol=1e-9)


@pytest.mark.parametrize(
    "family", [BGNBD, MBGNBD, *(partial(f, k) for f in (BGCNBD, MBGCNBD) for k in (2, 7))]
)
@pytest.mark.parametrize("a", [1e-7, 1e-3, 0.5, 1.0, 30.0, 1e5, 1e7])
@pytest.mark.parametrize("b", [1e-7, 1e-3, 0.5, 30.0, 1e5, 1e7])
def test_extremes_stay_numbers(family, a, b):
    process = family(0.3, 5.0, a, b)
    x = np.array([0.0, 0.0, 1.0, 3.0, 2000.0, 2000.0])
    tx = np.array([0.0, 0.0, 1e-3, 20.0, 300.0, 20.0])
    age = np.array([0.0, 300.0, 300.0, 20.0, 300.0, 300.0])
    assert np.all(np.isfinite(process.log_likelihood(x, tx, age)))
    for t in (1e-9, 1.0, 1e4):
        for call in (process.p_alive_at, process.expected_purchases, process.p_active):
            values = call(t, x, tx, age)
            assert np.all(np.isfinite(values))
            assert np.all(values >= 0)
        pmf = process.pmf(np.arange(5)[:, None], t, x, tx, age)
        assert np.all((pmf >= 0) & (pmf <= 1 + 1e-12))
    assert np.all(process.p_alive_at(1.0, x, tx, age) <= 1)
    assert np.all(np.isfinite(process.dert(0.01, x, tx, age)))
    assert not np.any(np.isnan(process.next_purchase_quantile(0.3, x, tx, age)))


@every
def test_draws_broadcast_against_customers(family):
    rng = np.random.default_rng(1)
    draws = [rng.uniform(0.5, 3, 4) for _ in range(4)]
    x, tx, age = np.array([0.0, 3.0, 9.0]), np.array([0.0, 10.0, 29.0]), np.array([5.0, 30, 30])
    for call, first in (
        ("p_alive", ()),
        ("p_active", (13,)),
        ("expected_purchases", (13,)),
        ("pmf", (2, 13)),
        ("dert", (0.01,)),
        ("next_purchase_quantile", (0.1,)),
    ):
        grid = getattr(family(*draws), call)(*first, x[:, None], tx[:, None], age[:, None])
        assert grid.shape == (3, 4), call
        for d in range(4):
            alone = getattr(family(*(each[d] for each in draws)), call)(*first, x, tx, age)
            np.testing.assert_allclose(grid[:, d], alone, rtol=1e-12, err_msg=call)


@every
def test_a_row_does_not_depend_on_its_batch(family):
    rng = np.random.default_rng(2)
    process = family(0.243, 31.0, 0.793, 24.26)
    age = rng.integers(0, 300, 6_000).astype(float)
    x, tx = process.simulate_customers(age, rng=rng)
    some = np.r_[0:4, 100:104]
    for call, first in (
        ("p_alive", ()),
        ("p_alive_at", (365.0,)),
        ("p_active", (365.0,)),
        ("expected_purchases", (365.0,)),
        ("next_purchase_quantile", (0.2,)),
    ):
        ask = partial(getattr(process, call), *first)
        many = ask(x, tx, age)
        np.testing.assert_allclose(many[some], ask(x[some], tx[some], age[some]), rtol=1e-13)
        alone = [float(ask(x[i], tx[i], age[i])) for i in some]
        np.testing.assert_allclose(many[some], alone, rtol=1e-13, err_msg=call)
        grid = ask(*(each.reshape(-1, 3) for each in (x, tx, age)))
        np.testing.assert_array_equal(grid.ravel(), many, err_msg=call)


@every
def test_histories_may_differ_by_recency_alone(family):
    process, tx = family(*PARAMETERS), np.linspace(1.0, 30.0, 6_000)
    for call in (process.expected_purchases, process.p_alive_at, process.p_active):
        many = call(39.0, 2, tx, 38.86)
        assert many.shape == (6_000,)
        np.testing.assert_allclose(many[:9], call(39.0, 2, tx[:9], 38.86), rtol=1e-13)


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.1, 100.0), st.floats(0.01, 100.0))
def test_the_unit_of_time_does_not_matter(case, t, factor):
    process, (x, tx, age) = case
    other, there = process.scaled(factor), (x, tx * factor, age * factor)
    for mine, right in (
        (other.p_alive(*there), process.p_alive(x, tx, age)),
        (other.expected_purchases(t * factor, *there), process.expected_purchases(t, x, tx, age)),
    ):
        assert mine == pytest.approx(float(right), rel=1e-9)
    change = x * np.log(factor)
    assert other.log_likelihood(*there) + change == pytest.approx(
        float(process.log_likelihood(x, tx, age)), abs=1e-8
    )


def test_a_week_has_seven_days():
    assert BGNBD(0.243, 4.414, 0.793, 2.426).scaled(7.0) == BGNBD(0.243, 4.414 * 7, 0.793, 2.426)
    assert ParetoNBD(0.5, 10.0, 0.6, 11.0).scaled(7.0) == ParetoNBD(0.5, 70.0, 0.6, 77.0)
    assert BGCNBD(2, 0.5, 10.0, 0.6, 11.0).scaled(7.0) == BGCNBD(2, 0.5, 70.0, 0.6, 11.0)
    assert NBD(0.5, 10.0).scaled(7.0) == NBD(0.5, 70.0)


@every
def test_parameters_must_be_positive_and_rates_too(family):
    process = family(0.2, 1.0, 1.0, 1.0)
    for name in (each.name for each in fields(process)):
        for wrong in (-1.0, 0.0, np.nan):
            with pytest.raises(UsageError, match=f"^{name}"):
                replace(process, **{name: wrong})
    with pytest.raises(UsageError, match="rate"):
        process.dert(0.0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p.expected_purchases(float("nan"), 2, 30.0, 38.0),
        lambda p: p.expected_purchases(-1.0),
        lambda p: p.p_alive_at(-1.0),
        lambda p: p.p_active(-1.0),
        lambda p: p.pmf(1, -1.0),
        lambda p: p.p_alive(2, 40.0, 38.0),
        lambda p: p.p_alive(1.7, 30.0, 38.0),
        lambda p: p.p_active(3.0, 2, -1.0, 38.0),
        lambda p: p.simulate(float("nan"), 2, 30.0, 38.0, rng=np.random.default_rng(0)),
    ],
)
@every
def test_what_is_no_history_or_time_is_refused(family, ask):
    with pytest.raises(UsageError):
        ask(family(0.5, 4.0, 0.8, 2.4))


@every
def test_parameters_that_are_text_are_refused(family):
    with pytest.raises(UsageError):
        family("1", 1.0, 1.0, 1.0)
