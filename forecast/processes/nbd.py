"""NBD: Ehrenberg (1959), "The Pattern of Consumer Purchases"; the limit without dropout."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    check_positive,
    history,
    length,
)
from forecast.processes.dropout_prior import NBD_PRIOR
from forecast.processes.fitting import Fit, maximise
from forecast.processes.future import Future
from forecast.processes.histories import read_histories
from forecast.processes.nbd_likelihood import NBDLikelihood
from forecast.processes.pareto_nbd_limits import NBD_LIMITS
from forecast.processes.race_future import draw_race
from forecast.processes.rising_factorial import log_rising
from forecast.processes.starting_points import rate_by_moments
from forecast.processes.waiting_for_dropout import log_nbd

__all__ = ["NBD"]


@dataclass(frozen=True)
class NBD:
    """Poisson purchases at a Gamma rate, by customers who never drop out.

    Times are in the unit the parameters were estimated in, and everything broadcasts, as in the
    processes with dropout. Given a history, lambda ~ Gamma(r + x, alpha + T); the time of the
    last purchase does not matter and is taken only so that all processes are asked alike.

    Parameters
    ----------
    r, alpha : float or array
        Purchase rate lambda ~ Gamma(r, rate alpha); alpha in units of time.

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> cdnow = NBD(r=0.38477, alpha=12.0720)
    >>> round(float(cdnow.expected_purchases(39)), 3)
    1.243
    """

    r: float | Floats
    alpha: float | Floats

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
        return maximise(
            NBDLikelihood.of(histories),
            build=cls,
            prior=NBD_PRIOR,
            starts=[np.array(rate_by_moments(histories)), np.zeros(2)],
            limits=NBD_LIMITS,
            unit=unit,
        )

    def log_likelihood(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Floats:
        """Return the log-likelihood of each history, in the data's unit of time.

        Gamma(r+x)/Gamma(r) alpha^r / (alpha+T)^(r+x): the density of the purchase times.
        """
        r, alpha = self._parameters()
        x, _, age = history(frequency, recency, T)
        return np.asarray(log_rising(r, x) - r * np.log1p(age / alpha) - x * np.log(alpha + age))

    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return 1: nobody drops out."""
        known = history(frequency, recency, T)
        return np.ones(np.broadcast_shapes(*(v.shape for v in (*known, *self._parameters()))))

    def p_alive_at(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return 1: nobody drops out."""
        alive = self.p_alive(frequency, recency, T)
        return np.ones(np.broadcast_shapes(alive.shape, np.shape(t)))

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t]."""
        k, A = self._ahead(frequency, recency, T)
        return np.asarray(-np.expm1(-k * np.log1p(length(t) / A)))

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t]: (r + x) / (alpha + T) t."""
        k, A = self._ahead(frequency, recency, T)
        return np.asarray(k / A * length(t))

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

        Without dropout ``start`` makes no difference.
        """
        k, A = self._ahead(frequency, recency, T)
        return np.asarray(np.exp(log_nbd(n, t, k, A)) * np.ones(np.shape(start)))

    def dert(
        self, rate: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the discounted expected residual transactions: all purchases after T.

        Parameters
        ----------
        rate : array-like, positive
            Continuous discount rate per unit of time: ``log(1.1) / 52`` is 10 % a year in weeks.
        """
        discount = np.asarray(rate, dtype=float)
        if not np.all(discount > 0):
            raise UsageError(f"rate: {rate!r} must be positive; undiscounted sums may not exist.")
        k, A = self._ahead(frequency, recency, T)
        return np.asarray(k / A / discount)

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``."""
        k, A = self._ahead(frequency, recency, T)
        share = np.asarray(level, dtype=float)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(A * np.expm1(-np.log1p(-np.minimum(share, 1.0)) / k))

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
        known = (window, self.p_alive(frequency, recency, T))
        shape = np.broadcast_shapes(*(each.shape for each in known), size or ())
        k, A = self._ahead(frequency, recency, T)
        never = np.zeros(()), np.ones(())
        return draw_race(rng, window, lambda at: np.ones(at[0].size), k, A, *never, shape)

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
        return type(self)(self.r, self.alpha * factor)

    def _parameters(self) -> tuple[Floats, Floats]:
        return np.asarray(self.r, dtype=float), np.asarray(self.alpha, dtype=float)

    def _ahead(self, frequency: Numbers, recency: Numbers, T: Numbers) -> tuple[Floats, Floats]:
        """Return the parameters of the purchase rate from now on."""
        r, alpha = self._parameters()
        x, tx, age = history(frequency, recency, T)
        # tx adds nothing but its shape
        return r + x + 0 * tx, alpha + age
