"""BTYD in operational time, on a shop whose season is known."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.datasets import Season
from forecast.errors import TooLittleDataError, UnsupportedError, UsageError
from forecast.ledger import Ledger


@pytest.fixture(scope="module")
def whole() -> Ledger:
    shop = fc.simulate_shop(
        2500, days=1100, seed=5, season=Season(amplitude=0.6, peak_month=12), refunds=0.0
    )
    return fc.read_ledger(shop.orders[["customer_id", "date", "amount"]], key=())


def test_season_removes_the_bias_of_a_cut_before_the_peak(whole: Ledger) -> None:
    ledger = whole.cut("2024-09-30")
    actual = whole.actuals("2024-09-30", "12W")["purchases"]
    bias = {}
    for season in (0, 1):
        model = fc.BTYD(season=season).fit(ledger)
        expected = model.forecast("12W", draws=0).customers["expected_purchases"]
        bias[season] = expected.sum() / actual.sum() - 1
    assert bias[0] < -0.2
    assert abs(bias[1]) < 0.12


def test_draws_follow_the_season_and_sums_agree(whole: Ledger) -> None:
    found = fc.BTYD(season=1).fit(whole.cut("2024-06-30")).forecast("26W", draws=100)
    weekly = found.periods["expected_purchases"]
    assert weekly.iloc[-3:].mean() > 1.5 * weekly.iloc[:3].mean()
    drawn = found.totals().purchases.mean(axis=(0, 1))
    np.testing.assert_allclose(drawn, weekly, rtol=0.2)
    assert found.customers["expected_purchases"].sum() == pytest.approx(weekly.sum(), rel=1e-9)


def test_events(whole: Ledger) -> None:
    ledger = whole.cut("2024-06-30")
    days = pd.date_range(ledger.first_day, "2024-12-31")
    events = pd.DataFrame({"promotion": (days.day <= 3).astype(float)}, index=days)
    model = fc.BTYD(events=events).fit(ledger)
    assert model.clock_.names == ("promotion",)
    assert abs(model.clock_.weights[0]) < 0.2  # the shop has no such promotion
    assert model.forecast("8W", draws=0).periods["expected_purchases"].gt(0).all()
    with pytest.raises(UsageError, match="'promotion'"):
        model.forecast("52W", draws=0)
    with pytest.raises(UsageError, match="no value, first 2024-01-01"):
        fc.BTYD(events=events[events.index != "2024-01-01"]).fit(ledger)
    with pytest.raises(UsageError, match="twice"):
        fc.BTYD(events=pd.concat([events, events.tail(1)])).fit(ledger)
    with pytest.raises(UsageError, match="numbers"):
        fc.BTYD(events=events.assign(promotion="yes")).fit(ledger)


def test_refusals(whole: Ledger) -> None:
    with pytest.raises(TooLittleDataError, match="365"):
        fc.BTYD(season=1).fit(whole.cut("2022-09-30"))
    with pytest.raises(UnsupportedError, match="lifetimes"):
        fc.BTYD(season=1, engine="lifetimes").fit(whole.cut("2024-06-30"))


def test_an_empty_clock_is_the_plain_model_to_the_bit(whole: Ledger) -> None:
    ledger = whole.cut("2024-06-30")
    days = pd.date_range(ledger.first_day, "2024-12-31")
    nothing = pd.DataFrame({"never": np.zeros(len(days))}, index=days)
    for burn_in in (0, 60):
        empty = fc.BTYD(events=nothing, burn_in=burn_in).fit(ledger)
        plain = fc.BTYD(burn_in=burn_in).fit(ledger)
        assert empty.log_likelihood_ == plain.log_likelihood_
        assert empty.aic_ == plain.aic_ + 2
        one, other = (each.forecast("8W", draws=20) for each in (empty, plain))
        pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
        assert "never" in " ".join(one.notes)


def test_likelihoods_compare_clocks(whole: Ledger) -> None:
    ledger = whole.cut("2024-06-30")
    season, plain = fc.BTYD(season=1, burn_in=60).fit(ledger), fc.BTYD(burn_in=60).fit(ledger)
    assert season.aic_ < plain.aic_ - 100
