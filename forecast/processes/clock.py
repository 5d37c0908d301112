"""Operational time: calendar days run faster in season, so that a plain process may be used.

A ``Clock`` has an intensity w(d) > 0 for every day; operational time is its sum over days. Where
customers leave at purchases (the BG family) and the purchase rate of everybody is multiplied by
w(d), the process in operational time is exactly the plain one: a Poisson process stays one under a
change of time. A process whose customers die in calendar time (Pareto/NBD) is not.

log w(d) is a sum of terms: Fourier pairs of the year and columns of known events. They are
estimated by Poisson regression of each day's repeat purchases on what the process expects of the
customers who had joined by then, in turn with the process itself, and shrunk towards none by a
normal prior whose variance is estimated too (empirical Bayes).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from forecast.errors import TooLittleDataError, UsageError
from forecast.processes.arrays import Floats, Integers
from forecast.processes.poisson_ridge import poisson_ridge

__all__ = ["Clock", "Timeline"]

YEAR = 365.25
_ROUNDS = 4
_SEASON = 365  # days of history that a season needs
_ENOUGH, _FEWEST = 0.2, 100  # share of customers, and repeat purchases, that must be left


@dataclass(frozen=True)
class Timeline:
    """Who joined and who bought when, by whole day numbers.

    Attributes
    ----------
    first, last : array of int, shape (customers,)
        Day of the first and of the last purchase.
    frequency : array, shape (customers,)
        Repeat purchases.
    days : array of int, shape (repeat purchases,)
        Day of each repeat purchase.
    owner : array of int, shape (repeat purchases,)
        Position of the customer who made it.
    now : int
        Last day observed.
    customers : array, shape (customers,), optional
        How many customers each row stands for; one each by default.
    times : array, shape (repeat purchases,), optional
        How many repeat purchases each entry stands for; one each by default.
    """

    first: Integers
    last: Integers
    frequency: Floats
    days: Integers
    owner: Integers
    now: int
    customers: Floats | None = None
    times: Floats | None = None

    def settled(self, burn_in: int) -> npt.NDArray[np.bool_]:
        """Return who was first seen after the first ``burn_in`` days.

        Many of those first seen earlier were acquired before the log begins (left truncation):
        they buy more than their age says. Everybody is kept where too few would be left, as in a
        log that follows one cohort.
        """
        late = self.first >= self.first.min() + burn_in
        share = np.average(late, weights=self.customers)
        if share < _ENOUGH or np.dot(late[self.owner], self.each_time()) < _FEWEST:
            return np.ones(late.size, dtype=bool)
        return np.asarray(late)

    def each_time(self) -> Floats:
        """Return how many repeat purchases each entry stands for."""
        return np.ones(self.days.size) if self.times is None else self.times


@dataclass(frozen=True)
class Clock:
    """Operational time from calendar days; without terms it is the calendar itself.

    Attributes
    ----------
    start : int
        Day number that events are counted from.
    pairs : int
        Fourier pairs of the year: sine and cosine of 1 to ``pairs`` turns a year.
    events : mapping of name to array
        Value of each event by day from ``start``, past and future; 0 is no event.
    weights : array, shape (terms,)
        Coefficients of the terms on log w, sines and cosines first, then events.
    covariance : array, shape (terms, terms)
        Of the coefficients given the process.
    level : float
        Taken off log w, so that a mean year (or the history, where it is shorter) has its
        calendar length.
    reference : tuple of int
        First day of that year, or of the history, and the day after its last.
    unknown : tuple of str
        Events that never changed in the history, so nothing is known of their effect.
    """

    start: int
    pairs: int = 0
    events: Mapping[str, Floats] = field(default_factory=dict)
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    level: float = 0.0
    reference: tuple[int, int] = (0, 0)
    unknown: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The terms, in order."""
        waves = [f"{wave}{k}" for k in range(1, self.pairs + 1) for wave in ("sin", "cos")]
        return (*waves, *self.events)

    def terms(self, days: Integers) -> Floats:
        """Return the terms on some days, shape (days, terms).

        Raises
        ------
        UsageError
            If an event has no value for one of the days.
        """
        turn = 2 * np.pi * np.asarray(days)[:, None] * np.arange(1, self.pairs + 1) / YEAR
        waves = np.stack([np.sin(turn), np.cos(turn)], axis=2).reshape(len(days), 2 * self.pairs)
        place = np.asarray(days) - self.start
        columns = [waves]
        for name, values in self.events.items():
            if len(days) and (place.min() < 0 or place.max() >= len(values)):
                raise UsageError(
                    f"Event {name!r} has values for {len(values)} days only; give it one for every "
                    "day from the first purchase to the end of the forecast."
                )
            columns.append(np.asarray(values, dtype=float)[place][:, None])
        return np.concatenate(columns, axis=1)

    def intensity(self, days: Integers) -> Floats:
        """Return w(d) on some days: operational days per calendar day."""
        return np.asarray(np.exp(self.terms(days) @ self.weights - self.level))

    def elapsed(self, since: Integers | int, until: Integers | int) -> Floats:
        """Return operational days from the end of day ``since`` to the end of day ``until``."""
        since, until = np.broadcast_arrays(np.asarray(since), np.asarray(until))
        if since.size == 0:
            return np.zeros(since.shape)
        low, high = int(min(since.min(), until.min())), int(max(since.max(), until.max()))
        total = np.concatenate(([0.0], np.cumsum(self.intensity(np.arange(low + 1, high + 1)))))
        return np.asarray(total[until - low] - total[since - low])

    def drawn(self, rng: np.random.Generator) -> "Clock":
        """Return a clock with its coefficients drawn from their uncertainty."""
        if not self.weights.size:
            return self
        spread, axes = np.linalg.eigh(self.covariance)
        move = axes @ (np.sqrt(np.maximum(spread, 0.0)) * rng.standard_normal(spread.size))
        return replace(self, weights=self.weights + move).levelled()

    def levelled(self) -> "Clock":
        """Return the clock with its reference days of their calendar length on average."""
        clock = replace(self, level=0.0)
        whole = np.arange(*self.reference)
        if not whole.size:
            return clock
        return replace(clock, level=float(np.log(clock.intensity(whole).mean())))

    def log_intensity(self, timeline: Timeline, kept: npt.NDArray[np.bool_] | None = None) -> float:
        """Return the sum of log w over repeat purchases.

        Added to the log-likelihood of the process in operational time it gives that of the
        purchases in calendar time, so clocks (and none) can be compared by it. ``kept`` says
        which customers were fitted; all by default.
        """
        days, times = timeline.days, timeline.each_time()
        if kept is not None:
            those = kept[timeline.owner]
            days, times = days[those], times[those]
        return float(np.log(self.intensity(days)) @ times)

    @classmethod
    def fit(
        cls,
        timeline: Timeline,
        fit: Callable[..., Any],
        *,
        pairs: int = 2,
        events: Mapping[str, Floats] | None = None,
        start: int | None = None,
        burn_in: int = 60,
    ) -> "Clock":
        """Estimate the intensity in turn with a process.

        Parameters
        ----------
        timeline : Timeline
            Of all customers.
        fit : callable
            ``fit(frequency, recency, T, weights=...)`` of a process of the BG family; its
            ``process`` must answer ``expected_purchases(t)`` for a new customer.
        pairs : int
            Fourier pairs of the year; they need a year of history.
        events : mapping of name to array, optional
            Value by day from ``start`` to the end of any forecast.
        start : int, optional
            Day number of the events' first value; by default the first purchase.
        burn_in : int
            Customers first seen in these first days are left out, see :meth:`Timeline.settled`.

        Raises
        ------
        TooLittleDataError
            If there is less than a year of history for Fourier pairs, or nobody to learn from.
        """
        begin = int(timeline.first.min())
        if pairs and timeline.now - begin < _SEASON:
            raise TooLittleDataError(
                f"A season needs {_SEASON} days of history; the log has {timeline.now - begin}."
            )
        clock = cls(start=begin if start is None else start, pairs=pairs, events=dict(events or {}))
        size = len(clock.names)
        clock = replace(clock, weights=np.zeros(size), covariance=np.zeros((size, size)))
        if not clock.names:
            return clock
        kept = timeline.settled(burn_in)
        first, last, x = timeline.first[kept], timeline.last[kept], timeline.frequency[kept]
        days = np.arange(begin + 1, timeline.now + 1)
        weights = None if timeline.customers is None else timeline.customers[kept]
        those = kept[timeline.owner]
        bought, times = timeline.days[those] - begin - 1, timeline.each_time()[those]
        seen = np.bincount(bought, times, minlength=days.size).astype(float, copy=False)
        joined = np.bincount(first - begin, weights, minlength=days.size + 1)
        terms = clock.terms(days)
        varied = np.ptp(terms, axis=0) > 0
        clock = replace(
            clock,
            reference=(begin, begin + (_SEASON if pairs else days.size)),
            unknown=tuple(name for name, each in zip(clock.names, varied, strict=True) if not each),
        )
        for _ in range(_ROUNDS):
            ages = clock.elapsed(first, timeline.now)
            process = fit(x, clock.elapsed(first, last), ages, weights=weights).process
            expected = _expected_by_day(process, clock, begin, joined)
            found = poisson_ridge(terms[:, varied], seen, expected / clock.intensity(days))
            effects, covariance = np.zeros(size), np.zeros((size, size))
            effects[varied], covariance[np.ix_(varied, varied)] = found.weights, found.covariance
            clock = replace(clock, weights=effects, covariance=covariance).levelled()
        return clock


def _expected_by_day(process: Any, clock: Clock, begin: int, joined: Integers | Floats) -> Floats:
    """Return expected repeat purchases of each day after ``begin`` by those who had joined."""
    size = joined.size
    passed = clock.elapsed(begin, np.arange(begin, begin + size))
    # the curve is smooth: a spline through 300 ages, dense where it bends, is right to 1e-6
    ages = passed[-1] * np.linspace(0.0, 1.0, 301) ** 2
    curve = CubicSpline(ages, process.expected_purchases(ages))
    out = np.zeros(size - 1)
    for place in np.flatnonzero(joined):
        out[place:] += joined[place] * np.diff(curve(passed[place:] - passed[place]))
    return np.asarray(np.maximum(out, 0.0))
