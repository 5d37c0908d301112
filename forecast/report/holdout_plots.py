"""One forecast beside what came: the mean of customers with a like history."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.formats import length
from forecast.report.style import COLOUR, DASHES, Target, finish, in_style, on_axes
from forecast.report.units import unit_of
from forecast.views import customer_summary

__all__ = ["conditional_expectation"]

Z90 = 1.645  # normal quantile of .95


@in_style()
def conditional_expectation(
    forecast: Forecast,
    ledger: Ledger,
    *,
    by: Literal["frequency", "recency"] = "frequency",
    target: Target = "purchases",
    groups: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Draw mean actual and mean expected in the holdout, by what was known at the cutoff.

    Parameters
    ----------
    forecast : Forecast
        Of any model, population "existing".
    ledger : Ledger
        The whole log, which reaches to the end of the window.
    by : {"frequency", "recency"}
        Repeat purchases, the last group open above; or age at the last purchase, in groups of
        equal size of those who bought again.
    target : {"purchases", "value"}
    groups : int
        How many.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UnsupportedError
        If the forecast lists no customers.
    """
    if by not in ("frequency", "recency"):
        raise UsageError(f"by: {by!r} is neither 'frequency' nor 'recency'.")
    if groups < 2:
        raise UsageError(f"groups: {groups} must be at least 2.")
    if forecast.customers is None or forecast.population != "existing":
        raise UnsupportedError(f"{forecast.model}: this forecast lists no customers of the past.")
    known = customer_summary(ledger.cut(forecast.cutoff)).reindex(forecast.customers.index)
    came = ledger.actuals(forecast.cutoff, forecast.horizon)
    table = pd.DataFrame(
        {
            "actual": came[target].reindex(forecast.customers.index),
            "expected": forecast.customers[f"expected_{target}"],
        }
    )
    if by == "frequency":
        group = known["frequency"].clip(upper=groups - 1).astype(int)
        names = [*map(str, range(groups - 1)), f"{groups - 1}+"]
        label = "frequency: repeat purchases up to the cutoff"
    else:
        again = known["frequency"] > 0
        known, table = known[again], table[again]
        edges = np.unique(known["recency"].quantile(np.linspace(0, 1, groups + 1)))
        inner = edges[1:-1]
        group = pd.Series(np.searchsorted(inner, known["recency"], side="left"), known.index)
        names = [f"{lo:.0f}\nto {hi:.0f}" for lo, hi in pairwise(edges)]
        label = "recency: days from first to last purchase, who bought again"
    found = table.groupby(group)["actual"].agg(["mean", "sem"])
    expected = table.groupby(group)["expected"].mean()
    ax, where = on_axes(ax), found.index.to_numpy()
    ax.bar(
        where, found["mean"], yerr=Z90 * found["sem"].fillna(0.0), color=COLOUR["bar"], width=0.7,
        ecolor=COLOUR["muted"], label="actual, with the 90 % interval of its mean",
    )  # fmt: skip
    ax.plot(where, expected, color=COLOUR["blue"], marker="o", linestyle=DASHES, label="expected")
    ax.set_xticks(range(len(names)), names)
    return finish(
        ax, title=f"{target.capitalize()} in {length(forecast.horizon)} after the cutoff",
        unit=f"{unit_of(target, ledger.currency)} a customer", x=label,
        order=("actual, with the 90 % interval of its mean", "expected"),
    )  # fmt: skip
