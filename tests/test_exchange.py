"""Results leave the house whole: Arrow and Polars tables, text, and cards in notebooks."""

from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from forecast.backtest import Backtest, backtest
from forecast.datasets import load_cdnow
from forecast.display import Card
from forecast.errors import UnsupportedError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger, read_ledger, read_summary
from forecast.models import BTYD, CohortCurve, SeasonalSeries, Zero
from forecast.views import customer_summary

VOID = {"br", "meta", "img"}


class Nested(HTMLParser):
    """Reads HTML and fails where a tag is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def whole() -> Ledger:
    log = load_cdnow(sample=True)
    return read_ledger(log, key=())


@pytest.fixture(scope="module")
def cut(whole: Ledger) -> Ledger:
    return whole.cut("1997-09-30")


@pytest.fixture(scope="module")
def found(cut: Ledger) -> Forecast:
    return BTYD().fit(cut).forecast("8W", draws=40)


@pytest.fixture(scope="module")
def total(cut: Ledger) -> Forecast:
    return SeasonalSeries().fit(cut).forecast("8W", population="all", draws=40)


@pytest.fixture(scope="module")
def tested(whole: Ledger) -> Backtest:
    class Broken(Zero):
        def fit(self, ledger):
            raise UnsupportedError("<i>never</i>")

    models = {"<b>curve</b>": CohortCurve(), "broken": Broken()}
    return backtest(whole, models, horizon="8W", origins=2, draws=40)


def test_arrow_and_polars_have_every_number(found: Forecast, tested: Backtest) -> None:
    pl = pytest.importorskip("polars")
    arrow = found.to_arrow()
    pd.testing.assert_frame_equal(
        arrow.to_pandas().set_index("customer_id"), found.customers, check_index_type=False
    )
    assert found.to_arrow("periods").num_rows == len(found.periods) == 8
    assert found.to_polars().equals(pl.from_arrow(arrow))
    assert tested.to_polars().height == len(tested.frame)
    assert tested.to_arrow("runs").column_names == list(tested.runs.columns)


def test_tables_that_are_not_there_are_refused(found: Forecast, total: Forecast) -> None:
    with pytest.raises(UnsupportedError, match="no table 'customers'"):
        total.to_arrow()
    for name in ("sampler", "nothing"):
        with pytest.raises(UnsupportedError, match=f"Forecast has no table '{name}'"):
            found.to_arrow(name)


def test_text(found: Forecast, tested: Backtest, total: Forecast) -> None:
    purchases, value = found.periods[["expected_purchases", "expected_value"]].sum()
    text = repr(found)
    assert text.startswith("Forecast(model: bgnbd + gamma_gamma; population: existing; window: ")
    assert f"expected value: {value:,.0f}" in text
    assert f"expected purchases: {purchases:.3g}" in text
    assert "customers: 2,357" in text
    assert "customers" not in repr(total)
    assert repr(tested).startswith("Backtest(models: 2; horizon: 8W; origins: 2, 1998-")
    for each in (text, repr(tested), repr(total)):
        assert "\n" not in each
        assert len(each) < 300


def test_card_of_a_ledger(cut: Ledger) -> None:
    words = Nested(cut._repr_html_()).words
    value = cut.purchases()["value"].sum()
    for fact in ("1997-01-01", "1997-09-30", "2,357", f"{len(cut.purchases()):,}", f"{value:,.0f}"):
        assert fact in words
    with pytest.warns(UserWarning, match="cutoff"):
        late = read_ledger(cut.purchases(), cutoff="1999-12-31", key=())
    assert "Days without a purchase" in late._repr_html_()
    summary = customer_summary(cut)[["frequency", "recency", "T", "monetary_value"]]
    table = read_summary(summary, unit="days", cutoff="1997-09-30")
    assert "2,357" in Nested(table._repr_html_()).words
    assert "SummaryTable" in table._repr_html_()


def test_cards_name_the_currency(cut: Ledger, tested: Backtest) -> None:
    pounds = replace(cut, currency="<GBP>")
    words = Nested(pounds._repr_html_()).words
    assert f"{cut.purchases()['value'].sum():,.0f} <GBP>" in words
    euros = replace(tested, settings={**tested.settings, "currency": "EUR"})
    captions = [each for each in Nested(euros._repr_html_()).words if "Leaderboard" in each]
    assert [each.partition(" of ")[0] for each in captions] == [
        "Leaderboard: purchases", "Leaderboard: value (EUR)",
    ]  # fmt: skip


def test_card_of_a_forecast(found: Forecast, total: Forecast) -> None:
    words = Nested(found._repr_html_()).words
    interval = found.interval(0.9)
    for name in ("expected", "lo", "hi"):
        assert f"{interval.loc['value', name]:,.0f}" in words
    assert "First of 8 periods" in words
    assert "First of 2,357 customers" in words
    assert found.customers.index[0] in words
    plain = Nested(total._repr_html_()).words
    assert not any("customers" in each for each in plain)
    assert "Total, with its 90 % interval" in plain


def test_a_card_does_not_replay_millions_of_draws(
    found: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.display.QUICK", 1000)
    assert "Total, with" not in found._repr_html_()


def test_card_of_a_backtest_is_escaped(tested: Backtest) -> None:
    html = tested._repr_html_()
    read = Nested(html)
    assert "<b>curve</b>" in "".join(read.words)
    assert {"b", "i", "script"}.isdisjoint(read.seen)
    assert "zero (forecast nothing)" in read.words
    assert f"{tested.leaderboard().iloc[0]['rmse']:.3g}" in read.words


def test_cards_escape_facts_tables_and_remarks() -> None:
    bad = "<script>alert('&')</script>"
    frame = pd.DataFrame({bad: [bad, None]}, index=pd.Index([bad, 2], name=bad))
    html = Card(bad, {bad: bad}, lambda: {bad: frame}, [bad]).html()
    read = Nested(html)
    assert "script" not in read.seen
    # title, fact and its name, caption, head and label of the index, column, cell, remark
    assert read.words.count(bad) == 9
    assert "http" not in html


def test_cards_are_small_and_take_the_colours_of_the_page(
    cut: Ledger, found: Forecast, tested: Backtest
) -> None:
    for each in (cut, found, tested):
        html = each._repr_html_()
        assert len(html) < 8_000
        assert "#" not in html.partition("</style>")[0]  # no colour of its own
        assert "background" not in html
