"""The distribution behind a BTYD forecast: customers' histories and simulated futures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from forecast.forecaster import Draws, Split
from forecast.models.btyd.history import Floats, History
from forecast.models.btyd.parameters import Parameters

__all__ = ["BTYDSampler"]

CELLS = 1_000_000  # customers x draws, or drawn purchases, at a time: bounds memory


@dataclass(frozen=True)
class BTYDSampler:
    """Replays simulated futures, a block of customers at a time, each block with its own seed.

    Attributes
    ----------
    history : History
        The customers.
    edges : array, shape (draws, periods)
        Ends of the periods, as time since the cutoff, by each draw's clock.
    process, spend : Parameters
        Posterior draws by segment, one a simulated future; ``spend`` is None without amounts.
    zero_share : float
        Probability that a purchase has value 0.
    load : array, shape (customers,)
        Expected purchases: how heavy each customer's futures are. Under levers those without
        them, so that blocks and seeds stay.
    worth : array, shape (draws,), or float
        Factor on the value of every purchase.
    """

    history: History
    edges: Floats
    process: Parameters
    spend: Parameters | None
    zero_share: float
    load: Floats
    draws: int
    seed: int
    worth: Floats | float = 1.0

    def blocks(self) -> Iterator[Draws]:
        """Yield all customers, in order."""
        for make in self.tasks():
            yield make()

    def tasks(self) -> Iterator[Callable[[], Draws]]:
        """Yield what makes each block, in order; blocks do not depend on each other."""
        for number, rows in enumerate(self._rows()):
            yield partial(self._block, number, rows)

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
        future = self.process.at(people.segment).simulate(
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
            value.reshape(-1)[future.cell] = self._spent(
                self.spend.at(people.segment), people, future, rng
            )
        rows = slice(rows.start, rows.start + shape[0])
        split = partial(self._split, future, value, number)
        return Draws(rows=rows, purchases=purchases, value=value, split=split)

    def _spent(self, spend: Any, people: History, future: Any, rng: np.random.Generator) -> Floats:
        """Total value of each cell's purchases: gamma orders at the customer's own scale."""
        who, draw = np.divmod(future.cell, self.draws)
        each = (
            every[draw] if every.ndim == 1 else every[who, draw] for every in vars(spend).values()
        )
        spend = type(spend)(*each)
        scale = spend.simulate_scale(people.orders[who], people.mean_order[who], rng=rng)
        paid = future.count
        if self.zero_share > 0:
            paid = rng.binomial(paid, 1.0 - self.zero_share)
        spent = np.where(paid > 0, rng.standard_gamma(spend.p * np.maximum(paid, 1)) / scale, 0.0)
        worth = self.worth[draw] if isinstance(self.worth, np.ndarray) else self.worth
        return np.asarray(spent * people.worth[who] * worth)

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
        if value is not None and self.spend is not None:
            shape = self.spend.values[0][0]  # p is that of all segments
            weight = rng.standard_gamma(shape[cell % self.draws] * count)
            whole = np.bincount(active, weight, minlength=future.cell.size)
            spent = value.reshape(-1)[cell] * weight / whole[active]
        return Split(cell=cell, period=period, purchases=count, value=spent)
