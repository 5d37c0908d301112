"""A job's purchases as a ledger, whichever store they lie in.

What is not a file here is first copied, piece by piece, into a temporary folder that only this
user can read (``TMPDIR`` says where), and read from there: a log larger than memory needs disk.
Messages and audit name the store, never the copy.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import BadRowsError, DataError, FileError, ForecastError
from forecast.jobs.job_file.places import is_address
from forecast.jobs.stores.databases import Database, find, first_line, open_database
from forecast.jobs.stores.object_store import fetch
from forecast.ledger import Ledger, read_ledger
from forecast.ledger.columns import choose_columns
from forecast.ledger.files import refuse_doubles

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Columns, Source

__all__ = ["read_source"]

_COLUMNS = ("customer", "date", "value", "key", "customer_columns", "purchase_columns")
_OPTIONS = (
    "returns", "date_format", "timezone", "decimal", "thousands", "max_bad_rows", "delimiter",
    "encoding", "as_of",
)  # fmt: skip


def read_source(
    source: "Source", columns: "Columns", cutoff: date | None, *, root: Path | None = None
) -> Ledger:
    """Read the purchases that a job file names.

    The ledger is the same whichever store the log comes from. Of a database only the columns
    needed are read (without a ``key`` whole rows are compared, so all of them), at one moment, in
    a transaction that cannot change anything.

    Parameters
    ----------
    source : Source
        A path, glob, folder, address of an object store, or table of a database.
    columns : Columns
        Which column is what.
    cutoff : date or None
        Last day of observation; None: the last day in the log.
    root : Path, optional
        What paths are relative to; by default the working folder.

    Raises
    ------
    DataError
        If there is no such table or column (near names are said), or the rows are not purchases.
    FileError
        If a file, store or database cannot be reached; addresses and passwords are not repeated.
    LockedError
        If another process holds the database.
    UsageError
        If an extra is not installed or an environment variable is not set.
    """
    root = (root or Path.cwd()).resolve()
    named = {name: getattr(columns, name) for name in _COLUMNS}
    options = named | {name: getattr(source, name) for name in _OPTIONS} | {"cutoff": cutoff}
    if source.path is not None and not is_address(source.path):
        path = source.path if Path(source.path).is_absolute() else str(root / source.path)
        return read_ledger(path, **options)
    with tempfile.TemporaryDirectory(prefix="ltv-source-") as folder:  # 0700
        place = Path(folder).resolve()
        if source.path is not None:
            found, name = fetch(source.path, place)
            return _read(found, {str(place): name}, options)
        copy = place / "table.parquet"
        with open_database(source, root, writing=False) as database:
            name = _copy(database, str(source.table), named, copy)
        return _read(copy, {str(copy): name}, options)


def _read(path: str | Path, names: Mapping[str, str], options: Mapping[str, Any]) -> Ledger:
    """Read a copy, and call it by the name of what it is a copy of."""

    def named(text: str) -> str:
        for copy, name in names.items():
            text = text.replace(copy, name)
        return text

    try:
        ledger = read_ledger(path, **options)
    except ForecastError as error:
        error.args = (named(str(error)),)
        if isinstance(error, BadRowsError):
            error.source = named(error.source)
        raise
    return replace(ledger, audit=ledger.audit.assign(what=ledger.audit["what"].map(named)))


def _copy(database: Database, text: str, named: Mapping[str, Any], target: Path) -> str:
    """Write the columns needed to a Parquet file, and return what to call it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = find(database, text)
    name = f"{database.name}: {text}"
    available = list(database.columns(table))
    refuse_doubles(available, name)
    chosen = choose_columns(available, **named)
    wanted = available if named["key"] is None else chosen.named  # whole rows are compared then
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            rows = database.batches(table, wanted)
            with pq.ParquetWriter(file, rows.schema, compression="zstd") as writer:
                for batch in rows:
                    writer.write_batch(batch)
    except OSError as error:
        if error.errno is None:  # the database's, on the way through Arrow
            raise FileError(f"{name}: cannot be read ({first_line(error)}).") from error
        raise FileError(
            f"{name}: cannot be copied to {target.parent} ({error.strerror}). TMPDIR names the "
            "place for copies."
        ) from error
    except pa.ArrowException as error:
        raise DataError(
            f"{name}: a column cannot be read ({first_line(error)}). With a key only the columns "
            "needed are: key = [...]."
        ) from error
    return name
