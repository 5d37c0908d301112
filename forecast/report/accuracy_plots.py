"""How far off each model was: its bias from cutoff to cutoff, and its error beside the best."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from forecast.backtest import Backtest, Comparison
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.forecaster import Population
from forecast.report.style import (
    COLOUR,
    Target,
    day_ticks,
    finish,
    in_style,
    look,
    on_axes,
)

__all__ = ["bias_by_origin", "error_ratios"]

RATIOS = [0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0]


@in_style()
def bias_by_origin(
    backtest: Backtest,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw every model's bias at every origin: forecast total minus actual, in % of the actual.

    The forecast of nothing (always -100 %) is left out. Parameters are those of
    :func:`forecast.report.tracking`.
    """
    ax = on_axes(ax)
    part: dict[str, Any] = {"horizon": horizon, "origins": origins}
    table = backtest.by_origin(target, population, **part)
    table = table[table["bias"].notna() & (table["bias"] > -1)]
    board = backtest.leaderboard(target, population, **part)
    shown = [model for model in board.index if model in set(table["model"])]
    cutoffs = sorted(table["cutoff"].unique())
    for number, model in reversed(list(enumerate(shown))):  # the leader on top
        # a model has one look, whatever its rank
        color, mark, dash = look(backtest.models.index(model))
        rows = table[table["model"] == model].set_index("cutoff")["bias"].reindex(cutoffs)
        ax.plot(
            rows.index,
            100 * rows,  # a cutoff where the model failed leaves a gap
            color=color,
            marker=mark,
            linestyle=dash,
            linewidth=2.4 if number == 0 else 1.3,
            label=model,
        )
    ax.axhline(0, color=COLOUR["ink"], linewidth=1)
    title = f"Bias in total {target} by cutoff"
    unit = "% of the actual total"
    finish(ax, title=title, unit=unit, x="cutoff", dates=True, floor=False, order=shown)
    if len(cutoffs) <= 8:
        day_ticks(ax, cutoffs)
    return ax


@in_style()
def error_ratios(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw each model's error as a multiple of the reference's, with its interval.

    A filled dot is a model that may be the best: it is in the confidence set.

    Parameters
    ----------
    comparison : Comparison
        From :meth:`Backtest.compare`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    ax = on_axes(ax)
    table = comparison.table[comparison.table["ratio"].notna()]
    place = np.arange(len(table))
    ratio, lo, hi = (table[name].to_numpy(float) for name in ("ratio", "lo", "hi"))
    ax.hlines(place, lo, hi, color=COLOUR["blue"], linewidth=2.2)
    chosen = table["in_set"].fillna(False).to_numpy(bool)
    for which, face, name in (
        (chosen, COLOUR["blue"], "may be the best"),
        (~chosen, COLOUR["paper"], "not the best"),
    ):
        if which.any():
            ax.plot(
                ratio[which],
                place[which],
                linestyle="",
                marker="o",
                markersize=6.5,
                markerfacecolor=face,
                markeredgecolor=COLOUR["blue"],
                label=name,
            )
    ax.axvline(1, color=COLOUR["ink"], linewidth=1)
    label = comparison.metric.upper() if len(comparison.metric) < 5 else comparison.metric
    title = f"{label.replace('_', ' ')} of {comparison.target}, beside {comparison.reference}"
    finish(ax, title=title, unit="", x=_multiple(comparison), floor=False)
    ax.set_yticks(place, list(table.index))
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    _ratio_axis(ax)
    return ax


def _multiple(comparison: Comparison) -> str:
    return (
        f"multiple of the error of {comparison.reference}, "
        f"with its {100 * comparison.level:g} % interval"
    )


def _ratio_axis(ax: Axes) -> None:
    """Put numbers on a logarithmic axis of ratios, with as many round ones as fit."""
    ax.set_xscale("log")
    lo, hi = ax.get_xlim()
    inside = [each for each in RATIOS if lo <= each <= hi]
    while len(inside) > 8:
        at = inside.index(1.0) % 2 if 1.0 in inside else 0
        inside = inside[at::2]
    ax.xaxis.set_major_locator(FixedLocator(inside))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
