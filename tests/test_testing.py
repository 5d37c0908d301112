"""A model that breaks one promise is refused by the check of that promise, under its name."""

import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from forecast import testing
from forecast.datasets import simulate_shop
from forecast.errors import (
    BadRowsError,
    CheckError,
    ColumnError,
    NotFittedError,
    TooLittleDataError,
)
from forecast.forecaster import Draws, Forecast, Split
from forecast.ledger import Ledger
from forecast.models import OwnRate
from forecast.testing import CHECKS, check_forecaster


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    orders = simulate_shop(
        40, days=400, acquisition_days=200, seed=4, r=2.0, a=0.0, season=None, refunds=0.0
    ).orders
    return orders[["customer_id", "date", "amount"]]


def scaled(found: Forecast, factor: Any, columns: tuple[str, ...] = ("purchases",)) -> Forecast:
    assert found.customers is not None
    names = [f"expected_{each}" for each in columns]
    customers, periods = found.customers.copy(), found.periods.copy()
    customers[names], periods[names] = customers[names] * factor, periods[names] * factor
    return replace(found, customers=customers, periods=periods)


class ForecastsUnfitted(OwnRate):
    def forecast(self, *args: Any, **options: Any) -> Forecast:
        if self.ledger_ is None:
            raise AttributeError("nothing was learned")
        return super().forecast(*args, **options)


