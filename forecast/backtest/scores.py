"""The tables of a backtest that compare: by origin, the leaderboard, deciles.

Customers are compared where they are known at the origin (population "existing"); for "new" and
"all" only totals by period are. A forecast of nothing is always scored beside the models. Each
table of forecasts is read once, scored and let go.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.backtest.accuracy import rmse
from forecast.backtest.calibration import calibration_table
from forecast.backtest.evidence import ZERO, check, customer_tables, sums_by_run
from forecast.backtest.metrics import Metric, chosen
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Population

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["by_origin", "deciles", "leaderboard"]

_LEADERBOARD = (
    "rmse", "bias", "gini", "top_decile_capture", "crps", "pit_coverage", "coverage", "mae",
)  # fmt: skip
_ALWAYS = ("rmse", "bias")
Metrics = Sequence[str | Metric] | None


def by_origin(
    bt: "Backtest", target: str, population: Population, metrics: Metrics
) -> pd.DataFrame:
    """Score each model at each origin it answered; see :meth:`Backtest.by_origin`."""
    check(bt, target, population)
    names = ["rmse_total"]
    rows: dict[tuple[date, str], dict[str, float]] = {}
    if population == "existing":
        asked = chosen(metrics, _LEADERBOARD, always=_ALWAYS)
        names = [each.name for each in asked]
        for origin, model, table in customer_tables(bt, population):
            rows[origin, model] = {each.name: each.score(table, target) for each in asked}
    else:
        rows = _period_scores(bt, target, population)
    totals = bt.totals[bt.totals["population"] == population]
    for total in totals.to_dict("records"):
        key = total["cutoff"].date(), total["model"]
        known = {name: score for name, score in rows.get(key, {}).items() if not np.isnan(score)}
        rows[key] = _total_scores(total, target) | known
    place = {model: at for at, model in enumerate([ZERO, *bt.models])}
    found = [
        {"cutoff": pd.Timestamp(origin), "model": model, **rows[origin, model]}
        for origin, model in sorted(rows, key=lambda key: (key[0], place[key[1]]))
    ]
    columns = list(dict.fromkeys([*names, "bias", "total_covered"]))
    table = pd.DataFrame(found, columns=["cutoff", "model", *columns])
    table["cutoff"] = table["cutoff"].astype("datetime64[us]")
    return table.astype(dict.fromkeys(columns, float))


def leaderboard(
    bt: "Backtest", target: str, population: Population, metrics: Metrics
) -> pd.DataFrame:
    """Average the scores over origins, best model first; see :meth:`Backtest.leaderboard`."""
    scores = by_origin(bt, target, population, metrics)
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
        answered = runs.loc[runs["status"] == "ok", ["fit_seconds", "forecast_seconds"]]
        row["seconds"] = 0.0 if model == ZERO else float(answered.sum(axis=1).mean())
        rows[model] = row
    first = [lead, "skill", "bias", "bias_worst"]
    rest = [name for name in scores.columns[2:] if name not in (*first, "total_covered")]
    columns = [*first, *rest, "total_coverage", "origins", "failed", "seconds"]
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)
    table.index.name = "model"
    table = table.astype({"origins": int, "failed": int})
    order = table.assign(incomplete=table["failed"] > 0, name=table.index).sort_values(
        ["incomplete", lead, "name"], na_position="last"
    )
    return table.loc[order.index]


def deciles(bt: "Backtest", model: str, target: str) -> pd.DataFrame:
    """Compare forecast and actual means by decile; see :meth:`Backtest.deciles`."""
    check(bt, target, "existing")
    if model not in bt.models:
        raise UsageError(f"model: {model!r} is not in this backtest; it has {list(bt.models)}.")
    actual, expected = f"actual_{target}", f"expected_{target}"
    parts = [
        calibration_table(table[actual], table[expected])
        for _, _, table in customer_tables(bt, models=[model])
        if not table[expected].isna().any()
    ]
    if not parts:
        raise UnsupportedError(f"{model!r} has no forecast of {target} by customer.")
    means = ["mean_expected", "mean_actual"]
    stacked = pd.concat(parts).rename_axis("decile")
    stacked[means] = stacked[means].mul(stacked["n"], axis=0)
    pooled = stacked.groupby("decile").sum()
    pooled[means] = pooled[means].div(pooled["n"], axis=0)
    return pooled


def _period_scores(
    bt: "Backtest", target: str, population: Population
) -> dict[tuple[date, str], dict[str, float]]:
    """Score totals by period, where customers cannot be listed."""
    expected, actual = f"expected_{target}", f"actual_{target}"
    rows: dict[tuple[date, str], dict[str, float]] = {}
    seen = bt.period_actuals[bt.period_actuals["population"] == population]
    for day, model, table in sums_by_run(seen.assign(model=ZERO)):
        level = -1.0 if table[actual].sum() > 0 else np.nan
        nothing = rmse(table[actual], np.zeros(len(table)))
        rows[day, model] = {"rmse_total": nothing, "bias": level}
    for day, model, table in sums_by_run(bt.periods[bt.periods["population"] == population]):
        known = not table[expected].isna().any()
        error = rmse(table[actual], table[expected]) if known else np.nan
        rows[day, model] = {"rmse_total": error}
    return rows


def _total_scores(total: Mapping[Any, Any], target: str) -> dict[str, float]:
    actual, expected = total[f"actual_{target}"], total[f"expected_{target}"]
    lo, hi = total[f"{target}_lo_90"], total[f"{target}_hi_90"]
    return {
        "bias": (expected - actual) / actual if actual > 0 else np.nan,
        "total_covered": np.nan if np.isnan(lo + hi) else float(lo <= actual <= hi),
    }
