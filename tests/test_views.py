"""Views by hand, without amounts, and never past the cutoff."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import HorizonError, TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger, read_summary
from forecast.views import (
    cohort_table,
    customer_features,
    customer_ids,
    customer_summary,
    revenue_series,
)

LOG = pd.DataFrame(
    [
        ("a", "2024-01-01", 10.0, "UK"),
        ("a", "2024-01-11", 20.0, "FR"),
        ("a", "2024-02-10", 40.0, "UK"),
        ("b", "2024-01-31", 5.0, None),
        ("b", "2024-03-01", 7.0, "UK"),
        ("c", "2024-02-20", 0.0, "DE"),
    ],
    columns=["c", "d", "v", "country"],
)


def ledger_of(log: pd.DataFrame = LOG, **options: Any) -> Ledger:
    names = {"customer": "c", "date": "d", "value": "v", "cutoff": "2024-03-10"}
    return read_ledger(log, **(names | options))


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return ledger_of(customer_columns="country")


@pytest.fixture(scope="module")
def bare() -> Ledger:
    return ledger_of(value=None)


def test_summary_by_hand(ledger):
    summary = customer_summary(ledger)
    assert summary.index.tolist() == ["a", "b", "c"]
    assert summary.index.name == "customer_id"
    expected = {
        "frequency": [2, 1, 0],
        "recency": [40.0, 30.0, 0.0],
        "T": [69.0, 39.0, 19.0],
        "monetary_value": [30.0, 7.0, 0.0],  # 0 without a repeat purchase, as the field has it
        "n_purchases": [3, 2, 1],
        "n_paid": [3, 2, 0],
        "total_value": [70.0, 12.0, 0.0],
        "first_value": [10.0, 5.0, 0.0],
        "cohort": ["2024-01", "2024-01", "2024-02"],
    }
    for name, values in expected.items():
        assert summary[name].tolist() == values, name
    assert summary["first_purchase"].astype(str).tolist() == [
        "2024-01-01",
        "2024-01-31",
        "2024-02-20",
    ]
    assert summary["last_purchase"].astype(str).tolist() == [
        "2024-02-10",
        "2024-03-01",
        "2024-02-20",
    ]
    assert summary["country"].tolist()[::2] == ["UK", "DE"]
    assert pd.isna(summary.loc["b", "country"])


def test_summary_without_amounts(ledger, bare):
    summary, full = customer_summary(bare), customer_summary(ledger)
    same = ["frequency", "recency", "T", "n_purchases", "first_purchase", "last_purchase", "cohort"]
    pd.testing.assert_frame_equal(summary[same], full[same])
    assert summary[["monetary_value", "total_value", "first_value"]].isna().all(axis=None)


def test_ids_are_the_index_of_the_summary(ledger):
    odd = pd.DataFrame({"c": ["b", "\U0001f600", "\uff21", "Z"], "d": "2024-01-01", "v": 1.0})
    rfm = pd.DataFrame({"frequency": [0, 1], "recency": [0, 2], "T": [5, 6]}, index=["b", "a"])
    summary = read_summary(rfm.rename_axis("customer_id"), unit="days", cutoff="2024-01-31")
    for each in (ledger, ledger.cut("2024-02-01"), ledger_of(odd), summary):
        pd.testing.assert_index_equal(customer_ids(each), customer_summary(each).index)


def test_cohorts_by_hand(ledger):
    table = cohort_table(ledger)
    found = table.set_index(["cohort", "age"])
    # seen until 10 March, a has lived two times 30 days, b one (31 January to 29 February), c none
    assert found.index.tolist() == [("2024-01", 0), ("2024-01", 1)]
    assert found.loc[("2024-01", 0)].tolist() == [2, 2, 3, 35.0]  # a twice, b once
    assert found.loc[("2024-01", 1)].tolist() == [1, 1, 1, 40.0]  # a alone; b is too young
    assert found.columns.tolist() == ["customers", "active", "purchases", "value"]


def test_cohorts_by_a_customer_column(ledger):
    table = cohort_table(ledger, by="country").set_index(["cohort", "age"])
    assert table.index.tolist() == [("(none)", 0), ("UK", 0), ("UK", 1)]  # b is still a customer
    assert table["customers"].tolist() == [1, 1, 1]
    assert table["value"].tolist() == [5.0, 30.0, 40.0]
    with pytest.raises(UsageError, match="'channel' is neither"):
        cohort_table(ledger, by="channel")


def test_quiet_ages_are_zero_and_young_ones_absent():
    log = pd.DataFrame({"c": ["a", "a"], "d": ["2024-01-01", "2024-03-31"], "v": [1.0, 2.0]})
    table = cohort_table(ledger_of(log, cutoff="2024-03-31"))
    assert table["age"].tolist() == [0, 1, 2]
    assert table["purchases"].tolist() == [1, 0, 0]  # the second, at age 3, is not lived in full
    assert table["value"].tolist() == [1.0, 0.0, 0.0]
    young = cohort_table(ledger_of(log, cutoff="2024-01-20"))
    assert young.empty
    assert young.columns.tolist() == table.columns.tolist()
    month = cohort_table(ledger_of(log, cutoff="2024-01-30"))
    assert month["age"].tolist() == [0]  # 30 days, the first included


def test_cohorts_without_amounts(ledger, bare):
    table = cohort_table(bare)
    assert table["value"].isna().all()
    counts = ["cohort", "age", "customers", "active", "purchases"]
    pd.testing.assert_frame_equal(table[counts], cohort_table(ledger)[counts])


def test_days(ledger):
    series = revenue_series(ledger, "D")
    assert len(series) == 70
    assert series.index[0] == pd.Timestamp("2024-01-01")
    assert series.index[-1] == pd.Timestamp("2024-03-10")
    busy = series[series["purchases"] > 0]
    assert busy["value"].tolist() == [10.0, 20.0, 5.0, 40.0, 0.0, 7.0]
    assert series["value"].sum() == 82.0
    assert busy["new_customers"].tolist() == [1, 0, 1, 0, 1, 0]


def test_weeks_end_with_the_cutoff(ledger):
    series = revenue_series(ledger)
    assert len(series) == 10  # 70 days
    assert series.index[-1] == pd.Timestamp("2024-03-04")
    assert (series["end"] - series.index == pd.Timedelta(days=7)).all()
    assert series["purchases"].tolist() == [1, 1, 0, 0, 1, 1, 0, 1, 1, 0]
    assert series["active_customers"].sum() == 6
    assert series["new_customers"].tolist() == [1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    shorter = revenue_series(ledger_of(cutoff="2024-03-09"))
    assert len(shorter) == 9  # 69 days: the first six belong to no full week
    assert shorter["purchases"].sum() == 5
    assert shorter["new_customers"].sum() == 2  # and a is not new in the second


def test_months_are_counted_back_from_the_cutoff(ledger):
    series = revenue_series(ledger, "M")
    assert series.index.astype(str).tolist() == ["2024-01-11", "2024-02-11"]
    assert series["end"].astype(str).tolist() == ["2024-02-11", "2024-03-11"]
    assert series["purchases"].tolist() == [3, 2]
    assert series["active_customers"].tolist() == [2, 2]
    calendar = revenue_series(ledger_of(cutoff="2024-02-29"), "M")
    assert calendar.index.astype(str).tolist() == ["2024-01-30"]
    assert revenue_series(ledger, "2W").shape[0] == 5
    assert revenue_series(ledger, " w ").equals(revenue_series(ledger, "1W"))


def test_series_without_amounts(ledger, bare):
    series = revenue_series(bare)
    assert series["value"].isna().all()
    pd.testing.assert_series_equal(series["purchases"], revenue_series(ledger)["purchases"])


@pytest.mark.parametrize("every", ["", None, 7, "7", "2024-01-01", "Q", "0W", True])
def test_series_need_a_length(ledger, every):
    with pytest.raises(HorizonError, match="every"):
        revenue_series(ledger, every)


def test_series_need_one_full_period(ledger):
    with pytest.raises(TooLittleDataError, match="spans 70 days"):
        revenue_series(ledger, "Y")


def test_features_by_hand(ledger):
    features = customer_features(ledger)
    a, b, c = (features.loc[name] for name in "abc")
    assert features.dtypes.eq(float).all()
    assert not features.isna().any(axis=None)
    assert (a["frequency"], a["recency"], a["T"], a["days_since_last"]) == (2, 40, 69, 29)
    assert a["mean_gap"] == 20.0
    assert a["spread_of_gaps"] == pytest.approx(10.0)  # gaps of 10 and 30 days
    assert (b["mean_gap"], b["spread_of_gaps"]) == (30.0, 0.0)
    assert (c["mean_gap"], c["spread_of_gaps"]) == (19.0, 0.0)  # nothing known: its age
    assert a["rate"] == pytest.approx(3 / 99)
    assert a["overdue"] == pytest.approx(29 / 27)
    # a window of 30 days holds the cutoff and the 29 days before it: from 10 February on
    assert features["purchases_30d"].tolist() == [1, 1, 1]
    assert features["purchases_90d"].tolist() == [3, 2, 1]
    assert features["value_30d"].tolist() == [40.0, 7.0, 0.0]
    assert features["value_365d"].tolist() == [70.0, 12.0, 0.0]
    assert features["mean_value"].tolist() == [pytest.approx(70 / 3), 6.0, 0.0]
    assert np.hypot(features["first_sin"], features["first_cos"]).tolist() == pytest.approx([1] * 3)
    day_later = customer_features(ledger_of(cutoff="2024-03-11"))
    assert day_later["purchases_30d"].tolist() == [0, 1, 1]


def test_features_without_amounts(ledger, bare):
    features = customer_features(bare)
    assert not [name for name in features if "value" in name]
    pd.testing.assert_frame_equal(features, customer_features(ledger)[features.columns])


def test_no_view_looks_past_the_cutoff(ledger):
    day = "2024-02-15"
    past = LOG[LOG["d"] <= day]
    later = LOG[LOG["d"] > day].assign(c="a", v=1e6, country="AA")
    known = ledger_of(past, cutoff=day, customer_columns="country")
    for seen in (
        ledger.cut(day),
        ledger_of(pd.concat([past, later]), customer_columns="country").cut(day),
        ledger_of(pd.concat([later, past]), cutoff=day, customer_columns="country"),
    ):
        for view in (customer_summary, cohort_table, revenue_series, customer_features):
            pd.testing.assert_frame_equal(view(seen), view(known))
