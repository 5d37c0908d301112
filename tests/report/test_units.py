"""Amounts carry the name of their currency on every page and plot, as text and never as markup."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.backtest import Backtest, backtest
from forecast.errors import UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models import OwnRate
from forecast.report import (
    conditional_expectation,
    decile_calibration,
    forecast_periods,
    payback_curves,
    profit_curve,
    report,
    tornado,
    tracking,
    tracking_cumulative,
)

NAME = "<b>&|$[x]_"
NAMELESS = "currency units"
MONEY = {
    "Worth": pd.DataFrame({"segment": ["a"], "clv": [1.5], "clv_lo_90": [1.0]}),
    "Curve": pd.DataFrame(
        {"channel": ["a"] * 2, "age_months": [1, 2], "customers": 3,
         "margin_per_customer": [1.0, 2.0], "lo": 0.5, "hi": 3.0}
    ),
    "Levers": pd.DataFrame(
        {"low": [0.9], "high": 1.1, "at_low": -1.0, "at_high": 1.0, "at_low_lo": -2.0,
         "at_low_hi": 0.0, "at_high_lo": 0.0, "at_high_hi": 2.0},
        index=pd.Index(["retention"], name="lever"),
    ),
}  # fmt: skip


def named(backtest: Backtest, currency: str) -> Backtest:
    return replace(backtest, settings={**backtest.settings, "currency": currency})


@pytest.fixture(scope="module")
def small(ledger: Ledger) -> Backtest:
    """Return a backtest whose page is soon drawn."""
    return backtest(
        ledger, OwnRate(), horizon="8W", origins=2, draws=20, populations=["existing"]
    )  # fmt: skip


@pytest.fixture(scope="module")
def parts(ledger: Ledger, future: Forecast, small: Backtest) -> dict[str, Any]:
    return {"ledger": ledger, "backtest": small, "forecast": future, "value": MONEY}


def page(folder: Path, **given: Any) -> str:
    return report(folder / "page.html", **given).read_text(encoding="utf-8")


def test_a_name_stands_wherever_the_page_had_none(parts: Any, tmp_path: Path) -> None:
    plain = page(tmp_path, **parts)
    called = page(tmp_path, **parts | {"ledger": replace(parts["ledger"], currency=NAME)})
    assert plain.count(NAMELESS) > 20
    assert NAMELESS not in called
    assert NAME not in called
    assert unescape(called).count(NAME) > plain.count(NAMELESS)  # and one on how it was made
    assert _numbers(plain) == _numbers(called)


def _numbers(html: str) -> list[str]:
    """Return the numbers that readers see, those of drawings left out."""
    body = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", html, flags=re.DOTALL)
    return re.findall(r"\d[\d,.]*", body)


def test_a_backtest_names_the_currency_of_the_rest(parts: Any, tmp_path: Path) -> None:
    called = page(tmp_path, **parts | {"backtest": named(parts["backtest"], "EUR")})
    assert NAMELESS not in called
    assert "EUR; " in called  # beside the ledger's total


def test_markdown_takes_a_name_for_text(parts: Any, tmp_path: Path) -> None:
    text = report(tmp_path / "q3.md", **parts, currency=NAME).read_text(encoding="utf-8")
    assert NAMELESS not in text
    assert "<b>" not in text
    assert text.count(r"&lt;b&gt;&amp;\|\$\[x\]\_") > 10
    for path in (tmp_path / "q3_figures").iterdir():
        assert NAMELESS not in path.read_text(encoding="utf-8")
        ElementTree.parse(path)


def test_a_forecast_alone_is_told_the_name(future: Forecast, tmp_path: Path) -> None:
    html = page(tmp_path, forecast=future, currency="EUR")
    assert NAMELESS not in html
    assert "Expected value, EUR" in html
    assert ">EUR a week<" in html


def test_money_alone_names_its_currency(ledger: Ledger, tmp_path: Path) -> None:
    class Named(dict[str, pd.DataFrame]):
        currency = "EUR"

    html = page(tmp_path, value=Named(MONEY))
    assert NAMELESS not in html
    assert "clv, EUR" in html
    with pytest.raises(UsageError, match="called 'GBP', 'EUR'"):
        report(tmp_path / "r.html", ledger=replace(ledger, currency="GBP"), value=Named(MONEY))


def test_two_names_on_one_page_are_refused(ledger: Ledger, small: Backtest, tmp_path: Path) -> None:
    pounds, euros = replace(ledger, currency="GBP"), named(small, "EUR")
    with pytest.raises(UsageError, match="called 'GBP', 'EUR'"):
        report(tmp_path / "r.html", ledger=pounds, backtest=euros)
    with pytest.raises(UsageError, match="called 'EUR', 'GBP'"):
        report(tmp_path / "r.html", ledger=pounds, currency="EUR")
    with pytest.raises(UsageError, match="1 to 12 signs"):
        report(tmp_path / "r.html", ledger=ledger, currency="\n")
    assert not list(tmp_path.iterdir())


def test_plots_name_it_on_their_axes(ledger: Ledger, future: Forecast, small: Backtest) -> None:
    pounds, euros = replace(ledger, currency="GBP"), named(small, "EUR")
    (model,) = small.models
    past = replace(future, cutoff=small.origins[0])
    value = {"target": "value"}
    assert [
        forecast_periods(future, pounds, **value, ax=_ax()).get_ylabel(),
        forecast_periods(future, currency="CHF", **value, ax=_ax()).get_ylabel(),
        forecast_periods(future, pounds, ax=_ax()).get_ylabel(),
        conditional_expectation(past, pounds, **value, ax=_ax()).get_ylabel(),
        tracking(euros, model, **value, ax=_ax()).get_ylabel(),
        tracking_cumulative(euros, model, **value, ax=_ax()).get_ylabel(),
        decile_calibration(euros, model, **value, ax=_ax()).get_ylabel(),
        profit_curve(euros, model, contact_cost=1.0, ax=_ax()).get_ylabel(),
        payback_curves(MONEY["Curve"], currency="EUR", ax=_ax()).get_ylabel(),
        tornado(MONEY["Levers"], currency="EUR", ax=_ax()).get_xlabel(),
    ] == [
        "GBP a week", "CHF a week", "purchases a week", "GBP a customer", "EUR a week",
        "EUR, cumulative", "EUR a customer", "EUR a customer", "EUR, cumulative",
        "Change of measure over the horizon, EUR",
    ]  # fmt: skip


def _ax() -> Any:
    return Figure().add_subplot()
