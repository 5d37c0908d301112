"""A DuckDB file: opened for reading alone, and never allowed to look beyond itself.

DuckDB lets one process write or several read. A view that would read other files, or load an
extension, is refused by DuckDB itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import FileError, LockedError
from forecast.jobs.stores.databases import ROWS, STAGED, Table, first_line, quoted

if TYPE_CHECKING:
    import duckdb

__all__ = ["open_duckdb"]

_CLOSED: dict[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_AS_TEXT = ("HUGEINT", "UHUGEINT", "BIGNUM", "VARINT", "INTERVAL")  # Parquet would not keep them


class DuckDBFile:
    """A :class:`Database` of one file."""

    def __init__(self, name: str, connection: "duckdb.DuckDBPyConnection") -> None:
        self.name, self._connection = name, connection
        self.home = Table("main", "", self.run("SELECT current_database()")[0][0])

    def tables(self) -> list[Table]:
        """Return tables and views."""
        found = self.run(
            "SELECT table_schema, table_name, table_catalog FROM information_schema.tables "
            "WHERE table_catalog = current_database() ORDER BY ALL"
        )
        return [Table(*row) for row in found]

    def columns(self, table: Table) -> Mapping[str, str]:
        """Return names and types."""
        found = self._connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ? "
            "AND table_name = ? AND table_catalog = ? ORDER BY ordinal_position",
            [table.schema, table.name, table.database],
        )
        return dict(found.fetchall())

    def batches(self, table: Table, columns: Sequence[str]) -> Any:
        """Return rows as they are scanned; whole numbers beyond 64 bits as text."""
        kinds = self.columns(table)
        asked = [
            f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}"
            if kinds[name] in _AS_TEXT
            else quoted(name)
            for name in columns
        ]
        rows = self._connection.sql(f"SELECT {', '.join(asked)} FROM {table.sql}")
        return rows.to_arrow_reader(ROWS)

    def distinct(self, table: Table) -> int | None:
        """Count rows; an error ends the transaction."""
        import duckdb

        try:
            return int(self.run(f"SELECT count(*) FROM (SELECT DISTINCT * FROM {table.sql})")[0][0])
        except duckdb.Error:
            self._connection.rollback()
            self._connection.begin()
            return None

    def stage(self, rows: Any) -> None:
        """Copy the rows into a temporary table."""
        self._connection.register("incoming", rows)
        self.run(f"CREATE TEMP TABLE {STAGED} AS SELECT * FROM incoming")

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement."""
        return self._connection.execute(sql).fetchall()


@contextmanager
def open_duckdb(path: Path, name: str, *, writing: bool) -> Iterator[DuckDBFile]:
    """Open a file; see :func:`~forecast.jobs.stores.databases.open_database`."""
    import duckdb

    if not writing and not path.is_file():
        raise FileError(f"{name}: no such file.")
    try:
        with duckdb.connect(str(path), read_only=not writing, config=_CLOSED) as connection:
            connection.execute("BEGIN")
            yield DuckDBFile(name, connection)
            connection.execute("COMMIT")
    except duckdb.Error as error:
        first = first_line(error)
        together = isinstance(error, duckdb.TransactionException) and "onflict" in first
        if together or "lock on file" in first:
            raise LockedError(
                f"{name}: another process has the file open for writing. Wait for it, or close "
                f"it ({first})."
            ) from error
        raise FileError(f"{name}: DuckDB refuses: {first}") from error
