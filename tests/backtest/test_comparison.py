from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import ZERO, backtest
from forecast.errors import UnsupportedError, UsageError

SETTINGS = {"horizon": "7D", "step": "7D", "draws": 0, "populations": ["existing"]}


@pytest.fixture(scope="module")
def log(fakes):
    """80 customers from 1 January on who buy on one day in seven, for ten weeks."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-02", "2024-03-10")
    bought = np.argwhere(rng.random((80, len(days))) < 1 / 7)
    rows = [(f"c{who}", "2024-01-01", 10.0) for who in range(80)]
    rows += [(f"c{who}", days[day], 10.0) for who, day in bought]
    return fakes.ledger(rows, "2024-03-10")


@pytest.fixture(scope="module")
def bt(log, fakes):
    models = {
        "right": fakes.Fake(1.0),
        "near": fakes.Fake(1.1),
        "high": fakes.Fake(3.0),
        "late": fakes.Late(2.0, since=date(2024, 2, 5)),
        "broken": fakes.Broken(),
    }
    return backtest(log, models, origins=6, **SETTINGS)


def test_the_table_agrees_with_the_leaderboard(bt):
    found, board = bt.compare(), bt.leaderboard()
    table = found.table
    assert found.reference == board.index[0]
    assert found.origins_resampled
    whole = ["right", "near", "high", ZERO]
    for name in whole:
        assert table.loc[name, "score"] == pytest.approx(board.loc[name, "rmse"])
        ratio = board.loc[name, "rmse"] / board.loc[found.reference, "rmse"]
        assert table.loc[name, "ratio"] == pytest.approx(ratio)
        assert table.loc[name, "lo"] <= table.loc[name, "ratio"] <= table.loc[name, "hi"]
    assert table.loc[found.reference, "verdict"] == "reference"
    assert table.loc["high", "verdict"] == table.loc[ZERO, "verdict"] == "worse"
    assert not table.loc["high", "in_set"]
    assert table.loc[found.reference, "in_set"]
    assert table.loc["high", "dm_p_value"] < 0.01
    assert table.loc["high", "dm_statistic"] > 0
    assert "broken" not in table.index
    assert bt.compare().table.equals(table)


def test_a_model_that_failed_somewhere_is_compared_where_it_answered(bt):
    row = bt.compare(reference="right").table.loc["late"]
    answered = bt.by_origin().pivot(index="cutoff", columns="model", values="rmse")
    both = answered[["late", "right"]].dropna()
    assert row["origins"] == len(both) == 4
    assert row["ratio"] == pytest.approx(both["late"].mean() / both["right"].mean())
    assert pd.isna(row["in_set"])
    assert bt.compare().table.index[-1] == "late"


def test_sentences(bt):
    said = bt.compare(reference="right").sentences
    assert any(each.startswith("right is better than ") and "high by 5" in each for each in said)
    assert not any("Too few" in each or "too few" in each for each in said)
    turned = bt.compare(reference="high").sentences
    assert any("right (by 5" in each and "better than high" in each for each in turned)


def test_few_or_overlapping_origins_are_said(log, fakes):
    models = {"right": fakes.Fake(1.0), "high": fakes.Fake(3.0)}
    for settings in ({"origins": 2}, {"origins": 6, "step": "2D"}):
        found = backtest(log, models, **(SETTINGS | settings)).compare()
        assert not found.origins_resampled
        assert f"{settings['origins']} origins: too few that stand apart" in found.sentences[-1]
        assert np.isnan(found.table.loc["high", "dm_p_value"])
        assert found.table.loc["high", "verdict"] == "worse"


def test_origins_that_disagree_leave_it_open(log, fakes):
    class Moody(fakes.Fake):
        """Far off at every other origin, a little better than the rest at the others."""

        def expected(self, horizon, population):
            good = self.cutoff_.isocalendar().week % 2
            return np.full(len(self.customers_), 1.0 if good else 1.9)

    models = {"steady": fakes.Fake(1.5), "moody": Moody()}
    found = backtest(log, models, origins=6, **SETTINGS).compare(reference="steady")
    assert found.table.loc["moody", "verdict"] == "time"
    assert "Too few origins to say for moody." in found.sentences


def test_an_origin_that_makes_the_difference_is_named(log, fakes):
    day = date(2024, 2, 11)

    class Once(fakes.Fake):
        """Fails badly once, and is a shade better else."""

        def expected(self, horizon, population):
            level = 9.0 if self.cutoff_ == day else 1.0
            return np.full(len(self.customers_), level)

    models = {"plain": fakes.Fake(1.3), "once": Once()}
    found = backtest(log, models, origins=6, **SETTINGS).compare(reference="plain")
    row = found.table.loc["once"]
    assert row["dominant_cutoff"] == pd.Timestamp(day)
    assert row["dominant_share"] > 1  # the others say the opposite
    alike = {"plain": fakes.Fake(1.3), "far": fakes.Fake(3.0)}
    row = backtest(log, alike, origins=6, **SETTINGS).compare().table.loc["far"]
    assert pd.isna(row["dominant_cutoff"])


def test_other_losses(bt):
    for metric in ("mae", "brier", "poisson_deviance"):
        found = bt.compare(metric, reference="right")
        assert found.metric == metric
        score = bt.leaderboard(metrics=[metric])[metric]
        assert found.table.loc["near", "score"] == pytest.approx(score["near"])
    # a forecast of nothing calls every purchase impossible
    assert bt.compare("poisson_deviance").table.loc[ZERO, "verdict"] == "infinite"


def test_odd_questions_are_refused(bt, log, fakes):
    with pytest.raises(UsageError, match="'gini' is no mean over customers; compare rmse"):
        bt.compare("gini")
    with pytest.raises(UsageError, match="'broken' has no rmse"):
        bt.compare(reference="broken")
    with pytest.raises(UsageError, match="level"):
        bt.compare(level=90)
    with pytest.raises(UnsupportedError, match="0 models with a log_score"):
        bt.compare("log_score")


def test_a_model_that_called_something_impossible_is_not_compared_where_it_was_lucky(ledger, fakes):
    tested = backtest(ledger, {"a": fakes.Fake(), "b": fakes.Fake(0.5)}, horizon="7D",
                      origins=2, draws=0)  # fmt: skip
    found = tested.compare("poisson_deviance")
    row = found.table.loc[ZERO]
    assert (row["verdict"], row["score"]) == ("infinite", np.inf)
    assert any("infinite for" in each and ZERO in each for each in found.sentences)
    with pytest.raises(UsageError, match="is infinite; name another"):
        tested.compare("poisson_deviance", reference=ZERO)
