"""The distribution behind a BTYD forecast: customers' histories and simulated futures."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.forecaster import Draws, Split

__all__ = ["BTYDSampler", "History"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
CELLS = 1_000_000  # customers x draws, or drawn purchases, at a time: bounds memory


@dataclass(frozen=True)
class History:
    """What the models know of each customer; times in the fit's unit.

    Attributes
    ----------
    customers : pandas.Index
        Ids, sorted.
    frequency, recency, age : array, shape (customers,)
        Repeat purchases, age at the last one, age at the cutoff.
    orders, mean_order : array, shape (customers,)
        Purchases of a value above 0 that the spend model counts, and their mean value.
    distinct : tuple of arrays
        Frequency, recency and age of the distinct histories.
    code : array of int, shape (customers,)
        Which distinct history a customer has.
    """

    customers: pd.Index
    frequency: Floats
    recency: Floats
    age: Floats
    orders: Floats
    mean_order: Floats
    distinct: tuple[Floats, Floats, Floats]
    code: Integers

    @classmethod
    def of(cls, summary: pd.DataFrame, recency: Floats, age: Floats, *, repeat_only: bool) -> Self:
        """Take the histories from a customer summary and times in the fit's unit."""
        frequency = summary["frequency"].to_numpy(float)
        key, levels = np.zeros(len(summary), dtype=np.int64), list[Floats]()
        for column in (frequency, recency, age):
            values, place = np.unique(column, return_inverse=True)
            key = key * values.size + place.reshape(-1)
            levels.append(values)
        found, code = np.unique(key, return_inverse=True)
        found, ages = np.divmod(found, levels[2].size)
        counts, lasts = np.divmod(found, levels[1].size)
        orders = summary["n_paid"].to_numpy(float)
        total = np.nan_to_num(summary["total_value"].to_numpy(float))
        if repeat_only:
            first = np.nan_to_num(summary["first_value"].to_numpy(float))
            orders, total = orders - (first > 0), total - first
        x, tx, T = levels[0][counts], levels[1][lasts], levels[2][ages]
        return cls(
            customers=summary.index,
            frequency=frequency,
            recency=recency,
            age=age,
            orders=orders,
            mean_order=total / np.maximum(orders, 1.0),
            distinct=(x, tx, T),
            code=code.reshape(-1),
        )

    def __getitem__(self, rows: slice) -> Self:
        return replace(
            self,
            customers=self.customers[rows],
            frequency=self.frequency[rows],
            recency=self.recency[rows],
            age=self.age[rows],
            orders=self.orders[rows],
            mean_order=self.mean_order[rows],
            code=self.code[rows],
        )


@dataclass(frozen=True)
class BTYDSampler:
    """Replays simulated futures, a block of customers at a time, each block with its own seed.

    Attributes
    ----------
    history : History
        The customers.
    edges : array, shape (draws, periods)
        Ends of the periods, as time since the cutoff, by each draw's clock.
    process, spend : processes
        Their parameters are arrays of shape (draws,): one posterior draw a simulated future.
    zero_share : float
        Probability that a purchase has value 0.
    load : array, shape (customers,)
        Expected purchases: how heavy each customer's futures are.
    """

    history: History
    edges: Floats
    process: Any
    spend: Any
    zero_share: float
    load: Floats
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield all customers, in order."""
        for number, rows in enumerate(self._rows()):
            yield self._block(number, rows)

    def _rows(self) -> Iterator[slice]:
        """Cut the customers into blocks of bounded cells and bounded expected purchases."""
        weight = np.cumsum(1.0 + np.nan_to_num(self.load)) * self.draws
        start, count = 0, weight.size
        while start < count:
            before = weight[start - 1] if start else 0.0
            stop = max(start + 1, int(np.searchsorted(weight, before + CELLS, side="right")))
            yield slice(start, stop)
            start = stop

    def _block(self, number: int, rows: slice) -> Draws:
        people = self.history[rows]
        rng = np.random.default_rng([self.seed, number, 0])
        future = self.process.simulate(
            self.edges[:, -1],
            people.frequency[:, None],
            people.recency[:, None],
            people.age[:, None],
            rng=rng,
        )
        shape = (len(people.customers), self.draws)
        purchases = np.zeros(shape, dtype=np.int64)
        purchases.reshape(-1)[future.cell] = future.count
        value = None
        if self.spend is not None:
            value = np.zeros(shape)
            value.reshape(-1)[future.cell] = self._spent(people, future, rng)
        rows = slice(rows.start, rows.start + shape[0])
        split = partial(self._split, future, value, number)
        return Draws(rows=rows, purchases=purchases, value=value, split=split)

    def _spent(self, people: History, future: Any, rng: np.random.Generator) -> Floats:
        """Total value of each cell's purchases: gamma orders at the customer's own scale."""
        who, draw = np.divmod(future.cell, self.draws)
        spend = type(self.spend)(self.spend.p[draw], self.spend.q[draw], self.spend.v[draw])
        scale = spend.simulate_scale(people.orders[who], people.mean_order[who], rng=rng)
        paid = future.count
        if self.zero_share > 0:
            paid = rng.binomial(paid, 1.0 - self.zero_share)
        return np.where(paid > 0, rng.standard_gamma(spend.p * np.maximum(paid, 1)) / scale, 0.0)

    def _split(self, future: Any, value: Floats | None, number: int) -> Split:
        """Put each purchase in its period, and a cell's value on its purchases at random."""
        rng = np.random.default_rng([self.seed, number, 1])
        event, time = future.times(rng)
        periods = self.edges.shape[1]
        # one search over all draws: each draw's edges are moved to a stretch of their own
        apart = 2.0 * self.edges.max() * np.arange(self.draws)
        stretched = (self.edges + apart[:, None]).ravel()
        draw = future.cell[event] % self.draws
        period = np.searchsorted(stretched, time + apart[draw]) - draw * periods
        period = np.clip(period, 0, periods - 1)
        place, count = np.unique(event * periods + period, return_counts=True)
        active, period = np.divmod(place, periods)
        cell = future.cell[active]
        spent = None
        if value is not None:
            draw = cell % self.draws
            weight = rng.standard_gamma(self.spend.p[draw] * count)
            whole = np.bincount(active, weight, minlength=future.cell.size)
            spent = value.reshape(-1)[cell] * weight / whole[active]
        return Split(cell=cell, period=period, purchases=count, value=spent)
