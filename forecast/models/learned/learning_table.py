"""What past windows taught: features on a past day, beside what the same customers did next.

The table that the learned models share. On each of several past days it holds every customer's
features, what buy-till-you-die models fitted on that day expected of the window after it, and
what happened; and the same for today, where nothing has happened yet.
"""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Window
from forecast.customer_days import CustomerDays
from forecast.errors import ForecastError, TooLittleDataError
from forecast.ledger import Ledger
from forecast.processes import BGNBD, MBGNBD, NBD, GammaGamma, ParetoNBD

__all__ = ["LearningTable", "Rows", "past_days"]

Floats = npt.NDArray[np.float64]

PROCESSES: dict[str, Any] = {"bgnbd": BGNBD, "pareto_nbd": ParetoNBD}  # their mean is expected
OTHERS: dict[str, Any] = {"mbgnbd": MBGNBD, "nbd": NBD}  # features alone
MOST_WINDOWS, LEAST_DAYS, LEAST_CUSTOMERS, FEWEST_PAID = 4, 28, 30, 10
MOST_ROWS = 200_000
WEEK = 7.0
_TINY = 1e-4  # purchases: keeps logarithms finite
_MEAN_PURCHASE = 30.0  # its value in the features, whatever the currency


@dataclass(frozen=True)
class Rows:
    """The customers known on one day.

    Attributes
    ----------
    features : pandas.DataFrame
        Index ``customer_id``, numbers only: those of :class:`forecast.customer_days.CustomerDays`
        with amounts in thirtieths of that day's mean purchase, so that no currency matters; the
        logarithms of what each process expected, and purchases in the same days last year.
    expected : array of float, shape (customers,)
        Purchases in the window, the mean of the processes' expectations.
    order_value : array of float, shape (customers,), or None
        Expected value of a purchase, in the ledger's currency.
    purchases, value : array of float, shape (customers,), or None
        What happened in the window; None for today and, without amounts, for value.
    """

    features: pd.DataFrame
    expected: Floats
    order_value: Floats | None
    purchases: Floats | None = None
    value: Floats | None = None


@dataclass(frozen=True)
class LearningTable:
    """Past windows to learn from, and today's customers to apply it to.

    Where the past windows hold over 200,000 rows, customers are sampled, always the same ones.

    Attributes
    ----------
    past : tuple of Rows
        Newest first; at least one.
    days : int
        Length of the past windows.
    today : Rows
    has_value : bool
    notes : tuple of str
        Says so where the past windows are shorter than the horizon.
    """

    past: tuple[Rows, ...]
    days: int
    today: Rows
    has_value: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, ledger: Ledger, window: Window) -> "LearningTable":
        """Stand on past days and today, for a window to forecast.

        Parameters
        ----------
        ledger : Ledger
            Only what it holds up to its cutoff is used.
        window : Window
            What is to be forecast; it starts the day after the cutoff.

        Raises
        ------
        TooLittleDataError
            If no past day has 28 days of history and 30 customers before it.
        """
        asked = (window.start, window.end)
        if ledger in _LAST and _LAST[ledger][0] == asked:
            return _LAST[ledger][1]
        table = cls._make(ledger, window)
        _LAST[ledger] = asked, table
        return table

    @classmethod
    def _make(cls, ledger: Ledger, window: Window) -> "LearningTable":
        everyone = CustomerDays.of(ledger)
        ends, days = past_days(everyone, window)
        sample = everyone
        if (rows := len(everyone.customers) * len(ends)) > MOST_ROWS:
            rng = np.random.default_rng(0)
            sample = everyone.only(rng.random(len(everyone.customers)) < MOST_ROWS / rows)
        past = []
        for end in ends:
            known = sample.at(end)
            done = sample.outcome(known, end + 1, end + 1 + days)
            past.append(_rows(known, days, *done))
        notes: tuple[str, ...] = ()
        if days < window.days:
            notes = (
                f"The history of {everyone.now - everyone.start + 1} days is too short for past "
                f"windows of {window.days} days: learned from windows of {days} days.",
            )
        return cls(tuple(past), days, _rows(everyone, window.days), ledger.has_value, notes)


# the members of an ensemble ask for the same table one after the other; it goes with its ledger
_LAST: "WeakKeyDictionary[Ledger, tuple[object, LearningTable]]" = WeakKeyDictionary()


