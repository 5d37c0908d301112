"""From a log of purchases to what each customer will be worth, with honest uncertainty.

>>> import forecast as fc
>>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30")  # doctest: +SKIP
>>> forecast = fc.BTYD().fit(ledger).forecast("39W")  # doctest: +SKIP
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

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
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
