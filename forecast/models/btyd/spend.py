"""Order value that drifts with time or moves with frequency, and Gamma-Gamma on what is left.

A customer's j-th purchase is worth ``j^c exp(d t)`` times a Gamma-Gamma order, with t in years from
the cutoff, so log(j) = log(1 + frequency so far). Both coefficients are seen within customers: that
those who buy more often spend more, or that others buy now, is no drift. They are shrunk towards
none and used only where they would have paid on a past stretch.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR
from forecast.ledger import Ledger
from forecast.models.btyd.history import Floats, Integers
from forecast.processes import GammaGamma
from forecast.views import customer_summary

__all__ = ["SPENDS", "OrderDrift", "Orders"]

SPENDS = ("gamma_gamma", "gamma_gamma_all", "drift")
PRIOR_SD = 0.2  # of each coefficient: 20 % a year, or 15 % at the second purchase
FARTHEST = 1.0  # years: no drift is carried on beyond
LONGEST_TEST, SHORTEST_TEST = 182, 28  # days of the past stretch
FEWEST = 30  # customers with an order in it
SURE = 2.0  # standard errors


@dataclass(frozen=True)
class Orders:
    """Purchases of a value above 0.

    Attributes
    ----------
    owner : array of int, shape (orders,)
        Position of the customer.
    value : array
        In the ledger's currency.
    years : array
        Since the cutoff: 0 or below for what was seen.
    place : array
        Which purchase of the customer it is, from 1 on.
    frequency : array, shape (customers,)
        Repeat purchases by the cutoff.
    """

    owner: Integers
    value: Floats
    years: Floats
    place: Floats
    frequency: Floats

    @classmethod
    def of(cls, ledger: Ledger, summary: pd.DataFrame) -> Self:
        """Read the orders of the customers of a summary."""
        rows = ledger.purchases()
        days = (rows["date"].to_numpy("datetime64[D]") - np.datetime64(ledger.cutoff)).astype(float)
        owner = summary.index.get_indexer(pd.Index(rows["customer_id"]))
        paid = (rows["value"].to_numpy(float) > 0) & (owner >= 0)
        value = rows["value"].to_numpy(float)[paid]
        place = rows.groupby("customer_id").cumcount().to_numpy().astype(float)[paid] + 1.0
        frequency = summary["frequency"].to_numpy(float)
        years = days[paid] / DAYS_PER_YEAR
        return cls(owner[paid], value, years, place, frequency)


@dataclass(frozen=True)
class OrderDrift:
    """A pooled log-linear drift of order value.

    Attributes
    ----------
    by_year : float
        Log change of the value of an order a year; 0.05 is some 5 % a year.
    by_frequency : float
        Log change for each unit of log(1 + purchases before).
    by_year_sd : float
        Standard deviation of ``by_year``.
    note : str
        What past orders said.
    """

    by_year: float = 0.0
    by_frequency: float = 0.0
    by_year_sd: float = 0.0
    note: str = ""

    @classmethod
    def learn(cls, ledger: Ledger, summary: pd.DataFrame) -> "OrderDrift":
        """Estimate both coefficients and keep those that past orders say are of use.

        The orders of the last third of the log (at most half a year) are predicted from those
        before with neither, either and both. The best by gamma deviance is kept if it gains more
        than two standard errors over none: a drift that is carried on must be sure.
        """
        used, note = _worth_using(ledger)
        return replace(_estimated(Orders.of(ledger, summary), used), note=note)

    def worth(self, frequency: Floats) -> Floats:
        """Return the factor of the next purchase after so many repeat purchases."""
        return np.asarray((2.0 + frequency) ** self.by_frequency)

    def rescaled(self, orders: Orders) -> tuple[Floats, Floats, Floats]:
        """Return each customer's orders, their mean without drift, and the next one's factor."""
        size = orders.frequency.size
        number = np.bincount(orders.owner, minlength=size).astype(float)
        drifted = np.exp(self.by_year * orders.years) * orders.place**self.by_frequency
        total = np.bincount(orders.owner, orders.value / drifted, minlength=size)
        return number, total / np.maximum(number, 1.0), self.worth(orders.frequency)

    def ahead(self, days: int) -> float:
        """Return the factor on order value in the middle of a horizon of that many days.

        A middle more than a year away is held at the cutoff's level: 1.
        """
        middle = days / 2 / DAYS_PER_YEAR
        return 1.0 if middle > FARTHEST else float(np.exp(self.by_year * middle))

    def ahead_drawn(self, days: int, draws: int, rng: np.random.Generator) -> Floats:
        """Return that factor with the coefficient drawn from its uncertainty, shape (draws,)."""
        middle = days / 2 / DAYS_PER_YEAR
        spread = self.by_year_sd * rng.standard_normal(draws)
        held = middle > FARTHEST
        return np.asarray(np.exp((self.by_year + spread) * middle * (not held)))

    def said(self, days: int) -> list[str]:
        """Say what was used, and where it was not carried on."""
        notes = [self.note]
        if self.by_year and days / 2 > FARTHEST * DAYS_PER_YEAR:
            notes.append(
                "The middle of the horizon lies more than a year ahead: order value is held at the "
                "cutoff's level."
            )
        return notes


def _estimated(orders: Orders, used: tuple[bool, bool]) -> OrderDrift:
    """Regress log value within customers, whole customers as clusters, with a normal prior."""
    size = orders.frequency.size
    seen = np.maximum(np.bincount(orders.owner, minlength=size), 1)

    def within(each: Floats) -> Floats:
        mean = np.bincount(orders.owner, each, minlength=size) / seen
        return np.asarray(each - mean[orders.owner])

    columns = [within(orders.years), within(np.log(orders.place))]
    which = [place for place in range(2) if used[place] and np.ptp(columns[place]) > 1e-9]
    if not which:
        return OrderDrift()
    x, y = np.stack([columns[place] for place in which], axis=1), within(np.log(orders.value))
    # a whisker of the prior keeps columns that move as one apart
    inverse = np.linalg.inv(x.T @ x + 1e-6 * np.eye(len(which)))
    slope = inverse @ (x.T @ y)
    miss = x * (y - x @ slope)[:, None]
    by_customer = np.stack([np.bincount(orders.owner, each, minlength=size) for each in miss.T])
    variance = inverse @ (by_customer @ by_customer.T) @ inverse
    kept = PRIOR_SD**2 * np.linalg.inv(variance + PRIOR_SD**2 * np.eye(len(which)))
    found, spread = np.zeros(2), np.zeros(2)
    found[which], spread[which] = kept @ slope, np.sqrt(np.maximum(np.diag(kept @ variance), 0.0))
    return OrderDrift(float(found[0]), float(found[1]), float(spread[0]))


def _worth_using(ledger: Ledger) -> tuple[tuple[bool, bool], str]:
    """Say which coefficients would have told the value of the last orders better."""
    days = min(LONGEST_TEST, (ledger.cutoff - ledger.first_day).days // 3)
    short = "Order value: too little history to test a drift, so none is used."
    if days < SHORTEST_TEST:
        return (False, False), short
    past = ledger.cut(ledger.cutoff - timedelta(days=days))
    summary = customer_summary(past)
    later, before = Orders.of(ledger, summary), Orders.of(past, summary)
    after = later.years + days / DAYS_PER_YEAR  # since the past cutoff
    held_out = after > 0
    who = later.owner[held_out]
    known = np.bincount(before.owner, minlength=len(summary)) > 0
    if np.unique(who[known[who]]).size < FEWEST:
        return (False, False), short
    choices = [(False, False), (True, False), (False, True), (True, True)]
    deviance = [
        _deviance(
            _estimated(before, used), before, who, later.value[held_out], after[held_out], known
        )
        for used in choices
    ]
    if not np.isfinite(deviance[0]).all():
        return (False, False), "Order value: its mean is infinite, so no drift is tested."
    gain = [deviance[0] - each for each in deviance]
    best = max(range(len(choices)), key=lambda each: gain[each].sum())
    error = float(np.sqrt((gain[best] ** 2).sum()))
    if not gain[best].sum() > SURE * error:
        return (False, False), "Order value: neither time nor frequency told past orders better."
    names = [name for name, use in zip(("time", "frequency"), choices[best], strict=True) if use]
    share = gain[best].sum() / max(1, int(known[who].sum()))
    return choices[best], (
        f"Order value moves with {' and '.join(names)}: on the last {days} days the deviance of "
        f"an order was {share:.4f} lower."
    )


def _deviance(
    drift: OrderDrift,
    before: Orders,
    who: Integers,
    value: Floats,
    after: Floats,
    known: "np.ndarray[Any, np.dtype[np.bool_]]",
) -> Floats:
    """Return each customer's gamma deviance of later orders, up to a constant.

    Infinite where the model has no mean to tell.
    """
    number, mean, worth = drift.rescaled(before)
    paid = number > 0
    spend = GammaGamma.fit(number[paid], mean[paid]).process
    expected = spend.expected_order_value(number, mean) * worth
    told = expected[who] * np.exp(drift.by_year * after)
    each = np.where(known[who], 2.0 * (value / told + np.log(told)), 0.0)
    each = np.nan_to_num(each, nan=np.inf)
    return np.bincount(who, each, minlength=number.size).astype(float)
