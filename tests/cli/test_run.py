"""``ltv run`` and ``ltv verify``: what they say, to whom, and how they end."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
JOB = """
name = "weekly"
[source]
path = "orders.csv"
[columns]
customer = "customer_id"
date = "date"
value = "amount"
key = ["order_id"]
[forecast]
horizons = ["8W"]
model = "own_rate"
draws = 20
[outputs]
folder = "out"
report = false
"""


@pytest.fixture
def job(shop: Path, tmp_path: Path) -> Path:
    shutil.copy(shop, tmp_path / "orders.csv")
    (tmp_path / "job.toml").write_text(JOB)
    return tmp_path / "job.toml"


def test_says_what_it_does_and_names_the_folder_last(ltv: Run, job: Path) -> None:
    ended = ltv("run", job)
    assert ended.code == 0, ended.err
    assert ended.out == f"Results: {job.parent / 'out'}\n"
    assert "forecast 8W: done (model own_rate, population existing, customers 80" in ended.err
    again = ltv("run", job)
    assert again.code == 0
    assert "nothing to do" in again.err
    assert "forecast 8W" not in again.err
    assert ltv("run", job, "--quiet") == (0, "", "")
    ended = ltv("verify", job.parent / "out")
    assert ended.code == 0
    assert "6 files, all as ltv run wrote them, run " in ended.out


def test_names_the_report_where_there_is_one(ltv: Run, job: Path) -> None:
    job.write_text(JOB.replace("report = false", ""))
    ended = ltv("run", job)
    assert ended.code == 0, ended.err
    assert ended.out == f"Report: {job.parent / 'out' / 'report.html'}\n"


def test_json_is_a_line_an_event_and_ends_with_the_exit_code(ltv: Run, job: Path) -> None:
    ended = ltv("run", job, "--json")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert ended.out == ""
    assert (lines[-1]["kind"], lines[-1]["code"]) == ("outcome", 0)
    assert lines[-1]["folder"] == str(job.parent / "out")
    assert {"started", "ended"} <= {each["kind"] for each in lines}
    job.write_text(JOB.replace("8W", "8"))
    ended = ltv("run", job, "--json")
    last = json.loads(ended.err.splitlines()[-1])
    assert (ended.code, last["code"], last["message"]) == (2, 2, "usage")


def test_dry_run_writes_nothing(ltv: Run, job: Path, snapshot: Any) -> None:
    before = snapshot(job.parent)
    ended = ltv("run", job, "--dry-run")
    assert ended.code == 0, ended.err
    assert "own_rate" in ended.out
    assert snapshot(job.parent) == before


def test_paths_are_below_the_root(ltv: Run, job: Path) -> None:
    inner = job.parent / "jobs"
    inner.mkdir()
    job.rename(inner / "job.toml")
    ended = ltv("run", inner / "job.toml")
    assert ended.code == 6
    assert "source.path" in ended.err
    assert ltv("run", inner / "job.toml", "--root", job.parent).code == 0
    assert (job.parent / "out" / "_SUCCESS").is_file()


def test_ids_are_hashed_where_asked(ltv: Run, job: Path) -> None:
    with (job.parent / "orders.csv").open("a") as file:
        file.write("anna@shop.test,no day,1.0,x\n")
    plain, hidden = ltv("run", job), ltv("run", job, "--redact")
    assert plain.code == hidden.code == 3
    assert "'no day'" in plain.err
    assert "no day" not in hidden.err
    assert "'date'" in hidden.err
    assert not (job.parent / "out").exists()


@pytest.mark.parametrize("words", [("--keep-going",), ()])
def test_horizon_that_fails(
    words: tuple[str, ...], ltv: Run, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecast.errors import ModelError
    from forecast.models import OwnRate

    real = OwnRate.forecast

    def forecast(self: Any, horizon: Any, **asked: Any) -> Any:
        if str(horizon) == "26W":
            raise ModelError("No number to believe.")
        return real(self, horizon, **asked)

    monkeypatch.setattr(OwnRate, "forecast", forecast)
    job.write_text(JOB.replace('"8W"', '"8W", "26W"'))
    ended = ltv("run", job, *words)
    assert ended.code == 4
    assert "No number to believe." in ended.err
    assert (job.parent / "out" / "horizon=8W").is_dir() == bool(words)
    if words:
        ended = ltv("verify", job.parent / "out")
        assert ended.code == 3
        assert "26W: No number to believe." in ended.err


class TestVerify:
    def test_every_flipped_byte_and_missing_file(self, ltv: Run, job: Path) -> None:
        assert ltv("run", job).code == 0
        out = job.parent / "out"
        for path in sorted(out.iterdir()):
            if path.name == "_SUCCESS":
                continue
            data = path.read_bytes()
            for place in (0, len(data) // 2, len(data) - 2):
                changed = bytearray(data)
                changed[place] ^= 1
                path.write_bytes(changed)
                assert ltv("verify", out).code == 3, (path, place)
            path.unlink()
            ended = ltv("verify", out)
            assert ended.code == 3
            assert path.name in ended.err
            path.write_bytes(data)
        (out / "_SUCCESS").unlink()
        assert "_SUCCESS is missing" in ltv("verify", out).err

    def test_other_folders(self, ltv: Run, job: Path, future: Path, tmp_path: Path) -> None:
        assert ltv("verify", future).code == 0
        assert ltv("verify", job.parent).code == 2
        assert ltv("verify", tmp_path / "none").code == 6
        assert ltv("run", job).code == 0
        (job.parent / "out" / "mine.txt").write_text("mine")
        ended = ltv("verify", job.parent / "out")
        assert ended.code == 0
        assert "1 file is not of ltv: 'mine.txt'" in ended.err


def test_folder_of_results_is_not_overwritten_by_other_files(ltv: Run, job: Path) -> None:
    (job.parent / "out").mkdir()
    (job.parent / "out" / "mine.txt").write_text("mine")
    ended = ltv("run", job)
    assert ended.code == 5
    assert "'mine.txt'" in ended.err
