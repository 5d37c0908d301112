"""Do forecasts mean what they say: levels by tenth, probabilities, and whole distributions."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.backtest import Backtest, calibration
from forecast.backtest.evidence import customer_tables
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.report.style import COLOUR, DASHES, Target, finish, in_style, on_axes
from forecast.report.units import unit_of

__all__ = ["decile_calibration", "pit_histogram", "pooled", "reliability"]

Z90 = 1.645  # normal quantile of .95


@in_style()
def decile_calibration(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean actual and mean expected of customers in tenths, ordered by their forecast.

    A dot on top of its bar is a calibrated tenth; bars that rise from left to right show that the
    order of customers is right.

    Parameters
    ----------
    backtest : Backtest
    model : str
        Name of the model in the backtest.
    target : {"purchases", "value"}
    horizon, origins
        Which part of the backtest, as in :meth:`Backtest.select`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    ax = on_axes(ax)
    table = backtest.deciles(model, target, horizon=horizon, origins=origins)
    where = np.arange(1, len(table) + 1)
    ax.bar(where, table["mean_actual"], color=COLOUR["bar"], width=0.7, label="actual")
    ax.plot(
        where,
        table["mean_expected"],
        color=COLOUR["blue"],
        marker="o",
        markersize=6,
        linestyle=DASHES,
        linewidth=1.2,
        label="expected",
    )
    ax.set_xticks(where)
    title = f"{target.capitalize()} of customers, by tenth of the forecast"
    x = "tenth of customers (10 = highest forecast)"
    unit = unit_of(target, backtest.currency)
    return finish(ax, title=title, unit=f"{unit} a customer", x=x)


@in_style()
def reliability(
    backtest: Backtest,
    model: str,
    *,
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of customers who bought beside the probability they were given.

    Ten groups of equal size over all origins; the bars are Wilson's 90 % intervals, for customers
    who buy independently. On the diagonal, ``p_active`` means what it says. Parameters are those
    of :func:`decile_calibration`.
    """
    ax, part = on_axes(ax), backtest.select(horizon=horizon, origins=origins)
    found = pooled(part, model, ["p_active", "actual_purchases"])
    table = calibration.reliability(found["actual_purchases"], found["p_active"])
    p, share = (100 * table[name].to_numpy(float) for name in ("mean_expected", "mean_actual"))
    lo, hi = (100 * table[name].to_numpy(float) for name in ("lo_90", "hi_90"))
    ax.plot([0, 100], [0, 100], color=COLOUR["ink"], linewidth=1, label="as forecast")
    ax.vlines(p, lo, hi, color=COLOUR["blue"], linewidth=2, label="90 % interval")
    ax.plot(p, share, color=COLOUR["blue"], marker="o", linestyle="", label="bought")
    end = 1.05 * max(float(hi.max()), float(p.max()), 5.0)
    ax.set_xlim(0, min(end, 101))
    finish(
        ax,
        title="Chance to buy at least once",
        unit="% of customers who bought",
        x="chance they were given, mean of a tenth of customers, %",
        order=("bought", "90 % interval", "as forecast"),
    )
    ax.set_ylim(0, min(end, 101))
    return ax


@in_style()
def pit_histogram(
    backtest: Backtest,
    model: str,
    *,
    target: Target = "purchases",
    bins: int = 10,
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw where outcomes fell in their forecast distributions: level where these are right.

    The randomised PIT of Czado, Gneiting & Held (2009). High ends: intervals too narrow; a hump:
    too wide; a slope to the right: forecasts too low. The band holds a bar in nine cases of ten
    if customers are independent, which those of one cutoff are not quite.

    Parameters
    ----------
    backtest, model, target, horizon, origins, ax
        As in :func:`decile_calibration`.
    bins : int
        How many bars.

    Raises
    ------
    UnsupportedError
        If the model has no distribution.
    """
    if bins < 2:
        raise UsageError(f"bins: {bins} must be at least 2.")
    ax, part = on_axes(ax), backtest.select(horizon=horizon, origins=origins)
    pit = pooled(part, model, [f"pit_{target}"])[f"pit_{target}"].to_numpy(float)
    counts, edges = np.histogram(pit, bins=bins, range=(0, 1))
    middle, even = (edges[:-1] + edges[1:]) / 2, 100 / bins
    half = 100 * Z90 * np.sqrt((1 - 1 / bins) / bins / len(pit))
    ax.bar(middle, 100 * counts / len(pit), color=COLOUR["bar"], width=0.94 / bins, label="actual")
    ax.axhspan(
        even - half, even + half, color=COLOUR["blue"], alpha=0.3, linewidth=0,
        label="90 % of chance",
    )  # fmt: skip
    ax.axhline(even, color=COLOUR["blue"], linestyle=DASHES, linewidth=1.3, label="right forecast")
    ax.set_xlim(0, 1)
    return finish(
        ax,
        title=f"Outcomes in their distributions (PIT), {target}",
        unit="% of customers",
        x="rank of the outcome among simulated futures: 0 lowest, 1 highest",
    )


def pooled(part: Backtest, model: str, columns: list[str]) -> pd.DataFrame:
    """Return columns of a model's customers over all origins of a selected part.

    Raises
    ------
    UsageError
        If the model gave no forecast by customer.
    UnsupportedError
        If it leaves a column missing.
    """
    tables = [table[columns] for _, _, table in customer_tables(part, "existing", [model])]
    if not tables:
        raise UsageError(f"No forecast by customer of {model!r}; models: {', '.join(part.models)}.")
    found = pd.concat(tables, ignore_index=True)
    missing = [name for name in columns if found[name].isna().any()]
    if missing:
        raise UnsupportedError(f"{model} does not forecast {', '.join(missing)} for everybody.")
    return found
