"""One at a time: who holds a lock is named, and only the dead lose theirs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.errors import FileError, LockedError
from forecast.jobs.running.lock import Holder, locked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".out.lock"


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          check=True, capture_output=True, text=True)  # fmt: skip
    return int(done.stdout)


def left(path: Path, pid: int, host: str | None = None, born: str = "") -> None:
    """Write the lock that a run left behind."""
    facts = {"pid": pid, "host": host or socket.gethostname(), "since": "2026-01-01T02:00:00+00:00"}
    path.write_text(json.dumps(facts | {"born": born}))


def test_is_there_while_it_is_held(path: Path) -> None:
    with locked(path, "out") as before:
        assert before is None
        assert Holder(**json.loads(path.read_text())).alive
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_goes_with_any_error(error: type[BaseException], path: Path) -> None:
    with pytest.raises(error), locked(path, "out"):
        raise error
    assert not path.exists()


@pytest.mark.parametrize("break_lock", [False, True])
def test_the_living_are_named_and_never_robbed(break_lock: bool, path: Path) -> None:
    told = rf"out is locked by process {os.getpid()} on .* since 20.*still running"
    with locked(path, "out"):
        with pytest.raises(LockedError, match=told), locked(path, "out", break_lock=break_lock):
            pass
        assert path.exists()


def test_the_dead_are_reported_and_lose_theirs_only_when_asked(path: Path, dead: int) -> None:
    left(path, dead)
    told = f"left locked by process {dead} .*--break-lock"
    with pytest.raises(LockedError, match=told), locked(path, "out"):
        pass
    assert path.exists()
    with locked(path, "out", break_lock=True) as before:
        assert before is not None
        assert before.pid == dead
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.exists()


def test_another_process_of_the_same_number_is_not_the_holder(path: Path) -> None:
    left(path, os.getpid(), born="1")
    with pytest.raises(LockedError, match="which is dead"), locked(path, "out"):
        pass


def test_other_computers_cannot_be_looked_at(path: Path) -> None:
    left(path, os.getpid(), host="elsewhere")
    told = r"on elsewhere .* If that run is dead.*--break-lock"
    with pytest.raises(LockedError, match=told), locked(path, "out"):
        pass
    with locked(path, "out", break_lock=True) as before:
        assert before is not None


def test_text_that_is_no_lock(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(LockedError, match="unknown computer"), locked(path, "out"):
        pass
    with locked(path, "out", break_lock=True):
        pass
    path.write_text("")  # killed between making and writing it: nobody holds it
    with locked(path, "out"):
        pass


def test_place_without_rights(path: Path) -> None:
    path.mkdir()
    with pytest.raises(FileError, match="cannot be written"), locked(path, "out"):
        pass


RACE = """
import sys, time
from pathlib import Path
from forecast.errors import LockedError
from forecast.jobs.running.lock import locked
for line in sys.stdin:
    try:
        with locked(Path(sys.argv[1]), "out", break_lock=True):
            with open(sys.argv[2], "x"):  # fails if two are inside
                time.sleep(.002)
            Path(sys.argv[2]).unlink()
        print("in", flush=True)
    except LockedError:
        print("refused", flush=True)
"""


@pytest.mark.slow
def test_of_many_that_break_a_dead_lock_one_at_a_time_gets_in(path: Path, dead: int) -> None:
    inside = path.with_name("inside")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(path), str(inside)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    left(path, dead)
    told = [racer.communicate("go\n" * 40, timeout=60) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 3, told
    lines = [line for out, _ in told for line in out.splitlines()]
    assert len(lines) == 120
    assert set(lines) <= {"in", "refused"}
    assert lines.count("in") >= 3
    assert not path.exists()