class ReturnsNothing(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        super().fit(ledger)


class Raises(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        raise ZeroDivisionError("no days")


class Mutates(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        object.__setattr__(ledger, "ticks", 7 * ledger.ticks)
        return super().fit(ledger)


class Remembers(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        self.times_ = getattr(self, "times_", 0) + 1
        return super().fit(ledger)

    def forecast(self, *args: Any, **options: Any) -> Forecast:
        found = super().forecast(*args, **options)
        return replace(scaled(found, self.times_), sampler=None)


class NeedsMoney(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        ledger.purchases()["value"]
        return super().fit(ledger)


class SaysLittle(OwnRate):
    def fit(self, ledger: Ledger) -> Any:
        if len(ledger.purchases()) == 1:
            raise TooLittleDataError("no")
        return super().fit(ledger)


class StaysBehind(OwnRate):
    def update(self, ledger: Ledger) -> Any:
        return self


class Changed(OwnRate):
    """What it forecasts is changed by a function of the forecast and the ledger."""

    def change(self, found: Forecast, ledger: Ledger) -> Forecast:
        raise NotFittedError(self)

    def forecast(self, *args: Any, **options: Any) -> Forecast:
        found = super().forecast(*args, **options)
        assert self.ledger_ is not None
        return self.change(found, self.ledger_)


def changed(change: Callable[[Forecast, Ledger], Forecast]) -> type[Changed]:
    return type("Changed", (Changed,), {"change": lambda _, found, ledger: change(found, ledger)})


def three_periods(found: Forecast, _: Ledger) -> Forecast:
    return replace(found, periods=found.periods.head(3))


def higher_periods(found: Forecast, _: Ledger) -> Forecast:
    return replace(found, periods=scaled(found, 1.5).periods)


def doubled(found: Forecast, _: Ledger) -> Forecast:
    return scaled(found, 2.0, ("purchases", "value"))


def peeking(found: Forecast, ledger: Ledger) -> Forecast:
    return replace(scaled(found, len(ledger._days)), sampler=None)


def by_name(found: Forecast, _: Ledger) -> Forecast:
    assert found.customers is not None
    share = np.linspace(0.5, 1.5, len(found.customers))
    other = scaled(found, 1.0, ("purchases", "value"))
    assert other.customers is not None
    names = ["expected_purchases", "expected_value"]
    other.customers[names] = other.customers[names].mul(share, axis=0)
    for name in names:
        other.periods[name] *= other.customers[name].sum() / found.customers[name].sum()
    return replace(other, sampler=None)


def by_chance(found: Forecast, _: Ledger) -> Forecast:
    return replace(scaled(found, np.random.default_rng().random()), sampler=None)


def with_a_fee(found: Forecast, _: Ledger) -> Forecast:
    assert found.customers is not None
    other = scaled(found, 1.0, ("value",))
    assert other.customers is not None
    other.customers["expected_value"] += 1.0
    other.periods["expected_value"] += len(other.customers) / len(other.periods)
    return replace(other, sampler=None)


@dataclass
class OneLuck:
    """Draws by the same uniform numbers for every customer: equal histories buy alike."""

    rate: Any
    draws: int = 200

    def blocks(self) -> Iterator[Draws]:
        luck = np.random.default_rng(1).random((1, self.draws, 8))
        count = poisson.ppf(luck, self.rate[:, None, None] / 8).astype(int)

        def split() -> Split:
            who, draw, period = np.nonzero(count)
            return Split(who * self.draws + draw, period, count[who, draw, period], None)

        yield Draws(slice(0, len(count)), count.sum(axis=2), None, split)


def of_one_luck(found: Forecast, _: Ledger) -> Forecast:
    assert found.customers is not None
    return replace(found, sampler=OneLuck(found.customers["expected_purchases"].to_numpy()))


BROKEN: list[tuple[type[OwnRate], str, str]] = [
    (ForecastsUnfitted, "asks for a fit first", "AttributeError: nothing was learned"),
    (ReturnsNothing, "fit returns the model", "must return the model itself"),
    (Raises, "fit returns the model", "ZeroDivisionError: no days"),
    (changed(three_periods), "has the right shape", "the horizon's units"),
    (changed(lambda found, _: scaled(found, -1.0)), "has the right shape", "negative"),
    (changed(higher_periods), "sums agree", "customers against periods differ"),
    (changed(doubled), "draws agree with expectations", "mean of drawn totals"),
    (changed(by_chance), "same seed same result", "two runs with one seed"),
    (Remembers, "refitting changes nothing", "a second fit"),
    (Mutates, "leaves the ledger alone", "before and after"),
    (changed(by_name), "names of customers are irrelevant", "periods differ"),
    (changed(of_one_luck), "equal histories are drawn independently", "twins' draws correlate"),
    (changed(with_a_fee), "money scales", "value differ"),
    (NeedsMoney, "works without money", "KeyError: 'value'"),
    (changed(peeking), "sees nothing after the cutoff", "rows after the cutoff changed"),
    (StaysBehind, "updates by histories alone", "it forecasts from"),
    (SaysLittle, "says when data are too few", "'no' explains nothing"),
]


def named(check: Callable[..., None]) -> str:
    return check.__name__.removeprefix("_").replace("_", " ")


@pytest.mark.usefixtures("read_once")  # so what is found below is found in the suite's way too
@pytest.mark.parametrize(("broken", "check", "problem"), BROKEN)
def test_a_broken_promise_is_named(
    monkeypatch: pytest.MonkeyPatch,
    log: pd.DataFrame,
    broken: type[OwnRate],
    check: str,
    problem: str,
) -> None:
    one = [each for each in CHECKS if named(each) == check]
    monkeypatch.setattr("forecast.testing.CHECKS", one)
    with pytest.raises(CheckError) as caught:
        check_forecaster(broken(), log=log)
    assert caught.value.check == check
    assert str(caught.value).startswith(f"{broken.__name__}: {check}: ")
    assert problem in str(caught.value)


def test_every_check_but_that_of_row_order_is_broken_here() -> None:
    """A ledger has no order of rows that a model could depend on."""
    assert {named(each) for each in CHECKS} - {check for _, check, _ in BROKEN} == {
        "order of rows is irrelevant"
    }


def test_the_cause_is_what_the_model_raised_and_nothing_else(log: pd.DataFrame) -> None:
    with pytest.raises(AssertionError) as caught:
        check_forecaster(Raises(), log=log)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(CheckError) as caught:
        check_forecaster(ReturnsNothing(), log=log)
    assert caught.value.__cause__ is None


def test_a_log_that_cannot_be_read_is_not_the_models_fault(log: pd.DataFrame) -> None:
    with pytest.raises(ColumnError):
        check_forecaster(OwnRate(), log=log.drop(columns="amount"))


def test_checks_hold_where_python_leaves_assertions_out(
    log: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimized = ModuleType("optimized")  # the checks as by python -O
    monkeypatch.setitem(sys.modules, "optimized", optimized)  # dataclasses look their module up
    lines = "assert False\n" + Path(testing.__file__).read_text("utf-8")
    exec(compile(lines, "optimized", "exec", optimize=1, dont_inherit=True), vars(optimized))
    with pytest.raises(CheckError, match="ReturnsNothing: fit returns the model"):
        optimized.check_forecaster(ReturnsNothing(), log=log)


def test_errors_reach_another_process_whole() -> None:
    error = CheckError(OwnRate(), "money scales", "value differ")
    unfitted = pickle.loads(pickle.dumps(NotFittedError(OwnRate())))
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found), found.check) == (CheckError, str(error), "money scales")
    assert str(unfitted) == str(NotFittedError(OwnRate()))
    bad = BadRowsError("is odd", column="c", count=2, samples=[1, 2], remedy="Mend it.")
    again = pickle.loads(pickle.dumps(bad))
    assert (str(again), again.samples) == (str(bad), [1, 2])
