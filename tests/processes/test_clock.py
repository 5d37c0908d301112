"""Operational time: exact sums, the neutral clock, recovery of a known season, and refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import TooLittleDataError, UsageError
from forecast.processes import BGNBD, Clock, Timeline
from forecast.processes.poisson_ridge import poisson_ridge

WAVES = Clock(start=0, pairs=1, weights=np.array([0.5, -0.2]), covariance=0.01 * np.eye(2))


def test_without_terms_it_is_the_calendar() -> None:
    plain = Clock(start=17_000)
    np.testing.assert_array_equal(plain.elapsed(17_003, np.array([17_003, 17_010])), [0.0, 7.0])
    assert plain.names == ()
    assert plain.drawn(np.random.default_rng(0)) is plain


def test_hand_checked_day() -> None:
    # sin and cos of one turn a year at day 91 of 365.25, weights .5 and -.2
    angle = 2 * np.pi * 91 / 365.25
    expected = np.exp(0.5 * np.sin(angle) - 0.2 * np.cos(angle))
    assert WAVES.intensity(np.array([91]))[0] == pytest.approx(expected, rel=1e-14)
    assert WAVES.elapsed(90, 91) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3000, 3000), min_size=3, max_size=3))
def test_elapsed_time_adds_up(days: list[int]) -> None:
    a, b, c = days
    whole = WAVES.elapsed(a, c)
    np.testing.assert_allclose(WAVES.elapsed(a, b) + WAVES.elapsed(b, c), whole, atol=1e-8)


def test_events_need_a_value_for_every_day() -> None:
    clock = Clock(start=10, events={"sale": np.array([0.0, 1.0])}, weights=np.array([0.7]))
    np.testing.assert_allclose(clock.intensity(np.array([10, 11])), [1.0, np.exp(0.7)])
    with pytest.raises(UsageError, match="'sale'"):
        clock.intensity(np.array([12]))
    with pytest.raises(UsageError, match="'sale'"):
        clock.intensity(np.array([9]))


def _shop(amplitude: float, event: float, seed: int = 3) -> tuple[Timeline, np.ndarray]:
    """Customers of a BG/NBD whose purchases follow a season and an event, day by day."""
    rng = np.random.default_rng(seed)
    days, size = 900, 3000
    sale = (np.arange(days + 400) % 100 < 10).astype(float)
    day = np.arange(days)
    w = np.exp(amplitude * np.cos(2 * np.pi * day / 365.25) + event * sale[:days])
    first = rng.integers(0, 700, size)
    rate = rng.gamma(1.2, 1 / 60, size)
    alive = np.ones(size, dtype=bool)
    leave = rng.beta(0.8, 5.0, size)
    bought, last, frequency = [], first.copy(), np.zeros(size)
    for today in day:
        active = alive & (first < today)
        buys = active & (rng.random(size) < -np.expm1(-rate * w[today]))
        bought += [(today, who) for who in np.flatnonzero(buys)]
        last[buys], frequency = today, frequency + buys
        alive &= ~(buys & (rng.random(size) < leave))
    when, who = np.array(bought).T
    return Timeline(first, last, frequency, when, who, days - 1), sale


def test_a_known_season_and_event_are_recovered() -> None:
    timeline, sale = _shop(0.5, 0.6)
    clock = Clock.fit(timeline, BGNBD.fit, pairs=1, events={"sale": sale}, start=0)
    error = np.sqrt(np.diag(clock.covariance))
    truth = np.array([0.0, 0.5, 0.6])
    assert (np.abs(clock.weights - truth) < 4 * error + 0.02).all()
    assert (error < 0.08).all()
    # the event lifts its days beside a mean of 1 over a year
    year = clock.intensity(np.arange(timeline.first.min(), timeline.first.min() + 365))
    assert year.mean() == pytest.approx(1.0)


def test_without_a_season_it_is_shrunk_to_none_and_likelihood_says_so() -> None:
    timeline, _ = _shop(0.0, 0.0)
    clock = Clock.fit(timeline, BGNBD.fit, pairs=2)
    assert np.abs(clock.weights).max() < 0.06
    seasonal, _ = _shop(0.5, 0.0)
    for log, better in ((timeline, 4.0), (seasonal, np.inf)):
        found = Clock.fit(log, BGNBD.fit, pairs=1)
        gain = _likelihood(log, found) - _likelihood(log, Clock(start=0))
        assert gain > 30 if better == np.inf else gain < better


def _likelihood(timeline: Timeline, clock: Clock) -> float:
    recency = clock.elapsed(timeline.first, timeline.last)
    age = clock.elapsed(timeline.first, timeline.now)
    fit = BGNBD.fit(timeline.frequency, recency, age)
    return fit.log_likelihood + clock.log_intensity(timeline)


def test_the_likelihood_does_not_depend_on_the_clocks_level() -> None:
    timeline, _ = _shop(0.3, 0.0)
    slow = Clock(start=0, pairs=1, weights=np.array([0.1, 0.3]), level=0.0)
    fast = Clock(start=0, pairs=1, weights=np.array([0.1, 0.3]), level=-1.2)
    assert _likelihood(timeline, slow) == pytest.approx(_likelihood(timeline, fast), abs=1e-5)


def test_less_than_a_year_has_no_season() -> None:
    timeline = Timeline(
        np.array([0, 1]), np.array([5, 9]), np.ones(2), np.array([5, 9]), np.arange(2), 200
    )
    with pytest.raises(TooLittleDataError, match="365 days"):
        Clock.fit(timeline, BGNBD.fit, pairs=1)


def test_one_cohort_is_not_taken_for_left_truncation() -> None:
    cohort = Timeline(
        np.arange(50) % 30, np.arange(50), np.ones(50), np.arange(50), np.arange(50), 99
    )
    assert cohort.settled(60).all()
    spread = Timeline(
        np.arange(400), np.arange(400), np.ones(400), np.arange(400), np.arange(400), 500
    )
    np.testing.assert_array_equal(spread.settled(60), np.arange(400) >= 60)


def test_ridge_without_signal_shrinks_and_with_signal_agrees_with_truth() -> None:
    rng = np.random.default_rng(1)
    terms, offset = rng.normal(size=(2000, 3)), np.full(2000, 5.0)
    quiet = poisson_ridge(terms, rng.poisson(offset).astype(float), offset)
    assert np.abs(quiet.weights).max() < 0.02
    assert quiet.dispersion == pytest.approx(1.0, abs=0.1)
    truth = np.array([0.4, -0.3, 0.2])
    counts = rng.poisson(offset * np.exp(0.5 + terms @ truth)).astype(float)
    loud = poisson_ridge(terms, counts, offset)
    error = np.sqrt(np.diag(loud.covariance))
    assert (np.abs(loud.weights - truth) < 4 * error).all()


def test_ridge_counts_overdispersion_in() -> None:
    rng = np.random.default_rng(2)
    terms, offset = rng.normal(size=(2000, 2)), np.full(2000, 5.0)
    counts = rng.poisson(offset * rng.gamma(0.5, 2.0, 2000)).astype(float)
    assert poisson_ridge(terms, counts, offset).dispersion == pytest.approx(11, rel=0.2)


def test_shrinkage_does_not_depend_on_the_unit_of_an_event() -> None:
    (timeline, sale), scales = _shop(0.0, 0.6), (1e-3, 1.0, 1e3)
    found = [
        Clock.fit(timeline, BGNBD.fit, pairs=0, events={"sale": factor * sale}, start=0)
        for factor in scales
    ]
    effects = [
        clock.weights[0] * factor for clock, factor in zip(found, (1e-3, 1, 1e3), strict=True)
    ]
    np.testing.assert_allclose(effects, effects[1], rtol=1e-6)


def test_an_event_that_never_happened_is_unknown() -> None:
    timeline, sale = _shop(0.0, 0.0)
    future = np.where(np.arange(sale.size) < 900, 0.0, 1.0)
    clock = Clock.fit(timeline, BGNBD.fit, pairs=1, events={"new": future}, start=0)
    assert clock.unknown == ("new",)
    assert clock.weights[-1] == 0
    drawn = clock.drawn(np.random.default_rng(1))
    assert drawn.weights[-1] == 0
    year = np.arange(*clock.reference)
    assert drawn.intensity(year).mean() == pytest.approx(1.0)
    assert not np.allclose(drawn.weights[:2], clock.weights[:2])
