from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.backtest import origin_days
from forecast.backtest.origins import scored_window
from forecast.calendar import Horizon
from forecast.errors import CutoffError, HorizonError, TooLittleDataError, UsageError

CUTOFF = date(2024, 3, 31)


def test_last_origin_is_one_horizon_back_and_the_rest_step_back():
    days = origin_days(date(2024, 3, 30), "2W", 3, "1W")
    assert days == [date(2024, 3, 2), date(2024, 3, 9), date(2024, 3, 16)]


def test_months_are_counted_from_the_last_origin():
    # stepping by hand from 29 February would stay on the 29th; so does counting from it
    assert origin_days(date(2024, 1, 31), "1M", 3) == [
        date(2023, 10, 31),
        date(2023, 11, 30),
        date(2023, 12, 31),
    ]


@given(
    cutoff=st.dates(date(2001, 1, 1), date(2040, 1, 1)),
    horizon=st.sampled_from(["9D", "13W", "1M", "7M", "1Y"]),
    step=st.sampled_from([None, "1D", "1W", "1M", "5M"]),
    origins=st.integers(1, 8),
)
@settings(max_examples=200, deadline=None)
def test_every_window_has_happened_and_days_differ(cutoff, horizon, step, origins):
    days = origin_days(cutoff, horizon, origins, step)
    assert days == sorted(set(days))
    assert len(days) == origins
    assert all(Horizon.parse(horizon).window(day).last <= cutoff for day in days)


@given(
    cutoff=st.dates(date(2001, 1, 1), date(2040, 1, 1)),
    horizons=st.lists(st.sampled_from(["30D", "1M", "5W", "1Y", "365D"]), min_size=1, max_size=3),
    gap=st.sampled_from([None, "1D", "2W", "1M"]),
)
@settings(max_examples=200, deadline=None)
def test_every_window_behind_a_gap_has_happened(cutoff, horizons, gap):
    lengths = [Horizon.parse(each) for each in horizons]
    between = None if gap is None else Horizon.parse(gap)
    days = origin_days(cutoff, horizons, 3, "1M", gap=gap)
    for length in lengths:
        windows = [scored_window(day, length, between) for day in days]
        assert windows[-1].last <= cutoff
        assert all(window.start > day for window, day in zip(windows, days, strict=True))
        assert between is None or all(
            window.start > between.window(day).last
            for window, day in zip(windows, days, strict=True)
        )
    assert origin_days(cutoff, horizons, [days[-1]], gap=gap) == days[-1:]


def test_history_is_checked_to_the_day():
    first = date(2024, 3, 11)
    # first day to origin 2024-03-24 are 14 days: one origin needs 7, two need 14 with step 7
    days = origin_days(CUTOFF, "7D", 2, first_day=first)
    assert days == [date(2024, 3, 17), date(2024, 3, 24)]
    with pytest.raises(TooLittleDataError, match=r"3 origins of 7D.*; 2 fit.*origins=2"):
        origin_days(CUTOFF, "7D", 3, first_day=first)
    with pytest.raises(TooLittleDataError, match="; 1 fit"):
        origin_days(CUTOFF, "7D", 2, first_day=first + timedelta(days=1))
    assert len(origin_days(CUTOFF, "7D", 1, first_day=first, min_history="2W")) == 1
    with pytest.raises(TooLittleDataError, match="; 0 fit"):
        origin_days(CUTOFF, "7D", 1, first_day=first, min_history="15D")


def test_listed_days_are_checked_and_sorted():
    given_days = ["2024-03-10", date(2024, 2, 1), pd.Timestamp("2024-03-01")]
    assert origin_days(CUTOFF, "3W", given_days) == [
        date(2024, 2, 1),
        date(2024, 3, 1),
        date(2024, 3, 10),
    ]
    with pytest.raises(CutoffError, match=r"1 of 2 origins.*'2024-03-11'.*fits is 2024-03-10"):
        origin_days(CUTOFF, "3W", ["2024-03-10", "2024-03-11"])
    with pytest.raises(TooLittleDataError, match=r"'2024-02-01'.*fits is 2024-02-21"):
        origin_days(CUTOFF, "3W", given_days, first_day=date(2024, 2, 1))
    origin_days(CUTOFF, "3W", ["2024-02-21"], first_day=date(2024, 2, 1))


@pytest.mark.parametrize("origins", [0, -1, True, "6", [], ["2024-01-01", "2024-01-01"], 2.0])
def test_odd_origins_are_refused(origins):
    with pytest.raises(UsageError, match="origins"):
        origin_days(CUTOFF, "1W", origins)


def test_lengths_must_be_lengths():
    for wrong in ({"horizon": "2024-05-01"}, {"horizon": 13}):
        with pytest.raises(HorizonError, match="horizon"):
            origin_days(CUTOFF, origins=2, **wrong)
    with pytest.raises(HorizonError, match="step"):
        origin_days(CUTOFF, "1W", 2, "2024-01-01")
    with pytest.raises(HorizonError, match="min_history"):
        origin_days(CUTOFF, "1W", 2, min_history="2024-01-01")
    with pytest.raises(UsageError, match="step"):
        origin_days(CUTOFF, "1W", ["2024-01-01"], "1W")
