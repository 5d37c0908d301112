"""The verdict in plain sentences.

No sentence claims more than the numbers carry: a best model is only named where at least three
cutoffs were tried and its lead is larger than cutoffs differ by.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.backtest import Backtest
from forecast.backtest.scores import ZERO
from forecast.forecaster import Forecast
from forecast.report.formats import count, length, percent, span, spoken
from forecast.report.style import UNITS

__all__ = [
    "WHOM",
    "Lead",
    "Total",
    "backtest_sentences",
    "buyers",
    "forecast_sentences",
    "lead",
    "off",
    "same_model",
    "standing",
    "totals",
]

WHOM = {
    "existing": "customers seen by the cutoff",
    "new": "customers not yet seen at the cutoff",
    "all": "customers, seen and still to come",
}
ENOUGH = 3  # cutoffs below which no model is called the best
MATTERS = 0.01  # lead below which two models are called equal


@dataclass(frozen=True)
class Lead:
    """The model with the smallest error by customer, and how far it leads.

    Attributes
    ----------
    model, second : str
        Names; ``second`` is None where there is no other.
    row : mapping
        The model's line of the leaderboard.
    margin : float
        How much smaller its RMSE is than the second's, as a share of the second's.
    cutoffs : int
        How many cutoffs both were scored at.
    clear : bool
        Whether the lead is 1 % or more, and more than two standard errors of its differences
        between at least three cutoffs.
    """

    model: str
    second: str | None
    row: Mapping[str, float]
    margin: float
    cutoffs: int
    clear: bool


def lead(backtest: Backtest, target: str) -> Lead | None:
    """Return who leads on existing customers; None where no model was scored on them."""
    if "existing" not in backtest.populations or (target == "value" and not backtest.has_value):
        return None
    board = backtest.leaderboard(target, "existing")
    scored = board[(board.index != ZERO) & board["rmse"].notna()]
    if scored.empty:
        return None
    best = str(scored.index[0])
    others = scored.index[1:]
    errors = backtest.by_origin(target, "existing").pivot(
        index="cutoff", columns="model", values="rmse"
    )
    if not len(others):
        known = int(errors[best].notna().sum())
        return Lead(best, None, _row(scored, best), float("nan"), known, False)
    second = str(others[0])
    both = errors[[best, second]].dropna()
    gap = (both[second] - both[best]).to_numpy(float)
    noise = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) >= ENOUGH else np.inf
    reference = both[second].mean()
    margin = float(gap.mean() / reference) if len(gap) and reference > 0 else float("nan")
    clear = len(gap) >= ENOUGH and bool(gap.mean() > 2 * noise) and margin >= MATTERS
    return Lead(best, second, _row(scored, best), margin, len(gap), clear)


def _row(board: pd.DataFrame, model: str) -> dict[str, float]:
    at = list(board.index).index(model)
    return {str(name): float(board[name].to_numpy()[at]) for name in board}


class Total(NamedTuple):
    """An expected total and its 90 % interval, missing where there are no draws."""

    expected: float
    lo: float
    hi: float


def totals(forecast: Forecast) -> dict[str, Total]:
    """Return the totals the forecast knows, by target; the draws are replayed once."""
    interval = pd.DataFrame() if forecast.sampler is None else forecast.interval(0.9)
    found = {}
    for target in UNITS:
        expected = float(forecast.periods[f"expected_{target}"].sum(skipna=False))
        bounds = [float("nan")] * 2
        if target in interval.index:
            bounds = [float(interval[side].to_dict()[target]) for side in ("lo", "hi")]
        if not np.isnan(expected):
            found[target] = Total(expected, *bounds)
    return found


def buyers(forecast: Forecast) -> tuple[float, float] | None:
    """Return how many customers are expected to buy at all, and as a share; None if unknown."""
    customers = forecast.customers
    if customers is None or customers.empty or customers["p_active"].isna().any():
        return None
    return float(customers["p_active"].sum()), float(customers["p_active"].mean())


def forecast_sentences(forecast: Forecast, known: Mapping[str, Total]) -> list[str]:
    """Say what is forecast, for whom, over which days and how surely."""
    window = forecast.window
    who = WHOM[forecast.population]
    if forecast.customers is not None:
        who = f"{count(len(forecast.customers))} {who}"
    verbs = {"purchases": "make", "value": "spend"}
    phrases = []
    for target, (expected, lo, hi) in known.items():
        within = "" if np.isnan(lo) else f" (90 % interval: {spoken(lo)} to {spoken(hi)})"
        phrases.append(f"{verbs[target]} {spoken(expected)} {UNITS[target]}{within}")
    days = span(window.start, window.last)
    sentences = [
        f"Over the {length(forecast.horizon)} from {days}, the {who} are expected to "
        f"{' and '.join(phrases)}, according to {forecast.model}."
    ]
    active = buyers(forecast)
    if active is not None:
        number, share = active
        sentences.append(
            f"About {spoken(number)} of them ({percent(share)}) are expected to buy at least once "
            "in that time."
        )
    if forecast.population == "existing":
        sentences.append("Purchases of customers who are yet to come are not part of this.")
    return sentences


def backtest_sentences(backtest: Backtest) -> list[str]:
    """Say which model did best on past cutoffs, by how much, and whether that can be chance."""
    sentences = []
    for target in ("purchases", "value"):
        found = lead(backtest, target)
        if found is not None:
            sentences.append(_lead_sentence(backtest, found, target))
    return sentences


def _lead_sentence(backtest: Backtest, found: Lead, target: str) -> str:
    row, skill = found.row, found.row["skill"]
    after = "the one past cutoff" if found.cutoffs == 1 else f"each of {found.cutoffs} past cutoffs"
    error = f"RMSE {spoken(row['rmse'])} {UNITS[target]} a customer"
    text = (
        f"Tested on {target} over {length(backtest.horizon)} after {after}, "
        f"{found.model} had the smallest error ({error})"
    )
    if found.second is not None:
        text += f", {percent(found.margin)} below the second, {found.second}"
    if skill > 0:
        text += f", and {percent(skill)} below a forecast of nothing."
    else:
        text += ", but no smaller than that of a forecast of nothing."
    if found.second is not None and found.cutoffs < ENOUGH:
        text += " Fewer than three cutoffs cannot tell which model is best."
    elif found.second is not None and not found.clear:
        small = "too small to matter" if found.margin < MATTERS else "within what chance does"
        text += f" That lead is {small}: take the two as equal."
    if not np.isnan(row["bias"]):
        worst = percent(row["bias_worst"], signed=True)
        text += f" On average its total was {off(row['bias'])} ({worst} at the worst cutoff)."
    return text


def off(bias: float) -> str:
    """Say how far a total was off, and which way: ``3.1 % too high``."""
    if abs(bias) < 0.0005:
        return "right"
    return f"{percent(abs(bias))} too {'high' if bias > 0 else 'low'}"


def same_model(name: str, names: Iterable[str]) -> str | None:
    """Find a model by its name, whether written ``OwnRate`` or ``own_rate``."""
    plain = {"".join(filter(str.isalnum, each)).lower(): each for each in names}
    return name if name in names else plain.get("".join(filter(str.isalnum, name)).lower())


def standing(forecast: Forecast, backtest: Backtest) -> list[str]:
    """Say where the model that made the forecast came, if it did not come first."""
    name = same_model(forecast.model, backtest.models)
    places = []
    for target in ("purchases", "value"):
        best = lead(backtest, target)
        if best is None or name is None or name == best.model:
            continue
        board = backtest.leaderboard(target, "existing")
        models = [each for each in board.index if each != ZERO]
        if name in models:
            row = board.loc[name]
            places.append(
                f"number {models.index(name) + 1} of {len(models)} on {target} "
                f"(RMSE {spoken(row['rmse'])}, bias {percent(row['bias'], signed=True)})"
            )
    if not places:
        return []
    return [f"{forecast.model}, which made the forecast, came {' and '.join(places)}."]
