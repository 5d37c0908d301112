"""Past, future and total by hand; sums that agree; what is refused and what is said."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UnsupportedError, UsageError
from forecast.value.lifetime_value import clv
from forecast.value.margin import Margin


def test_past_future_total_by_hand(four, written):
    found = clv(written, four, margin=0.5).customers
    # a: past .5 x 160; draws of 30 and 50; b: 30 and 10; c: 0 and 20
    assert found["past"].tolist() == [80.0, 20.0, 25.0, 15.0]
    assert found["future"].tolist() == [20.0, 10.0, 5.0, 0.0]
    assert found["total"].tolist() == [100.0, 30.0, 30.0, 15.0]
    assert found["future_lo_90"].tolist() == [15.0, 5.0, 0.0, 0.0]
    assert found["total_hi_90"].tolist() == [105.0, 35.0, 35.0, 15.0]


def test_discount_and_cost_per_order_by_hand(four, written):
    found = clv(written, four, margin=Margin(0.5, per_order=1.0), rate=0.21)
    first, second = 1.21 ** (-15 / 365.25), 1.21 ** (-45 / 365.25)
    # orders of 10 each earn 4: 4 in the first period over both draws' mean, 3 in the second
    np.testing.assert_allclose(found.periods["expected_margin"], [4 * 4.0, 3 * 4.0])
    np.testing.assert_allclose(
        found.periods["discounted_margin"], [16 * first, 12 * second], rtol=1e-12
    )
    own = [3 * 4 * first + 4 * second, 2 * 4 * second, 4 * first, 0.0]
    np.testing.assert_allclose(found.customers["future"], own, rtol=1e-12)
    np.testing.assert_allclose(found.customers["past"], [78.0, 19.0, 24.0, 14.0])


def test_zero_rate_is_the_plain_sum_to_the_bit(sold, ahead):
    found = clv(ahead, sold, margin=1.0)
    assert (found.customers["future"] == ahead.customers["expected_value"]).all()
    assert (found.periods["discounted_margin"] == ahead.periods["expected_value"]).all()
    past = fc.customer_summary(sold)["total_value"]
    np.testing.assert_allclose(found.customers["past"], past, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.8])
@pytest.mark.parametrize("draws", [True, False])
def test_customers_periods_and_groups_have_one_sum(four, forecast_of, rate, draws):
    value = np.random.default_rng(3).poisson(2.0, (4, 30, 6)) * 10.0
    forecast = forecast_of(four, value, horizon="6M", every="1M", draws=draws)
    margin = Margin(pd.Series({"a": 0.5, "b": 0.2, "c": 0.4, "d": -0.1}), per_order=0.5)
    found = clv(forecast, four, margin=margin, rate=rate)
    whole = found.customers["future"].sum()
    np.testing.assert_allclose(found.periods["discounted_margin"].sum(), whole, rtol=1e-12)


def test_a_segment_is_the_sum_of_its_customers(sold, ahead):
    found = clv(ahead, sold, margin=0.4, rate=0.1)
    labels = sold.attributes()["channel"]
    by = found.by(labels)
    for name in ("past", "future", "total"):
        expected = found.customers[name].groupby(labels).sum()
        np.testing.assert_allclose(by[name], expected, rtol=1e-12)
    assert by["customers"].sum() == len(labels)
    assert (by["total_lo"] < by["total"]).all()
    assert (by["total"] < by["total_hi"]).all()


def test_draws_of_groups_are_those_of_the_forecast(sold, ahead):
    labels = sold.attributes()["channel"]
    drawn = clv(ahead, sold, margin=1.0).draws(labels)
    past = fc.customer_summary(sold)["total_value"].groupby(labels).sum()
    np.testing.assert_allclose(drawn - past, ahead.totals(by=labels).value.sum(axis=2))


def test_discounting_agrees_with_the_forecasts_own(sold, ahead):
    ours = clv(ahead, sold, margin=1.0, rate=0.3).customers
    theirs = ahead.discounted(0.3)
    np.testing.assert_allclose(ours["future_hi_90"], theirs["value_hi_90"], rtol=1e-12)
    np.testing.assert_allclose(ours["future"].sum(), theirs["expected_value"].sum(), rtol=0.01)


def test_a_finer_grain_discounts_alike(sold):
    model = fc.MODELS["btyd"].fit(sold)
    rough, fine = (
        clv(model.forecast("12M", every=every, draws=0), sold, margin=0.4, rate=0.2)
        for every in ("1M", "1W")
    )
    ratio = fine.customers["future"].sum() / rough.customers["future"].sum()
    assert ratio == pytest.approx(1.0, abs=5e-4)


class Endless:
    """BTYD's process asked for all purchases after the cutoff."""

    def __init__(self, model):
        self.model = model

    def lifetime_purchases(self, rate):
        history = self.model.history_
        weekly = np.log1p(rate) * 7 / 365.25
        process = self.model.purchases_.process
        found = process.dert(weekly, history.frequency, history.recency, history.age)
        return pd.Series(found, index=history.customers)


