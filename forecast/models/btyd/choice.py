"""Which process, and whether a season: decided on past origins, never on the window asked for.

A candidate is fitted as the log stood at one or two inner origins and scored by the logarithm of
the probability that it gave to what each customer bought from there to the cutoff. The reference
stays unless another gains more than one standard error, customers taken whole: a tie is no reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import DataError, ModelError, UsageError
from forecast.ledger import Ledger

__all__ = ["choose_process", "choose_season", "inner_windows"]

CANDIDATES = ("mbgnbd", "bgnbd", "pareto_nbd", "mbgcnbd")
IN_OPERATIONAL_TIME = ("mbgnbd", "bgnbd", "mbgcnbd")
WITH_COVARIATES = ("mbgnbd", "bgnbd", "pareto_nbd")
PAIRS = (0, 1, 2)
SHORTEST, LONGEST = 28, 364  # days of an inner window
SEASON = 365  # days of history that a season needs
ENOUGH = 91  # days of an inner window that can tell a season


def inner_windows(ledger: Ledger, *, before: int = 0, shortest: int = SHORTEST) -> list[int]:
    """Return the lengths in days of one or two windows that end with the log.

    The longer one takes half the history, at most a year, and leaves ``before`` days; the shorter
    one is half of it.
    """
    history = (ledger.cutoff - ledger.first_day).days
    longest = min(history // 2, LONGEST, history - before)
    return [days for days in (longest, longest // 2) if days >= shortest]


def choose_process(model: Any, ledger: Ledger) -> tuple[str, str]:
    """Return the name of the process that told the past best, and a sentence about it.

    Parameters
    ----------
    model : BTYD
        Whose settings hold; processes that cannot honour them do not compete. Seasons, covariates
        and groups are left out of the comparison.
    ledger : Ledger
    """
    names = list(CANDIDATES)
    if model.season or model.events is not None:
        names = [name for name in names if name in IN_OPERATIONAL_TIME]
    if model.covariates:
        names = [name for name in names if name in WITH_COVARIATES]
    plain = {"season": 0, "events": None, "covariates": (), "by": None, "spend": "gamma_gamma_all"}
    models = {name: replace(model, purchases=name, **plain) for name in names}
    windows = inner_windows(ledger)
    scores = _scores(models, ledger, windows)
    if names[0] not in scores:
        return names[0], f"Process: {names[0]}, since the history is too short to compare others."
    best, said = _best(scores, names[0])
    return best, f"Process: {best} of {', '.join(scores)}, {said} {_where(windows)}."


def choose_season(model: Any, ledger: Ledger, purchases: str) -> tuple[int, str]:
    """Return how many Fourier pairs of the year to keep, and a sentence about it.

    Past origins decide where one has a year before it and a quarter after it. With at least a year
    in all, but no such origin, Akaike's criterion does; with less than a year there is no season.

    Parameters
    ----------
    model : BTYD
        Whose settings hold.
    ledger : Ledger
    purchases : str
        Name of the process.
    """
    if (ledger.cutoff - ledger.first_day).days < SEASON:
        return 0, "Season: none, since the log has less than a year."
    plain = {"covariates": (), "by": None, "spend": "gamma_gamma_all"}
    same = 60 if model.burn_in is None else model.burn_in
    models = {
        str(pairs): replace(model, purchases=purchases, season=pairs, burn_in=same, **plain)
        for pairs in PAIRS
    }
    windows = inner_windows(ledger, before=SEASON + 1, shortest=ENOUGH)
    scores = _scores(models, ledger, windows)
    if "0" in scores:
        best, said = _best(scores, "0")
        return int(best), f"Season: {best} Fourier pairs, {said} {_where(windows)}."
    log = replace(ledger, has_value=False)
    aic = {name: each.fit(log).aic_ for name, each in models.items()}
    best = min(aic, key=lambda name: aic[name])
    return int(best), (
        f"Season: {best} Fourier pairs by Akaike's criterion ({aic['0'] - aic[best]:.1f} under "
        "none): no past origin has a year before it and a quarter after it."
    )


def _scores(
    models: dict[str, Any], ledger: Ledger, windows: Sequence[int]
) -> dict[str, "pd.Series[float]"]:
    """Return each candidate's log score by customer, summed over the windows all could tell."""
    log = replace(ledger, has_value=False)
    found: dict[str, list[pd.Series[float]]] = {name: [] for name in models}
    for days in windows:
        past = log.cut(ledger.cutoff - timedelta(days=days))
        bought = ledger.actuals(past.cutoff, f"{days}D")["purchases"]
        for name, model in models.items():
            try:
                found[name].append(model.fit(past).log_score(bought, f"{days}D"))
            except (DataError, ModelError, UsageError):
                continue
    told = max((len(each) for each in found.values()), default=0)
    return {
        name: pd.concat(each).groupby(level=0).sum()
        for name, each in found.items()
        if told and len(each) == told
    }


def _best(scores: dict[str, "pd.Series[float]"], reference: str) -> tuple[str, str]:
    """Return the best candidate, or the reference in a tie, and by how much."""
    base = scores[reference]
    gains = {name: each.reindex(base.index) - base for name, each in scores.items()}
    best = max(gains, key=lambda name: (gains[name].sum(), name == reference))
    if best == reference:
        others = [-gains[name].sum() for name in gains if name != reference]
        ahead = f", {min(others):.1f} above the next" if others else ""
        return best, f"by the log score of {len(base):,} customers{ahead}"
    gain, error = float(gains[best].sum()), float(np.sqrt((gains[best] ** 2).sum()))
    by = f"{gain:.1f} (standard error {error:.1f}) above {reference}'s" if reference != "0" else (
        f"{gain:.1f} (standard error {error:.1f}) above that without"
    )  # fmt: skip
    if gain > error:
        return best, f"with a log score {by} over {len(base):,} customers"
    return reference, f"since {best}'s log score, {by}, is no more than a tie"


def _where(windows: Sequence[int]) -> str:
    return f"on the last {' and '.join(str(days) for days in windows)} days"
