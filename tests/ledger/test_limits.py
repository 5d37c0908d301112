"""Files made to be too much: each ends soon, by name, and with what the limit is."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.errors import ColumnError, DataError, FileError
from forecast.ledger import files, rows

GOOD = "c,d,v\na,2024-01-01,1\nb,2024-01-05,2\n"


def test_a_bomb_is_not_unpacked_to_its_end(file, read, tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    line = b"a,2024-01-01,1\n"
    bomb = file(gzip.compress(GOOD.encode() + line * 8_000_000, 9, mtime=0), "log.csv.gz")
    assert bomb.stat().st_size < 500_000 < 120_000_000  # 120 MB of text
    with pytest.raises(DataError, match="more than 250 times its size") as caught:
        read(bomb, key=())
    assert str(bomb) in str(caught.value)
    assert list(room.iterdir()) == []


def test_small_texts_may_be_as_regular_as_they_like(file, read):
    text = GOOD + "a,2024-01-01,1\n" * 100_000
    packed = gzip.compress(text.encode(), 9, mtime=0)
    assert len(text) > files.MOST_RATIO * len(packed)
    assert len(read(file(packed), key=()).purchases()) == 2


def test_a_hundred_thousand_columns(file, read, tmp_path):
    names = [f"column{at}" for at in range(100_000)]
    wide = file(",".join(["c", "d", "v", *names]) + "\n")
    with pytest.raises(ColumnError, match="100,003 columns, where 10,000 are the most"):
        read(wide)
    table = pa.table({name: pa.nulls(1, pa.int8()) for name in names[:10_001]})
    pq.write_table(table, tmp_path / "wide.parquet")
    with pytest.raises(ColumnError, match="10,001 columns, where 10,000 are the most"):
        read(tmp_path / "wide.parquet")


@pytest.mark.parametrize("column", ["c", "channel", "order"])
def test_a_cell_of_ten_megabytes(table, file, read, tmp_path, column):
    log = table(channel=["web", "shop", "web"], order=["1", "2", "3"])
    log.loc[1, column] = "x" * 10_000_000
    kept = {"customer_columns": ["channel"], "key": ["order"]}
    log.to_parquet(tmp_path / "log.parquet")
    for source in (log, tmp_path / "log.parquet"):
        with pytest.raises(DataError, match=f"Column '{column}'.* 10,000,000 signs") as caught:
            read(source, **kept)
        assert len(str(caught.value)) < 500
    with pytest.raises(DataError, match="a line is longer than"):
        read(file(log.to_csv(index=False)), **kept)


def test_texts_up_to_the_limit_are_kept(table, read):
    longest = "x" * rows.MOST_SIGNS
    assert longest in set(read(table(c=["a", longest, "b"])).purchases()["customer_id"])


@pytest.mark.slow
def test_a_hundred_thousand_files(read, tmp_path: Path):
    """Links, which are quicker made than files."""
    folder = tmp_path / "log"
    folder.mkdir()
    first = folder / "0.csv"
    first.write_text(GOOD)
    for at in range(1, 100_000):
        (folder / f"{at}.csv").hardlink_to(first)
        if at % 30_000 == 0:  # a file has so many names at most
            first = folder / f"{at}-.csv"
            first.write_text(GOOD)
    with pytest.raises(FileError, match=r"100,\d+ files, where 50,000 are the most"):
        read(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_wide_grouping_goes_to_disk_within_the_memory_allowed(read, tmp_path, monkeypatch):
    """DuckDB gets 60 MB for 800,000 customers; what does not fit is written and removed."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    monkeypatch.setattr("forecast.ledger.connection.MOST_MEGABYTES", 60)
    ids = pa.array([f"customer number {at:09d}" for at in range(800_000)])
    days = pa.array(np.full(len(ids), "2024-01-01", "datetime64[D]"))
    pq.write_table(pa.table({"c": ids, "d": days}), tmp_path / "log.parquet")
    watched = []
    walk = Path.replace  # what spills moves through here
    monkeypatch.setattr(Path, "replace", lambda *each: (watched.append(each), walk(*each))[1])
    monkeypatch.setattr("forecast.ledger.keeping.SPILL_ROWS", 400_000)
    ledger = read(tmp_path / "log.parquet", value=None, key=())
    assert len(watched) == 2
    assert len(ledger.purchases()) == 800_000


def test_more_rows_than_a_machine_reads(table, read, monkeypatch):
    monkeypatch.setattr(rows, "MOST_ROWS", 2)
    with pytest.raises(DataError, match="3 rows, where 2 are the most"):
        read(table())


@pytest.mark.parametrize("kind", ["csv", "parquet", "table", "folder"])
def test_bad_rows_are_found_in_their_file(kind, file, read, tmp_path):
    log = pd.DataFrame({"c": "a", "d": "2024-01-01", "v": ["1"] * 70_000})
    log.loc[[9, 65_000], "v"] = ["$5", "6 €"]
    if kind == "table":
        source, places = log, ["row 10", "row 65001"]
    elif kind == "parquet":
        source, places = tmp_path / "log.parquet", ["row 10", "row 65001"]
        log.to_parquet(source)
    elif kind == "csv":
        source, places = file(log.to_csv(index=False)), ["row 10", "row 65001"]
    else:
        source = tmp_path / "parts"
        file(GOOD, "parts/a.csv")
        file(gzip.compress(log.to_csv(index=False).encode()), "parts/b.csv.gz")
        places = [f"{source}/b.csv.gz, row 10", f"{source}/b.csv.gz, row 65001"]
    with pytest.raises(DataError) as caught:
        read(source, key=())
    error = caught.value
    assert error.samples == ["$5", "6 €"]
    assert error.places == places
    assert f"'$5' ({places[0]}), '6 €' ({places[1]})" in str(error)


def test_names_of_columns_that_would_be_hidden(read, tmp_path):
    log = pd.DataFrame({"filename": ["a", "b"], "d": ["2024-01-01"] * 2, "v": ["1", "x"]})
    log.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError) as caught:
        read(tmp_path / "log.parquet", customer="filename")
    assert (caught.value.samples, caught.value.places) == (["x"], [])
