"""From a learning table to a forecast: the part that every learned model shares.

A learned model says how much more than expected each customer bought; the level of the total stays
that of the buy-till-you-die expectation, since the season of the last window is no level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from forecast.calendar import Horizon
from forecast.customer_days import CustomerDays
from forecast.errors import NotFittedError, TooLittleDataError, listed
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.learned.day_models import DayModels, Rows
from forecast.models.learned.learning_table import LearningTable
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.newcomers.population import forecast_population
from forecast.models.spread import Shares

__all__ = ["Around", "Learner", "Lesson", "Regression", "forecast_learned"]

Floats = npt.NDArray[np.float64]
Around = Literal["btyd", "mean"]
_LEAST = 1e-6  # of the mean: a weight must be above 0


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
        # by itself around the mean alone value is left out: few customers' amounts would steer it
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


def forecast_learned(
    model: Any,
    *,
    learner: Learner,
    around: Around,
    horizon: str | date,
    population: Population = "existing",
    every: str | None = None,
    scenario: Mapping[str, Any] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Forecast:
    """Forecast the customers of a model's ledger by what it learned, or now learns, of a horizon.

    Parameters
    ----------
    model : object
        With ``ledger_``, whose customers are forecast, and ``lessons_``.
    learner : Learner
    around : {"btyd", "mean"}
        What a customer's purchases are compared with: the expectation of buy-till-you-die models,
        which also weighs the customer, or the mean of his window.

    Raises
    ------
    TooLittleDataError
        If the log has no past window to learn from.
    """
    check_request(
        model, population, scenario, populations=("existing", "new", "all"), draws=draws, seed=seed
    )
    ledger = model.ledger_
    if ledger is None:
        raise NotFittedError(model)
    if population != "existing":
        return forecast_population(
            model, Newcomers.learn(ledger), horizon,
            population=population, every=every, scenario=scenario, draws=draws, seed=seed,
        )  # fmt: skip
    asked = Horizon.parse(horizon)
    windows, window = asked.periods(ledger.cutoff, every), asked.window(ledger.cutoff)
    lesson = model.lessons_.of(asked, lambda past: Lesson.learn(past, asked, learner, around))
    today = _today(lesson.models, ledger, window.days)
    features = lesson.features(today)
    purchases = apply(lesson.purchases, around, features, today.expected)
    value = None
    if today.order_value is not None:
        value = ordered = np.asarray(purchases * today.order_value)
        if around == "btyd":
            usual = today.expected * today.order_value
            alone = apply(lesson.value, around, features, usual)
            ratio = ordered.sum() / max(float(alone.sum()), _LEAST)
            value = np.asarray((ordered + alone * ratio) / 2)
    shares = Shares.by_days(windows, len(purchases))
    sampler = AnalogueDraws(lesson.analogues, purchases, value, shares, draws, seed)
    active = lesson.analogues.p_active(purchases, purchases)
    return forecast_existing(
        model,
        cutoff=ledger.cutoff,
        horizon=asked,
        windows=windows,
        customers=customer_table(today.features.index, active, purchases, value),
        shares=shares,
        sampler=sampler if draws else None,
        notes=lesson.notes,
    )


# the members of an ensemble ask for the same rows one after the other; they go with their ledger
_TODAY: "WeakKeyDictionary[Ledger, tuple[DayModels, int, Rows]]" = WeakKeyDictionary()


def _today(models: DayModels, ledger: Ledger, days: int) -> Rows:
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
    scaled = base * (float(seen.sum()) / max(float(base.sum()), _LEAST**2))
    return np.asarray(np.maximum(scaled, _LEAST * max(float(scaled.mean()), _LEAST)))


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
