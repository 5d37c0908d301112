"""Purchases of all customers as arrays, sorted by customer and day: what features are made of.

Standing on a past day costs a mask, not a query, so models that learn from many past windows can
afford them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import day_number
from forecast.ledger import Ledger

__all__ = ["CustomerDays"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

YEAR = 365
RECENT = (30, 90, 180, 365)


@dataclass(frozen=True)
class CustomerDays:
    """Who bought on which day for how much, up to ``now``; days count from 1970-01-01.

    Attributes
    ----------
    customers : pandas.Index
        Ids, sorted.
    owner, day : array of int, shape (purchases,)
        Position of the customer, and day of each purchase; sorted by both.
    value : array of float, shape (purchases,), or None
        In the ledger's currency.
    start, now : int
        First day of the log and last day seen.

    Examples
    --------
    >>> import forecast as fc
    >>> orders = pd.DataFrame({"customer": ["a", "a", "b"], "value": [10.0, 20.0, 40.0],
    ...     "date": ["2024-01-01", "2024-01-11", "2024-01-31"]})
    >>> days = CustomerDays.of(fc.read_ledger(orders, cutoff="2024-02-10"))
    >>> past = days.at(days.now - 20)
    >>> list(past.customers), past.frequency, past.age
    (['a'], array([1.]), array([20.]))
    >>> days.outcome(past, past.now + 1, days.now + 1)[0]
    array([0.])
    """

    customers: pd.Index
    owner: Integers
    day: Integers
    value: Floats | None
    start: int
    now: int

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Take the purchases of a ledger up to its cutoff."""
        rows = ledger.purchases()
        owner, customers = pd.factorize(rows["customer_id"])
        return cls(
            customers=pd.Index(customers, name="customer_id"),
            owner=owner.astype(np.int64),
            day=rows["date"].to_numpy("datetime64[D]").astype(np.int64),
            value=rows["value"].to_numpy(float) if ledger.has_value else None,
            start=day_number(ledger.first_day),
            now=day_number(ledger.cutoff),
        )

    def at(self, day: int) -> Self:
        """Return what was known at the end of a past day: its customers and their purchases."""
        seen = self.first <= day
        return self._of(seen, self.day <= day, day)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Return some of the customers, with all their purchases."""
        return self._of(chosen, np.ones(len(self.day), dtype=bool), self.now)

    def _of(self, chosen: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_], now: int) -> Self:
        rows = rows & chosen[self.owner]
        place = np.cumsum(chosen) - 1
        value = None if self.value is None else self.value[rows]
        customers = self.customers[chosen]
        return type(self)(
            customers, place[self.owner[rows]], self.day[rows], value, self.start, now
        )

    def outcome(self, known: Self, start: int, end: int) -> tuple[Floats, Floats | None]:
        """Return purchases and value of ``known`` customers, from ``start`` to before ``end``."""
        place = self.customers.get_indexer(known.customers)
        inside = (self.day >= start) & (self.day < end)
        bought = self._total(inside)[place]
        return bought, None if self.value is None else self._total(inside, self.value)[place]

    @cached_property
    def counts(self) -> Integers:
        """Purchases of each customer."""
        return np.bincount(self.owner, minlength=len(self.customers))

    @cached_property
    def first(self) -> Integers:
        """First day of each customer."""
        return np.asarray(self.day[np.cumsum(self.counts) - self.counts])

    @cached_property
    def last(self) -> Integers:
        """Last day of each customer."""
        return np.asarray(self.day[np.cumsum(self.counts) - 1])

    @property
    def frequency(self) -> Floats:
        """Repeat purchases."""
        return self.counts.astype(np.float64) - 1.0

    @property
    def recency(self) -> Floats:
        """Age at the last purchase, in days."""
        return (self.last - self.first).astype(float)

    @property
    def age(self) -> Floats:
        """Age now, in days."""
        return (self.now - self.first).astype(float)

    def paid(self) -> tuple[Floats, Floats]:
        """Return the purchases of a value above 0 and their mean, for each customer."""
        assert self.value is not None
        orders = self._total(self.value > 0)
        total = self._total(np.ones(len(self.day), dtype=bool), self.value)
        return orders, total / np.maximum(orders, 1.0)

    def features(self) -> dict[str, Floats]:
        """Return numeric features of each customer, from the past alone.

        ``frequency``, ``recency``, ``T`` and ``days_since_last`` (days); ``rate`` (purchases a
        day of life, with a month added to it); mean and spread of the gaps between purchases
        (days); ``overdue`` (time since the last purchase in mean gaps, with a week added);
        purchases and value in the last 30, 90, 180 and 365 days; total, mean and first value;
        the season of the first purchase as sine and cosine of the year.
        """
        size, frequency, age = len(self.customers), self.frequency, self.age
        since = (self.now - self.last).astype(float)
        gaps, same = np.diff(self.day).astype(float), np.diff(self.owner) == 0
        who, gaps, many = self.owner[1:][same], gaps[same], np.maximum(frequency, 1.0)
        mean = np.bincount(who, gaps, minlength=size) / many
        square = np.bincount(who, gaps**2, minlength=size) / many
        mean_gap = np.where(frequency > 0, mean, age)
        out = {
            "frequency": frequency,
            "recency": self.recency,
            "T": age,
            "days_since_last": since,
            "rate": (frequency + 1.0) / (age + 30.0),
            "mean_gap": mean_gap,
            "spread_of_gaps": np.sqrt(np.maximum(square - mean**2, 0.0)),
            "overdue": since / (mean_gap + 7.0),
        }
        for window in RECENT:
            recent = self.now - self.day < window
            out[f"purchases_{window}d"] = self._total(recent)
            if self.value is not None:
                out[f"value_{window}d"] = self._total(recent, self.value)
        if self.value is not None:
            total = self._total(np.ones(len(self.day), dtype=bool), self.value)
            out["total_value"], out["mean_value"] = total, total / self.counts
            out["first_value"] = self.value[np.cumsum(self.counts) - self.counts]
        first = self.first.astype("datetime64[D]").astype("datetime64[s]")
        joined = pd.DatetimeIndex(first).day_of_year
        angle = 2 * np.pi * joined.to_numpy(float) / 365.25
        return out | {"first_sin": np.sin(angle), "first_cos": np.cos(angle)}

    def last_year(self, days: int) -> Floats | None:
        """Return each customer's purchases in the next ``days`` days, a year earlier.

        None where the log does not reach back that far; days not yet seen count nothing.
        """
        start = self.now + 1 - YEAR
        if start < self.start:
            return None
        return self._total((self.day >= start) & (self.day < start + days))

    def _total(self, rows: npt.NDArray[np.bool_], of: Floats | None = None) -> Floats:
        weight = None if of is None else of[rows]
        return np.bincount(self.owner[rows], weight, minlength=len(self.customers)).astype(float)
