"""One trial: one model at one origin, fitted on what was known then and forecast forward.

A model that breaks costs its own trial and nothing else. What it answers is checked before it is
believed: the population, the window and, for existing customers, who is forecast.
"""

import copy
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import ForecastError, ModelError, UnsupportedError, listed
from forecast.forecaster import BOUNDS, Forecast, Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["KEPT", "Answer", "Trial", "run_trial"]

KEPT = ["expected_purchases", "expected_value", *BOUNDS, "p_alive", "p_active"]
_EXPECTED = ["expected_purchases", "expected_value"]


@dataclass(frozen=True)
class Answer:
    """What is kept of a forecast: customers, periods and the total with its interval."""

    customers: pd.DataFrame | None
    periods: pd.DataFrame
    total: dict[str, float]


@dataclass(frozen=True)
class Trial:
    """What became of one model, origin and population; ``answer`` is there if status is ok."""

    population: Population
    status: str
    error: str
    notes: str
    fit_seconds: float
    forecast_seconds: float
    answer: Answer | None


def run_trial(
    model: Forecaster,
    cut: Ledger,
    actuals: Mapping[Population, pd.DataFrame],
    *,
    horizon: Horizon,
    draws: int,
    seed: int,
) -> list[Trial]:
    """Fit a copy of ``model`` on ``cut`` and forecast every population that has actuals.

    Parameters
    ----------
    model : Forecaster
        Left as it is: the copy is fitted.
    cut : Ledger
        What was known at the origin, its cutoff.
    actuals : mapping of population to DataFrame
        What happened after; used to check who is forecast, never shown to the model.
    horizon, draws, seed
        Passed to ``forecast``.
    """
    fitting = _Attempt()
    fitted: Any = None
    with fitting.watched(seed):
        fitted = copy.deepcopy(model).fit(cut)
    trials = []
    for population, actual in actuals.items():
        attempt, answer = _Attempt(), None
        if not fitting.error:
            with attempt.watched(seed):
                forecast = fitted.forecast(
                    str(horizon), population=population, draws=draws, seed=seed
                )
                answer = _answer(forecast, cut, horizon, population, actual.index)
                attempt.notes.extend(forecast.notes)
        outcome = fitting if fitting.error else attempt
        notes = dict.fromkeys(_line(note) for note in (*fitting.notes, *attempt.notes))
        trials.append(
            Trial(
                population=population,
                status=outcome.status,
                error=outcome.error,
                notes="; ".join(notes),
                fit_seconds=fitting.seconds,
                forecast_seconds=attempt.seconds,
                answer=None if outcome.error else answer,
            )
        )
    return trials


@dataclass
class _Attempt:
    """Runs a piece of someone's code: times it, keeps its warnings, and survives its errors."""

    status: str = "ok"
    error: str = ""
    seconds: float = float("nan")
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def watched(self, seed: int) -> Iterator[None]:
        state = np.random.get_state()  # noqa: NPY002
        started = time.perf_counter()
        try:
            # models that draw from NumPy's global generator must not depend on who ran before
            np.random.seed(seed % 2**32)  # noqa: NPY002
            with warnings.catch_warnings(record=True) as raised:
                warnings.simplefilter("always")
                for noise in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                    warnings.simplefilter("ignore", noise)
                try:
                    yield
                finally:
                    self.notes.extend(str(each.message) for each in raised)
        except UnsupportedError as error:
            self.status, self.error = "unsupported", _line(error)
        except ForecastError as error:
            self.status, self.error = "failed", _line(error) or type(error).__name__
        except Exception as error:  # a broken model must not end a long run
            self.status, self.error = "failed", _line(f"{type(error).__name__}: {error}")
        finally:
            self.seconds = time.perf_counter() - started
            np.random.set_state(state)  # noqa: NPY002


def _answer(
    forecast: Any, cut: Ledger, horizon: Horizon, population: str, expected: "pd.Index[Any]"
) -> Answer:
    """Check a forecast against the question and keep what the backtest needs."""
    if not isinstance(forecast, Forecast):
        raise ModelError(f"forecast() returned a {type(forecast).__name__}, not a Forecast.")
    if forecast.population != population:
        raise ModelError(f"Asked for population {population!r}, got {forecast.population!r}.")
    asked, got = horizon.window(cut.cutoff), forecast.window
    if got != asked:
        raise ModelError(f"Asked for {asked.start} to {asked.last}, got {got.start} to {got.last}.")
    periods, wanted = forecast.windows, horizon.periods(cut.cutoff)
    if periods != wanted:
        raise ModelError(
            f"Asked for {len(wanted)} periods of one of {horizon.unit_name}, got {len(periods)} "
            "others; without `every`, periods are one unit of the horizon."
        )
    _refuse_gaps(forecast.periods, "periods")
    customers = forecast.customers
    if customers is not None:
        _check_customers(customers.index, expected, complete=population == "existing")
        _refuse_gaps(customers, "customers")
        customers = customers.reindex(columns=KEPT).astype(float).sort_index()
        customers.index.name = "customer_id"
    kept = forecast.periods.reindex(columns=["start", "end", *_EXPECTED, *BOUNDS])
    return Answer(customers, kept.reset_index(drop=True), _total(forecast))


def _total(forecast: Forecast) -> dict[str, float]:
    """Return the expected total and its 90 % interval; what is unknown is missing."""
    interval = pd.DataFrame() if forecast.sampler is None else forecast.interval(0.9)
    total = {}
    for target in ("purchases", "value"):
        known = target in interval.index
        total[f"expected_{target}"] = float(
            forecast.periods[f"expected_{target}"].sum(skipna=False)
        )
        for end in ("lo", "hi"):
            total[f"{target}_{end}_90"] = float(interval[end][target]) if known else float("nan")
    return total


def _check_customers(got: "pd.Index[Any]", expected: "pd.Index[Any]", *, complete: bool) -> None:
    """Refuse a forecast of the wrong customers; unseen ones cannot be listed, so may be absent."""
    faults: dict[str, Sequence[Any]] = {
        "doubled": list(got[got.duplicated()].unique()),
        "unknown": list(got.difference(expected)),
        "missing": list(expected.difference(got)) if complete else [],
    }
    found = [f"{len(ids):,} {name} ({listed(ids)})" for name, ids in faults.items() if ids]
    if found:
        raise ModelError(
            f"Forecast of {len(got):,} customers where {len(expected):,} are known: "
            f"{'; '.join(found)}."
        )


def _refuse_gaps(table: pd.DataFrame, name: str) -> None:
    """Refuse infinite expectations and those that are known for some rows only."""
    for column in table.columns.intersection(_EXPECTED):
        values = table[column].to_numpy(dtype=float)
        missing = int(np.isnan(values).sum())
        if np.isinf(values).any() or 0 < missing < len(values):
            raise ModelError(
                f"{name}: {column} is missing in {missing:,} and infinite in "
                f"{int(np.isinf(values).sum()):,} of {len(values):,} rows."
            )


def _line(text: object) -> str:
    return " ".join(str(text).split())
