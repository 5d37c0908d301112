"""The cohort method: a pooled curve of purchases by age, and how far each cohort lies above it.

Every customer of a cohort gets the cohort's mean. The model cannot tell good customers from bad
ones and does not try; it is meant for totals and for cohorts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.age_curve import AgeCurve
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.inner_window import inner_window
from forecast.models.spread import Shares
from forecast.views import customer_summary

__all__ = ["CohortCurve", "Cohorts"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ROUNDS = 10


@dataclass(frozen=True)
class Cohorts:
    """Customers by cohort, the curve they share and each cohort's level on it.

    Attributes
    ----------
    cutoff : date
    index : pandas.Index
        Customers.
    code : array of int, shape (customers,)
        Cohort of each customer.
    age : array of float, shape (customers,)
        Days from the first purchase to the cutoff.
    curve : AgeCurve
    level, value_level : array of float, shape (cohorts,)
        Factors on the curve's purchases and on its value.
    """

    cutoff: date
    index: pd.Index
    code: IntArray
    age: FloatArray
    curve: AgeCurve
    level: FloatArray
    value_level: FloatArray

    @classmethod
    def learn(cls, ledger: Ledger, every: Horizon, credibility: float) -> "Cohorts":
        """Fit the curve to all customers and the levels to each cohort."""
        summary = customer_summary(ledger)
        first = summary["first_purchase"].to_numpy("datetime64[D]")
        code = np.unique(_calendar_period(first, every), return_inverse=True)[1]
        age = (np.datetime64(ledger.cutoff) - first).astype(float)
        purchases = ledger.purchases()
        who = summary.index.get_indexer(pd.Index(purchases["customer_id"]))
        bought = (purchases["date"].to_numpy("datetime64[D]") - first[who]).astype(float)
        again = bought > 0
        who, bought = who[again], bought[again]
        value = purchases["value"].to_numpy(float)[again] if ledger.has_value else None
        size = int(code.max()) + 1

        def by_cohort(of: IntArray, weight: FloatArray | None = None) -> FloatArray:
            return np.bincount(of, weight, minlength=size).astype(float)

        seen = by_cohort(code[who])
        spent = None if value is None else by_cohort(code[who], value)
        level, order_level, members = np.ones(size), np.ones(size), np.bincount(code)
        # the curve is pooled at the cohorts' levels, so that the one cohort that has reached an
        # age does not set the level of all; the two are found in turn, with mean level 1
        for _ in range(_ROUNDS):
            value_level = level * order_level
            curve = AgeCurve.learn(
                age, bought, value, level=level[code], value_level=value_level[code]
            )
            usual = by_cohort(code, curve.upto(age))
            level = _shrunk(seen, usual, credibility)
            level /= np.average(level, weights=members)
            if spent is not None and seen.any():
                # the cohort's value in purchases of the curve's value, against its purchases
                usual_value = by_cohort(code, curve.value_upto(age))
                per_order = np.divide(usual_value, usual, out=np.zeros(size), where=usual > 0)
                worth = np.divide(spent, per_order, out=seen.copy(), where=per_order > 0)
                order_level = _shrunk(worth, seen, credibility)
                order_level /= np.average(order_level, weights=seen)
        return cls(ledger.cutoff, summary.index, code, age, curve, level, level * order_level)

    def expect(self, windows: list[Window]) -> tuple[FloatArray, FloatArray | None]:
        """Return expected purchases by cohort and period, and expected value by cohort.

        Returns
        -------
        purchases : array of float, shape (cohorts, periods)
        value : array of float, shape (cohorts,), or None
        """
        days = [(window.start - self.cutoff).days - 1 for window in windows]
        days.append((windows[-1].end - self.cutoff).days - 1)
        # customers of one cohort and age are alike: count them instead of looping over them
        ages, place = np.unique(self.age, return_inverse=True)
        shape = (len(self.level), len(ages))
        alike = np.bincount(self.code * len(ages) + place, minlength=shape[0] * shape[1])
        number = alike.reshape(shape).astype(float)
        later = ages[:, None] + np.array(days, dtype=float)
        purchases = number @ np.diff(self.curve.upto(later), axis=1) * self.level[:, None]
        if self.curve.value is None:
            return purchases, None
        grown = np.diff(self.curve.value_upto(later[:, [0, -1]]), axis=1)[:, 0]
        return purchases, number @ grown * self.value_level

    def mean(self, by_cohort: FloatArray) -> FloatArray:
        """Return each customer's share of his cohort's total: its mean."""
        size = np.bincount(self.code)
        return np.asarray((by_cohort / size)[self.code])


@dataclass
class CohortCurve:
    """Cohorts follow a pooled curve by age, each at its own level.

    The curve holds purchases and value per customer and day by age, in bins of 30 days from the
    first purchase, pooled over all cohorts at their levels: a chain ladder in its Poisson form
    (Mack 1991), with exposure in days. A cohort's level is ``(seen + K) / (usual + K)``, its
    repeat purchases against those of the curve up to the same ages; that is its own ratio with
    credibility ``usual / (usual + K)`` (Bühlmann & Gisler 2005, ch. 2; the posterior mean under a
    Gamma prior of mean 1 and shape K). Its value per purchase is shrunk to the curve's likewise.
    Levels have mean 1 over the customers, levels of value per purchase over the purchases. Beyond
    the oldest age observed the curve falls geometrically. A customer's distribution is what
    customers with a similar expectation went on to do in a past window.

    Parameters
    ----------
    every : str
        Calendar period whose new customers form a cohort: ``"1M"``, ``"3M"``, ``"1W"``, ``"1Y"``.
    credibility : float
        K above: as many repeat purchases as weigh as much as the pooled curve.
    """

    every: str = "1M"
    credibility: float = 50.0
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    cohorts_: Cohorts | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Learn the curve and the cohorts' levels.

        Raises
        ------
        TooLittleDataError
            If fewer than 900 customer-days were lived within 30 days of a first purchase.
        """
        self.cohorts_ = self._learn(ledger)
        self.ledger_ = ledger
        return self

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Raises
        ------
        TooLittleDataError
            If no past window is left to learn the distribution from.
        """
        check_request(self, population, scenario, populations=("existing",), draws=draws, seed=seed)
        if self.ledger_ is None or self.cohorts_ is None:
            raise NotFittedError(self)
        cohorts, asked = self.cohorts_, Horizon.parse(horizon)
        window, windows = asked.window(cohorts.cutoff), asked.periods(cohorts.cutoff, every)
        by_period, by_value = cohorts.expect(windows)
        total = by_period.sum(axis=1)
        purchases = cohorts.mean(total)
        # no purchases, no value: a cohort without expected purchases has nothing to spend on
        value = None if by_value is None else cohorts.mean(np.where(total > 0, by_value, 0.0))
        even = np.broadcast_to(Shares.by_days(windows, 0).table, by_period.shape).copy()
        np.divide(by_period, total[:, None], out=even, where=total[:, None] > 0)
        analogues, notes = self._analogues(self.ledger_, window)
        shares = Shares(even, cohorts.code)
        oldest = cohorts.curve.oldest
        if cohorts.age.max() + window.days > oldest:
            notes = (f"Beyond an age of {oldest} days the curve is a geometric tail.", *notes)
        return forecast_existing(
            self,
            cutoff=cohorts.cutoff,
            horizon=asked,
            windows=windows,
            customers=customer_table(
                cohorts.index, analogues.p_active(purchases, purchases), purchases, value
            ),
            shares=shares,
            sampler=AnalogueDraws(analogues, purchases, value, shares, draws, seed)
            if draws
            else None,
            notes=("Every customer of a cohort has the cohort's mean.", *notes),
        )

    def _learn(self, ledger: Ledger) -> Cohorts:
        every = Horizon.parse(self.every, "every")
        if every.until is not None:
            raise UsageError(f"every: {self.every!r} is a date; write every='1M'.")
        if not self.credibility >= 0:
            raise UsageError(f"credibility: {self.credibility} must be a number >= 0.")
        return Cohorts.learn(ledger, every, self.credibility)

    def _analogues(self, ledger: Ledger, window: Window) -> tuple[Analogues, tuple[str, ...]]:
        """Forecast a past window and keep what came of it."""
        inner = inner_window(ledger, window)
        past = self._learn(inner.past)
        windows = Horizon(inner.days, "D").periods(past.cutoff, f"{inner.days}D")
        score = past.mean(past.expect(windows)[0].sum(axis=1)) * inner.stretch
        value = inner.outcome["value"].to_numpy(float) if ledger.has_value else None
        outcome = inner.outcome["purchases"].to_numpy(float)
        return Analogues.learn(score, outcome, value), inner.notes


def _calendar_period(day: npt.NDArray[np.datetime64], every: Horizon) -> IntArray:
    """Return the number of the calendar period of each day; weeks start on Monday."""
    if every.unit in "DW":
        number = day.astype(np.int64) + 3  # 1970-01-01 was a Thursday
        return number // (every.count * (7 if every.unit == "W" else 1))
    unit = "datetime64[M]" if every.unit == "M" else "datetime64[Y]"
    return np.asarray(day.astype(unit).astype(np.int64) // every.count)


def _shrunk(seen: FloatArray, usual: FloatArray, credibility: float) -> FloatArray:
    """Return (seen + K) / (usual + K), and 1 where nothing is known."""
    out = np.ones_like(usual)
    np.divide(seen + credibility, usual + credibility, out=out, where=usual + credibility > 0)
    return out
