"""Log-likelihood of Gamma-Gamma with gradient and Hessian, in log(p, q, v).

The mean m of n orders has n m / v ~ BetaPrime(p n, q). With y = n m,

    log L = -log B(p n, q) - log m - q log(1 + y/v) - p n log(1 + v/y)

which is eq. 1a of brucehardie.com note 025 (Fader & Hardie 2013) written without differences of
large numbers. Gamma functions depend on n alone, so they are taken over distinct n.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from forecast.errors import TooLittleDataError
from forecast.processes.arrays import Floats, Integers, Numbers
from forecast.processes.distinct import encode
from forecast.processes.histories import FEWEST_CUSTOMERS, columns, refuse, weighted_median
from forecast.processes.rising_factorial import log_rising

__all__ = ["GammaGammaLikelihood"]

# coefficient of variation of mean spend below which it is taken for constant
_CONSTANT_SPREAD = 1e-2
# starts are tried on this many customers when there are ten times more
_REHEARSAL = 10_000


@dataclass(frozen=True)
class GammaGammaLikelihood:
    """Likelihood of log(p, q, v) given mean order values in rescaled money."""

    scale: float
    n_customers: int
    counts: Floats
    codes: Integers
    count_weight: Floats
    n: Floats
    y: Floats
    log_y: Floats
    weight: Floats
    total: float
    log_m: float

    names = ("p", "q", "v")
    timed = (0, 0, 1)

    @classmethod
    def of(
        cls, n: Numbers, mean: Numbers, weights: Numbers | None = None
    ) -> "GammaGammaLikelihood":
        """Check the columns, rescale money to a median mean of 1 and prepare sums."""
        (count, m), weight = columns(weights, n=n, mean=mean)
        weight = np.ones(count.size) if weight is None else weight
        if weight.sum() < FEWEST_CUSTOMERS:
            raise TooLittleDataError(
                f"{weight.sum():g} customers with an order value are too few to estimate spend; "
                f"at least {FEWEST_CUSTOMERS} are needed."
            )
        leave = "Leave out customers without a purchase of positive value."
        odd = (count % 1 != 0) | (count < 1)
        refuse("n", "values that are not whole numbers of at least 1", odd, count, leave)
        refuse("mean", "order values that are not positive", m <= 0, m, leave)
        scale = weighted_median(m, weight)
        coded, y = encode(count), count * (m / scale)
        return cls(
            scale=scale,
            n_customers=round(float(weight.sum())),
            counts=coded.values,
            codes=coded.codes,
            count_weight=np.bincount(coded.codes, weight).astype(float, copy=False),
            n=count,
            y=y,
            log_y=np.log(y),
            weight=weight,
            total=float(weight.sum()),
            log_m=float(weight @ np.log(m / scale)),
        )

    def rehearsal(self) -> "GammaGammaLikelihood | None":
        """Return the likelihood of a seeded sample of customers, or None where they are few."""
        if self.n.size <= 10 * _REHEARSAL:
            return None
        rng = np.random.default_rng(2013)
        by_value = np.lexsort((self.n, self.y))  # so that the order of rows changes nothing
        upto = np.cumsum(self.weight[by_value])
        rows = by_value[np.searchsorted(upto, rng.random(_REHEARSAL) * upto[-1], side="right")]
        coded, m = encode(self.n[rows]), self.y[rows] / self.n[rows]
        return replace(
            self,
            n_customers=_REHEARSAL,
            counts=coded.values,
            codes=coded.codes,
            count_weight=np.bincount(coded.codes).astype(float),
            n=self.n[rows],
            y=self.y[rows],
            log_y=self.log_y[rows],
            weight=np.ones(_REHEARSAL),
            total=float(_REHEARSAL),
            log_m=float(np.log(m).sum()),
        )

    def constant(self) -> bool:
        """Return whether mean spend hardly differs between customers."""
        m = self.y / self.n
        mean = self.weight @ m / self.total
        # relative, so that no square leaves the range of numbers
        spread = self.weight @ np.minimum(np.abs(m / mean - 1), 1.0) ** 2 / self.total
        return bool(np.sqrt(spread) <= _CONSTANT_SPREAD)

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled money into the data's currency."""
        return -self.total * float(np.log(self.scale))

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``, in rescaled money."""
        p, q, v = np.exp(eta)
        above = np.log1p(self.y / v)
        return self._value(p, q, above, above - self.log_y + eta[2])

    def _value(self, p: float, q: float, above: Floats, below: Floats) -> float:
        shape = p * self.counts
        gammas = self.count_weight @ (log_rising(shape, q) - gammaln(q))
        spread = q * (self.weight @ above) + p * ((self.weight * self.n) @ below)
        return float(gammas - self.log_m - spread)

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        theta = np.exp(eta)
        p, q, v = theta
        w, c, n = self.weight, self.count_weight, self.counts
        above = np.log1p(self.y / v)
        below = above - self.log_y + eta[2]
        heavy = w * self.n
        inverse = 1 / (v + self.y)
        share = self.y * inverse
        whole = digamma(p * n + q)
        bend = polygamma(1, p * n + q)
        gradient = np.array(
            [
                (c * n) @ (whole - digamma(p * n)) - heavy @ below,
                c @ (whole - digamma(q)) - w @ above,
                q / v * (w @ share) - p * (heavy @ inverse),
            ]
        )
        hessian = np.empty((3, 3))
        hessian[0, 0] = (c * n * n) @ (bend - polygamma(1, p * n))
        hessian[0, 1] = hessian[1, 0] = (c * n) @ bend
        hessian[1, 1] = c @ (bend - polygamma(1, q))
        hessian[0, 2] = hessian[2, 0] = -(heavy @ inverse)
        hessian[1, 2] = hessian[2, 1] = (w @ share) / v
        # d/dv of share / v = 1/v - 1/(v+y)
        hessian[2, 2] = -q / v * (w @ (share * (1 / v + inverse))) + p * (heavy @ inverse**2)
        slope = theta * gradient
        value = self._value(p, q, above, below)
        return value, slope, hessian * np.outer(theta, theta) + np.diag(slope)
