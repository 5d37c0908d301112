"""Pareto/NBD: Schmittlein, Morrison & Colombo (1987), "Counting Your Customers"."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit

from forecast.processes.arrays import Floats, Integers, Numbers, Shape, floats, history, length
from forecast.processes.death_rate_prior import PARETO_NBD_PRIOR
from forecast.processes.distinct import triples
from forecast.processes.dropout_limits import PARETO_NBD_LIMITS
from forecast.processes.fitting import Fit, maximise
from forecast.processes.future import Future
from forecast.processes.histories import Histories
from forecast.processes.lomax_race import wins_race
from forecast.processes.pareto_nbd_likelihood import (
    ParetoNBDLikelihood,
    log_odds_gone,
    row_values,
)
from forecast.processes.purchase_process import PurchaseProcess
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
class ParetoNBD(PurchaseProcess):
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

    _mean_discounted = staticmethod(mean_discounted_while_alive)

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
        x, tx, age, place = triples(*np.broadcast_arrays(x, tx, age))
        alive = expit(-log_odds_gone(x, tx, age, *parameters))
        return np.asarray(alive[place].reshape(shape))

    def p_alive_at(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of not having dropped out by T + t."""
        alive, (_, _, s, beta) = self._now(frequency, recency, T)
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
        x, tx, age = history(frequency, recency, T)
        k, A, s, B = self._ahead(x, age)
        begin = length(start, "start")
        alive = self.p_alive_at(begin, x, tx, age)
        ahead = count_while_alive(n, length(t), k, A, s, B + begin)
        return np.asarray(alive * ahead + np.where(np.asarray(n) == 0, 1 - alive, 0.0))

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``.

        Infinite where ``level`` reaches the probability of any further purchase: some customers
        are gone, and others drop out first.
        """
        alive, ahead = self._now(frequency, recency, T)
        share = np.asarray(level, dtype=float) / np.maximum(alive, 1e-300)
        return next_purchase_time(share, *ahead)

    def scaled(self, factor: float) -> Self:
        """Return the same process with time in a unit ``factor`` times shorter."""
        return type(self)(self.r, self.alpha * factor, self.s, self.beta * factor)

    @classmethod
    def _estimate(cls, histories: Histories, unit: str | None) -> Fit:
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

    def _parameters(self) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, s, beta = floats(self.r, self.alpha, self.s, self.beta)
        return r, alpha, s, beta

    def _ahead(self, x: Floats, age: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, s, beta = self._parameters()
        return r + x, alpha + age, s, beta + age

    def _draw(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> Future:
        known = (x, tx, age, *self._parameters())

        def alive(at: tuple[Integers, ...]) -> Floats:
            return np.asarray(
                expit(-log_odds_gone(*(np.broadcast_to(each, shape)[at] for each in known)))
            )

        return draw_race(rng, t, alive, *self._ahead(x, age), shape)