def test_value_without_an_end_is_the_limit_of_long_horizons(sold):
    model = fc.MODELS["btyd"].fit(sold)
    forecast = model.forecast("30Y", every="6M", draws=0)
    found = clv(forecast, sold, margin=0.4, rate=0.5, lifetime=Endless(model))
    limit = found.customers["future_forever"].sum()
    assert found.customers["future"].sum() == pytest.approx(limit, rel=0.03)
    assert (found.customers["total_forever"] >= found.customers["past"]).all()
    assert any("no interval" in note for note in found.notes)


def test_without_an_end_needs_a_model_that_knows_and_a_rate(four, written):
    with pytest.raises(UnsupportedError, match="int cannot look further"):
        clv(written, four, margin=0.4, rate=0.1, lifetime=3)
    with pytest.raises(UsageError, match="only for rates above 0"):
        clv(written, four, margin=0.4, lifetime=lambda rate: pd.Series(dtype=float))


def test_a_later_ledger_is_refused(four, written, ledger_of):
    later = ledger_of([("a", "2024-01-01", 1.0, "x")], cutoff="2024-04-01")
    with pytest.raises(UsageError, match=r'ledger.cut\("2024-03-30"\)'):
        clv(written, later, margin=0.4)


def test_another_log_is_refused_by_name(written, ledger_of):
    other = ledger_of([("a", "2024-01-01", 1.0, "x"), ("z", "2024-01-02", 1.0, "x")])
    with pytest.raises(UsageError, match="4 customers are in the forecast or in the ledger"):
        clv(written, other, margin=0.4)


def test_totals_without_customers_are_refused(sold):
    forecast = fc.MODELS["seasonal_series"].fit(sold).forecast("8W", population="all", draws=0)
    with pytest.raises(UnsupportedError, match="existing"):
        clv(forecast, sold, margin=0.4)


def test_without_draws_there_are_sums_but_no_bounds(four, forecast_of):
    value = np.full((4, 1, 2), 10.0)
    found = clv(forecast_of(four, value, draws=False), four, margin=0.5, rate=0.1)
    assert found.customers["future_lo_90"].isna().all()
    assert found.customers["future"].gt(0).all()
    with pytest.raises(UnsupportedError, match="draws=1000"):
        found.draws(pd.Series(1, index=found.customers.index))


def test_refunds_above_purchases_stay_and_are_said(ledger_of, forecast_of):
    rows = [("a", "2024-01-01", 50.0, "x"), ("a", "2024-02-01", -80.0, "x"),
            ("b", "2024-01-01", 10.0, "x")]  # fmt: skip
    kept = ledger_of(rows, returns="keep")
    found = clv(forecast_of(kept, np.zeros((2, 2, 2))), kept, margin=0.5)
    assert found.customers["past"].tolist() == [-15.0, 5.0]
    assert any("1 customers have a negative past" in note for note in found.notes)
    netted = ledger_of(rows)
    found = clv(forecast_of(netted, np.zeros((2, 2, 2))), netted, margin=0.5)
    assert any("Refunds outside the value" in note and "-80.00" in note for note in found.notes)


def test_a_negative_margin_is_negative_value_and_is_said(four, written):
    found = clv(written, four, margin=-0.2)
    assert found.customers["total"].sum() == pytest.approx(-0.2 * (280 + 70))
    assert any("average order loses money" in note for note in found.notes)


def test_units_of_money_do_not_matter(four, written, ledger_of, forecast_of):
    cents = ledger_of([("a", "2024-01-01", 10000.0, "ads"), ("a", "2024-02-15", 6000.0, "ads"),
                       ("b", "2024-01-10", 4000.0, "ads"), ("c", "2024-02-01", 5000.0, "mail"),
                       ("d", "2024-03-01", 3000.0, "organic")])  # fmt: skip
    euros = clv(written, four, margin=Margin(0.4, per_order=2.0), rate=0.1).customers
    drawn = forecast_of(cents, np.asarray(written.sampler.value) * 100, order=1000.0)
    hundred = clv(drawn, cents, margin=Margin(0.4, per_order=200.0), rate=0.1).customers
    np.testing.assert_allclose(hundred, euros * 100, rtol=1e-12)
