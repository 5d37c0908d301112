"""The clock: days, horizons with a unit, windows that tile."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.calendar import Horizon, Window, add, day_number, day_of, parse_day
from forecast.errors import HorizonError, UsageError

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
units = st.sampled_from("DWMY")
lengths = st.builds(Horizon, st.integers(1, 60), units)
seeded = settings(derandomize=True)


@pytest.mark.parametrize(
    "value",
    [
        date(2024, 2, 29), datetime(2024, 2, 29), pd.Timestamp("2024-02-29"),
        np.datetime64("2024-02-29"), np.datetime64("2024-02-29T00:00:00"), "2024-02-29",
        "2024-02-29T00:00", "2024-02-29 00:00:00", "2024-02-29T00:00:00.000",
    ],
)  # fmt: skip
def test_a_day(value):
    day = parse_day(value)
    assert day == date(2024, 2, 29)
    assert type(day) is date


@pytest.mark.parametrize(
    "value",
    [
        "2023-02-29", "2024-2-29", "29/02/2024", "20240229", "2024-02", "2024", "", " 2024-02-29",
        "2024-W09-4", "2024-060", "2024-02-29T10:00", "2024-02-29T00:00Z", "today", 20240229, 1.5,
        None, True, pd.NaT, np.datetime64("NaT", "D"), datetime(2024, 2, 29, 1), b"2024-02-29",
        pd.Timestamp("2024-02-29", tz="UTC"), datetime(2024, 2, 29, tzinfo=UTC),
        "２０２４-02-29",
    ],
)  # fmt: skip
def test_what_is_no_day(value):
    with pytest.raises(UsageError, match=r"^cutoff: ") as caught:
        parse_day(value, "cutoff")
    assert caught.value.exit_code == 2


@seeded
@given(days)
def test_day_numbers_count_days(day):
    assert day_of(day_number(day)) == day
    assert day_number(day + timedelta(days=1)) == day_number(day) + 1
    assert day_number(date(1970, 1, 1)) == 0


@seeded
@given(days, st.integers(-600, 600))
def test_months_keep_the_day_or_clip_it(day, count):
    there = add(day, count, "M")
    assert there.year * 12 + there.month == day.year * 12 + day.month + count
    assert there.day == day.day or (there.day < day.day and (there + timedelta(days=1)).day == 1)
    assert add(day, count, "Y") == add(day, 12 * count, "M")
    assert add(day, count, "W") == add(day, 7 * count, "D") == day + timedelta(days=7 * count)


def test_months_by_hand():
    assert add(date(2024, 1, 31), 1, "M") == date(2024, 2, 29)
    assert add(date(2023, 1, 31), 1, "M") == date(2023, 2, 28)
    assert add(date(2024, 3, 31), -1, "M") == date(2024, 2, 29)
    assert add(date(2024, 2, 29), 1, "Y") == date(2025, 2, 28)
    assert add(date(2023, 12, 31), 2, "M") == date(2024, 2, 29)
    for count, unit in ((-3000, "Y"), (999_999, "W"), (9_999_999_999, "D")):
        with pytest.raises(HorizonError, match="beyond the calendar"):
            add(date(2024, 1, 1), count, unit)


@seeded
@given(lengths, days, st.builds(Horizon, st.integers(1, 9), units))
def test_periods_tile_the_window(horizon, cutoff, every):
    window = horizon.window(cutoff)
    assert window.start == cutoff + timedelta(days=1)
    periods = horizon.periods(cutoff, every)
    assert periods[0].start == window.start
    assert periods[-1].end == window.end
    assert all(one.end == next_.start for one, next_ in pairwise(periods))
    assert sum(period.days for period in periods) == window.days
    assert all(period.days > 0 for period in periods)
    for step, period in enumerate(periods[:-1], start=1):  # whole ones, counted from the cutoff
        assert period.last == add(cutoff, step * every.count, every.unit)


@seeded
@given(lengths, days)
def test_a_default_period_is_one_unit(horizon, cutoff):
    periods = horizon.periods(cutoff)
    assert len(periods) == horizon.count
    assert periods == horizon.periods(cutoff, f"1{horizon.unit}")


@seeded
@given(lengths, days)
def test_back_and_forth(horizon, day):
    there = horizon.back(day)
    again = horizon.window(there).last
    if horizon.unit in "DW":
        assert again == day
    else:
        assert timedelta(0) <= day - again <= timedelta(days=3)  # a clipped month
        assert (again == day) == (there.day == day.day)


@seeded
@given(lengths, days)
def test_mean_days_are_near_the_window(horizon, cutoff):
    assert abs(horizon.mean_days(cutoff) - horizon.window(cutoff).days) <= 3


@seeded
@given(lengths)
def test_horizons_are_written_as_they_are_read(horizon):
    assert Horizon.parse(str(horizon)) == horizon
    assert Horizon.parse(horizon) is horizon
    assert Horizon.parse(f" {horizon.count} {horizon.unit.lower()} ") == horizon


def test_a_year_is_twelve_months():
    cutoff = date(2024, 1, 31)
    assert Horizon.parse("12M").window(cutoff) == Window(date(2024, 2, 1), date(2025, 2, 1))
    assert Horizon.parse("12M").window(cutoff).days == 366
    assert Horizon.parse("1Y").window(cutoff) == Horizon.parse("12M").window(cutoff)
    ends = [period.last for period in Horizon.parse("3M").periods(cutoff)]
    assert ends == [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]


@pytest.mark.parametrize(
    "value",
    ["2024-03-10", date(2024, 3, 10), pd.Timestamp("2024-03-10"), np.datetime64("2024-03-10")],
)
def test_an_end_date(value):
    horizon = Horizon.parse(value)
    assert horizon.until == date(2024, 3, 10)
    assert str(horizon) == "2024-03-10"
    assert horizon.window(date(2024, 3, 1)) == Window(date(2024, 3, 2), date(2024, 3, 11))
    assert horizon.mean_days(date(2024, 3, 1)) == 9.0
    assert len(horizon.periods(date(2024, 3, 1))) == 9
    assert [each.days for each in horizon.periods(date(2024, 3, 1), "1W")] == [7, 2]
    for cutoff in (date(2024, 3, 10), date(2024, 3, 11)):
        with pytest.raises(HorizonError, match="not after the cutoff"):
            horizon.window(cutoff)
    with pytest.raises(HorizonError, match="is a date"):
        horizon.back(date(2024, 3, 1))


@pytest.mark.parametrize(
    "value",
    [
        12, 12.0, "12", "0W", "-3W", "1.5M", "12 months", "W", "", "1H", "12m12", None, True,
        "9999999W", "2024-13-01", "2024-02-30", "2024-1", "1W ago", timedelta(days=7), "１W",
        pd.NaT, pd.Timestamp("2024-03-10 10:00"), ["1W"], datetime(2024, 3, 10, 1),
    ],
)  # fmt: skip
def test_what_is_no_horizon(value):
    with pytest.raises(HorizonError, match=r"^step: ") as caught:
        Horizon.parse(value, "step")
    assert caught.value.exit_code == 2


def test_periods_need_a_length():
    horizon, cutoff = Horizon.parse("4W"), date(2024, 1, 1)
    for every in ("2024-02-01", "", 0, 7, "0W"):
        with pytest.raises(HorizonError, match="every"):
            horizon.periods(cutoff, every)
    assert horizon.periods(cutoff, "1Y") == [horizon.window(cutoff)]  # the last may be shorter


def test_the_end_of_the_calendar():
    for value in ("9999-12-31", "999999W", "9000Y"):
        with pytest.raises(HorizonError, match="beyond the calendar"):
            Horizon.parse(value).window(date(2024, 1, 1))
    with pytest.raises(HorizonError, match="beyond the calendar"):
        Horizon.parse("3000Y").back(date(2024, 1, 1))


def test_too_many_periods_are_refused_with_a_remedy() -> None:
    long = Horizon.parse("900Y")
    assert len(long.periods(date(2024, 1, 31))) == 900
    with pytest.raises(HorizonError, match="more than 4,000"):
        long.periods(date(2024, 1, 31), "1W")
