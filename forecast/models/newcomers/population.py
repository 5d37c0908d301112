"""Existing customers by a model of each, new ones by a pooled curve, and all of them together."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Any, Self

import numpy as np

from forecast.calendar import Horizon
from forecast.draws import accumulate
from forecast.errors import NotFittedError
from forecast.forecaster import Forecast, Forecaster, Population, check_request
from forecast.ledger import Ledger
from forecast.models.newcomers.newcomer_draws import TotalDraws, draw_newcomers
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.settings import Settings

__all__ = ["CustomerModel", "forecast_population"]


class CustomerModel(Settings, ABC):
    """A model of existing customers; those still to come follow a pooled curve by age.

    Its ``fit`` sets ``ledger_``; its ``_existing`` is asked once the request is checked.
    """

    ledger_: Ledger | None
    populations = ("existing", "new", "all")

    @abstractmethod
    def fit(self, ledger: Ledger) -> Self:
        """Learn from the purchases up to ``ledger.cutoff`` and return the model itself."""

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Raises
        ------
        TooLittleDataError
            If the log is too short to learn from for this horizon or population.
        """
        check_request(
            self, population, scenario, populations=self.populations, draws=draws, seed=seed
        )
        if self.ledger_ is None:
            raise NotFittedError(self)
        asked = Horizon.parse(horizon)
        if population == "existing":
            return self._existing(asked, every, draws, seed)
        return forecast_population(
            self, Newcomers.learn(self.ledger_), asked,
            population=population, every=every, draws=draws, seed=seed,
        )  # fmt: skip

    @abstractmethod
    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        """Forecast the customers of the ledger."""


def forecast_population(
    model: Forecaster,
    newcomers: Newcomers,
    horizon: Horizon,
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
    """
    cutoff = newcomers.acquisition.cutoff
    windows = horizon.periods(cutoff, every)
    purchases, value = newcomers.expect(windows)
    drawn = draw_newcomers(newcomers, windows, draws, seed) if draws else None
    sampler = None if drawn is None else TotalDraws(*drawn, seed)
    name, notes = type(model).__name__, newcomers.notes
    if population == "all":
        existing = model.forecast(
            str(horizon), every=every, scenario=scenario, draws=draws, seed=seed
        )
        purchases = purchases + existing.periods["expected_purchases"].to_numpy()
        if value is not None:
            value = value + existing.periods["expected_value"].to_numpy()
        sampler = None if drawn is None else _added(existing, *drawn, seed)
        name, notes = existing.model, (*existing.notes, *notes)
    return Forecast.build(
        model=name,
        cutoff=cutoff,
        horizon=horizon,
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
