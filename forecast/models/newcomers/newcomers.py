"""Customers who are still to come: acquisition times what a new customer goes on to buy."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Window
from forecast.ledger import Ledger
from forecast.models.cohorts.age_curve import AgeCurve
from forecast.models.newcomers.acquisition import Acquisition
from forecast.views import customer_summary

__all__ = ["Newcomers", "RepeatCurve"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

CREDIBILITY = 50.0  # repeat purchases that weigh as much as the pooled curve
RECENT = 365  # days: who came within them sets the level, over a whole year's season
FEWEST = 30  # customers after the burn-in, below which all are used


class RepeatCurve(Protocol):
    """What a customer buys after the first purchase, by age; a model may bring its own."""

    def upto(self, age: FloatArray) -> FloatArray:
        """Return expected repeat purchases up to each age in days."""
        ...

    def value_upto(self, age: FloatArray) -> FloatArray:
        """Return their expected value; never asked where there are no amounts."""
        ...


@dataclass(frozen=True)
class Newcomers:
    """New customers a day, what the first purchase is worth, and the curve that follows.

    A newcomer's purchases inside a window are the first one, on the day of acquisition, and those
    that the curve expects up to the end of the window. The curve is pooled over the customers
    first seen after the burn-in; those of the last year set its level, with credibility
    ``usual / (usual + 50)`` in repeat purchases (Bühlmann & Gisler 2005, ch. 2).

    Attributes
    ----------
    acquisition : Acquisition
    curve : RepeatCurve
    level, order_level : float
        Recent newcomers' repeat purchases, and value per repeat purchase, against the curve's.
    first_value : float or None
        Value of a first purchase in the last year, in the ledger's currency; None without amounts.
    level_variance : float
        Of a future cohort's level around 1: that of the estimate, and that between past months'.
    dispersion, value_dispersion : float
        Variance over mean, customers taken whole: of repeat purchases; of value around what the
        purchases are worth on average, in values of a purchase.
    purchases_seen : int
        Behind the average value of a purchase.
    notes : tuple of str
    """

    acquisition: Acquisition
    curve: RepeatCurve
    level: float
    order_level: float
    first_value: float | None
    level_variance: float
    dispersion: float
    value_dispersion: float
    purchases_seen: int
    notes: tuple[str, ...]

    @classmethod
    def learn(
        cls, ledger: Ledger, *, curve: RepeatCurve | None = None, method: str = "local_level"
    ) -> "Newcomers":
        """Learn acquisition and curve from a ledger.

        Parameters
        ----------
        ledger : Ledger
        curve : RepeatCurve, optional
            A model's own expectation of a new customer, taken at its own level; by default the
            pooled curve by age.
        method : str
            Of the series of new customers.

        Raises
        ------
        TooLittleDataError
            If the log has fewer than eight full weeks, or too few customers for a curve.
        """
        acquisition = Acquisition.learn(ledger, method=method)
        people, notes = _People.of(ledger), [_said(acquisition)]
        later = people.first >= np.datetime64(ledger.first_day, "D") + np.timedelta64(
            acquisition.burn_in, "D"
        )
        if later.sum() >= FEWEST:
            people = people.only(later)
        else:
            notes.append(f"Fewer than {FEWEST} came since: they are taken to buy like all before.")
        found = people.curve() if curve is None else curve
        usual, recent = found.upto(people.age), people.age < RECENT
        seen, level, order_level = people.repeats, 1.0, 1.0
        if curve is None:
            level = _shrunk(seen[recent].sum(), usual[recent].sum())
        first_value, value_dispersion = None, 0.0
        if people.first_value is not None and people.repeat_value is not None:
            lately = recent if recent.any() else np.ones_like(recent)
            first_value = float(people.first_value[lately].mean())
            if curve is None and seen.any():
                worth = found.value_upto(people.age)
                per_order = worth.sum() / usual.sum() or 1.0
                expected = worth[recent].sum() * seen[recent].sum() / max(usual[recent].sum(), 1e-9)
                spent = people.repeat_value[recent].sum()
                order_level = _shrunk(spent / per_order, expected / per_order)
            value_dispersion = _dispersion(people.first_value + people.repeat_value, 1 + seen)
        return cls(
            acquisition=acquisition,
            curve=found,
            level=level,
            order_level=order_level,
            first_value=first_value,
            level_variance=_level_variance(seen, usual, people.first),
            dispersion=max(1.0, _dispersion(seen, usual)),
            value_dispersion=value_dispersion,
            purchases_seen=int((1 + seen).sum()),
            notes=tuple(notes),
        )

    def kernels(self, windows: list[Window]) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return what one new customer a day in each week brings to each period.

        Returns
        -------
        first, repeat, value : array of float, shape (weeks, periods)
            First purchases, repeat purchases, and the value of the repeat purchases.
        """
        start = windows[0].start
        edges = np.array([(each.start - start).days for each in windows] + [
            (windows[-1].end - start).days
        ])  # fmt: skip
        weeks = self.acquisition.steps(Window(start, windows[-1].end))
        opening = np.array([(week.start - start).days for week in weeks])
        ages = np.arange(edges[-1], dtype=float)  # bought on the last day: age 0
        # of the age at the end of the day before each edge, by day of acquisition
        place = np.maximum(edges[None, :] - 1 - np.arange(edges[-1])[:, None], 0)

        def by_week(curve: FloatArray) -> FloatArray:
            by_day = np.diff(curve[place], axis=1)
            return np.asarray(np.add.reduceat(by_day, opening, axis=0), dtype=float)

        arrived = np.minimum(edges[None, :], np.append(opening[1:], edges[-1])[:, None])
        first = np.diff(np.maximum(arrived - opening[:, None], 0), axis=1).astype(float)
        repeat = by_week(self.level * self.curve.upto(ages))
        if self.first_value is None:
            return first, repeat, None
        return first, repeat, by_week(self.level * self.order_level * self.curve.value_upto(ages))

    def expect(self, windows: list[Window]) -> tuple[FloatArray, FloatArray | None]:
        """Return expected purchases and value by period.

        Parameters
        ----------
        windows : list of Window
            Periods that follow each other, the first one after the cutoff.
        """
        first, repeat, value = self.kernels(windows)
        rate = self.acquisition.expect(len(first))
        if value is None or self.first_value is None:
            return rate @ (first + repeat), None
        return rate @ (first + repeat), rate @ (first * self.first_value + value)


