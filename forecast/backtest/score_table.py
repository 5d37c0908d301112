"""Every score in one long table: of customers, cohorts, periods or totals, and of segments."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from forecast.backtest.evidence import Labels, check, customer_tables, labels_at, sums_by_run
from forecast.backtest.metrics import METRICS, Metric, chosen
from forecast.errors import UsageError
from forecast.forecaster import Population

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["Unit", "score_table"]

Unit = Literal["customer", "cohort", "period", "total"]
_TABLES = {"cohort": "cohorts", "period": "periods", "total": "totals"}


def score_table(
    bt: "Backtest",
    target: str,
    population: Population,
    *,
    unit: Unit,
    by: Labels | None,
    metrics: Sequence[str | Metric] | None,
) -> pd.DataFrame:
    """Score every model in a long table; see :meth:`Backtest.scores`."""
    check(bt, target, population)
    if unit != "customer" and unit not in _TABLES:
        raise UsageError(f"unit: {unit!r} is not 'customer', {', '.join(map(repr, _TABLES))}.")
    if by is not None and unit != "customer":
        raise UsageError(f"by: only customers have labels, not unit {unit!r}.")
    asked = chosen(metrics, [metric.name for metric in METRICS])
    if unit == "customer":
        tables = customer_tables(bt, population)
    else:
        sums: pd.DataFrame = getattr(bt, _TABLES[unit])
        tables = sums_by_run(sums[sums["population"] == population])
    rows = [
        (model, pd.Timestamp(origin), segment, metric.name, metric.score(part, target), len(part))
        for origin, model, table in tables
        for segment, part in _segments(bt, table, by, origin)
        for metric in asked
        if metric.applies(part, target)
    ]
    found = pd.DataFrame(rows, columns=["model", "cutoff", "segment", "metric", "value", "n"])
    found["cutoff"] = found["cutoff"].astype("datetime64[us]")
    key = {"horizon": str(bt.horizon), "population": population, "target": target}
    order = ["model", "cutoff", *key, "segment", "metric", "value", "n"]
    return found.assign(**key)[order]


def _segments(
    bt: "Backtest", table: pd.DataFrame, by: Labels | None, origin: date
) -> list[tuple[Any, pd.DataFrame]]:
    if by is None:
        return [("all", table)]
    return list(table.groupby(labels_at(bt, by, origin, table.index).to_numpy()))
