from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import METRICS, ZERO, backtest
from forecast.errors import UsageError

COLUMNS = "model cutoff horizon population target segment metric value n"


@pytest.fixture(scope="module")
def bt(ledger, fakes):
    models = {"one": fakes.Fake(), "oracle": fakes.Oracle(whole=ledger)}
    return backtest(ledger, models, horizon="7D", origins=2, draws=20)


def test_long_table(bt):
    table = bt.scores()
    assert " ".join(table.columns) == COLUMNS
    assert set(table["segment"]) == {"all"}
    assert set(table["metric"]) <= {metric.name for metric in METRICS}
    wide = table.pivot(index=["cutoff", "model"], columns="metric", values="value")
    known = bt.by_origin().set_index(["cutoff", "model"])
    for metric in ("rmse", "bias", "gini", "mae"):
        np.testing.assert_array_equal(wide[metric].reindex(known.index), known[metric])
    first = table[table["cutoff"] == "2024-01-07"]
    assert (first["n"] == 3).all()
    assert "log_score" not in set(table.loc[table["model"] == ZERO, "metric"])


def test_segments_by_labels(bt):
    # after 7 January a buys twice, b once, c never; everybody is expected once
    labels = pd.Series({"a": "x", "b": "y", "c": "y", "d": "y"})
    table = bt.scores(metrics=["rmse", "bias"], by=labels).set_index(
        ["cutoff", "model", "segment", "metric"]
    )["value"]
    assert table["2024-01-07", "one", "x", "rmse"] == 1.0
    assert table["2024-01-07", "one", "x", "bias"] == -0.5
    assert table["2024-01-07", "one", "y", "rmse"] == pytest.approx(np.sqrt(0.5))
    same = bt.scores(metrics=["rmse", "bias"], by=lambda origin: labels)
    assert same.equals(bt.scores(metrics=["rmse", "bias"], by=labels))
    days = dict.fromkeys(bt.origins, labels)
    assert same.equals(bt.scores(metrics=["rmse", "bias"], by=days))


def test_sums_of_periods_and_totals(bt):
    table = bt.scores(unit="total", metrics=["rmse", "bias", "coverage"])
    one = table[(table["model"] == "one") & (table["cutoff"] == "2024-01-14")]
    assert one["value"].tolist()[:2] == pytest.approx([3.0, 3.0])  # four expected, one came
    assert (table["n"] == 1).all()
    periods = bt.scores(unit="period", population="all", metrics=["rmse"])
    board = bt.leaderboard(population="all")
    mean = periods.groupby("model")["value"].mean()
    assert mean["one"] == pytest.approx(board.loc["one", "rmse_total"])
    assert (periods["n"] == 7).all()


def test_the_zero_forecast_has_a_crps(bt):
    board = bt.leaderboard()
    assert board.loc[ZERO, "crps"] == board.loc[ZERO, "mae"]


def test_odd_questions_are_refused(bt):
    with pytest.raises(UsageError, match="'week' is not 'customer'"):
        bt.scores(unit="week")
    with pytest.raises(UsageError, match="only customers have labels"):
        bt.scores(unit="total", by="cohort")
    with pytest.raises(UsageError, match="by: 2 of 3 customers have no label at 2024-01-07"):
        bt.scores(by=pd.Series({"a": 1, "d": 2}))
    with pytest.raises(UsageError, match="'channel' is not 'repeat' or 'cohort'"):
        bt.scores(by="channel")
    with pytest.raises(UsageError, match="'mape' is unknown"):
        bt.leaderboard(metrics=["mape"])


def test_histories_split_those_who_never_came_back(bt):
    # by 14 January a and b have bought again, c and d have not
    table = bt.scores(by="repeat", metrics=["rmse"])
    later = table[(table["cutoff"] == pd.Timestamp(date(2024, 1, 14))) & (table["model"] == "one")]
    assert dict(zip(later["segment"], later["n"], strict=True)) == {
        "no repeat purchase": 2,
        "repeat purchases": 2,
    }
    # a buys once, the others never, where everybody is expected once
    assert later["value"].tolist() == pytest.approx([1.0, np.sqrt(0.5)])
    assert set(bt.scores(by="cohort")["segment"]) == {"2024-01"}
