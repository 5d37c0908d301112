"""Proof on time the model has not seen: origins, the run, metrics and comparison."""

from forecast.backtest.metrics import METRICS, Metric
from forecast.backtest.origins import origin_days
from forecast.backtest.result import Backtest
from forecast.backtest.run import backtest
from forecast.backtest.scores import ZERO

__all__ = ["METRICS", "ZERO", "Backtest", "Metric", "backtest", "origin_days"]
