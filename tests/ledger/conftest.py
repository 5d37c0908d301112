"""A small log and ways to write it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.ledger import Ledger, read_ledger

NAMES = {"customer": "c", "date": "d", "value": "v"}


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """Return a function that makes a log of three rows; any column can be replaced."""

    def make(**columns: Any) -> pd.DataFrame:
        log = {"c": ["a", "b", "a"], "d": ["2024-01-01", "2024-01-05", "2024-02-01"]}
        return pd.DataFrame(log | {"v": [1.0, 2.0, 3.0]} | columns)

    return make


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes text or bytes to a file."""

    def write(content: str | bytes, name: str = "log.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def read() -> Callable[..., Ledger]:
    """Return ``read_ledger`` with the names of the small log."""

    def call(source: Any, **options: Any) -> Ledger:
        return read_ledger(source, **(NAMES | options))

    return call


@pytest.fixture
def counts() -> Callable[[Ledger], dict[str, int]]:
    """Return a function that gives the audit as check -> count."""

    def of(ledger: Ledger) -> dict[str, int]:
        return dict(zip(ledger.audit["check"], ledger.audit["count"], strict=True))

    return of
