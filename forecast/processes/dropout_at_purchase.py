"""What BG/NBD and MBG/NBD share: every prediction, by one identity.

Given alive at age T, a customer's rate and dropout probability are independent and conjugate:
lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, b'), with b' = b + x (BG/NBD) or b + x + 1
(MBG/NBD). So each prediction is P(alive) times that of a customer who is alive, and a new
customer is one with an empty history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

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
from forecast.processes.bg_estimate import estimate
from forecast.processes.distinct import pairs
from forecast.processes.dropout_mixture import (
    count_probability,
    mean_discounted,
    mean_purchases,
    mean_survival,
)
from forecast.processes.fitting import Fit
from forecast.processes.future import Future, draw_future
from forecast.processes.rising_factorial import log_rising

__all__ = ["DropoutAtPurchase"]

# from here on, equal (frequency, T) are looked up rather than computed again
_MANY = 5_000


@dataclass(frozen=True)
class DropoutAtPurchase:
    """A process whose customers may drop out right after a purchase.

    Times are in the unit the parameters were estimated in. Everything broadcasts: parameters of
    shape (draws,) against histories of shape (customers, 1) give (customers, draws). A history
    left out is that of a new customer, who has just made the first purchase.

    Parameters
    ----------
    r, alpha : float or array
        Purchase rate lambda ~ Gamma(r, rate alpha); alpha in units of time.
    a, b : float or array
        Dropout probability p ~ Beta(a, b).

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.
    """

    r: float | Floats
    alpha: float | Floats
    a: float | Floats
    b: float | Floats

    # 1 where the first purchase may already be the last, else 0
    shift: ClassVar[int]

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
        return estimate(cls, frequency, recency, T, shift=cls.shift, weights=weights, unit=unit)

    def log_likelihood(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Floats:
        """Return the log-likelihood of each history, in the data's unit of time."""
        r, alpha, a, b = self._parameters()
        x, _, age = history(frequency, recency, T)
        stays = x + self.shift
        return np.asarray(
            log_rising(b, stays)
            - log_rising(a + b, stays)
            + log_rising(r, x)
            - r * np.log1p(age / alpha)
            - x * np.log(alpha + age)
            + np.logaddexp(0.0, self._log_odds_gone(frequency, recency, T))
        )

    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return the probability of not having dropped out by T."""
        return np.asarray(expit(-self._log_odds_gone(frequency, recency, T)))

    def p_alive_at(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of not having dropped out by T + t."""
        return self._given_alive(mean_survival, t, frequency, recency, T)

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t].

        P(alive) [1 - ((alpha + T) / (alpha + T + t))^(r + x)]: no dropout comes before the next
        purchase, so the waiting time is Lomax.
        """
        alive, r, alpha, _, _ = self._ahead(frequency, recency, T)
        return np.asarray(alive * -np.expm1(-r * np.log1p(length(t) / alpha)))

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t].

        Fader, Hardie & Lee (2005), eq. 9 for a new customer and eq. 10 given a history.
        """
        return self._given_alive(mean_purchases, t, frequency, recency, T)

    def pmf(
        self,
        n: Numbers,
        t: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        T: Numbers = 0,
    ) -> Floats:
        """Return the probability of exactly ``n`` purchases in (T, T + t].

        Fader, Hardie & Lee (2005), eq. 8, and brucehardie.com note 028 given a history.
        """
        alive, r, alpha, a, b = self._ahead(frequency, recency, T)
        ahead = count_probability(n, t, r, alpha, a, b)
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
        return self._given_alive(mean_discounted, rate, frequency, recency, T)

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``.

        Infinite where ``level`` reaches P(alive): a customer who is gone never comes back.
        """
        alive, r, alpha, _, _ = self._ahead(frequency, recency, T)
        share = np.asarray(level, dtype=float) / np.maximum(alive, 1e-300)
        with np.errstate(divide="ignore", over="ignore"):
            wait = alpha * np.expm1(-np.log1p(-np.minimum(share, 1.0)) / r)
        return np.asarray(np.where(share < 1, wait, np.inf))

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
        ahead = self._ahead(frequency, recency, T)
        t = length(t)
        shape = np.broadcast_shapes(t.shape, *(each.shape for each in ahead), size or ())
        return draw_future(rng, t, *ahead, shape)

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
        return type(self)(self.r, self.alpha * factor, self.a, self.b)

    def _parameters(self) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, a, b = floats(self.r, self.alpha, self.a, self.b)
        return r, alpha, a, b

    def _log_odds_gone(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Floats:
        """Log-odds of having dropped out (brucehardie.com note 021; -inf for BG at x = 0)."""
        r, alpha, a, b = self._parameters()
        x, tx, age = history(frequency, recency, T)
        stays = np.maximum(x + (self.shift - 1), 0.0)
        odds = np.log(a) - np.log(b + stays) + (r + x) * np.log1p((age - tx) / (alpha + tx))
        return odds if self.shift else np.asarray(np.where(x > 0, odds, -np.inf))

    def _ahead(
        self, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """P(alive) and, given alive, the parameters of rate and dropout from now on."""
        r, alpha, a, b = self._parameters()
        x, _, age = history(frequency, recency, T)
        alive = self.p_alive(frequency, recency, T)
        return alive, r + x, alpha + age, a, b + x + self.shift

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
        r, alpha, a, b = self._parameters()
        alive = self.p_alive(frequency, recency, T)
        single = np.ndim(first) == r.ndim == alpha.ndim == a.ndim == b.ndim == 0
        if not single or alive.size < _MANY:
            return np.asarray(alive * mean(first, r + x, alpha + age, a, b + x + self.shift))
        flat_x, flat_age = (each.ravel() for each in np.broadcast_arrays(x, age))
        some_x, some_age, place = pairs(flat_x, flat_age)
        some = mean(first, r + some_x, alpha + some_age, a, b + some_x + self.shift)
        return np.asarray(alive * some[place].reshape(alive.shape))
