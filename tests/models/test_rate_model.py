"""A model that gives rates alone forecasts Poisson purchases, and says which rates are wrong."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError, NotFittedError
from forecast.testing import check_forecaster


@dataclass
class Steady(fc.RateModel):
    """Everybody buys every tenth day, for 5."""

    rate: float = 0.1

    def fit(self, ledger: fc.Ledger) -> Self:
        people = fc.customer_summary(ledger)
        self.rates_ = people[[]].assign(purchases_a_day=self.rate, order_value=5.0)
        self.ledger_ = ledger
        return self


@pytest.fixture(scope="module")
def ledger() -> fc.Ledger:
    return fc.read_ledger(fc.simulate_shop(60, seed=3).orders, key=())


def test_rate_times_days_and_poisson_bounds(ledger: fc.Ledger) -> None:
    found = Steady().fit(ledger).forecast("10D", draws=4000)
    assert found.customers is not None
    assert found.customers["expected_purchases"].eq(1.0).all()
    assert found.customers["expected_value"].eq(5.0).all()
    np.testing.assert_allclose(found.customers["p_active"], 1 - np.exp(-1))
    assert found.customers["purchases_hi_90"].eq(3.0).all()  # Poisson(1): P(<= 3) = .981
    assert found.periods["expected_purchases"].to_list() == pytest.approx([6.0] * 10)


@dataclass
class Shrunk(fc.RateModel):
    """Everybody goes on at his own rate, pulled towards that of all."""

    days: float = 90.0

    def fit(self, ledger: fc.Ledger) -> Self:
        people = fc.customer_summary(ledger)
        pooled = people["frequency"].sum() / (people["T"].sum() + 1)
        rate = (people["frequency"] + self.days * pooled) / (people["T"] + self.days)
        value = people["total_value"] / people["n_purchases"]
        self.rates_ = pd.DataFrame({"purchases_a_day": rate, "order_value": value})
        self.ledger_ = ledger
        return self


@pytest.mark.usefixtures("read_once")
def test_it_complies() -> None:
    check_forecaster(Shrunk())


def test_an_amount_of_its_own_making_is_found() -> None:
    with pytest.raises(AssertionError, match="money scales"):
        check_forecaster(Steady())


def test_settings_are_those_of_the_subclass() -> None:
    assert Steady(0.2).get_params() == {"rate": 0.2}


def test_before_a_fit() -> None:
    with pytest.raises(NotFittedError):
        Steady().forecast("4W")


def test_new_customers_come_with_it(ledger: fc.Ledger) -> None:
    fitted = Steady().fit(ledger)
    parts = [fitted.forecast("4W", population=each, draws=0) for each in ("existing", "new")]
    total = sum(each.periods["expected_purchases"].sum() for each in parts)
    everybody = fitted.forecast("4W", population="all", draws=0)
    assert everybody.periods["expected_purchases"].sum() == pytest.approx(total)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1])
def test_a_rate_that_is_none_is_refused(ledger: fc.Ledger, wrong: float) -> None:
    model = Steady().fit(ledger)
    assert model.rates_ is not None
    model.rates_.iloc[0, 0] = wrong
    first = model.rates_.index[0]
    with pytest.raises(ModelError, match=f"1 of 60 .*'{first}'"):
        model.forecast("4W")


def test_an_order_value_is_known_for_all_or_for_none(ledger: fc.Ledger) -> None:
    model = Steady().fit(ledger)
    assert model.rates_ is not None
    rates = model.rates_
    model.rates_ = rates.assign(order_value=np.nan)
    customers: Any = model.forecast("4W", draws=0).customers
    assert customers["expected_value"].isna().all()
    model.rates_ = rates.assign(order_value=[np.nan, *[5.0] * 59])
    with pytest.raises(ModelError, match="order value"):
        model.forecast("4W")


def test_money_is_that_of_the_log(ledger: fc.Ledger) -> None:
    silent = Steady().fit(ledger)
    assert silent.rates_ is not None
    silent.rates_ = silent.rates_.drop(columns="order_value")
    assert "No order value is given" in silent.forecast("4W", draws=0).notes[-1]
    orders = fc.simulate_shop(60, seed=3).orders.drop(columns="amount")
    without = Steady().fit(fc.read_ledger(orders, key=())).forecast("4W", draws=0)
    assert without.periods["expected_value"].isna().all()
    assert without.notes == ()


def test_rates_are_of_the_customers_of_the_ledger(ledger: fc.Ledger) -> None:
    model = Shrunk().fit(ledger)
    rates, usual = model.rates_, model.forecast("4W", draws=0).customers
    assert rates is not None
    model.rates_ = rates.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(model.forecast("4W", draws=0).customers, usual)
    for broken in (rates.iloc[1:], rates.reset_index(drop=True), pd.concat([rates, rates])):
        model.rates_ = broken
        with pytest.raises(ModelError, match="one row for each of the 60 customers"):
            model.forecast("4W")
    for broken in (rates["purchases_a_day"], rates.drop(columns="purchases_a_day"), None):
        model.rates_ = broken
        with pytest.raises(ModelError, match="a DataFrame with purchases_a_day"):
            model.forecast("4W")
    model.rates_ = rates.astype(object).replace({rates.iloc[0, 0]: "often"})
    with pytest.raises(ModelError, match="no number"):
        model.forecast("4W")


def test_a_forecast_asks_who_the_customers_are_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = fc.simulate_shop(60, seed=3).orders
    ledger = fc.read_ledger(orders, key=(), customer_columns=["channel"])
    model, people = Steady().fit(ledger), fc.customer_summary(ledger)

    def refuse(_: fc.Ledger) -> pd.DataFrame:
        raise AssertionError("the columns of customers are not needed")

    monkeypatch.setattr(fc.Ledger, "attributes", refuse)
    found = model.forecast("4W", draws=0).customers
    assert found is not None
    pd.testing.assert_index_equal(found.index, people.index)
