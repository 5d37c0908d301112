from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import ZERO, Backtest, backtest
from forecast.errors import UnsupportedError, UsageError

WEEKS = {"horizon": "7D", "origins": 2, "draws": 50}
FRAME = (
    "customer_id cutoff horizon model population actual_purchases actual_value "
    "expected_purchases expected_value purchases_lo_90 purchases_hi_90 value_lo_90 value_hi_90 "
    "p_alive p_active crps_purchases log_score_purchases pit_purchases crps_value pit_value"
)


@pytest.fixture(scope="module")
def bt(ledger, fakes) -> Backtest:
    models = {
        "one": fakes.Fake(),
        "oracle": fakes.Oracle(whole=ledger),
        "late": fakes.Late(since=date(2024, 1, 14)),
        "series": fakes.Fake(2.0, populations=("all",)),
        "broken": fakes.Broken(),
    }
    return backtest(ledger, models, **WEEKS)


def test_frame(bt):
    frame = bt.frame
    assert list(frame.columns) == FRAME.split()
    assert set(frame["model"]) == {"one", "oracle", "late"}
    assert set(frame["population"]) == {"existing"}
    assert set(frame["horizon"]) == {"7D"}
    one = frame[(frame["model"] == "one") & (frame["cutoff"] == "2024-01-07")]
    assert one["actual_purchases"].tolist() == [2, 1, 0]
    assert one["actual_value"].tolist() == [20.0, 30.0, 0.0]
    assert one["expected_value"].tolist() == [10.0, 10.0, 10.0]
    assert frame["actual_purchases"].dtype == np.int64


def test_leaderboard_by_hand(bt):
    # everybody is expected once; actual 2 1 0 after 7 January, 1 0 0 0 after the 14th
    board = bt.leaderboard()
    assert board.index.tolist() == ["oracle", "one", ZERO, "late", "broken"]
    one = board.loc["one"]
    first, second = np.sqrt(2 / 3), np.sqrt(3 / 4)
    assert one["rmse"] == pytest.approx((first + second) / 2)
    assert one["mae"] == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert one["bias"] == pytest.approx((0 + 3) / 2)
    assert one["bias_worst"] == 3.0
    assert one["gini"] == 0.0
    assert one["top_decile_capture"] == pytest.approx(0.1)
    nothing = np.array([np.sqrt(5 / 3), np.sqrt(1 / 4)])
    assert board.loc[ZERO, "rmse"] == pytest.approx(nothing.mean())
    assert one["skill"] == pytest.approx(1 - (first + second) / nothing.sum())
    assert board.loc[ZERO, ["skill", "bias", "gini"]].tolist() == [0.0, -1.0, 0.0]
    oracle = board.loc["oracle"]
    assert oracle[["rmse", "bias", "gini", "skill"]].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert board["origins"].tolist() == [2, 2, 2, 1, 0]
    assert board["failed"].tolist() == [0, 0, 0, 1, 2]
    late = board.loc["late"]
    assert late["rmse"] == pytest.approx(second)
    assert late["skill"] == pytest.approx(1 - second / nothing[1])
    assert np.isnan(board.loc["broken", "rmse"])


def test_leaderboard_of_value(bt):
    # after 7 January: expected 10 each, actual 20 30 0; after the 14th: actual 20 0 0 0
    one = bt.leaderboard("value").loc["one"]
    first, second = np.sqrt((100 + 400 + 100) / 3), np.sqrt((100 + 300) / 4)
    assert one["rmse"] == pytest.approx((first + second) / 2)
    assert one["bias"] == pytest.approx((-0.4 + 1.0) / 2)


def test_leaderboard_of_everybody_scores_totals(bt):
    # a purchase day each: after 7 January a 8, d 9, b 10, a 14; after the 14th: a 15
    board = bt.leaderboard(population="all")
    assert "gini" not in board.columns
    daily = [np.array([1, 1, 1, 0, 0, 0, 1]), np.array([1, 0, 0, 0, 0, 0, 0])]
    for model, level in (("one", [3, 4]), ("series", [6, 8])):
        errors = [
            np.sqrt(np.mean((total / 7 - seen) ** 2))
            for total, seen in zip(level, daily, strict=True)
        ]
        assert board.loc[model, "rmse_total"] == pytest.approx(np.mean(errors))
    assert board.loc["one", "bias"] == pytest.approx((-1 / 4 + 3) / 2)
    nothing = np.mean([np.sqrt(4 / 7), np.sqrt(1 / 7)])
    assert board.loc[ZERO, "rmse_total"] == pytest.approx(nothing)
    assert board.loc[ZERO, ["bias", "bias_worst"]].tolist() == [-1.0, -1.0]
    assert "series" not in bt.leaderboard().index


def test_by_origin_is_the_course_of_the_bias(bt):
    table = bt.by_origin()
    one = table[table["model"] == "one"]
    assert one["bias"].tolist() == [0.0, 3.0]
    assert table.groupby("model").size().to_dict() == {ZERO: 2, "late": 1, "one": 2, "oracle": 2}
    assert set(table["total_covered"].dropna()) <= {0.0, 1.0}


