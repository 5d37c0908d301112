"""A month's marketing budget over channels: the most expected value at a bound on the risk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import ColumnError, TooLittleDataError, UsageError, listed
from forecast.value.economics import UnitEconomics
from forecast.value.response import (
    FEWEST_MONTHS,
    LEAST_SPREAD,
    Response,
    constant_response,
    power_response,
)
from forecast.value.spend_plan import SpendPlan, best_spend
from forecast.value.tables import Tables
from forecast.views import NO_LABEL

__all__ = ["Budget", "allocate_budget"]

FloatArray = npt.NDArray[np.float64]

RECENT = 12  # months that tell what is spent now


@dataclass(frozen=True, eq=False)
class Budget(Tables):
    """Spend by channel, now and suggested; made by :func:`allocate_budget`.

    It is a mapping of names to tables, as :func:`forecast.report` takes for ``value``.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a channel and ``"(all)"``, all by month: ``spend_now`` and ``spend`` (currency),
        ``customers`` expected of the suggestion, ``value``, what they are expected to be worth,
        ``net = value - spend`` with ``net_lo_90`` and ``net_hi_90``, ``net_now``, that of what is
        spent now, and ``next_unit``, the expected value of one more unit of money.
    p_loss, p_loss_now : float
        Probability that the value brought in stays below the spend.
    responses : mapping of str to Response
        The curve of each channel.
    notes : tuple of str
        What a reader must know.
    """

    table: pd.DataFrame
    p_loss: float
    p_loss_now: float
    responses: Mapping[str, Response] = field(repr=False)
    notes: tuple[str, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""
        return {
            "Budget by channel, a month": self.table,
            "What to know of the budget": pd.DataFrame({"remark": self.notes}),
        }


def allocate_budget(
    value: UnitEconomics | pd.DataFrame,
    history: pd.DataFrame,
    budget: float,
    *,
    response: "Literal['constant', 'power'] | Mapping[str, Response]" = "power",
    risk: float | None = None,
    reach: float = 2.0,
    seed: int = 0,
) -> Budget:
    """Spread a month's budget over channels so that expected value less spend is highest.

    Parameters
    ----------
    value : UnitEconomics or pandas.DataFrame
        What a new customer of each channel is worth: of :func:`unit_economics
        <forecast.value.economics.unit_economics>` with ``target="channel"``, or draws of it
        (currency), one column a channel.
    history : pandas.DataFrame
        ``channel``, ``month``, ``cost`` and ``customers``, columns or index: the table of
        ``acquisition_cost(ledger, spend, by=["channel", "month"])``. Give whole months.
    budget : float
        The most to spend a month (currency). Money that is expected to bring less than itself
        stays unspent.
    response : {"power", "constant"}
        ``"power"``: diminishing returns, estimated from months of different spend. A channel
        whose spend hardly varied keeps what it has: nothing tells what other money would do.
        ``"constant"``: every customer costs what they did. A mapping gives each channel's curve,
        as an experiment found it.
    risk : float, optional
        Highest probability of a loss, of value below spend.
    reach : float
        A channel gets at most so many times its highest month: no curve is known further out.
    seed : int
        Of the curves' uncertainty.

    Raises
    ------
    ColumnError
        If the history lacks a column.
    TooLittleDataError
        If no channel's spend varied enough for a curve, or none has spend, customers and value.
    UsageError
        If budget, risk or reach have no meaning, or the value is that of customers already won.

    Notes
    -----
    Without a bound that binds, channels inside their bounds have equal marginal returns. The
    bound on the risk is met by weighing expected losses against the mean, as little as suffices
    (SLSQP; bisection of the weight). The risk is that of wrong averages, of value and of curves;
    a single month varies by chance on top.

    Examples
    --------
    >>> months = [f"2024-{month:02d}" for month in range(1, 13)]
    >>> history = pd.DataFrame({"channel": "ads", "month": months, "cost": [100.0, 200.0] * 6,
    ...                         "customers": [10, 14] * 6})
    >>> worth = pd.DataFrame({"ads": np.full(400, 20.0)})
    >>> found = allocate_budget(worth, history, 400.0)
    >>> found.table.loc["ads", ["spend_now", "spend"]].round().tolist()
    [150.0, 118.0]
    """
    if not (np.isfinite(budget) and budget > 0):
        raise UsageError(f"budget: {budget} must be an amount of money above 0.")
    if risk is not None and not 0 < risk < 1:
        raise UsageError(f"risk: {risk} must be a probability between 0 and 1, e.g. 0.1.")
    if not (np.isfinite(reach) and reach >= 1):
        raise UsageError(f"reach: {reach} must be 1 or more.")
    if not isinstance(response, Mapping) and response not in ("constant", "power"):
        raise UsageError(f"response: {response!r} is neither 'constant' nor 'power'.")
    if isinstance(value, UnitEconomics) and value.target != "channel":
        raise UsageError(
            "value: its intervals are about customers already won; a budget wins others. Give "
            'unit_economics(..., target="channel").'
        )
    draws = value.draws if isinstance(value, UnitEconomics) else value
    cost, customers, notes = _by_month(history, draws)
    names = list(cost.columns)
    responses, kept = _responses(response, cost, customers, len(draws), seed)
    if len(kept) == len(names):
        raise TooLittleDataError(
            f"No channel has {FEWEST_MONTHS} months of spend that varied by {LEAST_SPREAD:.0%} or "
            "more, so nothing tells how customers follow money. Vary it, or assume "
            "response='constant'."
        )
    if kept:
        notes.append(f"Spend hardly varied and stays as it is: {listed(kept)}.")
    now = cost.tail(RECENT).mean().to_numpy()
    least = np.where([name in kept for name in names], now, 0.0)
    most = np.where([name in kept for name in names], now, reach * cost.max().to_numpy())
    if least.sum() > budget:
        raise UsageError(
            f"budget: {budget:,.2f} is less than the {least.sum():,.2f} of {listed(kept)}, whose "
            "response is not known. Assume response='constant', or raise it."
        )
    plan = SpendPlan(draws[names].to_numpy(float), [responses[name] for name in names])
    spend = best_spend(plan, budget, least, most, risk)
    table = plan.table(spend, now, names)
    p_loss, p_now = (float((plan.net(each).sum(axis=1) < 0).mean()) for each in (spend, now))
    notes += _about(table, budget, p_loss, p_now, risk, names, spend, most, kept)
    return Budget(table, p_loss, p_now, responses, tuple(notes))


def _responses(
    asked: "str | Mapping[str, Response]",
    cost: pd.DataFrame,
    customers: pd.DataFrame,
    draws: int,
    seed: int,
) -> tuple[dict[str, Response], list[str]]:
    """Return the channels' curves, and those channels whose months tell no curve."""
    found, kept = {}, []
    for place, name in enumerate(cost.columns):
        if isinstance(asked, Mapping):
            if name not in asked:
                raise UsageError(f"response: no curve for channel {name!r}.")
            found[name] = asked[name]
            continue
        spent = cost[name].to_numpy() > 0
        months = (cost[name].to_numpy()[spent], customers[name].to_numpy()[spent])
        varied = len(months[0]) >= FEWEST_MONTHS and np.log(months[0]).std() >= LEAST_SPREAD
        if asked == "power" and not varied:
            kept.append(name)
        made = power_response if asked == "power" and varied else constant_response
        found[name] = made(*months, draws, np.random.default_rng([seed, place]))
    return found, kept


