"""Populations "new" and "all" for every model of existing customers."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from forecast.calendar import Horizon
from forecast.draws import accumulate
from forecast.forecaster import Forecast, Forecaster, Population
from forecast.models.newcomers.newcomer_draws import TotalDraws, draw_newcomers
from forecast.models.newcomers.newcomers import Newcomers

__all__ = ["forecast_population"]


def forecast_population(
    model: Forecaster,
    newcomers: Newcomers,
    horizon: str | date,
    *,
    population: Population,
    every: str | None = None,
    scenario: Mapping[str, Any] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Forecast:
    """Forecast newcomers, alone or added to what a model forecasts for existing customers.

    Totals only: nobody knows the newcomers by name. Draw d of ``"all"`` is draw d of the existing
    customers plus draw d of the newcomers, which is independent of it.

    Parameters
    ----------
    model : Forecaster
        Fitted; asked for ``"existing"`` where ``population`` is ``"all"``.
    newcomers : Newcomers
        Learned from the same ledger.
    horizon, every, scenario, draws, seed
        As for :meth:`forecast.Forecaster.forecast`; a scenario changes existing customers alone.
    population : {"new", "all"}

    Examples
    --------
    The last lines of a model's ``forecast`` whose own part is the existing customers::

        if population != "existing":
            newcomers = Newcomers.learn(self.ledger_)
            return forecast_population(
                self, newcomers, horizon, population=population, every=every,
                scenario=scenario, draws=draws, seed=seed,
            )
    """
    asked, cutoff = Horizon.parse(horizon), newcomers.acquisition.cutoff
    windows = asked.periods(cutoff, every)
    purchases, value = newcomers.expect(windows)
    drawn = draw_newcomers(newcomers, windows, draws, seed) if draws else None
    sampler = None if drawn is None else TotalDraws(*drawn, seed)
    name, notes = type(model).__name__, newcomers.notes
    if population == "all":
        existing = model.forecast(horizon, every=every, scenario=scenario, draws=draws, seed=seed)
        purchases = purchases + existing.periods["expected_purchases"].to_numpy()
        if value is not None:
            value = value + existing.periods["expected_value"].to_numpy()
        sampler = None if drawn is None else _added(existing, *drawn, seed)
        name, notes = existing.model, (*existing.notes, *notes)
    return Forecast.build(
        model=name,
        cutoff=cutoff,
        horizon=asked,
        windows=windows,
        population=population,
        customers=None,
        period_purchases=purchases,
        period_value=value,
        sampler=sampler,
        notes=notes,
    )


def _added(
    existing: Forecast,
    purchases: "np.ndarray[Any, np.dtype[np.int64]]",
    value: "np.ndarray[Any, np.dtype[np.float64]] | None",
    seed: int,
) -> TotalDraws | None:
    """Add the draws of the newcomers to those of the existing customers, if these have any."""
    if existing.sampler is None:
        return None
    counts, amounts = accumulate(existing.sampler, len(existing.periods))
    whole = purchases + np.rint(counts[:, 0]).astype(np.int64)
    return TotalDraws(
        whole, None if value is None or amounts is None else value + amounts[:, 0], seed
    )
