"""What customers are worth beside what they cost, by channel: the ratio, and when it is paid."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from forecast.errors import UsageError
from forecast.report.style import COLOUR, finish, in_style, look, on_axes
from forecast.report.units import unit_of

__all__ = ["ltv_to_cac", "payback_curves"]

FloatArray = npt.NDArray[np.float64]

RATIO = ["ltv_cac", "ltv_cac_lo_90", "ltv_cac_hi_90"]
CURVE = ["age_months", "customers", "margin_per_customer", "lo", "hi"]
EVERYBODY = "(all)"
MOST = 8  # groups in one picture; more cannot be told apart


@in_style()
def ltv_to_cac(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each group's LTV:CAC with its 90 % interval, beside 1 and the ratio to reach.

    Parameters
    ----------
    table : pandas.DataFrame
        ``table`` of :func:`forecast.unit_economics`: one row a group. Groups without a known cost
        are left out, and then everybody too, since the ratio of all would count them as free. The
        ratio to reach is read from the name of the column ``p_above_3``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If columns are missing, or no group has a cost.
    """
    rows = table.dropna(subset=RATIO) if set(RATIO) <= set(table) else table.head(0)
    if 1 < len(rows) < len(table) and _label(rows.index[-1]).startswith(EVERYBODY):
        rows = rows.iloc[:-1]
    if rows.empty:
        raise UsageError(
            "table: give the table of fc.unit_economics(...), a cost in one group at least."
        )
    ax = on_axes(ax)
    place = np.arange(len(rows))
    middle, lo, hi = (rows[name].to_numpy(float) for name in RATIO)
    ax.hlines(place, lo, hi, color=COLOUR["blue"], linewidth=2.2, label="90 % interval")
    ax.plot(middle, place, "o", markersize=6.5, color=COLOUR["blue"], label="expected")
    target = _target(rows)
    ax.axvline(1, color=COLOUR["ink"], linewidth=1, linestyle=":", label="1: cost earned back")
    ax.axvline(
        target, color=COLOUR["ink"], linewidth=1, linestyle="--", label=f"{target:g}: to be reached"
    )
    names = [_label(each) for each in rows.index]
    beside = max(map(len, names))
    finish(ax, title="Lifetime value over cost", unit="", x="LTV:CAC", floor=False, beside=beside)
    ax.set_yticks(place, names)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(left=min(0.0, float(lo.min())))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    return ax


@in_style()
def payback_curves(
    curves: pd.DataFrame,
    cac: "pd.Series[float] | None" = None,
    *,
    currency: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a customer has brought by each age, with its 90 % interval, beside his cost.

    Parameters
    ----------
    curves : pandas.DataFrame
        From ``economics.curves.table()``: labels of the group, ``age_months`` (of 30
        days), ``customers`` and the cumulative ``margin_per_customer`` with ``lo`` and ``hi``
        (currency). The eight largest groups are drawn; ``"(all)"`` only where it is alone.
    cac : pandas.Series, optional
        Cost of a customer (currency) by group, as ``economics.table["cac"]``: a level line ends
        at the age where it is paid back.
    currency : str, optional
        What the axis calls money.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Raises
    ------
    UsageError
        If columns are missing, or there are no rows.
    """
    if not set(CURVE) <= set(curves) or curves.empty:
        raise UsageError("curves: give what economics.curves.table() returns, with a row at least.")
    ax = on_axes(ax)
    labels = curves[list(curves.columns[: list(curves.columns).index("age_months")])]
    group = labels.astype(str).agg(" / ".join, axis=1)
    everybody = " / ".join([EVERYBODY] * labels.shape[1])
    sizes = curves.groupby(group)["customers"].max().drop(everybody, errors="ignore")
    shown = list(sizes.nlargest(MOST).index) or [everybody]
    costs = {} if cac is None else {_label(key): float(cost) for key, cost in cac.items()}
    for number, name in enumerate(each for each in group.unique() if each in shown):
        color, mark, dash = look(number)
        rows = curves[group == name]
        month = rows["age_months"].to_numpy(float)
        margin = rows["margin_per_customer"].to_numpy(float)
        ax.plot(
            month, margin, color=color, linestyle=dash, marker=mark,
            markevery=max(1, len(month) // 8), label=name,
        )  # fmt: skip
        ax.fill_between(
            month, rows["lo"].to_numpy(float), rows["hi"].to_numpy(float), color=color,
            alpha=0.18, linewidth=0,
        )  # fmt: skip
        cost = costs.get(name, np.nan)
        if cost > 0:
            ax.hlines(cost, 0, _paid_back(month, margin, cost), color=color, linewidth=1)
    left_out = len(sizes) - len(shown)
    title = "Margin of a customer by age" + (f", {len(shown)} largest" if left_out > 0 else "")
    told = "" if cac is None else "; level lines: his cost, until it is paid back"
    unit = f"{unit_of('value', currency)}, cumulative"
    finish(ax, title=title, unit=unit, x=f"age, months of 30 days{told}")
    ax.set_xlim(left=0)
    return ax


def _target(rows: pd.DataFrame) -> float:
    named = [str(each) for each in rows.columns if str(each).startswith("p_above_")]
    return float(named[0].removeprefix("p_above_")) if named else 3.0


def _label(key: Any) -> str:
    return " / ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _paid_back(month: FloatArray, margin: FloatArray, cost: float) -> float:
    """Return the age at which the curve first reaches a cost, or its end."""
    first = int(np.argmax(margin >= cost))
    if margin[first] < cost:
        return float(month[-1])
    around = slice(max(first - 1, 0), first + 1)
    return float(np.interp(cost, margin[around], month[around]))
