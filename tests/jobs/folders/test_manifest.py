"""The manifest: hashes right, faults found, somebody else's files left alone."""

import hashlib
import json
from pathlib import Path

import pytest

from forecast.errors import DataError, UsageError
from forecast.jobs.folders.manifest import check_files, foreign_files, record_file, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "inner" / "b.txt").write_text("b")
    write_manifest(tmp_path, {"command": "forecast", "files": "not this"})
    return tmp_path


def manifest(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "manifest.json").read_text()))


def test_lists_every_file_but_itself(folder: Path) -> None:
    assert manifest(folder)["command"] == "forecast"
    assert manifest(folder)["files"] == {
        "a.txt": hashlib.sha256(b"a").hexdigest(),
        "inner/b.txt": hashlib.sha256(b"b").hexdigest(),
    }
    check_files(folder)
    assert foreign_files(folder) == []


def test_finds_changed_and_missing_files(folder: Path) -> None:
    (folder / "a.txt").write_text("A")
    with pytest.raises(DataError, match=r"1 of 2 files are not as they were written: 'a.txt'"):
        check_files(folder)
    check_files(folder, but=("a.txt",))
    (folder / "inner" / "b.txt").unlink()
    with pytest.raises(DataError, match=r"missing: 'inner/b.txt'"):
        check_files(folder, but=("a.txt",))


def test_records_a_file_written_anew(folder: Path) -> None:
    (folder / "a.txt").write_text("A")
    record_file(folder, "a.txt")
    check_files(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "inner", "manifest.json"]


def test_finds_files_of_others(folder: Path) -> None:
    (folder / "mine.txt").write_text("mine")
    (folder / "inner" / "empty").mkdir()
    (folder / "link").symlink_to(folder / "nowhere")
    assert foreign_files(folder) == ["inner/empty", "link", "mine.txt"]
    check_files(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {}}', '{"files": 1, "versions": {}}'])
def test_manifest_of_others_makes_every_file_foreign(text: str, folder: Path) -> None:
    (folder / "manifest.json").write_text(text)
    assert foreign_files(folder) == ["a.txt", "inner/b.txt"]
    with pytest.raises(UsageError, match="not a folder made by ltv"):
        check_files(folder)
    with pytest.raises(UsageError, match="not a folder made by ltv"):
        record_file(folder, "a.txt")
