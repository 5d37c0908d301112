"""A small log and ways to write it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.errors import DataError, ForecastError
from forecast.ledger import Ledger, read_ledger

NAMES = {"customer": "c", "date": "d", "value": "v"}


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """Return a function that makes a log of three rows; any column can be replaced."""

    def make(**columns: Any) -> pd.DataFrame:
        log = {"c": ["a", "b", "a"], "d": ["2024-01-01", "2024-01-05", "2024-02-01"]}
        return pd.DataFrame(log | {"v": [1.0, 2.0, 3.0]} | columns)

    return make


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Return a ledger of four customers who came by two channels."""
    rows = [
        ("a", "2024-01-01", 1.0, "web"),
        ("b", "2024-01-02", 2.0, "shop"),
        ("a", "2024-01-10", 4.0, "web"),
        ("c", "2024-01-12", 8.0, "web"),
        ("b", "2024-01-20", 16.0, "shop"),
        ("d", "2024-01-16", 32.0, "shop"),
    ]
    table = pd.DataFrame(rows, columns=["customer", "day", "amount", "channel"])
    return read_ledger(
        table, customer="customer", date="day", value="amount", customer_columns="channel",
        cutoff="2024-01-21", key=(),
    )  # fmt: skip


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


@pytest.fixture
def refused() -> Callable[..., ForecastError]:
    """Return a function that runs a call which must fail in exactly one way."""

    def fails(
        call: Callable[[], Any],
        kind: type[ForecastError] = DataError,
        code: int = 3,
        says: Sequence[str] = (),
    ) -> ForecastError:
        with pytest.raises(ForecastError) as caught:
            call()
        error = caught.value
        assert type(error) is kind, error
        assert error.exit_code == code
        text = str(error)
        assert len(text) < 1500
        for part in says:
            assert part in text, f"{part!r} is not in {text!r}"
        return error

    return fails