@dataclass(frozen=True)
class _People:
    """Customers by their first day, and what they bought after it."""

    first: npt.NDArray[np.datetime64]
    age: FloatArray
    repeats: FloatArray
    first_value: FloatArray | None
    repeat_value: FloatArray | None
    owner: npt.NDArray[np.int64]
    bought: FloatArray
    value: FloatArray | None

    @classmethod
    def of(cls, ledger: Ledger) -> "_People":
        summary, rows = customer_summary(ledger), ledger.purchases()
        first = summary["first_purchase"].to_numpy("datetime64[D]")
        owner = summary.index.get_indexer(pd.Index(rows["customer_id"]))
        bought = (rows["date"].to_numpy("datetime64[D]") - first[owner]).astype(float)
        again = bought > 0
        value = rows["value"].to_numpy(float)[again] if ledger.has_value else None
        opening = summary["first_value"].to_numpy(float)
        return cls(
            first=first,
            age=summary["T"].to_numpy(float),
            repeats=summary["frequency"].to_numpy(float),
            first_value=opening if ledger.has_value else None,
            repeat_value=summary["total_value"].to_numpy(float) - opening
            if ledger.has_value
            else None,
            owner=owner[again],
            bought=bought[again],
            value=value,
        )

    def only(self, which: BoolArray) -> "_People":
        rows, number = which[self.owner], np.cumsum(which) - 1
        return _People(
            first=self.first[which],
            age=self.age[which],
            repeats=self.repeats[which],
            first_value=None if self.first_value is None else self.first_value[which],
            repeat_value=None if self.repeat_value is None else self.repeat_value[which],
            owner=number[self.owner[rows]],
            bought=self.bought[rows],
            value=None if self.value is None else self.value[rows],
        )

    def curve(self) -> AgeCurve:
        return AgeCurve.learn(self.age, self.bought, self.value)


def _said(acquisition: Acquisition) -> str:
    if acquisition.series is None:
        return f"No customer was new after the log's first {acquisition.burn_in} days."
    without = f", without the log's first {acquisition.burn_in} days" if acquisition.burn_in else ""
    return f"New customers: a series by week{without}, times a curve by customer age."


def _shrunk(seen: float, usual: float) -> float:
    return float((seen + CREDIBILITY) / (usual + CREDIBILITY))


def _dispersion(seen: FloatArray, usual: FloatArray) -> float:
    """Return variance over mean of customers around their expectation, in its own unit."""
    ratio = seen.sum() / usual.sum() if usual.sum() > 0 else 0.0
    if ratio == 0:
        return 0.0
    return float(((seen - ratio * usual) ** 2).sum() / (ratio**2 * usual.sum()))


def _level_variance(
    seen: FloatArray, usual: FloatArray, first: npt.NDArray[np.datetime64]
) -> float:
    """Return the variance between monthly cohorts' levels, and of the pooled level itself.

    Moments as in Bühlmann & Gisler (2005, 4.8): squared distances of the cohorts' levels from 1,
    weighted by what is usual, less what customers' own spread brings about.
    """
    if not (seen.any() and usual.any()):
        return 0.0
    usual = usual * (seen.sum() / usual.sum())
    month = np.unique(first.astype("datetime64[M]"), return_inverse=True)[1]
    missed = np.bincount(month, seen - usual)
    expected = np.bincount(month, usual)
    by_chance = np.bincount(month, (seen - usual) ** 2)
    weight = np.where(expected > 0, expected, np.inf)
    between = ((missed**2 - by_chance) / weight).sum() / expected.sum()
    return float(min(1.0, max(0.0, between) + ((seen - usual) ** 2).sum() / usual.sum() ** 2))
