"""The tables of a backtest, from the records of its trials."""

from typing import Any

import pandas as pd

from forecast.backtest.folder import Folder
from forecast.backtest.plan import Plan
from forecast.forecaster import BOUNDS

__all__ = ["TABLES", "tables_of"]

_EXPECTED = ["expected_purchases", "expected_value"]
_ACTUAL = ["actual_purchases", "actual_value"]
_PITS = ["pit_purchases", "pit_value"]
_KEY = ["cutoff", "horizon", "model", "population"]
TABLES: dict[str, list[str]] = {
    "runs": [
        *_KEY, "called", "status", "error", "notes", "customers", "fit_seconds", "forecast_seconds",
    ],
    "periods": [*_KEY, "start", "end", *_EXPECTED, *BOUNDS, *_ACTUAL],
    "totals": [*_KEY, *_EXPECTED, *BOUNDS, *_ACTUAL, *_PITS],
    "cohorts": [*_KEY, "cohort", "customers", *_EXPECTED, *BOUNDS, *_ACTUAL, *_PITS],
    "period_actuals": ["cutoff", "horizon", "population", "start", "end", *_ACTUAL],
    "parameters": ["cutoff", "model", "name", "value"],
}  # fmt: skip
_KINDS: dict[str, str] = (
    dict.fromkeys(["cutoff", "start", "end"], "datetime64[us]")
    | dict.fromkeys(["horizon", "model", "population", "called", "status", "error"], "str")
    | dict.fromkeys(["notes", "cohort", "name"], "str")
    | {"customers": "int64"}
)


def tables_of(folder: Folder, plan: Plan) -> dict[str, pd.DataFrame]:
    """Return every table of ``TABLES``, in the order of origins, models and horizons."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for origin in plan.origins:
        at = {"cutoff": str(origin)}
        found["period_actuals"] += [at | row for row in folder.read(origin)["period_actuals"]]
        for model in plan.models:
            record = folder.read(origin, model)
            found["parameters"] += [
                at | {"model": model, "name": name, "value": value}
                for name, value in record["parameters"].items()
            ]
            for trial in record["trials"]:
                run = at | {"model": model} | trial["run"]
                found["runs"].append(run)
                key = {name: run[name] for name in _KEY}
                if trial["total"] is not None:
                    found["totals"].append(key | trial["total"])
                for name in ("periods", "cohorts"):
                    found[name] += [key | row for row in trial[name]]
    tables = {name: _typed(name, rows) for name, rows in found.items()}
    tables["periods"] = _with_actuals(tables["periods"], tables["period_actuals"])
    return tables


def _typed(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=TABLES[name])
    return table.astype({column: _KINDS.get(column, "float64") for column in TABLES[name]})


def _with_actuals(periods: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    on = ["cutoff", "horizon", "population", "start", "end"]
    return periods.drop(columns=_ACTUAL).merge(happened, on=on, how="left")[TABLES["periods"]]
