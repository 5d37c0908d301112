"""Simulated totals of customers who are still to come, and of all customers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.calendar import Window
from forecast.forecaster import Draws, Split
from forecast.models.newcomers.newcomers import Newcomers

__all__ = ["TotalDraws", "draw_newcomers"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TotalDraws:
    """Draws of totals by period, already made: one block with one row.

    Attributes
    ----------
    purchases : array of int, shape (draws, periods)
    value : array of float of the same shape, or None
        0 where there is no purchase.
    seed : int
    """

    purchases: IntArray
    value: FloatArray | None
    seed: int

    @property
    def draws(self) -> int:
        """Number of simulated futures."""
        return len(self.purchases)

    def blocks(self) -> Iterator[Draws]:
        """Yield the one block."""
        draw, period = np.nonzero(self.purchases)
        amounts = None if self.value is None else self.value[draw, period]
        split = Split(draw, period, self.purchases[draw, period], amounts)
        total = None if self.value is None else self.value.sum(axis=1)[None, :]
        yield Draws(slice(0, 1), self.purchases.sum(axis=1)[None, :], total, lambda: split)


def draw_newcomers(
    newcomers: Newcomers, windows: list[Window], draws: int, seed: int
) -> tuple[IntArray, FloatArray | None]:
    """Simulate purchases and value of new customers by period; shape (draws, periods).

    A draw has one path of acquisition and one level of the cohorts to come, Gamma around 1. Given
    these, repeat purchases are negative binomial with the customers' own dispersion, and the mean
    value of a purchase is Gamma around its expectation, with a variance that falls with the number
    of purchases.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0, 1]))
    first, repeat, value = newcomers.kernels(windows)
    rate = newcomers.acquisition.draw(len(first), draws, rng)
    arrived = rate @ first
    came = np.floor(arrived + rng.random(arrived.shape)).astype(np.int64)
    usual = rate @ repeat
    level = _gamma(newcomers.level_variance, (draws, 1), rng)
    mean = usual * level
    whole = np.maximum(mean.sum(axis=1, keepdims=True), 1e-9)
    mean = mean * _gamma((newcomers.dispersion - 1) / whole, whole.shape, rng)
    again = rng.poisson(mean)
    counts = came + again
    if value is None or newcomers.first_value is None:
        return counts, None
    per_order = np.divide(rate @ value, usual, out=np.zeros_like(usual), where=usual > 0)
    number = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    spread = newcomers.value_dispersion * (1 / number + 1 / newcomers.purchases_seen)
    factor = _gamma(spread, number.shape, rng)
    return counts, (came * newcomers.first_value + again * per_order) * factor


def _gamma(
    variance: FloatArray | float, shape: tuple[int, ...], rng: np.random.Generator
) -> FloatArray:
    """Draw Gamma variables of mean 1; of variance 0 they are 1."""
    variance = np.broadcast_to(np.maximum(variance, 1e-12), shape)
    return rng.gamma(1 / variance) * variance
