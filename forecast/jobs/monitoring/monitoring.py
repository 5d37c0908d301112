"""Review past runs against what happened, and say whether to keep the model, watch it or refit."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecast.errors import UnsupportedError, UsageError, listed
from forecast.jobs.monitoring.input_profile import compare_profiles
from forecast.jobs.monitoring.matured import is_matured, matured_runs, pooled, running_runs
from forecast.jobs.monitoring.parameter_drift import parameter_drift
from forecast.jobs.monitoring.restated import freshness, restated
from forecast.jobs.monitoring.run_history import RunHistory, open_history, rows_of
from forecast.jobs.monitoring.verdict import (
    ADVICE,
    DATA_FIRST,
    Limits,
    data_reasons,
    drift_reasons,
    matured_reasons,
)
from forecast.ledger import Ledger

__all__ = ["MonitoringResult", "monitor"]

Verdict = Literal["keep", "watch", "refit", "too early to say"]
_YEAR = 364  # days, whole weeks


@dataclass(frozen=True)
class MonitoringResult:
    """What a review found.

    Attributes
    ----------
    verdict : {"keep", "watch", "refit", "too early to say"}
    reasons : tuple of str
        Sentences, the weightiest first.
    data_problems : tuple of str
        Those of them that say that the data are stale or have changed: mend that first.
    job : str
        Whose runs were reviewed.
    today, cutoff : date
        Up to when purchases should have arrived; last day of the log.
    tables : dict of str to DataFrame
        ``totals`` (all matured runs of a horizon tested together), ``runs``, ``groups``,
        ``running`` (windows not over yet), ``inputs``, ``parameters``, ``restated``, ``freshness``.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    data_problems: tuple[str, ...]
    job: str
    today: date
    cutoff: date
    tables: dict[str, pd.DataFrame]

    @property
    def exit_code(self) -> int:
        """For schedulers: 3 where the data are stale or changed, 4 to refit, else 0."""
        return 3 if self.data_problems else 4 if self.verdict == "refit" else 0

    @property
    def advice(self) -> str:
        """What to do next."""
        return DATA_FIRST if self.data_problems else ADVICE[self.verdict]


def monitor(
    history: str | Path,
    ledger: Ledger,
    *,
    max_bias: float = 0.2,
    min_coverage: float = 0.8,
    max_psi: float = 0.2,
    stale_days: int = 14,
    job: str | None = None,
    reference: str | None = None,
    today: date | None = None,
    most_runs: int = 12,
    seed: int = 0,
) -> MonitoringResult:
    """Compare what past runs forecast with what happened, and the newest run with earlier ones.

    Judged are runs of the newest run's model whose cutoffs lie within a year of the last that
    has matured. Their totals are tested together
    (:func:`forecast.jobs.monitoring.matured.pooled`) at a level of 1 % over all horizons and
    targets; a bias counts where it is beyond chance *and* beyond ``max_bias``. A single run
    inside its own interval never does. Inputs and parameters are signs of change only: they say
    watch, not refit. The level is that of one review; reviews night by night look at nearly the
    same windows, but over a year they have more than one chance to err.

    Parameters
    ----------
    history : str or Path
        What :func:`forecast.jobs.monitoring.run_history.record_run` wrote.
    ledger : Ledger
        The log as it is today; no run whose window passes its cutoff is scored.
    max_bias : float
        Of a total, as a share of the actual total.
    min_coverage : float
        Least share of customers inside their 90 % bounds, about 0.96 where bounds hold.
    max_psi : float
        Population stability index from where on inputs have drifted.
    stale_days : int
        Days without a purchase that are too many.
    job : str, optional
        Name of the job; may be left out where the history holds one.
    reference : str, optional
        Run whose inputs and parameters the newest run's are compared with; by default the one
        nearest to a year before, so that the season is the same, or else the oldest.
    today : date, optional
        Up to when purchases should have arrived; by default the ledger's cutoff.
    most_runs : int
        How many matured runs, evenly over the year, and how many under way, are looked at.
    seed : int
        Of the simulation of the PSI's noise.

    Raises
    ------
    UsageError
        If there is no run, or several jobs and none is named, or a limit has no meaning.
    FileError, LockedError, DataError
        If the history cannot be read.
    """
    limits = Limits(max_bias, min_coverage, max_psi, stale_days)
    _check(limits, ledger, most_runs)
    today = today or ledger.cutoff
    if today < ledger.cutoff:
        raise UsageError(f"today: {today} lies before the cutoff {ledger.cutoff} of the log.")
    with open_history(history) as kept:
        runs = _runs(kept, job)
        newest = _newest(runs)
        judged, under_way = _chosen(runs, newest, ledger, most_runs)
        by_run, by_group = matured_runs(kept, ledger, judged)
        running = running_runs(kept, ledger, under_way)
        before = _reference(runs, newest, reference)
        inputs = compare_profiles(
            kept.table("profile", before), kept.table("profile", newest), max_psi=max_psi, seed=seed
        )
        between = _spaced(_between(runs, before, newest))
        estimates = {
            pd.Timestamp(run.cutoff): table
            for run in rows_of(pd.concat([between, _one(before), _one(newest)]))
            if run.model == newest.model and len(table := kept.table("parameters", run))
        }
        seen = pd.concat([judged, under_way, _one(newest)]).drop_duplicates("run_id")
        past = restated(kept, ledger, seen)
    if before.cutoff == newest.cutoff:
        inputs = inputs.iloc[:0]
    fresh = freshness(ledger, today, stale_days)
    data = data_reasons(past, fresh, today)
    parameters = parameter_drift(estimates)
    first = min(estimates, default=pd.Timestamp(newest.cutoff)).date()
    drift = drift_reasons(inputs, parameters, before.cutoff, first)
    level = matured_reasons(by_run, by_group, running, newest, limits)
    refit, watch = level.refit, [*data.watch, *level.watch, *drift.watch]
    verdict: Verdict = "keep"
    if refit:
        verdict = "refit"
    elif watch or data.data:
        verdict = "watch"
    elif by_run.empty:
        verdict = "too early to say"
    early = [] if len(by_run) else [_too_early(runs, newest, ledger)]
    return MonitoringResult(
        verdict=verdict,
        reasons=(*data.data, *refit, *watch, *early, *level.keep, *data.keep),
        data_problems=tuple(data.data),
        job=str(newest.job),
        today=today,
        cutoff=ledger.cutoff,
        tables={
            "totals": pooled(by_run), "runs": by_run, "groups": by_group, "running": running,
            "inputs": inputs.reset_index(), "parameters": parameters.reset_index(),
            "restated": past, "freshness": pd.DataFrame([fresh]),
        },
    )  # fmt: skip


