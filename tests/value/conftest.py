"""A ledger of a few rows, and forecasts whose draws are written down by hand."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import Horizon
from forecast.datasets import Shop
from forecast.forecaster import Draws, Forecast, Split
from forecast.ledger import Ledger, read_ledger

ROWS = [
    # customer, date, amount, channel
    ("a", "2024-01-01", 100.0, "ads"),
    ("a", "2024-02-15", 60.0, "ads"),
    ("b", "2024-01-10", 40.0, "ads"),
    ("c", "2024-02-01", 50.0, "mail"),
    ("d", "2024-03-01", 30.0, "organic"),
]


@dataclass(frozen=True)
class Written:
    """Draws as they stand: arrays of shape (customers, draws, periods), two customers a block."""

    purchases: Any
    value: Any

    @property
    def draws(self) -> int:
        return int(self.purchases.shape[1])

    def blocks(self) -> Iterator[Draws]:
        for start in range(0, len(self.purchases), 2):
            rows = slice(start, min(start + 2, len(self.purchases)))
            count, money = self.purchases[rows], self.value[rows]

            def split(count: Any = count, money: Any = money) -> Split:
                who, draw, period = np.nonzero(count)
                cell = who * self.draws + draw
                return Split(cell, period, count[who, draw, period], money[who, draw, period])

            yield Draws(rows, count.sum(axis=2), money.sum(axis=2), split)


def make_ledger(rows: list[tuple[Any, ...]], cutoff: str = "2024-03-30", **settings: Any) -> Ledger:
    names = ["customer_id", "date", "amount", "channel", *settings.pop("more", [])]
    table = pd.DataFrame([row[: len(names)] for row in rows], columns=names)
    kept = {"customer_columns": ["channel"]} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(table, customer="customer_id", date="date", value="amount",
                           cutoff=cutoff, key=(), **kept)  # fmt: skip


def make_forecast(
    ledger: Ledger,
    value: Any,
    *,
    horizon: str = "60D",
    every: str = "30D",
    p_active: Any = 0.5,
    draws: bool = True,
    order: float = 10.0,
) -> Forecast:
    """A forecast with value of shape (customers, draws, periods), in orders of one value."""
    value = np.asarray(value, dtype=float)
    customers = fc.customer_summary(ledger).index
    count = np.rint(value / order).astype(np.int64)
    length = Horizon.parse(horizon)
    table = pd.DataFrame(index=customers)
    table["p_active"] = p_active
    table["expected_purchases"] = count.sum(axis=2).mean(axis=1)
    table["expected_order_value"] = order
    table["expected_value"] = value.sum(axis=2).mean(axis=1)
    return Forecast.build(
        model="written",
        cutoff=ledger.cutoff,
        horizon=length,
        windows=length.periods(ledger.cutoff, every),
        population="existing",
        customers=table,
        period_purchases=count.mean(axis=1).sum(axis=0),
        period_value=value.mean(axis=1).sum(axis=0),
        sampler=Written(count, value) if draws else None,
    )


# shape (4 customers, 2 draws, 2 periods): a buys in both periods, b late, c in one draw, d never
VALUE = [
    [[20.0, 10.0], [40.0, 10.0]],
    [[0.0, 30.0], [0.0, 10.0]],
    [[0.0, 0.0], [20.0, 0.0]],
    [[0.0, 0.0], [0.0, 0.0]],
]


@pytest.fixture
def ledger_of() -> Callable[..., Ledger]:
    return make_ledger


@pytest.fixture
def forecast_of() -> Callable[..., Forecast]:
    return make_forecast


@pytest.fixture(scope="session")
def four() -> Ledger:
    return make_ledger(ROWS)


@pytest.fixture
def written(four: Ledger) -> Forecast:
    return make_forecast(four, VALUE)


@pytest.fixture(scope="session")
def shop() -> Shop:
    return fc.simulate_shop(250, days=600, seed=4, refunds=0.0)


@pytest.fixture(scope="session")
def sold(shop: Shop) -> Ledger:
    return read_ledger(shop.orders, customer_columns=["channel"], key=())


@pytest.fixture(scope="session")
def ahead(sold: Ledger) -> Forecast:
    return fc.MODELS["btyd"].fit(sold).forecast("26W", every="2W", draws=100, seed=1)
