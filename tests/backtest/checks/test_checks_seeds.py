"""How often each check fires on many simulated bases, sound and faulty."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import Backtest, backtest
from forecast.backtest.checks import Check, checks
from forecast.backtest.checks.check import CONTRACTUAL, LEAK, RETURNS, SEASON
from forecast.calendar import day_of
from forecast.datasets import Season, simulate_shop
from forecast.ledger import Ledger, read_ledger
from forecast.models import BTYD

SEEDS = 40
MOST_FALSE = 5  # more than 5 of 40 has a chance of 1.4 % at a rate of 5 %
LEAST_FOUND = 36  # fewer than 36 of 40 has a chance of 1.4 % at a rate of 95 %
DAYS = 455
CUSTOMERS = 800


def sound(seed: int, **settings) -> Ledger:
    plain = {"season": None, "channels": (), "refunds": 0.0}
    shop = simulate_shop(CUSTOMERS, days=DAYS, seed=seed, **(plain | settings))
    return read_ledger(shop.orders, key=())


def contract(seed: int) -> Ledger:
    """The customers of the sound base, who now renew every 30 days until they leave."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer, start in enumerate(rng.integers(0, DAYS, CUSTOMERS)):
        days = range(start, min(DAYS, start + 30 * rng.geometric(0.1)), 30)
        rows.extend((f"c{customer:04d}", day_of(18_993 + day), 20.0) for day in days)
    return read_ledger(pd.DataFrame(rows, columns=["customer_id", "date", "amount"]), key=())


@dataclasses.dataclass
class Peeking:
    """Learns from each customer's history up to the end of the window it then forecasts."""

    whole: Ledger
    ahead = pd.Timedelta(weeks=8)

    def fit(self, ledger):
        rows, known = self.whole.purchases(), ledger.purchases()["customer_id"].unique()
        self.origin = ledger.cutoff
        end = pd.Timestamp(self.origin) + self.ahead
        seen = rows[rows["customer_id"].isin(known) & (rows["date"] <= end)]
        self.inner = BTYD().fit(read_ledger(seen, cutoff=end.date(), key=()))
        return self

    def forecast(self, horizon, **options):
        found = self.inner.forecast(horizon, **options)
        days = {name: found.periods[name] - self.ahead for name in ("start", "end")}
        return dataclasses.replace(found, cutoff=self.origin, periods=found.periods.assign(**days))


def tried(ledger: Ledger, model, draws: int = 40) -> Backtest:
    bt = backtest(ledger, {"model": model}, horizon="8W", origins=2, draws=draws,
                  populations=("existing",))  # fmt: skip
    assert (bt.runs["status"] == "ok").all()
    return bt


def fired(base: Callable[[int], tuple[Ledger, Backtest | None]], seeds=SEEDS) -> list[list[Check]]:
    return [list(checks(ledger, backtest=bt)) for ledger, bt in map(base, range(seeds))]


def assert_found(results: list[list[Check]], cause: str) -> None:
    found = sum(cause in {check.id for check in result} for result in results)
    stray = sum(
        any(check.id != cause and cause not in check.causes for check in result)
        for result in results
    )
    assert found >= LEAST_FOUND * len(results) // SEEDS
    assert stray <= MOST_FALSE


@pytest.mark.slow
def test_a_sound_base_is_seldom_accused() -> None:
    def base(seed: int) -> tuple[Ledger, Backtest | None]:
        ledger = sound(seed)
        return ledger, tried(ledger, BTYD())

    assert sum(bool(result) for result in fired(base)) <= MOST_FALSE


@pytest.mark.slow
def test_a_season_is_found() -> None:
    assert_found(fired(lambda seed: (sound(seed, season=Season()), None)), SEASON)


@pytest.mark.slow
def test_refunds_are_found() -> None:
    assert_found(fired(lambda seed: (sound(seed, refunds=0.06), None)), RETURNS)


@pytest.mark.slow
def test_a_contract_is_found() -> None:
    assert_found(fired(lambda seed: (contract(seed), None)), CONTRACTUAL)


@pytest.mark.slow
def test_a_leak_is_found() -> None:
    def base(seed: int) -> tuple[Ledger, Backtest | None]:
        ledger = sound(seed)
        return ledger, tried(ledger, Peeking(ledger), draws=0)

    assert_found(fired(base), LEAK)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda seed: sound(seed, season=Season()), SEASON),
        (lambda seed: sound(seed, refunds=0.1), RETURNS),
        (contract, CONTRACTUAL),
    ],
)
def test_consequences_in_a_backtest_name_the_cause(make, cause) -> None:
    def base(seed: int) -> tuple[Ledger, Backtest | None]:
        ledger = make(seed)
        return ledger, tried(ledger, BTYD())

    results = fired(base, seeds=8)
    for result in results:
        assert cause in {check.id for check in result}
    assert sum(any(each.id != cause and cause not in each.causes for each in result)
               for result in results) <= 1  # fmt: skip
