"""Channels side by side, by hand."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError
from forecast.value.channels import channel_table


def test_value_and_shares_by_hand(four, written):
    table = channel_table(written, four, margin=0.5)
    assert table.index.tolist() == ["ads", "mail", "organic"]
    assert table["future"].tolist() == [30.0, 5.0, 0.0]
    assert table["share_of_future"].tolist() == pytest.approx([6 / 7, 1 / 7, 0.0])
    assert table["repeat_rate"].tolist() == [0.5, 0.0, 0.0]
    assert table["expected_active"].tolist() == [0.5] * 3
    assert table["active_month_1"].isna().all()  # fewer than ten customers


def test_retention_is_the_share_of_those_old_enough(ledger_of, forecast_of):
    rows = [(f"c{i:02d}", "2024-01-01", 10.0, "ads") for i in range(12)]
    rows += [(f"c{i:02d}", "2024-02-05", 10.0, "ads") for i in range(3)]
    rows += [("young", "2024-03-20", 10.0, "ads")]
    ledger = ledger_of(rows)
    table = channel_table(forecast_of(ledger, np.full((13, 2, 2), 10.0)), ledger)
    assert table.loc["ads", "active_month_1"] == 3 / 12
    assert np.isnan(table.loc["ads", "active_month_3"])


def test_parts_are_the_whole_and_economics_join(sold, ahead, shop):
    economics = fc.unit_economics(ahead, sold, shop.spend, margin=0.4)
    table = channel_table(ahead, sold, margin=0.4, economics=economics)
    whole = fc.clv(ahead, sold, margin=0.4).customers
    assert table["future"].sum() == pytest.approx(whole["future"].sum())
    assert table["share_of_customers"].sum() == pytest.approx(1.0)
    assert (table["future_lo_90"] < table["future"]).all()
    assert table.loc["search", "payback"] == economics.table.loc["search", "payback"]


def test_customers_without_a_channel_are_shown(ledger_of, forecast_of):
    ledger = ledger_of([("a", "2024-01-01", 9.0, None), ("b", "2024-01-02", 9.0, "ads")])
    table = channel_table(forecast_of(ledger, np.full((2, 2, 2), 10.0)), ledger)
    assert table.loc["(none)", "customers"] == 1


def test_other_columns_are_refused(four, written, sold, ahead, shop):
    with pytest.raises(UsageError, match="customer_columns"):
        channel_table(written, four, "country")
    economics = fc.unit_economics(ahead, sold, shop.spend, margin=0.4, by="month")
    with pytest.raises(UsageError, match="they are by 'month'"):
        channel_table(ahead, sold, economics=economics)
    assert isinstance(economics.table, pd.DataFrame)
