"""The inner window: a stretch of the past that is long enough to learn a horizon from.

A model that learns "history up to a day, purchases after it" needs a past day whose future is
known. That is the horizon's length before the cutoff, or half-way through a shorter history.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger
from forecast.models.analogue import Analogues

__all__ = ["InnerWindow", "inner_window"]

FloatArray = npt.NDArray[np.float64]

LEAST_DAYS, LEAST_CUSTOMERS = 28, 30


@dataclass(frozen=True)
class InnerWindow:
    """What was known on a past day, and what happened after it.

    Attributes
    ----------
    past : Ledger
        The ledger up to that day.
    outcome : pandas.DataFrame
        Index ``customer_id``; ``purchases`` and, with amounts, ``value`` of the customers known on
        that day, from the day after it to the cutoff.
    days : int
        Length of the outcome.
    stretch : float
        Days of the horizon per day of the outcome; 1 where the history is long enough.
    notes : tuple of str
        Says so where the outcome is shorter than the horizon.
    """

    past: Ledger
    outcome: pd.DataFrame
    days: int
    stretch: float
    notes: tuple[str, ...]

    @property
    def windows(self) -> list[Window]:
        """The days of the outcome, as one period."""
        return [Horizon(self.days, "D").window(self.past.cutoff)]

    def analogues(self, expected: FloatArray) -> Analogues:
        """Return what customers of a prediction did, by predictions for the horizon's length.

        Parameters
        ----------
        expected : array of float, shape (customers,)
            Purchases that were expected of the outcome's days.
        """
        value = self.outcome["value"].to_numpy(float) if self.past.has_value else None
        return Analogues.learn(expected * self.stretch, self.outcome["purchases"], value)


def inner_window(ledger: Ledger, window: Window) -> InnerWindow:
    """Cut the ledger one horizon before its cutoff, or half-way through a shorter history.

    Parameters
    ----------
    ledger : Ledger
    window : Window
        What is to be forecast.

    Raises
    ------
    TooLittleDataError
        If fewer than 28 days or fewer than 30 customers are left to learn from.
    """
    history = (ledger.cutoff - ledger.first_day).days + 1
    days = min(window.days, history // 2)
    if history - days < LEAST_DAYS:
        raise TooLittleDataError(
            f"The history has {history} days up to {ledger.cutoff}; learning from a past window "
            f"needs at least {LEAST_DAYS + min(window.days, LEAST_DAYS - 1)}. Use a longer log or "
            "a model such as OwnRate."
        )
    past = ledger.cut(ledger.cutoff - timedelta(days=days))
    outcome = ledger.actuals(past.cutoff, f"{days}D", population="existing")
    if len(outcome) < LEAST_CUSTOMERS:
        raise TooLittleDataError(
            f"{len(outcome)} customers had bought by {past.cutoff}; learning from the {days} days "
            f"after it needs at least {LEAST_CUSTOMERS}. Use a longer log or a model such as "
            "OwnRate."
        )
    notes: tuple[str, ...] = ()
    if days < window.days:
        notes = (
            f"The history of {history} days is too short for an inner window of {window.days} "
            f"days: learned from the last {days} days, scaled by days.",
        )
    return InnerWindow(past, outcome, days, window.days / days, notes)
