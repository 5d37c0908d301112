"""What BG/CNBD-k and MBG/CNBD-k share: every prediction, exactly, from the phase at T.

Given alive at age T and phase j (see :mod:`forecast.processes.phases`), a customer's event rate
and dropout probability are independent and conjugate: lambda ~ Gamma(r + k x + j, alpha + T) and
p ~ Beta(a, b'), with b' = b + x (BG/CNBD-k) or b + x + 1 (MBG/CNBD-k). So each prediction is
P(alive) times a sum over at most k phases. Nothing is approximated and nothing is rescaled, so a
customer's prediction does not depend on who else is asked about. With k = 1 every prediction is
that of BG/NBD or MBG/NBD.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import expit

from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    Shape,
    check_positive,
    floats,
    history,
    length,
    on_grid,
)
from forecast.processes.distinct import pairs
from forecast.processes.future import Future, draw_future
from forecast.processes.histories import Histories, read_histories
from forecast.processes.next_purchase import waiting_quantile
from forecast.processes.phases import phase_chances
from forecast.processes.purchase_gaps import read_log_gaps, total_log_gaps
from forecast.processes.purchase_process import PurchaseProcess
from forecast.processes.regular_estimate import RegularFit, asked_k, estimate_regular, whole_k
from forecast.processes.regular_future import RegularFuture, draw_regular_future
from forecast.processes.regular_likelihood import gap_term
from forecast.processes.regular_mixture import (
    chance_of_purchase,
    count_probability,
    mean_discounted,
    mean_purchases,
    mean_survival,
)
from forecast.processes.rising_factorial import log_rising

__all__ = ["RegularDropout"]

# from here on, equal (frequency, T) are looked up rather than computed again
_MANY = 1_000


@dataclass(frozen=True)
class RegularDropout(PurchaseProcess):
    """A process of Erlang-k gaps whose customers may drop out right after a purchase.

    Parameters
    ----------
    k : int
        Hidden events per purchase: gaps are Erlang-k, so their coefficient of variation is
        ``1 / sqrt(k)`` given the rate. 1 is BG/NBD or MBG/NBD.
    r, alpha : float or array
        Rate of hidden events lambda ~ Gamma(r, rate alpha); alpha in units of time. Purchases
        come at rate lambda / k.
    a, b : float or array
        Dropout probability p ~ Beta(a, b).

    Raises
    ------
    UsageError
        If k is not a whole number from 1 on, or a parameter is not positive and finite.
    """

    k: int
    r: float | Floats
    alpha: float | Floats
    a: float | Floats
    b: float | Floats

    # 1 where the first purchase may already be the last, else 0
    shift: ClassVar[int]

    _mean_discounted = staticmethod(mean_discounted)

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", whole_k(self.k))
        check_positive(self)

    @classmethod
    def fit(
        cls,
        frequency: Numbers,
        recency: Numbers,
        T: Numbers,
        *,
        log_gaps: Numbers | None = None,
        k: int | None = None,
        weights: Numbers | None = None,
        unit: str | None = None,
    ) -> RegularFit:
        """Estimate by maximum likelihood, and choose k in 1..12 where it is not given.

        Parameters
        ----------
        frequency : array-like, shape (customers,)
            Repeat purchases.
        recency, T : array-like, shape (customers,)
            Age at the last purchase and age now, in one unit of time.
        log_gaps : array-like, shape (customers,), optional
            Sum, over a customer's repeat purchases, of the natural logarithm of the time since
            the purchase before, in the unit of ``recency``; 0 without a repeat purchase. See
            :func:`forecast.processes.purchase_gaps.log_gaps`. Needed to choose k. For a given k
            it does not move the estimate; without it the log-likelihood is that of
            (frequency, recency, T) alone.
        k : int, optional
            Hidden events per purchase; chosen by likelihood if not given.
        weights : array-like, shape (customers,), optional
            How often each row counts.
        unit : str, optional
            Name of the unit of time, kept in the result.

        Raises
        ------
        BadRowsError
            If a row cannot be a history, or its ``log_gaps`` cannot be those of its recency.
        TooLittleDataError
            If there are fewer than ten customers, or nobody was observed for any time.
        NotIdentifiedError
            If nobody bought again.
        UsageError
            If neither k nor ``log_gaps`` is given.
        """
        k = asked_k(k, log_gaps)
        histories = read_histories(frequency, recency, T, weights)
        total = total_log_gaps(log_gaps, frequency, recency, weights)
        return cls._estimate(histories, unit, k=k, total=total)

    def log_likelihood(
        self, frequency: Numbers, recency: Numbers, T: Numbers, *, log_gaps: Numbers | None = None
    ) -> Floats:
        """Return the log-likelihood of each history, in the data's unit of time.

        Parameters
        ----------
        frequency, recency, T : array-like
        log_gaps : array-like, optional
            As in :meth:`fit`. Without it, the gaps are averaged out, and the value is that of
            (frequency, recency, T) alone, comparable with BG/NBD and any other k.
        """
        r, alpha, a, b = self._parameters()
        x, tx, age = history(frequency, recency, T)
        gaps = None if log_gaps is None else read_log_gaps(log_gaps, x, tx)
        stays, events = x + self.shift, self.k * x
        _, log_phases = self._phases(x, tx, age)
        return np.asarray(
            log_rising(b, stays)
            - log_rising(a + b, stays)
            + log_rising(r, events)
            - r * np.log1p(age / alpha)
            - events * np.log(alpha + age)
            + log_phases
            + gap_term(self.k, x, tx, gaps)
            + np.logaddexp(0.0, self._log_odds_gone(frequency, recency, T))
        )

    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return the probability of not having dropped out by T."""
        return np.asarray(expit(-self._log_odds_gone(frequency, recency, T)))

    def p_alive_at(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of not having dropped out by T + t."""
        # phases add up to one only to the last digit
        return np.minimum(self._given_alive(mean_survival, t, frequency, recency, T), 1.0)

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t].

        P(alive) sum_j P(phase j) I_z(k - j, r + k x + j), z = t / (alpha + T + t).
        """
        alive, (r, alpha, _, _) = self._now(frequency, recency, T)
        chances, _ = self._phases(frequency, recency, T)
        window, active = length(t), np.zeros(())
        for j, chance in enumerate(chances):
            active = active + chance * chance_of_purchase(window, self.k, j, r + j, alpha)
        return np.asarray(np.minimum(alive * active, 1.0))

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t], exactly (no approximation as in BTYDplus).

        P(alive) sum_j P(phase j) sum_n S(n-1) I_z(k n - j, r + k x + j).
        """
        return self._given_alive(mean_purchases, t, frequency, recency, T)

    def pmf(
        self, n: Numbers, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of exactly ``n`` purchases in (T, T + t]."""
        alive, (r, alpha, a, b) = self._now(frequency, recency, T)
        chances, _ = self._phases(frequency, recency, T)
        window, total = length(t), np.zeros(())
        for j, chance in enumerate(chances):
            total = total + chance * count_probability(n, window, self.k, j, r + j, alpha, a, b)
        return np.asarray(alive * total + np.where(np.asarray(n) == 0, 1 - alive, 0.0))

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``.

        Infinite where ``level`` reaches P(alive): a customer who is gone never comes back.
        """
        alive, (r, alpha, _, _) = self._now(frequency, recency, T)
        chances, _ = self._phases(frequency, recency, T)
        level = np.asarray(level, dtype=float)
        share = np.where(level < alive, level / np.maximum(alive, 1e-300), 1.0)
        if self.k == 1:
            with np.errstate(divide="ignore", over="ignore"):
                wait = alpha * np.expm1(-np.log1p(-share) / r)
            return np.asarray(np.where(share < 1, wait, np.inf))
        together = np.broadcast_arrays(share, r, alpha, *chances)
        rows = [each.ravel().astype(float) for each in together]
        found = waiting_quantile(rows[0], self.k, rows[3:], rows[1], rows[2])
        return found.reshape(together[0].shape)

    def simulate_histories(
        self, T: Numbers, *, rng: np.random.Generator
    ) -> tuple[Integers, Floats, Floats]:
        """Return simulated (frequency, recency, log_gaps) of new customers observed for ``T``."""
        window, new = length(T), np.zeros(())
        known = (window, *self._parameters())
        shape = np.broadcast_shapes(*(each.shape for each in known))
        future = self._draw_regular(rng, window, new, new, new, shape or (1,))
        position, gap = future.gaps(rng)
        recency = np.minimum(np.bincount(position, gap), future.horizon)
        gaps = np.bincount(position, np.log(gap)).astype(float)  # of nothing, it counts in int
        x, tx, total = (on_grid(shape, future.cell, each) for each in (future.count, recency, gaps))
        return x, tx, total

    def scaled(self, factor: float) -> Self:
        """Return the same process with time in a unit ``factor`` times shorter."""
        return type(self)(self.k, self.r, self.alpha * factor, self.a, self.b)

    @classmethod
    def _estimate(
        cls,
        histories: Histories,
        unit: str | None,
        k: int | None = None,
        total: float | None = None,
    ) -> RegularFit:
        return estimate_regular(
            cls, histories, shift=cls.shift, total_log_gaps=total, k=k, unit=unit
        )

    def _parameters(self) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, a, b = floats(self.r, self.alpha, self.a, self.b)
        return r, alpha, a, b

    def _phases(
        self, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> tuple[list[Floats], Floats]:
        """Chance of each phase given alive, and the logarithm of the sum behind it."""
        r, alpha, _, _ = self._parameters()
        x, tx, age = history(frequency, recency, T)
        return phase_chances(self.k, r + self.k * x, (age - tx) / (alpha + age))

    def _log_odds_gone(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Floats:
        """Log-odds of having dropped out; -inf for BG/CNBD-k at x = 0."""
        r, alpha, a, b = self._parameters()
        x, tx, age = history(frequency, recency, T)
        stays = np.maximum(x + (self.shift - 1), 0.0)
        silence = (r + self.k * x) * np.log1p((age - tx) / (alpha + tx))
        _, log_phases = self._phases(x, tx, age)
        odds = np.log(a) - np.log(b + stays) + silence - log_phases
        return odds if self.shift else np.asarray(np.where(x > 0, odds, -np.inf))

    def _ahead(
        self, x: Floats, age: Floats, phase: int = 0
    ) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, a, b = self._parameters()
        return r + (self.k * x + phase), alpha + age, a, b + x + self.shift

    def _draw(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> Future:
        if self.k > 1:
            return self._draw_regular(rng, t, x, tx, age, shape)
        return draw_future(rng, t, self.p_alive(x, tx, age), *self._ahead(x, age), shape)

    def _draw_regular(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> RegularFuture:
        alive, (chances, _) = self.p_alive(x, tx, age), self._phases(x, tx, age)
        return draw_regular_future(rng, t, self.k, alive, chances, *self._ahead(x, age), shape)

    def _given_alive(
        self,
        mean: Callable[..., Floats],
        first: Numbers,
        frequency: Numbers,
        recency: Numbers,
        T: Numbers,
    ) -> Floats:
        """P(alive) times the sum over phases of a mean that depends on (frequency, T) alone."""
        first = length(first)
        x, tx, age = history(frequency, recency, T)
        alive, (chances, _) = self.p_alive(x, tx, age), self._phases(x, tx, age)
        place: Integers | None = None
        if alive.size >= _MANY and not any(each.ndim for each in (first, *self._parameters())):
            x, age, _ = (each.ravel() for each in np.broadcast_arrays(x, age, alive))
            x, age, place = pairs(x, age)
        total = np.zeros(())
        for j, chance in enumerate(chances):
            if j and not chance.any():
                continue
            value = mean(first, self.k, j, *self._ahead(x, age, j))
            value = value if place is None else value[place].reshape(alive.shape)
            total = total + chance * value
        return np.asarray(alive * total)
