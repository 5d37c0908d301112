"""The compliance suite: what every forecaster owes its users, whoever wrote it.

>>> from forecast.testing import check_forecaster
>>> from forecast.models import OwnRate
>>> check_forecaster(OwnRate())
"""

import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import CheckError, ForecastError, NotFittedError, UnsupportedError
from forecast.forecaster import EXPECTED, Forecast, Forecaster, Population, Updatable
from forecast.ledger import Ledger, read_ledger

__all__ = ["CHECKS", "check_forecaster"]

_COLUMNS = {"customer": "customer_id", "date": "date", "value": "amount"}


@dataclass(frozen=True)
class _Case:
    """A model under test with a purchase log and the population it can forecast."""

    model: Forecaster
    log: pd.DataFrame
    cutoff: date
    horizon: str
    population: Population

    def read(self, log: pd.DataFrame, *, money: bool = True) -> Ledger:
        columns = _COLUMNS if money else {**_COLUMNS, "value": None}
        return read_ledger(log, **columns, key=()).cut(self.cutoff)

    def at(self, cutoff: date) -> "_Case":
        """Return the same case at another cutoff."""
        return replace(self, cutoff=cutoff)

    def forecast(self, ledger: Ledger) -> Forecast:
        return self.ask(deepcopy(self.model).fit(ledger))

    def ask(self, fitted: Forecaster) -> Forecast:
        return fitted.forecast(self.horizon, population=self.population, draws=200)

    @cached_property
    def usual(self) -> Forecast:
        return self.forecast(self.read(self.log))


class _BrokenPromiseError(AssertionError):
    """What a check found; anything else that is raised comes from the model."""


def check_forecaster(
    model: Forecaster, *, log: pd.DataFrame | None = None, horizon: str = "8W"
) -> None:
    """Run every check on a model; raise on the first that fails.

    Parameters
    ----------
    model : Forecaster
        Unfitted; it is copied, never changed.
    log : pandas.DataFrame, optional
        Purchases in columns ``customer_id``, ``date``, ``amount`` that span the horizon more than
        twice; by default a simulated shop of 120 customers over two years and a half.
    horizon : str
        What is forecast; the cutoff lies one horizon before the end of the log.

    Raises
    ------
    CheckError
        Names the check and says what differs, or what the model raised: that is its cause. It is
        an AssertionError too.
    """
    log = _shop() if log is None else log
    cutoff = Horizon.parse(horizon).back(pd.Timestamp(log["date"].max()).date())
    case = _Case(model, log, cutoff, horizon, "existing")
    case.read(log)  # a log that cannot be read is not the model's fault
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # small logs may deserve caveats
        if _refuses(case):
            case = replace(case, population="all")
        for check in CHECKS:
            name = check.__name__.removeprefix("_").replace("_", " ")
            try:
                check(case)
            except _BrokenPromiseError as broken:
                raise CheckError(model, name, str(broken)) from None
            except Exception as error:  # a stranger's model may raise anything
                problem = f"{type(error).__name__}: {error}"
                raise CheckError(model, name, problem) from error


def _refuses(case: _Case) -> bool:
    """Whether a model does not forecast the population; the checks meet its other errors."""
    try:
        _ = case.usual
    except UnsupportedError:
        return True
    except Exception:  # the first check that forecasts will name it
        return False
    return False


def _shop() -> pd.DataFrame:
    from forecast.datasets import simulate_shop

    orders = simulate_shop(
        120, days=900, acquisition_days=500, seed=4,
        r=1.0, alpha=5.0, a=0.8, b=4.0, season=None, refunds=0.0,
    ).orders  # fmt: skip
    return orders[["customer_id", "date", "amount"]]


def _asks_for_a_fit_first(case: _Case) -> None:
    try:
        deepcopy(case.model).forecast(case.horizon, population=case.population)
    except NotFittedError:
        return
    raise _BrokenPromiseError("forecast() before fit() must raise NotFittedError")


def _fit_returns_the_model(case: _Case) -> None:
    model = deepcopy(case.model)
    _expect(model.fit(case.read(case.log)) is model, "fit() must return the model itself")


