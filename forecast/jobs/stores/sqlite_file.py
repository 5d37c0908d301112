"""An SQLite file, through Python's own module.

A column of SQLite may hold anything in any row, whatever type it was declared with. So the types
met are asked first: whole numbers stay whole, with broken ones among them all are, and a column
with any text is text.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from forecast.errors import DataError, FileError, LockedError, listed
from forecast.jobs.stores.databases import ROWS, STAGED, WAIT, Table, quoted

__all__ = ["open_sqlite"]


class SQLiteFile:
    """A :class:`Database` of one file."""

    home = Table("main", "")

    def __init__(self, name: str, connection: sqlite3.Connection) -> None:
        self.name, self._connection = name, connection

    def tables(self) -> list[Table]:
        """Return tables and views."""
        names = self.run(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"
        )
        return [Table("main", name) for (name,) in names]

    def columns(self, table: Table) -> Mapping[str, str]:
        """Return names and declared types."""
        found = self._connection.execute(
            "SELECT name, type FROM pragma_table_xinfo(?, ?)", (table.name, table.schema)
        )
        return dict(found.fetchall())

    def batches(self, table: Table, columns: Sequence[str]) -> Any:
        """Return rows in pieces, each column of the one type that holds all its values."""
        import pyarrow as pa

        kinds = [self._kind(table, name) for name in columns]
        types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bytes: pa.binary()}
        schema = pa.schema([(n, types[kind]) for n, kind in zip(columns, kinds, strict=True)])
        asked = ", ".join(quoted(name) for name in columns)
        rows = self._connection.execute(f"SELECT {asked} FROM {table.sql}")
        pieces = iter(lambda: list(islice(rows, ROWS)), [])
        return pa.RecordBatchReader.from_batches(
            schema,
            (
                pa.record_batch(
                    [
                        pa.array([_as(kind, each) for each in values], types[kind])
                        for kind, values in zip(kinds, zip(*piece, strict=True), strict=True)
                    ],
                    schema=schema,
                )
                for piece in pieces
            ),
        )

    def _kind(self, table: Table, column: str) -> type:
        found = self.run(f"SELECT DISTINCT typeof({quoted(column)}) FROM {table.sql}")
        kinds = {kind for (kind,) in found} - {"null"}
        if kinds == {"blob"}:
            return bytes
        if "blob" in kinds:
            raise DataError(
                f"{self.name}: column {column!r} of {table.name!r} holds {listed(sorted(kinds))}. "
                "Cast it to one type in a view."
            )
        if "text" in kinds or not kinds:
            return str
        return float if "real" in kinds else int

    def distinct(self, table: Table) -> int | None:
        """Count rows."""
        try:
            return int(self.run(f"SELECT count(*) FROM (SELECT DISTINCT * FROM {table.sql})")[0][0])
        except sqlite3.Error:
            return None

    def stage(self, rows: Any) -> None:
        """Insert the rows into a temporary table; days and times as ISO text."""
        import pyarrow as pa
        import pyarrow.types as pt

        names = ", ".join(quoted(name) for name in rows.schema.names)
        marks = ", ".join("?" for _ in rows.schema)
        self.run(f"CREATE TEMP TABLE {STAGED} ({names})")
        for batch in rows:
            columns = [
                (each.cast(pa.string()) if pt.is_temporal(each.type) else each).to_pylist()
                for each in batch.columns
            ]
            self._connection.executemany(
                f"INSERT INTO {STAGED} VALUES ({marks})", zip(*columns, strict=True)
            )

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement."""
        return self._connection.execute(sql).fetchall()


def _as(kind: type, value: Any) -> Any:
    return None if value is None else kind(value)


@contextmanager
def open_sqlite(path: Path, name: str, *, writing: bool) -> Iterator[SQLiteFile]:
    """Open a file; see :func:`~forecast.jobs.stores.databases.open_database`."""
    if not writing and not path.is_file():
        raise FileError(f"{name}: no such file.")
    address = f"{path.absolute().as_uri()}?mode={'rwc' if writing else 'ro'}"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield SQLiteFile(name, connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells kinds of it apart
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LockedError(
                f"{name}: another process has been writing for more than {WAIT} seconds. Try "
                "again later."
            ) from error
        raise FileError(f"{name}: SQLite refuses: {error}.") from error
