"""What the regression of customers on features promises."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from forecast.calendar import Horizon
from forecast.errors import NotFittedError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.learned.learning_table import LearningTable
from forecast.models.learned.regressions import LEARNERS


def shop(days: int, customers: int = 200, seed: int = 0) -> pd.DataFrame:
    """Steady customers: everyone is there on day 0 and buys at his own rate."""
    rng = np.random.default_rng(seed)
    parts = []
    for number, rate in enumerate(rng.gamma(1.0, 0.03, customers)):
        bought = np.union1d(np.flatnonzero(rng.random(days) < rate), [0])
        parts.append(
            pd.DataFrame(
                {"who": f"c{number:03d}", "day": bought, "amount": rng.integers(5, 50, len(bought))}
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table["date"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(table.pop("day"), unit="D")
    return table


def ledger_of(rows: pd.DataFrame, cutoff: str) -> Ledger:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(rows, customer="who", date="date", value="amount", cutoff=cutoff)


@pytest.fixture(scope="module")
def long() -> Ledger:
    return ledger_of(shop(500), "2024-05-14")


@pytest.fixture(scope="module")
def cut(long: Ledger) -> Ledger:
    return long.cut("2024-02-13")


@pytest.mark.parametrize("around", ["mean", "btyd"])
@pytest.mark.parametrize("method", LEARNERS)
def test_steady_customers_are_ranked_and_levelled(
    method: str, around: Any, long: Ledger, cut: Ledger
) -> None:
    f = CustomerRegression(method, around).fit(cut).forecast("13W", draws=0)
    assert f.customers is not None
    actual = long.actuals(cut.cutoff, "13W")
    for kind in ("purchases", "value"):
        expected = f.customers[f"expected_{kind}"]
        assert np.corrcoef(expected, actual[kind])[0, 1] > 0.7
        assert expected.sum() == pytest.approx(actual[kind].sum(), rel=0.2)


def test_the_level_is_that_of_the_whole_horizon(long: Ledger) -> None:
    f = CustomerRegression(DummyRegressor()).fit(long).forecast("52W", draws=0)
    assert f.customers is not None
    table = LearningTable.of(long, Horizon.parse("52W").window(long.cutoff))
    assert table.days == 250
    np.testing.assert_allclose(f.customers["expected_purchases"], table.today.expected.mean())
    assert "learned from windows of 250 days" in f.notes[0]
    bought = long.actuals("2023-05-16", "52W")["purchases"].sum()
    assert f.customers["expected_purchases"].sum() == pytest.approx(bought, rel=0.1)


def test_any_regressor_is_cloned(long: Ledger) -> None:
    mine = DummyRegressor()
    CustomerRegression(mine).fit(long).forecast("13W", draws=0)
    assert not hasattr(mine, "constant_")


@pytest.mark.parametrize("method", ["trees", 3, None])
def test_the_method_is_checked(long: Ledger, method: Any) -> None:
    with pytest.raises(UsageError, match="method"):
        CustomerRegression(method).fit(long)


def test_what_it_goes_around_is_checked(long: Ledger) -> None:
    with pytest.raises(UsageError, match="'median' is neither"):
        CustomerRegression(around="median").fit(long)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        CustomerRegression().forecast("4W")


def test_a_customer_who_stopped_is_expected_to_buy_less(long: Ledger) -> None:
    rows = long.purchases().rename(columns={"customer_id": "who", "value": "amount"})
    busy = rows["who"].value_counts().index[:60]
    gone = set(busy[::2])
    stopped = rows[~(rows["who"].isin(gone) & (rows["date"] > "2023-08-01"))]
    ledger = ledger_of(stopped, "2024-05-14")
    for method in LEARNERS:
        f = CustomerRegression(method).fit(ledger).forecast("13W", draws=0)
        assert f.customers is not None
        expected = f.customers["expected_purchases"]
        assert expected[list(gone)].mean() < 0.3 * expected[list(set(busy) - gone)].mean()


def test_nobody_bought_in_a_past_window() -> None:
    rows = shop(500, 60)
    quiet = ledger_of(rows[rows["date"] < "2023-05-01"], "2024-05-14")
    f = CustomerRegression().fit(quiet).forecast("13W", draws=20)
    assert f.customers is not None
    expected = f.customers["expected_purchases"]
    assert (expected >= 0).all()
    assert expected.sum() < 0.2 * 60
