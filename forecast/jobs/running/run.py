"""Run a job: read, fit, forecast, write, publish; whole or not at all, and only when needed."""

import hashlib
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from forecast.errors import DataError, FileError
from forecast.jobs.folders.manifest import (
    MANIFEST,
    SUCCESS,
    check_files,
    is_sound,
    manifest_of,
    versions,
    write_manifest,
)
from forecast.jobs.folders.outputs import check_free
from forecast.jobs.folders.publishing import publish, recover
from forecast.jobs.job_file.configuration import Job
from forecast.jobs.running.fits import parameters_of
from forecast.jobs.running.inputs import Inputs
from forecast.jobs.running.lock import locked
from forecast.jobs.running.logs import Event, Kind, Progress
from forecast.jobs.running.stages import Facts, Staging, commit_point, write_json
from forecast.jobs.running.steps import Steps

__all__ = ["JobResult", "run_job"]

_PACKAGES = ("duckdb", "matplotlib", "pyarrow", "scikit-learn", "statsmodels")


@dataclass(frozen=True)
class JobResult:
    """What became of a job.

    Attributes
    ----------
    folder : Path
        The output folder.
    run_id : str
        Hash of inputs, configuration, versions and seed; no time is in it.
    status : {"ok", "unchanged", "failed"}
        ``"unchanged"``: the folder held this very run already, and nothing was written.
        ``"failed"``: some horizons failed and the others were written, without ``_SUCCESS``.
    reused : tuple of str
        Stages that an earlier, interrupted run had finished.
    notes : tuple of str
        What happened, and what the models say about themselves.
    failed : dict
        Horizon to what went wrong with it.
    """

    folder: Path
    run_id: str
    status: Literal["ok", "unchanged", "failed"]
    reused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


