"""Plots and the report that stands alone.

``report(path, ledger=..., forecast=..., backtest=...)`` writes one HTML or Markdown file. Every
plot is also a function of its own: ``ax=None`` in, ``ax`` out.
"""

from forecast.report.accuracy_plots import bias_by_origin, error_ratios
from forecast.report.calibration_plots import decile_calibration, pit_histogram, reliability
from forecast.report.cohort_plots import cohort_bias, cohort_errors
from forecast.report.economics_plots import ltv_to_cac, payback_curves
from forecast.report.forecast_plots import forecast_periods
from forecast.report.holdout_plots import conditional_expectation
from forecast.report.page import report
from forecast.report.parameter_plots import parameter_drift, posterior_pairs
from forecast.report.process_plots import (
    frequency_histogram,
    frequency_recency_matrix,
    p_alive_history,
)
from forecast.report.scenario_plots import tornado
from forecast.report.style import in_style
from forecast.report.targeting_plots import lift_curve, profit_curve, targeting_curves
from forecast.report.tracking_plots import tracking, tracking_cumulative

__all__ = [
    "bias_by_origin",
    "cohort_bias",
    "cohort_errors",
    "conditional_expectation",
    "decile_calibration",
    "error_ratios",
    "forecast_periods",
    "frequency_histogram",
    "frequency_recency_matrix",
    "in_style",
    "lift_curve",
    "ltv_to_cac",
    "p_alive_history",
    "parameter_drift",
    "payback_curves",
    "pit_histogram",
    "posterior_pairs",
    "profit_curve",
    "reliability",
    "report",
    "targeting_curves",
    "tornado",
    "tracking",
    "tracking_cumulative",
]
