"""Forecasts of past runs beside what has happened since.

A run has *matured* when its whole window lies in the ledger. Its error is judged by its standard
error: the spread of the totals that the run drew, or that of its customers' errors, whichever is
larger. Customers' errors are independent of one another; what is left of the spread is the
uncertainty of the parameters, which all customers, and all runs of a model, share.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest.accuracy import rmse
from forecast.backtest.actuals import period_actuals
from forecast.backtest.calibration import coverage
from forecast.backtest.checks.check import tail
from forecast.jobs.monitoring.run_history import TARGETS, RunHistory, rows_of
from forecast.ledger import Ledger

__all__ = ["is_matured", "matured_runs", "pooled", "running_runs"]

Floats = npt.NDArray[np.float64]
_WIDTH = 2 * 1.6448536269514722  # of a normal 90 % interval, in standard errors
_RUN = ["run_id", "horizon", "population", "model", "cutoff", "window_last", "fitted"]


def is_matured(runs: pd.DataFrame, ledger: Ledger) -> "pd.Series[bool]":
    """Whether the whole window of each run, and its cutoff, lies in the ledger."""
    return (runs["window_last"] <= ledger.cutoff) & (runs["cutoff"] >= ledger.first_day)


def matured_runs(
    history: RunHistory, ledger: Ledger, runs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare matured runs with what happened, in total and by group.

    Parameters
    ----------
    history : RunHistory
    ledger : Ledger
        The log as it is today; nothing past its cutoff is looked at.
    runs : pandas.DataFrame
        Rows of :meth:`RunHistory.runs`, all matured.

    Returns
    -------
    by_run : pandas.DataFrame
        One row a run and target. ``forecast``, ``actual`` and ``standard_error`` in purchases or
        currency; ``bias`` (forecast minus actual as a share of the actual) and the bias at both
        ends of the run's own 90 % interval; ``p_value`` of no bias (two-sided); ``rmse`` by
        customer, and over that of the forecast of nothing and of everyone's own past rate;
        ``coverage`` of customers' 90 % bounds, ``above`` and ``below`` them: each is at most .05
        where bounds hold, less where the bound sits on the atom at 0.
    by_group : pandas.DataFrame
        The same by cohort and label, ``p_adjusted`` for the number of groups and targets of the
        run (Bonferroni).
    """
    rows, groups = [], []
    for run in rows_of(runs):
        actual = ledger.actuals(run.cutoff, str(run.horizon), str(run.population))
        customers, labels, gone = history.customers(run), {}, 0
        if customers is not None:
            gone = len(customers)
            actual, customers = _aligned(actual, customers)
            gone -= len(customers)
            labels = {"cohort": customers["cohort"]} | history.labels(run, customers.index)
        found = []
        for total in rows_of(history.table("totals", run)):
            if str(total.target) in actual:
                row, more = _judged(run, total, actual, customers, labels)
                key = {name: getattr(run, name) for name in _RUN} | {"missing": gone}
                rows.append(key | row)
                found += [{name: getattr(run, name) for name in _RUN} | each for each in more]
        groups += [each | {"p_adjusted": min(1.0, each["p_value"] * len(found))} for each in found]
    return pd.DataFrame(rows, columns=_COLUMNS), pd.DataFrame(groups, columns=_GROUP_COLUMNS)


