"""Customers by cohort: what each cohort did at each age, and what it will do in a window."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.models.cohorts.age_curve import (
    BIN_DAYS,
    bins_known,
    days_lived,
    falling_tail,
    level_tail,
)
from forecast.models.cohorts.ladder import Development, Ladder
from forecast.views import customer_summary, labelled

__all__ = ["Cohorts", "Developments"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_CUSTOMERS = 30


@dataclass(frozen=True)
class Developments:
    """Rates by age of purchases, of their value (None without amounts) and of retention."""

    purchases: Development
    orders: Development | None
    retention: Development


@dataclass(frozen=True)
class Cohorts:
    """Customers by cohort with the ladders of their development by age, in bins of 30 days.

    Attributes
    ----------
    cutoff : date
    index : pandas.Index
        Customers.
    labels : pandas.Index
        Cohorts.
    code : array of int, shape (customers,)
        Cohort of each customer.
    age : array of float, shape (customers,)
        Days from the first purchase to the cutoff.
    purchases : Ladder
        Repeat purchases of days lived.
    orders : Ladder or None
        Value of purchases; None without amounts.
    retention : Ladder
        Customers with a purchase at an age, of those who have lived it in full.
    """

    cutoff: date
    index: pd.Index
    labels: pd.Index
    code: IntArray
    age: FloatArray
    purchases: Ladder
    orders: Ladder | None
    retention: Ladder

    @classmethod
    def learn(
        cls,
        ledger: Ledger,
        every: Horizon,
        credibility: float,
        by: str | None = None,
        known: Developments | None = None,
    ) -> "Cohorts":
        """Fit the ladders, or put the cohorts on developments that are known.

        Parameters
        ----------
        every : Horizon
            Calendar period whose new customers form a cohort, unless ``by`` is given.
        credibility : float
            Events that weigh as much as the pool.
        by : str, optional
            Customer column whose values form the cohorts.
        known : Developments, optional
            Learned from another ledger.
        """
        summary = customer_summary(ledger)
        first = summary["first_purchase"].to_numpy("datetime64[D]")
        code, labels = pd.factorize(_labels(summary, every, by, ledger.customer_columns), sort=True)
        age = (np.datetime64(ledger.cutoff) - first).astype(float)
        rows = ledger.purchases()
        who = summary.index.get_indexer(pd.Index(rows["customer_id"]))
        bought = (rows["date"].to_numpy("datetime64[D]") - first[who]).astype(np.int64)
        again = bought > 0
        who, place = who[again], (bought[again] - 1) // BIN_DAYS
        groups, oldest = len(labels), int(age.max()) + 1
        bins = -(-oldest // BIN_DAYS)
        number = np.bincount(code * oldest + age.astype(np.int64), minlength=groups * oldest)
        lived = days_lived(number.reshape(groups, oldest).astype(float), bins)
        cell = code[who] * bins + place

        def cells(of: IntArray, weight: FloatArray | None = None) -> FloatArray:
            table = np.bincount(of, weight, minlength=groups * bins)
            return table.reshape(groups, bins).astype(float)

        seen, members = cells(cell), np.bincount(code, minlength=groups).astype(float)
        worth = None
        if ledger.has_value:
            worth = cells(cell, rows["value"].to_numpy(float)[again])
        # a customer counts at the ages he has lived in full, active once however often he bought
        whole = (age[who] // BIN_DAYS).astype(np.int64) > place
        person, at = np.divmod(np.unique(who[whole] * bins + place[whole]), bins)
        full = (age // BIN_DAYS).astype(np.int64)
        ended = np.bincount(code * (bins + 1) + full, minlength=groups * (bins + 1))
        lasted = ended.reshape(groups, bins + 1)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        stayed, at_risk = cells(code[person] * bins + at), lasted.astype(float)
        orders: Ladder | None = None
        if known is None:
            of_age = bins_known(lived.sum(axis=0), len(age))
            enough = int((at_risk.sum(axis=0) >= FEWEST_CUSTOMERS).sum())  # never more with age
            purchases = Ladder.fit(
                seen, lived, weight=members, credibility=credibility, pooled=of_age,
                extend=falling_tail,
            )  # fmt: skip
            if worth is not None:
                orders = Ladder.fit(
                    worth, seen, weight=seen.sum(axis=1), credibility=credibility, pooled=of_age,
                    extend=level_tail, amounts=True,
                )  # fmt: skip
            retention = Ladder.fit(
                stayed, at_risk, weight=members, credibility=credibility, pooled=max(1, enough),
                extend=falling_tail,
            )  # fmt: skip
        else:
            purchases = Ladder.of(known.purchases, seen, lived, members)
            if worth is not None and known.orders is not None:
                orders = Ladder.of(known.orders, worth, seen, seen.sum(axis=1))
            retention = Ladder.of(known.retention, stayed, at_risk, members)
        return cls(
            ledger.cutoff, summary.index, pd.Index(labels, name="cohort"), code, age,
            purchases, orders, retention,
        )  # fmt: skip

    @property
    def developments(self) -> Developments:
        """What the cohorts taught together."""
        orders = None if self.orders is None else self.orders.development
        return Developments(self.purchases.development, orders, self.retention.development)

    def expect(self, windows: list[Window]) -> tuple[FloatArray, FloatArray | None]:
        """Return expected purchases by cohort and period, and expected value by cohort.

        Returns
        -------
        purchases : array of float, shape (cohorts, periods)
        value : array of float, shape (cohorts,), or None
        """
        days = self._to_live(windows)
        bins = days.shape[2]
        rate, level = self.purchases.rate(bins), self.purchases.level
        purchases = (days @ rate).T * level[:, None]
        if self.orders is None:
            return purchases, None
        worth = days.sum(axis=0) @ (rate * self.orders.rate(bins))
        return purchases, worth * level * self.orders.level

    def draw(
        self, windows: list[Window], draws: int, seed: int
    ) -> tuple[FloatArray, FloatArray | None]:
        """Return draws of purchases and value expected over all windows, by cohort.

        Returns
        -------
        purchases : array of float, shape (draws, cohorts)
        value : array of float of the same shape, or None
        """
        rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        days = self._to_live(windows).sum(axis=0)
        rates, levels = self.purchases.draw(rng, draws, days.shape[1])
        purchases = rates @ days.T * levels
        if self.orders is None:
            return purchases, None
        worths, order_levels = self.orders.draw(rng, draws, days.shape[1])
        return purchases, (rates * worths) @ days.T * levels * order_levels

    def mean(self, by_cohort: FloatArray) -> FloatArray:
        """Return each customer's share of his cohort's total: its mean."""
        return np.asarray((by_cohort / np.bincount(self.code))[self.code])

    def _to_live(self, windows: list[Window]) -> FloatArray:
        """Return customer-days by period, cohort and bin of age."""
        ends = [0, *((window.end - self.cutoff).days - 1 for window in windows)]
        bins = -(-(int(self.age.max()) + ends[-1]) // BIN_DAYS)
        # customers of one cohort and age are alike: count them instead of looping over them
        ages, place = np.unique(self.age, return_inverse=True)
        groups = len(self.labels)
        alike = np.bincount(self.code * len(ages) + place, minlength=groups * len(ages))
        number = alike.reshape(groups, len(ages)).astype(float)
        upto = np.stack([
            number @ np.clip(ages[:, None] + end - BIN_DAYS * np.arange(bins), 0, BIN_DAYS)
            for end in ends
        ])  # fmt: skip
        return np.asarray(np.diff(upto, axis=0))


def _labels(
    summary: pd.DataFrame, every: Horizon, by: str | None, columns: tuple[str, ...]
) -> npt.NDArray[np.str_]:
    """Return each customer's cohort."""
    if by is not None:
        if by not in columns:
            known = ", ".join(map(repr, columns)) or "none; see customer_columns of read_ledger"
            raise UsageError(f"by: {by!r} is no customer column of the ledger; it has {known}.")
        return labelled(summary[by]).to_numpy(str)
    day = summary["first_purchase"].to_numpy("datetime64[D]")
    if every.unit in "DW":
        length = every.count * (7 if every.unit == "W" else 1)
        number = (day.astype(np.int64) + 3) // length  # 1970-01-01 was a Thursday
        return np.datetime_as_string((number * length - 3).astype("datetime64[D]"))
    unit = "M" if every.unit == "M" else "Y"
    number = day.astype(f"datetime64[{unit}]").astype(np.int64) // every.count
    return np.datetime_as_string((number * every.count).astype(f"datetime64[{unit}]"))
