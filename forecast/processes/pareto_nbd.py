"""Pareto/NBD: Schmittlein, Morrison & Colombo (1987), "Counting Your Customers"."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit

from forecast.errors import UsageError
from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    check_positive,
    floats,
    history,
    length,
)
from forecast.processes.distinct import pairs
from forecast.processes.dropout_prior import PARETO_NBD_PRIOR
from forecast.processes.fitting import Fit, maximise
from forecast.processes.future import Future
from forecast.processes.histories import read_histories
from forecast.processes.lomax_race import wins_race
from forecast.processes.pareto_nbd_likelihood import (
    ParetoNBDLikelihood,
    log_odds_gone,
    row_values,
)
from forecast.processes.pareto_nbd_limits import PARETO_NBD_LIMITS
from forecast.processes.race_future import draw_race
from forecast.processes.rising_factorial import log_rising
from forecast.processes.starting_points import rate_by_moments, rehearsal_sample
from forecast.processes.waiting_for_dropout import (
    count_while_alive,
    mean_discounted_while_alive,
    mean_while_alive,
    next_purchase_time,
)

__all__ = ["ParetoNBD"]

# from here on, equal histories are looked up rather than computed again
_MANY = 5_000


@dataclass(frozen=True)
class ParetoNBD:
    """Poisson purchases at a Gamma rate, until a dropout that comes at a Gamma rate of its own.

    Times are in the unit the parameters were estimated in. Everything broadcasts: parameters of
    shape (draws,) against histories of shape (customers, 1) give (customers, draws). A history
    left out is that of a new customer, who has just made the first purchase.

    Given alive at age T, the rates of purchase and of dropout are independent and conjugate:
    lambda ~ Gamma(r + x, alpha + T) and mu ~ Gamma(s, beta + T). So each prediction is P(alive)
    times that of a customer who is alive.

    Parameters
    ----------
    r, alpha : float or array
        Purchase rate lambda ~ Gamma(r, rate alpha); alpha in units of time.
    s, beta : float or array
        Dropout rate mu ~ Gamma(s, rate beta); beta in units of time.

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> cdnow = ParetoNBD(r=0.55327, alpha=10.5778, s=0.60602, beta=11.6639)
    >>> round(float(cdnow.expected_purchases(52)), 4)
    1.4735
    >>> round(float(cdnow.p_alive(26, 30.86, 31)), 4)
    0.9979
    """

    r: float | Floats
    alpha: float | Floats
    s: float | Floats
    beta: float | Floats

    def __post_init__(self) -> None:
        check_positive(self)

    @classmethod
    def fit(
        cls,
        frequency: Numbers,
        recency: Numbers,
        T: Numbers,
        *,
        weights: Numbers | None = None,
        unit: str | None = None,
    ) -> Fit:
        """Estimate by maximum likelihood.

        Parameters
        ----------
        frequency : array-like, shape (customers,)
            Repeat purchases.
        recency, T : array-like, shape (customers,)
            Age at the last purchase and age now, in one unit of time.
        weights : array-like, shape (customers,), optional
            How often each row counts.
        unit : str, optional
            Name of the unit of time, kept in the result.

        Raises
        ------
        BadRowsError
            If a row cannot be a history.
        TooLittleDataError
            If there are fewer than ten customers, or nobody was observed for any time.
        NotIdentifiedError
            If nobody bought again.
        """
        histories = read_histories(frequency, recency, T, weights)
        some = rehearsal_sample(histories)
        log_r, log_alpha = rate_by_moments(histories)
        return maximise(
            ParetoNBDLikelihood.of(histories),
            build=cls,
            prior=PARETO_NBD_PRIOR,
            starts=[np.array([log_r, log_alpha, -0.4, -0.4]), np.zeros(4)],
            limits=PARETO_NBD_LIMITS,
            rehearsal=None if some is None else ParetoNBDLikelihood.of(some),
            unit=unit,
        )

    def log_likelihood(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Floats:
        """Return the log-likelihood of each history, in the data's unit of time.

        brucehardie.com note 009, eqs. 18 to 20.
        """
        r, alpha, s, beta = self._parameters()
        x, tx, age = history(frequency, recency, T)
        return np.asarray(log_rising(r, x) + row_values(x, tx, age, r, alpha, s, beta))

    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return the probability of not having dropped out by T (note 009, eqs. 36 and 37)."""
        parameters = self._parameters()
        x, tx, age = history(frequency, recency, T)
        shape = np.broadcast_shapes(x.shape, tx.shape, age.shape)
        if any(each.ndim for each in parameters) or int(np.prod(shape)) < _MANY:
            return np.asarray(expit(-log_odds_gone(x, tx, age, *parameters)))
        x, tx, age = (each.ravel() for each in np.broadcast_arrays(x, tx, age))
        some_x, some_tx, first = pairs(x, tx)
        place, some_age, place_all = pairs(first.astype(float), age)
        rows = place.astype(np.int64)
        alive = expit(-log_odds_gone(some_x[rows], some_tx[rows], some_age, *parameters))
        return np.asarray(alive[place_all].reshape(shape))

    def p_alive_at(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of not having dropped out by T + t."""
        _, _, s, beta = self._ahead(frequency, recency, T)
        alive = self.p_alive(frequency, recency, T)
        return np.asarray(alive * np.exp(-s * np.log1p(length(t) / beta)))

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t].

        The next purchase comes by then, and before dropout.
        """
        return self._given_alive(wins_race, t, frequency, recency, T)

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t].

        brucehardie.com note 009, eq. 27 for a new customer and eq. 41 given a history.
        """
        return self._given_alive(mean_while_alive, t, frequency, recency, T)

    def pmf(
        self,
        n: Numbers,
        t: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        T: Numbers = 0,
        *,
        start: Numbers = 0.0,
    ) -> Floats:
        """Return the probability of exactly ``n`` purchases in (T + start, T + start + t].

        Between T and T + start nothing is known but that dropout may come: a customer still
        alive then has mu ~ Gamma(s, beta + T + start) and an unchanged purchase rate.
        """
        k, A, s, B = self._ahead(frequency, recency, T)
        begin = np.asarray(start, dtype=float)
        alive = self.p_alive_at(begin, frequency, recency, T)
        ahead = count_while_alive(n, t, k, A, s, B + begin)
        return np.asarray(alive * ahead + np.where(np.asarray(n) == 0, 1 - alive, 0.0))

    def dert(
        self, rate: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the discounted expected residual transactions: all purchases after T.

        Parameters
        ----------
        rate : array-like, positive
            Continuous discount rate per unit of time: ``log(1.1) / 52`` is 10 % a year in weeks.
        """
        if not np.all(np.asarray(rate, dtype=float) > 0):
            raise UsageError(f"rate: {rate!r} must be positive; undiscounted sums may not exist.")
        return self._given_alive(mean_discounted_while_alive, rate, frequency, recency, T)

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``.

        Infinite where ``level`` reaches the probability of any further purchase: some customers
        are gone, and others drop out first.
        """
        alive = np.maximum(self.p_alive(frequency, recency, T), 1e-300)
        share = np.asarray(level, dtype=float) / np.maximum(alive, 1e-300)
        return next_purchase_time(share, *self._ahead(frequency, recency, T))

    def simulate(
        self,
        t: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        T: Numbers = 0,
        *,
        rng: np.random.Generator,
        size: tuple[int, ...] | None = None,
    ) -> Future:
        """Return simulated purchases in (T, T + t] of every cell of a grid.

        Parameters
        ----------
        t : array-like
            Length of the window.
        frequency, recency, T : array-like
            Histories, as (customers, 1) against parameters of shape (draws,).
        rng : numpy.random.Generator
        size : tuple of int, optional
            Shape of the grid; by default that of all arguments together.
        """
        window = length(t)
        known = (*history(frequency, recency, T), *self._parameters())
        shape = np.broadcast_shapes(window.shape, *(each.shape for each in known), size or ())

        def alive(at: tuple[Integers, ...]) -> Floats:
            return np.asarray(
                expit(-log_odds_gone(*(np.broadcast_to(each, shape)[at] for each in known)))
            )

        return draw_race(rng, window, alive, *self._ahead(frequency, recency, T), shape)

    def simulate_customers(
        self, T: Numbers, *, rng: np.random.Generator
    ) -> tuple[Integers, Floats]:
        """Return simulated (frequency, recency) of new customers observed for ``T``."""
        future = self.simulate(T, rng=rng)
        recency = np.zeros(int(np.prod(future.shape)))
        recency[future.cell] = future.last(rng)
        return future.purchases(), recency.reshape(future.shape)

    def scaled(self, factor: float) -> Self:
        """Return the same process with time in a unit ``factor`` times shorter."""
        return type(self)(self.r, self.alpha * factor, self.s, self.beta * factor)

    def _parameters(self) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, s, beta = floats(self.r, self.alpha, self.s, self.beta)
        return r, alpha, s, beta

    def _ahead(
        self, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the parameters of purchase and dropout from now on, given alive."""
        r, alpha, s, beta = self._parameters()
        x, _, age = history(frequency, recency, T)
        return r + x, alpha + age, s, beta + age

    def _given_alive(
        self,
        mean: Callable[..., Floats],
        first: Numbers,
        frequency: Numbers,
        recency: Numbers,
        T: Numbers,
    ) -> Floats:
        """P(alive) times a mean that depends on a history by (frequency, T) alone."""
        first = length(first)
        x, _, age = history(frequency, recency, T)
        alive = self.p_alive(frequency, recency, T)
        single = np.ndim(first) == 0 and not any(each.ndim for each in self._parameters())
        if not single or alive.size < _MANY:
            return np.asarray(alive * mean(first, *self._ahead(frequency, recency, T)))
        flat_x, flat_age = (each.ravel() for each in np.broadcast_arrays(x, age, alive)[:2])
        some_x, some_age, place = pairs(flat_x, flat_age)
        some = mean(first, *self._ahead(some_x, 0, some_age))
        return np.asarray(alive * some[place].reshape(alive.shape))
