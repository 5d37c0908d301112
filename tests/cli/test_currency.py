"""``--currency``: every command says the name, later ones learn it, and no number knows of it."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.jobs.job_file.configuration import read_job

Run = Callable[..., Any]
NAME = "[b]&<G>"
NAMELESS = "currency units"
QUICK = ("--horizon", "8W", "--draws", "20")
MODELS = ("--models", "btyd", "own_rate", "--origins", "2")
TERMS = ("--margin", "0.4")


def commands(store: Path) -> dict[str, tuple[Any, ...]]:
    log, spend = store / "orders.csv", ("--spend", store / "spend.csv")
    return {
        "forecast": ("forecast", log, *QUICK, "--model", "btyd"),
        "backtest": ("backtest", log, *QUICK, *MODELS),
        "value": ("value", log, *QUICK, *TERMS, *spend),
        "segments": ("segments", log, *QUICK),
        "scenario": ("scenario", log, *QUICK, *TERMS, *spend, "--scenario", "retention=1.1"),
    }


@pytest.mark.parametrize("command", ["forecast", "backtest", "value", "segments", "scenario"])
def test_the_name_is_shown_and_no_number_changes(
    ltv: Run, store: Path, tmp_path: Path, command: str
) -> None:
    asked = (*commands(store)[command], "--no-key")
    plain, named = tmp_path / "plain", tmp_path / "named"
    before = ltv(*asked, "--out", plain)
    after = ltv(*asked, "--currency", NAME, "--out", named)
    assert (before.code, after.code) == (0, 0), after.err
    if command != "segments":  # which prints shares alone
        assert NAME in after.out.replace("\n", " ")
    for told in (after.out, unescape((named / "report.html").read_text(encoding="utf-8"))):
        assert NAMELESS not in told
    assert NAME in unescape((named / "report.html").read_text(encoding="utf-8"))
    assert NAME not in (named / "report.html").read_text(encoding="utf-8")
    _same_files(plain, named)
    assert json.loads((named / "manifest.json").read_text())["reading"]["currency"] == NAME
    page = (named / "report.html").read_bytes()
    assert ltv("report", named).code == 0  # learned from the folder
    assert (named / "report.html").read_bytes() == page


def _same_files(plain: Path, named: Path) -> None:
    """Compare what others read: every table beside the page, but seconds."""
    files = sorted(path.name for path in plain.iterdir() if path.suffix in (".csv", ".parquet"))
    assert files
    for file in files:
        read = pd.read_csv if file.endswith("csv") else pd.read_parquet
        first, second = (
            read(folder / file).drop(columns="seconds", errors="ignore")
            for folder in (plain, named)
        )
        pd.testing.assert_frame_equal(first, second)


def test_the_audit_says_it_in_its_title(ltv: Run, store: Path) -> None:
    ended = ltv("audit", store / "orders.csv", "--no-key", "--currency", NAME)
    assert ended.code == 0, ended.err
    assert f"amounts in {NAME}" in ended.out.splitlines()[0]


def test_a_proof_of_another_currency_is_refused_and_one_with_a_name_tells_it(
    ltv: Run, store: Path, tmp_path: Path
) -> None:
    asked = commands(store)
    proof, out = tmp_path / "proof", tmp_path / "out"
    assert ltv(*asked["backtest"], "--no-key", "--currency", "EUR", "--out", proof).code == 0
    shown = (*asked["forecast"], "--no-key", "--backtest", proof, "--out", out)
    ended = ltv(*shown, "--currency", "GBP")
    assert ended.code == 2
    assert "called 'GBP', 'EUR'" in ended.err
    assert not out.exists()
    ended = ltv(*shown)
    assert ended.code == 0, ended.err
    assert " EUR\n" in ended.out
    page = (out / "report.html").read_bytes()
    assert NAMELESS not in page.decode()
    assert ltv("report", out).code == 0
    assert (out / "report.html").read_bytes() == page


def test_a_job_is_told_it_by_its_file(ltv: Run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes((store / "orders.csv").read_bytes())
    job = tmp_path / "job.toml"
    ended = ltv("init", tmp_path / "orders.csv", "--no-key", "--currency", "GBP", "--out", job)
    assert ended.code == 0, ended.err
    assert read_job(job).source.currency == "GBP"
    text = job.read_text().replace('"ensemble"', '"own_rate"').replace('"26W"', '"8W"')
    job.write_text(text.replace("draws = 500", "draws = 20").replace("{cutoff}", "now"))
    assert ltv("run", job).code == 0
    page = tmp_path / "results" / "now" / "report.html"
    assert NAMELESS not in page.read_text(encoding="utf-8")
    assert "Expected value, GBP" in page.read_text(encoding="utf-8")
    page.unlink()
    assert ltv("report", page.parent).code == 0  # whose folder keeps neither ledger nor backtest
    assert NAMELESS not in page.read_text(encoding="utf-8")
    last = pd.read_csv(tmp_path / "orders.csv")["date"].max()[:10]
    assert ltv("monitor", job, "--as-of", last, "--currency", "EUR").code == 2  # the file says it
    out = tmp_path / "monitoring"
    assert ltv("monitor", job, "--as-of", last, "--out", out).code == 0


@pytest.mark.parametrize("name", ["", " GBP", "G\nBP", "x" * 13])
def test_other_names_are_refused_before_the_log_is_read(ltv: Run, store: Path, name: str) -> None:
    ended = ltv("audit", store / "orders.csv", "--currency", name)
    assert ended.code == 2
    assert "currency: " in ended.err
    assert "1 to 12 signs" in ended.err
