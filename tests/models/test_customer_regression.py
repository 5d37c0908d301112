"""The inner window, comparable features, and what the regression keeps."""

import warnings
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.customer_regression import CustomerRegression, _comparable
from forecast.models.inner_window import inner_window


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


class TestInnerWindow:
    def test_one_horizon_before_the_cutoff(self, long: Ledger) -> None:
        inner = inner_window(long, Horizon.parse("13W").window(long.cutoff))
        assert inner.past.cutoff == date(2024, 2, 13)
        assert (inner.days, inner.stretch, inner.notes) == (91, 1.0, ())
        actual = long.actuals(inner.past.cutoff, "13W")
        pd.testing.assert_frame_equal(inner.outcome, actual)

    def test_half_of_a_short_history(self, long: Ledger) -> None:
        inner = inner_window(long, Horizon.parse("52W").window(long.cutoff))
        assert inner.days == 250
        assert inner.stretch == pytest.approx(364 / 250)
        assert "learned from the last 250 days" in inner.notes[0]

    def test_too_short_or_too_few(self) -> None:
        rows = shop(500, 29)
        with pytest.raises(TooLittleDataError, match="29 customers"):
            inner_window(
                ledger_of(rows, "2024-05-14"), Horizon.parse("4W").window(date(2024, 5, 14))
            )
        short = ledger_of(rows, "2024-05-14").cut("2023-02-23")
        with pytest.raises(TooLittleDataError, match="54 days up to 2023-02-23"):
            inner_window(short, Horizon.parse("13W").window(short.cutoff))


class TestComparable:
    def test_features_are_standardised_clipped_or_left_out(self) -> None:
        then = pd.DataFrame({"a": np.arange(100.0), "old": np.arange(100.0), "same": np.ones(100)})
        now = pd.DataFrame({"a": [-5.0] + [49.5] * 99, "old": [300.0] * 100, "same": np.ones(100)})
        features, today, left_out = _comparable(then, now)
        assert left_out == ["old"]
        assert features.shape == (100, 1)
        assert features.mean() == pytest.approx(0, abs=1e-12)
        assert features.std() == pytest.approx(1)
        assert today[0, 0] == pytest.approx(features[0, 0])  # -5 counts as 0, the lowest seen
        assert today[1, 0] == pytest.approx(0, abs=1e-12)


class TestCustomerRegression:
    def test_steady_customers_are_ranked_and_levelled(self, long: Ledger) -> None:
        cut = long.cut("2024-02-13")
        f = CustomerRegression().fit(cut).forecast("13W", draws=0)
        assert f.customers is not None
        actual = long.actuals(cut.cutoff, "13W")
        for kind in ("purchases", "value"):
            expected = f.customers[f"expected_{kind}"]
            assert np.corrcoef(expected, actual[kind])[0, 1] > 0.7
            assert expected.sum() == pytest.approx(actual[kind].sum(), rel=0.2)

    def test_targets_of_a_short_history_are_scaled_by_days(self, long: Ledger) -> None:
        model = CustomerRegression(estimator=DummyRegressor()).fit(long)
        inner = inner_window(long, Horizon.parse("52W").window(long.cutoff))
        f = model.forecast("52W", draws=0)
        assert f.customers is not None
        mean = inner.outcome.mean() * 364 / 250
        np.testing.assert_allclose(f.customers["expected_purchases"], mean["purchases"])
        np.testing.assert_allclose(f.customers["expected_value"], mean["value"])
        assert "scaled by days" in f.notes[0]

    def test_estimator_is_cloned(self, long: Ledger) -> None:
        mine = DummyRegressor()
        CustomerRegression(estimator=mine).fit(long).forecast("13W", draws=0)
        assert not hasattr(mine, "constant_")

    @pytest.mark.parametrize("estimator", ["trees", 3])
    def test_estimator_is_checked(self, long: Ledger, estimator: Any) -> None:
        with pytest.raises(UsageError, match="estimator"):
            CustomerRegression(estimator=estimator).fit(long)

    def test_expectations_are_never_negative_and_keep_the_trained_mean(self, long: Ledger) -> None:
        model = CustomerRegression()
        rng = np.random.default_rng(0)
        features = rng.standard_normal((300, 3))
        target = np.maximum(features[:, 0] * 3, 0)
        then, now = model._regress(features, target, features[:10])
        assert (then >= 0).all()
        assert (now == 0).any()
        assert then.mean() == pytest.approx(target.mean())
        np.testing.assert_allclose(now, then[:10])

    def test_nobody_bought_in_the_inner_window(self) -> None:
        rows = shop(500, 60)
        quiet = ledger_of(rows[rows["date"] < "2023-05-01"], "2024-05-14")
        f = CustomerRegression().fit(quiet).forecast("13W", draws=20)
        assert f.customers is not None
        assert (f.customers[["expected_purchases", "expected_value"]] == 0).all(axis=None)
