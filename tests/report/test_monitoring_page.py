"""The page on past runs: verdict first, every number with its unit, nothing run as HTML."""

import math
import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.errors import FileError
from forecast.report.monitoring_page import monitoring_page
from forecast.report.monitoring_plots import bias_by_run

RUN = {"horizon": "13W", "population": "existing", "model": "btyd", "fitted": date(2024, 1, 1)}


def runs() -> pd.DataFrame:
    common = {
        "target": "purchases", "customers": 1200, "missing": 3, "forecast": 1250.0,
        "p_value": 0.01, "in_interval": False, "standard_error": 40.0, "shared_error": 10.0,
        "rmse": 0.9, "rmse_over_zero": 0.8, "rmse_over_own_rate": 0.7, "coverage": 0.95,
        "above": 0.04, "below": 0.01,
    }  # fmt: skip
    rows = [
        (date(2024, 1, 1), 1000.0, 0.25, 0.1, 0.4),
        (date(2024, 2, 1), 0.0, math.inf, math.inf, math.inf),
    ]
    columns = ["cutoff", "actual", "bias", "bias_lo_90", "bias_hi_90"]
    table = pd.DataFrame(rows, columns=columns).assign(**RUN, **common)
    return table.assign(run_id=["<b>one</b>", "two"], window_last=date(2024, 6, 1))


def tables(**other: pd.DataFrame) -> dict[str, pd.DataFrame]:
    table = runs()
    total = {"horizon": "13W", "population": "existing", "target": "purchases", "runs": 2}
    fresh = {
        "last_day": date(2024, 6, 1), "days_since": 1, "longest_gap": 3, "stale": False,
        "unusual": False, "last_week": 70, "usual_week": 75.0, "week_p_value": 0.3,
        "dropped": False,
    }  # fmt: skip
    inputs = {
        "feature": "frequency", "reference_n": 500, "newest_n": 600, "bins": 4, "psi": 0.31,
        "noise_999": 0.05, "band": "large", "judged": True, "drifted": True,
    }  # fmt: skip
    parameter = {
        "name": "purchases.r", "reference": 0.5, "newest": 0.8, "change": 0.6, "z": 5.0,
        "p_value": 1e-6, "trend": 0.3, "drifted": True,
    }  # fmt: skip
    past = {
        "run_id": "two", "horizon": "13W", "cutoff": date(2024, 2, 1), "changed": True,
        "customers": 1200, "missing": 3, "altered": 2, "added": 1, "purchases_more": -4,
        "share": 0.005,
    }  # fmt: skip
    under_way = {
        "run_id": "two", "horizon": "26W", "target": "purchases", "cutoff": date(2024, 5, 9),
        "through": date(2024, 5, 30), "periods": 3, "of": 26, "forecast": 90.0, "actual": 100.0,
        "bias": -0.1, "lo_90": 80.0, "hi_90": 120.0,
    }  # fmt: skip
    groups = table.assign(by="cohort", group="2024-01", p_adjusted=0.2)
    found = {
        "totals": pd.DataFrame([total | {"bias": 0.25, "standard_error": 0.04, "p_value": 1e-5}]),
        "runs": table, "groups": groups, "running": pd.DataFrame([under_way]),
        "inputs": pd.DataFrame([inputs]), "parameters": pd.DataFrame([parameter]),
        "restated": pd.DataFrame([past]), "freshness": pd.DataFrame([fresh]),
    }  # fmt: skip
    return found | other


def page(folder: Path, name: str = "page.html", **other: Any) -> str:
    settings: dict[str, Any] = {
        "verdict": "refit", "reasons": ("Stale.", "Total purchases 25 % too high."),
        "data_problems": ("Stale.",), "advice": "Mend the log.", "tables": tables(),
        "job": "weekly",
        "cutoff": date(2024, 6, 1),
    }  # fmt: skip
    path = monitoring_page(folder / name, **(settings | other))
    return path.read_text(encoding="utf-8")


def test_verdict_comes_first_and_data_before_all(tmp_path: Path) -> None:
    text = page(tmp_path)
    order = ["Have the forecasts of weekly held?", "<dt>Verdict</dt>", "<strong>Refit</strong>",
             "Know before use", "Stale.", "Total purchases 25", "Matured runs</h2>",
             "Runs under way</h2>", "Inputs</h2>", "Parameters</h2>", "Data</h2>"]  # fmt: skip
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert text.count("Stale.") == 1
    assert text.index("</dl>") < text.index("Mend the log.") < text.index("Know before use")
    assert text.count("<svg") == 1


def test_it_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "<b>one" not in text
    assert "&lt;b&gt;one" in text
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)
    assert text == page(tmp_path, "again.html")


def test_numbers_are_those_of_the_tables(tmp_path: Path) -> None:
    text = page(tmp_path).replace("\u00a0", " ")
    for shown in ("+25.0 %", "1,250", "0.310", "0.0500", "+60.0 %", "95.0 %", "3 </td>", "5.00"):
        assert shown.replace(" </td>", "</td>") in text, shown
    assert "∞" in text
    for cutoff in ("2024-01-01", "2024-02-01", "2024-05-09"):
        assert f'<td class="n">{cutoff}</td>' in text


def test_empty_parts_say_why(tmp_path: Path) -> None:
    found = tables()
    empty = {name: found[name].iloc[:0] for name in found if name != "freshness"}
    text = page(
        tmp_path, verdict="too early to say", reasons=(), data_problems=(),
        tables=found | empty,
    )  # fmt: skip
    for said in ("No window of a run is over yet", "No run is under way", "no earlier one",
                 "No two runs have parameters", "saw the past as it is today"):  # fmt: skip
        assert said in text
    assert "<svg" not in text


def test_days_are_counted_up_to_the_review(tmp_path: Path) -> None:
    found = tables()
    assert "1 June 2024, 1 day before 2 June 2024; in the year up to it the longest gap was 3 " in (
        page(tmp_path)
    )
    old = found["freshness"].assign(days_since=510)
    text = page(tmp_path, tables=found | {"freshness": old})
    assert "The last purchase was on 1 June 2024, 510 days before 24 October 2025" in text


def test_markdown_too(tmp_path: Path) -> None:
    text = page(tmp_path, "page.md")
    assert text.startswith("# Have the forecasts of weekly held?")
    assert len(list((tmp_path / "page_figures").iterdir())) == 1


def test_amounts_are_called_by_their_currency(tmp_path: Path) -> None:
    plain, named = page(tmp_path), page(tmp_path, "named.html", currency="<GBP>")
    assert plain.replace("currency units", "&lt;GBP&gt;") == named != plain


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Create it first"):
        page(tmp_path, "no/page.html")


def test_a_bias_without_end_is_an_arrow() -> None:
    ax = Figure().add_subplot()
    assert bias_by_run(runs(), target="purchases", ax=ax) is ax
    dots, arrows = ax.get_lines()[:2]
    assert dots.get_ydata().tolist() == [25.0]
    assert arrows.get_ydata().tolist() == [300.0]
    assert ax.get_title(loc="left") == "Bias in total purchases, 13W"
