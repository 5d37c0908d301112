"""Models at a limit, and forecasts that look further than anything has shown."""

import re

from forecast.backtest.checks.check import FAR, LIMIT, Check
from forecast.backtest.result import Backtest
from forecast.calendar import Horizon
from forecast.forecaster import Forecast
from forecast.ledger import Ledger

__all__ = ["far_extrapolation", "limit_model"]

TIMES_HISTORY = 1.1
TIMES_TESTED = 4.0
_LIMIT = re.compile(r"tends to its limit '([^']+)'")


def limit_model(forecast: Forecast | None, backtest: Backtest | None) -> Check | None:
    """Accuse models whose likelihood has no maximum inside, at the last cutoff they were fitted."""
    found: dict[str, str] = {}
    if backtest is not None:
        runs = backtest.runs[backtest.runs["status"] == "ok"].sort_values("cutoff", kind="stable")
        for model, rows in runs.groupby("model", sort=True):
            if match := _LIMIT.search(str(rows["notes"].iloc[-1])):
                found[str(model)] = match[1]
    if forecast is not None and (match := _LIMIT.search(" ".join(forecast.notes))):
        found[forecast.model] = match[1]
    if not found:
        return None
    named = "; ".join(f"{model}: {limit}" for model, limit in found.items())
    return Check(
        LIMIT,
        "warning",
        f"The likelihood runs to a simpler model in {len(found)} of those fitted ({named}). "
        "Predictions are stable, parameters are not numbers to interpret.",
        "Use the simpler model by name, or another whose dropout the data show; do not report "
        "its parameters.",
        evidence=dict(found),
    )


def far_extrapolation(
    forecast: Forecast | None, ledger: Ledger | None, backtest: Backtest | None
) -> Check | None:
    """Accuse a forecast longer than the history, or four times what a backtest tried."""
    if forecast is None:
        return None
    days, said, evidence = forecast.window.days, [], {}
    if ledger is not None:
        seen = (forecast.cutoff - ledger.first_day).days + 1
        if days > TIMES_HISTORY * seen:
            said.append(f"{seen:,} days of history")
            evidence["history_days"] = seen
    if backtest is not None:
        lengths = {str(each) for each in backtest.totals["horizon"]} or {str(backtest.horizon)}
        tried = max(Horizon.parse(each).window(forecast.cutoff).days for each in lengths)
        if days > TIMES_TESTED * tried:
            said.append(f"a backtest over {tried:,} days")
            evidence["tested_days"] = tried
    if not said:
        return None
    return Check(
        FAR,
        "warning",
        f"The forecast looks {days:,} days ahead on the strength of {' and '.join(said)}: nothing "
        "has shown that rates and dropout hold that long.",
        "Forecast a shorter horizon, or backtest a longer one; the far part is an assumption.",
        evidence={"horizon_days": days} | evidence,
    )
