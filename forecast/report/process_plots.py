"""What a fitted buy-till-you-die model says: of every history, of one customer, of all counts.

The model is anything with ``purchases_``, a fit of a purchase process, in days or weeks.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import Ledger
from forecast.report.formats import length
from forecast.report.style import COLOUR, cutoff_line, finish, in_style, on_axes
from forecast.views import customer_summary

__all__ = ["frequency_histogram", "frequency_recency_matrix", "p_alive_history"]

DAYS = {"days": 1.0, "weeks": 7.0}
STEPS = 80
Z90 = 1.645  # normal quantile of .95


class _Fitted(NamedTuple):
    process: Any
    unit: str
    days: float


def _fitted(model: Any) -> _Fitted:
    """Return the process of a model, refusing those that one process alone does not describe."""
    fit = getattr(model, "purchases_", None)
    if fit is None:
        raise UsageError("model: it needs purchases_, a fitted purchase process. Fit it first.")
    if getattr(model, "clock_", None) is not None:
        raise UnsupportedError(
            "model: in season its time runs faster, so a number of weeks does not tell a history. "
            "Fit one with season=0 for this plot."
        )
    if getattr(model, "covariates", ()) or getattr(model, "by", None):
        raise UnsupportedError(
            "model: its customers have parameters of their own. Fit one without covariates= and "
            "by= for this plot."
        )
    if fit.unit not in DAYS:
        raise UnsupportedError(f"model: fitted in {fit.unit!r}; these plots know {list(DAYS)}.")
    return _Fitted(fit.process, fit.unit, DAYS[fit.unit])


@in_style()
def frequency_recency_matrix(
    model: Any,
    ledger: Ledger,
    *,
    kind: Literal["expected_purchases", "p_alive"] = "expected_purchases",
    horizon: str = "26W",
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what is expected of a customer as old as the oldest, for every possible history.

    Parameters
    ----------
    model : fitted BTYD
    ledger : Ledger
        What it was fitted on; gives the age and the range of frequencies.
    kind : {"expected_purchases", "p_alive"}
        Purchases expected over the horizon, or the probability to be alive at the cutoff.
    horizon : str
        Length of the window, for ``"expected_purchases"``.
    most : int, optional
        Highest frequency (repeat purchases); by default the highest seen, at most 30.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Notes
    -----
    Recency is the age at the last purchase: high is recent. It is 0 for who never came back.
    """
    if kind not in ("expected_purchases", "p_alive"):
        raise UsageError(f"kind: {kind!r} is neither 'expected_purchases' nor 'p_alive'.")
    found, people = _fitted(model), customer_summary(ledger)
    age = float(people["T"].max()) / found.days
    top = min(int(people["frequency"].max()), 30) if most is None else most
    frequency = np.arange(0, top + 1)
    recency = np.linspace(0, age, STEPS)
    x, tx = np.meshgrid(frequency, recency)
    possible = np.where(x == 0, tx == 0, tx * found.days >= x)  # a purchase day each
    tx_known = np.where(x == 0, 0.0, np.maximum(tx, x / found.days))
    if kind == "p_alive":
        values, name = found.process.p_alive(x, tx_known, age), "probability to be alive"
        title = "Probability to be alive"
    else:
        ahead = Horizon.parse(horizon)
        days = ahead.window(ledger.cutoff).days
        values = found.process.expected_purchases(days / found.days, x, tx_known, age)
        name = f"purchases in {length(ahead)}"
        title = f"Expected purchases in {length(ahead)}"
    ax = on_axes(ax)
    mesh = ax.pcolormesh(
        frequency, recency, np.where(possible, values, np.nan), cmap="cividis", shading="nearest",
        vmin=0, rasterized=True,
    )  # fmt: skip
    ax.figure.colorbar(mesh, ax=ax, label=name)
    title += f", {age:,.0f} {found.unit} after the first"
    finish(
        ax, title=title, unit=f"recency: {found.unit} from first to last purchase",
        x="frequency: repeat purchases", floor=False,
    )  # fmt: skip
    ax.grid(visible=False)
    return ax


@in_style()
def p_alive_history(model: Any, ledger: Ledger, customer: str, *, ax: Axes | None = None) -> Axes:
    """Draw a customer's probability to be alive on each day, from what was known of him that day.

    The parameters are those of the fit, which knows later days of other customers: a picture of
    the model, not a forecast.

    Parameters
    ----------
    model : fitted BTYD
    ledger : Ledger
        What it was fitted on.
    customer : str
        A ``customer_id``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    found = _fitted(model)
    rows = ledger.purchases()
    days = rows.loc[rows["customer_id"].astype(str) == str(customer), "date"].sort_values()
    if days.empty:
        raise UsageError(f"customer: {customer!r} has no purchase in this ledger.")
    bought = np.unique((days - days.iloc[0]).dt.days.to_numpy(float))
    age = np.arange((pd.Timestamp(ledger.cutoff) - days.iloc[0]).days + 1, dtype=float)
    frequency = np.searchsorted(bought, age, side="right") - 1
    recency = bought[frequency]
    p = found.process.p_alive(frequency, recency / found.days, age / found.days)
    ax = on_axes(ax)
    dates = days.iloc[0] + pd.to_timedelta(age, unit="D")
    ax.plot(dates, 100 * p, color=COLOUR["blue"], label="probability to be alive")
    ax.plot(
        days.iloc[0] + pd.to_timedelta(bought, unit="D"), 100 * p[bought.astype(int)],
        linestyle="", marker="o", color=COLOUR["ink"], label="purchase",
    )  # fmt: skip
    cutoff_line(ax, ledger.cutoff)
    finish(ax, title=f"Customer {customer}", unit="%, alive on the day", dates=True)
    ax.set_ylim(0, 104)
    return ax


@in_style()
def frequency_histogram(
    model: Any, ledger: Ledger, *, most: int = 7, ax: Axes | None = None
) -> Axes:
    """Draw how many customers bought again how often, beside how many the model expects.

    Over the time the model was fitted on, so it shows whether the shape fits, not whether
    forecasts hold. The bars of the model hold nine counts of ten for given parameters.

    Parameters
    ----------
    model : fitted BTYD
    ledger : Ledger
        What it was fitted on.
    most : int
        This and higher frequencies are one group.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    if most < 1:
        raise UsageError(f"most: {most} must be at least 1.")
    found, people = _fitted(model), customer_summary(ledger)
    start = pd.Timestamp(ledger.first_day) + pd.Timedelta(days=getattr(model, "burn_in", None) or 0)
    people = people[people["first_purchase"] >= start]
    age, weight = np.unique(people["T"].to_numpy(float), return_counts=True)
    n = np.arange(most)[:, None]
    chance = np.asarray(found.process.pmf(n, age[None, :] / found.days), dtype=float)
    chance = np.vstack([chance, 1 - chance.sum(axis=0)])
    expected = chance @ weight
    half = Z90 * np.sqrt((chance * (1 - chance)) @ weight)
    actual = np.bincount(np.minimum(people["frequency"], most), minlength=most + 1)
    ax, where = on_axes(ax), np.arange(most + 1)
    ax.bar(where, actual, color=COLOUR["bar"], width=0.7, label="actual")
    ax.errorbar(
        where, expected, yerr=half, color=COLOUR["blue"], marker="o", linestyle="", capsize=3,
        label="model, with its 90 % interval",
    )  # fmt: skip
    ax.set_xticks(where, [*map(str, range(most)), f"{most}+"])
    return finish(
        ax, title="Repeat purchases up to the cutoff", unit="customers",
        x="frequency: repeat purchases",
    )  # fmt: skip
