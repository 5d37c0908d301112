"""The purchases of a ledger as arrays, the form in which the checks look at them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import day_number
from forecast.ledger import Ledger

__all__ = ["Floats", "Histories", "Ints"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Every purchase up to the cutoff, sorted by customer and day.

    Attributes
    ----------
    customers : pandas.Index
        Ids, in the order of their numbers.
    owner : array of int, shape (purchases,)
        Number of the customer.
    day : array of int, shape (purchases,)
        Days since 1970-01-01.
    value : array or None, shape (purchases,)
        Currency; None without amounts.
    first : array of int, shape (customers,)
        Day of the first purchase.
    count : array of int, shape (customers,)
        Purchases.
    start, cutoff : int
        First and last day observed.
    """

    customers: "pd.Index[str]"
    owner: Ints
    day: Ints
    value: Floats | None
    first: Ints
    count: Ints
    start: int
    cutoff: int

    @classmethod
    def of(cls, ledger: Ledger) -> "Histories":
        """Read a local ledger."""
        rows = ledger.purchases()
        owner, customers = pd.factorize(rows["customer_id"], sort=True)
        day = rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
        order = np.lexsort((day, owner))
        owner, day = owner[order].astype(np.int64), day[order]
        count = np.bincount(owner, minlength=len(customers))
        return cls(
            customers=pd.Index(customers),
            owner=owner,
            day=day,
            value=rows["value"].to_numpy(float)[order] if ledger.has_value else None,
            first=day[np.cumsum(count) - count],
            count=count,
            start=day_number(ledger.first_day),
            cutoff=day_number(ledger.cutoff),
        )

    @property
    def repeat(self) -> npt.NDArray[np.bool_]:
        """Which purchases are not a customer's first, shape (purchases,)."""
        return np.asarray(self.day > self.first[self.owner])

    @property
    def days(self) -> int:
        """Days observed, the first and the last included."""
        return self.cutoff - self.start + 1
