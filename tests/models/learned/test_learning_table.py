"""The learning table: past days and their windows, features of the past, outcomes after it."""

import sys
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon, Window, day_number
from forecast.customer_days import CustomerDays
from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger
from forecast.models.learned.learning_table import LearningTable, past_days
from forecast.processes import BGNBD, ParetoNBD
from forecast.views import customer_summary


def window_of(ledger: Ledger, horizon: str) -> Window:
    return Horizon.parse(horizon).window(ledger.cutoff)


def steady(customers: int, days: int, now: int = 20_000) -> CustomerDays:
    """Everyone buys on the first day alone."""
    start = np.full(customers, now - days + 1)
    ids = pd.Index([f"c{number}" for number in range(customers)])
    return CustomerDays(ids, np.arange(customers), start, None, int(start[0]), now)


def ahead(days: int) -> Window:
    first = date(2024, 10, 5)
    return Window(first, first + timedelta(days=days))


class TestPastDays:
    def test_half_a_window_apart_newest_first(self) -> None:
        found, length = past_days(steady(30, 1000), ahead(182))
        assert length == 182
        assert [20_000 - each for each in found] == [182, 273, 364, 455]

    def test_at_least_four_weeks_apart(self) -> None:
        found, length = past_days(steady(30, 1000), ahead(7))
        assert length == 7
        assert [20_000 - each for each in found] == [7, 35, 63, 91]

    def test_a_short_history_is_halved(self) -> None:
        found, length = past_days(steady(30, 200), ahead(364))
        # windows of 100 days; the next past day has 50 days before it, the one after it none
        assert length == 100
        assert [20_000 - each for each in found] == [100, 150]

    def test_the_fewest_that_are_enough(self) -> None:
        found, length = past_days(steady(30, 56), ahead(91))
        assert (20_000 - found[0], length) == (28, 28)
        with pytest.raises(TooLittleDataError, match="history of 54 days with 30 customers"):
            past_days(steady(30, 54), ahead(91))
        with pytest.raises(TooLittleDataError, match="29 customers"):
            past_days(steady(29, 1000), ahead(91))
        with pytest.raises(TooLittleDataError, match="such as OwnRate"):
            past_days(steady(500, 1), ahead(91))


