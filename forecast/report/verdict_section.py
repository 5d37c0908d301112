"""The first section: headline numbers, the verdict in sentences, and what to know before use."""

from collections.abc import Mapping

import numpy as np

from forecast.backtest import Backtest
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.alerts import alerts
from forecast.report.content import Alerts, Part, Prose, Section, Tiles
from forecast.report.formats import count, day, percent, spoken
from forecast.report.style import UNITS
from forecast.report.verdict import (
    Total,
    backtest_sentences,
    buyers,
    forecast_sentences,
    lead,
    off,
    standing,
)

__all__ = ["verdict_section"]


def verdict_section(
    ledger: Ledger | None,
    forecast: Forecast | None,
    backtest: Backtest | None,
    known: Mapping[str, Total],
) -> Section:
    """Return the section that a reader with one minute reads."""
    tiles, text = [], []
    if forecast is not None:
        tiles += _forecast_tiles(forecast, known)
        text.append(" ".join(forecast_sentences(forecast, known)))
    if backtest is not None:
        tiles += _backtest_tiles(backtest)
        text += backtest_sentences(backtest)
        if forecast is not None:
            text += standing(forecast, backtest)
    if not text and ledger is not None:
        first, last = day(ledger.first_day), day(ledger.cutoff)
        text.append(f"The data run from {first} to {last}. Nothing was forecast.")
    parts: list[Part] = []
    if tiles:
        parts.append(Tiles(tuple(tiles)))
    if text:
        parts.append(Prose(tuple(text)))
    found = alerts(ledger, forecast, backtest)
    if found:
        parts.append(Alerts(tuple(found)))
    return Section("verdict", "Verdict", parts)


def _forecast_tiles(forecast: Forecast, known: Mapping[str, Total]) -> list[tuple[str, str, str]]:
    labels = {"purchases": "Expected purchases", "value": f"Expected value, {UNITS['value']}"}
    tiles = []
    for target, (expected, lo, hi) in known.items():
        within = "no interval" if np.isnan(lo) else f"90 % interval {spoken(lo)} to {spoken(hi)}"
        tiles.append((labels[target], spoken(expected), within))
    active = buyers(forecast)
    if active is not None and forecast.customers is not None:
        remark = f"{percent(active[1])} of {count(len(forecast.customers))}"
        tiles.append(("Customers expected to buy", spoken(active[0]), remark))
    return tiles


def _backtest_tiles(backtest: Backtest) -> list[tuple[str, str, str]]:
    found = lead(backtest, "value") or lead(backtest, "purchases")
    if found is None or np.isnan(found.row["bias"]):
        return []
    target = "value" if lead(backtest, "value") else "purchases"
    cutoffs = int(found.row["origins"])
    worst = percent(found.row["bias_worst"], signed=True)
    over = "one past cutoff" if cutoffs == 1 else f"mean of {cutoffs} past cutoffs, worst {worst}"
    label = f"Forecast total {target}, when tested"
    return [(label, off(found.row["bias"]), f"{found.model}, {over}")]
