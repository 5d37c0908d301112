"""Paths: what is found, what is refused, and what a file really is."""

import bz2
import os
import socket
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import ColumnError, DataError, FileError, ForecastError, UsageError

GOOD = "c,d,v\na,2024-01-01,1\nb,2024-01-05,2\n"


def refused(call, kind, code, *says):
    with pytest.raises(ForecastError) as caught:
        call()
    assert type(caught.value) is kind, caught.value
    assert caught.value.exit_code == code
    for part in says:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04abc", "spreadsheet or zip"),
        (b"\xd0\xcf\x11\xe0abc", "old spreadsheet"),
        (b"\x28\xb5\x2f\xfdabcd", "zstd"),
        (bz2.compress(GOOD.encode()), "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b'[{"c":"a","d":"2024-01-01"}]', "JSON"),
        (b'\xef\xbb\xbf {"c":"a","d":1}', "JSON"),
        (b"<html><body>Log in, please</body></html>", "web page"),
        (b"%PDF-1.4\nabc,d", "PDF"),
        (b"\x80\x04\x95abc,def", "pickle"),
        (b"SQLite format 3\0abc,def", "SQLite"),
        (b"ARROW1\0\0abc,def", "Arrow"),
    ],
)
def test_files_of_another_kind(file, read, content, says):
    path = file(content)
    refused(lambda: read(path), DataError, 3, str(path), says, "Save it as CSV or Parquet")


def test_paths_that_lead_nowhere(file, read, tmp_path):
    path = file(GOOD)
    missing = tmp_path / "lug.csv"
    refused(lambda: read(missing), FileError, 6, "no such file", "Did you mean 'log.csv'?")
    refused(lambda: read("/nowhere/at/all.csv"), FileError, 6, "no such file")
    refused(lambda: read("x" * 5000), FileError, 6, "cannot be opened")
    refused(lambda: read("a\0b.csv"), FileError, 6, "no such file")
    refused(lambda: read(str(tmp_path / "*.xyz")), FileError, 6, "no file matches")
    refused(lambda: read("[***"), FileError, 6)
    for empty in ("", "  "):
        refused(lambda empty=empty: read(empty), UsageError, 2, "path is empty")
    for address in ("https://example.com/log.csv", "s3://bucket/log.csv"):
        refused(lambda address=address: read(address), UsageError, 2, "download")
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "gone.csv")
    refused(lambda: read(link), FileError, 6, "link that leads nowhere")
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    refused(lambda: read(loop), FileError, 6, "link that leads nowhere")
    assert len(read(path).purchases()) == 2


