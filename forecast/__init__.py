"""From a log of purchases to what each customer will be worth, with honest uncertainty.

>>> import forecast as fc
>>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
>>> found = fc.BTYD().fit(ledger).forecast("39W", draws=0)
>>> round(found.customers["expected_purchases"].sum())
1653
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.backtest import Backtest, ExternalPredictions, backtest
    from forecast.backtest.checks import Check, checks
    from forecast.datasets import load_cdnow, load_sample, simulate_shop
    from forecast.forecaster import Forecast, Forecaster
    from forecast.jobs.job_file.configuration import read_job
    from forecast.jobs.monitoring.monitoring import monitor
    from forecast.jobs.running.run import run_job
    from forecast.jobs.saved_models.saved_model import load_model, save_model
    from forecast.ledger import Ledger, read_ledger, read_summary
    from forecast.models import (
        BTYD,
        MODELS,
        CohortCurve,
        ContractRetention,
        CustomerRegression,
        Ensemble,
        GradientBoosting,
        LastYear,
        LTVFormula,
        OwnRate,
        RateModel,
        SeasonalSeries,
        Zero,
        default_models,
        formula_values,
        newcomer_value,
    )
    from forecast.report import report
    from forecast.value import (
        Margin,
        SegmentRules,
        acquisition_cost,
        allocate_budget,
        channel_table,
        clv,
        compare_campaigns,
        concentration,
        funnel,
        migration,
        pareto_curve,
        read_scenario,
        scenario,
        segments,
        unit_economics,
        uplift,
        value_by_age,
    )
    from forecast.views import cohort_table, customer_features, customer_summary, revenue_series

__version__ = "0.1.0"

__all__ = [
    "BTYD",
    "MODELS",
    "Backtest",
    "Check",
    "CohortCurve",
    "ContractRetention",
    "CustomerRegression",
    "Ensemble",
    "ExternalPredictions",
    "Forecast",
    "Forecaster",
    "GradientBoosting",
    "LTVFormula",
    "LastYear",
    "Ledger",
    "Margin",
    "OwnRate",
    "RateModel",
    "SeasonalSeries",
    "SegmentRules",
    "Zero",
    "__version__",
    "acquisition_cost",
    "allocate_budget",
    "backtest",
    "channel_table",
    "checks",
    "clv",
    "cohort_table",
    "compare_campaigns",
    "concentration",
    "customer_features",
    "customer_summary",
    "default_models",
    "formula_values",
    "funnel",
    "load_cdnow",
    "load_model",
    "load_sample",
    "migration",
    "monitor",
    "newcomer_value",
    "pareto_curve",
    "read_job",
    "read_ledger",
    "read_scenario",
    "read_summary",
    "report",
    "revenue_series",
    "run_job",
    "save_model",
    "scenario",
    "segments",
    "simulate_shop",
    "unit_economics",
    "uplift",
    "value_by_age",
]

# module -> public names in it; loaded when first asked for, so importing is quick
_NAMES = {
    "forecast.backtest": ("Backtest", "ExternalPredictions", "backtest"),
    "forecast.backtest.checks": ("Check", "checks"),
    "forecast.datasets": ("load_cdnow", "load_sample", "simulate_shop"),
    "forecast.forecaster": ("Forecast", "Forecaster"),
    "forecast.jobs.job_file.configuration": ("read_job",),
    "forecast.jobs.monitoring.monitoring": ("monitor",),
    "forecast.jobs.running.run": ("run_job",),
    "forecast.jobs.saved_models.saved_model": ("load_model", "save_model"),
    "forecast.ledger": ("Ledger", "read_ledger", "read_summary"),
    "forecast.models": (
        "BTYD", "CohortCurve", "ContractRetention", "CustomerRegression", "Ensemble",
        "GradientBoosting", "LTVFormula", "LastYear", "MODELS", "OwnRate", "RateModel",
        "SeasonalSeries", "Zero", "default_models", "formula_values", "newcomer_value",
    ),
    "forecast.report": ("report",),
    "forecast.value": (
        "Margin", "SegmentRules", "acquisition_cost", "allocate_budget", "channel_table", "clv",
        "compare_campaigns", "concentration", "funnel", "migration", "pareto_curve",
        "read_scenario", "scenario", "segments", "unit_economics", "uplift", "value_by_age",
    ),
    "forecast.views": ("cohort_table", "customer_features", "customer_summary", "revenue_series"),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps ``fc.backtest`` and ``fc.report`` functions when packages of those names load."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOME):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
