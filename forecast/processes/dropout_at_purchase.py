"""What BG/NBD and MBG/NBD share: every prediction, by one identity.

Given alive at age T, a customer's rate and dropout probability are independent and conjugate:
lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, b'), with b' = b + x (BG/NBD) or b + x + 1
(MBG/NBD). So each prediction is P(alive) times that of a customer who is alive, and a new
customer is one with an empty history.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import expit

from forecast.processes.arrays import Floats, Numbers, Shape, floats, history, length
from forecast.processes.bg_estimate import estimate
from forecast.processes.dropout_mixture import (
    count_probability,
    mean_discounted,
    mean_purchases,
    mean_survival,
)
from forecast.processes.fitting import Fit
from forecast.processes.future import Future, draw_future
from forecast.processes.histories import Histories
from forecast.processes.purchase_process import PurchaseProcess
from forecast.processes.rising_factorial import log_rising

__all__ = ["DropoutAtPurchase"]


@dataclass(frozen=True)
class DropoutAtPurchase(PurchaseProcess):
    """A process whose customers may drop out right after a purchase.

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

    _mean_discounted = staticmethod(mean_discounted)

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
        alive, (r, alpha, _, _) = self._now(frequency, recency, T)
        return np.asarray(alive * -np.expm1(-r * np.log1p(length(t) / alpha)))

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t].

        Fader, Hardie & Lee (2005), eq. 9 for a new customer and eq. 10 given a history.
        """
        return self._given_alive(mean_purchases, t, frequency, recency, T)

    def pmf(
        self, n: Numbers, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of exactly ``n`` purchases in (T, T + t].

        Fader, Hardie & Lee (2005), eq. 8, and brucehardie.com note 028 given a history.
        """
        alive, ahead = self._now(frequency, recency, T)
        chance = count_probability(n, length(t), *ahead)
        return np.asarray(alive * chance + np.where(np.asarray(n) == 0, 1 - alive, 0.0))

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``.

        Infinite where ``level`` reaches P(alive): a customer who is gone never comes back.
        """
        alive, (r, alpha, _, _) = self._now(frequency, recency, T)
        share = np.asarray(level, dtype=float) / np.maximum(alive, 1e-300)
        with np.errstate(divide="ignore", over="ignore"):
            wait = alpha * np.expm1(-np.log1p(-np.minimum(share, 1.0)) / r)
        return np.asarray(np.where(share < 1, wait, np.inf))

    def scaled(self, factor: float) -> Self:
        """Return the same process with time in a unit ``factor`` times shorter."""
        return type(self)(self.r, self.alpha * factor, self.a, self.b)

    @classmethod
    def _estimate(cls, histories: Histories, unit: str | None) -> Fit:
        return estimate(cls, histories, shift=cls.shift, unit=unit)

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

    def _ahead(self, x: Floats, age: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        r, alpha, a, b = self._parameters()
        return r + x, alpha + age, a, b + x + self.shift

    def _draw(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> Future:
        return draw_future(rng, t, self.p_alive(x, tx, age), *self._ahead(x, age), shape)
