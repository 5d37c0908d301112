"""How a ledger, a forecast and a backtest look in a notebook: a card of facts and small tables.

Colours are inherited, so a card reads in light and in dark; all text is escaped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Card", "backtest_card", "forecast_card", "ledger_card"]

MISSING = "\u2013"
ROWS = 5
QUICK = 5_000_000  # customers x draws that are replayed in about a second
_BOARD = (
    "rmse", "rmse_total", "skill", "bias", "gini", "crps", "pit_coverage", "total_coverage",
    "origins", "failed",
)  # fmt: skip
_STYLE = """<style>
.ltv-card { font: 13px/1.45 system-ui, sans-serif; color: inherit; max-width: 60rem; }
.ltv-card .title { font-size: 1.15em; font-weight: 600; }
.ltv-card dl { display: flex; flex-wrap: wrap; gap: .3em 2em; margin: .4em 0 .6em; }
.ltv-card dt { opacity: .75; font-weight: 400; }
.ltv-card dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.ltv-card .wide { overflow-x: auto; }
.ltv-card table { border-collapse: collapse; margin: 0 0 .7em; color: inherit; font-size: 1em; }
.ltv-card caption { text-align: left; font-weight: 600; padding: .2em 0; color: inherit; }
.ltv-card th, .ltv-card td { padding: .15em 1em .15em 0; text-align: right; font-weight: 400;
  border-bottom: 1px solid rgba(128, 128, 128, .4); font-variant-numeric: tabular-nums; }
.ltv-card th { opacity: .85; }
.ltv-card tbody th, .ltv-card td { white-space: nowrap; }
.ltv-card tr > :first-child { text-align: left; }
.ltv-card ul { margin: .2em 0 .6em; padding-left: 1.2em; }
</style>"""


@dataclass(frozen=True)
class Card:
    """What to show of an object.

    Attributes
    ----------
    title : str
        Its kind.
    facts : dict of str to str
        Known at once: the text.
    tables : callable
        Returns tables by caption; asked for by the HTML alone, since they may take a second.
    remarks : sequence of str
    """

    title: str
    facts: dict[str, str]
    tables: Callable[[], dict[str, pd.DataFrame]] = field(default=dict)
    remarks: Sequence[str] = ()

    def text(self) -> str:
        """Return one line.

        Examples
        --------
        >>> Card("Shop", {"customers": "12", "to": "2024-01-31"}).text()
        'Shop(customers: 12; to: 2024-01-31)'
        """
        return f"{self.title}({'; '.join(f'{name}: {each}' for name, each in self.facts.items())})"

    def html(self) -> str:
        """Return a fragment of HTML with a style of its own."""
        facts = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(each)}</dd></div>"
            for name, each in self.facts.items()
        )
        tables = "".join(_table(caption, each) for caption, each in self.tables().items())
        remarks = "".join(f"<li>{escape(each)}</li>" for each in self.remarks)
        listed = f"<ul>{remarks}</ul>" if remarks else ""
        return (
            f'{_STYLE}<div class="ltv-card"><div class="title">{escape(self.title)}</div>'
            f"<dl>{facts}</dl>{tables}{listed}</div>"
        )


def ledger_card(ledger: Any) -> Card:
    """Return what a ledger holds, and the warnings of its audit."""
    facts = {"from": str(ledger.first_day), "cutoff": str(ledger.cutoff)}
    counted = {name: _number(each) for name, each in ledger.counts().items()}
    if "value" in counted and ledger.currency is not None:
        counted["value"] += f" {ledger.currency}"
    facts |= counted
    warned = ledger.audit[ledger.audit["severity"] == "warning"]
    said = zip(warned["what"], warned["count"], strict=True)
    remarks = [f"{what.rstrip('.')}: {count:,}." for what, count in said]
    return Card(type(ledger).__name__, facts, remarks=remarks)


def forecast_card(forecast: Any) -> Card:
    """Return the headline with its interval, the first periods and the first customers."""
    people, periods, window = forecast.customers, forecast.periods, forecast.window
    expected = periods[["expected_purchases", "expected_value"]].sum(skipna=False)
    facts = {
        "model": forecast.model,
        "population": forecast.population,
        "window": f"{window.start} to {window.last}",
        "expected purchases": _number(expected["expected_purchases"]),
        "expected value": _number(expected["expected_value"]),
    }
    if people is not None:
        facts["customers"] = f"{len(people):,}"

    def tables() -> dict[str, pd.DataFrame]:
        found = {}
        draws = getattr(forecast.sampler, "draws", 0)
        if draws and draws * (len(people if people is not None else ()) + expected.iloc[0]) < QUICK:
            found["Total, with its 90 % interval"] = forecast.interval(0.9)
        shown = periods.assign(start=_days(periods["start"]), end=_days(periods["end"]))
        found[_few("periods", periods)] = shown.head(ROWS).set_index("start")
        if people is not None:
            found[_few("customers", people)] = people.head(ROWS)
        return found

    return Card("Forecast", facts, tables, forecast.notes)


def backtest_card(backtest: Any) -> Card:
    """Return what was tested, and the leaderboard."""
    origins, first = backtest.origins, backtest.populations[0]
    facts = {
        "models": f"{len(backtest.models)}",
        "horizon": ", ".join(str(each) for each in backtest.horizons),
        "origins": f"{len(origins)}, {origins[0]} to {origins[-1]}",
        "population": ", ".join(backtest.populations),
    }

    def tables() -> dict[str, pd.DataFrame]:
        found = {}
        for target in ("purchases", "value") if backtest.has_value else ("purchases",):
            board = backtest.leaderboard(target, first)
            kept = [name for name in _BOARD if name in board and board[name].notna().any()]
            unit = f" ({backtest.currency})" if target == "value" and backtest.currency else ""
            caption = f"Leaderboard: {target}{unit} of {first} customers, lowest error first"
            found[caption] = board[kept]
        return found

    failed = backtest.runs[backtest.runs["status"] == "failed"]
    said = [
        f"{model} failed at {len(rows)} of {len(origins) * len(backtest.horizons)}: "
        f"{rows['error'].iloc[0]}"
        for model, rows in failed.groupby("model")
    ]
    return Card("Backtest", facts, tables, said)


def _few(what: str, table: pd.DataFrame) -> str:
    return f"First of {len(table):,} {what}" if len(table) > ROWS else what.capitalize()


def _days(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series(column.dt.strftime("%Y-%m-%d"))


def _table(caption: str, table: pd.DataFrame) -> str:
    names = [str(each).replace("_", " ") for each in (table.index.name or "", *table.columns)]
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in names)
    body = "".join(
        f'<tr><th scope="row">{escape(str(label))}</th>'
        + "".join(f"<td>{escape(_number(each))}</td>" for each in row)
        + "</tr>"
        for label, row in zip(table.index, table.itertuples(index=False, name=None), strict=True)
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _number(value: Any) -> str:
    """Write a number to three digits at least, what is missing as a dash.

    Examples
    --------
    >>> _number(12345.6), _number(0.01234), _number(7), _number(float("nan"))
    ('12,346', '0.0123', '7', '–')
    """
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return MISSING
    if isinstance(value, int | np.integer) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
