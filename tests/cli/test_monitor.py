"""``ltv monitor``: its exit codes, its streams, its folder."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import forecast as fc
from forecast.jobs.job_file.configuration import Job
from forecast.jobs.monitoring.run_history import record_run

Run = Callable[..., Any]
CUTOFF = "2023-06-30"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a history, a log in which nothing changed, and one that lost a third."""
    folder = tmp_path_factory.mktemp("monitor")
    orders = fc.simulate_shop(
        400, seed=1, days=640, season=None, channels=(), refunds=0.0
    ).orders[["customer_id", "date", "amount"]]  # fmt: skip
    late = (pd.to_datetime(orders["date"]) > CUTOFF) & orders.duplicated("customer_id")
    orders.to_csv(folder / "clean.csv", index=False)
    orders[~late | (pd.Series(range(len(orders)), orders.index) % 3 > 0)].to_csv(
        folder / "fewer.csv", index=False
    )
    past = fc.read_ledger(orders, key=()).cut(CUTOFF)
    made = fc.BTYD().fit(past).forecast("13W", draws=80)
    record_run(
        folder / "history.duckdb", run_id="=1+1", job_name="weekly", forecast=made, ledger=past
    )
    return folder


def watched(ltv: Run, place: Path, log: str, *more: Any) -> Any:
    last = pd.read_csv(place / log)["date"].max()[:10]
    return ltv("monitor", place / "history.duckdb", place / log, "--no-key", "--as-of", last, *more)


def test_keep_ends_with_0(ltv: Run, place: Path) -> None:
    ended = watched(ltv, place, "clean.csv")
    assert ended.code == 0, ended.err
    first, *others = ended.out.splitlines()
    assert re.fullmatch(
        r"Keep\. One matured run over 13W: total purchases \d+ % too (high|low), which .*\. "
        "Keep the model: past forecasts have held, and nothing needs to be done\\.",
        first,
    )
    assert "purchases over 13W" in "".join(others)
    assert "total purchases" not in ended.err  # said once
    assert ", 1 run\n" in ended.out
    assert "error:" not in ended.err


def test_refit_ends_with_4(ltv: Run, place: Path) -> None:
    ended = watched(ltv, place, "fewer.csv")
    assert ended.code == 4
    first = ended.out.splitlines()[0]
    assert first.startswith("Refit. One matured run over 13W: total purchases")
    assert "beyond chance and beyond 20 %. Fit the model anew before its forecasts" in first
    assert "error: Refit. One matured run over 13W: total purchases" in ended.err
    assert watched(ltv, place, "fewer.csv", "--max-bias", "9").code == 0


def test_stale_data_end_with_3(ltv: Run, place: Path) -> None:
    log = place / "clean.csv"
    ended = ltv("monitor", place / "history.duckdb", log, "--no-key", "--as-of", "2023-12-01")
    assert ended.code == 3
    assert "error: The data need a look before the model does: No purchase for" in ended.err
    assert ended.out.startswith("Watch. No purchase for ")
    assert "Mend the data first" in ended.out.splitlines()[0]
    # by default today is today, unless the cutoff is given
    assert ltv("monitor", place / "history.duckdb", log, "--no-key").code == 3
    last = pd.read_csv(log)["date"].max()[:10]
    assert ltv("monitor", place / "history.duckdb", log, "--no-key", "--cutoff", last).code == 0


def test_json_is_one_object_on_stdout(ltv: Run, place: Path) -> None:
    ended = watched(ltv, place, "fewer.csv", "--json")
    assert ended.code == 4
    found = json.loads(ended.out)
    assert (found["verdict"], found["exit_code"], found["job"]) == ("refit", 4, "weekly")
    assert found["totals"][0]["bias"] > 0.2
    assert found["totals"][0]["runs"] == 1


def test_folder_is_whole_and_its_text_runs_nothing(ltv: Run, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = watched(ltv, place, "clean.csv", "--out", out)
    assert ended.code == 0, ended.err
    assert ended.out.rstrip().endswith("report.html")
    names = ["totals", "runs", "groups", "running", "inputs", "parameters", "restated"]
    expected = {f"{name}.csv" for name in (*names, "freshness")}
    assert {each.name for each in out.iterdir()} == expected | {
        "report.html", "monitoring.json", "manifest.json"
    }  # fmt: skip
    assert pd.read_csv(out / "runs.csv")["run_id"].tolist() == ["'=1+1"] * 2
    assert json.loads((out / "monitoring.json").read_text())["verdict"] == "keep"
    assert watched(ltv, place, "clean.csv", "--out", out).code == 5
    assert watched(ltv, place, "clean.csv", "--out", out, "--overwrite").code == 0


def test_what_cannot_be_read_is_named(ltv: Run, place: Path, tmp_path: Path) -> None:
    history, log = place / "history.duckdb", place / "clean.csv"
    assert ltv("monitor", tmp_path / "none.duckdb", log).code == 6
    ended = ltv("monitor", history)
    assert ended.code == 2
    assert "Name the purchases too" in ended.err
    ended = watched(ltv, place, "clean.csv", "--job", "nightly")
    assert ended.code == 2
    assert "--job: the history holds no run of 'nightly'" in ended.err
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    assert ltv("monitor", tmp_path / "shop.duckdb", log).code == 3


JOB = """
name = "weekly"
cutoff = 2023-09-30
[source]
path = "{log}"
[columns]
customer = "customer_id"
date = "date"
value = "amount"
[forecast]
horizons = ["13W"]
[outputs]
folder = "out"
[monitoring]
history = "history.duckdb"
max_bias = {bias}
"""


def test_a_job_file_names_both(ltv: Run, place: Path) -> None:
    job = place / "job.toml"
    job.write_text(JOB.format(log="fewer.csv", bias=0.2))
    assert ltv("monitor", job).code == 4
    assert ltv("monitor", job, "--max-bias", "9").code == 0
    job.write_text(JOB.format(log="fewer.csv", bias=0.95))
    assert ltv("monitor", job).code == 0
    ended = ltv("monitor", job, place / "clean.csv")
    assert ended.code == 2
    assert "leave it out" in ended.err
    job.write_text(JOB.split("[monitoring]")[0].format(log="fewer.csv"))
    ended = ltv("monitor", job)
    assert ended.code == 2
    assert "keeps no history" in ended.err
    assert '[monitoring] and then history = "history.duckdb"' in ended.err


def test_a_job_is_reviewed_on_the_day_it_is_where_the_shop_is(
    ltv: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = place / "job.toml"
    job.write_text(JOB.replace("cutoff", "#").format(log="clean.csv", bias=0.2))
    ended = ltv("monitor", job, "--as-of", "2023-09-01")
    assert ended.code == 3
    assert "today is 2023-09-01" in ended.err
    monkeypatch.setattr(Job, "today", lambda _: date(2023, 9, 2))
    assert "today is 2023-09-02" in ltv("monitor", job).err


def test_a_pinned_cutoff_can_be_reviewed_as_of_a_day_before_the_log_ends(
    ltv: Run, place: Path
) -> None:
    job = place / "job.toml"
    job.write_text(JOB.format(log="clean.csv", bias=0.2))
    ended = ltv("monitor", job, "--as-of", "2023-10-01")
    assert "future" not in ended.err
    assert ended.code == 0