def test_pipes_devices_and_sockets_do_not_hang(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    refused(lambda: read(tmp_path / "pipe.csv"), FileError, 6, "not a regular file")
    refused(lambda: read("/dev/zero"), FileError, 6, "not a regular file")
    refused(lambda: read("/dev/null"), FileError, 6, "not a regular file")
    with socket.socket(socket.AF_UNIX) as listening:
        place = Path(os.path.relpath(tmp_path / "s.csv"))  # addresses are short
        try:
            listening.bind(str(place))
        except OSError:
            return
        refused(lambda: read(place), FileError, 6, "not a regular file")


def test_a_file_nobody_may_read(file, read, monkeypatch):
    path = file(GOOD)
    if os.geteuid() == 0:  # root may read all

        def deny(self, *args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", deny)
    else:
        path.chmod(0)
    refused(lambda: read(path), FileError, 6, str(path), "Permission denied")


def test_folders(file, read, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    refused(lambda: read(folder), FileError, 6, "holds no file")
    file("hello", "logs/readme.md")
    refused(lambda: read(folder), FileError, 6, ".csv.gz")
    file(GOOD, "logs/a.csv")
    file(GOOD.replace("a,", "x,"), "logs/deep/er/b.CSV")
    file("junk", "logs/.hidden.csv")
    file("", "logs/_SUCCESS")
    file("junk", "logs/_temporary/c.csv")
    file("c,d,v\n", "logs/header_only.csv")
    (folder / "folder.csv").mkdir()
    (folder / "loop").symlink_to(folder)
    expected = ["a", "b", "x"]
    assert sorted(set(read(folder, key=()).purchases()["customer_id"])) == expected
    everything = str(folder / "**" / "[ab].[cC][sS][vV]")
    assert sorted(set(read(everything, key=()).purchases()["customer_id"])) == expected
    assert len(read(str(folder / "*.csv")).purchases()) == 2
    assert len(read(str(tmp_path / "lo*"), key=()).purchases()) == 3
    (folder / "gone.csv").symlink_to(tmp_path / "gone.csv")  # a part that is lost is not passed by
    refused(lambda: read(folder), FileError, 6, "gone.csv")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("c,d,w", "has 'w' too and lacks 'v'"),
        ("c,d,v,w", "has 'w' too"),
        ("c,d", "lacks 'v'"),
        ("d,c,v", "another order"),
    ],
)
def test_files_whose_columns_differ(file, read, tmp_path, header, says):
    file(GOOD, "logs/a.csv")
    other = file(f"{header}\n", "logs/b.csv")
    refused(lambda: read(tmp_path / "logs"), ColumnError, 3, str(other), says)


def test_an_empty_part_and_mixed_kinds(file, read, tmp_path, table):
    file(GOOD, "logs/a.csv")
    part = file("", "logs/b.csv")
    refused(lambda: read(tmp_path / "logs"), DataError, 3, str(part), "empty")
    part.unlink()
    table().to_parquet(tmp_path / "logs" / "c.parquet")
    refused(lambda: read(tmp_path / "logs"), DataError, 3, "mixes Parquet", "a.csv")


def test_parquet_files_that_differ(read, tmp_path, table, counts):
    folder = tmp_path / "logs"
    folder.mkdir()
    table().to_parquet(folder / "a.parquet")
    other = folder / "b.parquet"
    table(c=["x", "y", "z"], v=[1, 2, 3])[["v", "d", "c"]].to_parquet(other)  # order, int: fine
    assert counts(read(folder))["rows"] == 6
    table(v=["1", "2", "3"]).to_parquet(other)
    refused(lambda: read(folder), ColumnError, 3, str(other), "'v'", "the same way")
    table(c=[1, 2, 3]).to_parquet(other)
    refused(lambda: read(folder), ColumnError, 3, "'c'")
    table().rename(columns={"v": "w"}).to_parquet(other)
    refused(lambda: read(folder), ColumnError, 3, "has 'w' too and lacks 'v'")
    table(c=[1, 2, 3]).to_parquet(folder / "a.parquet")
    table(c=[1.0, 2.0, None]).to_parquet(other)  # a missing id made all of them floats
    refused(lambda: read(folder), DataError, 3, "'c'", "floating-point")


@pytest.mark.parametrize(
    "name", ["st*r.csv", "b[1].csv", "q?.csv", "a'b.csv", 'a"b.csv', "ü €.csv"]
)
def test_a_name_is_taken_literally(file, read, name):
    """DuckDB reads names as globs: ``b[1].csv`` would open ``b1.csv``."""
    for other in ("stAAr.csv", "b1.csv", "qq.csv"):
        file("c,d,v\nwrong,2024-01-01,1\n", other)
    path = file(GOOD, name)
    assert set(read(path).purchases()["customer_id"]) == {"a", "b"}
    assert set(read(str(path)).purchases()["customer_id"]) == {"a", "b"}


def test_paths_may_begin_at_home(file, read, tmp_path, monkeypatch):
    file(GOOD)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(read("~/log.csv").purchases()) == 2


def test_nothing_is_left_behind(file, read, tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    path = file(GOOD.encode("utf-16"))
    read(path, encoding="utf-16")
    refused(lambda: read(path), DataError, 3)
    refused(lambda: read(path, encoding="utf-16", value="w"), ColumnError, 3)
    assert not [each for each in room.iterdir() if each.name.startswith("ltv")]


def test_names_that_would_be_commands(read):
    name = "c\" FROM x; COPY (SELECT 42) TO 'out.csv'; --"
    log = pd.DataFrame(
        {name: ["a", "=1+1"], "d'd": ["2024-01-01", "2024-01-02"], "v.v": [1.0, 2.0]}
    )
    ledger = read(log, customer=name, date="d'd", value="v.v")
    assert ledger.purchases()["customer_id"].tolist() == ["=1+1", "a"]
    assert not Path("out.csv").exists()
