"""The flow of purchases that a formula assumes: a pace for all, and each customer's days to buy."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Window
from forecast.errors import NotIdentifiedError, TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.formulas.lapse import Activity
from forecast.models.spread import Shares
from forecast.views import customer_summary

__all__ = ["Flow", "Pace"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pace:
    """What is estimated of all customers together.

    Attributes
    ----------
    rate : float
        Repeat purchases a day, active days alone where there is a rule of silence.
    again_value, order_value : float or None
        Mean value of a repeat purchase, of any purchase; None without amounts.
    silence : int or None
        Days without a purchase after which a customer has lapsed; None where every day counts.
    lapse_rate, return_rate : float
        Lapses per active day and returns per lapsed day.
    """

    rate: float
    again_value: float | None
    order_value: float | None
    silence: int | None
    lapse_rate: float
    return_rate: float

    def __post_init__(self) -> None:
        for name, each in vars(self).items():
            if each is not None and not 0 <= each < np.inf:
                raise UsageError(f"{name}: {each} must be 0 or more and finite.")


@dataclass(frozen=True)
class Flow:
    """What each customer buys a day, and the days he will be there to buy.

    Attributes
    ----------
    cutoff : date
    index : pandas.Index
        Customers.
    rate : array of float, shape (customers,)
        Purchases a day, active days alone where there is an ``activity``.
    order_value : array of float, shape (customers,), or None
        Value of a purchase.
    activity : Activity or None
        None where every day counts.
    pace : Pace
        What all customers have in common.
    """

    cutoff: date
    index: pd.Index
    rate: FloatArray
    order_value: FloatArray | None
    activity: Activity | None
    pace: Pace

    @classmethod
    def learn(cls, ledger: Ledger, formula: str, silence: str | None) -> "Flow":
        """Estimate it, refusing a base that nobody leaves."""
        summary = customer_summary(ledger)
        repeats = summary["frequency"].to_numpy(float)
        activity = None if formula == "revenue" else Activity.learn(ledger, silence)
        days = summary["T"].to_numpy(float) if activity is None else activity.days
        if not repeats.any() or not days.sum() > 0:
            raise TooLittleDataError(
                f"None of {len(summary):,} customers bought twice; a rate needs repeat purchases. "
                "Use a longer log."
            )
        if activity is not None and activity.lapse_rate == 0:
            raise NotIdentifiedError(
                f"None of {len(summary):,} customers was ever silent for more than "
                f"{activity.silence} days: retention is 1 and lifetime infinite. Give a shorter "
                "silence, use a longer log, or formula='revenue'.",
                limit="no churn",
            )
        first_order = again_order = None
        if ledger.has_value:
            total = summary["total_value"].to_numpy(float)
            again = total - summary["first_value"].to_numpy(float)
            again_order = float(again.sum() / repeats.sum())
            first_order = float(total.sum() / (repeats + 1).sum())
        pace = Pace(
            float(repeats.sum() / days.sum()),
            again_order,
            first_order,
            *(
                (None, 0.0, 0.0)
                if activity is None
                else (activity.silence, activity.lapse_rate, activity.return_rate)
            ),
        )
        return cls._at(pace, ledger, formula, summary, activity)

    @classmethod
    def of(cls, ledger: Ledger, formula: str, pace: Pace) -> "Flow":
        """Apply what is known of all customers to those of a ledger."""
        activity = None
        if pace.silence is not None:
            activity = replace(
                Activity.learn(ledger, f"{pace.silence}D"),
                lapse_rate=pace.lapse_rate,
                return_rate=pace.return_rate,
            )
        return cls._at(pace, ledger, formula, customer_summary(ledger), activity)

    @classmethod
    def _at(
        cls,
        pace: Pace,
        ledger: Ledger,
        formula: str,
        summary: pd.DataFrame,
        activity: Activity | None,
    ) -> "Flow":
        """Give every customer the common rate and order value, or their own drawn to them."""
        repeats = summary["frequency"].to_numpy(float)
        rate = np.full(len(summary), pace.rate)
        order_value = None
        if pace.again_value is not None and pace.order_value is not None:
            order_value = np.full(len(summary), pace.again_value)
            if formula == "aov":
                total = summary["total_value"].to_numpy(float)
                order_value = (total + pace.order_value) / (repeats + 2)
        if formula == "aov" and activity is not None:
            rate = (repeats + 1) / (activity.days + 1 / rate)
        return cls(ledger.cutoff, summary.index, rate, order_value, activity, pace)

    def expect(self, windows: list[Window]) -> tuple[FloatArray, FloatArray | None, Shares]:
        """Return expected purchases and value of each customer, and how they fall into periods."""
        edges = [0, *((window.end - self.cutoff).days - 1 for window in windows)]
        days = np.array(edges, dtype=float)
        kind = np.zeros(len(self.index), dtype=np.int64)
        there = days[None, :]
        if self.activity is not None:
            there, kind = self.activity.active_days(days), self.activity.active.astype(np.int64)
        whole = there[:, -1:]
        even = np.broadcast_to(Shares.by_days(windows, 0).table, (len(there), len(windows))).copy()
        np.divide(np.diff(there, axis=1), whole, out=even, where=whole > 0)
        purchases = self.rate * whole[kind, 0]
        value = None if self.order_value is None else purchases * self.order_value
        return purchases, value, Shares(even, kind)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the rule found."""
        found = self.activity
        if found is None:
            return ("Everybody goes on at the average since his first purchase.",)
        return (
            f"Lapsed after {found.silence} silent days: {int(found.active.sum()):,} of "
            f"{len(found.active):,} customers are active; {found.lapse_rate:.2%} of the active "
            f"lapse and {found.return_rate:.2%} of the lapsed return a day.",
        )
