"""BG/BB: Fader, Hardie & Shang (2010), purchases at discrete opportunities."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from forecast.errors import UsageError
from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    Shape,
    check_positive,
    discount_rate,
    floats,
    on_grid,
)
from forecast.processes.bgbb_estimate import estimate
from forecast.processes.distinct import triples
from forecast.processes.fitting import Fit
from forecast.processes.geometric_life import mean_discounted_life, mean_life, survival
from forecast.processes.opportunity_future import OpportunityFuture, draw_opportunities
from forecast.processes.opportunity_mixture import (
    count_probability,
    first_purchase,
    first_purchase_quantile,
)
from forecast.processes.rising_factorial import log_rising

__all__ = ["BGBB"]

# from here on, equal histories are looked up rather than computed again
_MANY = 2_000
# opportunities ahead; sums over them are stepped through
_FARTHEST = 100_000


@dataclass(frozen=True)
class BGBB:
    """Purchases at counted opportunities (years, events, mailings), at most one at each.

    At each opportunity a customer who is alive buys with probability p ~ Beta(alpha, beta);
    before each one, the customer dies with probability theta ~ Beta(gamma, delta). A history is
    (frequency, recency, n_periods): purchases, the number of the opportunity of the last one (0
    for none) and opportunities seen. Left out, it is that of a new customer. Given alive at
    opportunity n + 1, p ~ Beta(alpha + x, beta + n - x) and theta ~ Beta(gamma, delta + n + 1)
    are independent, so each prediction is P(alive) times that of a customer who is alive.
    Everything broadcasts: parameters of shape (draws,) against histories of shape (customers, 1).

    Parameters
    ----------
    alpha, beta : float or array
        Purchase probability p ~ Beta(alpha, beta).
    gamma, delta : float or array
        Death probability theta ~ Beta(gamma, delta).

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> donors = BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> round(float(donors.p_alive(4, 5, 6)), 4)
    0.6967
    >>> round(float(donors.expected_purchases(5, 4, 5, 6)), 4)
    2.0296
    """

    alpha: float | Floats
    beta: float | Floats
    gamma: float | Floats
    delta: float | Floats

    def __post_init__(self) -> None:
        check_positive(self)

    @classmethod
    def fit(
        cls,
        frequency: Numbers,
        recency: Numbers,
        n_periods: Numbers,
        *,
        weights: Numbers | None = None,
        unit: str | None = None,
    ) -> Fit:
        """Estimate by maximum likelihood.

        Parameters
        ----------
        frequency : array-like, shape (customers,)
            Opportunities with a purchase.
        recency : array-like, shape (customers,)
            Number of the last opportunity with a purchase, 0 for none.
        n_periods : int or array-like, shape (customers,)
            Opportunities seen so far.
        weights : array-like, shape (customers,), optional
            How often each row counts.
        unit : str, optional
            Name of the period between opportunities, kept in the result.

        Raises
        ------
        BadRowsError
            If a row cannot be a history.
        TooLittleDataError
            If there are fewer than ten customers, or nobody had an opportunity.
        NotIdentifiedError
            If nobody bought.
        """
        return estimate(cls, frequency, recency, n_periods, weights=weights, unit=unit)

    def log_likelihood(self, frequency: Numbers, recency: Numbers, n_periods: Numbers) -> Floats:
        """Return the log-likelihood of each history (eq. 5)."""
        return self._at_cells(self._log_likelihood, frequency, recency, n_periods)

    def p_alive(
        self, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return the probability of being alive at the next opportunity, n + 1 (eq. 11)."""
        return self._at_cells(self._p_alive, frequency, recency, n_periods)

    def p_alive_at(
        self, n: Numbers, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return the probability of being alive ``n`` opportunities after the next one."""
        ahead, known = _ahead(n), (frequency, recency, n_periods)
        return self._forward(lambda alive, a, b, g, d: alive * survival(ahead, g, d), ahead, *known)

    def p_active(
        self, n: Numbers, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase at the next ``n`` opportunities."""
        ahead, known = _ahead(n), (frequency, recency, n_periods)
        return self._forward(
            lambda alive, a, b, g, d: alive * first_purchase(ahead, a, b, g, d)[0], ahead, *known
        )

    def expected_purchases(
        self, n: Numbers, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return the expected purchases at the next ``n`` opportunities.

        Fader, Hardie & Shang (2010), eq. 9 for a new customer and eq. 13 given a history.
        """
        ahead, known = _ahead(n), (frequency, recency, n_periods)
        return self._forward(
            lambda alive, a, b, g, d: alive * a / (a + b) * mean_life(ahead, g, d), ahead, *known
        )

    def pmf(
        self,
        k: Numbers,
        n: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        n_periods: Numbers = 0,
    ) -> Floats:
        """Return the probability of exactly ``k`` purchases at the next ``n`` opportunities.

        Fader, Hardie & Shang (2010), eq. 8 for a new customer and eq. 12 given a history.
        """
        ahead, count = _ahead(n), np.asarray(k, dtype=float)

        def chance(alive: Floats, a: Floats, b: Floats, g: Floats, d: Floats) -> Floats:
            none = np.where(count == 0, 1 - alive, 0.0)
            return np.asarray(alive * count_probability(count, ahead, a, b, g, d) + none)

        return self._forward(chance, ahead + count, frequency, recency, n_periods)

    def dert(
        self, rate: Numbers, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return the discounted expected residual transactions: all purchases to come.

        P(alive) E[p] 2F1(1, delta + n + 1; gamma + delta + n + 1; 1 / (1 + d)) / (1 + d), eq. 14:
        the next opportunity is one period away and is discounted once.

        Parameters
        ----------
        rate : array-like, positive
            Effective discount rate d of a period: 0.1 is 10 % a period.
        """
        discount, known = discount_rate(rate), (frequency, recency, n_periods)
        return self._forward(
            lambda alive, a, b, g, d: alive * a / (a + b) * mean_discounted_life(discount, g, d),
            discount,
            *known,
        )

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, n_periods: Numbers = 0
    ) -> Floats:
        """Return by which opportunity the next purchase has come with probability ``level``.

        1 is the next opportunity. Infinite where ``level`` is never reached, since a customer who
        is gone never comes back, or not within 10,000 opportunities.
        """
        chance = np.asarray(level, dtype=float)

        def wait(alive: Floats, a: Floats, b: Floats, g: Floats, d: Floats) -> Floats:
            share = chance / np.where(alive > 0, alive, 1e-300)
            return first_purchase_quantile(share, a, b, g, d)

        return self._forward(wait, chance, frequency, recency, n_periods)

    def simulate(
        self,
        n: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        n_periods: Numbers = 0,
        *,
        rng: np.random.Generator,
        size: Shape | None = None,
    ) -> OpportunityFuture:
        """Return simulated purchases at the next ``n`` opportunities of every cell of a grid.

        Parameters
        ----------
        n : array-like
            Opportunities ahead.
        frequency, recency, n_periods : array-like
            Histories, as (customers, 1) against parameters of shape (draws,).
        rng : numpy.random.Generator
        size : tuple of int, optional
            Shape of the grid; by default that of all arguments together.
        """
        ahead, (x, tx, seen) = _ahead(n), _history(frequency, recency, n_periods)
        known = (ahead, x, tx, seen, *self._parameters())
        shape = np.broadcast_shapes(*(each.shape for each in known), size or ())
        alive, given = self._p_alive(x, tx, seen), self._given(x, seen)
        # numbers alone make a grid without an axis: one cell
        future = draw_opportunities(rng, ahead, alive, *given, shape or (1,))
        return replace(future, shape=shape)

    def simulate_customers(
        self, n: Numbers, *, rng: np.random.Generator
    ) -> tuple[Integers, Integers]:
        """Return simulated (frequency, recency) of new customers with ``n`` opportunities."""
        future = self.simulate(n, rng=rng)
        return future.purchases(), on_grid(future.shape, future.cell, future.last(rng))

    def _parameters(self) -> tuple[Floats, Floats, Floats, Floats]:
        alpha, beta, gamma, delta = floats(self.alpha, self.beta, self.gamma, self.delta)
        return alpha, beta, gamma, delta

    def _given(self, x: Floats, n: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Parameters of p and theta given alive at opportunity n + 1."""
        alpha, beta, gamma, delta = self._parameters()
        return alpha + x, beta + (n - x), gamma, delta + (n + 1)

    def _log_odds_gone(self, x: Floats, tx: Floats, n: Floats) -> Floats:
        """Log-odds of being dead at opportunity n + 1.

        Relative to being alive there, death before opportunity n + 1 weighs gamma / (delta + n),
        and death one opportunity earlier weighs more by the unlikely silence it explains.
        """
        alpha, beta, gamma, delta = self._parameters()
        shapes = (each.shape for each in (alpha, beta, gamma, delta, x, tx, n))
        log_term = np.log(gamma) - np.log(delta + n)
        odds = np.broadcast_to(log_term, np.broadcast_shapes(*shapes))
        for back in range(1, int((n - tx).max(initial=0)) + 1):
            s = np.maximum(n - back, tx)
            silence = np.log(alpha + beta + s) - np.log(beta + (s - x))
            life = np.log(gamma + delta + s + 1) - np.log(delta + s)
            log_term = np.where(n - back >= tx, log_term + silence + life, -np.inf)
            odds = np.logaddexp(odds, log_term)
        return odds

    def _p_alive(self, x: Floats, tx: Floats, n: Floats) -> Floats:
        return np.asarray(expit(-self._log_odds_gone(x, tx, n)))

    def _log_likelihood(self, x: Floats, tx: Floats, n: Floats) -> Floats:
        alpha, beta, gamma, delta = self._parameters()
        bought = log_rising(alpha, x) + log_rising(beta, n - x) - log_rising(alpha + beta, n)
        lived = log_rising(delta, n + 1) - log_rising(gamma + delta, n + 1)
        return np.asarray(bought + lived + np.logaddexp(0.0, self._log_odds_gone(x, tx, n)))

    def _forward(
        self,
        answer: Callable[..., Floats],
        asked: Floats,
        frequency: Numbers,
        recency: Numbers,
        n_periods: Numbers,
    ) -> Floats:
        """Ask of P(alive) and the parameters given alive; once a history if one thing is asked."""

        def ask(x: Floats, tx: Floats, n: Floats) -> Floats:
            return np.asarray(answer(self._p_alive(x, tx, n), *self._given(x, n)))

        if asked.ndim == 0:
            return self._at_cells(ask, frequency, recency, n_periods)
        return ask(*_history(frequency, recency, n_periods))

    def _at_cells(
        self,
        ask: Callable[[Floats, Floats, Floats], Floats],
        frequency: Numbers,
        recency: Numbers,
        n_periods: Numbers,
    ) -> Floats:
        """Ask once for each distinct history when there are many and one set of parameters."""
        x, tx, n = _history(frequency, recency, n_periods)
        shape = np.broadcast_shapes(x.shape, tx.shape, n.shape)
        lone = all(each.ndim == 0 for each in self._parameters())
        if not lone or int(np.prod(shape)) < _MANY:
            return ask(x, tx, n)
        x, tx, n, place = triples(*np.broadcast_arrays(x, tx, n))
        return np.asarray(ask(x, tx, n)[place].reshape(shape))


def _ahead(n: Numbers) -> Floats:
    """Return opportunities as floats, refusing what is not a whole number of them."""
    ahead = np.asarray(n, dtype=float)
    if not np.all((ahead >= 0) & (ahead <= _FARTHEST) & (ahead == np.rint(ahead))):
        raise UsageError(f"n: {n!r} must be whole numbers of opportunities, at most {_FARTHEST:,}.")
    return ahead


def _history(
    frequency: Numbers, recency: Numbers, n_periods: Numbers
) -> tuple[Floats, Floats, Floats]:
    """Return a history as floats, refusing what is none."""
    x, tx, n = floats(frequency, recency, n_periods)
    if not all(np.all(each == np.rint(each)) for each in (x, tx, n)):
        raise UsageError("frequency, recency, n_periods: opportunities must be whole numbers.")
    if not (np.all(x >= 0) and np.all(x <= tx) and np.all(tx <= n)):
        raise UsageError(
            "frequency, recency, n_periods: at most one purchase at each opportunity up to the "
            "last one with a purchase, which is at most n_periods."
        )
    return x, tx, n