class TestTable:
    def test_outcomes_are_the_actuals_of_the_past_days(self, cut: Ledger) -> None:
        table = LearningTable.of(cut, window_of(cut, "13W"))
        assert (table.days, table.has_value, table.notes) == (91, True, ())
        assert len(table.past) == 4
        for number, rows in enumerate(table.past):
            day = cut.cutoff - timedelta(days=91 + 45 * number)
            actual = cut.actuals(day, "91D")
            assert list(rows.features.index) == list(actual.index)
            np.testing.assert_array_equal(rows.purchases, actual["purchases"])
            np.testing.assert_allclose(rows.value, actual["value"])
        assert table.today.purchases is table.today.value is None
        assert list(table.today.features.index) == list(customer_summary(cut).index)

    def test_expectations_are_those_of_processes_fitted_on_that_day(self, cut: Ledger) -> None:
        table = LearningTable.of(cut, window_of(cut, "13W"))
        past = customer_summary(cut.cut(cut.cutoff - timedelta(days=91)))
        history = past["frequency"], past["recency"] / 7, past["T"] / 7
        each = [
            process.fit(*history, unit="weeks").process.expected_purchases(13.0, *history)
            for process in (BGNBD, ParetoNBD)
        ]
        np.testing.assert_allclose(table.past[0].expected, np.mean(each, axis=0), rtol=1e-4)
        logs = table.past[0].features[["log_bgnbd", "log_pareto_nbd"]].to_numpy()
        np.testing.assert_allclose(logs, np.log(np.array(each).T + 1e-4), rtol=1e-3, atol=1e-4)

    def test_expected_order_values_lie_between_the_own_mean_and_that_of_all(
        self, cut: Ledger
    ) -> None:
        table, people = LearningTable.of(cut, window_of(cut, "13W")), customer_summary(cut)
        own = people["total_value"] / people["n_purchases"]
        found = table.today.order_value
        assert found is not None
        assert np.corrcoef(found, own)[0, 1] > 0.9
        assert found.std() < own.std()
        assert found.mean() == pytest.approx(own.mean(), rel=0.1)

    def test_a_past_day_knows_nothing_of_what_came_after(
        self, orders: pd.DataFrame, cut: Ledger, ledger_of: Callable[..., Ledger]
    ) -> None:
        day = pd.Timestamp(cut.cutoff - timedelta(days=91))
        late = orders["date"] > day
        changed = orders.assign(amount=orders["amount"].where(~late, 900.0))
        extra = orders[late].assign(customer_id="Z1", date=orders["date"][late])
        dropped = orders[~late]
        one = LearningTable.of(cut, window_of(cut, "13W")).past[0]
        for log in (changed, pd.concat([orders, extra]), dropped):
            other = ledger_of(log, cutoff=str(cut.cutoff))
            rows = LearningTable.of(other, window_of(other, "13W")).past[0]
            pd.testing.assert_frame_equal(rows.features, one.features)
            np.testing.assert_array_equal(rows.expected, one.expected)
            np.testing.assert_array_equal(rows.order_value, one.order_value)

    def test_features_do_not_depend_on_the_currency(
        self, orders: pd.DataFrame, cut: Ledger, ledger_of: Callable[..., Ledger]
    ) -> None:
        cents = ledger_of(orders.assign(amount=orders["amount"] * 100), cutoff=str(cut.cutoff))
        one, other = (LearningTable.of(each, window_of(each, "13W")) for each in (cut, cents))
        for rows, same in zip((*one.past, one.today), (*other.past, other.today), strict=True):
            pd.testing.assert_frame_equal(rows.features, same.features, rtol=1e-4)
            np.testing.assert_allclose(same.order_value, 100 * rows.order_value, rtol=1e-4)
        bought = one.today.features["mean_value"] * customer_summary(cut)["n_purchases"]
        assert bought.sum() / len(cut.purchases()) == pytest.approx(30.0)

    def test_features_do_not_depend_on_who_is_who_to_the_last_bit(
        self, orders: pd.DataFrame, cut: Ledger, ledger_of: Callable[..., Ledger]
    ) -> None:
        turned = orders.assign(customer_id=orders["customer_id"].map(lambda each: each[::-1]))
        other = ledger_of(turned, cutoff=str(cut.cutoff))
        one, two = (LearningTable.of(each, window_of(each, "13W")) for each in (cut, other))
        for rows, same in zip((*one.past, one.today), (*two.past, two.today), strict=True):
            matched = same.features.loc[[each[::-1] for each in rows.features.index]]
            np.testing.assert_array_equal(rows.features.to_numpy(), matched.to_numpy())

    def test_a_short_history_says_so(self, cut: Ledger) -> None:
        short = cut.cut("2022-06-30")
        table = LearningTable.of(short, window_of(short, "39W"))
        history = day_number(short.cutoff) - day_number(short.first_day) + 1
        assert table.days == history // 2
        assert f"learned from windows of {table.days} days" in table.notes[0]

    def test_without_amounts(self, orders: pd.DataFrame, ledger_of: Callable[..., Ledger]) -> None:
        ledger = ledger_of(orders, money=False, cutoff="2023-10-01")
        table = LearningTable.of(ledger, window_of(ledger, "13W"))
        assert not table.has_value
        assert table.today.order_value is None
        assert table.past[0].value is None
        assert not [name for name in table.today.features if "value" in name]

    def test_each_window_has_its_own_table(self, cut: Ledger) -> None:
        one = LearningTable.of(cut, window_of(cut, "13W"))
        assert LearningTable.of(cut, window_of(cut, "13W")) is one
        other = LearningTable.of(cut, window_of(cut, "8W"))
        assert other.days == 56
        assert LearningTable.of(cut.cut("2023-09-01"), window_of(cut, "13W")) is not one

    def test_more_rows_than_are_needed_are_sampled(
        self, cut: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules[LearningTable.__module__], "MOST_ROWS", 600)
        everyone = cut.cut("2023-09-30")
        table = LearningTable.of(everyone, window_of(everyone, "13W"))
        assert sum(len(rows.features) for rows in table.past) < 700
        assert len(table.today.features) == len(customer_summary(everyone))
        again = cut.cut("2023-09-30")
        same = LearningTable.of(again, window_of(again, "13W"))
        assert list(same.past[0].features.index) == list(table.past[0].features.index)
