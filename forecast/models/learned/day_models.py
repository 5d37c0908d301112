"""Buy-till-you-die models fitted as of one day, and the features they lend to its customers."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.customer_days import CustomerDays
from forecast.errors import ForecastError, TooLittleDataError
from forecast.processes import BGNBD, MBGNBD, NBD, GammaGamma, ParetoNBD

__all__ = ["DayModels", "Money", "Rows"]

Floats = npt.NDArray[np.float64]

PROCESSES: dict[str, Any] = {"bgnbd": BGNBD, "pareto_nbd": ParetoNBD}  # their mean is expected
OTHERS: dict[str, Any] = {"mbgnbd": MBGNBD, "nbd": NBD}  # features alone
FEWEST_PAID = 10
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
class DayModels:
    """Buy-till-you-die models fitted as of one day: what they lend to the features.

    Attributes
    ----------
    processes : dict of str to object
        Purchase processes by name; those that could be fitted.
    money : Money or None
        None without amounts.
    """

    processes: dict[str, Any]
    money: "Money | None"

    @classmethod
    def learn(cls, known: CustomerDays, days: int) -> "DayModels":
        """Fit them to the customers known on a day, for a window of so many days.

        Raises
        ------
        TooLittleDataError
            If no process can be fitted.
        """
        history, processes = _Histories.of(known), dict[str, Any]()
        for name, process in (PROCESSES | OTHERS).items():
            try:
                found = process.fit(*history.distinct, weights=history.weights, unit="weeks")
                mean = found.process.expected_purchases(days / WEEK, *history.distinct)
            except ForecastError:
                continue
            if np.isfinite(mean).all():
                processes[name] = found.process
        if not set(processes) & set(PROCESSES):
            raise TooLittleDataError(
                f"No purchase process can be fitted to {len(known.customers):,} customers up to "
                f"{np.datetime64(known.now, 'D')}. Use a longer log or a model such as OwnRate."
            )
        return cls(processes, None if known.value is None else Money.learn(known))

    def rows(
        self,
        known: CustomerDays,
        days: int,
        purchases: Floats | None = None,
        value: Floats | None = None,
    ) -> Rows:
        """Return the features of customers known on a day, and what the models expect of them."""
        features, history = known.features(), _Histories.of(known)
        expected = []
        for name, process in self.processes.items():
            mean = process.expected_purchases(days / WEEK, *history.distinct)[history.code]
            features[f"log_{name}"] = np.log(mean + _TINY)
            if name in PROCESSES:
                expected.append(mean)
            elif name == "mbgnbd":
                active = process.p_active(days / WEEK, *history.distinct)
                features["p_active"] = active[history.code]
        order_value = None
        if self.money is not None:
            unit = self.money.unit
            features |= {name: features[name] * unit for name in features if "value" in name}
            order_value = self.money.order_value(known)
            features["log_order_value"] = np.log(np.maximum(order_value * unit, 1e-12))
        last_year = known.last_year(days)
        if last_year is not None:
            features["same_days_last_year"] = last_year
        table = pd.DataFrame(features, index=known.customers)
        return Rows(table, np.mean(expected, axis=0), order_value, purchases, value)


@dataclass(frozen=True)
class Money:
    """What a purchase is worth: Gamma-Gamma on all of them, or the plain mean.

    Attributes
    ----------
    unit : float
        Factor that brings the mean purchase to 30, whatever the currency.
    plain : float
        Mean of the purchases of a value above 0, in currency.
    share : float
        Of purchases that have one.
    spend : GammaGamma or None
    """

    unit: float
    plain: float
    share: float
    spend: GammaGamma | None

    @classmethod
    def learn(cls, known: CustomerDays) -> "Money":
        """Estimate it from all purchases up to a day."""
        assert known.value is not None
        some = np.sort(known.value[known.value > 0])  # so that its sum is that of any order
        unit = _MEAN_PURCHASE * len(some) / max(float(some.sum()), 1e-300)
        orders, mean = known.paid()
        share = float(orders.sum() / known.counts.sum())
        paid = orders > 0
        plain = float((orders * mean).sum() / max(orders.sum(), 1.0))
        spend: GammaGamma | None = None
        if paid.sum() >= FEWEST_PAID:
            order = np.lexsort((mean[paid], orders[paid]))  # sums must not depend on who is who
            with suppress(ForecastError):
                spend = GammaGamma.fit(orders[paid][order], mean[paid][order]).process
        return cls(unit, plain, share, spend)

    def order_value(self, known: CustomerDays) -> Floats:
        """Return the expected value of each customer's purchase."""
        orders, mean = known.paid()
        if self.spend is not None:
            expected = self.spend.expected_order_value(orders, mean)
            if np.isfinite(expected).all():
                return np.asarray(expected * self.share)
        return np.full(len(mean), self.plain * self.share)


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
