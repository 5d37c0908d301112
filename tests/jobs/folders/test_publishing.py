"""A reader finds yesterday's folder or today's, and never none."""

import os
from pathlib import Path

import pytest

from forecast.jobs.folders import publishing
from forecast.jobs.folders.publishing import publish, recover


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "inner").mkdir(parents=True, mode=0o700)
    (folder / "inner" / "a.txt").write_text("new")
    (folder / "inner" / "a.txt").chmod(0o600)
    return folder


def old(tmp_path: Path) -> Path:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.txt").write_text("old")
    return target


def test_to_a_new_place_with_usual_rights(made: Path, tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        publish(made, tmp_path / "out", tmp_path / "spare")
    finally:
        os.umask(mask)
    assert (tmp_path / "out" / "inner" / "a.txt").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "out" / "inner").stat().st_mode & 0o777 == 0o750
    assert not made.exists()


def test_what_a_link_points_to_keeps_its_rights(made: Path, tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("mine")
    private.chmod(0o600)
    (made / "link.txt").symlink_to(private)
    publish(made, tmp_path / "out", tmp_path / "spare")
    assert private.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", ["in one step", "by way of the spare"])
def test_over_an_older_folder(
    way: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = old(tmp_path)
    if way == "in one step":
        monkeypatch.setattr(Path, "rename", None)
    else:
        monkeypatch.setattr(publishing, "_exchanged", lambda *_: False)
    publish(made, target, tmp_path / "spare")
    assert [each.name for each in target.iterdir()] == ["inner"]
    assert (made / "old.txt").read_text() == "old"
    assert not (tmp_path / "spare").exists()


def test_a_move_that_fails_leaves_the_older_folder(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = old(tmp_path)
    monkeypatch.setattr(publishing, "_exchanged", lambda *_: False)
    rename = Path.rename

    def fail(self: Path, other: Path) -> Path:
        if self == made:
            raise OSError(5, "Input/output error")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        publish(made, target, tmp_path / "spare")
    assert (target / "old.txt").read_text() == "old"
    assert not (tmp_path / "spare").exists()


def test_what_was_replaced_may_stay_behind(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, spare, rename = old(tmp_path), tmp_path / "spare", Path.rename
    monkeypatch.setattr(publishing, "_exchanged", lambda *_: False)

    def fail(self: Path, other: Path) -> Path:
        if self == spare:
            raise OSError(5, "Input/output error")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fail)
    publish(made, target, spare)
    assert (target / "inner" / "a.txt").read_text() == "new"
    assert (spare / "old.txt").read_text() == "old"


def test_a_move_that_was_cut_off_is_undone(made: Path, tmp_path: Path) -> None:
    target = old(tmp_path)
    target.rename(tmp_path / "spare")  # killed here
    assert recover(target, tmp_path / "spare")
    assert (target / "old.txt").read_text() == "old"
    assert not recover(target, tmp_path / "spare")
