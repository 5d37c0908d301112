"""What each lever moves: the tornado of a scenario."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from forecast.errors import UsageError
from forecast.report.style import COLOUR, in_style, on_axes, short_number
from forecast.report.units import unit_of

__all__ = ["tornado"]

NEEDED = ["low", "high", "at_low", "at_high", "at_low_lo", "at_low_hi", "at_high_lo", "at_high_hi"]


@in_style()
def tornado(table: pd.DataFrame, *, currency: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw how far each lever moves a measure, down and up, with 90 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        From :meth:`forecast.value.scenario_result.ScenarioResult.tornado`: one row a lever.
    currency : str, optional
        What the axis calls money.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If columns are missing, or there are no levers.
    """
    missing = [name for name in NEEDED if name not in table]
    if missing or table.empty:
        raise UsageError(
            "table: give what ScenarioResult.tornado() returns, with a lever at least."
        )
    ax = on_axes(ax)
    rows = table.iloc[::-1]  # the widest on top
    places = range(len(rows))
    for end, color, hatch in (("low", COLOUR["gold"], "//"), ("high", COLOUR["blue"], "")):
        middle = rows[f"at_{end}"].astype(float)
        spread = [middle - rows[f"at_{end}_lo"], rows[f"at_{end}_hi"] - middle]
        ax.barh(
            places, middle, height=0.6, color=color, hatch=hatch, alpha=0.85,
            xerr=[each.clip(lower=0).to_numpy(float) for each in spread],
            ecolor=COLOUR["ink"], capsize=3, label=f"lever at its {end} end",
        )  # fmt: skip
    ends = rows[["low", "high"]].itertuples()
    names = [f"{name}\n{low:g} to {high:g}" for name, low, high in ends]
    ax.set_yticks(list(places), names)
    ax.axvline(0, color=COLOUR["ink"], linewidth=1)
    ax.xaxis.set_major_formatter(FuncFormatter(short_number))
    measure = str(table.attrs.get("measure", "measure"))
    unit = unit_of("value", currency)
    ax.set_xlabel(f"Change of {measure.replace('_', ' ')} over the horizon, {unit}")
    ax.set_title("What each lever moves, one at a time", loc="left")
    ax.legend(loc="lower right")
    return ax
