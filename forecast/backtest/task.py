"""A model at the origins that share its fit: what one worker does without speaking to others."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest.attempt import Attempt, line
from forecast.backtest.folder import Folder, rows
from forecast.backtest.plan import Plan
from forecast.backtest.stored_tables import write_table
from forecast.backtest.trial import Answer, ask, score
from forecast.calendar import Horizon
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["Task", "failure", "run_task"]


@dataclass(frozen=True)
class Task:
    """One model, and the origins that share its fit, from the one it is fitted at."""

    model: str
    origins: tuple[date, ...]


def run_task(
    task: Task, model: Forecaster, ledger: Ledger, plan: Plan, folder: Folder
) -> Iterator[date]:
    """Run the trials of a task that have no record yet; yield each origin when it has one.

    A model with a method ``update(ledger)`` keeps its parameters from the first origin on and
    takes the new histories; another one is fitted anew and its notes say so.

    Parameters
    ----------
    task : Task
        Which model and origins.
    model : Forecaster
        Left as it is: a copy is fitted.
    ledger : Ledger
        The whole log; the model sees its cuts.
    plan : Plan
        The question.
    folder : Folder
        Has what happened after each origin, and takes what is found.
    """
    from threadpoolctl import threadpool_limits

    fitted: Any = None
    fitted_on: date | None = None
    updates = callable(getattr(model, "update", None))
    with threadpool_limits(limits=1):  # the same sums in every worker, and no fight for cores
        for day in task.origins:
            finished = folder.finished(day, task.model)
            if finished and not (
                updates and fitted is None and folder.read(day, task.model)["fitted"]
            ):
                continue
            cut, fitting = plan.log(ledger, day).cut(day), Attempt()
            if updates and fitted is not None:
                fitting.notes.append(f"The parameters are those of {fitted_on}.")
                with fitting.watched(plan.seed):
                    fitted = copy.deepcopy(fitted).update(cut)
            else:
                if fitted_on is not None:
                    fitting.notes.append("Fitted anew: the model has no update().")
                fitted = None
                with fitting.watched(plan.seed):
                    fitted, fitted_on = copy.deepcopy(model).fit(cut), day
            if not finished:
                trials = _trials(fitted, fitting, cut, plan, folder, task.model)
                record = {
                    "fitted": not fitting.error,
                    "parameters": {} if fitting.error else _parameters(fitted),
                    "trials": trials,
                }
                folder.write(record, day, task.model)
                yield day


def failure(plan: Plan, error: str) -> dict[str, Any]:
    """Return the record of a model that could not tell what became of it."""
    attempt = Attempt("failed", line(error))
    trials = [
        _trial(horizon, population, attempt, Attempt(), None)
        for horizon in plan.horizons
        for population in plan.populations
    ]
    return {"fitted": False, "parameters": {}, "trials": trials}


def _trials(
    fitted: Any, fitting: Attempt, cut: Ledger, plan: Plan, folder: Folder, model: str
) -> list[dict[str, Any]]:
    """Ask for every window and population, and write the forecasts by customer."""
    origin, trials = cut.cutoff, []
    known = pd.read_parquet(folder.customers(origin))
    for horizon in plan.horizons:
        rng_key = [plan.seed, origin.toordinal(), horizon.count, "DWMY".index(horizon.unit)]
        for population in plan.populations:
            asking, scoring = Attempt(), Attempt()
            forecast = answer = None
            if not fitting.error:
                actual = pd.read_parquet(folder.actuals(origin, horizon, population))
                members = known.index if population == "existing" else actual.index
                with asking.watched(plan.seed):
                    forecast = ask(
                        fitted, cut, horizon, population, plan=plan, known=known, members=members
                    )
                    asking.notes.extend(forecast.notes)
            if forecast is not None:
                with scoring.watched(plan.seed):
                    rng = np.random.default_rng(rng_key)
                    answer = score(forecast, actual, known["cohort"], rng)
                asking.status, asking.error = scoring.status, scoring.error
            if answer is not None and answer.customers is not None and len(answer.customers):
                write_table(answer.customers, folder.forecasts(origin, horizon, model, population))
            called = "" if forecast is None else forecast.model
            trials.append(_trial(horizon, population, fitting, asking, answer, called))
    return trials


def _trial(
    horizon: Horizon,
    population: Population,
    fitting: Attempt,
    asking: Attempt,
    answer: Answer | None,
    called: str = "",
) -> dict[str, Any]:
    outcome = fitting if fitting.error else asking
    notes = dict.fromkeys(line(note) for note in (*fitting.notes, *asking.notes))
    customers = None if answer is None else answer.customers
    return {
        "run": {
            "horizon": str(horizon),
            "population": population,
            "called": line(called),
            "status": outcome.status,
            "error": outcome.error,
            "notes": "; ".join(notes),
            "customers": 0 if customers is None else len(customers),
            "fit_seconds": fitting.seconds,
            "forecast_seconds": asking.seconds,
        },
        "total": None if answer is None else answer.total,
        "periods": [] if answer is None else rows(answer.periods),
        "cohorts": [] if answer is None else rows(answer.cohorts),
    }


def _parameters(fitted: Any) -> dict[str, float]:
    """Return what was estimated: ``parameters_``, or the ``params`` of the fits it holds."""
    named = getattr(fitted, "parameters_", None)
    if named is None:
        named = {
            f"{part.removesuffix('_')}.{name}": value
            for part, fit in vars(fitted).items()
            if part.endswith("_") and isinstance(getattr(fit, "params", None), Mapping)
            for name, value in fit.params.items()
        }
    return {str(name): float(value) for name, value in named.items()}
