"""Addresses: every shape of path, what is refused, and that a copy fits the disk."""

import shutil
import sys
from typing import Any, NamedTuple

import fsspec
import pytest

from forecast.errors import BadRowsError, FileError, UsageError
from forecast.jobs.job_file.configuration import Columns, Source
from forecast.jobs.stores import read_source
from forecast.jobs.stores.object_store import fetch, send

GOOD = b"c,d,v\na,2024-01-01,1\nb,2024-01-05,2\n"


@pytest.fixture
def memory() -> Any:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    system.pipe_file("/b/x=1/one.csv", GOOD)
    system.pipe_file("/b/x=2/deep/two.csv", GOOD.replace(b"a,", b"z,"))
    system.pipe_file("/b/x=2/_temporary/three.csv", b"junk")
    system.pipe_file("/b/readme.md", b"hello")
    system.pipe_file("/b/bad.csv", GOOD + b",2024-01-01,1\n")
    return system


def customers(address: str, **options: Any) -> list[str]:
    columns = Columns(customer="c", date="d", value="v", key=())
    found = read_source(Source(path=address, **options), columns, None)
    return sorted(set(found.purchases()["customer_id"]))


def test_files_folders_and_globs(memory):
    assert customers("memory://b/x=1/one.csv") == ["a", "b"]
    assert customers("memory://b/x=2") == ["b", "z"]
    assert customers("memory://b/x=*") == ["a", "b", "z"]
    assert customers("memory://b/*/*.csv") == ["a", "b"]
    assert customers("memory://b/**/deep/*.csv") == ["b", "z"]
    assert customers("memory://b/", max_bad_rows=1) == ["a", "b", "z"]


def test_messages_name_the_address(memory):
    with pytest.raises(BadRowsError, match=r"of memory://b/bad.csv: missing") as caught:
        customers("memory://b/bad.csv")
    assert caught.value.source == "memory://b/bad.csv"


@pytest.mark.parametrize(
    ("address", "kind", "says"),
    [
        ("memory://b/gone.csv", FileError, "no file is there|nothing is there"),
        ("memory://b/x=3*", FileError, "no file is there"),
        ("file:///etc/passwd", UsageError, "begin with s3"),
        ("local:///etc/passwd", UsageError, "begin with s3"),
        ("simplecache::file:///etc/passwd", UsageError, "begin with s3"),
        ("zip://a.csv::memory://b/a.zip", UsageError, "begin with s3"),
        ("sftp://127.0.0.1:1/log.csv", (UsageError, FileError), "sftp://127.0.0.1:1/log.csv"),
    ],
)
def test_addresses_that_are_refused(memory, tmp_path, address, kind, says):
    with pytest.raises(kind, match=says):
        fetch(address, tmp_path)


def test_names_that_climb_out(memory, tmp_path):
    memory.store["/b/../../x.csv"] = memory.store["/b/bad.csv"]
    folder = tmp_path / "copy"
    folder.mkdir()
    with pytest.raises(FileError, match="no name for a file here"):
        fetch("memory://b/**/x.csv", folder)
    fetch("memory://b", folder)
    assert [path for path in tmp_path.rglob("*.csv") if folder not in path.parents] == []


def test_a_copy_must_fit_the_disk(memory, tmp_path, monkeypatch):
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(len(GOOD)))
    with pytest.raises(FileError, match="TMPDIR"):
        fetch("memory://b/x=1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_driver_says_is_not_repeated(memory, tmp_path, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("key AKIA123 is wrong")

    monkeypatch.setattr(type(memory), "get_file", refuse)
    with pytest.raises(FileError, match=r"cannot be used \(RuntimeError\)") as caught:
        fetch("memory://b/x=1", tmp_path)
    assert "AKIA" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_missing_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"pip install 'ltv-forecast\[remote\]'"):
        fetch("s3://bucket/log", tmp_path)


def test_sending_replaces_whole_files(memory, tmp_path):
    file = tmp_path / "a.parquet"
    for content in (b"one", b"two"):
        file.write_bytes(content)
        send(file, "memory://out/run_id=1/a.parquet")
        assert memory.cat_file("/out/run_id=1/a.parquet") == content
    assert memory.find("/out") == ["/out/run_id=1/a.parquet"]
