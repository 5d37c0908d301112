"""Whether a job can begin: what it names is there, and where it writes can be written."""

import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from forecast.errors import FileError, UsageError
from forecast.jobs.job_file.configuration import Job
from forecast.jobs.job_file.keys import Problem, told
from forecast.jobs.job_file.places import is_address, place, shown
from forecast.jobs.job_file.sections import Store
from forecast.ledger.files import files_of

__all__ = ["check_ready"]

_EXTRAS = {"postgresql": ("adbc_driver_postgresql", "postgres"), "://": ("fsspec", "remote")}


def check_ready(job: Job, *, environment: Mapping[str, str] | None = None) -> None:
    """Refuse a job that cannot succeed, before any data is read; say all that is missing.

    Parameters
    ----------
    job : Job
        As read from its file.
    environment : mapping, optional
        Where addresses of databases are looked up, by default the process's environment.

    Raises
    ------
    UsageError
        If an environment variable is not set, an extra is not installed, or a link leads out of
        the root.
    FileError
        If all that is wrong is with files: missing, or in a folder that cannot be written.
    """
    settings = list(_settings(job, os.environ if environment is None else environment))
    files = list(_files(job))
    if settings:
        raise UsageError(told(job.name, [*settings, *files]))
    if files:
        raise FileError(told(job.name, files))


def _stores(job: Job) -> Iterator[tuple[str, Store]]:
    yield "source", job.source
    if job.outputs.destination is not None:
        yield "outputs.destination", job.outputs.destination


def _settings(job: Job, environment: Mapping[str, str]) -> Iterator[Problem]:
    for key, store in _stores(job):
        variable = store.url_env
        if variable is not None and not environment.get(variable, "").strip():
            yield f"{key}.url_env", f"the environment variable {variable} is not set."
        kind = "://" if store.path and is_address(store.path) else store.database
        module, extra = _EXTRAS.get(kind or "", ("", ""))
        if module and importlib.util.find_spec(module) is None:
            where = "path" if kind == "://" else "database"
            yield f"{key}.{where}", f"needs an extra: pip install 'ltv-forecast[{extra}]'."
    yield from _links(job)


def _links(job: Job) -> Iterator[Problem]:
    """Find files below a folder or glob that are links to elsewhere."""
    path = job.source.path
    if path is None or is_address(path):
        return
    try:
        found = files_of(path)
    except (FileError, UsageError):
        return
    for each in found:
        try:
            place(shown(each, job.root), job.root)
        except UsageError as error:
            yield "source.path", str(error)


def _files(job: Job) -> Iterator[Problem]:
    path = job.source.path
    if path is not None and not is_address(path):
        try:
            files_of(path)
        except (FileError, UsageError) as error:
            yield "source.path", str(error)
    for key, wanted in job.files_read().items():
        if not wanted.exists():
            yield key, f"{shown(wanted, job.root)} does not exist."
    written = job.files_written()
    for key, target in ({"outputs.folder": job.outputs.folder} | written).items():
        if problem := _unwritable(target):
            yield key, f"{shown(target, job.root)} cannot be written: {problem}."
    sent = written.pop("outputs.destination.path", None)
    if sent is not None and sent.is_file():
        yield "outputs.destination.path", f"{shown(sent, job.root)} is a file, not a folder."
    for key, target in written.items():
        if target.is_dir():
            yield key, f"{shown(target, job.root)} is a folder, not a file."


def _unwritable(target: Path) -> str | None:
    near = next(each for each in target.parents if each.exists())
    if not near.is_dir():
        return f"{near} is not a folder"
    if not os.access(near, os.W_OK | os.X_OK):
        return f"no permission to write in {near}"
    return None
