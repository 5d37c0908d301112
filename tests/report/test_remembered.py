"""A page asks for the same scores many times; they are made once, for each part of a backtest."""

import dataclasses

import pandas as pd
import pytest

from forecast.backtest import Backtest, scores
from forecast.report.remembered import Remembered


def test_scores_are_made_once(tested: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Remembered.of(tested)
    pd.testing.assert_frame_equal(kept.leaderboard(), tested.leaderboard())
    assert repr(kept).startswith("Backtest(models: 4;")
    monkeypatch.setattr(scores, "leaderboard", None)
    pd.testing.assert_frame_equal(kept.leaderboard("purchases"), kept.leaderboard())
    assert kept.compare() is kept.compare()


def test_a_part_remembers_nothing_of_the_whole(tested: Backtest) -> None:
    whole = Remembered.of(dataclasses.replace(tested, untouched=tested.origins[-1:]))
    assert whole.leaderboard().loc["half", "origins"] == 3
    assert whole.select(origins="untouched").leaderboard().loc["half", "origins"] == 1
