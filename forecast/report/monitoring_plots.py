"""How far past runs were off, run by run, with what each run itself held possible."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.report.style import COLOUR, Target, day_ticks, finish, in_style, on_axes

__all__ = ["bias_by_run"]

_MOST = 3.0  # a bias beyond is drawn there, with an arrow


@in_style()
def bias_by_run(
    runs: pd.DataFrame, *, target: Target, max_bias: float = 0.2, ax: Axes | None = None
) -> Axes:
    """Draw the bias of each matured run's total, in % of the actual, with its 90 % interval.

    An interval that holds 0 held what came. The band is the bias that does not count; a bias
    beyond 300 % is drawn there as an arrow.

    Parameters
    ----------
    runs : pandas.DataFrame
        Rows of one horizon: ``horizon``, ``cutoff``, ``target``, ``bias``, ``bias_lo_90`` and
        ``bias_hi_90`` (shares of the actual total).
    target : {"purchases", "value"}
    max_bias : float
        Half the height of the band, as a share of the actual.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    ax = on_axes(ax)
    rows = runs[runs["target"] == target].sort_values("cutoff")
    days = pd.to_datetime(rows["cutoff"])
    bias, lo, hi = (
        100 * rows[name].astype(float).clip(-_MOST, _MOST).to_numpy()
        for name in ("bias", "bias_lo_90", "bias_hi_90")
    )
    ax.axhspan(-100 * max_bias, 100 * max_bias, color=COLOUR["bar"], alpha=0.3, linewidth=0,
               label=f"within {100 * max_bias:.0f} %")  # fmt: skip
    known = np.isfinite(lo)
    if known.any():
        ax.vlines(days[known], lo[known], hi[known], color=COLOUR["blue"], linewidth=2.5, alpha=0.5,
                  label="90 % interval of the run")  # fmt: skip
    far = rows["bias"].astype(float).abs().to_numpy() > _MOST
    ax.plot(days[~far], bias[~far], "o", color=COLOUR["blue"], label="forecast minus actual")
    ax.plot(days[far], bias[far], "^", color=COLOUR["red"], label="beyond" if far.any() else None)
    ax.axhline(0, color=COLOUR["ink"], linewidth=1)
    finish(
        ax,
        title=f"Bias in total {target}, {', '.join(rows['horizon'].unique())}",
        unit="% of the actual total",
        x="cutoff of the run",
        dates=True,
        floor=False,
        order=[
            "forecast minus actual",
            "90 % interval of the run",
            f"within {100 * max_bias:.0f} %",
        ],
    )
    ax.margins(x=0.08)
    if 0 < len(rows) <= 6:
        day_ticks(ax, list(days))
    return ax
