"""ABC, RFM, value and activity, tiers; rules kept for next month."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import DataError, UsageError
from forecast.value.concentration import abc_classes, abc_cuts, concentration, pareto_curve
from forecast.value.rfm import RFM_SEGMENTS, rfm_cuts, rfm_scores, rfm_table
from forecast.value.segment_rules import SegmentRules
from forecast.value.segmenting import migration, segments


def test_abc_by_hand():
    value = pd.Series([50.0, 30.0, 10.0, 5.0, 3.0, 2.0, 0.0, -4.0], index=list("abcdefgh"))
    classes = abc_classes(value, abc_cuts(value))
    assert "".join(classes) == "AABBCCCC"


def test_abc_with_ties_and_with_nobody():
    value = pd.Series([10.0] * 10)
    assert set(abc_classes(value, abc_cuts(value))) == {"A"}
    nothing = pd.Series([0.0, -1.0])
    assert set(abc_classes(nothing, abc_cuts(nothing))) == {"C"}


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60))
def test_class_a_is_the_smallest_set_that_holds_its_share(amounts):
    value = pd.Series(amounts)
    classes = abc_classes(value, abc_cuts(value))
    inside = value[classes == "A"]
    assert inside.sum() >= 0.8 * value.sum() * (1 - 1e-9)
    assert inside[inside > inside.min()].sum() < 0.8 * value.sum() * (1 + 1e-9)
    assert (classes == abc_classes(value[::-1], abc_cuts(value[::-1])).sort_index()).all()


def test_concentration_by_hand():
    found = concentration(pd.Series([70.0, 20.0, 10.0, *[0.0] * 7]))
    # Gini: sum of (2i - n - 1) x_i over n times the sum, i from the poorest
    assert found["gini"] == pytest.approx((5 * 10 + 7 * 20 + 9 * 70) / (10 * 100))
    assert found["top_10_share"] == pytest.approx(0.7)
    assert found["top_20_share"] == pytest.approx(0.9)
    assert found["customers_for_80"] == pytest.approx(0.15)


def test_pareto_curve_is_concave_from_nothing_to_all():
    curve = pareto_curve(pd.Series(np.random.default_rng(1).gamma(0.5, 10, 137)), points=20)
    assert curve.iloc[0].tolist() == [0.0, 0.0]
    assert curve.iloc[-1].tolist() == [1.0, pytest.approx(1.0)]
    assert (np.diff(curve["share_of_value"], 2) <= 1e-12).all()


def test_rfm_by_hand(ledger_of):
    rows = [(f"c{i}", f"2024-01-{i + 1:02d}", 10.0 * (i + 1), "x") for i in range(10)]
    rows += [("c9", f"2024-02-0{day}", 10.0, "x") for day in (1, 2, 3)]
    people = rfm_table(ledger_of(rows))
    assert people.loc["c9"].tolist() == [56.0, 4.0, 130.0]
    scores = rfm_scores(people, rfm_cuts(people))
    assert scores["r"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores["f"].tolist() == [1] * 9 + [5]  # who bought once is alike
    assert scores["m"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores.loc["c9", "rfm"] == "champions"
    assert scores.loc["c0", "rfm"] == "hibernating"


def test_every_pair_of_scores_has_a_name():
    assert np.shape(RFM_SEGMENTS) == (5, 5)


def test_value_and_activity_by_hand(four, forecast_of):
    forecast = forecast_of(four, np.full((4, 2, 2), 10.0), p_active=[0.9, 0.1, 0.2, 0.8])
    found = segments(forecast, four)
    # past 160, 40, 50, 30: 80 % of 280 needs 160 and 50 and 40
    assert found.rules.value == 40.0
    assert found.customers["portfolio"].tolist() == ["keep", "win back", "win back", "grow"]
    shy = segments(forecast, four, p_active=0.95).customers["portfolio"]
    assert shy.tolist() == ["win back"] * 3 + ["let go"]


def test_tiers_by_value_of_the_last_year(ledger_of, forecast_of):
    rows = [(f"c{i}", "2024-03-01", float(i + 1), "x") for i in range(9)]
    rows.append(("old", "2022-01-01", 500.0, "x"))
    ledger = ledger_of(rows)
    tier = segments(forecast_of(ledger, np.full((10, 2, 2), 10.0)), ledger).customers["tier"]
    assert tier["old"] == "none"
    assert tier.drop("old").tolist() == [
        *["bronze"] * 4, *["silver"] * 3, "gold", "platinum"
    ]  # fmt: skip


def test_rules_survive_json_and_apply_next_month(shop):
    whole = fc.read_ledger(shop.orders, customer_columns=["channel"], key=())
    runs = []
    for day in ("2023-06-30", "2023-07-31"):
        ledger = whole.cut(day)
        forecast = fc.BTYD().fit(ledger).forecast("26W", draws=0)
        rules = json.loads(json.dumps(runs[0].rules.to_dict())) if runs else None
        kept = SegmentRules.from_dict(rules) if rules else None
        runs.append(segments(forecast, ledger, rules=kept))
    before, after = runs
    assert after.rules == before.rules
    assert set(after.customers.query("abc_past == 'A'")["past"] >= before.rules.value) == {True}
    moved = migration(before, after, "abc_past")
    assert moved.to_numpy().sum() == len(after.customers)
    assert moved.loc["(new)"].sum() == len(after.customers) - len(before.customers)
    assert moved.loc["A", "A"] == moved.loc["A"].sum()  # a past only grows


def test_summary_and_moves_add_up(sold, ahead):
    found = segments(ahead, sold)
    for scheme in ("abc_past", "abc_predicted", "rfm", "portfolio", "tier"):
        table = found.summary(scheme)
        assert table["customers"].sum() == len(ahead.customers)
        assert table["share_of_predicted"].sum() == pytest.approx(1.0)
    assert found.summary("abc_past").loc["A", "share_of_past"] >= 0.8
    moves = found.moves()
    assert moves["customers"].sum() == len(ahead.customers)
    assert moves["predicted"].sum() == pytest.approx(ahead.customers["expected_value"].sum())


def test_a_report_takes_segments(tmp_path, sold, ahead):
    page = fc.report(tmp_path / "segments.html", value=segments(ahead, sold)).read_text()
    assert "win back" in page
    assert "Rules learned on" in page


def test_other_horizons_other_rules(four, forecast_of):
    rules = segments(forecast_of(four, np.full((4, 2, 2), 10.0)), four).rules
    longer = forecast_of(four, np.full((4, 2, 3), 10.0), horizon="90D")
    with pytest.raises(UsageError, match="one horizon"):
        segments(longer, four, rules=rules)
    kept = rules.to_dict() | {"surprise": 1}
    with pytest.raises(UsageError, match="surprise"):
        SegmentRules.from_dict(kept)


def test_moves_between_other_rules_are_refused(four, forecast_of):
    forecast = forecast_of(four, np.full((4, 2, 2), 10.0))
    one, two = segments(forecast, four), segments(forecast, four, p_active=0.7)
    with pytest.raises(UsageError, match="rules differ"):
        migration(one, two)


def test_the_headline_and_two_currencies(ledger_of, forecast_of):
    rows = [("a", "2024-01-01", 90.0, "x", "EUR"), ("b", "2024-02-01", 10.0, "x", "EUR")]
    terms = {"more": ["currency"], "purchase_columns": ["currency"]}
    value = [[[10.0, 0.0]], [[30.0, 0.0]]]
    one = ledger_of(rows, **terms)
    found = segments(forecast_of(one, value, p_active=[0.9, 0.2]), one)
    assert found.headline == (
        "Of 2 customers: let go 1 (75% of predicted value, 10% of past), keep 1 (25% of predicted "
        "value, 90% of past)."
    )
    two = ledger_of([rows[0], (*rows[1][:4], "GBP")], **terms)
    with pytest.raises(DataError, match="2 currencies: 'EUR', 'GBP'"):
        segments(forecast_of(two, value), two)
