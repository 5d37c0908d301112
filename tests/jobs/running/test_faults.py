"""Killed, stopped, starved: nothing is ever half written, and the next run makes it whole."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.jobs.running.verify import verify

EVERYTHING = {
    "outputs": """
[outputs.destination]
database = "sqlite"
file = "predictions.sqlite"
table = "predictions"
""",
    "more": """
[segments]
[economics]
margin = 0.4
spend = "spend.csv"
[backtest]
horizon = "8W"
origins = 1
models = ["own_rate"]
[monitoring]
history = "history.duckdb"
""",
}
POINTS = (
    "lock", "inputs", "ledger", "fit", "forecast 8W", "forecast 4W", "model", "segments",
    "economics", "backtest", "manifest", "history", "destination", "success", "publish",
)  # fmt: skip
# a fresh process a run, from one that has imported everything, since imports take longest
CODE = """
import os, sys
os.environ.update({env!r})
os.chdir({folder!r})
out = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(out, 1), os.dup2(out, 2)
{patch}
from forecast.cli import main
main({words!r})
"""


@pytest.fixture(scope="module")
def server() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([
        "forecast.cli", "forecast.jobs.running.run", "forecast.jobs.job_file.plan",
        "forecast.models",
        "duckdb", "pyarrow.parquet", "forecast.value", "forecast.backtest", "forecast.jobs.stores",
        "forecast.jobs.saved_models.saved_model", "forecast.jobs.monitoring.run_history",
    ])  # fmt: skip
    return context


@pytest.fixture
def start(server: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start ``ltv run`` in a process of its own."""
    begun = []

    def begin(name: str, *words: str, patch: str = "", **env: str) -> Any:
        code = CODE.format(
            env=env, folder=str(tmp_path / name), patch=patch, words=["run", "job.toml", *words]
        )
        process = server.Process(target=exec, args=(code, {"__name__": "job"}))
        process.start()
        begun.append(process)
        return process

    yield begin
    for process in begun:
        if process.is_alive():
            process.kill()
        process.join()


@pytest.fixture
def night(make: Callable[..., Path]) -> Callable[..., Path]:
    """Write a job of two horizons, and return its folder."""
    return lambda name, **job: make(name, **{"horizons": ("8W", "4W"), **job}).parent


def ended(process: Any) -> int:
    process.join(120)
    assert not process.is_alive(), "it hangs"
    return int(process.exitcode)


def said(folder: Path) -> str:
    return (folder / "log.txt").read_text()


def rows_sent(folder: Path) -> Any:
    import sqlite3

    with sqlite3.connect(folder / "predictions.sqlite") as database:
        rows = database.execute("SELECT * FROM predictions ORDER BY 1, 2, 3").fetchall()
    database.close()
    return rows


def check_whole_or_absent(folder: Path) -> None:
    """A reader finds a folder that is whole, or none."""
    if (folder / "out").exists():
        verify(folder / "out")


def kill_and_rerun(
    points: tuple[str, ...], job: dict[str, str], night: Any, start: Any, bytes_of: Any
) -> None:
    whole = night("whole", **job)
    assert ended(start("whole")) == 0, said(whole)
    expected = bytes_of(whole / "out")
    for number, point in enumerate(points):
        folder = night(f"job{number}", **job)
        assert ended(start(folder.name, LTV_FAULT=f"after:{point}")) == -signal.SIGKILL, point
        check_whole_or_absent(folder)
        assert (folder / "out").exists() == (point == "publish")
        assert ended(start(folder.name)) == 5
        assert "--break-lock" in said(folder)
        assert ended(start(folder.name, "--break-lock")) == 0, said(folder)
        assert bytes_of(folder / "out") == expected, point
        names = sorted(each.name for each in folder.iterdir())
        assert names == sorted(each.name for each in whole.iterdir())
        if job:
            assert rows_sent(folder) == rows_sent(whole)
        if point not in ("lock", "inputs", "publish"):
            assert "was finished by an interrupted run, and is kept" in said(folder)


def test_killed_at_some_commit_points(night: Any, start: Any, bytes_of: Any) -> None:
    kill_and_rerun(("forecast 8W", "publish"), {}, night, start, bytes_of)


@pytest.mark.slow
def test_killed_at_every_commit_point(night: Any, start: Any, bytes_of: Any) -> None:
    kill_and_rerun(POINTS, EVERYTHING, night, start, bytes_of)


@pytest.mark.slow
def test_killed_at_random_moments(night: Any, start: Any, bytes_of: Any) -> None:
    whole = night("whole")
    begun = time.monotonic()
    assert ended(start("whole")) == 0, said(whole)
    length, expected = time.monotonic() - begun, bytes_of(whole / "out")
    moments = random.Random(4)
    folder = night("job")
    for turn in range(20):
        if turn % 4 == 3:  # as after a night that went well, with other inputs
            shutil.rmtree(folder)
            night("job", horizons=("8W", "6W"))
            assert ended(start("job")) == 0
            night("job")
        going = start("job", "--break-lock")
        time.sleep(moments.random() * length)
        going.kill()
        assert ended(going) in (0, -signal.SIGKILL), said(folder)
        check_whole_or_absent(folder)
        if turn % 4 == 3:
            assert (folder / "out" / "_SUCCESS").is_file()
    assert ended(start("job", "--break-lock")) == 0, said(folder)
    assert bytes_of(folder / "out") == expected
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]


SLOW_FIT = """
import time
from forecast.models import BTYD
def fit(self, ledger):
    open("here", "w").close()
    time.sleep(60)
BTYD.fit = fit
"""


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_stopped_soon_and_resumed(sign: signal.Signals, night: Any, start: Any) -> None:
    folder = night("job", model="btyd")
    patch = f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\n{SLOW_FIT}"
    going = start("job", patch=patch)
    wait_for(folder / "here")
    begun = time.monotonic()
    os.kill(going.pid, sign)
    assert ended(going) == 128 + sign
    assert time.monotonic() - begun < 5
    assert "Stopped. Finished stages are kept in" in said(folder)
    assert not (folder / ".out.lock").exists()
    assert not (folder / "out").exists()
    assert ended(start("job")) == 0, said(folder)
    assert "ledger: was finished by an interrupted run" in said(folder)
    assert not (folder / ".out.part").exists()


def test_two_at_once(night: Any, start: Any) -> None:
    folder = night("job", model="btyd")
    first = start("job", patch=SLOW_FIT)
    wait_for(folder / "here")
    for words in ((), ("--break-lock",)):
        assert ended(start("job", *words)) == 5
    assert f"locked by process {first.pid} on" in said(folder)
    assert "still running" in said(folder)
    first.kill()
    assert ended(first) == -signal.SIGKILL
    assert ended(start("job")) == 5
    assert f"left locked by process {first.pid}" in said(folder)
    assert ended(start("job", "--break-lock")) == 0, said(folder)


def test_file_size_limit_leaves_the_last_run(night: Any, start: Any, bytes_of: Any) -> None:
    folder = night("job")
    assert ended(start("job")) == 0, said(folder)
    before = bytes_of(folder / "out")
    night("job", horizons=("12W", "4W"))
    little = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))"
    assert ended(start("job", patch=little)) == 6, said(folder)
    assert "File too large" in said(folder)
    assert ".part" not in said(folder)
    assert bytes_of(folder / "out") == before
    assert ended(start("job")) == 0, said(folder)
    assert (folder / "out" / "horizon=12W").is_dir()
    assert not (folder / ".out.part").exists()
