"""Shops small enough to check a formula by hand."""

import warnings
from collections.abc import Callable

import pandas as pd
import pytest

from forecast.errors import DataWarning
from forecast.ledger import Ledger, read_ledger

FIRST = pd.Timestamp("2024-01-01")
# with 30 silent days: active for 70, 100, 5 and 30 days; a came back once, a and d have left
SHOP = {"a": [0, 10, 60], "b": [0, 20, 40, 60, 80], "c": [95], "d": [5]}


def read_days(days: dict[str, list[int]], cutoff: int) -> Ledger:
    """Read days of purchases since 2024-01-01; first ones are worth 20, repeat ones 50."""
    rows = [
        (who, FIRST + pd.Timedelta(days=day), 50.0 if at else 20.0)
        for who, bought in days.items()
        for at, day in enumerate(bought)
    ]
    table = pd.DataFrame(rows, columns=["customer", "date", "value"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # small logs end in odd ways
        return read_ledger(table, cutoff=(FIRST + pd.Timedelta(days=cutoff)).date())


@pytest.fixture(scope="session")
def ledger_of_days() -> Callable[..., Ledger]:
    """Return a function that reads days of purchases by customer."""
    return read_days


@pytest.fixture(scope="session")
def shop() -> Ledger:
    """Four customers, seen for 100 days."""
    return read_days(SHOP, 100)
