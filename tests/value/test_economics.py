"""LTV, CAC, their ratio, return and payback by hand; rows that are unusual."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UnsupportedError, UsageError
from forecast.value.economics import unit_economics
from forecast.value.margin import Margin

SPEND = pd.DataFrame(
    [("2024-01-05", "ads", 100.0), ("2024-02-01", "mail", 30.0), ("2024-02-01", "tv", 25.0),
     ("2024-03-01", None, 5.0)],
    columns=["date", "channel", "cost"],
)  # fmt: skip


def costing(ads):
    return SPEND.assign(cost=[ads, 30.0, 25.0, 5.0])


def test_the_table_by_hand(four, written):
    table = unit_economics(written, four, SPEND, margin=0.5).table
    # ads: a 80 + (15 or 25), b 20 + (15 or 5); mail: c 25 + (0 or 10); organic: d 15
    assert table["ltv"].dropna().tolist() == [65.0, 30.0, 15.0, 43.75]
    assert table.loc["ads", ["cac", "ltv_cac", "roi"]].tolist() == pytest.approx([50, 1.3, 0.3])
    assert table.loc["mail", ["ltv_cac", "roi", "p_below_1"]].tolist() == [1.0, 0.0, 0.5]
    assert table.loc["mail", "ltv_lo_90"] == pytest.approx(25.5)
    assert table.loc["mail", "max_cac"] == pytest.approx(26.0 / 3)
    assert table.loc["(all)", ["customers", "cost", "cac"]].tolist() == [4, 160.0, 40.0]
    assert table["share_of_customers"].tolist() == [0, 0.5, 0.25, 0.25, 0, 1]


def test_unusual_rows(four, written):
    table = unit_economics(written, four, SPEND, margin=0.5).table
    assert table.loc["tv", ["cost", "roi"]].tolist() == [25.0, -1.0]
    assert math.isnan(table.loc["tv", "cac"])
    assert table.loc["organic", ["ltv", "max_cac"]].tolist() == [15.0, 5.0]
    assert table.loc[["organic", "tv", "(none)"], "payback"].eq("unknown").all()
    assert math.isnan(table.loc["(none)", "roi"])


def test_target_ratio_names_its_column(four, written):
    found = unit_economics(written, four, SPEND, margin=0.5, ratio=1.1, risk=0.5)
    assert found.table.loc[["ads", "mail"], "p_above_1.1"].tolist() == [1.0, 0.5]
    assert found.max_cac(ratio=2.0, risk=0.5)["mail"] == 15.0


def test_payback_by_hand(four, written):
    found = unit_economics(written, four, SPEND, margin=0.5)
    # ads: 70 and 30 in months 1 and 2, then a's 10 or 20 in month 4, over two customers
    curve = found.curves.margin[:, list(found.table.index).index("ads")]
    assert curve[:, :4].tolist() == [[35.0, 50.0, 50.0, 55.0], [35.0, 50.0, 50.0, 60.0]]
    assert np.isnan(curve[:, 4:]).all()
    with pytest.raises(UsageError, match="level: 90 must"):
        found.curves.table(level=90)
    assert found.table.loc["ads", ["payback", "payback_months"]].tolist() == ["2 months", 2.0]
    late = unit_economics(written, four, costing(116.0), margin=0.5)  # CAC 58
    assert late.table.loc["ads", ["payback", "p_paid_back"]].tolist() == [
        "not within 4 months",
        0.5,
    ]
    assert late.payback()["ads"].tolist() == [0, 0, 0, 0, 0.5, 0.5]
    assert any("Not paid back" in note and "'ads'" in note for note in late.notes)
    free = unit_economics(written, four, costing(0.0), margin=0.5).table
    assert free.loc["ads", ["payback", "payback_months"]].tolist() == ["at once", 0.0]
    assert math.isnan(free.loc["ads", "ltv_cac"])


def test_payback_is_discounted_to_the_first_purchase(four, written):
    found = unit_economics(written, four, SPEND, margin=0.5, rate=0.21)
    curve = found.curves.margin[0, list(found.table.index).index("ads")]
    second = 30 * 1.21 ** (-45 / 365.25)
    np.testing.assert_allclose(curve[:2], [35.0, 35.0 + second / 2])


def test_negative_margin_never_pays(four, written):
    found = unit_economics(written, four, SPEND, margin=Margin(0.1, per_order=20.0))
    assert (found.table["ltv"].dropna() < 0).all()
    assert (found.table["max_cac"].dropna() == 0).all()
    assert found.table.loc["ads", "p_below_1"] == 1.0
    assert any("loses money before any cost of acquisition" in note for note in found.notes)


def test_ltv_is_that_of_clv_by_channel(sold, ahead, shop):
    found = unit_economics(ahead, sold, shop.spend, margin=0.4, rate=0.1)
    by = fc.clv(ahead, sold, margin=0.4, rate=0.1).by(sold.attributes()["channel"])
    ours = found.table.loc[by.index]
    np.testing.assert_allclose(ours["ltv"], by["per_customer"], rtol=1e-12)
    np.testing.assert_allclose(ours["ltv_lo_90"] * by["customers"], by["total_lo"], rtol=1e-9)
    parts = (ours["ltv"] * ours["customers"]).sum()
    whole = found.table.loc["(all)"]
    assert whole["ltv"] * whole["customers"] == pytest.approx(parts, rel=1e-12)


def test_a_channel_as_target_is_less_sure_than_its_customers(sold, ahead, shop):
    tables = {
        target: unit_economics(ahead, sold, shop.spend, margin=0.4, target=target).table
        for target in ("customers", "channel")
    }
    width = {name: each["ltv_hi_90"] - each["ltv_lo_90"] for name, each in tables.items()}
    assert (width["channel"] > width["customers"]).all()
    assert (tables["channel"]["ltv"] == tables["customers"]["ltv"]).all()


def test_by_channel_and_month_adds_up(sold, ahead, shop):
    found = unit_economics(ahead, sold, shop.spend, margin=0.4, by=["channel", "month"])
    last = found.table.iloc[-1]
    parts = found.table.iloc[:-1]
    assert parts["customers"].sum() == last["customers"] == len(ahead.customers)
    assert (parts["ltv"] * parts["customers"]).sum() == pytest.approx(
        last["ltv"] * last["customers"]
    )
    assert found.table.index.names == ["channel", "month"]


def test_order_of_rows_and_the_seed_decide_nothing_and_everything(sold, ahead, shop):
    def table(spend, seed):
        return unit_economics(ahead, sold, spend, margin=0.4, target="channel", seed=seed).table

    first = table(shop.spend, 1)
    pd.testing.assert_frame_equal(first, table(shop.spend.sample(frac=1, random_state=1), 1))
    assert not first["ltv_lo_90"].equals(table(shop.spend, 2)["ltv_lo_90"])


def test_a_report_takes_it_as_it_is(tmp_path, four, written):
    found = unit_economics(written, four, SPEND, margin=0.5)
    page = fc.report(tmp_path / "value.html", value=found).read_text()
    for words in ("not spread", "ltv cac", "2 months", "Margin per customer by age"):
        assert words in page


def test_what_cannot_be_answered_is_refused(four, forecast_of, written):
    without = forecast_of(four, np.full((4, 1, 2), 10.0), draws=False)
    with pytest.raises(UnsupportedError, match="draws=1000"):
        unit_economics(without, four, SPEND, margin=0.5)
    for wrong in ({"target": "all"}, {"ratio": 0}, {"risk": 1.0}, {"by": ()}):
        with pytest.raises(UsageError):
            unit_economics(written, four, SPEND, margin=0.5, **wrong)


def test_the_headline_names_what_is_sure_what_is_open_and_what_is_unknown(four, written):
    found = unit_economics(written, four, costing(20.0), margin=0.5)
    first, paid, sure, open_, unknown = found.headline
    assert first.startswith("A customer is worth 43.75 (90 % interval ")
    assert first.endswith("the next 60D together.")  # the ratio of all would count d as free
    # a, b and c: 2 x 65 + 30 for all that was spent
    known = f"one has cost {80 / 3:.2f} currency units, and LTV:CAC is {160 / 80:.1f}; "
    assert paid.startswith(f"Where a cost is recorded (75% of these customers) {known}")
    assert "'organic', whom the row of all counts as free" in paid
    assert sure == "With a probability of 90% or more LTV:CAC is above 3 for 'ads'."
    assert open_ == "It is open whether LTV:CAC is above 3, for 'mail'."
    assert unknown.endswith("for want of a cost or of customers, for '(none)', 'organic', 'tv'.")
    assert list(found)[-1] == "Verdict on cost and value"
    assert found["Verdict on cost and value"]["verdict"].tolist() == list(found.headline)


def test_the_headline_names_the_currency(four, written):
    plain = unit_economics(written, four, costing(20.0), margin=0.5)
    found = unit_economics(written, replace(four, currency="GBP"), costing(20.0), margin=0.5)
    assert [each.replace("currency units", "GBP") for each in plain.headline] == [*found.headline]
    assert sum("GBP" in each for each in found.headline) == 2
    pd.testing.assert_frame_equal(found.table, plain.table)


def test_the_headline_of_all_where_every_cost_is_known(four, written):
    everywhere = pd.concat([SPEND, SPEND.tail(1).assign(channel="organic", cost=0.0)])
    first, *others = unit_economics(written, four, everywhere, margin=0.5).headline
    assert "the next 60D together, and has cost 40.00: LTV:CAC 1.1 (90 % interval" in first
    assert not any("recorded" in each for each in others)


def test_a_cost_that_belongs_to_nobody_is_a_cost(four, written):
    overhead = pd.concat([SPEND, SPEND.tail(1).assign(channel="organic", cost=0.0)])
    overhead = pd.concat([overhead, SPEND.tail(1).assign(channel=None, cost=40.0)])
    first, *others = unit_economics(written, four, overhead, margin=0.5).headline
    assert "has cost 50.00" in first
    assert not any("recorded" in each for each in others)


def test_ages_stand_beside_months_of_the_first_purchase(tmp_path, four, written):
    spend = SPEND.assign(date=["2024-01-01", "2024-02-01", "2024-03-01", "2024-03-02"])
    found = unit_economics(written, four, spend, margin=0.5, by="month")
    curves = found.curves.table()
    assert sorted(curves["month"].unique()) == ["(all)", "2024-01", "2024-02", "2024-03"]
    assert (
        curves.groupby("month")["age_months"].apply(lambda each: each.is_monotonic_increasing).all()
    )
    page = fc.report(tmp_path / "months.html", value=found).read_text()
    assert "Margin of a customer by age" in page


def test_who_loses_money_is_not_told_to_wait(four, written):
    notes = unit_economics(written, four, SPEND, margin=-0.5).notes
    assert any("loses money before any cost" in note for note in notes)
    assert not any("A longer horizon may tell" in note for note in notes)
