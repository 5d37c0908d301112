"""The verdict in plain sentences.

No sentence claims more than the numbers carry: see :class:`forecast.report.leader.Lead`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.backtest import ZERO, Backtest
from forecast.backtest.checks.check import LEAK, Check
from forecast.backtest.findings import joined
from forecast.forecaster import Forecast
from forecast.report.formats import count, length, percent, span, spoken
from forecast.report.leader import ENOUGH, MATTERS, Lead, lead
from forecast.report.style import Target
from forecast.report.units import unit_of

__all__ = [
    "WHOM",
    "Total",
    "backtest_sentences",
    "buyers",
    "decision",
    "forecast_sentences",
    "off",
    "same_model",
    "standing",
    "totals",
]

TARGETS: tuple[Target, ...] = ("purchases", "value")
WHOM = {
    "existing": "customers seen by the cutoff",
    "new": "customers not yet seen at the cutoff",
    "all": "customers, seen and still to come",
}


class Total(NamedTuple):
    """An expected total and its 90 % interval, missing where there are no draws."""

    expected: float
    lo: float
    hi: float


def totals(forecast: Forecast) -> dict[Target, Total]:
    """Return the totals the forecast knows, by target; the draws are replayed once."""
    interval = pd.DataFrame() if forecast.sampler is None else forecast.interval(0.9)
    found: dict[Target, Total] = {}
    for target in TARGETS:
        expected = float(forecast.periods[f"expected_{target}"].sum(skipna=False))
        bounds = [float("nan")] * 2
        if target in interval.index:
            bounds = interval[["lo", "hi"]].T[target].to_list()
        if not np.isnan(expected):
            found[target] = Total(expected, *bounds)
    return found


def buyers(forecast: Forecast) -> tuple[float, float] | None:
    """Return how many customers are expected to buy at all, and as a share; None if unknown."""
    customers = forecast.customers
    if customers is None or customers.empty or customers["p_active"].isna().any():
        return None
    return float(customers["p_active"].sum()), float(customers["p_active"].mean())


def forecast_sentences(
    forecast: Forecast, known: Mapping[Target, Total], currency: str | None = None
) -> list[str]:
    """Say what is forecast, for whom, over which days and how surely."""
    window = forecast.window
    who = WHOM[forecast.population]
    if forecast.customers is not None:
        who = f"{count(len(forecast.customers))} {who}"
    verbs = {"purchases": "make", "value": "spend"}
    phrases = []
    for target, (expected, lo, hi) in known.items():
        within = "" if np.isnan(lo) else f" (90 % interval: {spoken(lo)} to {spoken(hi)})"
        phrases.append(f"{verbs[target]} {spoken(expected)} {unit_of(target, currency)}{within}")
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


def backtest_sentences(backtest: Backtest) -> list[tuple[Lead, str]]:
    """Say which model did best on past cutoffs, by how much, and whether that can be chance."""
    leads = {target: lead(backtest, target) for target in TARGETS}
    return [
        (found, _lead_sentence(backtest, found, target))
        for target, found in leads.items()
        if found is not None
    ]


def _lead_sentence(backtest: Backtest, found: Lead, target: Target) -> str:
    row = found.row
    after = "the one past cutoff" if found.cutoffs == 1 else f"each of {found.cutoffs} past cutoffs"
    error = f"RMSE {spoken(row['rmse'])} {unit_of(target, backtest.currency)} a customer"
    text = (
        f"Tested on {target} over {length(backtest.horizon)} after {after}, "
        f"{found.model} had the smallest error ({error})"
    )
    text += "." if row["skill"] > 0 else ", but no smaller than that of a forecast of nothing."
    if found.second is not None and found.cutoffs < ENOUGH:
        text += " Fewer than three cutoffs cannot tell which model is best."
    elif found.second is not None and not found.equals and not found.clear:
        small = "too small to matter" if found.margin < MATTERS else "not proved"
        text += f" Its lead over {found.second} is {small}: take the two as equal."
    return text


def decision(backtest: Backtest, fired: Sequence[Check] = ()) -> str | None:
    """Say in a few sentences which model to use; None where nothing was scored.

    Parameters
    ----------
    fired : sequence of Check
        A leading model that is accused of knowing the future is not to be used.
    """
    found = {target: lead(backtest, target) for target in ("purchases", "value")}
    leads = {target: each for target, each in found.items() if each is not None}
    if not leads:
        return None
    leaking = [
        each.model
        for each in leads.values()
        if any(_names(check, each.model) for check in fired if check.id == LEAK)
    ]
    if leaking:
        return (
            f"Do not use {joined(dict.fromkeys(leaking))}, whose error is the smallest: it seems "
            "to know what it cannot know. Find the leak, or leave it out and look again."
        )
    useful = {target: each for target, each in leads.items() if each.row["skill"] > 0}
    if not useful:
        return "Use none of these models: none was better than forecasting that nobody buys."
    names = dict.fromkeys(each.model for each in useful.values())
    rivals = max(each.rivals for each in useful.values())
    if len(names) == 1:
        text = f"Use {next(iter(names))}"
    else:
        text = "Use " + joined([f"{each.model} for {target}" for target, each in useful.items()])
    unsure = [target for target, each in useful.items() if each.second and not each.clear]
    if unsure:
        few = min(each.cutoffs for each in useful.values()) < ENOUGH
        equals = dict.fromkeys(name for target in unsure for name in useful[target].equals)
        others = [name for name in equals if name not in names]
        why = "too few cutoffs were tried" if few else "others may be as good"
        being = "it being" if len(names) == 1 else "them being"
        text += f", but do not count on {being} the best ({joined(unsure)}: {why}"
        text += f": {joined(others)})" if others and not few else ")"
    elif any(each.second for each in useful.values()):
        each = "each was" if len(names) > 1 else "it was"
        text += f": {each} the best of {rivals} models that answered at every cutoff"
    text += f". {_measured(useful)}"
    lost = [target for target in leads if target not in useful]
    if lost:
        text += f" On {joined(lost)} no model was better than forecasting nothing."
    return text


def _names(check: Check, model: str) -> bool:
    """Whether the evidence of a check is about a model, over whatever horizon."""
    return any(key.startswith((f"{model} over ", f"{model}, ")) for key in check.evidence)


def _measured(useful: Mapping[str, Lead]) -> str:
    """Say by how much the leaders lead, and how far off their totals were."""
    said = []
    for target, found in useful.items():
        text = f"On {target} the error was {percent(found.row['skill'])} below forecasting nothing"
        if found.second is not None and np.isfinite(found.margin):
            below = "less than 0.1 %" if found.margin < 0.0005 else percent(found.margin)
            text += f", {below} below the second, {found.second}"
        if not np.isnan(found.row["bias"]):
            worst = percent(found.row["bias_worst"], signed=True)
            text += f"; the total was {off(found.row['bias'])} on average, {worst} at worst"
        said.append(text + ".")
    return " ".join(said)


def off(bias: float) -> str:
    """Say how far a total was off, and which way: ``3.1 % too high``."""
    if abs(bias) < 0.0005:
        return "right"
    return f"{percent(abs(bias))} too {'high' if bias > 0 else 'low'}"


def same_model(forecast: Forecast, backtest: Backtest) -> str | None:
    """Find the model that made a forecast in a backtest; None where no name tells.

    By its name there, whether written ``OwnRate`` or ``own_rate``, or by what its forecasts there
    call it, where that is one model's alone.
    """
    name, names = forecast.model, backtest.models
    plain = {_plain(each): each for each in names}
    found = name if name in names else plain.get(_plain(name))
    if found is None and "called" in backtest.runs:
        owners = backtest.runs.loc[backtest.runs["called"] == name, "model"].unique()
        found = str(owners[0]) if len(owners) == 1 else None
    return found


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def standing(forecast: Forecast, backtest: Backtest) -> list[str]:
    """Say where the model that made the forecast came, if it did not come first."""
    name = same_model(forecast, backtest)
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
    return [f"{name}, which made the forecast, came {' and '.join(places)}."]
