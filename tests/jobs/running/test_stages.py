"""Stages count once they are recorded, and only while their files are what they were."""

import json
from pathlib import Path

import pytest

from forecast.jobs.running.stages import Staging


def write(text: str):
    def into(folder: Path) -> dict[str, str]:
        (folder / "inner").mkdir()
        (folder / "inner" / f"{text}.txt").write_text(text)
        return {"said": text}

    return into


def refuse(folder: Path) -> None:
    raise AssertionError("made again")


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    found = Staging(tmp_path / ".out.part")
    assert found.open("run 1") == []
    found.run("one", write("a"))
    found.run("two", write("b"))
    return found


def again(staging: Staging, run_id: str = "run 1") -> tuple[Staging, list[str]]:
    found = Staging(staging.place)
    return found, found.open(run_id)


def test_finished_stages_are_kept_for_the_same_run(staging: Staging) -> None:
    found, told = again(staging)
    assert told == []
    assert found.run("one", refuse) == {"said": "a"}
    assert (found.reused, found.seconds) == (["one"], {})
    assert (staging.folder / "inner" / "a.txt").read_text() == "a"
    assert found.stages == staging.stages


def test_files_are_for_their_owner_alone(staging: Staging) -> None:
    assert staging.place.stat().st_mode & 0o777 == 0o700
    assert (staging.folder / "inner" / "a.txt").stat().st_mode & 0o777 == 0o600


def test_another_run_begins_from_nothing(staging: Staging) -> None:
    found, told = again(staging, "run 2")
    assert told == ["An interrupted run of other data, settings or versions is discarded."]
    assert not found.done("one")
    assert list(found.folder.iterdir()) == []


@pytest.mark.parametrize("change", ["files", "record"])
def test_a_stage_that_changed_is_made_again_and_said(staging: Staging, change: str) -> None:
    if change == "files":
        (staging.folder / "inner" / "a.txt").write_text("A")
    else:
        (staging.place / "stages" / "one.json").write_text("{")
    found, told = again(staging)
    assert told == ["Stage one is damaged: made anew."]
    assert found.run("one", write("a")) == {"said": "a"}
    assert found.run("two", refuse) == {"said": "b"}
    assert (found.folder / "inner" / "a.txt").read_text() == "a"


def test_files_without_a_record_are_swept_away(staging: Staging) -> None:
    (staging.folder / "half.txt").write_text("half")
    (staging.folder / "empty").mkdir()
    (staging.place / "doing").mkdir()
    (staging.place / "doing" / "half.txt").write_text("half")
    found, told = again(staging)
    assert told == []
    assert [each.name for each in found.folder.iterdir()] == ["inner"]
    assert not (found.place / "doing").exists()


def test_a_stage_that_fails_leaves_nothing(staging: Staging) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        staging.run("three", fail)
    assert not staging.done("three")
    assert not (staging.place / "doing").exists()
    assert not (staging.folder / "half.txt").exists()


def test_whole_stages_of_a_damaged_folder_are_taken_over(staging: Staging, tmp_path: Path) -> None:
    stages = json.loads(json.dumps(staging.stages))
    folder = tmp_path / "out"
    staging.folder.rename(folder)
    (folder / "inner" / "b.txt").write_text("B")
    found = Staging(tmp_path / ".new.part")
    found.open("run 1")
    assert found.take_over(folder, stages) == ["two"]
    assert found.run("one", refuse) == {"said": "a"}
    assert (folder / "inner" / "a.txt").read_text() == "a"
