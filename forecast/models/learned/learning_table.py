"""What past windows taught: features on a past day, beside what the same customers did next.

The table that the learned models share. On each of several past days it holds every customer's
features, what buy-till-you-die models fitted on that day expected of the window after it, and
what happened; and the same for today, where nothing has happened yet.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from forecast.calendar import Window
from forecast.customer_days import CustomerDays
from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger
from forecast.models.learned.day_models import DayModels, Rows

__all__ = ["LearningTable", "past_days"]

Floats = npt.NDArray[np.float64]

MOST_WINDOWS, LEAST_DAYS, LEAST_CUSTOMERS = 4, 28, 30
MOST_ROWS = 200_000


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
    models : DayModels
        Those of today.
    """

    past: tuple[Rows, ...]
    days: int
    today: Rows
    has_value: bool
    notes: tuple[str, ...]
    models: DayModels

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
            past.append(DayModels.learn(known, days).rows(known, days, *done))
        notes: tuple[str, ...] = ()
        if days < window.days:
            notes = (
                f"The history of {everyone.now - everyone.start + 1} days is too short for past "
                f"windows of {window.days} days: learned from windows of {days} days.",
            )
        models = DayModels.learn(everyone, window.days)
        today = models.rows(everyone, window.days)
        return cls(tuple(past), days, today, ledger.has_value, notes, models)


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
