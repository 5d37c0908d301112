"""Tiny forecasters and a tiny log for the tests of the backtest."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError
from forecast.forecaster import Draws, Forecast, Split, check_request
from forecast.ledger import Ledger, read_ledger


def make_ledger(rows: list[tuple[Any, ...]], cutoff: str, *, value: bool = True) -> Ledger:
    names = ["customer_id", "date", "amount"][: 2 + value]
    table = pd.DataFrame([row[: 2 + value] for row in rows], columns=names)
    amount = {"value": "amount"} if value else {}
    return read_ledger(table, customer="customer_id", date="date", cutoff=cutoff, key=(), **amount)


@dataclass(frozen=True)
class PoissonSampler:
    """Poisson counts, a fixed value a purchase, equal shares of the periods."""

    mean: np.ndarray[Any, Any]
    price: np.ndarray[Any, Any] | None
    periods: int
    draws: int
    seed: int

    def blocks(self) -> Iterator[Draws]:
        rng = np.random.default_rng(self.seed)
        shape = (self.periods, len(self.mean), self.draws)
        cube = rng.poisson(self.mean[None, :, None] / self.periods, size=shape)

        def split() -> Split:
            period, customer, draw = np.nonzero(cube)
            count = cube[period, customer, draw]
            value = None if self.price is None else count * self.price[customer]
            return Split(customer * self.draws + draw, period, count, value)

        total = cube.sum(axis=0)
        value = None if self.price is None else total * self.price[:, None]
        yield Draws(slice(0, len(self.mean)), total, value, split)


@dataclass
class Fake:
    """Expects ``purchases`` of every customer it has seen, each worth ``price``."""

    purchases: float = 1.0
    price: float | None = 10.0
    populations: tuple[str, ...] = ("existing", "all")
    by_customer: bool = True
    fits: int = field(default=0, init=False)

    def fit(self, ledger: Ledger) -> "Fake":
        self.fits += 1
        self.cutoff_ = ledger.cutoff
        self.customers_ = sorted(ledger.purchases()["customer_id"].unique())
        return self

    def expected(self, horizon: Horizon, population: str) -> np.ndarray[Any, Any]:
        return np.full(len(self.customers_), self.purchases)

    def forecast(
        self,
        horizon: str | date,
        *,
        population: str = "existing",
        every: str | None = None,
        scenario: Any = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        check_request(self, population, scenario, populations=self.populations, draws=draws)
        length = Horizon.parse(horizon)
        windows = length.periods(self.cutoff_, every)
        mean = self.expected(length, population)
        price = None if self.price is None else np.full(len(mean), self.price)
        table = {"expected_purchases": mean, "p_active": 1 - np.exp(-mean)}
        if price is not None:
            table["expected_value"] = mean * price
        index = pd.Index(self.customers_, name="customer_id")
        split = self.by_customer and population == "existing"
        share = np.full(len(windows), 1 / len(windows))
        return Forecast.build(
            model="fake",
            cutoff=self.cutoff_,
            horizon=length,
            windows=windows,
            population=population,  # type: ignore[arg-type]
            customers=pd.DataFrame(table, index=index) if split else None,
            period_purchases=mean.sum() * share,
            period_value=None if price is None else float(mean @ price) * share,
            sampler=PoissonSampler(mean, price, len(windows), draws, seed) if draws else None,
            notes=("I am a fake.",),
        )


@dataclass
class Oracle(Fake):
    """Cheats: holds the whole log and answers with what will happen."""

    whole: Any = None

    def expected(self, horizon: Horizon, population: str) -> np.ndarray[Any, Any]:
        actual = self.whole.actuals(self.cutoff_, str(horizon), "existing")
        return np.asarray(actual["purchases"], dtype=float)


@dataclass
class Curious(Fake):
    """Every forecast depends on every row the model was shown, and on what else it could ask."""

    def fit(self, ledger: Ledger) -> "Curious":
        super().fit(ledger)
        rows = ledger.purchases()
        ages = (rows["date"] - pd.Timestamp("2000-01-01")).dt.days.to_numpy(float)
        self.level_ = float((ages * (1 + rows["value"])).sum() + len(rows)) / 1e6
        return self

    def expected(self, horizon: Horizon, population: str) -> np.ndarray[Any, Any]:
        return np.full(len(self.customers_), self.level_)


class Broken(Fake):
    """Somebody else's bug."""

    def fit(self, ledger: Ledger) -> "Broken":
        raise ZeroDivisionError("no\n  luck")


@dataclass
class Late(Fake):
    """Needs some days of history."""

    since: date = date.min

    def fit(self, ledger: Ledger) -> "Late":
        if ledger.cutoff < self.since:
            raise TooLittleDataError(f"Needs history to {self.since}.")
        super().fit(ledger)
        return self


class Careless(Fake):
    """Warns, and draws from NumPy's global generator."""

    def fit(self, ledger: Ledger) -> "Careless":
        warnings.warn("careful", UserWarning, stacklevel=1)
        warnings.warn("careful", UserWarning, stacklevel=1)
        super().fit(ledger)
        return self

    def expected(self, horizon: Horizon, population: str) -> np.ndarray[Any, Any]:
        return np.random.random(len(self.customers_))  # noqa: NPY002


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Three customers on day one; by hand in the comments of the tests.

    After 2024-01-07, within seven days: a buys twice (20), b once (30), c never, d is new.
    After 2024-01-14, within seven days: a buys once (20), the others never.
    """
    rows = [
        ("a", "2024-01-01", 10.0),
        ("b", "2024-01-01", 10.0),
        ("c", "2024-01-01", 10.0),
        ("a", "2024-01-08", 10.0),
        ("a", "2024-01-14", 10.0),
        ("b", "2024-01-10", 30.0),
        ("d", "2024-01-09", 5.0),
        ("a", "2024-01-15", 20.0),
    ]
    return make_ledger(rows, "2024-01-21")


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    """The forecasters of this file, and the maker of ledgers."""
    return SimpleNamespace(
        Fake=Fake,
        Oracle=Oracle,
        Curious=Curious,
        Broken=Broken,
        Late=Late,
        Careless=Careless,
        ledger=make_ledger,
    )
