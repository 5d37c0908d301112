"""What a new customer goes on to buy, by the model's own process."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from forecast.models.btyd.history import DAYS, Floats, History
from forecast.models.btyd.levers import Levers
from forecast.models.btyd.parameters import Parameters
from forecast.models.newcomers.newcomers import Newcomers

__all__ = ["ProcessCurve", "under_levers"]


@dataclass(frozen=True)
class ProcessCurve:
    """Expected repeat purchases and value of a new customer by age, averaged over segments.

    The average weighs segments by those of the last year's new customers. A model with a season
    takes a year's average: a newcomer's age does not tell the time of the year.

    Attributes
    ----------
    process : Parameters
        Estimates by segment.
    share : array, shape (segments,)
        Of new customers.
    order_value : float or None
        Of a repeat purchase, in the ledger's currency; None without amounts.
    pace : float
        Factor on the purchase rate.
    """

    process: Parameters
    share: Floats
    order_value: float | None
    pace: float = 1.0

    @classmethod
    def of(cls, process: Parameters, spend: Any, history: History, worth: float) -> Self:
        """Take the curve of a fitted model.

        Parameters
        ----------
        process : Parameters
            Estimates by segment.
        spend : Parameters or None
            Of Gamma-Gamma.
        history : History
            Of all customers, for who is new.
        worth : float
            Factor from the spend model's order value to that of a newcomer's next purchase.
        """
        recent = history.age * DAYS < 365
        segment = history.segment[recent] if recent.any() else history.segment
        share = np.bincount(segment, minlength=int(history.segment.max()) + 1) / segment.size
        order_value = None
        if spend is not None:
            mean = spend.at(np.arange(share.size)).expected_order_value()
            order_value = float(share @ np.broadcast_to(mean, share.shape)) * worth
        return cls(process, share, order_value)

    def upto(self, age: Floats) -> Floats:
        """Return expected repeat purchases of one customer up to each age in days."""
        days, place = np.unique(np.asarray(age, dtype=float), return_inverse=True)
        time = days / DAYS * self.pace
        some = np.flatnonzero(self.share)
        each = [self.process.at(np.array([one])).expected_purchases(time) for one in some]
        mean = sum(self.share[one] * found for one, found in zip(some, each, strict=True))
        return np.asarray(np.broadcast_to(mean, days.shape)[place.reshape(np.shape(age))])

    def value_upto(self, age: Floats) -> Floats:
        """Return their expected value."""
        return self.upto(age) * (np.nan if self.order_value is None else self.order_value)


def under_levers(newcomers: Newcomers, levers: Levers) -> Newcomers:
    """Return newcomers whose future is changed: purchase rate, staying and value of a purchase.

    A newcomer has not left yet, so there is nobody to win back.
    """
    curve: Any = newcomers.curve
    ahead = replace(levers, win_back=0.0)
    if ahead.on_process:
        curve = replace(
            curve,
            process=curve.process.through(lambda process: _of_new(process, ahead)),
            pace=levers.purchase_frequency,
        )
    if curve.order_value is not None:
        curve = replace(curve, order_value=curve.order_value * levers.order_value)
    first = newcomers.first_value
    return replace(
        newcomers,
        curve=curve,
        first_value=None if first is None else first * levers.order_value,
    )


def _of_new(process: Any, levers: Levers) -> Any:
    """Return the process of new customers: all of their dropout is yet to come."""
    kept = levers.retention
    values = dict(vars(process))
    if "a" in values:
        values["a"] = values["a"] / kept
    if "beta" in values:
        values["beta"] = values["beta"] * kept * levers.purchase_frequency
    return type(process)(**values)
