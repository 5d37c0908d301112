"""Proof on time the model has not seen: origins, the run, metrics and comparison."""

from forecast.backtest.bootstrap import Ratio, paired_ratio
from forecast.backtest.comparison import Comparison
from forecast.backtest.confidence_set import model_confidence_set
from forecast.backtest.diebold_mariano import diebold_mariano
from forecast.backtest.evidence import ZERO
from forecast.backtest.external import ExternalPredictions
from forecast.backtest.metrics import METRICS, Metric
from forecast.backtest.origins import origin_days
from forecast.backtest.result import Backtest
from forecast.backtest.run import backtest

__all__ = [
    "METRICS",
    "ZERO",
    "Backtest",
    "Comparison",
    "ExternalPredictions",
    "Metric",
    "Ratio",
    "backtest",
    "diebold_mariano",
    "model_confidence_set",
    "origin_days",
    "paired_ratio",
]
