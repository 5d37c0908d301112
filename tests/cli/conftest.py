"""A small sound log, and the command line run in this process or in another."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from forecast.cli import _run
from forecast.cli.screen import screen
from forecast.datasets import simulate_shop

LTV = Path(sys.executable).parent / "ltv"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log that names channels, and a spend table."""
    folder = tmp_path_factory.mktemp("store")
    shop = simulate_shop(80, days=420, seed=3, refunds=0.02)
    shop.orders.drop(columns="campaign").to_csv(folder / "orders.csv", index=False)
    shop.spend.to_csv(folder / "spend.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, str]]:
    """Return a function: every path below a folder, with the hash of what it holds."""

    def look(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else ""
            for path in sorted(folder.rglob("*"))
        }

    return look


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "orders.csv"
    orders = simulate_shop(80, days=420, seed=3, refunds=0.02).orders
    orders[["customer_id", "date", "amount", "order_id"]].to_csv(path, index=False)
    return path


@pytest.fixture
def ltv(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run a command in this process, as wide as in a pipe whatever COLUMNS says."""
    monkeypatch.setattr(screen, "width", 120)

    def run(*arguments: Any) -> Ended:
        capfd.readouterr()
        code = _run([str(each) for each in arguments])
        return Ended(code, *capfd.readouterr())

    return run


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no page, which takes most of a small backtest, for tests that look at none."""

    def blank(path: Path, **_: Any) -> None:
        path.write_text("")

    monkeypatch.setattr(import_module("forecast.report"), "report", blank)


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Start the installed script, in the temporary folder and without colours by default."""

    def start(*arguments: Any, env: dict[str, str] | None = None, **options: Any) -> Any:
        return subprocess.Popen(
            [str(LTV), *(str(each) for each in arguments)],
            **{
                "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "text": True, "cwd": tmp_path, "env": os.environ | (env or {}), **options,
            },
        )  # fmt: skip

    return start


@pytest.fixture(scope="session")
def proof(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``ltv backtest`` made."""
    out = tmp_path_factory.mktemp("proof") / "backtest"
    code = _run([
        *("backtest", str(shop), "--horizon", "8W", "--origins", "2", "--draws", "20"),
        *("--models", "btyd", "own_rate", "seasonal_series", "--out", str(out)),
    ])  # fmt: skip
    assert code == 0
    return out


@pytest.fixture(scope="session")
def future(shop: Path, proof: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``ltv forecast`` made."""
    out = tmp_path_factory.mktemp("future") / "forecast"
    code = _run([
        *("forecast", str(shop), "--model", "btyd", "--horizon", "8W", "--draws", "50"),
        *("--seed", "3", "--backtest", str(proof), "--out", str(out)),
    ])  # fmt: skip
    assert code == 0
    return out