def test_coverage_of_totals_and_customers(ledger, fakes):
    bt = backtest(ledger, {"sure": fakes.Fake(50.0), "wide": fakes.Fake(1.0)}, **WEEKS)
    board = bt.leaderboard()
    assert board.loc["sure", ["coverage", "total_coverage"]].tolist() == [0.0, 0.0]
    # Poisson(1) has bounds 0 to 3: every customer is inside; the total of 3 is, that of 1 (of 4)
    # lies in the interval of Poisson(4) from about 1 to 7
    assert board.loc["wide", ["coverage", "total_coverage"]].tolist() == [1.0, 1.0]


def test_periods_and_totals_agree(bt):
    periods = bt.periods[bt.periods["model"] == "one"]
    assert list(periods.columns[:6]) == ["cutoff", "horizon", "model", "population", "start", "end"]
    assert len(periods) == 2 * 2 * 7
    sums = periods.groupby(["cutoff", "population"])[["actual_purchases", "actual_value"]].sum()
    totals = bt.totals[bt.totals["model"] == "one"].set_index(["cutoff", "population"])
    pd.testing.assert_frame_equal(
        sums, totals[["actual_purchases", "actual_value"]].sort_index(), check_like=True
    )
    # existing customers after 7 January: a 8, b 10, a 14; the new one, d 9, counts among all
    days = periods[(periods["cutoff"] == "2024-01-07") & (periods["population"] == "existing")]
    assert days["actual_purchases"].tolist() == [1, 0, 1, 0, 0, 0, 1]
    assert days["actual_value"].tolist() == [10.0, 0, 30.0, 0, 0, 0, 10.0]
    days = periods[(periods["cutoff"] == "2024-01-07") & (periods["population"] == "all")]
    assert days["actual_purchases"].tolist() == [1, 1, 1, 0, 0, 0, 1]


def test_new_customers(ledger, fakes):
    model = fakes.Fake(populations=("new",))
    bt = backtest(ledger, {"m": model}, **WEEKS, populations=["new"])
    assert bt.totals["actual_purchases"].tolist() == [1.0, 0.0]
    board = bt.leaderboard(population="new")
    assert board.loc["m", "bias"] == pytest.approx(2.0)  # 3 against 1; the other is undefined


def test_deciles_by_hand(fakes):
    names = [f"c{number:02d}" for number in range(20)]
    rows = [(name, "2024-01-01", 1.0) for name in names]
    # customer n of 20 buys n // 2 times
    rows += [
        (name, f"2024-01-{8 + day:02d}", 1.0)
        for number, name in enumerate(names)
        for day in range(number // 2)
    ]
    ledger = fakes.ledger(rows, "2024-01-17")
    models = {"oracle": fakes.Oracle(whole=ledger), "flat": fakes.Fake()}
    bt = backtest(ledger, models, horizon="10D", origins=1, draws=0, min_history="1D")
    table = bt.deciles("oracle")
    assert table.index.tolist() == list(range(1, 11))
    assert (table["n"] == 2).all()
    assert table["mean_expected"].tolist() == table["mean_actual"].tolist() == list(range(10))
    flat = bt.deciles("flat", "value")
    # all tied in the forecast: no order among them may be made up
    assert flat["mean_expected"].tolist() == [10.0] * 10
    assert flat["mean_actual"].tolist() == pytest.approx([4.5] * 10)


def test_a_ledger_without_amounts(ledger, fakes):
    rows = [("a", "2024-01-01"), ("b", "2024-01-02"), ("a", "2024-01-09")]
    counted = fakes.ledger(rows, "2024-01-14", value=False)
    bt = backtest(counted, fakes.Fake(price=None), horizon="7D", origins=1, draws=10)
    assert bt.frame[["actual_value", "expected_value"]].isna().all(axis=None)
    assert bt.totals[["actual_value", "expected_value", "value_hi_90"]].isna().all(axis=None)
    assert bt.leaderboard().loc["Fake", "rmse"] == pytest.approx(np.sqrt(0.5))
    with pytest.raises(UnsupportedError, match="no amounts"):
        bt.leaderboard("value")


def test_a_model_without_values_has_missing_scores(ledger, fakes):
    bt = backtest(ledger, {"m": fakes.Fake(price=None), "n": fakes.Fake()}, **WEEKS)
    board = bt.leaderboard("value")
    assert board.index[-1] == "m"
    assert board.loc["m", "rmse":"total_coverage"].isna().all()
    assert board.loc["m", "origins"] == 2


def test_odd_questions_are_refused(bt):
    with pytest.raises(UsageError, match="target"):
        bt.leaderboard("sales")
    with pytest.raises(UsageError, match="'new' was not part"):
        bt.leaderboard(population="new")
    with pytest.raises(UsageError, match="'nobody' is not in"):
        bt.deciles("nobody")
    with pytest.raises(UnsupportedError, match="series"):
        bt.deciles("series")


def test_nothing_worked(ledger, fakes):
    bt = backtest(ledger, fakes.Broken(), **WEEKS)
    assert len(bt.frame) == len(bt.periods) == len(bt.totals) == 0
    assert list(bt.frame.columns) == FRAME.split()
    assert bt.leaderboard().index.tolist() == [ZERO, "Broken"]
    assert bt.leaderboard("value", "all").loc[ZERO, "rmse_total"] > 0
