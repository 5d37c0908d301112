"""The tables of a backtest that compare: by origin, the leaderboard, deciles.

Customers are compared where they are known at the origin (population "existing"); for "new" and
"all" only totals by period are. A forecast of nothing is always scored beside the models.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.backtest.metrics import METRICS, rmse
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Population

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["ZERO", "by_origin", "deciles", "leaderboard"]

ZERO = "zero (forecast nothing)"
_EXISTING = [
    "rmse", "skill", "bias", "bias_worst", "gini", "top_decile_capture", "coverage",
    "total_coverage", "mae", "origins", "failed", "fit_seconds",
]  # fmt: skip
_TOTALS = [
    "rmse_total", "skill", "bias", "bias_worst", "total_coverage", "origins", "failed",
    "fit_seconds",
]  # fmt: skip


def by_origin(bt: "Backtest", target: str, population: Population) -> pd.DataFrame:
    """Score each model at each origin it answered; see :meth:`Backtest.by_origin`."""
    _check(bt, target, population)
    totals: dict[tuple[pd.Timestamp, str], Mapping[Any, Any]] = {
        (row["cutoff"], row["model"]): row
        for row in bt.totals[bt.totals["population"] == population].to_dict("records")
    }
    periods = {
        key: rows[[f"expected_{target}", f"actual_{target}"]]
        for key, rows in bt.periods[bt.periods["population"] == population].groupby(
            ["cutoff", "model"]
        )
    }
    rows: list[dict[str, Any]] = []
    for origin in bt.origins:
        day = pd.Timestamp(origin)
        rows.append({"cutoff": day, "model": ZERO} | _zero(bt, origin, target, population))
        for model in bt.models:
            if (day, model) not in totals:
                continue
            score = _total_scores(totals[day, model], target)
            if population == "existing":
                score |= _customer_scores(bt, origin, model, target)
            else:
                table = periods[day, model]
                score["rmse_total"] = _rmse_known(
                    table[f"actual_{target}"], table[f"expected_{target}"]
                )
            rows.append({"cutoff": day, "model": model} | score)
    names = [metric.name for metric in METRICS] if population == "existing" else ["rmse_total"]
    columns = dict.fromkeys(["cutoff", "model", *names, "bias", "total_covered"])
    table = pd.DataFrame(rows, columns=list(columns))
    table["cutoff"] = table["cutoff"].astype("datetime64[us]")
    return table.astype(dict.fromkeys(table.columns[2:], float))


def leaderboard(bt: "Backtest", target: str, population: Population) -> pd.DataFrame:
    """Average the scores over origins, best model first; see :meth:`Backtest.leaderboard`."""
    scores = by_origin(bt, target, population)
    lead = "rmse" if population == "existing" else "rmse_total"
    zero = scores[scores["model"] == ZERO].set_index("cutoff")[lead]
    rows = {}
    for model in [*bt.models, ZERO]:
        own = scores[scores["model"] == model]
        runs = bt.runs[(bt.runs["model"] == model) & (bt.runs["population"] == population)]
        if model != ZERO and (runs["status"] == "unsupported").all():
            continue
        row: dict[Any, Any] = own.drop(columns=["cutoff", "model"]).mean().to_dict()
        error = float(own[lead].mean())
        reference = float(zero.reindex(own["cutoff"]).mean())
        row["skill"] = 1 - error / reference if reference > 0 else np.nan
        row["bias_worst"] = max(own["bias"].dropna(), key=abs, default=np.nan)
        row["total_coverage"] = row.pop("total_covered")
        row["origins"], row["failed"] = len(own), len(bt.origins) - len(own)
        answered = runs.loc[runs["status"] == "ok", "fit_seconds"]
        row["fit_seconds"] = 0.0 if model == ZERO else float(answered.mean())
        rows[model] = row
    columns = _EXISTING if population == "existing" else _TOTALS
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)
    table.index.name = "model"
    table = table.astype({"origins": int, "failed": int})
    order = table.assign(incomplete=table["failed"] > 0, name=table.index).sort_values(
        ["incomplete", lead, "name"], na_position="last"
    )
    return table.loc[order.index]


def deciles(bt: "Backtest", model: str, target: str) -> pd.DataFrame:
    """Compare forecast and actual means by decile; see :meth:`Backtest.deciles`."""
    _check(bt, target, "existing")
    if model not in bt.models:
        raise UsageError(f"model: {model!r} is not in this backtest; it has {list(bt.models)}.")
    parts = []
    for origin in bt.origins:
        forecast = bt.forecasts.get((origin, model, "existing"))
        if forecast is None or forecast[f"expected_{target}"].isna().any():
            continue
        expected = forecast[f"expected_{target}"]
        actual = bt.actuals[origin, "existing"][target].reindex(forecast.index).astype(float)
        # customers tied in the forecast share their mean, so their order says nothing
        shared = actual.groupby(expected.to_numpy()).transform("mean")
        place = expected.rank(method="first") - 1
        decile = (10 * place // len(place)).astype(int) + 1
        parts.append(pd.DataFrame({"decile": decile, "expected": expected, "actual": shared}))
    if not parts:
        raise UnsupportedError(f"{model!r} has no forecast of {target} by customer.")
    groups = pd.concat(parts).groupby("decile")
    return pd.DataFrame(
        {
            "n": groups.size(),
            "mean_expected": groups["expected"].mean(),
            "mean_actual": groups["actual"].mean(),
        }
    )


def _zero(bt: "Backtest", origin: date, target: str, population: Population) -> dict[str, float]:
    """Score the forecast of nothing."""
    actual = bt.actuals[origin, population][target].to_numpy(dtype=float)
    if population == "existing":
        nothing = np.zeros(len(actual))
        return {
            metric.name: metric.function(actual, nothing)
            for metric in METRICS
            if metric.takes == "expected"
        }
    seen = bt.period_actuals
    seen = seen[(seen["cutoff"] == pd.Timestamp(origin)) & (seen["population"] == population)]
    level = -1.0 if actual.sum() > 0 else np.nan
    return {"bias": level, "rmse_total": rmse(seen[f"actual_{target}"], np.zeros(len(seen)))}


def _customer_scores(bt: "Backtest", origin: date, model: str, target: str) -> dict[str, float]:
    """Every metric that the forecast knows enough for."""
    forecast = bt.forecasts.get((origin, model, "existing"))
    if forecast is None:
        return {}
    actual = bt.actuals[origin, "existing"][target].reindex(forecast.index)
    given = {
        "expected": [forecast[f"expected_{target}"]],
        "bounds": [forecast[f"{target}_lo_90"], forecast[f"{target}_hi_90"]],
    }
    return {
        metric.name: metric.function(actual, *given[metric.takes])
        for metric in METRICS
        if not any(column.isna().any() for column in given[metric.takes])
    }


def _total_scores(total: Mapping[Any, Any], target: str) -> dict[str, float]:
    actual, expected = total[f"actual_{target}"], total[f"expected_{target}"]
    lo, hi = total[f"{target}_lo_90"], total[f"{target}_hi_90"]
    return {
        "bias": (expected - actual) / actual if actual > 0 else np.nan,
        "total_covered": np.nan if np.isnan(lo + hi) else float(lo <= actual <= hi),
    }


def _rmse_known(actual: "pd.Series[float]", expected: "pd.Series[float]") -> float:
    return float("nan") if expected.isna().any() else rmse(actual, expected)


def _check(bt: "Backtest", target: str, population: str) -> None:
    if target not in ("purchases", "value"):
        raise UsageError(f"target: {target!r} is not 'purchases' or 'value'.")
    if target == "value" and not bt.has_value:
        raise UnsupportedError("target: this backtest's ledger has no amounts; use 'purchases'.")
    if population not in bt.populations:
        raise UsageError(
            f"population: {population!r} was not part of this backtest; it has "
            f"{list(bt.populations)}."
        )
