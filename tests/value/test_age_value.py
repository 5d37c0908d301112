"""The value of a new customer by age: a chain of cohorts by hand."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ColumnError, UsageError
from forecast.value.age_value import value_by_age
from forecast.value.margin import Margin

ROWS = [
    ("a", "2024-01-01", 100.0, "ads"), ("a", "2024-02-15", 60.0, "ads"),
    ("b", "2024-02-10", 40.0, "ads"), ("b", "2024-02-20", 20.0, "ads"),
    ("c", "2024-03-15", 50.0, "ads"),
]  # fmt: skip


def test_a_chain_of_cohorts_by_hand(ledger_of):
    # up to 30 days: a 100, b 60; c is too young. From 30 to 60: a 60 alone (b has lived 50 days)
    ledger = ledger_of(ROWS)
    table = value_by_age(ledger, margin=0.5, by="channel", ages=["30D", "60D", "180D"])
    assert table[["age", "customers", "value"]].to_numpy().tolist() == [
        ["30D", 2, 40.0], ["60D", 1, 70.0]
    ]  # fmt: skip


def test_discount_and_cost_per_order_by_hand(ledger_of):
    table = value_by_age(ledger_of(ROWS), margin=Margin(0.5, per_order=2.0), rate=0.21,
                         by="channel", ages=["30D", "60D"])  # fmt: skip
    first = (48 + 18 + 8 * 1.21 ** (-10 / 365.25)) / 2
    second = first + 28 * 1.21 ** (-45 / 365.25)
    np.testing.assert_allclose(table["value"], [first, second])


def test_expected_revenue_becomes_margin_beside_it(ledger_of):
    expected = pd.DataFrame(
        [("ads", "30D", 90.0, 80.0, 99.0), ("ads", "180D", 200.0, 150.0, 260.0)],
        columns=["group", "age", "expected_value", "value_lo_90", "value_hi_90"],
    )
    table = value_by_age(ledger_of(ROWS), margin=0.5, by="channel",
                         ages=["30D", "60D", "180D"], expected=expected)  # fmt: skip
    assert table["expected"].iloc[[0, 2]].tolist() == [45.0, 100.0]
    assert table["expected_hi_90"].iloc[2] == 130.0
    assert np.isnan(table["value"].iloc[2])
    assert table["customers"].tolist() == [2, 1, 0]


def test_it_takes_the_newcomers_forecast(sold):
    found = value_by_age(sold, margin=0.4, by="channel",
                         expected=fc.newcomer_value(sold, by="channel", draws=20))  # fmt: skip
    both = found.dropna(subset=["value", "expected"])
    assert len(both) >= 12
    assert np.corrcoef(both["value"], both["expected"])[0, 1] > 0.8


def test_cohorts_and_columns_and_what_is_neither(sold):
    cohorts = value_by_age(sold, margin=0.4)
    assert cohorts["group"].is_monotonic_increasing
    assert (cohorts["lo"] < cohorts["value"]).all()
    with pytest.raises(ColumnError, match="'country'"):
        value_by_age(sold, margin=0.4, by="country")
    with pytest.raises(UsageError, match="must rise"):
        value_by_age(sold, margin=0.4, ages=["90D", "30D"])
