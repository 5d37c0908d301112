"""Where the bias sits: cohort by cohort, over cutoffs or over horizons."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from forecast.backtest import Backtest
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.errors import UsageError
from forecast.report.formats import short_day
from forecast.report.style import COLOUR, Target, finish, in_style, on_axes

__all__ = ["cohort_bias", "cohort_errors"]

Across = Literal["cutoff", "horizon"]
MOST_ROWS = 18
FEWEST = 10  # actual purchases below which a share of them says nothing
CLASSES = [  # upper edge of the bias, role of its shade, what it means
    (-0.5, "low2", "over 50 % too low"),
    (-0.2, "low1", "too low"),
    (0.2, "near", "within 20 %"),
    (0.5, "high1", "too high"),
    (np.inf, "high2", "over 50 % too high"),
]


def cohort_errors(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    across: Across = "cutoff",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
) -> pd.DataFrame:
    """Return the bias of each cohort at each cutoff, or over each horizon with cutoffs pooled.

    Parameters
    ----------
    backtest : Backtest
    model : str
        Name of the model in the backtest; it must list customers.
    target : {"purchases", "value"}
    across : {"cutoff", "horizon"}
        What the columns are; ``"horizon"`` takes all horizons of the backtest.
    horizon, origins
        Which part of the backtest, as in :meth:`Backtest.select`.

    Returns
    -------
    pandas.DataFrame
        ``cohort`` (month, quarter or year of the first purchase, so that there are at most 18,
        where years allow), ``cutoff`` or ``horizon``, ``expected``, ``actual`` (unit of the
        target), ``purchases`` (actual count) and ``bias``, expected over actual minus 1; missing
        where fewer than ten purchases were made.

    Raises
    ------
    UsageError
        If the model has no forecast by cohort.
    """
    if across not in ("cutoff", "horizon"):
        raise UsageError(f"across: {across!r} is neither 'cutoff' nor 'horizon'.")
    lengths = backtest.horizons if across == "horizon" else [horizon]
    parts = [backtest.select(horizon=each, origins=origins).cohorts for each in lengths]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["model"] == model]
    if rows.empty:
        raise UsageError(f"No forecast by cohort of {model!r}: is it a model that lists customers?")
    rows = rows.assign(
        cohort=_grouped(rows["cohort"]),
        expected=rows[f"expected_{target}"],
        actual=rows[f"actual_{target}"],
        purchases=rows["actual_purchases"],
    )
    sums = rows.groupby(["cohort", across])[["expected", "actual", "purchases"]]
    found = sums.sum(min_count=1).reset_index()
    enough = (found["purchases"] >= FEWEST) & (found["actual"] > 0)
    found["bias"] = (found["expected"] / found["actual"].where(enough) - 1).astype(float)
    return found


@in_style()
def cohort_bias(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    across: Across = "cutoff",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw the bias of cohorts as a table of shades, the number written in each cell.

    Parameters
    ----------
    backtest, model, target, across, horizon, origins
        As in :func:`cohort_errors`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    ax = on_axes(ax)
    table = cohort_errors(
        backtest, model, target=target, across=across, horizon=horizon, origins=origins
    )
    cohorts = sorted(table["cohort"].unique())
    columns: list[Any] = sorted(table["cutoff"].unique()) if across == "cutoff" else []
    columns = columns or [str(each) for each in _by_length(backtest)]
    size = 8.5 if len(columns) <= 9 else 7.0
    biases = table["bias"].astype(float)
    for column, cohort, bias in zip(table[across], table["cohort"], biases, strict=True):
        x, y = columns.index(column), cohorts.index(cohort)
        if np.isnan(bias):
            ax.text(x, y, "few", ha="center", va="center", size=size, color=COLOUR["muted"])
            continue
        shade = next(role for edge, role, _ in CLASSES if bias <= edge)
        cell = Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, color=COLOUR[shade], linewidth=0)
        ax.add_patch(cell)
        text = f"{100 * bias:+,.0f}".replace("-", "\u2212")
        ax.text(x, y, text, ha="center", va="center", size=size, color=COLOUR["ink"])
    title = f"Bias of {target} by cohort, % of the actual"
    x_name = "cutoff" if across == "cutoff" else "horizon, cutoffs pooled"
    finish(ax, title=title, unit="cohort: first purchase in", x=x_name, floor=False)
    labels = [short_day(each) if across == "cutoff" else each for each in columns]
    ax.set_xticks(range(len(columns)), labels, size=8 if len(columns) <= 9 else 6.5)
    ax.set_yticks(range(len(cohorts)), cohorts)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(cohorts) - 0.5, -0.5)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    handles = [Patch(color=COLOUR[role], label=label) for _, role, label in CLASSES]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), borderaxespad=0.2,
        ncols=5, columnspacing=0.9, handlelength=1.1, fontsize=8,
    )  # fmt: skip
    ax.set_title(title, pad=23)
    return ax


def _by_length(backtest: Backtest) -> list[Horizon]:
    return sorted(backtest.horizons, key=lambda each: each.window(backtest.origins[-1]).days)


def _grouped(months: "pd.Series[Any]") -> "pd.Series[Any]":
    """Name cohorts by month, or by quarter or year where there would be too many rows."""
    periods = pd.PeriodIndex(months.astype(str), freq="M")
    for unit in ("M", "Q", "Y"):
        found = periods.asfreq(unit)
        if unit == "Y" or found.nunique() <= MOST_ROWS:
            break
    return pd.Series(found.astype(str), index=months.index)
