"""The leaderboard as a table, with units and directions from the metrics, and what they mean."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from forecast.backtest import METRICS, ZERO, Backtest, Comparison
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.forecaster import Population
from forecast.report.content import Table
from forecast.report.formats import MISSING, count, estimate, length, percent, seconds
from forecast.report.style import Target
from forecast.report.units import unit_of

__all__ = ["definitions", "leaderboard_table"]

ARROWS = {"minimize": "\u2193", "maximize": "\u2191", "target": "\u2192"}
READ = {
    "minimize": "lower is better",
    "maximize": "higher is better",
    "target": "nearest is best",
}


def _signed(share: Any) -> str:
    return percent(share, signed=True)


OTHERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "skill": ("Skill\u00a0\u2191", percent),
    "bias_worst": ("Bias, worst cutoff \u2192\u00a00", _signed),
    "total_coverage": (
        "Totals in interval \u2192\u00a090\u00a0%",
        lambda x: percent(x, places=0),
    ),
    "origins": ("Cutoffs scored", count),
    "failed": ("Cutoffs failed", count),
    "seconds": ("Fit and forecast, seconds", seconds),
}


EXTRA = [
    (
        "Error beside the best",
        "RMSE as a multiple of that of the first model, with its 90 % interval by paired "
        "bootstrap over customers, and over cutoffs where enough stand apart.",
        "an interval that holds 1 is no proof of a difference",
        "multiple",
    ),
    (
        "Skill",
        "1 minus the RMSE divided by the RMSE of forecasting that nobody buys.",
        "higher is better, below 0 is worse than nothing",
        "share",
    ),
    (
        "Bias, worst cutoff",
        "The bias of the cutoff where it was largest in size, with its sign.",
        "nearest to 0 % is best",
        "share of actual total",
    ),
    (
        "Totals in interval",
        "Share of cutoffs whose actual total lay inside the 90 % interval of the total.",
        "nearest to 90 % is best",
        "share of cutoffs",
    ),
]


def leaderboard_table(
    backtest: Backtest,
    target: Target,
    population: Population,
    *,
    comparison: Comparison | None = None,
    horizon: Horizon | None = None,
    origins: Origins = "tuning",
    folded: bool = False,
) -> Table:
    """Return a leaderboard with its scored models, the best set apart.

    Parameters
    ----------
    comparison : Comparison, optional
        Adds each model's error as a multiple of the reference's, with its interval.
    horizon, origins
        Which part of the backtest, as in :meth:`Backtest.select`.
    """
    board = backtest.leaderboard(target, population, horizon=horizon, origins=origins)
    board = board[board["origins"] > 0]
    columns: dict[str, tuple[str, Callable[[Any], str] | None]] = {"model": ("Model", None)}
    unit = unit_of(target, backtest.currency)
    columns |= {name: _column(name, unit) for name in board.columns}
    if comparison is not None:
        beside = ("Error beside the best (90\u00a0%)", str)
        board = board.assign(beside=_beside(comparison, board.index))
        columns = {"model": columns["model"], "rmse": columns["rmse"], "beside": beside, **columns}
    what = "by customer" if population == "existing" else "in total by period"
    caption = f"{target.capitalize()} {what}, best first"
    if horizon is not None:
        caption += f", over {length(horizon)}"
    if origins == "untouched":
        caption += ", at the cutoffs kept apart"
    return Table.of(
        board.reset_index(),
        caption=caption,
        columns=columns,
        strong=None if board.index[0] == ZERO else 0,
        folded=folded,
    )


def _beside(comparison: Comparison, models: "pd.Index[Any]") -> list[str]:
    """Say the ratio to the reference and its interval."""
    table, said = comparison.table.reindex(models), []
    for model, ratio, lo, hi in zip(models, table["ratio"], table["lo"], table["hi"], strict=True):
        if model == comparison.reference:
            said.append("the best")
        elif pd.isna(ratio):
            said.append(MISSING)
        elif ratio >= 10:
            said.append(f"{ratio:,.0f}")
        else:
            said.append(f"{ratio:.3f} ({lo:.3f} to {hi:.3f})")
    return said


def _column(name: str, counted_in: str) -> tuple[str, Callable[[Any], str]]:
    """Heading and format of a leaderboard's column: from its metric, where it is one."""
    if name == "rmse_total":
        return f"RMSE of periods, {counted_in}\u00a0{ARROWS['minimize']}", estimate
    if name in OTHERS:
        return OTHERS[name]
    for metric in METRICS:
        if metric.name == name:
            arrow = ARROWS[metric.direction]
            share = metric.unit.startswith("share")
            if metric.direction == "target" and metric.optimum is not None:
                arrow += " " + (f"{100 * metric.optimum:g} %" if metric.optimum else "0")
            unit = f", {counted_in}" if metric.unit == "target" else ""
            show = (_signed if metric.range[0] < 0 else percent) if share else estimate
            label = metric.label.replace(" %", "\u00a0%")
            return f"{label}{unit}\u00a0{arrow}", show
    return name.replace("_", " "), estimate


def definitions() -> Table:
    """Return what each measure means, how to read it, and its unit."""
    rows = []
    for metric in METRICS:
        unit = "unit of the target" if metric.unit == "target" else metric.unit
        best = READ[metric.direction]
        if metric.direction == "target" and metric.optimum is not None:
            best = f"nearest to {100 * metric.optimum:g} % is best"
        rows.append((metric.label, metric.definition, best, unit))
    rows += EXTRA
    head = ("Measure", "Definition", "How to read it", "Unit")
    caption = "What the measures mean"
    return Table(caption, head, tuple(rows), (False,) * 4, folded=True)
