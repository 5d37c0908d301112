"""Every measure with how to read it: direction, optimum, range, unit and a sentence.

The functions live beside their idea: ``accuracy`` (how far off), ``ranking`` (in which order),
``calibration`` (do levels, probabilities and intervals hold); CRPS and log score of each customer
come from :meth:`forecast.Forecast.score`. What a model did not forecast has no score: NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest import accuracy, calibration, ranking
from forecast.errors import UsageError

__all__ = ["METRICS", "Metric", "capped_rmse_at", "chosen", "profit_at"]

FloatArray = npt.NDArray[np.float64]
_INF = float("inf")
Table = pd.DataFrame | Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """A measure and how to read it.

    Attributes
    ----------
    name : str
        Column of the leaderboard.
    label : str
        Heading in plain words.
    function : callable
        Takes the columns that ``takes`` names and returns a number.
    direction : {"minimize", "maximize", "target"}
        Less is better, more is better, or closer to ``optimum`` is better.
    optimum : float or None
        Where a perfect forecast gets; None where that depends on the customers.
    range : tuple of float
        Smallest and largest value for customers who cannot buy less than nothing.
    unit : str
        ``target`` stands for the unit of what is forecast (purchases, or currency).
    definition : str
        One sentence for the reader of a report.
    takes : tuple of str
        Columns of a backtest's frame, ``{}`` standing for the target.
    targets : tuple of str
        What it is made for.
    loss : callable or None
        Where the metric is a mean over customers, or the root of one: takes the same columns and
        returns the loss of each customer, so that models can be compared pair by pair.
    root : bool
        Whether the metric is the root of the mean loss.
    refunds : bool
        Whether outcomes below 0 can be scored; where they cannot, a table with one has no score.
    """

    name: str
    label: str
    function: Callable[..., float]
    direction: Literal["minimize", "maximize", "target"]
    optimum: float | None
    range: tuple[float, float]
    unit: str
    definition: str
    takes: tuple[str, ...] = ("actual_{}", "expected_{}")
    targets: tuple[str, ...] = ("purchases", "value")
    loss: Callable[..., FloatArray] | None = None
    root: bool = False
    refunds: bool = True

    def score(self, table: Table, target: str) -> float:
        """Return the score of a table; NaN where it lacks a column or any number it can score.

        Parameters
        ----------
        table : mapping of column name to numbers, such as a DataFrame
            Columns named as in ``Backtest.frame``.
        target : {"purchases", "value"}
            What is scored.
        """
        columns = self._columns(table, target)
        return float("nan") if columns is None else self.function(*columns)

    def losses(self, table: Table, target: str) -> FloatArray | None:
        """Return the loss of each customer; None where the metric or the table has none."""
        columns = self._columns(table, target)
        return None if self.loss is None or columns is None else self.loss(*columns)

    def applies(self, table: Table, target: str) -> bool:
        """Whether the metric is made for the target and the table has its columns."""
        return target in self.targets and all(each.format(target) in table for each in self.takes)

    def _columns(self, table: Table, target: str) -> list[FloatArray] | None:
        if not self.applies(table, target):
            return None
        columns = [np.asarray(table[each.format(target)], dtype=float) for each in self.takes]
        known = all(len(each) and not np.isnan(each).any() for each in columns)
        return columns if known and (self.refunds or (columns[0] >= 0).all()) else None


def _own(scores: npt.ArrayLike) -> FloatArray:
    return accuracy.checked(scores=scores)[0]


def _mean(scores: npt.ArrayLike) -> float:
    return float(_own(scores).mean())


_BOUNDS = ("actual_{}", "{}_lo_90", "{}_hi_90")
_ACTIVE = ("actual_purchases", "p_active")
METRICS: tuple[Metric, ...] = (
    Metric(
        "rmse", "RMSE", accuracy.rmse, "minimize", 0.0, (0.0, _INF), "target",
        "Root of the mean squared error by customer; large misses weigh most.",
        loss=accuracy.squared_errors, root=True,
    ),
    Metric(
        "bias", "Bias of the total", accuracy.bias, "target", 0.0, (-_INF, _INF),
        "share of actual total",
        "Forecast total minus actual total, as a share of the actual total.",
    ),
    Metric(
        "gini", "Gini", ranking.gini, "maximize", 1.0, (-1.0, 1.0), "none",
        "How well customers are put in order: 1 is the perfect order, 0 is chance.",
    ),
    Metric(
        "top_decile_capture", "Top 10 % capture", ranking.top_decile_capture, "maximize", None,
        (0.0, 1.0), "share of actual total",
        "Share of the actual total that came from the 10 % of customers forecast highest.",
    ),
    Metric(
        "crps", "CRPS", _mean, "minimize", 0.0, (0.0, _INF), "target",
        "Mean distance of the forecast distribution from the outcome by customer; for a forecast "
        "without a distribution it is the absolute error.",
        takes=("crps_{}",), loss=_own,
    ),
    Metric(
        "pit_coverage", "Coverage by PIT", calibration.pit_coverage, "target", 0.9, (0.0, 1.0),
        "share of customers",
        "Share of outcomes in the middle 90 % of their forecast distribution, ties broken at "
        "random.",
        takes=("pit_{}",),
    ),
    Metric(
        "coverage", "Coverage of 90 % bounds", calibration.coverage, "target", 0.9, (0.0, 1.0),
        "share of customers",
        "Share of customers inside their 90 % bounds; about 0.96 is right for sparse counts.",
        takes=_BOUNDS,
    ),
    Metric(
        "mae", "MAE", accuracy.mae, "minimize", 0.0, (0.0, _INF), "target",
        "Mean absolute error by customer; it favours forecasts of nothing, so compare with zero.",
        loss=accuracy.absolute_errors,
    ),
    Metric(
        "wape", "WAPE", accuracy.wape, "minimize", 0.0, (0.0, _INF), "share of actual total",
        "Sum of absolute errors by customer, as a share of the actual total.",
    ),
    Metric(
        "poisson_deviance", "Poisson deviance", accuracy.poisson_deviance, "minimize", 0.0,
        (0.0, _INF), "target",
        "Likelihood lost as a mean count; infinite where a purchase was called impossible.",
        targets=("purchases",), loss=accuracy.poisson_deviances, refunds=False,
    ),
    Metric(
        "tweedie_deviance", "Tweedie deviance", accuracy.tweedie_deviance, "minimize", 0.0,
        (0.0, _INF), "root of target",
        "Likelihood lost as a mean amount (power 1.5): large customers may be missed by more.",
        loss=accuracy.tweedie_deviances, refunds=False,
    ),
    Metric(
        "spearman", "Spearman", ranking.spearman, "maximize", None, (-1.0, 1.0), "none",
        "Correlation of the ranks of forecasts and outcomes, ties at their mean rank.",
    ),
    Metric(
        "top_quintile_capture", "Top 20 % capture", ranking.top_quintile_capture, "maximize", None,
        (0.0, 1.0), "share of actual total",
        "Share of the actual total that came from the 20 % of customers forecast highest.",
    ),
    Metric(
        "decile_calibration_error", "Decile calibration error",
        calibration.decile_calibration_error, "minimize", 0.0, (0.0, _INF),
        "share of actual total",
        "How far the totals of the ten groups by forecast are missed, as a share of the total.",
    ),
    Metric(
        "log_score", "Log score", _mean, "minimize", 0.0, (0.0, _INF), "nats",
        "Mean of minus the log of the probability given to the count that came.",
        takes=("log_score_{}",), targets=("purchases",), loss=_own,
    ),
    Metric(
        "brier", "Brier score", calibration.brier, "minimize", 0.0, (0.0, 1.0), "none",
        "Mean squared error of the probability to buy at all.",
        takes=_ACTIVE, targets=("purchases",), loss=calibration.brier_losses,
    ),
    Metric(
        "expected_calibration_error", "Calibration error of P(active)",
        calibration.expected_calibration_error, "minimize", 0.0, (0.0, 1.0), "none",
        "Mean distance, over ten groups, of the probability to buy and the share that bought.",
        takes=_ACTIVE, targets=("purchases",),
    ),
    Metric(
        "interval_width", "Width of 90 % bounds", calibration.interval_width, "minimize", None,
        (0.0, _INF), "target",
        "Mean distance of the 90 % bounds; narrower is better where coverage is right.",
        takes=_BOUNDS[1:],
    ),
)  # fmt: skip


def capped_rmse_at(cap: float) -> Metric:
    """Return RMSE of value with forecasts and outcomes cut off at ``cap``, in currency.

    Examples
    --------
    >>> capped_rmse_at(500.0).definition
    'RMSE after forecasts and outcomes are cut off at 500.'
    """
    return Metric(
        "capped_rmse", f"RMSE capped at {cap:,.10g}", partial(accuracy.capped_rmse, cap=cap),
        "minimize", 0.0, (0.0, _INF), "target",
        f"RMSE after forecasts and outcomes are cut off at {cap:,.10g}.",
        loss=lambda actual, expected: accuracy.squared_errors(
            np.minimum(actual, cap), np.minimum(expected, cap)
        ),
        root=True,
    )  # fmt: skip


def profit_at(contact_cost: float, *, share: float = 0.1, margin: float = 1.0) -> Metric:
    """Return the profit of contacting the top ``share``; see :func:`ranking.targeting_profit`.

    Examples
    --------
    >>> profit_at(2.0, share=0.2).label
    'Profit of the top 20 %'
    """
    return Metric(
        "targeting_profit", f"Profit of the top {100 * share:g} %",
        partial(ranking.targeting_profit, contact_cost=contact_cost, share=share, margin=margin),
        "maximize", None, (-_INF, _INF), "target",
        f"Profit a customer of contacting the {100 * share:g} % forecast highest, at "
        f"{contact_cost:,.10g} a contact and a margin of {100 * margin:g} %.",
        targets=("value",),
    )  # fmt: skip


def chosen(
    metrics: Sequence[str | Metric] | None, default: Sequence[str], always: Sequence[str] = ()
) -> list[Metric]:
    """Return metrics by name, or as they are given, after those wanted always."""
    known = {metric.name: metric for metric in METRICS}
    asked = default if metrics is None else [metrics] if isinstance(metrics, str) else metrics
    unknown = [each for each in asked if isinstance(each, str) and each not in known]
    if unknown:
        raise UsageError(f"metrics: {unknown[0]!r} is unknown; there are {', '.join(known)}.")
    found = [known[each] if isinstance(each, str) else each for each in (*always, *asked)]
    return list({metric.name: metric for metric in found}.values())
