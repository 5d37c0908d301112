"""What a model did at all origins, judged customer by customer.

Windows of different origins may overlap, so a customer's errors at two origins are no independent
evidence. Errors are summed by customer first, and tests are made on those sums.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.backtest.checks.check import tail_of_sum
from forecast.backtest.checks.histories import Floats, Histories
from forecast.backtest.checks.origin_errors import PIT_BINS, TARGETS, origin_errors, pit_counts
from forecast.backtest.result import Backtest

__all__ = ["RIVALS", "Effect", "TrackRecord", "is_naive", "track_records"]

RIVALS = {"zero": "forecasting nothing", "own": "everybody's own past rate"}
_NAIVE = ("ownrate", "zero", "lastyear")


class Effect(NamedTuple):
    """The size of an effect and the chance of one as large without it."""

    size: float
    p_value: float


@dataclass(frozen=True)
class TrackRecord:
    """How one model did at one horizon, existing customers, all origins.

    Attributes
    ----------
    model, horizon : str
        Which.
    customers : int
        How many different ones.
    noise : mapping of target to Effect
        Squared error over the least that chance leaves; p of being below 1.
    foresight : Effect or None
        Correlation of forecast and actual purchases, equal histories held equal; p of being 0.
    against : mapping of (rival, target) to Effect
        RMSE over that of a rival of ``RIVALS``; p of being at most 1.
    covered : mapping of target to Effect
        Share inside the 90 % bounds; p of being at least 0.9.
    pit : mapping of target to Effect
        Largest distance of the PITs' distribution from uniform; p of being 0.
    """

    model: str
    horizon: str
    customers: int
    noise: Mapping[str, Effect]
    foresight: Effect | None
    against: Mapping[tuple[str, str], Effect]
    covered: Mapping[str, Effect]
    pit: Mapping[str, Effect]

    @property
    def name(self) -> str:
        """Model and horizon."""
        return f"{self.model} over {self.horizon}"


def track_records(backtest: Backtest, histories: Histories | None) -> Iterator[TrackRecord]:
    """Yield the record of each model at each horizon; the rows of one are in memory at a time."""
    mine: dict[tuple[str, str], list[date]] = {}
    own = {}
    for origin, horizon, model, population in backtest.forecasts:
        if population == "existing":
            mine.setdefault((model, horizon), []).append(origin)
            if _plain(model) == "ownrate":
                own[origin, horizon] = model
    for model, horizon in sorted(mine, key=lambda key: backtest.models.index(key[0])):
        sums: pd.DataFrame | None = None
        pit = {target: np.zeros(PIT_BINS) for target in TARGETS}
        for origin in sorted(mine[model, horizon]):
            naive = own.get((origin, horizon))
            forecast = _scored(backtest, origin, horizon, model)
            part = origin_errors(
                forecast,
                backtest.actuals[origin, horizon, "existing"].reindex(forecast.index),
                origin=origin,
                horizon=horizon,
                histories=histories,
                own_rate=None if naive is None else _scored(backtest, origin, horizon, naive),
            )
            sums = part if sums is None else sums.add(part, fill_value=0.0)
            for target in TARGETS:
                pit[target] += pit_counts(forecast, target)
        if sums is not None and len(sums):
            yield _judged(model, horizon, sums, pit)


def is_naive(model: str) -> bool:
    """Whether a model stands in the backtest to be beaten, by its name."""
    return _plain(model) in _NAIVE


def _judged(model: str, horizon: str, sums: pd.DataFrame, pit: Mapping[str, Floats]) -> TrackRecord:
    """Turn sums by customer into effects and their chances."""
    column = {str(name): sums[name].to_numpy(float) for name in sums}
    noise, against, covered, distance = {}, {}, {}, {}
    for target in TARGETS:
        error, least = column.get(f"error_{target}"), column.get(f"least_{target}")
        if error is None or least is None:
            continue
        noise[target] = Effect(_ratio(error, least), tail_of_sum(least - error))
        for rival in RIVALS:
            other = column.get(f"{rival}_{target}")
            if other is not None:
                ratio = float(np.sqrt(_ratio(error, other)))
                against[rival, target] = Effect(ratio, tail_of_sum(error - other))
        if (bounded := column.get(f"bounded_{target}")) is not None:
            missed = column[f"missed_{target}"]
            inside = 1 - _ratio(missed, bounded)
            covered[target] = Effect(inside, tail_of_sum(missed - 0.1 * bounded))
        if pit[target].sum() > 0:
            reached = np.cumsum(pit[target]) / pit[target].sum()
            far = float(np.abs(reached - np.arange(1, PIT_BINS + 1) / PIT_BINS).max())
            # first term of Kolmogorov's tail, with customers as the sample
            distance[target] = Effect(far, min(1.0, 2 * float(np.exp(-2 * len(sums) * far**2))))
    foresight = None
    if "told" in column:
        size = float(np.sqrt(column["told_forecast"].sum() * column["told_actual"].sum()))
        correlation = float(column["told"].sum()) / size if size > 0 else 0.0
        foresight = Effect(correlation, tail_of_sum(column["told"]))
    return TrackRecord(model, horizon, len(sums), noise, foresight, against, covered, distance)


def _ratio(part: Floats, whole: Floats) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else 1.0


def _scored(backtest: Backtest, origin: date, horizon: str, model: str) -> pd.DataFrame:
    """Return a forecast of those who have actuals: a burn-in keeps the others out of the scores."""
    forecast = backtest.forecasts[origin, horizon, model, "existing"]
    return forecast[forecast.index.isin(backtest.actuals[origin, horizon, "existing"].index)]


def _plain(name: object) -> str:
    return "".join(filter(str.isalnum, str(name))).lower()
