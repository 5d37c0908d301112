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
    from forecast.backtest import Backtest, backtest
    from forecast.datasets import load_cdnow, load_sample, simulate_shop
    from forecast.forecaster import Forecast, Forecaster
    from forecast.ledger import Ledger, read_ledger
    from forecast.models import (
        BTYD,
        MODELS,
        CohortCurve,
        CustomerRegression,
        LastYear,
        OwnRate,
        SeasonalSeries,
        Zero,
        default_models,
    )
    from forecast.report import report
    from forecast.views import cohort_table, customer_features, customer_summary, revenue_series

__version__ = "0.1.0"

__all__ = [
    "BTYD",
    "MODELS",
    "Backtest",
    "CohortCurve",
    "CustomerRegression",
    "Forecast",
    "Forecaster",
    "LastYear",
    "Ledger",
    "OwnRate",
    "SeasonalSeries",
    "Zero",
    "__version__",
    "backtest",
    "cohort_table",
    "customer_features",
    "customer_summary",
    "default_models",
    "load_cdnow",
    "load_sample",
    "read_ledger",
    "report",
    "revenue_series",
    "simulate_shop",
]

# public name -> module that has it; loaded when first asked for, so importing is quick
_HOME = {
    "BTYD": "forecast.models",
    "Backtest": "forecast.backtest",
    "CohortCurve": "forecast.models",
    "CustomerRegression": "forecast.models",
    "Forecast": "forecast.forecaster",
    "Forecaster": "forecast.forecaster",
    "LastYear": "forecast.models",
    "Ledger": "forecast.ledger",
    "MODELS": "forecast.models",
    "OwnRate": "forecast.models",
    "SeasonalSeries": "forecast.models",
    "Zero": "forecast.models",
    "backtest": "forecast.backtest",
    "cohort_table": "forecast.views",
    "customer_features": "forecast.views",
    "customer_summary": "forecast.views",
    "default_models": "forecast.models",
    "load_cdnow": "forecast.datasets",
    "load_sample": "forecast.datasets",
    "read_ledger": "forecast.ledger",
    "report": "forecast.report",
    "revenue_series": "forecast.views",
    "simulate_shop": "forecast.datasets",
}


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
