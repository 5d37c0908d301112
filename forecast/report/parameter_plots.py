"""What was estimated: from cutoff to cutoff, and how surely."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from forecast.backtest import Backtest
from forecast.backtest.selection import Origins
from forecast.errors import UsageError
from forecast.report.style import COLOUR, finish, in_style, look, on_axes

__all__ = ["parameter_drift", "posterior_pairs"]


@in_style()
def parameter_drift(
    backtest: Backtest, model: str, *, origins: Origins = "tuning", ax: Axes | None = None
) -> Axes:
    """Draw each positive parameter over cutoffs, as a multiple of its median.

    Parameters that trade off against each other (a and b, s and beta) may wander together while
    the forecasts hardly move. Those that are not positive are left out.

    Parameters
    ----------
    backtest : Backtest
    model : str
        Name of the model in the backtest.
    origins : {"tuning", "untouched", "all"}
        Which, as in :meth:`Backtest.select`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If no parameters of the model were kept.
    """
    ax = on_axes(ax)
    rows = backtest.select(origins=origins).parameters
    rows = rows[rows["model"] == model]
    wide = rows.pivot_table(index="cutoff", columns="name", values="value", sort=True)
    drawn = [
        name for name in wide.columns if (wide[name] > 0).all() and np.isfinite(wide[name]).all()
    ]
    wide = wide[drawn]
    if wide.empty:
        known = ", ".join(sorted(set(backtest.parameters["model"])))
        raise UsageError(
            f"No positive parameters of {model!r} were kept; there: {known or 'none'}."
        )
    for number, name in enumerate(wide.columns):
        color, mark, dash = look(number)
        ratio = wide[name] / wide[name].median()
        ax.plot(wide.index, ratio, color=color, marker=mark, linestyle=dash, label=str(name))
    ax.axhline(1, color=COLOUR["ink"], linewidth=1)
    ax.set_yscale("log")
    finish(
        ax,
        title=f"Parameters of {model} by cutoff",
        unit="multiple of the median",
        x="cutoff",
        dates=True,
        floor=False,
        order=list(wide.columns),
    )
    lo, hi = ax.get_ylim()
    ax.set_ylim(min(lo, 0.8), max(hi, 1.25))
    fine = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if hi < 30 * lo else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(subs=fine))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    return ax


@in_style()
def posterior_pairs(
    fit: Any,
    *,
    draws: int = 2000,
    seed: int = 0,
    axes: "npt.NDArray[Any] | None" = None,
) -> "npt.NDArray[Any]":
    """Draw the posterior of a fit's parameters, each alone and in pairs, on logarithmic axes.

    Parameters
    ----------
    fit : Fit or ArviZ data
        Of a purchase process or a spend model, such as ``model.purchases_``; or what ArviZ and
        pymc-marketing keep draws in (``model.idata``), whose positive single parameters are drawn
        without an estimate or a unit.
    draws, seed : int
        Of the posterior of a fit; draws that are given are all taken.
    axes : array of Axes, shape (p, p), optional
        Where to draw the p parameters; a new figure by default.

    Returns
    -------
    array of Axes, shape (p, p)
        Those above the diagonal are left empty.
    """
    if hasattr(fit, "params"):
        posterior = fit.posterior(draws=draws, seed=seed)
        names, values, estimate = posterior.names, posterior.draws, fit.params
        unit, timed = "" if fit.unit is None else f", {fit.unit}", fit.timed
        k = posterior.pareto_k
        trust = f"Pareto k {k:.2f}" if pd.notna(k) else "a chain"
        trust = f" ({trust}; line and cross: the estimate)"
    else:
        names, values = _drawn(fit)
        estimate, unit, timed, trust = {}, "", (0,) * len(names), ""
    size = len(names)
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(
            size, size, figsize=(1.9 * size + 0.6, 1.7 * size + 0.6), squeeze=False,
            layout="constrained", facecolor=COLOUR["paper"],
        )[1]  # fmt: skip
    elif np.shape(axes) != (size, size):
        raise UsageError(f"axes: of shape {np.shape(axes)}; {size} parameters need {size, size}.")
    for row in range(size):
        for column in range(size):
            ax = axes[row, column]
            if column > row:
                ax.axis("off")
                continue
            if column == row:
                ax.hist(values[:, row], bins=_log_bins(values[:, row]), color=COLOUR["bar"])
                if estimate:
                    ax.axvline(estimate[names[row]], color=COLOUR["ink"], linewidth=1)
                ax.set_yticks([])
                ax.set_title(names[row], pad=4)
            else:
                ax.plot(
                    values[:, column], values[:, row], linestyle="", marker=".", markersize=2,
                    color=COLOUR["blue"], alpha=0.35, rasterized=True,
                )  # fmt: skip
                if estimate:
                    ax.plot(
                        estimate[names[column]], estimate[names[row]], marker="+", markersize=10,
                        markeredgewidth=2, color=COLOUR["ink"],
                    )  # fmt: skip
                ax.set_yscale("log")
            ax.set_xscale("log")
            ax.grid(visible=False)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_minor_formatter(NullFormatter())
                axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
            ax.set_xticks(_few_ticks(values[:, column]))
            if column < row:
                ax.set_yticks(_few_ticks(values[:, row]))
            if row == size - 1:
                ax.set_xlabel(names[column] + (unit if timed[column] else ""))
            if column == 0 and row > 0:
                ax.set_ylabel(names[row] + (unit if timed[row] else ""))
            ax.tick_params(labelsize=8)
    axes[0, 0].figure.suptitle(f"Posterior, {len(values):,} draws{trust}", fontsize=10)
    return axes


def _drawn(data: Any) -> "tuple[tuple[str, ...], npt.NDArray[np.float64]]":
    """Return the positive single parameters of ArviZ's group of the posterior, and their draws."""
    try:
        group = data["posterior"]
        held = {str(name): np.asarray(group[name], dtype=float) for name in group}
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"fit: a {type(data).__name__} is neither a fit nor ArviZ data with a posterior."
        ) from None
    single = {name: each.ravel() for name, each in held.items() if each.ndim == 2}
    drawn = {name: each for name, each in single.items() if (each > 0).all()}
    if not drawn:
        raise UsageError(f"fit: no positive single parameter among {', '.join(held) or 'none'}.")
    return tuple(drawn), np.stack(list(drawn.values()), axis=1)


def _log_bins(values: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    return np.geomspace(values.min(), values.max(), 30)


def _few_ticks(values: "npt.NDArray[np.float64]") -> list[float]:
    """Return the tenth and the ninetieth percentile, to two digits."""
    return [float(f"{each:.2g}") for each in np.quantile(values, [0.1, 0.9])]
