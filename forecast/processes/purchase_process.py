"""What every process of purchases at any time is asked, whatever makes customers leave."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np

from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    Shape,
    check_positive,
    discount_rate,
    history,
    length,
    on_grid,
)
from forecast.processes.distinct import pairs
from forecast.processes.fitting import Fit
from forecast.processes.future import Future
from forecast.processes.histories import Histories, read_histories

__all__ = ["PurchaseProcess"]

# from here on, equal (frequency, T) are looked up rather than computed again
_MANY = 5_000


class PurchaseProcess(ABC):
    """A frozen dataclass of its parameters, which answers for a customer with a history.

    Times are in the unit the parameters were estimated in. Everything broadcasts: parameters of
    shape (draws,) against histories of shape (customers, 1) give (customers, draws). A history
    left out is that of a new customer, who has just made the first purchase.
    """

    # all purchases to come of a customer who is alive, by discount rate and what is ``_ahead``
    _mean_discounted: ClassVar[Callable[..., Floats]]

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
        return cls._estimate(read_histories(frequency, recency, T, weights), unit)

    @abstractmethod
    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return the probability of not having dropped out by T."""

    def dert(
        self, rate: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the discounted expected residual transactions: all purchases after T.

        Parameters
        ----------
        rate : array-like, positive
            Continuous discount rate per unit of time: ``log(1.1) / 52`` is 10 % a year in weeks.
        """
        rate = discount_rate(rate)
        return self._given_alive(self._mean_discounted, rate, frequency, recency, T)

    def simulate(
        self,
        t: Numbers,
        frequency: Numbers = 0,
        recency: Numbers = 0,
        T: Numbers = 0,
        *,
        rng: np.random.Generator,
        size: Shape | None = None,
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
        window, (x, tx, age) = length(t), history(frequency, recency, T)
        known = (window, x, tx, age, *self._parameters())
        shape = np.broadcast_shapes(*(each.shape for each in known), size or ())
        # numbers alone make a grid without an axis: one cell
        return replace(self._draw(rng, window, x, tx, age, shape or (1,)), shape=shape)

    def simulate_customers(
        self, T: Numbers, *, rng: np.random.Generator
    ) -> tuple[Integers, Floats]:
        """Return simulated (frequency, recency) of new customers observed for ``T``."""
        future = self.simulate(T, rng=rng)
        return future.purchases(), on_grid(future.shape, future.cell, future.last(rng))

    @classmethod
    @abstractmethod
    def _estimate(cls, histories: Histories, unit: str | None) -> Fit:
        """Maximise the likelihood."""

    @abstractmethod
    def _parameters(self) -> tuple[Floats, ...]:
        """All parameters that broadcast."""

    @abstractmethod
    def _ahead(self, x: Floats, age: Floats) -> tuple[Floats, ...]:
        """Parameters of purchase and dropout from now on, given alive."""

    @abstractmethod
    def _draw(
        self, rng: np.random.Generator, t: Floats, x: Floats, tx: Floats, age: Floats, shape: Shape
    ) -> Future:
        """Simulate the cells of a grid of one axis or more."""

    def _now(
        self, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> tuple[Floats, tuple[Floats, ...]]:
        """P(alive), and what is ``_ahead``."""
        x, tx, age = history(frequency, recency, T)
        return self.p_alive(x, tx, age), self._ahead(x, age)

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
        x, tx, age = history(frequency, recency, T)
        alive = self.p_alive(x, tx, age)
        if alive.size < _MANY or any(each.ndim for each in (first, *self._parameters())):
            return np.asarray(alive * mean(first, *self._ahead(x, age)))
        x, age, _ = (each.ravel() for each in np.broadcast_arrays(x, age, alive))
        some_x, some_age, place = pairs(x, age)
        some = mean(first, *self._ahead(some_x, some_age))
        return np.asarray(alive * some[place].reshape(alive.shape))
