"""The section on the backtest: who forecast best from past cutoffs, how surely, and who failed."""

import re
from functools import partial
from typing import Any

import pandas as pd

from forecast.backtest import Backtest
from forecast.report.accuracy_plots import bias_by_origin, error_ratios
from forecast.report.content import (
    Drawing,
    Figures,
    Fold,
    Heading,
    Part,
    Prose,
    Section,
    Table,
    figure,
)
from forecast.report.formats import day, length
from forecast.report.leader import Lead, lead
from forecast.report.leaderboard import definitions, leaderboard_table
from forecast.report.style import Target
from forecast.report.verdict import WHOM

__all__ = ["backtest_section", "targets_of"]

_BETWEEN = re.compile(r"(?<=\.); ")  # notes of one run, each a sentence


def targets_of(backtest: Backtest) -> list[Target]:
    """Return what is scored: value too, where the ledger has amounts."""
    return ["purchases", "value"] if backtest.has_value else ["purchases"]


def backtest_section(backtest: Backtest) -> Section:
    """Return leaderboards with intervals, bias by cutoff, failures and definitions."""
    targets = targets_of(backtest)
    shown = backtest.tuning
    many = "one cutoff" if len(shown) == 1 else f"{len(shown)} cutoffs"
    intro = (
        f"Every model was fitted on what was known at {many} "
        f"({', '.join(day(each) for each in shown)}) and then forecast the following "
        f"{length(backtest.horizon)}, which it had not seen. Scores are means over cutoffs; "
        "a model that failed at one stands below the rest. An error is forecast minus actual."
    )
    parts: list[Part] = [Prose((intro,))]
    leads = {target: lead(backtest, target) for target in targets}
    found = {target: each for target, each in leads.items() if each is not None}
    for population in backtest.populations:
        parts.append(Heading(f"Leaderboard: {WHOM[population]}"))
        parts += _boards(backtest, targets, population, found)
    if found:
        parts += [
            Heading("Bias by cutoff"),
            Figures(tuple(_bias(backtest, each) for each in found)),
        ]
    parts += _other_parts(backtest, list(found))
    parts += _said(backtest)
    parts.append(definitions())
    return Section("backtest", "The backtest", parts, _files(backtest, found))


def _boards(
    backtest: Backtest, targets: list[Target], population: Any, found: dict[Target, Lead]
) -> list[Part]:
    runs = backtest.runs
    answered = (runs["population"] == population) & (runs["status"] == "ok")
    if not answered.any():
        return [Prose(("No model of this backtest answered for them.",))]
    parts: list[Part] = []
    for target in targets:
        mine = found.get(target) if population == "existing" else None
        comparison = None if mine is None else mine.comparison
        parts.append(leaderboard_table(backtest, target, population, comparison=comparison))
    if population == "existing":
        drawn = tuple(_ratios(target, each) for target, each in found.items() if each.comparison)
        if drawn:
            parts.append(Figures(drawn))
    return parts


def _ratios(target: Target, found: Lead) -> Drawing:
    comparison = found.comparison
    assert comparison is not None
    text = (
        "The interval speaks of other customers and other times."
        if comparison.origins_resampled
        else "The interval speaks of other customers at these cutoffs, which are too few to speak "
        "of other times."
    )
    return figure(
        f"ratios-{target}",
        partial(error_ratios, comparison),
        caption=(
            f"Error of {target} by customer, beside {found.model}: left of 1 is better. Models "
            f"with a filled dot may each be the best. {text}"
        ),
        height=1.7 + 0.24 * len(comparison.table),
    )


def _bias(backtest: Backtest, target: Target) -> Drawing:
    return figure(
        f"bias-{target}",
        partial(bias_by_origin, backtest, target=target),
        caption=(
            f"Forecast total minus actual total of {target}, as a share of the actual, for each "
            "model at each cutoff: one cutoff alone misleads."
        ),
        height=4.0,
    )


def _other_parts(backtest: Backtest, targets: list[Target]) -> list[Part]:
    """Leaderboards over the other horizons, and at the cutoffs kept apart from any choice."""
    parts: list[Part] = []
    if backtest.untouched and targets:
        days = ", ".join(day(each) for each in backtest.untouched)
        parts += [
            Heading("Cutoffs kept apart"),
            Prose((f"No score above looked at these: they confirm the choice or do not. {days}.",)),
            *(
                leaderboard_table(backtest, target, "existing", origins="untouched")
                for target in targets
            ),
        ]
    tables = [
        leaderboard_table(backtest, target, "existing", horizon=each)
        for each in backtest.horizons[1:]
        for target in targets
    ]
    if tables:
        parts.append(Fold("Leaderboards over the other horizons", tuple(tables)))
    return parts


def _said(backtest: Backtest) -> list[Part]:
    """Return failed runs in the open; what is not supported, and what models said, on demand."""
    runs = backtest.runs.assign(text=backtest.runs["error"])
    failed, refused = (runs[runs["status"] == each] for each in ("failed", "unsupported"))
    noted = runs.assign(text=runs["notes"].fillna("").str.split(_BETWEEN)).explode("text")
    parts: list[Part] = [Heading("Failures")] if len(failed) else []
    for rows, caption, heading in (
        (failed, "Runs that failed", "Message"),
        (refused, "Not supported", "Message"),
        (noted[noted["text"] != ""], "What the models said", "Note"),
    ):
        if len(rows):
            lines = [
                (str(model), *_when(backtest, mine), str(text))
                for (model, text), mine in rows.groupby(["model", "text"], sort=True)
            ]
            head = ("Model", "Population", "Cutoffs", heading)
            folded = rows is not failed
            parts.append(Table(caption, head, tuple(lines), (False,) * 4, folded=folded))
    return parts


def _when(backtest: Backtest, rows: pd.DataFrame) -> tuple[str, str]:
    """Return the populations and the cutoffs of the runs that said the same."""
    asked, tried = set(rows["population"]), sorted(rows["cutoff"].unique())
    every = len(tried) == len(backtest.origins) > 1
    cutoffs = f"all {len(tried)}" if every else ", ".join(day(each) for each in tried)
    return ", ".join(each for each in backtest.populations if each in asked), cutoffs


def _files(backtest: Backtest, found: dict[Target, Lead]) -> dict[str, pd.DataFrame]:
    files = {"runs": backtest.runs, "totals": backtest.totals, "periods": backtest.periods}
    for target in targets_of(backtest):
        for population in backtest.populations:
            name = f"{target}_{population}"
            board = backtest.leaderboard(target, population)
            files[f"leaderboard_{name}"] = board.reset_index()
            files[f"by_cutoff_{name}"] = backtest.by_origin(target, population)
        comparison = found[target].comparison if target in found else None
        if comparison is not None:
            files[f"comparison_{target}"] = comparison.table.reset_index()
    return files
