"""What was forecast in the past beside what came: tracking, calibration, bias by origin."""

from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.backtest import Backtest
from forecast.errors import UsageError
from forecast.report.style import (
    COLOUR,
    SERIES,
    UNITS,
    cutoff_line,
    day_ticks,
    finish,
    in_style,
    on_axes,
)

__all__ = ["bias_by_origin", "decile_calibration", "tracking", "tracking_cumulative"]

Target = Literal["purchases", "value"]
Population = Literal["existing", "new", "all"]
DAY = pd.Timedelta(days=1)


@in_style()
def tracking(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    ax: Axes | None = None,
) -> Axes:
    """Draw actual against expected by period, with 90 % bounds and every cutoff.

    Where the windows of origins overlap, only origins whose windows do not are drawn, counted
    back from the last.

    Parameters
    ----------
    backtest : Backtest
    model : str
        Name of the model in the backtest.
    target : {"purchases", "value"}
    population : {"existing", "new", "all"}
        Actual and expected are both of this population, as it was at each cutoff.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If the backtest has no forecast of that model and population.
    """
    ax = on_axes(ax)
    for number, (cutoff, periods) in enumerate(_runs(backtest, model, population)):
        middle = periods["start"] + (periods["end"] - periods["start"]) / 2
        lo, hi = (periods[f"{target}_{side}_90"].to_numpy(float) for side in ("lo", "hi"))
        names = ["actual", "expected", "90 % interval"] if number == 0 else [None] * 3
        if np.isfinite(lo).any():
            ax.fill_between(
                middle,
                lo,
                hi,
                color=COLOUR["blue"],
                alpha=0.22,
                linewidth=0,
                label=names[2],
            )
        ax.plot(middle, periods[f"actual_{target}"], color=COLOUR["ink"], label=names[0])
        expected = periods[f"expected_{target}"]
        ax.plot(
            middle,
            expected,
            color=COLOUR["blue"],
            linestyle=(0, (5, 1.5)),
            label=names[1],
        )
        cutoff_line(ax, cutoff, named=number == 0)
    # a backtest's periods are one unit of its horizon
    each = f"a {backtest.horizon.unit_name.removesuffix('s')}"
    title = f"{target.capitalize()} {each}"
    return finish(ax, title=title, unit=f"{UNITS[target]} {each}", dates=True)


@in_style()
def tracking_cumulative(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    ax: Axes | None = None,
) -> Axes:
    """Draw actual against expected summed up since each cutoff, with the total's 90 % interval.

    Bounds of periods do not add up, so the interval stands at the end of each window only.
    Parameters are those of :func:`tracking`.
    """
    ax = on_axes(ax)
    totals = backtest.totals
    for number, (cutoff, periods) in enumerate(_runs(backtest, model, population)):
        ends = pd.concat([periods["start"].iloc[:1], periods["end"]]) - DAY
        whole = "90 % interval of the total"
        names = ["actual", "expected", whole] if number == 0 else [None] * 3
        actual = np.concatenate([[0.0], periods[f"actual_{target}"].cumsum()])
        expected = np.concatenate([[0.0], periods[f"expected_{target}"].cumsum()])
        ax.plot(ends, actual, color=COLOUR["ink"], label=names[0])
        ax.plot(
            ends,
            expected,
            color=COLOUR["blue"],
            linestyle=(0, (5, 1.5)),
            label=names[1],
        )
        row = totals[
            (pd.to_datetime(totals["cutoff"]) == pd.Timestamp(cutoff))
            & (totals["model"] == model)
            & (totals["population"] == population)
        ]
        lo, hi = (float(row[f"{target}_{side}_90"].iloc[0]) for side in ("lo", "hi"))
        if np.isfinite(lo):
            middle, half = (lo + hi) / 2, (hi - lo) / 2
            ax.errorbar(
                [ends.iloc[-1]],
                [middle],
                yerr=[half],
                fmt="none",
                ecolor=COLOUR["blue"],
                elinewidth=2.5,
                capsize=4,
                capthick=2,
                label=names[2],
            )
        cutoff_line(ax, cutoff, named=number == 0)
    title = f"{target.capitalize()} since the cutoff"
    return finish(ax, title=title, unit=f"{UNITS[target]}, cumulative", dates=True)


@in_style()
def bias_by_origin(
    backtest: Backtest,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    ax: Axes | None = None,
) -> Axes:
    """Draw every model's bias at every origin: forecast total minus actual, in % of the actual.

    The forecast of nothing (always -100 %) is left out.
    """
    ax = on_axes(ax)
    table = backtest.by_origin(target, population)
    table = table[table["bias"].notna() & (table["bias"] > -1)]
    shown = [m for m in backtest.leaderboard(target, population).index if m in set(table["model"])]
    cutoffs = sorted(table["cutoff"].unique())
    for number, model in reversed(list(enumerate(shown))):  # the leader on top
        # a model has one look, whatever its rank
        color, mark, dash = SERIES[backtest.models.index(model) % len(SERIES)]
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
def decile_calibration(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean actual and mean expected of customers in tenths, ordered by their forecast.

    A dot on top of its bar is a calibrated tenth; bars that rise from left to right show that the
    order of customers is right.
    """
    ax = on_axes(ax)
    table = backtest.deciles(model, target)
    where = np.arange(1, len(table) + 1)
    ax.bar(where, table["mean_actual"], color=COLOUR["bar"], width=0.7, label="actual")
    ax.plot(
        where,
        table["mean_expected"],
        color=COLOUR["blue"],
        marker="o",
        markersize=6,
        linestyle=(0, (5, 1.5)),
        linewidth=1.2,
        label="expected",
    )
    ax.set_xticks(where)
    title = f"{target.capitalize()} of customers, by tenth of the forecast"
    x = "tenth of customers (10 = highest forecast)"
    return finish(ax, title=title, unit=f"{UNITS[target]} a customer", x=x)


def _runs(backtest: Backtest, model: str, population: str) -> list[tuple[date, pd.DataFrame]]:
    """Periods by origin, oldest first, of origins whose windows do not overlap."""
    periods = backtest.periods
    mine = periods[(periods["model"] == model) & (periods["population"] == population)]
    if mine.empty:
        known = ", ".join(sorted(set(periods["model"])))
        raise UsageError(f"No forecast of {model!r} for population {population!r}; there: {known}.")
    chosen: list[tuple[date, pd.DataFrame]] = []
    for cutoff in sorted(mine["cutoff"].unique(), reverse=True):
        rows = mine[mine["cutoff"] == cutoff].sort_values("start")
        if not chosen or rows["end"].iloc[-1] <= chosen[-1][1]["start"].iloc[0]:
            chosen.append((pd.Timestamp(cutoff).date(), rows))
    return chosen[::-1]
