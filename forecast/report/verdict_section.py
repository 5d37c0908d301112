"""The first section: headline numbers, the verdict in sentences, and what to know before use."""

from collections.abc import Mapping, Sequence

import numpy as np

from forecast.backtest import Backtest
from forecast.backtest.checks import Check
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.alerts import alerts
from forecast.report.content import Alerts, Heading, Listing, Part, Prose, Section, Tiles
from forecast.report.formats import count, day, percent, spoken
from forecast.report.leader import lead
from forecast.report.style import Target
from forecast.report.units import unit_of
from forecast.report.verdict import (
    Total,
    backtest_sentences,
    buyers,
    decision,
    forecast_sentences,
    off,
    standing,
)

__all__ = ["verdict_section"]


def verdict_section(
    ledger: Ledger | None,
    forecast: Forecast | None,
    backtest: Backtest | None,
    known: Mapping[Target, Total],
    fired: Sequence[Check] = (),
    money: Sequence[str] = (),
    *,
    currency: str | None,
) -> Section:
    """Return the section that a reader with one minute reads; ``money`` leads it."""
    tiles, text, sure = [], list(money), list[str]()
    first = _first(backtest, fired)
    if first:
        text.append(first)
    if forecast is not None:
        tiles += _forecast_tiles(forecast, known, currency)
        text.append(" ".join(forecast_sentences(forecast, known, currency)))
    if backtest is not None:
        tiles += _backtest_tiles(backtest)
        if forecast is not None:
            text += standing(forecast, backtest)
        sure = _sure(backtest)
    if not text and ledger is not None:
        first, last = day(ledger.first_day), day(ledger.cutoff)
        text.append(f"The data run from {first} to {last}. Nothing was forecast.")
    parts: list[Part] = []
    if tiles:
        parts.append(Tiles(tuple(tiles)))
    if text:
        parts.insert(0 if money else len(parts), Prose(tuple(text)))
    found = alerts(ledger, forecast, backtest, fired)
    if found:
        parts.append(Alerts(tuple(found)))
    if sure:
        parts += [Heading("By how much, and how sure"), Listing(tuple(sure))]
    return Section("verdict", "Verdict", parts)


def _first(backtest: Backtest | None, fired: Sequence[Check]) -> str:
    """Say the decision, and how much stands against it."""
    said = [] if backtest is None else [decision(backtest, fired) or ""]
    grave = sum(check.severity == "error" for check in fired)
    if grave:
        said.append(
            f"{count(grave)} of {count(len(fired))} checks that fired "
            f"{'is an error' if grave == 1 else 'are errors'}: mend what they name before using "
            "the numbers."
        )
    elif fired:
        times = "One check fired" if len(fired) == 1 else f"{count(len(fired))} checks fired"
        said.append(f"{times}; what to know is below.")
    elif backtest is not None:
        said.append("No check fired.")
    return " ".join(filter(None, said))


def _sure(backtest: Backtest) -> list[str]:
    """Return for each target what was measured, and then what the comparison says of it."""
    said = []
    for found, sentence in backtest_sentences(backtest):
        said.append(sentence)
        if found.comparison is not None:
            said.append(" ".join(found.comparison.sentences))
    return said


def _forecast_tiles(
    forecast: Forecast, known: Mapping[Target, Total], currency: str | None
) -> list[tuple[str, str, str]]:
    money = unit_of("value", currency)
    labels = {"purchases": "Expected purchases", "value": f"Expected value, {money}"}
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
    target = "value" if lead(backtest, "value") else "purchases"
    found = lead(backtest, target)
    if found is None or np.isnan(found.row["bias"]):
        return []
    cutoffs = int(found.row["origins"])
    worst = percent(found.row["bias_worst"], signed=True)
    over = "one past cutoff" if cutoffs == 1 else f"mean of {cutoffs} past cutoffs, worst {worst}"
    label = f"Forecast total {target}, when tested"
    return [(label, off(found.row["bias"]), f"{found.model}, {over}")]