def _has_the_right_shape(case: _Case) -> None:
    forecast, ledger = case.usual, case.read(case.log)
    cutoff, population = forecast.cutoff, forecast.population
    _expect(cutoff == ledger.cutoff, f"cutoff is {cutoff}, not {ledger.cutoff}")
    _expect(population == case.population, f"population is {population!r}")
    windows = Horizon.parse(case.horizon).periods(ledger.cutoff)
    _expect(forecast.windows == windows, "periods must be the horizon's units from the cutoff on")
    _expect((forecast.periods["expected_purchases"] >= 0).all(), "negative expected purchases")
    if forecast.customers is not None:
        known = pd.Index(ledger.purchases()["customer_id"].unique()).sort_values()
        same = list(forecast.customers.index) == list(known)
        _expect(same, "customers must be those seen, sorted")
        for column in ("p_alive", "p_active"):
            seen = forecast.customers[column].dropna()
            _expect(seen.between(0, 1).all(), f"{column} outside [0, 1]")


def _sums_agree(case: _Case) -> None:
    forecast = case.usual
    if forecast.customers is not None:
        for name in ("expected_purchases", "expected_value"):
            customers, periods = forecast.customers[name].sum(), forecast.periods[name].sum()
            _close(customers, periods, f"{name}: customers against periods", rtol=1e-8)
    if forecast.sampler is not None:
        for block in forecast.sampler.blocks():
            split = block.split()
            whole = np.bincount(split.cell, split.purchases, minlength=block.purchases.size)
            _close(whole, block.purchases.reshape(-1), "draws by period against their totals")
            if block.value is not None and split.value is not None:
                whole = np.bincount(split.cell, split.value, minlength=block.value.size)
                _close(whole, block.value.reshape(-1), "drawn value by period", rtol=1e-8)


def _draws_agree_with_expectations(case: _Case) -> None:
    forecast = case.usual
    if forecast.sampler is None:
        return
    totals = forecast.totals().purchases.sum(axis=(1, 2))
    expected = float(forecast.periods["expected_purchases"].sum())
    slack = 0.1 * expected + 5 * totals.std() / np.sqrt(totals.size) + 1e-9
    mean = totals.mean()
    problem = f"mean of drawn totals {mean:.4g}, expected {expected:.4g}"
    _expect(abs(mean - expected) <= slack, problem)


def _same_seed_same_result(case: _Case) -> None:
    first, second = case.usual, case.forecast(case.read(case.log))
    _equal(first, second, "two runs with one seed")


def _refitting_changes_nothing(case: _Case) -> None:
    ledger, model = case.read(case.log), deepcopy(case.model)
    once, again = case.ask(model.fit(ledger)), case.ask(model.fit(ledger))
    _equal(once, again, "a second fit of the same model")


def _leaves_the_ledger_alone(case: _Case) -> None:
    ledger = case.read(case.log)
    before = ledger.purchases()
    case.forecast(ledger)
    _same_table(ledger.purchases(), before, "the ledger's purchases before and after")


def _order_of_rows_is_irrelevant(case: _Case) -> None:
    shuffled = case.log.sample(frac=1, random_state=1)
    _equal(case.usual, case.forecast(case.read(shuffled)), "shuffled rows")


def _names_of_customers_are_irrelevant(case: _Case) -> None:
    ids = sorted(case.log["customer_id"].unique())
    renamed = dict(
        zip(ids, reversed([f"z{number:06d}" for number in range(len(ids))]), strict=True)
    )
    log = case.log.assign(customer_id=case.log["customer_id"].map(renamed))
    one, other = case.usual, case.forecast(case.read(log))
    _close(
        one.periods["expected_purchases"], other.periods["expected_purchases"], "periods", rtol=1e-6
    )
    if one.customers is not None and other.customers is not None:
        matched = other.customers.loc[[renamed[each] for each in one.customers.index]]
        for name in EXPECTED:
            _close(one.customers[name], matched[name], f"{name} of renamed customers", rtol=1e-6)
        for name in ("purchases_hi_90", "value_hi_90"):
            mean, second = one.customers[name].mean(), matched[name].mean()
            _close(mean, second, f"mean {name} of renamed customers", rtol=0.15)


