"""Summary tables of other tools: read as they are, refused by name where they contradict."""

import numpy as np
import pandas as pd
import pytest

from forecast.errors import (
    BadRowsError,
    ColumnError,
    CutoffError,
    DataError,
    TooLittleDataError,
    UnsupportedError,
    UsageError,
)
from forecast.ledger import read_summary
from forecast.views import cohort_table, customer_features, customer_summary, revenue_series

RFM = pd.DataFrame(
    {
        "frequency": [0, 2, 1],
        "recency": [0.0, 4.0, 2.5],
        "T": [5.0, 6.0, 2.5],
        "monetary_value": [0.0, 30.0, 7.0],
    },
    index=pd.Index(["b", "a", "c"], name="customer_id"),
)
CUTOFF = "2024-02-11"


def read(**changes):
    return read_summary(RFM.assign(**changes), unit="weeks", cutoff=CUTOFF)


def test_summary_by_hand():
    table = read()
    summary = customer_summary(table)
    assert summary.index.tolist() == ["a", "b", "c"]
    assert summary["frequency"].tolist() == [2, 0, 1]
    assert summary["recency"].tolist() == [28.0, 0.0, 17.5]
    assert summary["T"].tolist() == [42.0, 35.0, 17.5]
    assert summary["monetary_value"].tolist() == [30.0, 0.0, 7.0]
    assert summary["n_purchases"].tolist() == [3, 1, 2]
    assert summary[["n_paid", "total_value", "first_value"]].isna().all(axis=None)
    assert summary["first_purchase"].astype(str).tolist()[:2] == ["2023-12-31", "2024-01-07"]
    assert summary["last_purchase"].astype(str).tolist()[:2] == ["2024-01-28", "2024-01-07"]
    assert (summary["last_purchase"] <= CUTOFF).all()
    assert summary["cohort"].tolist() == ["2023-12", "2024-01", "2024-01"]
    assert repr(table) == "SummaryTable(3 customers to 2024-02-11, with amounts)"
    assert str(table.first_day) == "2023-12-31"


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_units(unit):
    days = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}[unit]
    summary = customer_summary(read_summary(RFM, unit=unit, cutoff=CUTOFF))
    assert summary["T"].tolist() == pytest.approx([6 * days, 5 * days, 2.5 * days])


def test_names_of_other_tools_are_found():
    expected = customer_summary(read())
    r = RFM.reset_index().set_axis(["Id", "x", "t.x", "T.cal", "Spending"], axis=1)
    pymc = RFM.reset_index()
    for found in (r, pymc, pymc.to_dict("list"), pymc.sample(frac=1, random_state=0)):
        summary = customer_summary(read_summary(found, unit="weeks", cutoff=CUTOFF))
        pd.testing.assert_frame_equal(summary, expected)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_frames(library):
    pytest.importorskip(library)
    plain = RFM.reset_index()
    if library == "polars":
        import polars as pl

        other = pl.DataFrame(plain.to_dict("list"))
    else:
        import pyarrow as pa

        other = pa.Table.from_pandas(plain)
    found = customer_summary(read_summary(other, unit="weeks", cutoff=CUTOFF))
    pd.testing.assert_frame_equal(found, customer_summary(read()))


def test_without_amounts():
    table = read_summary(RFM.drop(columns="monetary_value"), unit="weeks", cutoff=CUTOFF)
    assert not table.has_value
    assert customer_summary(table)["monetary_value"].isna().all()


def test_missing_means_without_a_repeat_purchase_are_none():
    summary = customer_summary(read(monetary_value=[np.nan, 30.0, 7.0]))
    assert summary["monetary_value"].tolist() == [30.0, 0.0, 7.0]


def test_an_age_moved_by_its_last_digit_is_no_error():
    summary = customer_summary(read(recency=[0.0, 4.0, 2.5 * (1 + 1e-12)]))
    assert (summary["recency"] <= summary["T"]).all()


def test_customer_columns():
    table = read_summary(
        RFM.assign(channel=["ads", "web", None]),
        unit="weeks", cutoff=CUTOFF, customer_columns=["channel"],
    )  # fmt: skip
    assert customer_summary(table)["channel"].tolist()[:2] == ["web", "ads"]
    assert table.attributes()["channel"].tolist()[:2] == ["web", "ads"]
    with pytest.raises(ColumnError, match="region"):
        read_summary(RFM, unit="weeks", cutoff=CUTOFF, customer_columns=["region"])
    with pytest.raises(UsageError, match="'T'"):
        read_summary(RFM, unit="weeks", cutoff=CUTOFF, customer_columns=["T"])


