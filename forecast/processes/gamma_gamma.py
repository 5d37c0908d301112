"""Gamma-Gamma spend: Fader, Hardie & Lee (2005b); Fader & Hardie (2013), note 025."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, betaln

from forecast.processes.arrays import Floats, Numbers, check_positive, floats
from forecast.processes.fitting import Fit, maximise
from forecast.processes.gamma_gamma_likelihood import GammaGammaLikelihood
from forecast.processes.limits import Limit
from forecast.processes.prior import Prior

__all__ = ["GG_PRIOR", "GammaGamma"]

GG_PRIOR = Prior(
    names=("log p", "log q", "log(v / median spend)"), mean=(1.0, 1.0, 0.0), sd=(2.0, 2.0, 2.0)
)
_LIMITS = (
    Limit(
        name="one spend level for all: q, v to infinity",
        escape=(0.0, 1.0, 1.0),
        at=(0.0, 10.0, 10.0),
        free=((1.0, 0.0, 0.0), (0.0, 1.0, -1.0)),
        keeps=("p",),
    ),
    Limit(
        name="equal orders within a customer: p to infinity, v to 0",
        escape=(1.0, 0.0, -1.0),
        at=(10.0, 0.0, -10.0),
        free=((0.0, 1.0, 0.0), (1.0, 0.0, 1.0)),
        keeps=("q",),
    ),
)
# shape of a spend that never varies: a relative spread of one in a thousand
_CONSTANT = 1e6


@dataclass(frozen=True)
class GammaGamma:
    """Orders are Gamma(p, nu) around a customer's own level, and nu ~ Gamma(q, v).

    Everything broadcasts: parameters of shape (draws,) against customers of shape (customers, 1).
    ``n`` orders of mean value ``mean`` are what is known of a customer; they may be the repeat
    purchases alone or all purchases, as long as both agree. ``n = 0`` is a new customer.

    Parameters
    ----------
    p : float or array
        Shape of a customer's orders.
    q, v : float or array
        Shape and rate of nu across customers; v is in the currency of the data.

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> cdnow = GammaGamma(p=6.25, q=3.74, v=15.44)
    >>> round(float(cdnow.expected_order_value(2, 22.35)), 4)
    24.6637
    """

    p: float | Floats
    q: float | Floats
    v: float | Floats

    def __post_init__(self) -> None:
        check_positive(self)

    @classmethod
    def fit(
        cls,
        n: Numbers,
        mean: Numbers,
        *,
        weights: Numbers | None = None,
        unit: str | None = None,
    ) -> Fit:
        """Estimate by maximum likelihood.

        Where mean spend hardly differs (by a coefficient of variation below 1 %), the likelihood
        has no bound or none that numbers reach; the estimate is then that constant with a
        relative spread of a thousandth, and its status is ``limit``.

        Parameters
        ----------
        n : array-like, shape (customers,)
            Orders behind each mean, at least 1.
        mean : array-like, shape (customers,)
            Mean order value, positive, in one currency.
        weights : array-like, shape (customers,), optional
            How often each row counts.
        unit : str, optional
            Name of the currency, kept in the result.

        Raises
        ------
        BadRowsError
            If a row has no order or no positive value.
        TooLittleDataError
            If there are fewer than ten customers.
        """
        likelihood = GammaGammaLikelihood.of(n, mean, weights)
        if likelihood.constant():
            return _constant(likelihood, unit)
        starts = [np.log([2.0, 3.0, 1.0]), np.zeros(3)]
        return maximise(
            likelihood,
            build=cls,
            prior=GG_PRIOR,
            starts=starts,
            limits=_LIMITS,
            rehearsal=likelihood.rehearsal(),
            ridge=True,
            unit=unit,
        )

    @property
    def has_mean(self) -> bool:
        """Whether a new customer's expected order value is finite (q > 1)."""
        return bool(np.all(np.asarray(self.q) > 1))

    def log_likelihood(self, n: Numbers, mean: Numbers) -> Floats:
        """Return the log-likelihood of each mean, in the data's currency (note 025, eq. 1a)."""
        p, q, v = self._parameters()
        count, m = np.asarray(n, dtype=float), np.asarray(mean, dtype=float)
        y = count * m
        above, below = np.log1p(y / v), np.log1p(v / y)
        return np.asarray(-betaln(p * count, q) - np.log(m) - q * above - p * count * below)

    def expected_order_value(self, n: Numbers = 0, mean: Numbers = 0.0) -> Floats:
        """Return the expected value of an order given ``n`` orders of mean value ``mean``.

        p (v + n m) / (p n + q - 1), note 025 eq. 5. Missing where p n + q <= 1: the mean is
        infinite there, and a quantile says more.
        """
        p, _, _ = self._parameters()
        shape, rate = self._given(n, mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = p * rate / (shape - 1)
        return np.asarray(np.where(shape > 1, expected, np.nan))

    def order_value_quantile(
        self, level: Numbers, n: Numbers = 0, mean: Numbers = 0.0, *, orders: Numbers = 1
    ) -> Floats:
        """Return quantiles of the total value of the next ``orders`` orders.

        The total given the data is (v + n m) BetaPrime(p orders, p n + q).
        """
        p, _, _ = self._parameters()
        shape, rate = self._given(n, mean)
        chance = np.asarray(level, dtype=float)
        size = p * np.asarray(orders, dtype=float)
        low, high = betaincinv(size, shape, chance), betaincinv(shape, size, 1 - chance)
        # the smaller of the two shares carries the digits
        odds = np.where(low < 0.5, low / np.maximum(1 - low, 1e-300), (1 - high) / high)
        return np.asarray(rate * odds)

    def simulate_scale(self, n: Numbers, mean: Numbers, rng: np.random.Generator) -> Floats:
        """Return a draw of nu for each customer: Gamma(p n + q, v + n m)."""
        shape, rate = self._given(n, mean)
        shape, rate = np.broadcast_arrays(shape, rate)
        return np.asarray(rng.standard_gamma(shape) / rate)

    def simulate_total(self, orders: Numbers, scale: Numbers, rng: np.random.Generator) -> Floats:
        """Return the total value of ``orders`` orders of customers with the given nu.

        Gamma(p orders, nu); 0 where there is no order.
        """
        p, _, _ = self._parameters()
        shape = p * np.asarray(orders, dtype=float)
        shape, nu = np.broadcast_arrays(shape, np.asarray(scale, dtype=float))
        return np.asarray(rng.standard_gamma(shape) / nu)

    def _parameters(self) -> tuple[Floats, Floats, Floats]:
        p, q, v = floats(self.p, self.q, self.v)
        return p, q, v

    def _given(self, n: Numbers, mean: Numbers) -> tuple[Floats, Floats]:
        """Shape and rate of nu given the data."""
        p, q, v = self._parameters()
        count, m = np.asarray(n, dtype=float), np.asarray(mean, dtype=float)
        return p * count + q, v + np.where(count > 0, count * m, 0.0)


def _constant(likelihood: GammaGammaLikelihood, unit: str | None) -> Fit:
    """Return the estimate for customers who all spend the same."""
    level = float(likelihood.weight @ (likelihood.y / likelihood.n) / likelihood.total)
    eta = np.log([_CONSTANT, _CONSTANT, level * (_CONSTANT - 1) / _CONSTANT])
    params = dict(zip(likelihood.names, np.exp(eta).tolist(), strict=True))
    params["v"] *= likelihood.scale
    return Fit(
        process=GammaGamma(**params),
        params=params,
        log_likelihood=likelihood.value(eta) + likelihood.unit_change(),
        standard_errors=dict.fromkeys(likelihood.names, float("nan")),
        covariance_log=np.full((3, 3), np.nan),
        status="limit",
        limit="constant spend",
        message=(
            f"All customers spend about {level * likelihood.scale:g} an order; the likelihood has "
            "no bound that numbers reach, so the estimate is that constant with a relative spread "
            "of a thousandth, without standard errors."
        ),
        n_customers=likelihood.n_customers,
        unit=unit,
        scale=likelihood.scale,
        likelihood=likelihood,
        prior=GG_PRIOR,
    )
