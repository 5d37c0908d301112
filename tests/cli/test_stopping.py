"""Stopped by a signal: soon, with the right exit code, leaving nothing behind."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SLOW = """
import sys, time
from forecast.models import OwnRate
{patch}
from forecast.cli import main
main(sys.argv[1:])
"""
IN_FIT = """
def fit(self, ledger):
    print("here", flush=True)
    time.sleep(60)
OwnRate.fit = fit
"""
# what swallows everything, as some libraries do, is asked again between models
SWALLOWED = """
def fit(self, ledger):
    print("here", flush=True)
    try:
        time.sleep(60)
    except BaseException:
        raise RuntimeError("interrupted") from None
OwnRate.fit = fit
"""
IN_WRITING = """
import forecast.report
def report(*args, **parts):
    print("here", flush=True)
    time.sleep(60)
sys.modules["forecast.report"].report = report
"""


def start(patch: str, shop: Path, folder: Path, *options: str) -> "subprocess.Popen[str]":
    words = ["backtest", str(shop), "--horizon", "4W", "--origins", "2", "--draws", "0"]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW.format(patch=patch), *words, "--out", "deep/out", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def listening(going: "subprocess.Popen[str]") -> None:
    """Wait until the program has said what is to happen on SIGTERM: imports take their time."""
    status = Path(f"/proc/{going.pid}/status")
    until = time.monotonic() + 60
    while time.monotonic() < until and status.exists():
        caught = next(line for line in status.read_text().splitlines() if "SigCgt" in line)
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.05)


def stop(going: "subprocess.Popen[str]", sign: signal.Signals) -> None:
    assert going.stdout is not None
    assert going.stdout.readline() == "here\n"
    begun = time.monotonic()
    going.send_signal(sign)
    going.send_signal(sign)  # timeout(1) and terminals may send it twice
    _, err = going.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert going.returncode == 128 + sign
    assert err.splitlines()[-1] == "error: Stopped. Nothing unfinished is left behind."
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("patch", "sign"), [(IN_FIT, signal.SIGINT), (SWALLOWED, signal.SIGTERM)], ids=["fit", "lost"]
)
def test_stops_soon_and_leaves_nothing(
    sign: signal.Signals, patch: str, shop: Path, tmp_path: Path
) -> None:
    stop(start(patch, shop, tmp_path, "--models", "own_rate", "btyd"), sign)
    assert list(tmp_path.iterdir()) == []


def test_stop_while_writing_over_an_older_result(
    shop: Path, proof: Path, tmp_path: Path, snapshot: Any
) -> None:
    shutil.copytree(proof, tmp_path / "deep" / "out")
    before = snapshot(tmp_path)
    stop(start(IN_WRITING, shop, tmp_path, "--models", "own_rate", "--overwrite"), signal.SIGTERM)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_installed_command_in_the_middle_of_a_long_backtest(
    sign: signal.Signals, program: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    going = program(
        *("backtest", shop, "--horizon", "1W", "--origins", "40", "--draws", "2000"),
        *("--out", "out"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    listening(going)
    time.sleep(2)
    assert going.poll() is None
    begun = time.monotonic()
    going.send_signal(sign)
    out, err = going.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert going.returncode == 128 + sign
    assert "Stopped" in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []
