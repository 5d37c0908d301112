"""Simulated totals of a series forecast: of everybody, or of groups that add up."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.forecaster import Draws, Split
from forecast.models.series.groups import in_order_of, reconciled
from forecast.models.series.line import Line

__all__ = ["LineDraws", "drawn_totals", "expected_lines"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LineDraws:
    """The one block of a series forecast: a row a group, or one row for the total.

    Attributes
    ----------
    total : Line
    groups : tuple of Line
        Empty where there is the total alone.
    reconcile : str
        How groups and total are made to add up.
    days : array of float, shape (steps, periods)
        Days each step shares with each period.
    events : array of float, shape (steps, events)
    draws, seed : int
    """

    total: Line
    groups: tuple[Line, ...]
    reconcile: str
    days: FloatArray
    events: FloatArray
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        """Yield the one block, the same each time."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, 0]))
        purchases, value = self.total.draw(self.days, self.events, self.draws, rng)
        if not self.groups:
            yield drawn_totals(purchases[None], None if value is None else value[None], rng)
            return
        drawn = [line.draw(self.days, self.events, self.draws, rng) for line in self.groups]
        parts = np.stack([each[0] for each in drawn])
        order = in_order_of(purchases.sum(axis=1), parts.sum(axis=(0, 2)))
        errors = self.errors()
        parts = reconciled(parts, purchases[order], errors[0], self.reconcile)
        worth: FloatArray | None = None
        if value is not None:
            worth = np.stack([each[1] for each in drawn if each[1] is not None])
            worth = reconciled(worth, value[order], errors[1], self.reconcile)
        yield drawn_totals(parts, worth, rng)

    def errors(self) -> FloatArray:
        """Return variances of each group's and of the total's error; shape (2, groups + 1)."""
        found = []
        for line in (*self.groups, self.total):
            purchases, value = line.expect(self.days, self.events)
            shares = line.errors()
            worth = 0.0 if value is None else value.sum()
            found.append([(purchases.sum() * shares[0]) ** 2, (worth * shares[1]) ** 2])
        return np.array(found).T


def expected_lines(sampler: LineDraws) -> tuple[FloatArray, FloatArray | None]:
    """Return expected purchases and value by group and period, reconciled as the draws are."""
    purchases, value = sampler.total.expect(sampler.days, sampler.events)
    if not sampler.groups:
        return purchases[None], None if value is None else value[None]
    parts = [line.expect(sampler.days, sampler.events) for line in sampler.groups]
    errors, method = sampler.errors(), sampler.reconcile
    first = reconciled(np.stack([part[0] for part in parts]), purchases, errors[0], method)
    if value is None:
        return first, None
    worth = np.stack([part[1] for part in parts if part[1] is not None])
    return first, reconciled(worth, value, errors[1], method)


def drawn_totals(
    purchases: FloatArray, value: FloatArray | None, rng: np.random.Generator
) -> Draws:
    """Make whole numbers of drawn purchases, up or down by chance, and of both a block.

    Parameters
    ----------
    purchases, value : array of float, shape (rows, draws, periods)
        A row's value is scaled with the rounding of its purchases, so none stays without.
    """
    rows, draws, _ = purchases.shape
    counts = np.floor(purchases + rng.random(purchases.shape)).astype(np.int64)
    worth: FloatArray | None = None
    if value is not None:
        per_order = np.divide(value, purchases, out=np.zeros_like(value), where=purchases > 0)
        worth = np.asarray(counts * per_order, dtype=np.float64)
    row, draw, period = np.nonzero(counts)
    split = Split(
        row * draws + draw,
        period,
        counts[row, draw, period],
        None if worth is None else worth[row, draw, period],
    )
    total = None if worth is None else worth.sum(axis=2)
    return Draws(slice(0, rows), counts.sum(axis=2), total, lambda: split)
