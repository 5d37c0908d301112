"""A job's purchases as a ledger, whichever store they lie in.

What is not a file here is first copied, piece by piece, into a temporary folder that only this
user can read (``TMPDIR`` says where), and read from there: a log larger than memory needs disk.
Messages and audit name the store, never the copy.
"""

import glob
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from forecast.errors import BadRowsError, DataError, DataWarning, FileError, ForecastError
from forecast.jobs.job_file.places import is_address
from forecast.jobs.stores.databases import Database, find, first_line, open_database
from forecast.jobs.stores.object_store import fetch
from forecast.ledger import Ledger, read_ledger
from forecast.ledger.audit import Audit
from forecast.ledger.by_customer import distinct, size
from forecast.ledger.columns import choose_columns
from forecast.ledger.files import refuse_doubles
from forecast.ledger.sources import Frame

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Columns, Source

__all__ = ["read_source"]

_COLUMNS = ("customer", "date", "value", "key", "customer_columns", "purchase_columns")
_OPTIONS = (
    "returns", "date_format", "timezone", "decimal", "thousands", "currency", "max_bad_rows",
    "delimiter", "encoding", "as_of",
)  # fmt: skip


def read_source(
    source: "Source", columns: "Columns", cutoff: date | None, *, root: Path | None = None
) -> Ledger:
    """Read the purchases that a job file names.

    The ledger is the same whichever store the log comes from. Of a database only the columns
    needed are read (without a ``key`` whole rows are compared, so all of them), at one moment, in
    a transaction that cannot change anything. Where a key repeats, the database counts its
    distinct rows, so that lines of an order that the key drops are told from copies.

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
            name, whole = _copy(database, str(source.table), named, copy)
        if whole is None:
            return _read(copy, {str(copy): name}, options)
        with warnings.catch_warnings():  # the copy lacks columns by which rows differ
            warnings.filterwarnings("ignore", r"[\d,]+ rows? with a key \(", DataWarning)
            ledger = _read(copy, {str(copy): name}, options)
        return _with_lost_lines(ledger, columns.key, whole)


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


def _with_lost_lines(ledger: Ledger, key: Sequence[str] | None, whole: int) -> Ledger:
    """Tell rows that a key dropped from copies, by the number of distinct whole rows."""
    counts = ledger.audit.set_index("check")["count"]
    dropped, told = int(counts["repeated keys"]), Audit()
    copies = int(counts["rows"]) - whole
    told.keys(key or (), dropped, dropped - copies, money=ledger.has_value)
    for message in told.messages:
        warnings.warn(message, DataWarning, stacklevel=3)
    (line,) = told.lines
    audit = ledger.audit.copy()
    audit.loc[audit["check"] == line["check"], list(line)] = list(line.values())
    return replace(ledger, audit=audit)


def _copy(
    database: Database, text: str, named: Mapping[str, Any], target: Path
) -> tuple[str, int | None]:
    """Write the columns needed to a Parquet file, and return what to call it.

    And, where a key repeats, how many distinct rows the table has, if it can be told.
    """
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
    repeats = bool(chosen.key) and _repeats(target, chosen.key)
    return name, database.distinct(table) if repeats else None


def _repeats(copy: Path, key: Sequence[str]) -> bool:
    """Return whether two rows of a copy have the same key."""
    from forecast.ledger.connection import connect

    rows: Frame = nw.from_native(connect().read_parquet(glob.escape(str(copy))))
    return size(distinct(rows.select(*key))) < size(rows)