def _check(limits: Limits, ledger: Ledger, most_runs: int) -> None:
    if ledger.on_spark:
        raise UnsupportedError("monitor: the ledger lives on Spark; read the log locally.")
    for name in ("max_bias", "max_psi"):
        if not getattr(limits, name) > 0:
            raise UsageError(f"{name}: {getattr(limits, name)} must be above 0.")
    if not 0 <= limits.min_coverage < 1:
        raise UsageError(f"min_coverage: {limits.min_coverage} must be a share from 0 to 1.")
    for name, number in (("stale_days", limits.stale_days), ("most_runs", most_runs)):
        if number < 1:
            raise UsageError(f"{name}: {number} must be at least 1.")


def _runs(history: RunHistory, job: str | None) -> pd.DataFrame:
    runs = history.runs()
    jobs = sorted(set(runs["job"]))
    if job is None and len(jobs) > 1:
        raise UsageError(f"job: the history holds {listed(jobs)}; say which, job={jobs[0]!r}.")
    found = runs if job is None else runs[runs["job"] == job]
    if found.empty:
        raise UsageError(f"job: the history holds no run of {job!r}; it holds {listed(jobs)}.")
    return found.reset_index(drop=True)


def _newest(runs: pd.DataFrame) -> Any:
    """Return the last run; of its horizons the shortest, which matures first."""
    last = runs[runs["cutoff"] == runs["cutoff"].max()]
    return next(rows_of(last.sort_values(["window_last", "run_id"])))


def _chosen(
    runs: pd.DataFrame, newest: Any, ledger: Ledger, most: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the matured runs to judge, and those under way, each spread over time."""
    mine = runs[runs["model"] == newest.model]
    done = is_matured(mine, ledger)
    started = (mine["window_start"] <= ledger.cutoff) & (mine["cutoff"] >= ledger.first_day)
    matured, under_way = [], []
    for _, rows in mine[done].groupby(["horizon", "population"], sort=True):
        since = rows["cutoff"].max() - timedelta(days=_YEAR)
        matured.append(_spaced(rows[rows["cutoff"] > since], most))
    for _, rows in mine[~done & started].groupby(["horizon", "population"], sort=True):
        under_way.append(_spaced(rows, most))
    empty = mine.iloc[:0]
    return pd.concat([empty, *matured]), pd.concat([empty, *under_way])


def _spaced(runs: pd.DataFrame, most: int = 12) -> pd.DataFrame:
    """Return a few rows, evenly spaced, the first and the last among them."""
    if len(runs) <= most:
        return runs
    return runs.iloc[np.unique(np.linspace(len(runs) - 1, 0, most).round().astype(int))]


def _reference(runs: pd.DataFrame, newest: Any, name: str | None) -> Any:
    """Return the run to compare the newest with."""
    if name is not None:
        named = runs[runs["run_id"] == name]
        if named.empty:
            known = listed(list(dict.fromkeys(runs["run_id"])))
            raise UsageError(f"reference: no run {name!r}; there are {known}.")
        return next(rows_of(named))
    year_ago = newest.cutoff - timedelta(days=_YEAR)
    distance = runs["cutoff"].map(lambda day: abs((day - year_ago).days))
    near = runs[distance <= 30]
    if len(near):
        return next(rows_of(near.loc[[distance[near.index].idxmin()]]))
    return next(rows_of(runs.sort_values("cutoff", kind="stable")))


def _between(runs: pd.DataFrame, before: Any, newest: Any) -> pd.DataFrame:
    """Return runs of the newest one's model from after the reference to before the newest."""
    later, earlier = runs["cutoff"] > before.cutoff, runs["cutoff"] < newest.cutoff
    found: pd.DataFrame = runs[later & earlier & (runs["model"] == newest.model)]
    return found


def _one(run: Any) -> pd.DataFrame:
    """Return a row as a table again."""
    return pd.DataFrame([run._asdict()]).drop(columns="Index")


def _too_early(runs: pd.DataFrame, newest: Any, ledger: Ledger) -> str:
    mine = runs[runs["model"] == newest.model]
    first = mine.sort_values("window_last")["window_last"].iloc[0]
    others = int((is_matured(runs, ledger) & (runs["model"] != newest.model)).sum())
    more = f" {others} matured runs are of other models." if others else ""
    return (
        f"No run of {newest.model} has matured: the first window ends on {first}, the log on "
        f"{ledger.cutoff}.{more}"
    )
