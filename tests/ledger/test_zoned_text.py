"""Times with an offset, written as text: the day is that of the zone that was said."""

import random
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from forecast.errors import BadRowsError, DataError, UsageError

NIGHTS = [  # as written, and the day it is in Berlin
    ("2024-01-01T02:32:53+02:00", "2024-01-01"),
    ("2024-01-01T00:32:53+02:00", "2023-12-31"),
    ("2023-12-31T23:00:00Z", "2024-01-01"),
    ("2023-12-31 22:59:59 +0000", "2023-12-31"),
    ("2024-01-01 02:32:53 +0200", "2024-01-01"),
    ("2023-12-31 18:30 -05", "2024-01-01"),
    ("2023-12-31 23:00:00.123456789 UTC", "2024-01-01"),
    ("2024-03-30T22:59Z", "2024-03-30"),  # the night in which summer time begins
    ("2024-03-30T23:00Z", "2024-03-31"),
    ("2024-03-31T21:59:59Z", "2024-03-31"),  # a day of 23 hours
    ("2024-03-31T22:00Z", "2024-04-01"),
    ("2024-10-26T21:59Z", "2024-10-26"),
    ("2024-10-26T22:00Z", "2024-10-27"),  # the night in which it ends
    ("2024-10-27T22:59:59Z", "2024-10-27"),  # a day of 25 hours
    ("2024-10-27T23:00Z", "2024-10-28"),
    ("1969-12-31T22:59:59Z", "1969-12-31"),
    ("1969-12-31T23:00:00Z", "1970-01-01"),
]
WRITTEN, DAYS = zip(*NIGHTS, strict=True)
LOG = pd.DataFrame({"c": [f"c{at:02d}" for at in range(len(NIGHTS))], "d": WRITTEN, "v": 1.0})


def parquet(log, folder):
    log.to_parquet(folder / "log.parquet")
    return folder / "log.parquet"


def csv(log, folder):
    log.to_csv(folder / "log.csv", index=False)
    return folder / "log.csv"


SOURCES = {
    "pandas": lambda log, _: log,
    "pandas, objects": lambda log, _: log.astype({"d": object}),
    "polars": lambda log, _: pl.from_pandas(log),
    "arrow": lambda log, _: pa.Table.from_pandas(log),
    "duckdb": lambda log, _: duckdb.connect().from_arrow(pa.Table.from_pandas(log)),
    "csv": csv,
    "parquet": parquet,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_days_of_the_zone(kind, read, tmp_path):
    ledger = read(SOURCES[kind](LOG, tmp_path), timezone="Europe/Berlin")
    assert tuple(ledger.purchases()["date"].astype(str)) == DAYS
    assert "Days are counted in Europe/Berlin time zone." in set(ledger.audit["what"])


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe",
     "Africa/Casablanca", "Asia/Beirut", "America/St_Johns"],
)  # fmt: skip
def test_random_moments_fall_on_the_days_that_python_gives_them(zone, read):
    chance, local = random.Random(7), ZoneInfo(zone)
    start = datetime(1971, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(seconds=chance.randrange(53 * 31_556_952)) for _ in range(1500)]
    for year in range(1990, 2024):  # where midnight is skipped or comes twice
        for day in range(365):
            noon = datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
            before, after = (each.astimezone(local) for each in (noon, noon + timedelta(days=1)))
            if before.utcoffset() != after.utcoffset():
                moments += [noon + timedelta(minutes=15 * at) for at in range(97)]
    written = [
        each.astimezone(timezone(timedelta(minutes=15 * chance.randrange(-48, 57)))).isoformat()
        for each in moments
    ]
    log = pd.DataFrame({"c": [f"c{at:05d}" for at in range(len(moments))], "d": written, "v": 1.0})
    days = [str(each.astimezone(local).date()) for each in moments]
    assert read(log, timezone=zone).purchases()["date"].astype(str).tolist() == days


def test_timestamps_and_their_text_are_the_same_ledger(read):
    stamps = pd.to_datetime(LOG["d"].str.replace(" UTC", "Z"), utc=True, format="ISO8601")
    typed = read(LOG.assign(d=stamps), timezone="America/New_York")
    assert read(LOG, timezone="America/New_York").summary_hash() == typed.summary_hash()


def test_an_offset_in_a_format_of_its_own(read, table, refused):
    written = ["31/Dec/2023:23:30:00 +0000", "05/Jan/2024:00:30:00 +0200", "01/02/2024"]
    log = table(d=[*written[:2], "01/Feb/2024:10:00:00 -0500"])
    options = {"date_format": "%d/%b/%Y:%H:%M:%S %z"}
    days = read(log, **options, timezone="Europe/Berlin").purchases()["date"].astype(str).tolist()
    assert days == ["2024-01-01", "2024-02-01", "2024-01-04"]
    refused(lambda: read(log, **options), UsageError, 2, says=("timezone=",))
    naive = {"date_format": "%d/%m/%Y", "timezone": "UTC"}
    refused(lambda: read(table(d=["01/02/2024"] * 3), **naive), UsageError, 2, says=("%z",))


def test_without_a_zone_one_message_says_what_to_give(read, refused):
    says = (f"{len(LOG)} times carry a time zone, e.g. '2024-01-01T02:32:53+02:00'", "timezone=")
    refused(lambda: read(LOG), DataError, says=says)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_with_and_without_a_zone_are_refused_with_counts(read, refused, table, zone):
    log = table(d=["2024-01-01T10:00:00+01:00", "2024-01-02T10:00Z", "2024-01-03"])
    says = ("2 times carry a time zone", "'2024-01-02T10:00Z'", "1 does not, e.g. '2024-01-03'")
    refused(lambda: read(log, timezone=zone), DataError, says=says)
    refused(lambda: read(log, timezone=zone, max_bad_rows=3), DataError, says=says)


def test_a_zone_for_text_without_one(read, refused, table):
    refused(lambda: read(table(), timezone="UTC"), UsageError, 2, says=("'2024-01-01'", "Leave it"))


@pytest.mark.parametrize(
    "written",
    ["2024-02-30T10:00Z", "2024-01-01T24:00Z", "2024-01-01T10:00+16:00", "2024-01-01T10:00+1",
     "2024-01-01T10:00 EST", "2024-01-01Z", "1800-01-01T10:00Z"],
)  # fmt: skip
def test_times_that_are_none_among_sound_ones(read, refused, counts, written):
    log = pd.concat([LOG, pd.DataFrame({"c": ["x"], "d": [written], "v": [1.0]})])
    says = ("unreadable date in 1 row",)
    error = refused(lambda: read(log, timezone="UTC"), BadRowsError, says=says)
    assert error.samples == [written]
    ledger = read(log, timezone="UTC", max_bad_rows=1)
    assert counts(ledger)["bad unreadable date"] == 1
