"""What a job has finished: the files of each stage and a record of them, kept until all is whole.

Beside an output folder ``out`` stands ``.out.part`` while a job is at work::

    run.json           which run: the hash of its inputs, configuration and versions
    folder/            what will be the output folder
    stages/*.json      a record a finished stage: its files with their SHA-256, and its facts
    doing/             the stage at work
    work/              what a stage keeps to go on from, and is no output

A stage counts once its record is written, which is after its files are on the disk for good.
"""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from forecast.jobs.folders.manifest import digest_of
from forecast.jobs.folders.publishing import settle

__all__ = ["Staging", "commit_point", "write_json"]

Facts = dict[str, Any]


def commit_point(name: str) -> None:
    """Die here as by ``kill -9`` if the environment says ``LTV_FAULT=after:name``: for tests."""
    if os.environ.get("LTV_FAULT") == f"after:{name}":
        os.kill(os.getpid(), signal.SIGKILL)


def write_json(facts: Any, path: Path) -> None:
    """Write JSON beside its place, flush it to the disk, and move it there."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(facts, file, indent=1, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    settle(path.parent)


class Staging:
    """The folder in which a job works.

    Parameters
    ----------
    place : Path
        The folder, ``.out.part``.

    Attributes
    ----------
    reused : list of str
        Stages found finished.
    taken : set of str
        Those of them that are copied from the output folder, which was damaged elsewhere.
    seconds : dict
        Stage to the seconds it took in this process.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder, self.work = place / "folder", place / "work"
        self.spare = place / "before"
        self.reused: list[str] = []
        self.taken: set[str] = set()
        self.seconds: dict[str, float] = {}
        self._finished: dict[str, Facts] = {}

    def open(self, run_id: str) -> list[str]:
        """Keep what an interrupted run of the same has finished, clear away all else.

        Returns
        -------
        list of str
            What was found, in sentences.
        """
        found = []
        if self.place.exists() and _read(self.place / "run.json").get("run_id") != run_id:
            if _read(self.place / "run.json"):
                found.append("An interrupted run of other data, settings or versions is discarded.")
            self.clear()
        for each in (self.place, self.folder, self.work, self._records):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json({"run_id": run_id}, self.place / "run.json")
        for record in sorted(self._records.glob("*.json")):
            kept = _read(record)
            if kept and self._holds(self.folder, kept):
                self._finished[kept["stage"]] = kept
            else:
                record.unlink()
                found.append(f"Stage {kept.get('stage', record.stem)} is damaged: made anew.")
        self._sweep()
        return found

    def take_over(self, folder: Path, stages: Mapping[str, Facts]) -> list[str]:
        """Copy from a damaged output folder the stages whose files are whole.

        Returns
        -------
        list of str
            The stages that are not.
        """
        lost = []
        for name, kept in stages.items():
            if name in self._finished:
                continue
            if self._holds(folder, kept):
                self._commit(name, folder, dict(kept["files"]), kept["facts"], copy=True)
                self.taken.add(name)
            else:
                lost.append(name)
        return lost

    def run(self, stage: str, write: Callable[[Path], Facts | None]) -> Facts:
        """Return the facts of a stage, made by ``write`` in an empty folder unless finished."""
        if stage in self._finished:
            self.reused.append(stage)
            return dict(self._finished[stage]["facts"])
        doing, begun = self.place / "doing", time.monotonic()
        shutil.rmtree(doing, ignore_errors=True)
        doing.mkdir(mode=0o700)
        try:
            facts = write(doing) or {}
            files = {
                path.relative_to(doing).as_posix(): digest_of(path)
                for path in sorted(doing.rglob("*"))
                if path.is_file()
            }
            self._commit(stage, doing, files, facts)
        finally:
            shutil.rmtree(doing, ignore_errors=True)
        self.seconds[stage] = round(time.monotonic() - begun, 3)
        commit_point(stage)
        return dict(self._finished[stage]["facts"])

    def done(self, stage: str) -> bool:
        """Whether a stage is finished."""
        return stage in self._finished

    @property
    def stages(self) -> dict[str, Facts]:
        """What was finished: files and facts by stage, in the order of names."""
        return {
            name: {each: kept[each] for each in ("files", "facts")}
            for name, kept in sorted(self._finished.items())
        }

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.place)

    @property
    def _records(self) -> Path:
        return self.place / "stages"

    def _commit(
        self, stage: str, source: Path, files: dict[str, str], facts: Facts, *, copy: bool = False
    ) -> None:
        """Move (or copy) files into the folder, and write the record that makes them count."""
        for name in files:
            target = self.folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if copy:
                shutil.copyfile(source / name, target)
                digest_of(target)  # flushed to the disk
            else:
                os.replace(source / name, target)
            target.chmod(0o600)
            settle(target.parent)
        kept = {"stage": stage, "files": files, "facts": facts}
        write_json(kept, self._records / f"{re.sub(r'[^0-9A-Za-z]+', '-', stage)}.json")
        self._finished[stage] = json.loads(json.dumps(kept, default=str))

    def _sweep(self) -> None:
        """Remove files that no record knows: what was being moved when the run was cut off."""
        known = {name for kept in self._finished.values() for name in kept["files"]}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if not path.is_dir() and path.relative_to(self.folder).as_posix() not in known:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        shutil.rmtree(self.place / "doing", ignore_errors=True)

    @staticmethod
    def _holds(folder: Path, kept: Facts) -> bool:
        return all(
            (folder / name).is_file() and digest_of(folder / name) == digest
            for name, digest in kept["files"].items()
        )


def _read(path: Path) -> Facts:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