@pytest.mark.parametrize(
    ("changes", "column", "said"),
    [
        ({"frequency": [0, 1.7, 1]}, "frequency", "no whole number"),
        ({"recency": [0.0, 6.5, 2.5]}, "recency", "above T"),
        ({"recency": [1.0, 4.0, 2.5]}, "recency", "without a repeat purchase"),
        ({"recency": [0.0, 0.0, 2.5]}, "frequency", "above 0 where recency is 0"),
        ({"frequency": [0, np.nan, 1]}, "frequency", "no number of 0 or more"),
        ({"T": [5.0, np.inf, 2.5]}, "T", "no number of 0 or more"),
        ({"T": [-5.0, 6.0, 2.5]}, "T", "no number of 0 or more"),
        ({"T": ["five", 6.0, 2.5]}, "T", "no number of 0 or more"),
        ({"monetary_value": [0.0, -30.0, 7.0]}, "monetary_value", "no number of 0 or more"),
        ({"monetary_value": [0.0, np.nan, 7.0]}, "monetary_value", "no number of 0 or more"),
        ({"monetary_value": [9.0, 30.0, 7.0]}, "monetary_value", "leave the first ones out"),
    ],
)
def test_contradictions_are_refused_by_column_and_customer(changes, column, said):
    with pytest.raises(BadRowsError, match=said) as caught:
        read(**changes)
    assert (caught.value.column, caught.value.count) == (column, 1)
    assert "customer '" in str(caught.value)


def test_what_is_no_table_is_refused():
    columns = RFM.reset_index().to_dict("list")
    with pytest.raises(UsageError, match=r"differ in length: .*T 2"):
        read_summary(columns | {"T": [5.0, 6.0]}, unit="weeks", cutoff=CUTOFF)
    with pytest.raises(UsageError, match="no table"):
        read_summary(3, unit="weeks", cutoff=CUTOFF)
    with pytest.raises(UsageError, match="unit"):
        read_summary(RFM, unit="W", cutoff=CUTOFF)
    with pytest.raises((UsageError, CutoffError), match="cutoff"):
        read_summary(RFM, unit="weeks", cutoff="soon")
    with pytest.raises(TooLittleDataError, match="no customer"):
        read_summary(RFM.iloc[:0], unit="weeks", cutoff=CUTOFF)
    with pytest.raises(ColumnError, match="recency"):
        read_summary(RFM.drop(columns="recency"), unit="weeks", cutoff=CUTOFF)
    with pytest.raises(ColumnError, match="keep one"):
        read_summary(RFM.assign(Frequency=1), unit="weeks", cutoff=CUTOFF)
    with pytest.raises(ColumnError, match="the customer"):
        read_summary(RFM.reset_index(drop=True), unit="weeks", cutoff=CUTOFF)


def test_customers_are_known_and_come_once():
    with pytest.raises(DataError, match="more than one row: 'a'"):
        read_summary(pd.concat([RFM, RFM.loc[["a"]]]), unit="weeks", cutoff=CUTOFF)
    with pytest.raises(DataError, match="no customer id"):
        read_summary(RFM.set_axis(["a", None, "c"]), unit="weeks", cutoff=CUTOFF)
    with pytest.raises(DataError, match="floating-point"):
        read_summary(RFM.set_axis([1.0, 2.0, 3.0]), unit="weeks", cutoff=CUTOFF)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (cohort_table, "cohort_table"),
        (revenue_series, "revenue_series"),
        (customer_features, "customer_features"),
        (lambda table: table.cut("2024-02-01"), "cut"),
        (lambda table: table.since("2024-02-01"), "since"),
        (lambda table: table.only(pd.Index(["a"])), "only"),
        (lambda table: table.purchases(), "This view"),
        (lambda table: table.actuals("2024-01-01", "2W"), "This view"),
        (lambda table: table.summary_hash(), "This view"),
        (lambda table: table.by_customer(), "A sum of purchases"),
    ],
)
def test_what_needs_days_is_refused_by_name(ask, said):
    with pytest.raises(UnsupportedError, match=f"^{said}.* needs purchase days.*read_ledger"):
        ask(read())
