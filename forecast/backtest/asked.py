"""Checking what a backtest is asked, before long work begins."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from forecast.backtest.evidence import ZERO
from forecast.backtest.origins import a_length, origin_days
from forecast.backtest.plan import Plan, settings_of
from forecast.backtest.selection import tuning
from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UnsupportedError, UsageError, listed
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["plan_of"]


def plan_of(
    ledger: Ledger,
    models: Any,
    *,
    horizon: Any,
    origins: int | Iterable[Any],
    step: Any,
    history: Any,
    gap: Any,
    min_history: Any,
    burn_in: Any,
    populations: Sequence[Population],
    refit: Any,
    untouched: int,
    draws: int,
    seed: int,
    workers: int,
) -> tuple[Plan, dict[str, Forecaster]]:
    """Return the plan and the models by name; parameters and errors as in :func:`backtest`."""
    named, asked = _named(models), _asked(populations)
    if ledger.on_spark:
        raise UnsupportedError("A Spark ledger keeps its rows in Spark; read a local one.")
    given = list(horizon) if isinstance(horizon, list | tuple) else [horizon]
    horizons = tuple(Horizon.parse(each) for each in given)
    if len(set(horizons)) < len(horizons):
        raise UsageError(f"horizon: {[str(each) for each in horizons]} must be different ones.")
    if draws < 0 or draws == 1:
        raise UsageError(f"draws: {draws} must be 0 (no intervals) or at least 2.")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise UsageError(f"seed: {seed!r} must be a whole number of 0 or more.")
    if not isinstance(workers, int) or workers < 1:
        raise UsageError(f"workers: {workers!r} must be a number of processes, at least 1.")
    lengths = {
        name: None if value is None else a_length(value, name)
        for name, value in (("history", history), ("gap", gap), ("burn_in", burn_in))
    }
    if min_history is None:
        min_history = lengths["history"]
    days = origin_days(
        ledger.cutoff, horizons, origins, step,
        gap=lengths["gap"], first_day=ledger.first_day, min_history=min_history,
    )  # fmt: skip
    longest = max(horizons, key=lambda each: each.mean_days(ledger.cutoff))
    if not isinstance(untouched, int) or isinstance(untouched, bool) or untouched < 0:
        raise UsageError(f"untouched: {untouched!r} must be a number of origins, 0 or more.")
    apart = tuple(days[len(days) - untouched :]) if untouched < len(days) else tuple(days)
    if not tuning(tuple(days), apart, horizons, lengths["gap"]):
        raise TooLittleDataError(
            f"untouched: with {untouched} of {len(days)} origins kept apart none is left whose "
            "windows end before theirs begin. Ask for more origins or fewer untouched."
        )
    plan = Plan(
        horizons=horizons,
        **lengths,
        step=None if not isinstance(origins, int) else Horizon.parse(step or longest, "step"),
        origins=tuple(days),
        untouched=apart,
        models=tuple(named),
        populations=asked,
        has_value=ledger.has_value,
        refit=_refit(refit),
        draws=draws,
        seed=seed,
        facts={
            "version": version("ltv-forecast"),
            "min_history": str(Horizon.parse(min_history or longest, "min_history")),
            "first_day": str(ledger.first_day),
            "ledger_cutoff": str(ledger.cutoff),
            "ledger_hash": ledger.summary_hash(),
            **({} if ledger.currency is None else {"currency": ledger.currency}),
            "model_settings": {name: settings_of(model) for name, model in named.items()},
        },
    )
    return plan, named


def _named(models: Any) -> dict[str, Forecaster]:
    """Return models by name, in alphabetical order, so that the given order never matters."""
    named: dict[str, Forecaster] = {}
    if isinstance(models, str):
        raise UsageError(f"models: {models!r} is a name; pass fc.MODELS[{models!r}].")
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        for model in models if isinstance(models, Sequence) else [models]:
            first = str(getattr(model, "name", type(model).__name__))
            name, number = first, 1
            while name in named:
                number += 1
                name = f"{first} {number}"
            named[name] = model
    if not named:
        raise UsageError("models: none given; pass at least one Forecaster.")
    if ZERO in named:
        raise UsageError(f"models: the name {ZERO!r} is taken by the backtest itself.")
    given = [model for model in named.values() if isinstance(model, str)]
    if given:
        shown = ", ".join(f"{name!r}: fc.MODELS[{name!r}]" for name in given)
        raise UsageError(f"models: give models, not names: {{{shown}}}.")
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


def _refit(given: Any) -> int:
    """Return at each how many origins models are fitted, 0 for the first alone."""
    if given is False or given == "never":
        return 0
    if isinstance(given, int) and given >= 1:
        return int(given)
    raise UsageError(
        f"refit: {given!r} must be True (at every origin), a number k (at each k-th) or 'never'."
    )
