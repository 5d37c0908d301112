"""What was forecast in the past beside what came, period by period."""

from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.backtest import Backtest
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.errors import UsageError
from forecast.forecaster import Population
from forecast.report.style import (
    COLOUR,
    DASHES,
    Target,
    band,
    cutoff_line,
    finish,
    in_style,
    on_axes,
)
from forecast.report.units import unit_of

__all__ = ["tracking", "tracking_cumulative"]

DAY = pd.Timedelta(days=1)


@in_style()
def tracking(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
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
    horizon, origins
        Which part of the backtest, as in :meth:`Backtest.select`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If the backtest has no forecast of that model and population.
    """
    ax, backtest = on_axes(ax), backtest.select(horizon=horizon, origins=origins)
    for number, (cutoff, periods) in enumerate(_runs(backtest, model, population)):
        middle = periods["start"] + (periods["end"] - periods["start"]) / 2
        names = ["actual", "expected", "90 % interval"] if number == 0 else [None] * 3
        band(ax, middle, periods, target, names[2])
        ax.plot(middle, periods[f"actual_{target}"], color=COLOUR["ink"], label=names[0])
        expected = periods[f"expected_{target}"]
        ax.plot(middle, expected, color=COLOUR["blue"], linestyle=DASHES, label=names[1])
        cutoff_line(ax, cutoff, named=number == 0)
    # a backtest's periods are one unit of its horizon
    each = f"a {backtest.horizon.unit_name.removesuffix('s')}"
    title = f"{target.capitalize()} {each}"
    unit = unit_of(target, backtest.currency)
    return finish(ax, title=title, unit=f"{unit} {each}", dates=True)


@in_style()
def tracking_cumulative(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    population: Population = "existing",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw actual against expected summed up since each cutoff, with the total's 90 % interval.

    Bounds of periods do not add up, so the interval stands at the end of each window only.
    Parameters are those of :func:`tracking`.
    """
    ax, backtest = on_axes(ax), backtest.select(horizon=horizon, origins=origins)
    totals = backtest.totals
    for number, (cutoff, periods) in enumerate(_runs(backtest, model, population)):
        ends = pd.concat([periods["start"].iloc[:1], periods["end"]]) - DAY
        whole = "90 % interval of the total"
        names = ["actual", "expected", whole] if number == 0 else [None] * 3
        actual = np.concatenate([[0.0], periods[f"actual_{target}"].cumsum()])
        expected = np.concatenate([[0.0], periods[f"expected_{target}"].cumsum()])
        ax.plot(ends, actual, color=COLOUR["ink"], label=names[0])
        ax.plot(ends, expected, color=COLOUR["blue"], linestyle=DASHES, label=names[1])
        row = totals[
            (totals["cutoff"] == pd.Timestamp(cutoff))
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
    unit = unit_of(target, backtest.currency)
    return finish(ax, title=title, unit=f"{unit}, cumulative", dates=True)


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