def run_job(
    job: Job,
    *,
    today: date | None = None,
    break_lock: bool = False,
    keep_going: bool = False,
    progress: Progress | None = None,
) -> JobResult:
    """Run a job, or find that there is nothing to do.

    Everything is made in a folder beside the output folder, which takes its place in one step
    when it is whole; an interrupted run goes on from its last finished stage, if inputs,
    configuration and versions are the same. A folder that holds this very run stays as it is.

    Parameters
    ----------
    job : Job
        As :func:`forecast.jobs.job_file.configuration.read_job` returns it.
    today : date, optional
        The day it is, by default the computer's.
    break_lock : bool
        Take over the lock of a run that is dead.
    keep_going : bool
        Of several horizons, write those that can be forecast even if others fail.
    progress : callable, optional
        Called with each :class:`~forecast.jobs.running.logs.Event`; may raise to stop.

    Returns
    -------
    JobResult

    Raises
    ------
    LockedError
        If another run is at work on the folder, or left its lock, or the folder is not ours.
    DataError
        If the log cannot be used, or an input changed while it was read.
    ModelError
        If the model cannot be fitted.
    FileError
        If something cannot be read or written; the folder of the last run is then as it was.
    """
    run = _Run(job, today or job.today(), keep_going, progress)
    folder = run.folder
    try:
        check_free(folder, overwrite=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(_beside(folder, "lock"), str(folder), break_lock=break_lock) as before:
            if before is not None:
                run.note(f"The lock of {before}, which is gone, was broken.")
            commit_point("lock")
            return run.run()
    except OSError as error:
        raise FileError(f"{folder} cannot be written ({error.strerror or error}).") from error
    except FileError as error:  # tell of the folder asked for, not of the one beside it
        told = str(error)
        for inside in ("doing", "folder"):
            told = told.replace(str(run.staging.place / inside), str(folder))
        raise FileError(told) from error
    except KeyboardInterrupt:
        if not any(run.staging.place.glob("stages/*.json")):
            raise
        kept = f"Finished stages are kept in {run.staging.place}; the same command goes on."
        raise KeyboardInterrupt(kept) from None


class _Run:
    """One run of a job on its folder."""

    def __init__(self, job: Job, today: date, keep_going: bool, progress: Progress | None) -> None:
        self.job, self.keep_going, self.progress = job, keep_going, progress
        self.begun = datetime.now(UTC)
        self.inputs = Inputs(job, job.resolve_cutoff(today), today)
        self.folder = job.outputs.folder
        if "{cutoff}" in str(self.folder):
            self.folder = job.folder(self.inputs.cutoff or self.inputs.ledger.cutoff)
        self.staging = Staging(_beside(self.folder, "part"))
        self.steps = Steps(self.inputs, self.staging, self.tell, keep_going=keep_going)
        self.notes: list[str] = []

    def run(self) -> JobResult:
        folder, staging = self.folder, self.staging
        if recover(folder, staging.spare):
            self.note(f"{folder} is put back: a run was cut off while replacing it.")
        check_free(folder, overwrite=True)
        self.tell("started", "inputs", "Hashing inputs")
        run_id = self.run_id()
        commit_point("inputs")
        there, damage = _held(folder)
        same = there is not None and there.get("run_id") == run_id
        if same and damage is None and (folder / SUCCESS).is_file():
            if staging.place.exists():
                staging.clear()
            self.note("Inputs, configuration and versions are as before: nothing to do.")
            return JobResult(folder, run_id, "unchanged", notes=tuple(self.notes))
        for found in staging.open(run_id):
            self.note(found)
        if damage is not None:
            self.note(f"{damage} It is made again.")
        if there is not None and same:
            self._take_over(there)
        facts = self.steps.run()
        self.inputs.check_unchanged()
        status: Literal["ok", "failed"] = "failed" if self.steps.failed else "ok"
        self._write_manifest(run_id, status, facts)
        if status == "ok":
            self._remember(run_id, facts)
            self._send(run_id)
            write_json({"run_id": run_id, "files": self._names()}, staging.folder / SUCCESS)
            commit_point("success")
        self.tell("started", "publish", f"Publishing {folder}")
        check_free(folder, overwrite=True)
        publish(staging.folder, folder, staging.spare)
        commit_point("publish")
        staging.clear()
        said = [note for each in facts.values() for note in each.get("notes", ())]
        return JobResult(
            folder, run_id, status, tuple(staging.reused),
            tuple(dict.fromkeys([*self.notes, *said])), dict(self.steps.failed),
        )  # fmt: skip

    def run_id(self) -> str:
        """Hash what determines the numbers; where results go is no part of it."""
        settings = self.job.settings()
        settings["outputs"] = {
            name: each for name, each in settings["outputs"].items() if name != "folder"
        }
        made_from = {
            "inputs": self.inputs.identity,
            "cutoff": str(self.inputs.cutoff),
            "configuration": settings,
            "versions": versions(*_PACKAGES),
        }
        text = json.dumps(made_from, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def tell(
        self,
        kind: Kind,
        stage: str,
        message: str,
        done: int | None = None,
        of: int | None = None,
        **facts: object,
    ) -> None:
        if self.progress is not None:
            self.progress(Event(kind, stage, message, done, of, facts))

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.tell("note", "", text)

    def _take_over(self, there: Facts) -> None:
        """Keep what is whole of a damaged or failed folder of this very run."""
        stages = there.get("stages", {})
        if there.get("status") == "failed":  # what follows the horizons must know all of them
            stages = {
                name: kept
                for name, kept in stages.items()
                if name in ("ledger", "backtest") or name.startswith("forecast ")
            }
        lost = self.staging.take_over(self.folder, stages)
        if lost:
            self.note(f"Made again: {', '.join(lost)}; the rest is kept.")

    def _write_manifest(self, run_id: str, status: str, facts: dict[str, Facts]) -> None:
        job, staging = self.job, self.staging
        told = {
            "command": "run", "job": job.name, "run_id": run_id, "status": status,
            "failed": self.steps.failed, "cutoff": facts["ledger"]["cutoff"],
            "data": facts["ledger"]["data"], "inputs": self.inputs.identity,
            "configuration": job.settings(), "seed": job.forecast.seed,
            "rows_in": facts["ledger"]["rows"],
            "rows_out": {
                name.removeprefix("forecast "): {
                    each: kept[each] for each in ("customers", "periods")
                }
                for name, kept in facts.items() if name.startswith("forecast ")
            },
            "convergence": facts["model"]["fits"],
            "notes": {name: kept["notes"] for name, kept in facts.items() if kept.get("notes")},
            "stages": staging.stages,
            "versions": versions(*_PACKAGES),
            "timings": {
                "begun": self.begun.isoformat(timespec="seconds"),
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": staging.seconds,
                "reused": staging.reused,
                "peak_memory_mb": _peak_memory(),
                "happened": self.notes,
            },
        }  # fmt: skip
        write_manifest(staging.folder, told)
        commit_point("manifest")

    def _remember(self, run_id: str, facts: dict[str, Facts]) -> None:
        """Keep the forecasts until they can be compared with what happened."""
        if self.job.monitoring is None:
            return
        from forecast.jobs.monitoring.run_history import record_run

        self.tell("started", "history", "Remembering the forecasts")
        learned = self.steps.saved_model
        for horizon in self.steps.horizons:
            record_run(
                self.job.monitoring.history, run_id=run_id, job_name=self.job.name,
                forecast=self.steps.saved(horizon), ledger=self.steps.ledger,
                parameters=parameters_of(facts["model"]["fits"]), labels=self.steps.labels(),
                fitted=None if learned is None else learned.cutoff,
            )  # fmt: skip
        commit_point("history")

    def _send(self, run_id: str) -> None:
        """Put the predictions in a database, in one transaction."""
        if self.job.outputs.destination is None:
            return
        import pandas as pd

        from forecast.jobs.stores import upsert

        self.tell("started", "destination", "Sending predictions")
        tables = []
        for horizon in self.steps.horizons:
            found = self.steps.saved(horizon)
            if found.customers is None:
                self.note(f"{horizon}: {found.model} forecasts totals, and sends no customers.")
                continue
            table = found.customers.reset_index()
            tables.append(
                table.assign(horizon=str(horizon), cutoff=found.cutoff, model=found.model)
            )
        if tables:
            table = pd.concat(tables, ignore_index=True)
            upsert(self.job.outputs.destination, run_id, table, root=self.job.root)
        commit_point("destination")

    def _names(self) -> list[str]:
        folder = self.staging.folder
        return sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.name != SUCCESS
        )


def _held(folder: Path) -> tuple[Facts | None, str | None]:
    """Return the manifest of what is in the output folder, and what is wrong with it."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None, None
    there = manifest_of(folder)
    if there is None or not is_sound(there):
        return None, f"{folder}: {MANIFEST} is not as it was written."
    try:
        check_files(folder)
    except DataError as error:
        return there, str(error)
    return there, None


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}")


def _peak_memory() -> int | None:
    """Return the most memory this process has held so far, in megabytes; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1_000_000 if sys.platform == "darwin" else 1_000))
