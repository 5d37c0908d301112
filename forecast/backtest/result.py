"""What a backtest found: forecasts beside what happened, and the tables that compare them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.backtest import scores, storage
from forecast.backtest.trial import KEPT
from forecast.calendar import Horizon
from forecast.forecaster import Population

__all__ = ["FRAME_COLUMNS", "Backtest"]

FRAME_COLUMNS = [
    "customer_id", "cutoff", "horizon", "model", "population",
    "actual_purchases", "actual_value", *KEPT,
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts made from past days, beside what happened.

    Attributes
    ----------
    horizon : Horizon
        Length of every window.
    step : Horizon or None
        From one origin to the next; None where the days were given.
    origins : tuple of date
        Last day the models saw, oldest first.
    models : tuple of str
        Names, in alphabetical order.
    populations : tuple of str
        Whom was forecast: ``"existing"``, ``"new"``, ``"all"``.
    has_value : bool
        Whether the ledger has amounts; without them every value is missing.
    settings : mapping
        ``draws``, ``seed``, ``min_history``, the ledger's ``first_day``, ``ledger_cutoff`` and
        ``ledger_hash``.
    runs : pandas.DataFrame
        One row an origin, model and population: ``status`` (ok, failed, unsupported), ``error``,
        ``notes`` (what the model said and the warnings it raised), ``customers`` forecast one by
        one, ``fit_seconds``, ``forecast_seconds``.
    periods : pandas.DataFrame
        One row an origin, model, population and period, half-open ``start`` to ``end``:
        ``expected_purchases``, ``expected_value``, 90 % bounds, ``actual_purchases``,
        ``actual_value`` of everybody in the population.
    totals : pandas.DataFrame
        One row an origin, model and population: expected, 90 % interval of the total (from draws;
        it is not the sum of the periods' bounds) and actual, for purchases and value.
    period_actuals : pandas.DataFrame
        What happened by period, once per origin and population.
    actuals : mapping of (origin, population) to DataFrame
        What each customer did in the window.
    forecasts : mapping of (origin, model, population) to DataFrame
        What was forecast by customer; no entry where a model does not split the population.
    """

    horizon: Horizon
    step: Horizon | None
    origins: tuple[date, ...]
    models: tuple[str, ...]
    populations: tuple[Population, ...]
    has_value: bool
    settings: Mapping[str, Any]
    runs: pd.DataFrame = field(repr=False)
    periods: pd.DataFrame = field(repr=False)
    totals: pd.DataFrame = field(repr=False)
    period_actuals: pd.DataFrame = field(repr=False)
    actuals: Mapping[tuple[date, Population], pd.DataFrame] = field(repr=False)
    forecasts: Mapping[tuple[date, str, Population], pd.DataFrame] = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """Every forecast of a customer beside what the customer did; built when asked for.

        Returns
        -------
        pandas.DataFrame
            One row a customer, origin, model and population: ``customer_id``, ``cutoff``,
            ``horizon``, ``model``, ``population``, ``actual_purchases``, ``actual_value``,
            ``expected_purchases``, ``expected_value``, ``purchases_lo_90``, ``purchases_hi_90``,
            ``value_lo_90``, ``value_hi_90``, ``p_alive``, ``p_active``. Models and populations
            that are not forecast by customer have no rows; nor have customers not yet seen.
        """
        parts = []
        for (origin, model, population), forecast in self.forecasts.items():
            actual = self.actuals[origin, population].reindex(forecast.index)
            part = forecast.assign(
                cutoff=pd.Timestamp(origin).as_unit("us"),
                horizon=str(self.horizon),
                model=model,
                population=population,
                actual_purchases=actual["purchases"].astype("int64"),
                actual_value=actual["value"].astype(float),
            )
            parts.append(part.reset_index()[FRAME_COLUMNS])
        if not parts:
            return pd.DataFrame(columns=FRAME_COLUMNS)
        return pd.concat(parts, ignore_index=True)

    def by_origin(
        self, target: str = "purchases", population: Population = "existing"
    ) -> pd.DataFrame:
        """Return the scores of each model at each origin, such as the course of its bias.

        Parameters
        ----------
        target : {"purchases", "value"}
            What is scored.
        population : {"existing", "new", "all"}
            Whom; only customers known at the origin are scored one by one.

        Returns
        -------
        pandas.DataFrame
            ``cutoff``, ``model`` and, for ``"existing"``, every metric of ``METRICS``; for the
            others ``rmse_total`` (root mean squared error of the totals by period, in the unit of
            the target) and ``bias``; and ``total_covered``, 1 where the 90 % interval of the
            window's total held the actual one. No row where a model gave no forecast.
        """
        return scores.by_origin(self, target, population)

    def leaderboard(
        self, target: str = "purchases", population: Population = "existing"
    ) -> pd.DataFrame:
        """Return one row a model, lowest error first, and one for a forecast of nothing.

        Parameters
        ----------
        target, population
            As in :meth:`by_origin`.

        Returns
        -------
        pandas.DataFrame
            Index ``model``; scores are means over origins. For ``"existing"``: ``rmse``,
            ``skill`` (1 minus the RMSE over that of forecasting nothing), ``bias``,
            ``bias_worst`` (the largest in size, with its sign), ``gini``,
            ``top_decile_capture``, ``coverage`` (customers inside their 90 % bounds),
            ``total_coverage`` (origins whose total lay inside its 90 % interval), ``mae``,
            ``origins`` (answered), ``failed`` (not answered), ``fit_seconds``. For ``"new"`` and
            ``"all"``, where customers cannot be listed, ``rmse_total`` takes the place of the
            scores by customer. A model without any failure is scored on all origins, so these
            rows compare like with like; a model that failed somewhere is scored on the origins it
            answered and stands below the rest. A model that does not support the population is
            left out. What a model does not forecast is missing.

        Raises
        ------
        UsageError
            If the target or population is unknown here.
        UnsupportedError
            If value is asked of a ledger without amounts.
        """
        return scores.leaderboard(self, target, population)

    def deciles(self, model: str, target: str = "purchases") -> pd.DataFrame:
        """Return how forecasts compare with what happened, from the lowest tenth to the highest.

        Deciles of existing customers are made inside each origin, then pooled; customers tied
        in the forecast share their actual mean.

        Parameters
        ----------
        model : str
            Name of the model.
        target : {"purchases", "value"}
            What is compared.

        Returns
        -------
        pandas.DataFrame
            Index ``decile``, 1 for customers forecast lowest; ``n`` customers,
            ``mean_expected``, ``mean_actual``.
        """
        return scores.deciles(self, model, target)

    def save(self, folder: str | Path) -> Path:
        """Write the backtest into an empty or new folder: Parquet, CSV and JSON, no pickle.

        Raises
        ------
        LockedError
            If the folder holds anything.
        FileError
            If it cannot be written.
        """
        return storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> "Backtest":
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileError
            If the folder is no saved backtest, or parts of it are missing.
        """
        return cls(**storage.load(Path(folder)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Backtest):
            return NotImplemented
        plain = ["horizon", "step", "origins", "models", "populations", "has_value", "settings"]
        tables = ["runs", "periods", "totals", "period_actuals"]
        return (
            all(getattr(self, name) == getattr(other, name) for name in plain)
            and all(getattr(self, name).equals(getattr(other, name)) for name in tables)
            and _same(self.actuals, other.actuals)
            and _same(self.forecasts, other.forecasts)
        )

    __hash__ = None  # type: ignore[assignment]


def _same(mine: Mapping[Any, pd.DataFrame], other: Mapping[Any, pd.DataFrame]) -> bool:
    return mine.keys() == other.keys() and all(mine[key].equals(other[key]) for key in mine)
