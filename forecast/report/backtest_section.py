"""The section on the backtest: who forecast best from past cutoffs, and where each went wrong."""

from collections.abc import Callable
from typing import Any

from forecast.backtest import Backtest
from forecast.backtest.scores import ZERO
from forecast.report.backtest_plots import (
    Population,
    Target,
    bias_by_origin,
    decile_calibration,
    tracking,
    tracking_cumulative,
)
from forecast.report.content import (
    Drawing,
    Figures,
    Heading,
    Part,
    Prose,
    Section,
    Table,
    figure,
)
from forecast.report.formats import count, day, length
from forecast.report.leaderboard import definitions, leaderboard_table
from forecast.report.verdict import WHOM, Lead, lead

__all__ = ["backtest_section"]


def backtest_section(backtest: Backtest) -> Section:
    """Return leaderboards, tracking, calibration, bias by cutoff, failures and definitions."""
    targets: list[Target] = ["purchases", "value"] if backtest.has_value else ["purchases"]
    many = f"{len(backtest.origins)} cutoffs"
    if len(backtest.origins) == 1:
        many = "one cutoff"
    intro = (
        f"Every model was fitted on what was known at {many} "
        f"({', '.join(day(each) for each in backtest.origins)}) and then forecast the following "
        f"{length(backtest.horizon)}, which it had not seen. Scores are means over cutoffs; "
        "a model that failed at one stands below the rest. An error is forecast minus actual."
    )
    parts: list[Part] = [Prose((intro,))]
    for population in backtest.populations:
        parts.append(Heading(f"Leaderboard: {WHOM[population]}"))
        parts += _boards(backtest, targets, population)
    leads = {target: lead(backtest, target) for target in targets}
    best = {target: found for target, found in leads.items() if found is not None}
    parts += _best_model(backtest, best)
    scored = [each for each in targets if best.get(each)]
    if scored:
        parts += [
            Heading("Bias by cutoff"),
            Figures(tuple(_bias(backtest, each) for each in scored)),
        ]
    parts += _failures(backtest)
    parts.append(definitions())
    return Section("backtest", "The backtest", parts)


def _boards(backtest: Backtest, targets: list[Target], population: Population) -> list[Part]:
    runs = backtest.runs
    answered = (runs["population"] == population) & (runs["status"] == "ok")
    if not answered.any():
        return [Prose(("No model of this backtest answered for them.",))]
    parts: list[Part] = [leaderboard_table(backtest, target, population) for target in targets]
    if population != "existing":
        boards = [(each, backtest.leaderboard(each, population)) for each in targets]
        firsts = [(each, str(board.drop(ZERO).index[0])) for each, board in boards]
        drawn = [_tracking(backtest, model, each, population) for each, model in firsts]
        parts.append(Figures(tuple(drawn)))
    return parts


def _best_model(backtest: Backtest, best: dict[Target, Lead]) -> list[Part]:
    if not best:
        return []
    names = dict.fromkeys(found.model for found in best.values())
    parts: list[Part] = [Heading(f"How {' and '.join(names)} did")]
    shown = list(best.items())
    parts.append(Figures(tuple(_tracking(backtest, found.model, each) for each, found in shown)))
    parts.append(Figures(tuple(_cumulative(backtest, found, each) for each, found in shown)))
    parts.append(Figures(tuple(_deciles(backtest, found, each) for each, found in shown)))
    return parts


def _tracking(
    backtest: Backtest, model: str, target: Target, population: Population = "existing"
) -> Drawing:
    text = f"{model}: {target} by period, beside what was expected: {WHOM[population]}."
    if population == "existing":
        text += " Each cutoff starts anew with the customers known then."
    return figure(
        f"tracking-{population}-{target}",
        lambda ax: tracking(backtest, model, target=target, population=population, ax=ax),
        caption=text,
    )


def _cumulative(backtest: Backtest, found: Lead, target: Target) -> Drawing:
    return figure(
        f"cumulative-{target}",
        lambda ax: tracking_cumulative(backtest, found.model, target=target, ax=ax),
        caption=(
            f"{found.model}: {target} summed up since each cutoff. The actual line should end "
            "inside the bar in nine windows of ten."
        ),
    )


def _deciles(backtest: Backtest, found: Lead, target: Target) -> Drawing:
    return figure(
        f"deciles-{target}",
        lambda ax: decile_calibration(backtest, found.model, target=target, ax=ax),
        caption=(
            f"{found.model}: customers in tenths by their forecast of {target}. Dots on top of "
            "their bars mean the level is right; bars rising to the right, the order."
        ),
    )


def _bias(backtest: Backtest, target: Target) -> Drawing:
    return figure(
        f"bias-{target}",
        lambda ax: bias_by_origin(backtest, target=target, ax=ax),
        caption=(
            f"Forecast total minus actual total of {target}, as a share of the actual, for each "
            "model at each cutoff: one cutoff alone misleads."
        ),
        height=4.0,
    )


def _failures(backtest: Backtest) -> list[Part]:
    """Failed runs in the open; what is not supported, and what models said, on demand."""
    runs = backtest.runs
    kinds = [
        (runs["status"] == "failed", "Runs that failed", {"error": ("Message", None)}),
        (runs["status"] == "unsupported", "Not supported", {"error": ("Message", None)}),
        (runs["notes"].fillna("") != "", "What the models said", {"notes": ("Note", None)}),
    ]
    parts: list[Part] = []
    columns: dict[str, tuple[str, Callable[[Any], str] | None]] = {
        "model": ("Model", None),
        "population": ("Population", None),
        "cutoff": ("Cutoffs", count),
    }
    for number, (chosen, caption, more) in enumerate(kinds):
        if not chosen.any():
            continue
        if number == 0:
            parts.append(Heading("Failures"))
        keys = ["model", "population", *more]
        table = runs[chosen].groupby(keys, sort=True)["cutoff"].nunique().reset_index()
        parts.append(Table.of(table, caption=caption, columns=columns | more, folded=number > 0))
    return parts
