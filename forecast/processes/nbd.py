"""NBD: Ehrenberg (1959), "The Pattern of Consumer Purchases"; the limit without dropout."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from forecast.processes.arrays import Floats, Numbers, Shape, floats, history, length
from forecast.processes.fitting import Fit, maximise
from forecast.processes.future import Future
from forecast.processes.histories import Histories
from forecast.processes.limits import Limit
from forecast.processes.nbd_likelihood import NBDLikelihood
from forecast.processes.prior import Prior
from forecast.processes.purchase_process import PurchaseProcess
from forecast.processes.race_future import draw_race
from forecast.processes.rising_factorial import log_rising
from forecast.processes.starting_points import rate_by_moments
from forecast.processes.waiting_for_dropout import log_nbd

__all__ = ["NBD"]

_PRIOR = Prior(names=("log r", "log(alpha / median T)"), mean=(0.0, 0.0), sd=(2.0, 2.0))
_ONE_RATE = Limit(
    name="Poisson: one purchase rate", escape=(1.0, 1.0), at=(11.0, 11.0), free=((1.0, -1.0),)
)


@dataclass(frozen=True)
class NBD(PurchaseProcess):
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
        return np.asarray(alive * np.ones_like(length(t)))

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t]."""
        return self._given_alive(_active, t, frequency, recency, T)

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t]: (r + x) / (alpha + T) t."""
        return self._given_alive(_expected, t, frequency, recency, T)

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
        one, ahead = self._now(frequency, recency, T)
        one = one * np.ones_like(length(start, "start"))
        return np.asarray(one * np.exp(log_nbd(n, length(t), *ahead)))

    def next_purchase_quantile(
        self, level: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the time from T until the next purchase has come with probability ``level``."""
        one, (k, A) = self._now(frequency, recency, T)
        share = one * np.asarray(level, dtype=float)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(A * np.expm1(-np.log1p(-np.minimum(share, 1.0)) / k))

    def scaled(self, factor: float) -> Self:
        """Return the same process with time in a unit ``factor`` times shorter."""
        return type(self)(self.r, self.alpha * factor)

    @staticmethod
    def _mean_discounted(rate: Floats, k: Floats, A: Floats) -> Floats:
        return np.asarray(k / A / rate)

    @classmethod
    def _estimate(cls, histories: Histories, unit: str | None) -> Fit:
        return maximise(
            NBDLikelihood.of(histories),
            build=cls,
            prior=_PRIOR,
            starts=[np.array(rate_by_moments(histories)), np.zeros(2)],
            limits=[_ONE_RATE],
            unit=unit,
        )

    def _parameters(self) -> tuple[Floats, Floats]:
        r, alpha = floats(self.r, self.alpha)
        return r, alpha

    def _ahead(self, x: Floats, age: Floats) -> tuple[Floats, Floats]:
        r, alpha = self._parameters()
        return r + x, alpha + age

    def _draw(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> Future:
        never = np.zeros(()), np.ones(())
        return draw_race(
            rng, t, lambda at: np.ones(at[0].size), *self._ahead(x, age), *never, shape
        )


def _active(t: Floats, k: Floats, A: Floats) -> Floats:
    return np.asarray(-np.expm1(-k * np.log1p(t / A)))


def _expected(t: Floats, k: Floats, A: Floats) -> Floats:
    return np.asarray(k / A * t)
