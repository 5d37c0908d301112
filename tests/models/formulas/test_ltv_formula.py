"""LTV formulas as forecasters: by hand, refused without churn, periods and populations."""

from collections.abc import Callable

import numpy as np
import pytest

import forecast as fc
from forecast.errors import NotIdentifiedError, TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.formulas.flow import Flow
from forecast.models.formulas.lapse import Activity
from forecast.models.formulas.ltv_formula import LTVFormula
from forecast.testing import check_forecaster

Reader = Callable[..., Ledger]


def test_arpu_is_revenue_a_day_times_active_days(shop: Ledger) -> None:
    flow = Flow.learn(shop, "arpu", "30D")
    windows = fc.forecaster.Horizon.parse("20D").periods(shop.cutoff, "10D")
    purchases, value, shares = flow.expect(windows)
    there = Activity.learn(shop, "30D").active_days(np.array([10.0, 20.0]))
    np.testing.assert_allclose(purchases, 6 / 205 * there[[0, 1, 1, 0], 1])
    assert value is not None
    np.testing.assert_allclose(value, 300 / 205 * there[[0, 1, 1, 0], 1])
    np.testing.assert_allclose(shares.table[:, 0], there[:, 0] / there[:, 1])


def test_aov_is_the_customers_own(shop: Ledger) -> None:
    flow = Flow.learn(shop, "aov", "30D")
    # own repeat purchases and one more, over own active days and those of one pooled purchase
    np.testing.assert_allclose(
        flow.rate, np.array([3, 5, 1, 1]) / (np.array([70, 100, 5, 30]) + 205 / 6)
    )
    assert flow.order_value is not None
    pooled = 380 / 10
    np.testing.assert_allclose(
        flow.order_value, (np.array([120, 220, 20, 20]) + pooled) / np.array([4, 6, 2, 2])
    )


def test_revenue_per_customer_knows_no_churn(shop: Ledger) -> None:
    flow = Flow.learn(shop, "revenue", None)
    purchases, value, _ = flow.expect(fc.forecaster.Horizon.parse("10D").periods(shop.cutoff))
    # ages 100, 100, 5 and 95 days
    np.testing.assert_allclose(purchases, 10 * 6 / 300)
    np.testing.assert_allclose(value, 10 * 300 / 300)  # type: ignore[arg-type]


def test_retention_of_one_is_refused_by_name(ledger_of_days: Reader) -> None:
    loyal = ledger_of_days({f"c{n}": list(range(n, 200, 20)) for n in range(20)}, 200)
    for formula in ("arpu", "aov"):
        with pytest.raises(NotIdentifiedError, match="retention is 1") as caught:
            LTVFormula(formula, silence="30D").fit(loyal)  # type: ignore[arg-type]
        assert caught.value.limit == "no churn"
    LTVFormula("revenue").fit(loyal)


def test_settings_and_thin_logs_are_refused(shop: Ledger, ledger_of_days: Reader) -> None:
    with pytest.raises(UsageError, match="'ltv' is not one of"):
        LTVFormula("ltv").fit(shop)  # type: ignore[arg-type]
    with pytest.raises(TooLittleDataError, match="bought twice"):
        LTVFormula("revenue").fit(ledger_of_days({"a": [0], "b": [4]}, 20))


def test_lapsed_customers_can_return_and_are_said() -> None:
    ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    found = LTVFormula().fit(ledger).forecast("13W", draws=100)
    assert found.customers is not None
    expected = found.customers["expected_purchases"]
    assert 0 < expected.min() < expected.max()
    assert expected.nunique() == 2  # one for the active, one for the lapsed
    assert found.customers["p_alive"].isna().all()
    assert "Lapsed after" in found.notes[0]
    weekly = found.periods["expected_purchases"]
    assert weekly.is_monotonic_decreasing or weekly.is_monotonic_increasing


@pytest.mark.slow
def test_revenue_complies() -> None:
    check_forecaster(LTVFormula("revenue"))
