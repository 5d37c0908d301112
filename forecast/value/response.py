"""Response curves: how many customers a month's spend brings, and how unsure that is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST_MONTHS", "LEAST_SPREAD", "Response", "constant_response", "power_response"]

FloatArray = npt.NDArray[np.float64]

ELASTICITY = (0.7, 0.3)  # prior mean and standard deviation of the power
FLATTEST = 0.05
FEWEST_MONTHS = 6
LEAST_SPREAD = 0.1  # standard deviation of log spend between months
STEPS = 100


@dataclass(frozen=True, eq=False)
class Response:
    """Customers a month as ``level * spend ** power``, one curve a draw.

    Attributes
    ----------
    kind : {"constant", "power"}
        ``"constant"``: the power is 1, a constant cost of a customer.
    level, power : array, shape (draws,)
        The power lies in (0, 1]: further money never brings more than the money before.
    """

    kind: Literal["constant", "power"]
    level: FloatArray
    power: FloatArray

    def customers(self, spend: float) -> FloatArray:
        """Return customers a month at a month's spend (currency), shape (draws,)."""
        return self.level * spend**self.power

    def slope(self, spend: float) -> FloatArray:
        """Return further customers per further unit of money at a month's spend."""
        return self.level * self.power * spend ** (self.power - 1.0)


def constant_response(
    spend: FloatArray, customers: FloatArray, draws: int, rng: np.random.Generator
) -> Response:
    """Return a constant cost of a customer: counts are Poisson at a rate per unit of money.

    Jeffreys' prior: the rate is Gamma(customers + 1/2, spend).

    Parameters
    ----------
    spend, customers : array, shape (months,)
        Currency, and counts.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = constant_response(np.array([500.0, 500.0]), np.array([40, 60]), 2000, rng)
    >>> round(float(found.customers(100.0).mean()))
    10
    """
    level = rng.gamma(customers.sum() + 0.5, 1.0 / spend.sum(), draws)
    return Response("constant", level, np.ones(draws))


def power_response(
    spend: FloatArray, customers: FloatArray, draws: int, rng: np.random.Generator
) -> Response:
    """Estimate diminishing returns from months of different spend.

    A log-log regression, ``log E[customers] = level + power * log(spend)``, with the variance
    ``mean + noise * mean ** 2`` by quasi-likelihood (McCullagh & Nelder 1989, ch. 9): chance, and
    what makes a month good or bad. So months without customers count as they are. The power is
    shrunk to 0.7 with a standard deviation of 0.3 and held within (0.05, 1]; draws follow
    Student's t, with the months less 2 as degrees of freedom.

    Parameters
    ----------
    spend, customers : array, shape (months,)
        Currency, above 0, and counts.
    """
    centre, free = float(np.log(spend).mean()), max(spend.size - 2, 1)
    design = np.column_stack([np.ones(spend.size), np.log(spend) - centre])
    prior = np.array([0.0, 1.0 / ELASTICITY[1] ** 2])
    at = np.array([np.log(customers.mean() + 0.5), ELASTICITY[0]])
    for _ in range(STEPS):
        mean = np.exp(design @ at)
        extra = ((customers - mean) ** 2).sum() * spend.size / free - mean.sum()
        weight = 1.0 / (1.0 + max(extra / (mean**2).sum(), 0.0) * mean)
        slope = design.T @ ((customers - mean) * weight) - prior * (at - [0.0, ELASTICITY[0]])
        precision = (design.T * (mean * weight)) @ design + np.diag(prior)
        step = np.clip(np.linalg.solve(precision, slope), -1.0, 1.0)
        at = at + step
        if np.abs(step).max() < 1e-10:
            break
    spread = np.linalg.inv(precision)
    wider = np.sqrt(free / rng.chisquare(free, draws))
    power = _inside(float(at[1]), wider * float(np.sqrt(spread[1, 1])), rng.random(draws))
    pull = spread[0, 1] / spread[1, 1]
    left = np.sqrt(max(spread[0, 0] - pull * spread[0, 1], 0.0))
    level = at[0] + pull * (power - at[1]) + wider * left * rng.standard_normal(draws)
    return Response("power", np.exp(level - power * centre), power)


def _inside(mean: float, deviation: FloatArray, uniform: FloatArray) -> FloatArray:
    """Return normal draws within (FLATTEST, 1], by the inverse of their distribution."""
    from scipy.special import ndtr, ndtri

    low, high = (ndtr((end - mean) / deviation) for end in (FLATTEST, 1.0))
    drawn = mean + deviation * ndtri(np.clip(low + uniform * (high - low), 1e-12, 1 - 1e-12))
    return np.asarray(np.clip(drawn, FLATTEST, 1.0))
