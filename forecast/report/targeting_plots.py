"""What the order that a forecast puts customers in is worth: lift and profit of the first few."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from forecast.backtest import Backtest
from forecast.backtest.evidence import customer_tables
from forecast.backtest.ranking import targeting_curve
from forecast.backtest.selection import Origins
from forecast.calendar import Horizon
from forecast.errors import UsageError
from forecast.report.style import COLOUR, Target, finish, in_style, look, on_axes
from forecast.report.units import unit_of

__all__ = ["lift_curve", "profit_curve", "targeting_curves"]

POINTS = 50


def targeting_curves(
    backtest: Backtest,
    models: str | Sequence[str],
    *,
    target: Target = "value",
    contact_cost: float = 0.0,
    margin: float = 1.0,
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
) -> pd.DataFrame:
    """Return what is gathered from the customers forecast highest, mean over origins.

    Parameters
    ----------
    backtest : Backtest
    models : str or sequence of str
        Names in the backtest.
    target : {"purchases", "value"}
        What is gathered.
    contact_cost : float
        Of one contact, in the unit of the target (times ``margin``): currency for value.
    margin : float
        Part of the value that is kept.
    horizon, origins
        Which part of the backtest, as in :meth:`Backtest.select`.

    Returns
    -------
    pandas.DataFrame
        One row a model and ``share`` of customers: ``captured`` (share of the actual total),
        ``lift`` (times as much as from customers drawn at random), ``profit`` (a customer of the
        base), and ``perfect_lift``, of the order that only hindsight knows.

    Raises
    ------
    UsageError
        If a model gave no forecast by customer.
    """
    part = backtest.select(horizon=horizon, origins=origins)
    names = [models] if isinstance(models, str) else list(models)
    curves = []
    for cutoff, model, table in customer_tables(part, "existing", names):
        actual, expected = table[f"actual_{target}"], table[f"expected_{target}"]
        if expected.isna().any() or not actual.sum() > 0:
            continue
        curve = targeting_curve(
            actual, expected, contact_cost=contact_cost, margin=margin, points=POINTS
        )
        perfect = targeting_curve(actual, actual, points=POINTS)["lift"]
        curves.append(curve.assign(perfect_lift=perfect, model=model, cutoff=cutoff))
    found = {str(curve["model"].iloc[0]) for curve in curves}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise UsageError(f"No forecast of {target} by customer: {', '.join(unknown)}.")
    whole = pd.concat(curves).reset_index()
    columns = ["captured", "lift", "profit", "perfect_lift"]
    return whole.groupby(["model", "share"])[columns].mean().reset_index()


@in_style()
def lift_curve(
    backtest: Backtest,
    models: str | Sequence[str],
    *,
    target: Target = "value",
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw how many times as much the customers forecast highest brought as customers at random.

    Parameters
    ----------
    backtest, models, target, horizon, origins
        As in :func:`targeting_curves`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    ax = on_axes(ax)
    table = targeting_curves(backtest, models, target=target, horizon=horizon, origins=origins)
    for model in _in_order(models):
        rows = table[table["model"] == model]
        color, mark, dash = look(backtest.models.index(model))
        ax.plot(
            100 * rows["share"], rows["lift"], color=color, linestyle=dash, marker=mark,
            markevery=5, label=model,
        )  # fmt: skip
    perfect = table.groupby("share")["perfect_lift"].mean()
    ax.plot(100 * perfect.index, perfect, color=COLOUR["muted"], linewidth=1, label="perfect order")
    ax.axhline(1, color=COLOUR["ink"], linewidth=1, linestyle=(0, (1, 1.5)), label="chance")
    finish(
        ax,
        title=f"Lift: {target} of those forecast highest",
        unit=f"times the {target} of as many at random",
        x="% of customers, highest forecast first",
        order=[*_in_order(models), "perfect order", "chance"],
    )
    shown = float(table["lift"].max())
    ax.set_ylim(0, 1.15 * min(shown * 1.3, float(perfect.max())))
    ax.set_xlim(0, 100)
    return ax


@in_style()
def profit_curve(
    backtest: Backtest,
    models: str | Sequence[str],
    *,
    contact_cost: float,
    margin: float = 1.0,
    horizon: str | Horizon | None = None,
    origins: Origins = "tuning",
    ax: Axes | None = None,
) -> Axes:
    """Draw the profit of contacting the customers forecast highest, a customer of the base.

    A contact is credited with all that the customer then bought, as if nothing had been bought
    without it: the curve compares orders and shares, it does not say what a contact causes.
    Parameters are those of :func:`targeting_curves`.
    """
    ax = on_axes(ax)
    table = targeting_curves(
        backtest, models, contact_cost=contact_cost, margin=margin, horizon=horizon,
        origins=origins,
    )  # fmt: skip
    for model in _in_order(models):
        rows = table[table["model"] == model].reset_index(drop=True)
        color, mark, dash = look(backtest.models.index(model))
        best = int(rows["profit"].to_numpy(float).argmax())
        ax.plot(
            100 * rows["share"], rows["profit"], color=color, linestyle=dash, marker=mark,
            markevery=[best], markersize=8, label=model,
        )  # fmt: skip
    ax.axhline(0, color=COLOUR["ink"], linewidth=1)
    finish(
        ax,
        title=f"Profit at {contact_cost:,.4g} a contact and a margin of {100 * margin:g} %",
        unit=f"{unit_of('value', backtest.currency)} a customer",
        x="% of customers contacted, highest forecast first (mark: the most profit)",
        order=_in_order(models),
    )
    ax.set_xlim(0, 100)
    return ax


def _in_order(models: str | Sequence[str]) -> list[str]:
    return [models] if isinstance(models, str) else list(models)
