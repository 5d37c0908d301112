"""What a backtest found: forecasts beside what happened, and the tables that compare them.

The tables a :class:`Backtest` keeps, and their columns. The key of a table is ``cutoff`` (the
origin: last day the models saw), ``horizon`` (text such as ``"13W"``), ``model`` and
``population``; the seeds of all draws come from ``settings["seed"]``.

=================  ===============================================================================
table              columns
=================  ===============================================================================
``runs``           key, ``called`` (what the forecast calls its model), ``status``, ``error``,
                   ``notes``, ``customers``, ``fit_seconds``, ``forecast_seconds``
``periods``        key, ``start``, ``end``, ``expected_purchases``, ``expected_value``,
                   ``purchases_lo_90``, ``purchases_hi_90``, ``value_lo_90``, ``value_hi_90``,
                   ``actual_purchases``, ``actual_value``
``totals``         key, the same without ``start`` and ``end``, ``pit_purchases``, ``pit_value``
``cohorts``        key, ``cohort`` (month of first purchase, ``"2024-01"``), ``customers``, then as
                   ``totals``; population ``"existing"`` of models that list customers
``parameters``     ``cutoff``, ``model``, ``name``, ``value``: what was estimated at each origin
``period_actuals`` ``cutoff``, ``horizon``, ``population``, ``start``, ``end``,
                   ``actual_purchases``, ``actual_value``
``customers``      by origin: index ``customer_id``; ``frequency`` (repeat purchases by then),
                   ``cohort``, ``scored`` (False: first seen within the burn-in)
``actuals``        by (origin, horizon, population): index ``customer_id``; ``purchases``,
                   ``value``
``forecasts``      by (origin, horizon, model, population): index ``customer_id``;
                   ``expected_purchases``, ``expected_value``, 90 % bounds, ``p_alive``,
                   ``p_active``, ``crps_purchases``, ``log_score_purchases``, ``pit_purchases``,
                   ``crps_value``, ``pit_value``
=================  ===============================================================================

Bounds, scores and PITs come from draws; without draws they are missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.backtest import comparison, score_table, scores, storage
from forecast.backtest.book import TABLES
from forecast.backtest.evidence import Labels
from forecast.backtest.metrics import Metric
from forecast.backtest.selection import Origins, joined, select, tuning
from forecast.backtest.stored_tables import StoredTables
from forecast.calendar import Horizon
from forecast.display import backtest_card
from forecast.exchange import Exchange
from forecast.forecaster import Population

__all__ = ["Backtest", "Origins"]


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Exchange):
    """Forecasts made from past days, beside what happened.

    Attributes
    ----------
    horizons : tuple of Horizon
        Lengths of the windows, as asked; :attr:`horizon` is the first.
    gap : Horizon or None
        Between an origin and the first day of its windows.
    step : Horizon or None
        From one origin to the next; None where the days were given.
    origins : tuple of date
        Last day the models saw, oldest first.
    untouched : tuple of date
        The last origins, kept apart from any tuning.
    models : tuple of str
        Names, in alphabetical order.
    populations : tuple of str
        Whom was forecast: ``"existing"``, ``"new"``, ``"all"``.
    has_value : bool
        Whether the ledger has amounts; without them every value is missing.
    settings : mapping
        How it was made: ``draws``, ``seed``, ``history``, ``gap``, ``burn_in``, ``refit``,
        ``untouched``, ``min_history``, the ledger's ``first_day``, ``ledger_cutoff``,
        ``ledger_hash`` and, where it has a name, ``currency``.
    runs, periods, totals, cohorts, parameters, period_actuals : pandas.DataFrame
        What became of each model (``status`` is ok, failed or unsupported; ``notes`` are what it
        said and the warnings it raised), and what was expected and happened. Bounds of a total
        are not sums of bounds; a PIT is the rank of what happened among the draws.
    customers, actuals, forecasts : StoredTables
        Mappings to tables by customer, read from disk when asked for; ``forecasts`` has no entry
        where a model does not split the population.
    """

    horizons: tuple[Horizon, ...]
    gap: Horizon | None
    step: Horizon | None
    origins: tuple[date, ...]
    untouched: tuple[date, ...]
    models: tuple[str, ...]
    populations: tuple[Population, ...]
    has_value: bool
    settings: Mapping[str, Any]
    runs: pd.DataFrame
    periods: pd.DataFrame
    totals: pd.DataFrame
    cohorts: pd.DataFrame
    parameters: pd.DataFrame
    period_actuals: pd.DataFrame
    customers: StoredTables
    actuals: StoredTables
    forecasts: StoredTables

    _main, _card = "frame", backtest_card

    @property
    def horizon(self) -> Horizon:
        """The first horizon asked for, on which tables compare unless told otherwise."""
        return self.horizons[0]

    @property
    def currency(self) -> str | None:
        """What amounts are called, where the ledger said it."""
        name = self.settings.get("currency")
        return name if isinstance(name, str) else None

    @property
    def tuning(self) -> tuple[date, ...]:
        """The origins to choose by: all whose windows end before those of the untouched begin."""
        return tuning(self.origins, self.untouched, self.horizons, self.gap)

    @property
    def frame(self) -> pd.DataFrame:
        """Every forecast of a customer beside what the customer did; built when asked for.

        Returns
        -------
        pandas.DataFrame
            One row a customer, origin, horizon, model and population: ``customer_id``,
            ``cutoff``, ``horizon``, ``model``, ``population``, ``actual_purchases``,
            ``actual_value`` and the columns of ``forecasts``. Models and populations that are not
            forecast by customer have no rows; nor have customers not yet seen.
        """
        return joined(self)

    def select(
        self, *, horizon: str | Horizon | None = None, origins: Origins = "all"
    ) -> "Backtest":
        """Return the part of the backtest over one horizon and some origins; nothing is copied.

        Parameters
        ----------
        horizon : str or Horizon, optional
            One of ``horizons``; the first by default.
        origins : {"tuning", "untouched", "all"}
            ``"untouched"``: the last ones, kept apart; ``"tuning"``: those before whose windows do
            not reach into theirs.

        Raises
        ------
        UsageError
            If the horizon or the choice of origins is unknown here.
        TooLittleDataError
            If no origin is left.
        """
        return select(self, horizon, origins)

    def by_origin(
        self,
        target: str = "purchases",
        population: Population = "existing",
        *,
        metrics: Sequence[str | Metric] | None = None,
        horizon: str | Horizon | None = None,
        origins: Origins = "tuning",
    ) -> pd.DataFrame:
        """Return the scores of each model at each origin, such as the course of its bias.

        Parameters
        ----------
        target : {"purchases", "value"}
            What is scored.
        population : {"existing", "new", "all"}
            Whom; only customers known at the origin are scored one by one.
        metrics : sequence of str or Metric, optional
            Names in ``METRICS``, or metrics of one's own, scored by customer after RMSE and bias;
            those of the leaderboard by default.
        horizon, origins
            Which part, as in :meth:`select`.

        Returns
        -------
        pandas.DataFrame
            ``cutoff``, ``model`` and, for ``"existing"``, the metrics; for the
            others ``rmse_total`` (root mean squared error of the totals by period, in the unit of
            the target) and ``bias``; and ``total_covered``, 1 where the 90 % interval of the
            window's total held the actual one. No row where a model gave no forecast.
        """
        part = self.select(horizon=horizon, origins=origins)
        return scores.by_origin(part, target, population, metrics)

    def leaderboard(
        self,
        target: str = "purchases",
        population: Population = "existing",
        *,
        metrics: Sequence[str | Metric] | None = None,
        horizon: str | Horizon | None = None,
        origins: Origins = "tuning",
    ) -> pd.DataFrame:
        """Return one row a model, lowest error first, and one for a forecast of nothing.

        Parameters
        ----------
        target, population, metrics, horizon, origins
            As in :meth:`by_origin`.

        Returns
        -------
        pandas.DataFrame
            Index ``model``; scores are means over origins. For ``"existing"``: ``rmse``,
            ``skill`` (1 minus the RMSE over that of forecasting nothing), ``bias``,
            ``bias_worst`` (the largest in size, with its sign), ``gini``,
            ``top_decile_capture``, ``crps``, ``pit_coverage`` (share of customers in the middle
            90 % of their distribution), ``coverage`` (inside their 90 % bounds), ``mae``, or the
            ``metrics`` asked for; ``total_coverage`` (origins whose total lay inside its 90 %
            interval), ``origins`` (answered), ``failed`` (not answered), ``seconds`` (of fit and
            forecast). For
            ``"new"`` and ``"all"``, where customers cannot be listed, ``rmse_total`` takes the
            place of the scores by customer. A model without any failure is scored on all origins,
            so these rows compare like with like; a model that failed somewhere is scored on the
            origins it answered and stands below the rest. A model that does not support the
            population is left out. What a model does not forecast is missing.

        Raises
        ------
        UsageError
            If the target or population is unknown here.
        UnsupportedError
            If value is asked of a ledger without amounts.
        """
        part = self.select(horizon=horizon, origins=origins)
        return scores.leaderboard(part, target, population, metrics)

    def scores(
        self,
        target: str = "purchases",
        population: Population = "existing",
        *,
        unit: score_table.Unit = "customer",
        by: Labels | None = None,
        metrics: Sequence[str | Metric] | None = None,
        horizon: str | Horizon | None = None,
        origins: Origins = "tuning",
    ) -> pd.DataFrame:
        """Return every score of every model at every origin, one a row.

        Parameters
        ----------
        target, population, horizon, origins
            As in :meth:`by_origin`.
        unit : {"customer", "cohort", "period", "total"}
            What is scored: each customer, or the sum of a cohort, of a period, of everybody.
        by : str, Series, mapping or callable, optional
            Segments of customers: ``"repeat"`` (those who had bought again by the origin, and
            those who had not), ``"cohort"`` (month of first purchase), labels by ``customer_id``,
            or labels by origin.
        metrics : sequence of str or Metric, optional
            Names in ``METRICS``, or metrics of one's own; all that apply by default.

        Returns
        -------
        pandas.DataFrame
            ``model``, ``cutoff``, ``horizon``, ``population``, ``target``, ``segment``,
            ``metric``, ``value`` and ``n``, how many were scored. A metric that a model's table
            has no columns for has no row.

        Raises
        ------
        UsageError
            If a unit, metric or label is unknown, or a customer has no label.
        """
        part = self.select(horizon=horizon, origins=origins)
        return score_table.score_table(part, target, population, unit=unit, by=by, metrics=metrics)

    def compare(
        self,
        metric: str | Metric = "rmse",
        target: str = "purchases",
        *,
        reference: str | None = None,
        population: Population = "existing",
        level: float = 0.9,
        replicates: int = 500,
        seed: int = 0,
        horizon: str | Horizon | None = None,
        origins: Origins = "tuning",
    ) -> comparison.Comparison:
        """Return whether models differ by more than chance, with a sentence on each.

        The reference defaults to the best model, which was picked for being best: ``p_value``
        does not know that, the confidence set does. Origins are resampled when at least four
        windows stand side by side without sharing days.

        Parameters
        ----------
        metric : str or Metric
            A mean over customers or its root: rmse, mae, crps, log_score, brier, a deviance.
        target, population, horizon, origins
            As in :meth:`by_origin`.
        reference : str, optional
            Whom the others are set against.
        level : float
            Of intervals and of the confidence set.
        replicates, seed : int
            Of the bootstrap; the same seed gives the same numbers.

        Returns
        -------
        Comparison
            ``table`` and ``sentences``.

        Raises
        ------
        UsageError
            If the metric is no mean over customers, or the reference unknown.
        UnsupportedError
            If fewer than two models can be compared.
        """
        return comparison.compare(
            self.select(horizon=horizon, origins=origins), metric, target, reference=reference,
            population=population, level=level, replicates=replicates, seed=seed,
        )  # fmt: skip

    def deciles(
        self,
        model: str,
        target: str = "purchases",
        *,
        horizon: str | Horizon | None = None,
        origins: Origins = "tuning",
    ) -> pd.DataFrame:
        """Return how forecasts compare with what happened, from the lowest tenth to the highest.

        Deciles of existing customers are made inside each origin, then pooled; customers tied
        in the forecast share their actual mean.

        Parameters
        ----------
        model : str
            Name of the model.
        target : {"purchases", "value"}
            What is compared.
        horizon, origins
            Which part, as in :meth:`select`.

        Returns
        -------
        pandas.DataFrame
            Index ``decile``, 1 for customers forecast lowest; ``n`` customers,
            ``mean_expected``, ``mean_actual``.
        """
        return scores.deciles(self.select(horizon=horizon, origins=origins), model, target)

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
        """Read what :meth:`save`, or a backtest with ``folder=``, wrote.

        Tables by customer stay on disk and are read when asked for.

        Raises
        ------
        FileError
            If the folder is no saved backtest, or parts of it are missing.
        """
        return cls(**storage.load(Path(folder)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Backtest):
            return NotImplemented
        kept = {*TABLES, "customers", "actuals", "forecasts"}
        plain = [each.name for each in fields(self) if each.name not in kept]
        return (
            all(getattr(self, name) == getattr(other, name) for name in plain)
            and all(getattr(self, name).equals(getattr(other, name)) for name in TABLES)
            and self.customers == other.customers
            and self.actuals == other.actuals
            and self.forecasts == other.forecasts
        )
