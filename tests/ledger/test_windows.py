"""Cutoffs, cuts, windows and days: nothing after the cutoff is ever seen."""

from datetime import date

import pandas as pd
import pytest

from forecast.errors import CutoffError, DataWarning, HorizonError, UsageError

TIMES = pd.DataFrame(
    {
        "c": ["a", "a", "a", "b", "b", "c"],
        "d": [
            "2024-01-01 00:00:00",
            "2024-01-31 23:59:59",
            "2024-02-01 00:00",
            "2024-01-31T00:00:00.000",
            "2024-02-07 23:59",
            "2024-02-08 00:00",
        ],
        "v": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    }
)


@pytest.fixture(params=["text", "timestamps"])
def times(request) -> pd.DataFrame:
    if request.param == "text":
        return TIMES
    return TIMES.assign(d=pd.to_datetime(TIMES["d"], format="ISO8601"))


def test_a_cutoff_holds_the_whole_of_its_day(times, read, counts):
    ledger = read(times, cutoff="2024-01-31")
    assert ledger.purchases()["value"].tolist() == [1.0, 2.0, 8.0]
    assert counts(ledger)["after the cutoff"] == 3
    whole = read(times)
    assert whole.cutoff == date(2024, 2, 8)
    assert "Observation ends on 2024-02-08, the last day in the log." in set(whole.audit["what"])
    assert whole.cut("2024-01-31").purchases()["value"].tolist() == [1.0, 2.0, 8.0]


def test_actuals_hold_exactly_their_window(times, read):
    ledger = read(times)
    existing = ledger.actuals("2024-01-31", "1W")  # 1 to 7 February
    assert existing.index.tolist() == ["a", "b"]
    assert existing["purchases"].tolist() == [1, 1]
    assert existing["value"].tolist() == [4.0, 16.0]
    assert ledger.actuals("2024-01-31", "1W", "new").empty
    longer = ledger.actuals("2024-01-31", "8D", "all")
    assert longer.loc["c"].tolist() == [1, 32.0]
    assert ledger.actuals("2024-01-31", "8D", "new").index.tolist() == ["c"]
    quiet = ledger.actuals("2024-02-07", date(2024, 2, 8))
    assert quiet["purchases"].tolist() == [0, 0]  # zeros are kept
    assert quiet["value"].tolist() == [0.0, 0.0]
    assert ledger.actuals("2023-01-01", "1M").empty  # nobody was there yet
    assert len(ledger.actuals("2023-12-31", "8D", "new")) == 1


def test_windows_past_the_cutoff_are_refused(read):
    ledger = read(TIMES)
    for horizon in ("9D", "2W", "1M", "2024-02-09"):
        with pytest.raises(CutoffError, match="passes the cutoff 2024-02-08"):
            ledger.actuals("2024-01-31", horizon)
    with pytest.raises(CutoffError, match="passes the cutoff 2024-01-31"):
        ledger.cut("2024-01-31").actuals(
            "2024-01-30", "2D"
        )  # the whole log knows, the cut does not
    with pytest.raises(UsageError, match="population: 'old'"):
        ledger.actuals("2024-01-31", "1W", "old")
    with pytest.raises(HorizonError, match="unit"):
        ledger.actuals("2024-01-31", 7)
    with pytest.raises(UsageError, match="origin"):
        ledger.actuals("January", "1W")


def test_cuts_outside_the_log_are_refused(read):
    ledger = read(TIMES)
    with pytest.raises(CutoffError, match="lies after the cutoff 2024-02-08"):
        ledger.cut("2024-02-09")
    with pytest.raises(CutoffError, match="before the first purchase on 2024-01-01"):
        ledger.cut("2023-12-31")
    with pytest.raises(UsageError, match="cut"):
        ledger.cut(20240101)
    assert ledger.cut("2024-01-01").purchases()["value"].tolist() == [1.0]
    twice = ledger.cut("2024-02-01").cut("2024-01-31")
    assert twice.audit["what"].tail(2).tolist() == [
        "Cut back to 2024-02-01.",
        "Cut back to 2024-01-31.",
    ]
    assert ledger.cutoff == date(2024, 2, 8)  # itself untouched


