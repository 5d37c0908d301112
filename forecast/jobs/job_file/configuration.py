"""The job file: what a nightly run reads, fits, forecasts and writes, checked before any of it.

Attribute names are the keys of the file. Paths are absolute once read and lie below the job's
root; addresses of databases come from environment variables, never from the file.
"""

import datetime as dt
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, PrivateAttr, ValidationError, model_validator

from forecast.errors import FileError, UsageError
from forecast.jobs.job_file import allowed
from forecast.jobs.job_file.keys import Problem, problems_of, refuse, told
from forecast.jobs.job_file.places import is_address, overlaps
from forecast.jobs.job_file.sections import (
    BacktestSettings,
    Columns,
    Destination,
    Economics,
    ForecastSettings,
    Monitoring,
    Name,
    Outputs,
    Section,
    SegmentSettings,
    Source,
)

__all__ = [
    "BacktestSettings",
    "Columns",
    "Destination",
    "Economics",
    "ForecastSettings",
    "Job",
    "Monitoring",
    "Outputs",
    "SegmentSettings",
    "Source",
    "parse_job",
    "read_job",
]

_LARGEST = 1_000_000  # bytes; a job file has two or three thousand


class Job(Section):
    """A whole job file, read by :func:`read_job`.

    Attributes
    ----------
    root : Path
        The folder below which a job reads and writes.
    """

    name: Name
    cutoff: Annotated[dt.date | str | None, PlainValidator(allowed.cutoff)] = None
    source: Source
    columns: Columns
    forecast: ForecastSettings
    backtest: BacktestSettings | None = None
    economics: Economics | None = None
    segments: SegmentSettings | None = None
    outputs: Outputs
    monitoring: Monitoring | None = None
    _root: Path = PrivateAttr(default_factory=Path)

    @property
    def root(self) -> Path:
        """The folder below which the job reads and writes."""
        return self._root

    def model_post_init(self, context: Any, /) -> None:
        """Remember the root that paths were read under."""
        self._root = (context or {}).get("root", Path())

    @model_validator(mode="after")
    def _agree(self) -> "Job":
        refuse([*self._of_columns(), *self._of_places()])
        return self

    def _of_columns(self) -> Iterator[Problem]:
        columns, money = self.columns, self.economics
        if columns.value is None and (money or self.segments):
            yield "columns.value", "is missing; economics and segments are about amounts."
        if money is None:
            return
        if isinstance(money.margin, str) and money.margin not in columns.purchase_columns:
            yield "columns.purchase_columns", "lacks the column that economics.margin names."
        if money.by != "month" and money.by not in columns.customer_columns:
            yield "columns.customer_columns", f'lacks "{money.by}", which economics.by names.'

    def _of_places(self) -> Iterator[Problem]:
        folder, beside = self.outputs.folder, self.files_written()
        results = {"outputs.folder": folder}
        if sent := beside.get("outputs.destination.path"):
            results["outputs.destination.path"] = sent
        for key, path in results.items():
            if path == self.root:
                yield key, "is the root itself; name something to make below it."
            elif self._would_be_read(path):
                yield key, "lies in what source.path reads; choose another place."
        for key, path in (self.files_read() | beside).items():
            if path.is_relative_to(folder):
                yield key, "lies in outputs.folder, which every run replaces; move it out."

    def _would_be_read(self, path: Path) -> bool:
        source = self.source.path
        local = source is not None and not is_address(source)
        return local and overlaps(str(source), path, self.root)

    def files_read(self) -> dict[str, Path]:
        """Return the files that are read, by key, but those of ``source.path``."""
        return _given({
            "source.file": self.source.file,
            "forecast.saved_model": self.forecast.saved_model,
            "economics.spend": None if self.economics is None else self.economics.spend,
            "segments.rules": None if self.segments is None else self.segments.rules,
        })  # fmt: skip

    def files_written(self) -> dict[str, Path]:
        """Return what is written on this disk beside the folder of results, by key."""
        goes = self.outputs.destination
        path = None if goes is None or goes.path is None or is_address(goes.path) else goes.path
        return _given({
            "outputs.destination.file": None if goes is None else goes.file,
            "outputs.destination.path": None if path is None else Path(path),
            "monitoring.history": None if self.monitoring is None else self.monitoring.history,
        })  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Return every setting, defaults too, for a manifest: JSON, paths relative to the root."""
        return self.model_dump(mode="json", exclude_none=True, context={"root": self.root})

    def today(self) -> dt.date:
        """Return the day it is where the shop is: in ``source.timezone``, else here."""
        zone = self.source.timezone
        return dt.datetime.now(ZoneInfo(zone) if zone else None).date()

    def resolve_cutoff(self, today: dt.date) -> dt.date | None:
        """Return the last day a model may see; None for the last day in the log.

        Parameters
        ----------
        today : date
            The day it is; weeks end on Sunday, and a week or month that ends today is not complete.

        Raises
        ------
        UsageError
            If the file names a day after today.
        """
        if self.cutoff is None or isinstance(self.cutoff, dt.date):
            if self.cutoff is not None and self.cutoff > today:
                raise UsageError(f"cutoff: {self.cutoff} lies in the future (today is {today}).")
            return self.cutoff
        back = {
            "today": 0,
            "yesterday": 1,
            "last complete week": today.isoweekday(),
            "last complete month": today.day,
        }
        return today - dt.timedelta(days=back[self.cutoff])

    def folder(self, cutoff: dt.date) -> Path:
        """Return the folder of results of a cutoff."""
        return Path(str(self.outputs.folder).replace("{cutoff}", cutoff.isoformat()))


def read_job(path: str | Path, *, root: str | Path | None = None) -> Job:
    """Read a job from its file; nothing that it names is opened yet.

    Parameters
    ----------
    path : str or Path
        The job file, in TOML.
    root : str or Path, optional
        The folder that paths in the file are relative to, and may not leave; by default the
        folder of the job file.

    Raises
    ------
    FileError
        If the file cannot be opened.
    UsageError
        If it is no TOML, or keys are missing, unknown or wrong; each is named by its path.
    """
    path = Path(path)
    text = _text_of(path)
    base = path.absolute().parent if root is None else Path(root)
    return parse_job(text, root=base, where=str(path), name=path.stem)


def parse_job(text: str, *, root: str | Path, where: str = "the job", name: str = "job") -> Job:
    """Read a job from TOML.

    Parameters
    ----------
    text : str
        The TOML.
    root : str or Path
        As in :func:`read_job`.
    where : str
        What to call the text in messages.
    name : str
        What to call the job, where the text does not say.

    Raises
    ------
    UsageError
        As in :func:`read_job`.

    Examples
    --------
    >>> parse_job("source = 1", root=".")
    Traceback (most recent call last):
    forecast.errors.UsageError: the job: 4 keys are wrong.
      source: must be a table, written [source].
      columns: is missing; write a table [columns].
      forecast: is missing; write a table [forecast].
      outputs: is missing; write a table [outputs].
    """
    base = Path(root)
    if not base.is_dir():
        raise UsageError(f"root: {base} is not a folder.")
    if not text.strip():
        raise UsageError(f"{where} is empty. ltv init writes an example.")
    try:
        raw = {"name": name} | tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{where} is no TOML: brackets within brackets without end.") from None
    except ValueError as error:
        why = str(error).replace("at end of document", f"at line {len(text.splitlines())}")
        raise UsageError(f"{where} is no TOML: {why.split(';')[0].rstrip('.')}.") from None
    try:
        return Job.model_validate(raw, context={"root": base.resolve()})
    except ValidationError as error:
        raise UsageError(told(where, problems_of(error, Job))) from None


def _given(files: Mapping[str, Path | None]) -> dict[str, Path]:
    return {key: path for key, path in files.items() if path is not None}


def _text_of(path: Path) -> str:
    """Return a file's text, if it is one of a sensible size."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise FileError(f"{path} is not a file.")
        if facts.st_size > _LARGEST:
            raise UsageError(
                f"{path} has {facts.st_size:,} bytes; a job file has a million at most."
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except ValueError:
        raise FileError(f"{str(path)!r} is not a path.") from None
