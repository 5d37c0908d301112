from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import backtest
from forecast.calendar import Horizon
from forecast.forecaster import Forecast

WEEK = {"horizon": "7D", "origins": 1, "draws": 5, "populations": ["existing"]}


def _listing(forecast, names):
    return replace(forecast, customers=forecast.customers.reindex(names, fill_value=0.0))


def _holes(forecast):
    customers = forecast.customers.copy()
    customers.iloc[0, customers.columns.get_loc("expected_value")] = np.nan
    return replace(forecast, customers=customers)


def _endless(forecast):
    return replace(forecast, periods=forecast.periods.assign(expected_purchases=np.inf))


WRONG = {
    "not a Forecast": lambda f: {"x": 1},
    "got 'all'": lambda f: replace(f, population="all"),
    "Asked for 2024-01-15 to 2024-01-21, got": lambda f: replace(f, horizon=Horizon(8, "D")),
    "Asked for 7 periods": lambda f: replace(f, periods=f.periods.iloc[:-1]),
    r"1 missing \('d'\)": lambda f: _listing(f, ["a", "b", "c"]),
    r"1 unknown \('q'\)": lambda f: _listing(f, ["a", "b", "c", "d", "q"]),
    r"1 doubled \('a'\)": lambda f: replace(f, customers=pd.concat([f.customers, f.customers[:1]])),
    "customers: expected_value is missing in 1": _holes,
    "periods: expected_purchases .* infinite in 7": _endless,
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_answers_are_recorded_as_failures(ledger, fakes, message):
    class Wrong(fakes.Fake):
        def forecast(self, horizon, **rest):
            return WRONG[message](super().forecast(horizon, **rest))

    runs = backtest(ledger, {"wrong": Wrong(), "right": fakes.Fake()}, **WEEK).runs
    row = runs.set_index("model").loc["wrong"]
    assert row["status"] == "failed"
    assert row["customers"] == 0
    assert pd.Series([row["error"]]).str.contains(message).all(), row["error"]
    assert runs.set_index("model").loc["right", "status"] == "ok"


def test_order_and_missing_columns_of_customers_do_not_matter(ledger, fakes):
    class Terse(fakes.Fake):
        def forecast(self, horizon, **rest):
            full = super().forecast(horizon, **rest)
            return replace(full, customers=full.customers[["expected_purchases"]][::-1])

    frame = backtest(ledger, Terse(2.5), **WEEK).frame
    assert frame["customer_id"].tolist() == ["a", "b", "c", "d"]
    assert (frame["expected_purchases"] == 2.5).all()
    assert frame["p_alive"].isna().all()
    assert frame["actual_purchases"].tolist() == [1, 0, 0, 0]


def test_without_draws_there_are_no_intervals(ledger, fakes):
    bt = backtest(ledger, {"m": fakes.Fake(2.0)}, **(WEEK | {"draws": 0}))
    total = bt.totals.iloc[0]
    assert total["expected_purchases"] == pytest.approx(8)
    assert total["expected_value"] == pytest.approx(80)
    assert total[["purchases_lo_90", "value_hi_90"]].isna().all()
    board = bt.leaderboard()
    assert np.isnan(board.loc["m", "coverage"])
    assert np.isnan(board.loc["m", "total_coverage"])
    assert np.isfinite(board.loc["m", "rmse"])


def test_the_interval_is_that_of_the_forecast(ledger, fakes):
    kept: list[Forecast] = []

    class Loud(fakes.Fake):
        def forecast(self, horizon, **rest):
            kept.append(super().forecast(horizon, **rest))
            return kept[-1]

    total = backtest(ledger, Loud(2.0), **(WEEK | {"draws": 100})).totals.iloc[0]
    interval = kept[0].interval(0.9)
    for target in ("purchases", "value"):
        row = interval.loc[target]
        bounds = [total[f"{target}_lo_90"], total[f"{target}_hi_90"]]
        assert bounds == pytest.approx([row["lo"], row["hi"]])
        assert row["lo"] < row["hi"]
