"""The page stands alone, is escaped, is the same twice, and takes any part left out."""

import dataclasses
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import Backtest
from forecast.errors import FileError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report import report

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, future: Forecast, tested: Backtest
) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    money = {"Value of segments": pd.DataFrame({"segment": ["a & b"], "clv": [1234.5]})}
    got = report(path, ledger=ledger, forecast=future, backtest=tested, value=money)
    assert got == path
    assert os.listdir(path.parent) == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_it_loads_nothing_from_anywhere(whole: str) -> None:
    page = Page(whole)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert (attributes.get(name) or "#").startswith("#")
    assert re.findall(r"url\((?!#)", whole) == []
    assert "@import" not in whole
    assert "http://" not in whole
    assert "https://" not in whole
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(name for name, _ in page.tags)
    policy = page.named("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_names_are_text_and_never_markup(whole: str, evil: str) -> None:
    assert evil not in whole
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in whole
    assert evil in Page(whole).text
    assert "a &amp; b" in whole
    assert "series $x_1$" in whole


def test_every_identifier_is_unique_and_every_reference_is_met(whole: str) -> None:
    page = Page(whole)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    asked = set(re.findall(r"url\(#([\w.-]+)\)", whole))
    for _, attributes in page.tags:
        asked |= {(attributes.get("href") or "#")[1:]} - {""}
        asked |= set((attributes.get("aria-labelledby") or "").split())
    assert asked <= set(names)
    assert len(asked) > 20


def test_it_reads_in_order_and_aloud(whole: str) -> None:
    page = Page(whole)
    assert [each["id"] for each in page.named("section")] == [
        *("verdict", "data", "checks", "forecast", "backtest", "models", "targeting", "value"),
        *("assumptions", "manifest"),
    ]
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert len(page.named("caption")) == len(page.named("table")) > 8
    assert all(each.get("scope") in ("col", "row") for each in page.named("th"))
    drawings = page.named("svg")
    assert len(drawings) == 31
    assert all(each["role"] == "img" for each in drawings)
    assert len(page.named("figcaption")) == len(drawings)
    assert page.named("html")[0]["lang"] == "en"


def test_light_dark_and_paper(whole: str) -> None:
    assert "prefers-color-scheme: dark" in whole
    assert "@media print" in whole
    drawings = "".join(re.findall(r"<svg.*?</svg>", whole, flags=re.DOTALL))
    assert re.findall(r"(?:fill|stroke): ?#\w+", drawings) == []  # colours are the page's
    assert "var(--blue)" in drawings


def test_it_says_what_matters(whole: str, future: Forecast, tested: Backtest) -> None:
    text = Page(whole).text
    verdict = text[text.index("Verdict Expected") : text.index("The data Days seen")]
    assert "80 customers seen by the cutoff are expected to make" in verdict
    assert "90 % interval" in verdict
    assert "Tested on purchases over 8 weeks after each of 4 past cutoffs" in verdict
    assert "Models that failed, by name: late (1 of 4 cutoffs)" in verdict
    assert "Too little history for" in text
    assert "Every customer keeps the own rate." in text
    assert "Lower is better" in text or "lower is better" in text
    assert tested.settings["ledger_hash"] in text
    assert np.__version__ in text
    total = future.interval(0.9).loc["purchases", "expected"]
    assert f"{float(f'{total:.2e}'):,.0f}" in verdict


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, whole: str, ledger: Ledger, future: Forecast, tested: Backtest
) -> None:
    money = {"Value of segments": pd.DataFrame({"segment": ["a & b"], "clv": [1234.5]})}
    path = tmp_path / "report.html"
    path.write_text("an older one", encoding="utf-8")
    report(path, ledger=ledger, forecast=future, backtest=tested, value=money)
    assert path.read_bytes() == whole.encode()
    assert len(whole.encode()) < 600_000


@pytest.mark.parametrize("parts", [("ledger",), ("future",), ("tested",), ("future", "tested")])
def test_parts_may_be_left_out(
    tmp_path: Path, request: pytest.FixtureRequest, parts: tuple[str, ...]
) -> None:
    names = {"ledger": "ledger", "future": "forecast", "tested": "backtest"}
    given = {names[part]: request.getfixturevalue(part) for part in parts}
    page = Page(report(tmp_path / "r.html", **given, title="<Q3>").read_text(encoding="utf-8"))
    found = [each["id"] for each in page.named("section")]
    middle = ["checks"]
    if "ledger" in parts:
        middle = ["data", "checks"]
    if "future" in parts:
        middle.append("forecast")
    if "tested" in parts:
        middle += ["backtest", "models", "targeting"]
    if parts != ("ledger",):
        middle.append("assumptions")
    assert found == ["verdict", *middle, "manifest"]
    assert "<Q3>" in page.text
    if parts == ("future",):
        assert "No backtest is part of this report" in page.text


def test_a_forecast_without_draws_adds_no_quantiles(tmp_path: Path, future: Forecast) -> None:
    bare = dataclasses.replace(future, sampler=None)
    page = Page(report(tmp_path / "r.html", forecast=bare).read_text(encoding="utf-8"))
    assert "totals have no interval" in page.text
    assert "no interval" in page.text
    row = re.search(r"Purchases [\d,]+ (\S+) (\S+) Value", page.text)
    assert row is not None
    assert row.groups() == ("\u2013", "\u2013")
    assert re.search(r"c\d{3} [<>\d][^a-z]*\d+ to \d+", page.text)  # bounds of customers remain


def test_nothing_to_report_and_nowhere_to_write(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="give a ledger"):
        report(tmp_path / "r.html")
    with pytest.raises(FileError, match="does not exist"):
        report(tmp_path / "missing" / "r.html", ledger=ledger)
    with pytest.raises(FileError, match="is a folder"):
        report(tmp_path, ledger=ledger)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.html"
    path.write_text("old", encoding="utf-8")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        report(path, ledger=ledger)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["r.html"]
