"""The last section: what the report was made from, so that it can be made again."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest import Backtest
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.content import Prose, Section, Table
from forecast.report.formats import MISSING, count

__all__ = ["manifest_section", "package_version"]


def package_version(name: str) -> str:
    """Return the installed version of a distribution, or ``unknown``."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def manifest_section(
    ledger: Ledger | None, forecast: Forecast | None, backtest: Backtest | None
) -> Section:
    """Return settings, versions and the fingerprint of the data."""
    rows: list[tuple[str, str]] = []
    if ledger is not None:
        rows += [
            ("Data, first day", str(ledger.first_day)),
            ("Data, cutoff", str(ledger.cutoff)),
        ]
        if ledger.currency is not None:
            rows.append(("Data, currency", ledger.currency))
        if not ledger.on_spark:
            rows.append(("Data, fingerprint", ledger.summary_hash()))
    if forecast is not None:
        rows += [
            ("Forecast, model", forecast.model),
            ("Forecast, cutoff", str(forecast.cutoff)),
            ("Forecast, horizon", str(forecast.horizon)),
            ("Forecast, population", forecast.population),
        ]
        if forecast.sampler is not None:
            rows.append(("Forecast, draws", count(forecast.sampler.draws)))
            seed = getattr(forecast.sampler, "seed", None)
            if isinstance(seed, int):
                rows.append(("Forecast, seed", str(seed)))
    if backtest is not None:
        rows += [
            ("Backtest, models", ", ".join(backtest.models)),
            ("Backtest, horizon", str(backtest.horizon)),
            ("Backtest, step", str(backtest.step or "given days")),
            ("Backtest, cutoffs", ", ".join(str(each) for each in backtest.origins)),
            ("Backtest, populations", ", ".join(backtest.populations)),
        ]
        for name, setting in backtest.settings.items():
            what = f"Backtest, {name.replace('_', ' ')}"
            if isinstance(setting, Mapping):
                rows += [(f"{what}: {key}", str(each)) for key, each in setting.items()]
            else:
                rows.append((what, MISSING if setting is None else str(setting)))
    rows += [("Made by", call) for call in _calls(forecast, backtest)]
    rows += [
        ("ltv-forecast", package_version("ltv-forecast")),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
        ("pandas", pd.__version__),
    ]
    table = Table("Settings and versions", ("What", "Value"), tuple(rows), (False, False))
    text = "The same data, settings, seed and versions give the same page, but for seconds."
    return Section("manifest", "How this was made", [table, Prose((text,), small=True)])


def _calls(forecast: Forecast | None, backtest: Backtest | None) -> list[str]:
    """Write the calls that make the same again, from the same ledger and models."""
    calls = []
    if forecast is not None:
        asked: dict[str, Any] = {"population": forecast.population}
        if forecast.sampler is not None:
            seed = getattr(forecast.sampler, "seed", None)
            asked |= {"draws": forecast.sampler.draws}
            asked |= {"seed": seed} if isinstance(seed, int) else {}
        calls.append(f"model.forecast({_arguments(str(forecast.horizon), asked)})")
    if backtest is not None:
        kept = ("history", "gap", "burn_in", "refit", "min_history", "draws", "seed")
        settings = {name: backtest.settings.get(name) for name in kept}
        days = [str(day) for day in backtest.origins]
        lengths = [str(each) for each in backtest.horizons]
        asked = {"origins": days, "populations": list(backtest.populations)}
        asked |= {"untouched": len(backtest.untouched)} if backtest.untouched else {}
        asked |= {name: each for name, each in settings.items() if each not in (None, 1)}
        first = f"ledger, models, horizon={lengths if len(lengths) > 1 else lengths[0]!r}"
        calls.append(f"fc.backtest({first}, {_arguments(None, asked)})")
    return calls


def _arguments(first: str | None, named: dict[str, Any]) -> str:
    texts = [] if first is None else [repr(first)]
    return ", ".join([*texts, *(f"{name}={each!r}" for name, each in named.items())])