def _by_month(
    history: pd.DataFrame, draws: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Cost and customers, months x channels, of the channels that a curve can be asked of."""
    flat = history.reset_index()
    missing = [each for each in ("channel", "month", "cost", "customers") if each not in flat]
    if missing:
        raise ColumnError(
            f"history: no column {listed(missing)}; give acquisition_cost(ledger, spend, "
            'by=["channel", "month"]).table.'
        )
    cost, customers = (
        flat.pivot_table(name, "month", "channel", aggfunc="sum").fillna(0.0).sort_index()
        for name in ("cost", "customers")
    )
    cost = cost.reindex(columns=customers.columns, fill_value=0.0)
    known = [name for name in draws.columns if draws[name].notna().all()]
    spent = cost.sum() > 0
    names = [name for name in cost.columns if spent[name] and name in known and name != NO_LABEL]
    names = [name for name in names if customers[name].sum() > 0]
    if not names:
        raise TooLittleDataError("No channel has spend, customers and a known value.")
    left = [name for name in cost.columns if name not in names]
    notes = [f"Left out, without spend, customers or value: {listed(left)}."] if left else []
    return cost[names], customers[names], notes


def _about(
    table: pd.DataFrame, budget: float, p_loss: float, p_now: float, risk: float | None,
    names: list[str], spend: FloatArray, most: FloatArray, kept: list[str],
) -> list[str]:  # fmt: skip
    bound = "" if risk is None else f" (at most {risk:.2%} was asked for)"
    notes = [
        f"The probability that value stays below spend is {p_loss:.1%}{bound}, {p_now:.1%} for "
        "what is spent now. It is about averages over many months; one month varies on top.",
        "How customers follow spend is an association over months: where spend was raised because "
        "demand was high, the curve promises too much. A test that varies spend tells.",
    ]
    left = budget - float(spend.sum())
    if left > 0.01 * budget:
        notes.append(f"{left:,.2f} of the budget stays unspent.")
    full = [
        name
        for name, each, top in zip(names, spend, most, strict=True)
        if each > 0.999 * top and name not in kept
    ]
    if full:
        notes.append(f"At the highest spend a curve is trusted for: {listed(full)}.")
    return notes