def _equal_histories_are_drawn_independently(case: _Case) -> None:
    twins = case.log.assign(customer_id=case.log["customer_id"] + "-twin")
    forecast = case.forecast(case.read(pd.concat([case.log, twins])))
    if forecast.customers is None or forecast.sampler is None:
        return
    drawn = np.concatenate([block.purchases for block in forecast.sampler.blocks()])
    place = pd.Series(np.arange(len(drawn)), index=forecast.customers.index)
    first = sorted(set(case.log["customer_id"]) & set(place.index))
    one, two = drawn[place[first]], drawn[place[[f"{each}-twin" for each in first]]]
    varied = (one.std(axis=1) > 0) & (two.std(axis=1) > 0)
    if varied.any():
        together = [np.corrcoef(a, b)[0, 1] for a, b in zip(one[varied], two[varied], strict=True)]
        mean = np.mean(together)
        _expect(mean < 0.5, f"twins' draws correlate at {mean:.2f}")


def _money_scales(case: _Case) -> None:
    cents = case.log.assign(amount=case.log["amount"] * 100)
    one, other = case.usual, case.forecast(case.read(cents))
    _close(one.periods["expected_value"] * 100, other.periods["expected_value"], "value", rtol=1e-4)
    _close(
        one.periods["expected_purchases"], other.periods["expected_purchases"], "counts", rtol=1e-6
    )


def _works_without_money(case: _Case) -> None:
    periods = case.forecast(case.read(case.log, money=False)).periods
    _expect(periods["expected_value"].isna().all(), "unknown value must be missing, not 0")
    _expect(periods["expected_purchases"].notna().all(), "purchases need no amounts")


def _sees_nothing_after_the_cutoff(case: _Case) -> None:
    future = pd.to_datetime(case.log["date"]).dt.date > case.cutoff
    changed = case.log.assign(amount=case.log["amount"].where(~future, 10 * case.log["amount"] + 1))
    extra = case.log[future].assign(customer_id="newcomer")
    for log in (changed, pd.concat([case.log, extra]), case.log[~future]):
        _equal(case.usual, case.forecast(case.read(log)), "rows after the cutoff changed")


def _updates_by_histories_alone(case: _Case) -> None:
    model = deepcopy(case.model)
    if not isinstance(model, Updatable):
        return
    days = pd.to_datetime(case.log["date"]).dt.date
    later = days[days <= case.cutoff + timedelta(days=14)].max()
    seen = days <= later
    model.fit(case.read(case.log))

    def updated(ledger: Ledger) -> Forecast:
        return case.ask(deepcopy(model).update(ledger))

    _equal(case.usual, updated(case.read(case.log)), "an update with the same ledger")
    found = updated(case.at(later).read(case.log))
    _expect(found.cutoff == later, f"updated to {later}, it forecasts from {found.cutoff}")
    short = updated(case.at(later).read(case.log[seen]))
    _equal(found, short, "rows after the cutoff of an update changed")


def _says_when_data_are_too_few(case: _Case) -> None:
    one = pd.DataFrame({"customer_id": ["a"], "date": [case.cutoff], "amount": [10.0]})
    try:
        forecast = case.forecast(case.read(one))
    except ForecastError as error:
        _expect(len(str(error)) > 20, f"the message {str(error)!r} explains nothing")
        return
    sound = np.isfinite(forecast.periods["expected_purchases"]).all()
    _expect(sound, "a forecast that is no number")


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _asks_for_a_fit_first,
    _fit_returns_the_model,
    _has_the_right_shape,
    _sums_agree,
    _draws_agree_with_expectations,
    _same_seed_same_result,
    _refitting_changes_nothing,
    _leaves_the_ledger_alone,
    _order_of_rows_is_irrelevant,
    _names_of_customers_are_irrelevant,
    _equal_histories_are_drawn_independently,
    _money_scales,
    _works_without_money,
    _sees_nothing_after_the_cutoff,
    _updates_by_histories_alone,
    _says_when_data_are_too_few,
)


def _expect(sound: Any, problem: str) -> None:
    """Hold also where Python leaves its own assertions out."""
    if not sound:
        raise _BrokenPromiseError(problem)


def _close(one: Any, other: Any, what: str, *, rtol: float = 0.0) -> None:
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    near = np.allclose(one, other, rtol=rtol, atol=1e-9, equal_nan=True)
    _expect(near, f"{what} differ: {one.ravel()[:3]} against {other.ravel()[:3]}")


def _equal(one: Forecast, other: Forecast, what: str) -> None:
    if one.customers is not None and other.customers is not None:
        _same_table(one.customers, other.customers, what)
    _same_table(one.periods, other.periods, what)


def _same_table(one: pd.DataFrame, other: pd.DataFrame, what: str) -> None:
    try:
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    except AssertionError as error:
        raise _BrokenPromiseError(f"{what}: {error}") from None