def test_a_cutoff_between_and_after_purchases(read, counts):
    quiet = read(TIMES, cutoff="2024-01-15")
    assert quiet.cutoff == date(2024, 1, 15)
    assert counts(quiet)["days to the cutoff"] == 14
    assert read(TIMES, cutoff=pd.Timestamp("2024-02-10")).cutoff == date(2024, 2, 10)
    days = pd.DataFrame({"c": "a", "d": pd.date_range("2024-01-01", periods=5), "v": 1.0})
    assert read(days, cutoff="2024-01-15").cutoff == date(2024, 1, 15)  # ten gaps of a day: silent
    with pytest.warns(DataWarning, match="11 days after the last purchase, where a usual gap is 1"):
        read(days, cutoff="2024-01-16")


def test_returns_alone_hold_the_end_of_observation(read):
    log = pd.DataFrame({"c": ["a", "a"], "d": ["2024-01-01", "2024-01-20"], "v": [5.0, -1.0]})
    assert read(log).cutoff == date(2024, 1, 20)
    assert read(log, cutoff="2024-01-10").cutoff == date(2024, 1, 10)


def test_time_zones(read, counts):
    moments = ["2024-07-01 23:30", "2024-01-01 23:30", "2024-07-02 22:30"]
    log = pd.DataFrame({"c": ["a", "b", "a"], "d": pd.to_datetime(moments, utc=True), "v": 1.0})
    days = {
        "UTC": ["2024-07-01", "2024-07-02", "2024-01-01"],
        "Europe/London": ["2024-07-02", "2024-01-01"],  # summer time: two rows on one day
        "Asia/Tokyo": ["2024-07-02", "2024-07-03", "2024-01-02"],
        "America/New_York": ["2024-07-01", "2024-07-02", "2024-01-01"],
    }
    for zone, expected in days.items():
        ledger = read(log, timezone=zone)
        assert ledger.purchases()["date"].astype(str).tolist() == expected
        assert f"Days are counted in {zone} time zone." in set(ledger.audit["what"])
    local = log.assign(d=log["d"].dt.tz_convert("Asia/Tokyo"))  # the same moments
    assert read(local, timezone="UTC").purchases()["date"].astype(str).tolist() == days["UTC"]
    mixed = log.assign(d=log["d"].astype(object))
    assert read(mixed, timezone="UTC").purchases()["date"].astype(str).tolist() == days["UTC"]


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        (["13/02/2020", "04/02/2020", " 5/2/2020"], "%d/%m/%Y"),
        (["02/13/2020 11:59 PM", "02/04/2020 12:00 AM", "2/5/2020 01:00 PM"], "%m/%d/%Y %I:%M %p"),
        (["13 Feb 2020", "04 feb 2020", "05 Feb 2020"], "%d %b %Y"),
        (["13.02.20", "04.02.20", "05.02.20"], "%d.%m.%y"),
        (["20200213", "20200204", "20200205"], "%Y%m%d"),
        (["2020-2-13", "2020-2-4", "2020-2-5"], "%Y-%m-%d"),
        (["44/2020", "35/2020", "36/2020"], "%j/%Y"),
        (["13/02/2020 23:59:59.5", "04/02/2020 0:0:0.1", "5/2/2020 1:1:1.0"],
         "%d/%m/%Y %H:%M:%S.%f"),
    ],
)  # fmt: skip
def test_date_formats(table, read, written, date_format):
    rows = read(table(d=written), date_format=date_format).purchases()
    assert rows["date"].astype(str).tolist() == ["2020-02-05", "2020-02-13", "2020-02-04"]


def test_old_and_leap_days(read):
    days = ["1900-01-01", "1900-03-01", "1969-12-31", "1970-01-01", "2000-02-29", "2024-02-29",
            "2024-12-31", "1999-12-31"]  # fmt: skip
    log = pd.DataFrame({"c": "a", "d": days, "v": 1.0})
    for dates in (days, pd.to_datetime(days)):
        ledger = read(log.assign(d=dates))
        assert ledger.purchases()["date"].astype(str).tolist() == sorted(days)
        assert ledger.first_day == date(1900, 1, 1)