def pooled(by_run: pd.DataFrame) -> pd.DataFrame:
    """Test all runs of one horizon and target together.

    The errors of two runs are taken as correlated by the share of days that their windows have in
    common, and their uncertainty of the parameters as one and the same.

    Returns
    -------
    pandas.DataFrame
        ``horizon``, ``population``, ``target``, ``runs``, ``bias`` (sum of errors over sum of
        actuals), ``standard_error`` (of the bias), ``p_value`` (two-sided).
    """
    rows = []
    for key, part in by_run.groupby(["horizon", "population", "target"], sort=True):
        error = (part["forecast"] - part["actual"]).to_numpy(float)
        spread, shared = (part[name].to_numpy(float) for name in ("standard_error", "shared_error"))
        first, last = (_days(part[name]) for name in ("cutoff", "window_last"))
        common = np.minimum.outer(last, last) - np.maximum.outer(first, first)
        share = np.clip(common, 0, None) / np.sqrt(np.outer(last - first, last - first))
        own = np.sqrt(np.clip(spread**2 - shared**2, 0, None))
        size = math.sqrt(float(own @ share @ own) + float(shared.sum()) ** 2)
        actual = float(part["actual"].sum())
        rows.append(
            dict(zip(("horizon", "population", "target"), key, strict=True))
            | {
                "runs": len(part),
                "bias": _share(float(error.sum()), actual),
                "standard_error": _share(size, actual),
                "p_value": _chance(float(error.sum()), size),
            }
        )
    columns = ["horizon", "population", "target", "runs", "bias", "standard_error", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def running_runs(history: RunHistory, ledger: Ledger, runs: pd.DataFrame) -> pd.DataFrame:
    """Compare what has come so far with what runs expected by then, over their whole periods.

    Returns
    -------
    pandas.DataFrame
        One row a run and target with a whole period behind it: ``through`` (last day compared),
        ``periods`` and ``of`` how many, ``forecast`` and ``actual`` up to then, ``bias``,
        ``lo_90`` and ``hi_90`` of the total up to then, ``p_value``.
    """
    rows = []
    for run in rows_of(runs):
        periods = history.table("periods", run).sort_values("period")
        windows = _windows(periods)
        done = sum(window.last <= ledger.cutoff for window in windows)
        if not done:
            continue
        population: Any = run.population
        seen = period_actuals(ledger, run.cutoff, windows[:done], population, ledger.first_day)
        for target in TARGETS:
            expected = float(periods[f"expected_{target}"].iloc[:done].sum(skipna=False))
            actual = float(seen[f"actual_{target}"].sum(skipna=False))
            if math.isnan(expected + actual):
                continue
            lo, hi = (
                float(periods[f"cumulative_{target}_{side}_90"].iloc[done - 1])
                for side in ("lo", "hi")
            )
            rows.append(
                {name: getattr(run, name) for name in _RUN}
                | {
                    "target": target, "through": windows[done - 1].last, "periods": done,
                    "of": len(windows), "forecast": expected, "actual": actual,
                    "bias": _share(expected - actual, actual), "lo_90": lo, "hi_90": hi,
                    "p_value": _chance(expected - actual, (hi - lo) / _WIDTH),
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=_RUNNING_COLUMNS)


def _judged(
    run: Any,
    total: Any,
    actual: pd.DataFrame,
    customers: pd.DataFrame | None,
    labels: "Mapping[str, pd.Series[Any]]",
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Judge one target of one run, and of its groups."""
    target, expected = str(total.target), float(total.expected)
    row: dict[str, Any] = {"target": target, "customers": len(actual)}
    if customers is None or customers[f"expected_{target}"].isna().any():
        spread = float(total.sd)
        happened = float(actual[target].sum())
        return row | _errors(expected, happened, spread, spread, total), []
    came = actual[target].to_numpy(float)
    told = customers[f"expected_{target}"].to_numpy(float)
    kept = told.sum() / expected if expected > 0 else 1.0  # the rest left the log
    drawn = max(_least(customers, target), 0.0 if math.isnan(total.sd) else float(total.sd) * kept)
    squares = (told - came) ** 2
    spread = max(drawn, math.sqrt(squares.sum()))
    shared = math.sqrt(max(0.0, drawn**2 - squares.sum()))
    row |= _errors(float(told.sum()), float(came.sum()), spread, shared, total, kept)
    row |= _by_customer(customers, target, came, run)
    groups = []
    for by, label in labels.items():
        codes, names = pd.factorize(label, sort=True)
        for code, name in enumerate(names):
            inside = codes == code
            share = told[inside].sum() / told.sum() if told.sum() > 0 else 0.0
            size = math.sqrt(max(squares[inside].sum() + (shared * share) ** 2, drawn**2 * share))
            error = _errors(float(told[inside].sum()), float(came[inside].sum()), size, 0.0, None)
            some = _by_customer(customers[inside], target, came[inside], run)
            groups.append(
                {"by": by, "group": name, "target": target, "customers": int(inside.sum())}
                | {name: each for name, each in (error | some).items() if name in _GROUP_COLUMNS}
            )
    return row, groups


def _errors(
    expected: float, actual: float, spread: float, shared: float, total: Any, kept: float = 1.0
) -> dict[str, Any]:
    """Return the error of a total, and its chance."""
    lo, hi = (math.nan,) * 2 if total is None else (kept * total.lo_90, kept * total.hi_90)
    return {
        "forecast": expected, "actual": actual, "bias": _share(expected - actual, actual),
        "bias_lo_90": _share(lo - actual, actual), "bias_hi_90": _share(hi - actual, actual),
        "in_interval": None if math.isnan(lo) else bool(lo <= actual <= hi),
        "standard_error": spread, "shared_error": shared,
        "p_value": _chance(expected - actual, spread),
    }  # fmt: skip


def _by_customer(known: pd.DataFrame, target: str, came: Floats, run: Any) -> dict[str, float]:
    """Return how far customers were missed, and whether their bounds held."""
    told = known[f"expected_{target}"].to_numpy(float)
    size, nothing = rmse(came, told), rmse(came, np.zeros(len(came)))
    rate = _own_rate(known, target, run)
    scores = {"rmse": size, "rmse_over_zero": size / nothing if nothing > 0 else math.nan}
    own = math.nan if np.isnan(rate).any() else rmse(came, rate)
    scores["rmse_over_own_rate"] = size / own if own > 0 else math.nan
    lo, hi = (known[f"{target}_{side}_90"].to_numpy(float) for side in ("lo", "hi"))
    if not np.isnan(lo + hi).any():
        scores["coverage"] = coverage(came, lo, hi)
        scores["above"], scores["below"] = float((came > hi).mean()), float((came < lo).mean())
    return scores


def _own_rate(known: pd.DataFrame, target: str, run: Any) -> Floats:
    """Return what everyone's own past rate would have forecast, as :class:`forecast.OwnRate`."""
    frequency = known["n_purchases"].to_numpy(float) - 1
    age = np.array(_days([run.cutoff]) - _days(known["first_purchase"]))
    pool = frequency.sum() / age.sum() if age.sum() > 0 else 0.0
    rate = np.divide(frequency, age, out=np.full(len(known), pool), where=age > 0)
    ahead = rate * (run.window_last - run.cutoff).days
    if target == "purchases":
        return np.asarray(ahead)
    mean = known["total_value"].to_numpy(float) / known["n_purchases"].to_numpy(float)
    return np.asarray(ahead * mean)


def _least(known: pd.DataFrame, target: str) -> float:
    """Return the least standard error of a total: that of Poisson purchases at known rates."""
    each = 1.0 if target == "purchases" else known["expected_order_value"].to_numpy(float)
    variance = np.nansum(known[f"expected_{target}"].to_numpy(float) * each)
    return math.sqrt(max(0.0, float(variance)))


def _aligned(actual: pd.DataFrame, customers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the customers of the run who are still in the log, and what they did, row by row."""
    if actual.index.equals(customers.index):
        return actual, customers
    place = actual.index.get_indexer(customers.index)
    return actual.iloc[place[place >= 0]], customers[place >= 0]


def _windows(periods: pd.DataFrame) -> list[Any]:
    from forecast.calendar import Window

    starts, ends = (pd.to_datetime(periods[name]).dt.date for name in ("start", "end"))
    return [Window(start, end) for start, end in zip(starts, ends, strict=True)]


def _days(days: Any) -> Floats:
    return np.asarray(pd.to_datetime(pd.Series(days)).to_numpy().astype("datetime64[D]"), float)


def _share(part: float, whole: float) -> float:
    if whole == 0:
        return 0.0 if part == 0 else math.copysign(math.inf, part)
    return part / whole


def _chance(error: float, spread: float) -> float:
    """Two-sided chance of so large an error; 1 where nothing is known of its spread."""
    return 1.0 if math.isnan(spread) or spread <= 0 else min(1.0, 2 * tail(abs(error) / spread))


_ERRORS = ["forecast", "actual", "bias", "p_value"]
_SCORES = ["rmse", "rmse_over_zero", "rmse_over_own_rate", "coverage", "above", "below"]
_COLUMNS = [
    *_RUN, "target", "customers", "missing", *_ERRORS, "bias_lo_90", "bias_hi_90", "in_interval",
    "standard_error", "shared_error", *_SCORES,
]  # fmt: skip
_GROUP_COLUMNS = [*_RUN, "by", "group", "target", "customers", *_ERRORS, "p_adjusted", *_SCORES]
_RUNNING_COLUMNS = [
    *_RUN, "target", "through", "periods", "of", *_ERRORS, "lo_90", "hi_90",
]  # fmt: skip
