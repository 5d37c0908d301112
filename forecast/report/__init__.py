"""Plots and the report that stands alone.

``report(path, ledger=..., forecast=..., backtest=...)`` writes one HTML file. Every plot is also a
function of its own: ``ax=None`` in, ``ax`` out.
"""

from forecast.report.backtest_plots import (
    bias_by_origin,
    decile_calibration,
    tracking,
    tracking_cumulative,
)
from forecast.report.forecast_plots import forecast_periods
from forecast.report.page import report

__all__ = [
    "bias_by_origin",
    "decile_calibration",
    "forecast_periods",
    "report",
    "tracking",
    "tracking_cumulative",
]
