"""What past windows taught for one horizon: two regressions and the analogues of a distribution.

A regression says how much more than expected each customer bought; the level of the total stays
that of the buy-till-you-die expectation, since the season of the last window is no level.
"""

from dataclasses import dataclass
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from forecast.calendar import Horizon
from forecast.customer_days import CustomerDays
from forecast.errors import TooLittleDataError, listed
from forecast.ledger import Ledger
from forecast.models.analogue import Analogues
from forecast.models.learned.day_models import DayModels, Rows
from forecast.models.learned.learning_table import LearningTable

__all__ = ["Around", "Learner", "Lesson", "Regression", "apply", "learn_from", "todays_rows"]

Floats = npt.NDArray[np.float64]
Around = Literal["btyd", "mean"]
LEAST = 1e-6  # of the mean: a weight must be above 0


class Regression(Protocol):
    """A fitted regression of purchases, or value, against what a customer is compared with."""

    def predict(self, features: Floats) -> Floats:
        """Return a prediction above 0 for each row; features beyond the past count as its edge."""
        ...


class Learner(Protocol):
    """What makes a regression with a logarithmic link."""

    def __call__(self, features: Floats, target: Floats, weight: Floats) -> Regression:
        """Fit it to past rows."""
        ...


@dataclass(frozen=True)
class Lesson:
    """What past windows taught for one horizon.

    Attributes
    ----------
    names : tuple of str
        The features, in order.
    models : DayModels
        Of the day it was learned on: they make the features of any later day too.
    purchases, value : Regression or None
        None where the expectation stays as it is.
    analogues : Analogues
        What past customers of a prediction went on to do, without names or days.
    notes : tuple of str
    """

    names: tuple[str, ...]
    models: DayModels
    purchases: Regression | None
    value: Regression | None
    analogues: Analogues
    notes: tuple[str, ...]

    @classmethod
    def learn(cls, ledger: Ledger, horizon: Horizon, learner: Learner, around: Around) -> "Lesson":
        """Learn from the past windows of a ledger.

        Raises
        ------
        TooLittleDataError
            If the log has no past window to learn from.
        """
        window = horizon.window(ledger.cutoff)
        table = LearningTable.of(ledger, window)
        _TODAY[ledger] = table.models, window.days, table.today
        bought = [_known(rows.purchases) for rows in table.past]
        usual = [rows.expected for rows in table.past]
        then, purchases = learn_from(table, learner, around, bought, usual)
        value: Regression | None = None
        # around the mean value is not learned: few customers' amounts would steer it
        if table.has_value and around == "btyd":
            spent = [_capped(_known(rows.value)) for rows in table.past]
            usual = [rows.expected * _known(rows.order_value) for rows in table.past]
            value = learn_from(table, learner, around, spent, usual)[1]
        analogues = Analogues.learn(
            then * (window.days / table.days),
            np.concatenate(bought),
            np.concatenate([_known(rows.value) for rows in table.past])
            if table.has_value
            else None,
        )
        names = tuple(_common(table))
        return cls(names, table.models, purchases, value, analogues, table.notes)

    def features(self, today: Rows) -> Floats:
        """Return the features of a day's customers.

        Raises
        ------
        TooLittleDataError
            If the log is too short for one of them.
        """
        missing = [name for name in self.names if name not in today.features]
        if missing:
            raise TooLittleDataError(
                f"The log does not reach back far enough for {listed(missing)}, which the model "
                "learned from. Use a longer log, or fit it anew."
            )
        return today.features[list(self.names)].to_numpy(float)


# the members of an ensemble ask for the same rows one after the other; they go with their ledger
_TODAY: "WeakKeyDictionary[Ledger, tuple[DayModels, int, Rows]]" = WeakKeyDictionary()


def todays_rows(models: DayModels, ledger: Ledger, days: int) -> Rows:
    """Return the features of a ledger's customers for a window of so many days."""
    held = _TODAY.get(ledger)
    if held is None or held[0] is not models or held[1] != days:
        held = models, days, models.rows(CustomerDays.of(ledger), days)
        _TODAY[ledger] = held
    return held[2]


def learn_from(
    table: LearningTable,
    learner: Learner,
    around: Around,
    outcomes: list[Floats],
    expected: list[Floats],
) -> tuple[Floats, Regression | None]:
    """Return predictions for the past rows, each window at its own level, and what made them."""
    names = _common(table)
    features = np.concatenate([rows.features[names].to_numpy(float) for rows in table.past])
    seen = np.concatenate(outcomes)
    level = np.concatenate([_level(*each, around) for each in zip(outcomes, expected, strict=True)])
    if not seen.any() or not table.today.expected.any():
        return level, None
    # sums over customers must not depend on who is who, so their order is that of the data
    order = np.lexsort((seen, *features.T))
    back = np.argsort(order)
    weight = level[order] / level.mean() if around == "btyd" else np.ones(len(order))
    found = learner(features[order], seen[order] / level[order], weight)
    return found.predict(features[order])[back] * level, found


def apply(
    regression: Regression | None, around: Around, features: Floats, expected: Floats
) -> Floats:
    """Return today's predictions, at the level of the expectation."""
    if regression is None or not expected.any():
        return expected
    now = regression.predict(features) * (expected if around == "btyd" else 1.0)
    return np.asarray(now * (float(expected.sum()) / float(now.sum())))


def _level(seen: Floats, expected: Floats, around: Around) -> Floats:
    """Return what each customer of a past window is compared with; it adds up to what was seen."""
    base = expected if around == "btyd" else np.ones_like(expected)
    scaled = base * (float(seen.sum()) / max(float(base.sum()), LEAST**2))
    return np.asarray(np.maximum(scaled, LEAST * max(float(scaled.mean()), LEAST)))


def _capped(value: Floats) -> Floats:
    """Cap values at their 99.9th percentile: one customer must not steer the trees."""
    return np.minimum(value, np.quantile(value, 0.999))


def _common(table: LearningTable) -> list[str]:
    """Return the features that every window has."""
    names = list(table.today.features.columns)
    return [name for name in names if all(name in rows.features for rows in table.past)]


def _known(column: Floats | None) -> Floats:
    assert column is not None
    return column
