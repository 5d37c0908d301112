"""Cost per customer by channel, campaign and month; every unusual row has a sentence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.errors import BadRowsError, ColumnError, DataError, UsageError
from forecast.ledger.amounts import Notation
from forecast.value.acquisition import acquisition_cost
from forecast.value.spend_table import read_spend, written_costs

SPEND = pd.DataFrame(
    [("2024-01-05", "ads", 60.0), ("2024-02-05", "ads", 40.0), ("2024-02-01", "mail", 30.0),
     ("2024-02-01", "tv", 25.0), ("2024-03-01", None, 5.0)],
    columns=["date", "channel", "cost"],
)  # fmt: skip


def said(notes, words):
    return [note for note in notes if words in note]


def test_cac_by_channel_by_hand(four):
    found = acquisition_cost(four, SPEND)
    table = found.table
    assert table["customers"].to_dict() == {
        "(none)": 0, "ads": 2, "mail": 1, "organic": 1, "tv": 0
    }  # fmt: skip
    assert table["cac"].dropna().to_dict() == {"ads": 50.0, "mail": 30.0}
    assert np.isnan(table.loc["organic", "cost"])
    assert table["cost"].sum() == SPEND["cost"].sum()
    assert said(found.notes, "1 group has spend but no customers")[0].endswith("'tv'.")
    assert said(found.notes, "no row in the spend table")[0].endswith("'organic'.")
    assert said(found.notes, "a cost of 5.00 carry no label. They are shown, not spread")
    assert found.lost.tolist() == [False, False, False, False, True]


def test_cac_by_channel_and_month(four):
    table = acquisition_cost(four, SPEND, by=("channel", "month")).table
    assert table.loc[("ads", "2024-01"), "cac"] == 30.0
    assert table.loc[("ads", "2024-02"), "cost"] == 40.0
    assert np.isnan(table.loc[("ads", "2024-02"), "cac"])
    assert table["customers"].sum() == 4
    by_month = acquisition_cost(four, SPEND, by="month").table
    assert by_month["cac"].to_dict() == {"2024-01": 30.0, "2024-02": 95.0, "2024-03": 5.0}


def test_a_recorded_cost_of_nothing_is_not_an_unknown_one(four):
    free = pd.concat([SPEND, pd.DataFrame([("2024-01-01", "organic", 0.0)], columns=SPEND.columns)])
    found = acquisition_cost(four, free)
    assert found.table.loc["organic", "cac"] == 0.0
    assert said(found.notes, "recorded cost of 0")


def test_customers_without_a_channel_and_spend_without_one_make_no_cac(ledger_of):
    ledger = ledger_of([("a", "2024-01-01", 9.0, None), ("b", "2024-01-02", 9.0, "ads")])
    found = acquisition_cost(ledger, SPEND)
    assert found.table.loc["(none)", ["customers", "cost"]].tolist() == [1, 5.0]
    assert np.isnan(found.table.loc["(none)", "cac"])
    assert said(found.notes, "1 customers and a cost of 5.00")


def test_spend_outside_the_log_is_left_out_and_counted(four):
    odd = pd.concat([SPEND, pd.DataFrame(
        [("2024-03-31", "ads", 7.0), ("2023-12-31", "ads", 8.0)], columns=SPEND.columns
    )])  # fmt: skip
    found = acquisition_cost(four, odd)
    assert found.table.loc["ads", "cost"] == 100.0
    assert said(found.notes, "1 spend rows (7.00) lie after the cutoff 2024-03-30")
    assert said(found.notes, "1 spend rows (8.00) lie before the month")


def test_customers_from_before_the_spend_table_are_left_out_and_counted(four):
    found = acquisition_cost(four, SPEND[SPEND["date"] >= "2024-02-01"])
    assert found.table["customers"].sum() == 2
    assert found.groups.tolist().count(-1) == 2
    assert said(found.notes, "2 customers were acquired before the month in which")


def test_customers_from_after_the_spend_table_are_left_out_and_counted(four):
    found = acquisition_cost(four, SPEND[SPEND["date"] < "2024-02-01"])
    assert found.table["customers"].to_dict() == {"ads": 2}
    assert found.table.loc["ads", "cac"] == 30.0
    assert said(found.notes, "2 customers were acquired after the month in which")
    late = acquisition_cost(four, SPEND.assign(date="2024-02-10"))
    assert late.groups.tolist().count(-1) == 3
    assert said(late.notes, "2 customers were acquired before the month")
    assert said(late.notes, "1 customers were acquired after the month")


def test_months_without_spend_of_a_group_that_has_some_are_said(four):
    rows = [("2024-02-01", "ads", 40.0), ("2024-01-01", "mail", 30.0), ("2024-03-01", "mail", 9.0)]
    found = acquisition_cost(four, pd.DataFrame(rows, columns=SPEND.columns))
    (note,) = said(found.notes, "counts as a cost of 0")
    assert note.startswith("3 customers came in months")
    assert note.endswith("'ads', 'mail'.")
    assert not said(acquisition_cost(four, SPEND).notes, "counts as a cost of 0")


@pytest.mark.parametrize("spend", [SPEND.iloc[:0], SPEND.assign(date="2025-01-01")])
def test_a_spend_table_without_a_row_inside_the_log_is_refused(four, spend):
    with pytest.raises(DataError, match="no row between 2024-01-01 and the cutoff 2024-03-30"):
        acquisition_cost(four, spend)


def test_monthly_spend_and_a_cutoff_inside_a_month_is_said(four):
    monthly = pd.DataFrame({"date": ["2024-01-01", "2024-03-01"], "channel": "ads", "cost": 9.0})
    assert said(acquisition_cost(four, monthly).notes, "not yet seen")


def test_first_touch_decides_up_to_the_first_purchase(four):
    touches = pd.DataFrame(
        [("a", "2023-12-20", "mail"), ("a", "2023-12-01", "tv"), ("b", "2024-02-01", "ads"),
         ("c", "2024-02-01", "ads"), ("stranger", "2024-01-01", "ads")],
        columns=["customer_id", "date", "channel"],
    )  # fmt: skip
    found = acquisition_cost(four, SPEND, first_touch=touches)
    labels = found.table.index[found.groups]
    assert labels.tolist() == ["tv", "(none)", "ads", "(none)"]  # b was touched too late
    shuffled = acquisition_cost(four, SPEND.iloc[::-1], first_touch=touches.iloc[::-1])
    pd.testing.assert_frame_equal(found.table, shuffled.table)


def test_tables_given_stay_as_they_are(four):
    touches = pd.DataFrame({"customer_id": [7, 8], "channel": ["mail", "ads"]})
    spend, before = SPEND.copy(), touches.copy()
    acquisition_cost(four, spend, first_touch=touches)
    pd.testing.assert_frame_equal(touches, before)
    pd.testing.assert_frame_equal(spend, SPEND)


def test_two_touches_without_a_date_are_refused(four):
    touches = pd.DataFrame({"customer_id": ["a", "a"], "channel": ["x", "y"]})
    with pytest.raises(UsageError, match="touched twice"):
        acquisition_cost(four, SPEND, first_touch=touches)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"cost": ["x", 1, 1, 1, 1]}, BadRowsError, "'cost'.*not an amount of money in 1 row"),
        ({"cost": [-3.0, 1, 1, 1, 1]}, BadRowsError, "a negative cost in 1 row"),
        ({"cost": [np.nan, np.inf, 1, 1, 1]}, BadRowsError, "in 2 rows"),
        ({"date": ["05.01.2024", *["2024-01-01"] * 4]}, BadRowsError, "'date'.*not a day"),
        ({"currency": ["EUR", "USD", "EUR", "EUR", "EUR"]}, DataError, "2 currencies"),
    ],
)
def test_bad_spend_is_refused_by_name(change, error, words):
    with pytest.raises(error, match=words):
        read_spend(SPEND.assign(**change))


def test_a_wrong_cost_is_shown_with_its_row():
    with pytest.raises(
        BadRowsError, match=r"First: 'x' \(row 2\), '' \(row 5\)\. Write 0"
    ) as caught:
        read_spend(SPEND.assign(cost=["1", "x", "2.5", "3", ""]))
    assert caught.value.places == ["row 2", "row 5"]


@pytest.mark.parametrize(
    ("texts", "notation", "numbers"),
    [
        (["$1200.50", "-$3", "$ 0"], Notation(), [1200.5, -3.0, 0.0]),
        (["1.200,50 \u20ac", "80 \u20ac", "0 \u20ac"], Notation(",", "."), [1200.5, 80.0, 0.0]),
        (["1'200.50", "1200", " 3 "], Notation(".", "'"), [1200.5, 1200.0, 3.0]),
        (["1.234", "2.500", "980"], Notation(",", "."), [1234.0, 2500.0, 980.0]),
        (["1.234", "12.5", "980"], Notation(",", "."), [1.234, 12.5, 980.0]),  # plain alone
        ([1200.5, "80", 0], Notation(), [1200.5, 80.0, 0.0]),
    ],
)
def test_costs_are_read_as_amounts_are(texts, notation, numbers):
    assert written_costs(pd.Series(texts, name="cost"), notation).tolist() == numbers


@pytest.mark.parametrize(
    ("texts", "notation", "rows"),
    [
        (["1200.50", "1.200,50"], Notation(), ["row 2"]),
        (["1,5", "1.234"], Notation(","), ["row 2"]),  # not said which sign is of thousands
        (["1.234", "980"], Notation(","), ["row 1"]),  # nor here: 1.234 may be a thousand
        (["5 EUR", "6"], Notation(), ["row 1"]),
        (["5", None, "nan", "inf"], Notation(), ["row 2", "row 3", "row 4"]),
        (["1e999", "1"], Notation(), ["row 1"]),
    ],
)
def test_costs_that_may_be_something_else_are_refused(texts, notation, rows):
    with pytest.raises(BadRowsError, match="not an amount of money") as caught:
        written_costs(pd.Series(texts, name="cost"), notation)
    assert caught.value.places == rows


def test_costs_in_two_currencies_are_refused():
    with pytest.raises(
        DataError, match=r"'cost' of the spend table: amounts in several currencies"
    ):
        written_costs(pd.Series(["5 EUR", "6 USD"], name="cost"))


def test_missing_columns_are_named(four):
    with pytest.raises(ColumnError, match="no column 'cost'"):
        read_spend(SPEND.drop(columns="cost"))
    with pytest.raises(ColumnError, match="'campaign'"):
        acquisition_cost(four, SPEND.assign(campaign="x"), by=("channel", "campaign"))


def test_log_and_spend_in_different_currencies_are_refused(ledger_of):
    ledger = ledger_of([("a", "2024-01-01", 9.0, "ads", "EUR")], more=["currency"],
                       customer_columns=["channel", "currency"])  # fmt: skip
    with pytest.raises(DataError, match=r"'EUR'.*'USD'"):
        acquisition_cost(ledger, SPEND.assign(currency="USD"))
    assert acquisition_cost(ledger, SPEND.assign(currency="EUR")).table.loc["ads", "cac"] == 100
    pounds = replace(ledger_of([("a", "2024-01-01", 9.0, "ads")]), currency="GBP")
    with pytest.raises(UsageError, match="'GBP', but the spend table says 'EUR'"):
        acquisition_cost(pounds, SPEND.assign(currency="EUR"))
    assert acquisition_cost(pounds, SPEND.assign(currency="GBP")).table.loc["ads", "cac"] == 100


def test_polars_spend_reads_alike(four):
    polars = pytest.importorskip("polars")
    theirs = acquisition_cost(
        four, polars.DataFrame(SPEND.astype(object).where(SPEND.notna(), None).to_dict("list"))
    ).table
    pd.testing.assert_frame_equal(theirs, acquisition_cost(four, SPEND).table)
