"""A PostgreSQL database, through its ADBC driver: rows come and go as Arrow, by COPY.

The address with its password is in an environment variable. It is never shown, and neither is
what the driver says about a failed connection, which repeats parts of it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from typing import Any

from forecast.errors import FileError, ForecastError, LockedError, UsageError
from forecast.jobs.stores.databases import STAGED, WAIT, Table, first_line, quoted

__all__ = ["open_postgresql"]

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema'
    AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2"""
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum"""
_AS_THEY_ARE = {
    "bigint",
    "boolean",
    "bytea",
    "character varying",
    "date",
    "double precision",
    "integer",
    "real",
    "smallint",
    "text",
    "timestamp with time zone",
    "timestamp without time zone",
}  # any other type comes as text: numeric exactly, char without its blanks, uuid as written
_READING = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",  # one moment for all that is read
    "SET LOCAL datestyle = 'ISO'",
)
_WRITING = (
    f"SET LOCAL lock_timeout = '{WAIT}s'",
    "SELECT pg_advisory_xact_lock(hashtextextended('ltv-forecast', 0))",  # one job writes at a time
)
_REASONS = {
    "authentication failed": "the user or the password is refused",
    "no password supplied": "a password is needed",
    "could not translate host name": "the host is not known",
    "Connection refused": "nothing answers at that host and port",
    "timeout expired": "the server did not answer in time",
    "does not exist": "the server has no such database or user",
    "too many": "the server has no connection left",
    "SSL": "no secure connection could be made",
    "connection info string": "the address is not one; write postgresql://user:password@host/name",
    "invalid": "the address is not one; write postgresql://user:password@host/name",
}


class PostgreSQL:
    """A :class:`Database` on a server."""

    def __init__(self, name: str, cursor: Any) -> None:
        self.name, self._cursor = name, cursor

    @cached_property
    def home(self) -> Table:
        """The first schema of the user's search path."""
        return Table(self.run("SELECT coalesce(current_schema(), 'public')")[0][0], "")

    def tables(self) -> list[Table]:
        """Return tables and views of every schema."""
        return [Table(*row) for row in self.run(_TABLES)]

    def columns(self, table: Table) -> Mapping[str, str]:
        """Return names and types."""
        self._cursor.execute(_COLUMNS, parameters=(table.schema, table.name))
        return dict(self._cursor.fetchall())

    def batches(self, table: Table, columns: Sequence[str]) -> Any:
        """Return rows as the server sends them."""
        kinds = self.columns(table)
        asked = [
            quoted(name) if kinds[name] in _AS_THEY_ARE else f"{quoted(name)}::text"
            for name in columns
        ]
        self._cursor.execute(f"SELECT {', '.join(asked)} FROM {table.sql}")
        return self._cursor.fetch_record_batch()

    def distinct(self, table: Table) -> int | None:
        """Count rows as text: not every type can be compared. An error ends the transaction."""
        from adbc_driver_postgresql import dbapi

        try:
            texts = f"SELECT DISTINCT ROW(o.*)::text FROM {table.sql} AS o"
            return int(self.run(f"SELECT count(*) FROM ({texts}) AS t")[0][0])
        except dbapi.Error:
            self._cursor.connection.rollback()
            return None

    def stage(self, rows: Any) -> None:
        """Copy the rows into a temporary table."""
        self._cursor.adbc_ingest(STAGED.strip('"'), rows, mode="create", temporary=True)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement."""
        self._cursor.execute(sql)
        return self._cursor.fetchall() if self._cursor.description else []


@contextmanager
def open_postgresql(variable: str, *, writing: bool) -> Iterator[PostgreSQL]:
    """Open the database whose address an environment variable holds.

    See :func:`~forecast.jobs.stores.databases.open_database`.
    """
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise UsageError(
            "database 'postgresql' needs its driver: pip install 'ltv-forecast[postgres]'."
        ) from None
    address, name = os.environ.get(variable, ""), f"postgresql (${variable})"
    if not address.strip():
        raise UsageError(f"url_env: the environment variable {variable} is not set.")
    refusal = ""
    try:
        connection = dbapi.connect(address)
    except dbapi.Error as error:
        said = str(error)
        refusal = next((why for sign, why in _REASONS.items() if sign in said), "it was refused")
    if refusal:  # outside of the except clause, so that no traceback repeats the driver
        raise FileError(f"{name}: cannot connect: {refusal}.")
    try:
        with closing(connection), closing(connection.cursor()) as cursor:
            try:
                database = PostgreSQL(name, cursor)
                for statement in _WRITING if writing else _READING:
                    database.run(statement)
                yield database
                connection.commit()
            except BaseException:
                with suppress(dbapi.Error):
                    connection.rollback()
                raise
    except dbapi.Error as error:
        raise _refused(name, error) from error


def _refused(name: str, error: Any) -> ForecastError:
    if getattr(error, "sqlstate", None) == "55P03":
        return LockedError(
            f"{name}: another job has been writing for more than {WAIT} seconds. Try again later."
        )
    return FileError(f"{name}: the server refuses: {first_line(error)}.")
