"""What a job asks of any database, and how a table is named in one.

Names of tables and columns are only ever looked up in the catalogue or quoted as identifiers,
values are parameters: text from a job file or a log never becomes SQL.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from forecast.errors import DataError, UsageError, listed

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Destination, Source

__all__ = [
    "ROWS",
    "STAGED",
    "WAIT",
    "Database",
    "Table",
    "find",
    "find_or_name",
    "first_line",
    "open_database",
    "quoted",
]

ROWS = 65_536  # fetched or written at a time
WAIT = 60  # seconds for which another writer is waited for
STAGED = '"ltv staged"'  # the temporary table that new rows go to first
_LONGEST = 63  # bytes; PostgreSQL cuts longer names short


@dataclass(frozen=True)
class Table:
    """A table of a database, as its catalogue names it."""

    schema: str
    name: str
    database: str = ""

    @property
    def sql(self) -> str:
        """The name as SQL."""
        parts = (self.database, self.schema, self.name)
        return ".".join(quoted(part) for part in parts if part)


class Database(Protocol):
    """An open database, inside one transaction: what is done is done wholly or not at all."""

    @property
    def name(self) -> str:
        """What to call it in messages; never its address."""
        ...

    @property
    def home(self) -> Table:
        """The schema, and where needed the database, of tables that are named without one."""
        ...

    def tables(self) -> list[Table]:
        """Return the tables and views that may be read."""
        ...

    def columns(self, table: Table) -> Mapping[str, str]:
        """Return the columns of a table and their types, in the database's own words."""
        ...

    def batches(self, table: Table, columns: Sequence[str]) -> Any:
        """Return some columns of a table as a ``pyarrow.RecordBatchReader``."""
        ...

    def distinct(self, table: Table) -> int | None:
        """Count the rows that differ in any column, last of all that is read.

        None where a column cannot be read; the transaction is then over.
        """
        ...

    def stage(self, rows: Any) -> None:
        """Put the rows of a ``pyarrow.RecordBatchReader`` into the temporary table STAGED."""
        ...

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows, if it has any."""
        ...


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL, whatever signs it holds.

    Examples
    --------
    >>> print(quoted('id" FROM x; --'))
    "id"" FROM x; --"
    """
    if "\0" in name:
        raise UsageError(f"{listed([name])} holds a NUL sign; no table or column is named so.")
    return '"' + name.replace('"', '""') + '"'


def first_line(error: BaseException) -> str:
    """Return what a driver says, in one line: its reason without the statement it failed at."""
    found = re.search(r"(?:ERROR|FATAL):\s*([^\n]+)", str(error))
    return (found[1] if found else (str(error).splitlines() or ["no reason given"])[0])[:300]


def find(database: Database, text: str) -> Table:
    """Return the table that ``orders`` or ``schema.orders`` names.

    Raises
    ------
    DataError
        If there is none; says which names are near.
    """
    known = database.tables()
    if table := _known(database, text, known):
        return table
    names = [
        table.name if table.schema == database.home.schema else f"{table.schema}.{table.name}"
        for table in known
    ]
    by_lower = {name.lower(): name for name in names}
    near = [by_lower[found] for found in difflib.get_close_matches(text.lower(), by_lower)]
    hint = f"Did you mean {listed(near)}?" if near else f"Tables: {listed(names, 20) or 'none'}."
    raise DataError(f"{database.name}: no table {listed([text])}. {hint}")


def find_or_name(database: Database, text: str) -> tuple[Table, bool]:
    """Return the table that a text names, there or to be made, and whether it is there.

    Raises
    ------
    UsageError
        If it cannot be made under that name.
    """
    if table := _known(database, text, database.tables()):
        return table, True
    table = _meant(database, text)[-1 if "." in text else 0]
    if not table.name or len(table.name.encode()) > _LONGEST:
        raise UsageError(
            f"{database.name}: no table can be made under the name {listed([text])}; it needs 1 to "
            f"{_LONGEST} signs."
        )
    return table, False


def _known(database: Database, text: str, known: Sequence[Table]) -> Table | None:
    return next((table for table in _meant(database, text) if table in known), None)


def _meant(database: Database, text: str) -> tuple[Table, Table]:
    """Return what a name means as a whole, and with a schema before its first point."""
    schema, _, name = text.partition(".")
    return replace(database.home, name=text), replace(database.home, schema=schema, name=name)


def open_database(
    store: "Source | Destination", root: Path, *, writing: bool
) -> AbstractContextManager[Database]:
    """Open the database that a table of the job file names.

    What is done inside the ``with`` is committed at its end, and rolled back on any error.

    Parameters
    ----------
    store : Source or Destination
        With a ``database``.
    root : Path
        What the paths of the job file are relative to.
    writing : bool
        If not, nothing can be changed, whatever is run.

    Raises
    ------
    UsageError
        If the driver is not installed, or the environment variable not set.
    FileError
        If the database cannot be reached, or refuses.
    LockedError
        If another process holds it.
    """
    if store.database == "postgresql":
        from forecast.jobs.stores.postgresql import open_postgresql

        return open_postgresql(str(store.url_env), writing=writing)
    path = root / str(store.file)
    name = str(path.relative_to(root) if path.is_relative_to(root) else path)
    if store.database == "sqlite":
        from forecast.jobs.stores.sqlite_file import open_sqlite

        return open_sqlite(path, name, writing=writing)
    from forecast.jobs.stores.duckdb_file import open_duckdb

    return open_duckdb(path, name, writing=writing)