def past_days(days: CustomerDays, window: Window) -> tuple[list[int], int]:
    """Return up to four past days to learn from, newest first, and the length of their windows.

    A window is as long as the horizon, or half the history where that is shorter. The last one
    ends today; the others end half a window (at least 28 days) earlier each, and leave 28 days
    and at least half a window of history before them.
    """
    history = days.now - days.start + 1
    length = min(window.days, history // 2)
    step = max(LEAST_DAYS, length // 2)
    ends = [days.now - length - step * back for back in range(MOST_WINDOWS)]
    first = np.sort(days.first)
    ends = [
        end
        for end in ends
        if end - days.start + 1 >= step and np.searchsorted(first, end, "right") >= LEAST_CUSTOMERS
    ]
    if not ends or length < 1:
        raise TooLittleDataError(
            f"The history of {history} days with {len(days.customers):,} customers leaves no past "
            f"day with {LEAST_DAYS} days and {LEAST_CUSTOMERS} customers before it to learn from. "
            "Use a longer log or a model such as OwnRate."
        )
    return ends, length


def _rows(
    known: CustomerDays,
    days: int,
    purchases: Floats | None = None,
    value: Floats | None = None,
) -> Rows:
    features, history = known.features(), _Histories.of(known)
    expected = []
    for name, process in (PROCESSES | OTHERS).items():
        try:
            fit = process.fit(*history.distinct, weights=history.weights, unit="weeks")
            mean = fit.process.expected_purchases(days / WEEK, *history.distinct)[history.code]
            active = fit.process.p_active(days / WEEK, *history.distinct)[history.code]
        except ForecastError:
            continue
        if not np.isfinite(mean).all():
            continue
        features[f"log_{name}"] = np.log(mean + _TINY)
        if name in PROCESSES:
            expected.append(mean)
        elif name == "mbgnbd":
            features["p_active"] = active
    if not expected:
        raise TooLittleDataError(
            f"No purchase process can be fitted to {len(known.customers):,} customers up to "
            f"{np.datetime64(known.now, 'D')}. Use a longer log or a model such as OwnRate."
        )
    order_value = None
    if known.value is not None:
        paid = np.sort(known.value[known.value > 0])  # so that its sum is that of any order
        unit = _MEAN_PURCHASE * len(paid) / max(float(paid.sum()), 1e-300)
        features |= {name: features[name] * unit for name in features if "value" in name}
        order_value = _order_value(known)
        features["log_order_value"] = np.log(np.maximum(order_value * unit, 1e-12))
    last_year = known.last_year(days)
    if last_year is not None:
        features["same_days_last_year"] = last_year
    table = pd.DataFrame(features, index=known.customers)
    return Rows(table, np.mean(expected, axis=0), order_value, purchases, value)


def _order_value(known: CustomerDays) -> Floats:
    """Return the expected value of a purchase: Gamma-Gamma on all of them, or the plain mean."""
    orders, mean = known.paid()
    share = float(orders.sum() / known.counts.sum())
    paid = orders > 0
    plain = float((orders * mean).sum() / max(orders.sum(), 1.0))
    if paid.sum() >= FEWEST_PAID:
        try:
            some = np.lexsort((mean[paid], orders[paid]))  # sums must not depend on who is who
            spend = GammaGamma.fit(orders[paid][some], mean[paid][some]).process
            expected = spend.expected_order_value(orders, mean)
            if np.isfinite(expected).all():
                return np.asarray(expected * share)
        except ForecastError:
            pass
    return np.full(len(mean), plain * share)


@dataclass(frozen=True)
class _Histories:
    """Distinct (frequency, recency, T), in weeks, and which one each customer has."""

    distinct: tuple[Floats, Floats, Floats]
    weights: Floats
    code: npt.NDArray[np.int64]

    @classmethod
    def of(cls, known: CustomerDays) -> "_Histories":
        triples = np.stack([known.frequency, known.recency, known.age])
        span = float(known.now - known.start + 2)
        key = (triples[0] * span + triples[1]) * span + triples[2]
        _, place, code, weights = np.unique(
            key, return_index=True, return_inverse=True, return_counts=True
        )
        x, recency, age = triples[:, place]
        return cls((x, recency / WEEK, age / WEEK), weights.astype(float), code.reshape(-1))
