"""What a job reads: its files by their hashes, before and after, and the purchase log."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd

from forecast.errors import DataError, FileError, listed
from forecast.jobs.job_file.configuration import Job
from forecast.jobs.job_file.places import is_address
from forecast.ledger import Ledger
from forecast.ledger.files import files_of

__all__ = ["Inputs", "file_hashes"]


class Inputs:
    """Everything a job reads, and the proof of what it was.

    Files are known by the SHA-256 of what is in them, so that a run can tell without reading a
    purchase whether anything has changed. A table of a database, or of an object store, is known
    by the purchases that were read.

    Parameters
    ----------
    job : Job
    cutoff : date or None
        Last day to read; None for the last day in the log.
    today : date
        Rows after it are errors, unless the job says another ``as_of``.
    """

    def __init__(self, job: Job, cutoff: date | None, today: date) -> None:
        self.job, self.cutoff, self.today = job, cutoff, today

    @cached_property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file the job reads, by its path below the root, before reading."""
        return file_hashes(self._paths(), self.job.root)

    @property
    def identity(self) -> dict[str, str]:
        """Files by hash and, where the log is not in files, the hash of what was read of it."""
        if self._log_files is not None:
            return self.files
        return self.files | {"(log)": fingerprint(self.ledger)}

    @cached_property
    def ledger(self) -> Ledger:
        """The purchases up to the cutoff.

        Raises
        ------
        DataError
            If a file changed while it was read.
        """
        from forecast.jobs.stores import read_source

        before, source = self.files, self.job.source.known_on(self.today)
        ledger = read_source(source, self.job.columns, self.cutoff, root=self.job.root)
        self.check_unchanged(before)
        # what is written must not depend on where the job's folder lies
        told = ledger.audit["what"].str.replace(f"{self.job.root}{os.sep}", "", regex=False)
        return replace(ledger, audit=ledger.audit.assign(what=told))

    def check_unchanged(self, before: Mapping[str, str] | None = None) -> None:
        """Refuse inputs that are not what they were when the job began.

        Raises
        ------
        DataError
            With the files that changed, came or went.
        """
        before = self.files if before is None else before
        after = file_hashes(self._paths(), self.job.root)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            raise DataError(
                f"{len(changed)} of {len({*before, *after})} input files changed while they were "
                f"read: {listed(changed)}. Run again when they are complete."
            )

    @property
    def _log_files(self) -> list[Path] | None:
        path = self.job.source.path
        return None if path is None or is_address(path) else files_of(path)

    def _paths(self) -> list[Path]:
        beside = self.job.files_read()
        beside.pop("source.file", None)  # a database: known by what was read of it
        found = [*(self._log_files or ()), *beside.values()]
        return [each for path in found for each in _plain_files(path)]


def file_hashes(paths: list[Path], root: Path) -> dict[str, str]:
    """Return the SHA-256 of files, by their path below ``root`` where they lie there.

    Raises
    ------
    FileError
        If one cannot be read.
    """
    found = {}
    for path in paths:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({error.strerror or error}).") from error
        inside = path.is_relative_to(root)
        found[path.relative_to(root).as_posix() if inside else str(path)] = digest
    return dict(sorted(found.items()))


def fingerprint(ledger: Ledger) -> str:
    """Return a hash of the purchases and of the columns that were read beside them."""
    found = hashlib.sha256(ledger.summary_hash().encode())
    found.update(json.dumps([ledger.customer_columns, ledger.purchase_columns]).encode())
    tables = [ledger.attributes()] if ledger.customer_columns else []
    tables += [ledger.purchases()] if ledger.purchase_columns else []
    for table in tables:
        found.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
    return found.hexdigest()


def _plain_files(path: Path) -> Iterator[Path]:
    yield from (
        sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    )
