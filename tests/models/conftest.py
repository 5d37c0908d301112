"""Shops that several models learn from."""

import warnings
from collections.abc import Callable

import pandas as pd
import pytest

from forecast.datasets import simulate_shop
from forecast.errors import DataWarning
from forecast.ledger import Ledger, read_ledger

COLUMNS = {"customer": "customer_id", "date": "date", "value": "amount"}


def read(orders: pd.DataFrame, *, money: bool = True, cutoff: str | None = None) -> Ledger:
    """Read orders in the columns of a simulated shop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # small logs end in odd ways
        columns = COLUMNS if money else COLUMNS | {"value": None}
        return read_ledger(orders, **columns, cutoff=cutoff, key=())


@pytest.fixture(scope="session")
def ledger_of() -> Callable[..., Ledger]:
    """Return a function that reads orders in the columns of a simulated shop."""
    return read


@pytest.fixture(scope="session")
def orders() -> pd.DataFrame:
    """Two years of 400 customers, without season or refunds."""
    shop = simulate_shop(
        400, days=730, acquisition_days=500, seed=8,
        r=0.8, alpha=5.0, a=0.7, b=4.0, season=None, refunds=0.0,
    )  # fmt: skip
    return shop.orders[["customer_id", "date", "amount"]]


@pytest.fixture(scope="session")
def whole(orders: pd.DataFrame) -> Ledger:
    """The two years."""
    return read(orders, cutoff="2023-12-31")


@pytest.fixture(scope="session")
def cut(whole: Ledger) -> Ledger:
    """All but the last 13 weeks."""
    return whole.cut("2023-10-01")
