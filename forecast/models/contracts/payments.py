"""What a payment is worth: each customer's own mean, with credibility, and how payments vary."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = ["Payments", "Pricing"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ROUNDS = 50


@dataclass(frozen=True)
class Payments:
    """Payments vary around a customer's level, and levels around the mean of all.

    Bühlmann's credibility on relative variances (Bühlmann & Gisler 2005, ch. 3): with n payments
    of mean m a customer's level is Z m + (1 - Z) M, Z = n / (n + within / between). Fees that
    never change have a ``within`` of 0, so a level is the fee. Gamma-Gamma sees means alone and
    cannot tell such fees from payments that vary.

    Attributes
    ----------
    level : array of float, shape (customers,)
        Expected value of a payment, in currency.
    unsure : array of float, shape (customers,)
        Variance of the level over its square.
    pricing : Pricing
        How payments and levels vary.

    Examples
    --------
    >>> fees = Payments.learn(np.array([0, 0, 1, 1]), np.array([10.0, 10.0, 30.0, 30.0]), 2)
    >>> fees.level, fees.within
    (array([10., 30.]), 0.0)
    >>> bills = Payments.learn(np.array([0, 0, 1, 1]), np.array([8.0, 12.0, 24.0, 36.0]), 2)
    >>> bills.level.round(2), round(bills.within, 3)
    (array([10.87, 29.13]), 0.083)
    """

    level: FloatArray
    unsure: FloatArray
    pricing: "Pricing"

    @property
    def within(self) -> float:
        """Variance of a payment over the square of its customer's level."""
        return self.pricing.within

    @classmethod
    def learn(
        cls,
        customer: IntArray,
        value: FloatArray,
        customers: int,
        pricing: "Pricing | None" = None,
    ) -> "Payments":
        """Estimate levels from all payments.

        Parameters
        ----------
        customer : array of int, shape (payments,)
            Position of the customer; everybody has a payment.
        value : array of float, shape (payments,)
        customers : int
        pricing : Pricing, optional
            How payments vary, where that is known; learned from these payments by default.
        """
        count = np.bincount(customer, minlength=customers).astype(float)
        own = np.bincount(customer, value, minlength=customers) / count
        if pricing is None:
            pricing = Pricing.learn(customer, value, count, own)
        pooled, within, between = pricing.pooled, pricing.within, pricing.between
        if pooled == 0 or within == 0:
            return cls(own, np.zeros(customers), pricing)
        trust = count * between / (count * between + within)
        level = trust * own + (1 - trust) * pooled
        unsure = np.divide(
            between * (1 - trust) * pooled**2, level**2, out=np.zeros(customers), where=level > 0
        )
        return cls(level, unsure, pricing)

    def simulate(self, customer: IntArray, count: IntArray, rng: np.random.Generator) -> FloatArray:
        """Return the total value of ``count`` payments: Gamma around a Gamma level."""
        level = self.level[customer] * _around_one(1.0, self.unsure[customer], rng)
        return level * _around_one(count.astype(float), np.full(len(count), self.within), rng)


@dataclass(frozen=True)
class Pricing:
    """What all payments say together.

    Attributes
    ----------
    pooled : float
        Mean of the customers' mean payments, in currency.
    within : float
        Variance of a payment over the square of its customer's level.
    between : float
        Variance of a level over the square of the mean level.
    """

    pooled: float
    within: float
    between: float

    def __post_init__(self) -> None:
        for name, each in vars(self).items():
            if not 0 <= each < np.inf:
                raise UsageError(f"payments: {name} is {each}; it must be 0 or more and finite.")

    @classmethod
    def learn(
        cls, customer: IntArray, value: FloatArray, count: FloatArray, own: FloatArray
    ) -> "Pricing":
        """Estimate both variances by moments."""
        pooled = float(own.mean())
        if pooled == 0:
            return cls(0.0, 0.0, 0.0)
        within = _within(customer, value, count, own)
        spread = float(own.var(ddof=1)) if len(own) > 1 else 0.0
        # the square of a level averages pooled^2 (1 + between)
        noise = within * float((1 / count).mean())
        return cls(pooled, within, max(0.0, (spread / pooled**2 - noise) / (1 + noise)))


def _within(customer: IntArray, value: FloatArray, count: FloatArray, own: FloatArray) -> float:
    """Return the variance of a payment over the square of its customer's level.

    Against the square of a customer's mean of n payments it is n w / (n + w) for Gamma payments:
    solved for w, since the mean takes part of the variation with it.
    """
    paid = own[customer] > 0
    ratio = value[paid] / own[customer][paid] - 1
    n, many = np.unique(count[own > 0], return_counts=True)
    free = many * (n - 1)
    if not free.any():
        return 0.0
    seen = within = float(ratio @ ratio) / float(free.sum())
    for _ in range(_ROUNDS):
        within = seen * float(free.sum()) / float(free @ (n / (n + within)))
    return within


def _around_one(
    mean: FloatArray | float, variance: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return Gamma draws of a mean and of that mean times a variance; the mean where it is 0."""
    safe = np.where(variance > 0, variance, 1.0)
    drawn = rng.standard_gamma(mean / safe) * safe
    return np.where(variance > 0, drawn, mean)
