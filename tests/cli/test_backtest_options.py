"""The options of ``ltv backtest`` on histories, other tools' predictions and going on."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.backtest import Backtest
from forecast.ledger import read_ledger

Run = Callable[..., Any]
TEST = ("--horizon", "4W", "--draws", "0", "--models", "cohort_curve", "own_rate")


@pytest.mark.usefixtures("no_page")
def test_every_option_reaches_the_backtest(ltv: Run, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = ltv(
        *("backtest", shop, *TEST, "--out", out, "--origins", 4, "--step", "4W"),
        *("--history", "26W", "--gap", "1W", "--min-history", "8W", "--burn-in", "2W"),
        *("--refit", 2, "--untouched", 1, "--workers", 1),
    )
    assert ended.code == 0, ended.err
    assert "The last 1 origins are kept apart" in ended.err
    assert "3 origins" in ended.out
    found = Backtest.load(out / "backtest")
    asked = {name: found.settings[name] for name in ("history", "gap", "min_history", "burn_in")}
    assert asked == {"history": "26W", "gap": "1W", "min_history": "8W", "burn_in": "2W"}
    assert (found.settings["refit"], len(found.untouched)) == (2, 1)
    board = pd.read_csv(out / "leaderboard_purchases.csv", index_col=0)
    assert board.loc["own_rate", "origins"] == 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["history"], manifest["untouched"], manifest["predictions"]) == ("26W", 1, [])


def test_predictions_of_another_tool(ltv: Run, shop: Path, tmp_path: Path) -> None:
    ledger = read_ledger(str(shop))
    last = pd.Timestamp(ledger.cutoff) - pd.Timedelta(weeks=4)
    ids = ledger.cut(last).purchases()["customer_id"].unique()
    sheet = pd.DataFrame({"Id": ids, "CET": 0.5, "cutoff": str(last.date())})
    sheet.to_csv(tmp_path / "tool.csv", index=False)
    road = ("backtest", shop, *TEST, "--origins", 1, "--predictions", tmp_path / "tool.csv")
    ended = ltv(*road, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "tool" in Backtest.load(tmp_path / "out" / "backtest").leaderboard().index
    assert "tool" in ended.out
    sheet.to_csv(tmp_path / "own_rate.csv", index=False)
    ended = ltv(*road, tmp_path / "own_rate.csv", "--out", tmp_path / "other")
    assert ended.code == 2
    assert "differ from each other and from models'" in " ".join(ended.err.split())
    ended = ltv(*road[:-1], tmp_path / "none.csv", "--out", tmp_path / "other")
    assert ended.code == 6


@pytest.mark.usefixtures("no_page")
def test_customers_without_a_prediction_of_another_tool(
    ltv: Run, shop: Path, tmp_path: Path
) -> None:
    ledger = read_ledger(str(shop))
    last = pd.Timestamp(ledger.cutoff) - pd.Timedelta(weeks=4)
    ids = ledger.cut(last).purchases()["customer_id"].unique()[3:]
    sheet = pd.DataFrame({"Id": ids, "CET": 0.5, "cutoff": str(last.date())})
    sheet.to_csv(tmp_path / "tool.csv", index=False)
    road = ("backtest", shop, *TEST, "--origins", 1, "--predictions", tmp_path / "tool.csv")
    ended = ltv(*road, "--out", tmp_path / "failed")
    assert ended.code == 0, ended.err
    assert "have no prediction" in " ".join(ended.err.split())
    ended = ltv(*road, "--fill", 0, "--out", tmp_path / "filled")
    assert ended.code == 0, ended.err
    found = Backtest.load(tmp_path / "filled" / "backtest")
    row = found.runs[(found.runs["model"] == "tool") & (found.runs["population"] == "existing")]
    assert row["status"].tolist() == ["ok"]
    assert "3 customers without a prediction are taken as 0.0" in row["notes"].iloc[0]
    ended = ltv("backtest", shop, *TEST, "--fill", 0, "--out", tmp_path / "none")
    assert ended.code == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--refit", "0"), ("--refit", "often"), ("--history", "52"), ("--gap", "2024-01-01"),
     ("--workers", "0"), ("--untouched", "-1")],
)  # fmt: skip
def test_odd_options_are_refused(
    option: str, value: str, ltv: Run, shop: Path, tmp_path: Path
) -> None:
    ended = ltv("backtest", shop, *TEST, "--out", tmp_path / "out", option, value)
    assert ended.code == 2, ended.err
    assert option in ended.err
    assert list(tmp_path.iterdir()) == []


STOPPED = """
import sys, time
from forecast.models import CohortCurve, OwnRate
def wait(self, ledger):
    print("here", flush=True)
    time.sleep(60)
{model}.fit = wait
from forecast.cli import main
main(sys.argv[1:])
"""


def start(shop: Path, folder: Path, *, model: str) -> "subprocess.Popen[str]":
    road = ["backtest", str(shop), *TEST, "--origins", "1", "--out", "out", "--resume"]
    return subprocess.Popen(
        [sys.executable, "-c", STOPPED.format(model=model), *road],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def stop(going: "subprocess.Popen[str]") -> str:
    assert going.stdout is not None
    assert going.stdout.readline() == "here\n"
    going.send_signal(signal.SIGINT)
    _, err = going.communicate(timeout=20)
    assert going.returncode == 130
    return err.splitlines()[-1]


@pytest.mark.usefixtures("no_page")
def test_an_interrupted_run_goes_on(ltv: Run, shop: Path, tmp_path: Path, monkeypatch: Any) -> None:
    said = stop(start(shop, tmp_path, model="OwnRate"))
    assert said == (
        "error: Stopped. 1 finished trials are kept in out.unfinished; the same command goes on "
        "from there."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out.unfinished"]
    monkeypatch.chdir(tmp_path)
    kept = next((tmp_path / "out.unfinished").rglob("01-cohort-curve.parquet"))
    kept.touch()
    made = kept.stat().st_mtime_ns
    road = ("backtest", shop, *TEST, "--origins", 1)
    ended = ltv(*road, "--out", "out", "--seed", 5, "--resume")
    assert ended.code == 5
    assert "asked otherwise: seed (0 there, 5 now)" in " ".join(ended.err.split())
    assert kept.stat().st_mtime_ns == made
    ended = ltv(*road, "--out", "out", "--resume")
    assert ended.code == 0, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    ended = ltv(*road, "--out", "plain")
    one, two = (Backtest.load(Path(name) / "backtest") for name in ("out", "plain"))
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)


@pytest.mark.slow
def test_nothing_is_kept_of_nothing(shop: Path, tmp_path: Path) -> None:
    said = stop(start(shop, tmp_path, model="CohortCurve"))
    assert said == "error: Stopped. Nothing unfinished is left behind."
    assert list(tmp_path.iterdir()) == []
