"""From a learning table to a forecast: the part that every learned model shares.

A learned model says how much more than expected each customer bought; the level of the total stays
that of the buy-till-you-die expectation, since the season of the last window is no level.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from forecast.calendar import Horizon
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.learned.learning_table import LearningTable
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.newcomers.population import forecast_population
from forecast.models.spread import Shares

__all__ = ["Around", "Learner", "forecast_learned"]

Floats = npt.NDArray[np.float64]
Around = Literal["btyd", "mean"]
_LEAST = 1e-6  # of the mean: a weight must be above 0


class Learner(Protocol):
    """A regression with a logarithmic link."""

    def __call__(
        self, features: Floats, target: Floats, weight: Floats, today: Floats
    ) -> tuple[Floats, Floats]:
        """Return predictions, all above 0, for the rows learned from and for today's."""
        ...


def forecast_learned(
    model: Any,
    ledger: Ledger,
    horizon: str | date,
    *,
    learner: Learner,
    around: Around,
    population: Population = "existing",
    every: str | None = None,
    scenario: Mapping[str, Any] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Forecast:
    """Learn from past windows and forecast today's customers.

    Parameters
    ----------
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
    if population != "existing":
        return forecast_population(
            model, Newcomers.learn(ledger), horizon,
            population=population, every=every, scenario=scenario, draws=draws, seed=seed,
        )  # fmt: skip
    asked = Horizon.parse(horizon)
    windows, window = asked.periods(ledger.cutoff, every), asked.window(ledger.cutoff)
    table = LearningTable.of(ledger, window)
    bought = [_known(rows.purchases) for rows in table.past]
    then, purchases = _learned(
        table, learner, around, bought, [rows.expected for rows in table.past], table.today.expected
    )
    value = _value(table, learner, around, purchases)
    stretch = window.days / table.days
    analogues = Analogues.learn(
        then * stretch,
        np.concatenate(bought),
        np.concatenate([_known(rows.value) for rows in table.past]) if table.has_value else None,
    )
    shares = Shares.by_days(windows, len(purchases))
    sampler = AnalogueDraws(analogues, purchases, value, shares, draws, seed)
    active = analogues.p_active(purchases, purchases)
    return forecast_existing(
        model,
        cutoff=ledger.cutoff,
        horizon=asked,
        windows=windows,
        customers=customer_table(table.today.features.index, active, purchases, value),
        shares=shares,
        sampler=sampler if draws else None,
        notes=table.notes,
    )


def _value(
    table: LearningTable, learner: Learner, around: Around, purchases: Floats
) -> Floats | None:
    """Return purchases times order value, averaged with value learned by itself around it.

    Value by itself around the mean alone is left out: few customers' amounts would steer it.
    """
    if not table.has_value:
        return None
    spent = [_capped(_known(rows.value)) for rows in table.past]
    usual = [rows.expected * _known(rows.order_value) for rows in table.past]
    order_value = _known(table.today.order_value)
    ordered = np.asarray(purchases * order_value)
    if around == "mean":
        return ordered
    alone = _learned(table, learner, around, spent, usual, table.today.expected * order_value)[1]
    return np.asarray((ordered + alone * (ordered.sum() / max(float(alone.sum()), _LEAST))) / 2)


def _learned(
    table: LearningTable,
    learner: Learner,
    around: Around,
    outcomes: list[Floats],
    expected: list[Floats],
    today_expected: Floats,
) -> tuple[Floats, Floats]:
    """Return predictions for the past rows and today's, each window at its own level."""
    names = _common(table)
    features = np.concatenate([rows.features[names].to_numpy(float) for rows in table.past])
    today = table.today.features[names].to_numpy(float)
    seen = np.concatenate(outcomes)
    level = np.concatenate([_level(*each, around) for each in zip(outcomes, expected, strict=True)])
    if not seen.any() or not today_expected.any():
        return level, today_expected
    # sums over customers must not depend on who is who, so their order is that of the data
    order = np.lexsort((seen, *features.T))
    back = np.argsort(order)
    weight = level[order] / level.mean() if around == "btyd" else np.ones(len(order))
    then, now = learner(features[order], seen[order] / level[order], weight, today)
    now = now * (today_expected if around == "btyd" else 1.0)
    return then[back] * level, now * (float(today_expected.sum()) / float(now.sum()))


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
