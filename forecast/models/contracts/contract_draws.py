"""Futures of contracts: renewed or not at each due day, and what the renewals are worth."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.forecaster import Draws, Split
from forecast.models.contracts.payments import Payments
from forecast.models.contracts.standing import Standing, first_renewal
from forecast.models.spread import block_rows
from forecast.processes import ShiftedBetaGeometric

__all__ = ["ContractDraws"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ContractDraws:
    """Draws of renewals and their value; draw d uses one parameter draw for all customers.

    Attributes
    ----------
    standing : Standing
    alpha, beta : array of float, shape (groups, draws)
    payments : Payments or None
        None without amounts.
    periods, draws, seed : int
    """

    standing: Standing
    alpha: FloatArray
    beta: FloatArray
    payments: Payments | None
    periods: int
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the customers' futures block by block, the same ones each time."""
        for number, rows in enumerate(block_rows(self.standing.times.astype(float), self.draws)):
            yield self._block(number, rows)

    def _block(self, number: int, rows: slice) -> Draws:
        people = self.standing
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, number]))
        times, made = people.times[rows], people.renewals[rows]
        alpha, beta = (each[people.group[rows]] for each in (self.alpha, self.beta))
        beta = beta + made[:, None]
        chance = first_renewal(alpha, beta, people.paid_by_now[rows, None])
        renews = (rng.random(chance.shape) < chance) & (times[:, None] > 0)
        who, draw = np.nonzero(renews)
        purchases = np.zeros(chance.shape, dtype=np.int64)
        # whoever renews once is known to have done so when the later due days come
        later = ShiftedBetaGeometric(alpha[who, draw], beta[who, draw]) if len(who) else None
        if later is not None:
            purchases[who, draw] = 1 + later.simulate(times[who] - 1, 1, rng=rng)
        value = None
        if self.payments is not None:
            value = np.zeros(chance.shape)
            worth = self.payments.simulate(rows.start + who, purchases[who, draw], rng)
            value[who, draw] = worth

        def split() -> Split:
            return self._split(rows, who * self.draws + draw, purchases, value)

        return Draws(rows, purchases, value, split)

    def _split(
        self, rows: slice, active: IntArray, purchases: IntArray, value: FloatArray | None
    ) -> Split:
        """Put each renewal in the period of its due day, and share out the value evenly."""
        count = purchases.reshape(-1)
        cell = np.repeat(active, count[active])
        step = np.arange(len(cell)) - np.repeat(np.cumsum(count[active]) - count[active],
                                                count[active])  # fmt: skip
        period = self.standing.due[rows][cell // self.draws, step].astype(np.int64)
        keys, number = np.unique(cell * self.periods + period, return_counts=True)
        cells, period = np.divmod(keys, self.periods)
        worth = None
        if value is not None:
            worth = value.reshape(-1)[cells] * number / count[cells]
        return Split(cells, period, number, worth)
