"""Run a backtest: stand on past days, forecast forward, and compare with what happened."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from forecast.backtest.book import Book
from forecast.backtest.origins import origin_days
from forecast.backtest.result import Backtest
from forecast.backtest.scores import ZERO
from forecast.backtest.trial import run_trial
from forecast.calendar import Horizon
from forecast.errors import UsageError, listed
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["backtest"]

Models = Forecaster | Mapping[str, Forecaster] | Sequence[Forecaster]
Progress = Callable[[int, int, str], object]


def backtest(
    ledger: Ledger,
    models: Models,
    *,
    horizon: str | Horizon = "13W",
    origins: int | Iterable[Any] = 6,
    step: str | Horizon | None = None,
    populations: Sequence[Population] = ("existing", "all"),
    draws: int = 200,
    seed: int = 0,
    min_history: str | Horizon | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Forecast from past days with copies of the models and set beside it what happened.

    At each origin every model sees ``ledger.cut(origin)`` and nothing later. A model that breaks,
    or answers another question, is recorded in ``Backtest.runs`` and the run goes on.

    Parameters
    ----------
    ledger : Ledger
        The whole log; its cutoff is the end of the last window.
    models : mapping of name to Forecaster, sequence of Forecasters, or one Forecaster
        Unfitted or not: copies are fitted. Without names a model is called after its class, the
        second of a class ``"Class 2"``. The order of a mapping does not matter.
    horizon : str or Horizon
        Length of the window to forecast.
    origins : int or dates
        How many origins, the last one horizon before the cutoff, or which days.
    step : str or Horizon, optional
        From one origin to the next; one horizon by default.
    populations : sequence of {"existing", "new", "all"}
        Whom to forecast; actuals are those of the same population.
    draws : int
        Simulated futures behind each interval; 0 for expectations alone.
    seed : int
        Same ledger, models and seed give the same numbers.
    min_history : str or Horizon, optional
        History the first origin needs; one horizon by default.
    progress : callable, optional
        Called as ``progress(done, total, label)`` after each model at each origin.

    Returns
    -------
    Backtest

    Raises
    ------
    HorizonError
        If a length has no unit or is a date.
    TooLittleDataError
        If the log is too short for the origins; the message says how many fit.
    CutoffError
        If an origin's window has not happened yet.
    UsageError
        If there are no models, a name is taken, or a population is unknown or doubled.
    """
    named, asked = _named(models), _asked(populations)
    length = Horizon.parse(horizon)
    if draws < 0 or draws == 1:
        raise UsageError(f"draws: {draws} must be 0 (no intervals) or at least 2.")
    days = origin_days(
        *(ledger.cutoff, length, origins, step),
        first_day=ledger.first_day,
        min_history=min_history,
    )
    purchases = ledger.purchases()
    book = Book(length, ledger.has_value)
    for at, day in enumerate(days):
        cut = ledger.cut(day)
        actuals = {population: _whole(ledger, day, length, population) for population in asked}
        book.add_actuals(day, actuals, purchases)
        for done, (name, model) in enumerate(named.items(), start=1):
            trials = run_trial(model, cut, actuals, horizon=length, draws=draws, seed=seed)
            book.add_trials(day, name, trials)
            if progress is not None:
                progress(at * len(named) + done, len(days) * len(named), f"{name} at {day}")
    stride = None if not isinstance(origins, int) else Horizon.parse(step or length, "step")
    return book.close(
        step=stride,
        origins=tuple(days),
        models=tuple(named),
        populations=asked,
        settings={
            "draws": draws,
            "seed": seed,
            "min_history": str(Horizon.parse(min_history or length, "min_history")),
            "first_day": str(ledger.first_day),
            "ledger_cutoff": str(ledger.cutoff),
            "ledger_hash": ledger.summary_hash(),
        },
    )


def _named(models: Models) -> dict[str, Forecaster]:
    """Return models by name, in alphabetical order, so that the given order never matters."""
    named: dict[str, Forecaster] = {}
    if isinstance(models, str):
        raise UsageError(f"models: {models!r} is a name; pass fc.MODELS[{models!r}].")
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        for model in models if isinstance(models, Sequence) else [models]:
            name, number = type(model).__name__, 1
            while name in named:
                number += 1
                name = f"{type(model).__name__} {number}"
            named[name] = model
    if not named:
        raise UsageError("models: none given; pass at least one Forecaster.")
    if ZERO in named:
        raise UsageError(f"models: the name {ZERO!r} is taken by the backtest itself.")
    wrong = [
        name
        for name, model in named.items()
        if isinstance(model, type) or not isinstance(model, Forecaster)
    ]
    if wrong:
        raise UsageError(
            f"models: {len(wrong)} of {len(named)} are no Forecasters with fit and forecast: "
            f"{listed(wrong)}. Pass objects, not classes."
        )
    return dict(sorted(named.items()))


def _asked(populations: Sequence[Population]) -> tuple[Population, ...]:
    known: tuple[Population, ...] = ("existing", "new", "all")
    given = [populations] if isinstance(populations, str) else list(populations)
    if not given or len(set(given)) < len(given) or not set(given) <= set(known):
        raise UsageError(f"populations: {given} must be different ones of {list(known)}.")
    return tuple(each for each in known if each in given)


def _whole(ledger: Ledger, day: date, horizon: Horizon, population: Population) -> pd.DataFrame:
    """Return actuals that always have a value column, missing without amounts."""
    actual = ledger.actuals(day, str(horizon), population=population)
    return actual.reindex(columns=["purchases", "value"]).astype({"value": float})
