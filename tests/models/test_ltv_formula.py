"""LTV formulas as forecasters: by hand, refused without churn, periods and populations."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import NotIdentifiedError, TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.formulas.lapse import Activity
from forecast.models.formulas.ltv_formula import Flow, LTVFormula
from forecast.testing import check_forecaster


def ledger_of(days: dict[str, list[int]], cutoff: int) -> Ledger:
    """First purchases are worth 20, repeat purchases 50."""
    rows = [(who, day, 50.0 if at else 20.0) for who, all in days.items()
            for at, day in enumerate(all)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["customer", "day", "value"])
    table["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(table.pop("day"), unit="D")
    end = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=cutoff)).date()
    return fc.read_ledger(table, cutoff=end)


# active for 70, 100, 5 and 30 days; a and d have lapsed; 6 repeat purchases worth 300
SHOP = ledger_of({"a": [0, 10, 60], "b": [0, 20, 40, 60, 80], "c": [95], "d": [5]}, 100)


def test_arpu_is_revenue_a_day_times_active_days() -> None:
    flow = Flow.learn(SHOP, "arpu", "30D")
    windows = fc.forecaster.Horizon.parse("20D").periods(SHOP.cutoff, "10D")
    purchases, value, shares = flow.expect(windows)
    there = Activity.learn(SHOP, "30D").active_days(np.array([10.0, 20.0]))
    np.testing.assert_allclose(purchases, 6 / 205 * there[[0, 1, 1, 0], 1])
    assert value is not None
    np.testing.assert_allclose(value, 300 / 205 * there[[0, 1, 1, 0], 1])
    np.testing.assert_allclose(shares.table[:, 0], there[:, 0] / there[:, 1])


def test_aov_is_the_customers_own() -> None:
    flow = Flow.learn(SHOP, "aov", "30D")
    # own repeat purchases and one more, over own active days and those of one pooled purchase
    np.testing.assert_allclose(
        flow.rate, np.array([3, 5, 1, 1]) / (np.array([70, 100, 5, 30]) + 205 / 6)
    )
    assert flow.order_value is not None
    pooled = 380 / 10
    np.testing.assert_allclose(
        flow.order_value, (np.array([120, 220, 20, 20]) + pooled) / np.array([4, 6, 2, 2])
    )


def test_revenue_per_customer_knows_no_churn() -> None:
    flow = Flow.learn(SHOP, "revenue", None)
    purchases, value, _ = flow.expect(fc.forecaster.Horizon.parse("10D").periods(SHOP.cutoff))
    # ages 100, 100, 5 and 95 days
    np.testing.assert_allclose(purchases, 10 * 6 / 300)
    np.testing.assert_allclose(value, 10 * 300 / 300)  # type: ignore[arg-type]


def test_retention_of_one_is_refused_by_name() -> None:
    loyal = ledger_of({f"c{n}": list(range(n, 200, 20)) for n in range(20)}, 200)
    for formula in ("arpu", "aov"):
        with pytest.raises(NotIdentifiedError, match="retention is 1") as caught:
            LTVFormula(formula, silence="30D").fit(loyal)  # type: ignore[arg-type]
        assert caught.value.limit == "no churn"
    LTVFormula("revenue").fit(loyal)


def test_settings_and_thin_logs_are_refused() -> None:
    with pytest.raises(UsageError, match="'ltv' is not one of"):
        LTVFormula("ltv").fit(SHOP)  # type: ignore[arg-type]
    with pytest.raises(TooLittleDataError, match="bought twice"):
        LTVFormula("revenue").fit(ledger_of({"a": [0], "b": [4]}, 20))


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
