"""The book kept while a backtest runs: rows come in by origin and model, tables come out."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest.result import Backtest
from forecast.backtest.trial import Trial
from forecast.calendar import Horizon, Window
from forecast.forecaster import BOUNDS, Population

__all__ = ["Book"]

_EXPECTED = ["expected_purchases", "expected_value"]
_ACTUAL = ["actual_purchases", "actual_value"]
_KEY = ["cutoff", "horizon", "model", "population"]
_RUNS = [
    "cutoff", "model", "population", "status", "error", "notes", "customers",
    "fit_seconds", "forecast_seconds",
]  # fmt: skip
_PERIODS = [*_KEY, "start", "end", *_EXPECTED, *BOUNDS, *_ACTUAL]
_TOTALS = [*_KEY, *_EXPECTED, *BOUNDS, *_ACTUAL]


class Book:
    """Collects rows while a backtest runs."""

    def __init__(self, horizon: Horizon, has_value: bool) -> None:
        self.horizon, self.has_value = horizon, has_value
        self.runs: list[dict[str, Any]] = []
        self.totals: list[dict[str, Any]] = []
        self.periods: list[pd.DataFrame] = []
        self.happened: list[pd.DataFrame] = []
        self.actuals: dict[tuple[date, Population], pd.DataFrame] = {}
        self.forecasts: dict[tuple[date, str, Population], pd.DataFrame] = {}

    def add_actuals(
        self, day: date, actuals: Mapping[Population, pd.DataFrame], purchases: pd.DataFrame
    ) -> None:
        """Keep what happened after ``day``, by customer and by period."""
        windows = self.horizon.periods(day)
        for population, actual in actuals.items():
            self.actuals[day, population] = actual
            table = _by_period(purchases, actual.index, windows, self.has_value)
            table.insert(0, "cutoff", _stamp(day))
            table.insert(1, "population", population)
            self.happened.append(table)

    def add_trials(self, day: date, model: str, trials: list[Trial]) -> None:
        """Keep what became of one model at one origin."""
        for trial in trials:
            key: dict[str, Any] = {
                "cutoff": _stamp(day),
                "horizon": str(self.horizon),
                "model": model,
                "population": trial.population,
            }
            answer = trial.answer
            customers = None if answer is None else answer.customers
            if customers is not None and len(customers):
                self.forecasts[day, model, trial.population] = customers
            count = 0 if customers is None else len(customers)
            self.runs.append(key | vars(trial) | {"customers": count})
            if answer is None:
                continue
            table = answer.periods.copy()
            for name, value in key.items():
                table[name] = value
            self.periods.append(table)
            actual = self.actuals[day, trial.population]
            sums = {f"actual_{name}": float(actual[name].sum(skipna=False)) for name in actual}
            self.totals.append(key | answer.total | sums)

    def close(self, **rest: Any) -> Backtest:
        """Assemble the tables."""
        happened = pd.concat(self.happened, ignore_index=True)
        on = ["cutoff", "population", "start", "end"]
        periods = pd.concat(self.periods, ignore_index=True) if self.periods else _empty(_PERIODS)
        for name in ("start", "end"):
            periods[name] = periods[name].astype("datetime64[us]")
        periods = periods.merge(happened, on=on, how="left") if len(periods) else periods
        return Backtest(
            horizon=self.horizon,
            has_value=self.has_value,
            runs=pd.DataFrame(self.runs)[_RUNS],
            periods=periods[_PERIODS],
            totals=pd.DataFrame(self.totals, columns=_TOTALS) if self.totals else _empty(_TOTALS),
            period_actuals=happened,
            actuals=self.actuals,
            forecasts=self.forecasts,
            **rest,
        )


def _by_period(
    purchases: pd.DataFrame, customers: "pd.Index[Any]", windows: list[Window], has_value: bool
) -> pd.DataFrame:
    """Count the purchases of ``customers`` in each window."""
    starts = pd.DatetimeIndex([_stamp(window.start) for window in windows])
    ends = pd.DatetimeIndex([_stamp(window.end) for window in windows])
    inside = purchases[(purchases["date"] >= starts[0]) & (purchases["date"] < ends[-1])]
    inside = inside[inside["customer_id"].isin(customers)]
    period = np.searchsorted(starts.to_numpy(), inside["date"].to_numpy(), side="right") - 1
    value = np.full(len(windows), np.nan)
    if has_value:
        value = np.bincount(period, inside["value"].to_numpy(float), minlength=len(windows))
    count = np.bincount(period, minlength=len(windows)).astype(float)
    return pd.DataFrame(
        {
            "start": starts.astype("datetime64[us]"),
            "end": ends.astype("datetime64[us]"),
            "actual_purchases": count,
            "actual_value": value,
        }
    )


def _stamp(day: date) -> pd.Timestamp:
    return pd.Timestamp(day).as_unit("us")


def _empty(columns: list[str]) -> pd.DataFrame:
    kinds = {"cutoff": "datetime64[us]", "start": "datetime64[us]", "end": "datetime64[us]"}
    text = {"horizon": "str", "model": "str", "population": "str"}
    return pd.DataFrame(columns=columns).astype(
        {name: kinds.get(name) or text.get(name) or "float64" for name in columns}
    )
