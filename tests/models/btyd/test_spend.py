"""Order value that drifts: found where it is, left out where it is not, held beyond a year."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.ledger import Ledger
from forecast.models.btyd.spend import OrderDrift, Orders


def _shop(seed: int, by_year: float = 0.0, by_frequency: float = 0.0) -> Ledger:
    orders = fc.simulate_shop(
        1200, days=900, seed=seed, refunds=0.0, season=None, channels=()
    ).orders[["customer_id", "date", "amount"]]  # fmt: skip
    years = (orders["date"] - pd.Timestamp("2022-01-01")).dt.days / 365.25
    place = 1 + orders.groupby("customer_id").cumcount()
    factor = np.exp(by_year * years) * place**by_frequency
    return fc.read_ledger(orders.assign(amount=(orders["amount"] * factor).round(2)), key=())


def _bias(whole: Ledger, spend: str) -> tuple[float, fc.BTYD]:
    model = fc.BTYD("bgnbd", spend).fit(whole.cut("2023-12-31"))
    actual = whole.actuals("2023-12-31", "24W")
    expected = model.forecast("24W", draws=0).customers["expected_order_value"]
    told = (expected * actual["purchases"]).sum()
    return told / actual["value"].sum() - 1, model


@pytest.mark.parametrize("by_year", [0.15, -0.15])
def test_a_drift_is_recovered_and_carried_on(by_year: float) -> None:
    whole = _shop(1, by_year)
    before, _ = _bias(whole, "gamma_gamma_all")
    after, model = _bias(whole, "drift")
    drift = model.fitted_.drift
    assert abs(drift.by_year - by_year) < 4 * max(drift.by_year_sd, 0.01)
    assert abs(before) > 0.08
    assert abs(after) < 0.05
    assert "time" in drift.note
    assert model.parameters_["spend.drift by year"] == drift.by_year


def test_without_a_drift_nothing_is_lost() -> None:
    for seed in (1, 2):
        whole = _shop(seed)
        before, plain = _bias(whole, "gamma_gamma_all")
        after, model = _bias(whole, "drift")
        assert model.fitted_.drift.by_year == 0.0
        assert abs(after - before) < 0.01
        if model.fitted_.drift.by_frequency == 0.0:
            one, other = (each.forecast("8W", draws=20).customers for each in (plain, model))
            pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_more_than_a_year_ahead_is_held_at_the_cutoff() -> None:
    whole_year = 365.25
    drift = OrderDrift(by_year=0.2, by_year_sd=0.05, note="used")
    assert drift.ahead(182) == pytest.approx(np.exp(0.2 * 91 / whole_year))
    assert drift.ahead(730) == pytest.approx(np.exp(0.2 * 365 / whole_year))
    assert drift.ahead(732) == 1.0
    rng = np.random.default_rng(1)
    assert (drift.ahead_drawn(732, 5, rng) == 1.0).all()
    drawn = np.log(drift.ahead_drawn(365, 4000, rng))
    assert drawn.mean() == pytest.approx(0.2 * 182.5 / whole_year, abs=0.002)
    assert drawn.std() == pytest.approx(0.05 * 182.5 / whole_year, rel=0.05)
    assert len(drift.said(732)) == 2
    model = fc.BTYD("bgnbd", "drift").fit(_shop(1, 0.15))
    assert "held at the cutoff" in " ".join(model.forecast("3Y", draws=0).notes)


def test_rescaling_by_hand() -> None:
    # 20 % a year: 100 a year ago is 120 now; c = 0.5: the fourth purchase is worth twice the first
    drift = OrderDrift(by_year=np.log(1.2), by_frequency=0.5)
    orders = Orders(
        owner=np.array([0, 0]),
        value=np.array([100.0, 120.0]),
        years=np.array([-1.0, 0.0]),
        place=np.array([1.0, 4.0]),
        frequency=np.array([7.0]),
    )
    number, mean, worth = drift.rescaled(orders)
    assert (number[0], mean[0], worth[0]) == pytest.approx((2.0, (120.0 + 60.0) / 2, 3.0))


@pytest.mark.parametrize("by_year", [0.0, 0.1])
def test_frequency_is_told_from_time(by_year: float) -> None:
    whole = _shop(2, by_year, 0.25)
    before, _ = _bias(whole, "gamma_gamma_all")
    after, model = _bias(whole, "drift")
    assert model.fitted_.drift.by_frequency == pytest.approx(0.25, abs=0.06)
    assert abs(after) < abs(before)
    assert abs(after) < 0.05
    found = model.forecast("13W", draws=200)
    value = found.totals().value.sum(axis=(1, 2))
    slack = 0.05 * value.mean() + 4 * value.std() / np.sqrt(200)
    assert abs(value.mean() - found.customers["expected_value"].sum()) < slack
