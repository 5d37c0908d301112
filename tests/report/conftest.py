"""A small shop, a model of it, a backtest: everything a report is made from."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import Backtest, backtest
from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError
from forecast.forecaster import Forecast, check_request
from forecast.ledger import Ledger, read_ledger
from forecast.models.poisson_draws import PoissonDraws
from forecast.models.spread import Shares

EVIL = "<script>alert(1)</script>"


@dataclass
class Rate:
    """Each customer keeps the own rate of purchase days, times ``level``, at the mean price."""

    level: float = 1.0
    populations: tuple[str, ...] = ("existing",)
    by_customer: bool = True
    fails_before: date = date.min
    _seen: Any = field(default=None, init=False, repr=False)

    def fit(self, ledger: Ledger) -> "Rate":
        if ledger.cutoff < self.fails_before:
            raise TooLittleDataError(f"Too little history for {EVIL}.")
        self._seen = ledger
        return self

    def forecast(
        self,
        horizon: Any,
        *,
        population: Any = "existing",
        every: str | None = None,
        scenario: Any = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        check_request(self, population, scenario, populations=self.populations)
        ledger, length = self._seen, Horizon.parse(horizon)
        rows = ledger.purchases()
        first = rows.groupby("customer_id")["date"].min()
        age = (pd.Timestamp(ledger.cutoff) - first).dt.days + 1
        mean = self.level * rows.groupby("customer_id").size() / age
        mean = (mean * length.window(ledger.cutoff).days).sort_index()
        price = float(rows["value"].mean()) if ledger.has_value else None
        windows = length.periods(ledger.cutoff, every)
        values = mean.to_numpy(float) if self.by_customer else np.array([mean.sum()])
        share = np.full(len(windows), values.sum() / len(windows))
        customers = None
        if self.by_customer:
            customers = pd.DataFrame(
                {"p_active": 1 - np.exp(-values), "expected_purchases": values}, index=mean.index
            )
            if price is not None:
                customers = customers.assign(
                    expected_order_value=price, expected_value=price * values
                )
        each = None if price is None else np.full(len(values), price)
        shares = Shares.by_days(windows, len(values))
        return Forecast.build(
            model="Rate",
            cutoff=ledger.cutoff,
            horizon=length,
            windows=windows,
            population=population,
            customers=customers,
            period_purchases=share,
            period_value=None if price is None else share * price,
            sampler=PoissonDraws(values, each, shares, draws, seed) if draws else None,
            notes=("Every customer keeps the own rate.",),
        )


def make_ledger(*, value: bool = True) -> Ledger:
    rng = np.random.default_rng(7)
    rows = []
    for number in range(80):
        name = EVIL if number == 3 else f"c{number:03d}"
        day = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 300)))
        gap = 4 if number == 3 else rng.uniform(10, 90)
        while day <= date(2023, 6, 30):
            rows.append((name, str(day), round(float(rng.gamma(2, 20)), 2)))
            day += timedelta(days=1 + int(rng.exponential(gap)))
    table = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    amount = {"value": "amount"} if value else {}
    return read_ledger(table, customer="customer_id", date="date", cutoff="2023-06-30", **amount)


def make_backtest(ledger: Ledger, *, origins: int = 4, **more: Any) -> Backtest:
    models = {
        "Rate": Rate(),
        "half": Rate(level=0.5),
        "late": Rate(level=0.8, fails_before=date(2023, 1, 1)),
        "series $x_1$": Rate(populations=("all",), by_customer=False),
    }
    return backtest(ledger, models, horizon="8W", origins=origins, draws=100, **more)


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return make_ledger()


@pytest.fixture(scope="session")
def future(ledger: Ledger) -> Forecast:
    return Rate().fit(ledger).forecast("8W", draws=100)


@pytest.fixture(scope="session")
def tested(ledger: Ledger) -> Backtest:
    return make_backtest(ledger)


@pytest.fixture(scope="session")
def evil() -> str:
    """Return the name of a customer who would be markup, and of whom an error speaks."""
    return EVIL


@pytest.fixture(scope="session")
def rate() -> type[Rate]:
    return Rate


@pytest.fixture(scope="session")
def unpriced() -> Ledger:
    return make_ledger(value=False)
