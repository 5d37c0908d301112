"""``ltv init``: a job file is written once, and runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.jobs.job_file.configuration import read_job


def test_ltv_init_writes_a_job_once(ltv: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("customer|date|amount\n")
    out = tmp_path / "job.toml"
    ended = ltv("init", tmp_path / "orders.csv", "--delimiter", "|", "--out", out)
    assert (ended.code, ended.err) == (0, "")
    assert "--dry-run" in ended.out
    assert read_job(out).source.delimiter == "|"
    before = out.read_bytes()
    ended = ltv("init", tmp_path / "orders.csv", "--delimiter", "|", "--out", out)
    assert ended.code == 5
    assert "exists already" in ended.err
    assert out.read_bytes() == before
    ended = ltv("init", tmp_path / "orders.csv", "--out", tmp_path / "other.toml")
    assert ended.code == 3
    assert "--delimiter" in ended.err
    assert ltv("init", tmp_path / "orders.csv", "--out", tmp_path / "no" / "job.toml").code == 6
    assert sorted(each.name for each in tmp_path.iterdir()) == ["job.toml", "orders.csv"]


def test_what_init_writes_runs(ltv: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(shop.read_bytes())
    job = tmp_path / "job.toml"
    assert ltv("init", tmp_path / "orders.csv", "--key", "order_id", "--out", job).code == 0
    text = job.read_text().replace('"ensemble"', '"own_rate"').replace('"26W"', '"8W"')
    job.write_text(text.replace("draws = 500", "draws = 50"))
    ended = ltv("run", job, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "own_rate, anew" in ended.out
    assert not (tmp_path / "results").exists()
    ended = ltv("run", job)
    assert ended.code == 0, ended.err
    assert len(list(tmp_path.glob("results/*/_SUCCESS"))) == 1
    last = pd.read_csv(shop)["date"].max()[:10]
    ended = ltv("monitor", job, "--as-of", last)
    assert ended.code == 0, ended.err
    assert "Too early to say" in ended.out


def test_json_logs_end_with_the_outcome(
    ltv: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_bytes(shop.read_bytes())
    job = tmp_path / "job.toml"
    assert ltv("init", tmp_path / "orders.csv", "--out", job).code == 0
    ended = ltv("run", job, "--json", "--dry-run")
    assert json.loads(ended.err.splitlines()[-1])["code"] == 0
    job.write_text(job.read_text().replace('"customer_id"', '"client"'))
    ended = ltv("run", job, "--json", "--dry-run")
    last = json.loads(ended.err.splitlines()[-1])
    assert (ended.code, last["code"], last["message"]) == (3, 3, "column")
    job.write_text("seed = 1")
    ended = ltv("run", job, "--json")
    last = json.loads(ended.err.splitlines()[-1])
    assert (ended.code, last["code"], last["message"]) == (2, 2, "usage")
