"""Contracts read from purchases: what was renewed when it fell due, what was not, what is open.

A contract starts with a purchase and falls due every period from then on. It is renewed when a
purchase lies within the tolerance of the due day, and ends with the first due day without one. A
customer who buys again after that starts a new contract.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.ledger import Ledger

__all__ = ["Contracts", "due_days"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_SPAN = 1 << 32  # room for the days of one customer


@dataclass(frozen=True)
class Contracts:
    """Contracts of all customers; the last one of each is the one that may go on.

    Attributes
    ----------
    index : pandas.Index
        Customers.
    customer : array of int, shape (contracts,)
        Position of the customer.
    start : array of int, shape (contracts,)
        Day of the first purchase, counted from 1970-01-01.
    renewals : array of int, shape (contracts,)
        Renewals whose due day, with its tolerance, is over: what retention is learned from.
    ended : array of bool, shape (contracts,)
        Whether the next due day is over too, without a purchase.
    paid : array of bool, shape (contracts,)
        Whether the renewal that is open at the cutoff has been paid.
    late : array of int
        Days after the due day of every renewal that was due, below 0 for before it.
    last : array of int, shape (customers,)
        Position of each customer's last contract.
    aside : int
        Purchases that neither start nor renew a contract.
    """

    index: pd.Index
    customer: IntArray
    start: IntArray
    renewals: IntArray
    ended: BoolArray
    paid: BoolArray
    late: IntArray
    last: IntArray
    aside: int

    @classmethod
    def read(cls, ledger: Ledger, every: Horizon, tolerance: int) -> "Contracts":
        """Follow every contract from one due day to the next.

        Parameters
        ----------
        ledger : Ledger
        every : Horizon
            Length of a period.
        tolerance : int
            Days before and after the due day in which a purchase renews.
        """
        rows = ledger.purchases()
        code, index = pd.factorize(rows["customer_id"], sort=True)
        day = rows["date"].to_numpy("datetime64[D]").astype(np.int64)
        now = int(np.datetime64(ledger.cutoff, "D").astype(np.int64))
        keys = code * _SPAN + day  # sorted: customers in order, their days in order
        first = np.append(True, code[1:] != code[:-1])
        found, late = list[tuple[IntArray, ...]](), list[IntArray]()
        who, start, used = code[first], day[first], int(first.sum())
        while len(who):
            renewals = np.zeros(len(who), dtype=np.int64)
            ended, paid = np.zeros(len(who), dtype=bool), np.zeros(len(who), dtype=bool)
            going = np.arange(len(who))
            step = 0
            while len(going):
                step += 1
                due = due_days(start[going], every, step)
                place = np.searchsorted(keys, who[going] * _SPAN + due - tolerance)
                place = np.minimum(place, len(keys) - 1)
                met = (code[place] == who[going]) & (day[place] >= due - tolerance)
                met &= day[place] <= due + tolerance
                over = due + tolerance <= now
                late.append((day[place] - due)[met & over])
                renewals[going[met & over]] = step
                paid[going[met & ~over]] = True
                ended[going[~met & over]] = True
                used += int(met.sum())
                going = going[met & over]
            found.append((who, start, renewals, ended, paid))
            # the next purchase after the missed due day starts anew
            gone = np.flatnonzero(ended)
            missed = due_days(start[gone], every, renewals[gone] + 1) + tolerance
            place = np.searchsorted(keys, who[gone] * _SPAN + missed, side="right")
            inside = np.minimum(place, len(keys) - 1)
            back = (place < len(keys)) & (code[inside] == who[gone])
            who, start = code[inside[back]], day[inside[back]]
            used += len(who)
        parts = [np.concatenate(each) for each in zip(*found, strict=True)]
        order = np.lexsort((parts[1], parts[0]))
        customer, start, renewals, ended, paid = (each[order] for each in parts)
        last = np.flatnonzero(np.append(customer[1:] != customer[:-1], True))
        return cls(
            pd.Index(index, name="customer_id"), customer, start, renewals,
            ended.astype(bool), paid.astype(bool), np.sort(np.concatenate(late)), last,
            len(day) - used,
        )  # fmt: skip


def due_days(start: IntArray, every: Horizon, step: "int | IntArray") -> IntArray:
    """Return the day that lies ``step`` periods after each start; months keep the day or clip it.

    Examples
    --------
    >>> january = np.array(["2024-01-31"], "datetime64[D]").astype(np.int64)
    >>> due_days(january, Horizon.parse("1M"), 1).astype("datetime64[D]")
    array(['2024-02-29'], dtype='datetime64[D]')
    """
    count = np.asarray(step, dtype=np.int64) * every.count
    if every.unit in "DW":
        return np.asarray(start + count * (7 if every.unit == "W" else 1))
    day = start.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    within = (day - month.astype("datetime64[D]")).astype(np.int64)
    months = count * (12 if every.unit == "Y" else 1)
    then = month + months.astype("timedelta64[M]")
    first = then.astype("datetime64[D]").astype(np.int64)
    length = (then + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    return np.asarray(first + np.minimum(within, length - 1))
