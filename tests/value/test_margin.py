"""Margins as a share, a column, a cost per order, and what is no margin."""

import numpy as np
import pandas as pd
import pytest

from forecast.errors import DataError, UsageError
from forecast.value.margin import Margin

ROWS = [
    ("a", "2024-01-01", 100.0, "ads", 30.0),
    ("a", "2024-02-15", 60.0, "ads", 18.0),
    ("b", "2024-01-10", 40.0, "mail", 12.0),
]


def test_share_and_cost_per_order_by_hand(four):
    earned = Margin(0.4, per_order=5.0).of_purchases(four)
    assert earned["margin"].tolist() == pytest.approx([35.0, 19.0, 11.0, 15.0, 7.0])


def test_own_shares_by_customer(four):
    own = pd.Series({"d": 0.1, "c": 0.5, "b": 0.2, "a": 1.0})
    assert Margin(own).of_purchases(four)["margin"].tolist() == [100.0, 60.0, 8.0, 25.0, 3.0]
    assert Margin(own).shares(pd.Index(["b", "a"]), four).tolist() == [0.2, 1.0]


def test_column_is_the_past_and_its_pooled_ratio_the_future(ledger_of):
    ledger = ledger_of(ROWS, more=["profit"], purchase_columns=["profit"])
    margin = Margin.parse("profit")
    assert margin.of_purchases(ledger)["margin"].tolist() == [30.0, 18.0, 12.0]
    assert margin.shares(pd.Index(["a", "b"]), ledger).tolist() == [60 / 200] * 2


@pytest.mark.parametrize("share", [40, 1.01, np.nan, np.inf, "40 %", True, None])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(UsageError, match="margin"):
        Margin(share)


def test_a_customer_without_a_share_is_named(four):
    with pytest.raises(UsageError, match="1 customers have none: 'd'"):
        Margin(pd.Series({"a": 0.1, "b": 0.1, "c": 0.1})).of_purchases(four)


def test_a_column_the_ledger_does_not_keep_is_named(four):
    with pytest.raises(UsageError, match="purchase_columns"):
        Margin.parse("profit").of_purchases(four)


def test_share_and_column_exclude_each_other():
    with pytest.raises(UsageError, match="not both"):
        Margin(0.4, column="profit")


def test_two_currencies_are_never_added_up(ledger_of):
    rows = [(*row[:4], money) for row, money in zip(ROWS, ("EUR", "USD", "EUR"), strict=True)]
    ledger = ledger_of(rows, more=["currency"], purchase_columns=["currency"])
    with pytest.raises(DataError, match="2 currencies: 'EUR', 'USD'"):
        Margin(0.4).of_purchases(ledger)
