"""Folders appear whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from forecast.errors import DataError, FileError, LockedError, UsageError
from forecast.jobs.folders import publishing
from forecast.jobs.folders.outputs import check_free, output_folder


def write(path: Path, text: str, **options: bool) -> None:
    with output_folder(path, **options) as part:
        (part / "result.txt").write_text(text)


def write_half(path: Path, error: BaseException, *beside: Path) -> None:
    with output_folder(path) as part:
        (part / "result.txt").write_text("half")
        for each in beside:
            each.mkdir()
        raise error


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_appears_whole_with_its_parents(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a" / "b", manifest={"seed": 1}) as part:
        (part / "result.txt").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
        assert stat.S_IMODE(part.stat().st_mode) == 0o700
    assert names(tmp_path) == ["a", "a/b", "a/b/manifest.json", "a/b/result.txt"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o777 & ~mask


@pytest.mark.parametrize("error", [ValueError("x"), DataError("x"), KeyboardInterrupt()])
def test_leaves_nothing_after_an_error(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        write_half(tmp_path / "a" / "b" / "c", error)
    assert names(tmp_path) == []


def test_keeps_parents_that_were_there_or_are_used(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="x"):
        write_half(tmp_path / "a" / "b" / "c", ValueError("x"), tmp_path / "a" / "b" / "other")
    assert names(tmp_path) == ["a", "a/b", "a/b/other"]


def test_speaks_of_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with (
        pytest.raises(FileError, match=r"out cannot be written \(No space left on device\)"),
        output_folder(tmp_path / "out"),
    ):
        raise OSError(28, "No space left on device")
    with pytest.raises(FileError) as caught, output_folder(tmp_path / "out") as part:
        raise FileError(f"{part}/report.html cannot be written.")
    assert str(caught.value) == f"{tmp_path}/out/report.html cannot be written."


def test_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    write(tmp_path / "out", "one")
    with pytest.raises(LockedError, match="--overwrite"):
        write(tmp_path / "out", "two")
    write(tmp_path / "out", "two", overwrite=True)
    assert (tmp_path / "out" / "result.txt").read_text() == "two"
    (tmp_path / "out" / "mine").write_text("mine")
    for overwrite in (True, False):  # what would be refused afterwards is not offered
        with pytest.raises(LockedError, match="'mine'") as caught:
            write(tmp_path / "out", "three", overwrite=overwrite)
        assert "--overwrite" not in str(caught.value)
    assert names(tmp_path) == ["out", "out/manifest.json", "out/mine", "out/result.txt"]


def test_refuses_links_files_and_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", "one")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for overwrite in (True, False):
        with pytest.raises(LockedError, match="not a folder"):
            check_free(tmp_path / "link", overwrite=overwrite)
        with pytest.raises(LockedError, match="not a folder"):
            check_free(tmp_path / "out" / "result.txt", overwrite=overwrite)
        with pytest.raises(FileError, match="is not a folder"):
            check_free(tmp_path / "out" / "result.txt" / "x", overwrite=overwrite)
    monkeypatch.chdir(tmp_path / "out")
    for path in (".", "", "..", "../out", "../link/.."):
        with pytest.raises(UsageError, match="folder you are in"):
            check_free(path, overwrite=True)


def test_old_result_comes_back_if_the_move_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", "old")
    before = names(tmp_path)
    monkeypatch.setattr(publishing, "_exchanged", lambda *_: False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FileError, match="Input/output error"):
        write(tmp_path / "out", "new", overwrite=True)
    assert names(tmp_path) == before
    assert (tmp_path / "out" / "result.txt").read_text() == "old"


def test_a_reader_finds_the_old_result_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", "old")
    monkeypatch.setattr(Path, "rename", None)  # a step in which neither is there
    write(tmp_path / "out", "new", overwrite=True)
    assert (tmp_path / "out" / "result.txt").read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_an_old_result_that_cannot_come_back_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", "old")
    monkeypatch.setattr(publishing, "_exchanged", lambda *_: False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self != tmp_path / "out":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FileError, match="Input/output error"):
        write(tmp_path / "out", "new", overwrite=True)
    (kept,) = tmp_path.iterdir()
    assert (kept / "result.txt").read_text() == "old"


def test_result_made_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    made = output_folder(tmp_path / "out")
    (made.__enter__() / "result.txt").write_text("mine")
    write(tmp_path / "out", "of another")
    with pytest.raises(LockedError):
        made.__exit__(None, None, None)
    assert (tmp_path / "out" / "result.txt").read_text() == "of another"
    assert names(tmp_path) == ["out", "out/manifest.json", "out/result.txt"]
