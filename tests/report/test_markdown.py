"""The same report as Markdown, and its tables as files beside the page."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest

from forecast.backtest import Backtest
from forecast.errors import LockedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report import report


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, future: Forecast, tested: Backtest
) -> Path:
    folder = tmp_path_factory.mktemp("markdown")
    money = {"Cost | value": pd.DataFrame({"what": ["*a*"], "clv": [1234.5]})}
    path = folder / "q3.md"
    got = report(path, ledger=ledger, forecast=future, backtest=tested, value=money, tables="csv")
    assert got == path
    return folder


def test_markdown_says_what_the_page_says(folder: Path, evil: str) -> None:
    text = (folder / "q3.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert titles[:3] == ["Verdict", "The data", "Checks"]
    assert titles[-1] == "Tables as files"
    assert "80 customers seen by the cutoff are expected to make" in text
    assert evil not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Cost \\| value" in text
    assert "\\*a\\*" in text
    page = "\n".join(line for line in text.splitlines() if "model settings" not in line)
    assert not re.search(r"\bnan\b|\bNone\b", page)


def test_every_table_has_one_width(folder: Path) -> None:
    lines = (folder / "q3.md").read_text(encoding="utf-8").splitlines()
    width = 0
    tables = 0
    for line in lines:
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        tables += width == 0
        assert cells == (width or cells)
        width = cells
    assert tables > 10


def test_drawings_lie_beside_and_follow_light_and_dark(folder: Path) -> None:
    text = (folder / "q3.md").read_text(encoding="utf-8")
    named = re.findall(r"^!\[.*\]\((q3_figures/[\w.-]+)\)$", text, flags=re.MULTILINE)
    assert len(named) == len(set(named)) > 20
    assert {folder / each for each in named} == set((folder / "q3_figures").iterdir())
    svg = (folder / named[0]).read_text(encoding="utf-8")
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme:dark" in svg
    asked = set(re.findall(r"var\(--(\w+)\)", svg))
    assert asked <= set(re.findall(r"--(\w+):#", svg))


def test_tables_are_files_with_all_their_numbers(
    folder: Path, future: Forecast, tested: Backtest, evil: str
) -> None:
    files = {path.name for path in (folder / "q3_tables").iterdir()}
    assert {"audit.csv", "checks.csv", "cost_value.csv", "targeting.csv"} <= files
    text = (folder / "q3.md").read_text(encoding="utf-8").replace("\\", "")
    assert all(name in text for name in files)
    board = pd.read_csv(folder / "q3_tables" / "leaderboard_value_existing.csv")
    pd.testing.assert_frame_equal(
        board.set_index("model"), tested.leaderboard("value"), check_dtype=False
    )
    people = pd.read_csv(folder / "q3_tables" / "customers.csv")
    assert len(people) == len(future.customers)  # all of them, not the first alone
    assert people["expected_value"].is_monotonic_decreasing
    assert evil in set(people["customer_id"])


def test_parquet_replaces_csv_and_strangers_stay(tmp_path: Path, future: Forecast) -> None:
    page = tmp_path / "r.html"
    report(page, forecast=future, tables="csv")
    report(page, forecast=future, tables="parquet")
    held = sorted(path.name for path in (tmp_path / "r_tables").iterdir())
    assert held == ["checks.parquet", "customers.parquet", "forecast_periods.parquet"]
    periods = pd.read_parquet(tmp_path / "r_tables" / "forecast_periods.parquet")
    pd.testing.assert_frame_equal(periods, future.periods, check_dtype=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r_tables"]
    mine = tmp_path / "r_tables" / "notes.txt"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(LockedError, match=r"notes\.txt"):
        report(page, forecast=future, tables="csv")
    assert mine.read_text(encoding="utf-8") == "mine"


def test_what_cannot_be_asked(tmp_path: Path, future: Forecast) -> None:
    with pytest.raises(UsageError, match="tables"):
        report(tmp_path / "r.html", forecast=future, tables="xlsx")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="contact_cost"):
        report(tmp_path / "r.html", forecast=future, contact_cost=-1.0)
