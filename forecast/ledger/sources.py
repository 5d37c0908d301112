"""Any source of rows as one lazy frame: DuckDB for what is local, Spark for what is on a cluster.

Text files are read as text, so ``007`` stays ``007`` and ``NA`` stays ``NA``; only an empty field
is missing. DuckDB is never given text from the data as SQL.
"""

import glob
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from forecast.errors import DataError, UsageError, listed
from forecast.ledger.agreement import parquet_kinds, refuse_difference
from forecast.ledger.connection import fenced
from forecast.ledger.files import (
    check_text_options,
    files_of,
    header_of,
    kind_of,
    plain_text,
    refuse_doubles,
)
from forecast.ledger.partitions import partition_columns
from forecast.ledger.source_errors import from_engine, reading
from forecast.ledger.tables import arrow_table

__all__ = ["FILE", "ROW", "Frame", "Source", "open_source"]

FILE, ROW, _AT = "ltv file", "ltv row", "ltv at"
_PARTITIONED = """SELECT * FROM read_parquet(
    getvariable('paths'), hive_partitioning = true, hive_types_autocast = false)"""
_NUMBERED = f"""SELECT *, filename AS "{FILE}", file_row_number + 1 AS "{ROW}" FROM read_parquet(
    getvariable('paths'), hive_partitioning = true, hive_types_autocast = false,
    filename = true, file_row_number = true)"""
Frame = Any  # a narwhals LazyFrame of either back end


@dataclass(frozen=True)
class Source:
    """Rows that can be asked for lazily.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        The rows, on DuckDB or Spark.
    name : str
        What to call the source in messages.
    text : bool
        Whether every column is text, as in CSV.
    connection : duckdb.DuckDBPyConnection or None
        Where tables can be kept while reading; None on Spark.
    kinds : mapping
        Columns of Python objects, or of files that differ: name -> names of the types met.
    folder : Path or None
        The one place where the connection may write; gone when the source is closed.
    numbered : callable or None
        Gives the rows with :data:`FILE` and :data:`ROW`, counted from 1; None where rows have no
        order. Slower, so asked for only where rows are to be pointed at.
    files : mapping
        What DuckDB calls a file -> what the user calls it.
    """

    frame: Frame
    name: str
    text: bool = False
    connection: Any = None
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    folder: Path | None = None
    numbered: Callable[[], Frame] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def on_spark(self) -> bool:
        """Whether the rows live on Spark."""
        return self.connection is None

    def names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.frame.collect_schema().names())

    def keep(self, frame: Frame, table: str) -> Frame:
        """Compute a frame once; DuckDB and Spark move it to disk if it is large.

        Parameters
        ----------
        frame : narwhals.LazyFrame
            Rows of this source.
        table : str
            What to call them in DuckDB.
        """
        if self.connection is None:
            return nw.from_native(nw.to_native(frame).persist())
        nw.to_native(frame).create(table)
        return nw.from_native(self.connection.table(table))

    def release(self, frame: Frame) -> None:
        """Let Spark forget a frame that was kept; DuckDB's tables go with their connection."""
        if self.connection is None:
            nw.to_native(frame).unpersist()

    def lookup(self, table: Any) -> Frame:
        """Return an Arrow table as a frame that can be joined with the rows."""
        if self.connection is not None:
            return nw.from_native(self.connection.from_arrow(table))
        session = nw.to_native(self.frame).sparkSession
        rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        return nw.from_native(session.createDataFrame(rows, "text string, number bigint"))


@contextmanager
def open_source(source: Any, *, delimiter: str = ",", encoding: str = "utf-8") -> Iterator[Source]:
    """Open a path, glob, folder, or a pandas, Polars, PyArrow, DuckDB or Spark table.

    Raises
    ------
    FileError
        If a path does not exist, or cannot be read.
    DataError
        If a file is empty, truncated, or of a format that is not read.
    UsageError
        If the object is none of the tables known.
    """
    check_text_options(delimiter, encoding)
    with tempfile.TemporaryDirectory(prefix="ltv-reading-") as folder:
        yield _opened(source, delimiter, encoding, Path(folder))


def _opened(source: Any, delimiter: str, encoding: str, folder: Path) -> Source:
    if isinstance(source, str | os.PathLike):
        return _open_path(os.fspath(source), delimiter, encoding, folder)
    kind = type(source).__module__.partition(".")[0]
    if kind == "pyspark" and hasattr(source, "sparkSession"):
        return Source(nw.from_native(source), "the Spark table")
    if type(source).__name__ == "DuckDBPyRelation":
        return _from_relation(source, folder)
    if kind in ("pandas", "polars", "pyarrow"):
        return _from_table(source, kind, folder)
    what = "a DuckDB connection" if "duckdb" in kind else f"{type(source).__name__!r}"
    raise UsageError(
        f"source: {what} is not a purchase log. Give a path, or a pandas, Polars, PyArrow, "
        "DuckDB or Spark table."
    )


def _from_relation(relation: Any, folder: Path) -> Source:
    """Bring a relation into a connection of our own, in pieces."""
    name, own = "the DuckDB relation", fenced(folder, ())
    with reading(name):
        refuse_doubles(relation.columns, name)
        own.from_arrow(relation.to_arrow_reader(100_000)).create("relation")
        rows = nw.from_native(own.table("relation"))
        return Source(rows, name, connection=own, folder=folder)


def _from_table(source: Any, kind: str, folder: Path) -> Source:
    table, kinds = arrow_table(source, kind)
    name, own = f"the {kind} table", fenced(folder, ())
    for column in table.schema.names if hasattr(table, "select") else ():
        try:
            own.from_arrow(table.select([column]))
        except Exception as error:  # DuckDB has many, and narwhals others
            if not from_engine(error):
                raise
            what = table.schema.field(column).type
            raise DataError(
                f"Column {listed([column])} of {name}: values of type {what} are not read. Make "
                "them text or plain numbers."
            ) from error
    with reading(name):
        rows = own.from_arrow(table)
        return Source(
            nw.from_native(rows),
            name,
            connection=own,
            kinds=kinds,
            folder=folder,
            numbered=lambda: _numbered(rows),
        )


def _numbered(rows: Any) -> Frame:
    """Count rows as they come: DuckDB keeps their order."""
    return nw.from_native(rows.project(f'*, NULL AS "{FILE}", row_number() OVER () AS "{ROW}"'))


def _open_path(text: str, delimiter: str, encoding: str, folder: Path) -> Source:
    paths = files_of(text)
    kinds = {path: kind_of(path) for path in paths}
    if "parquet" in kinds.values():
        if others := [str(path) for path, kind in kinds.items() if kind != "parquet"]:
            raise DataError(
                f"{text}: mixes Parquet with other files, e.g. {others[0]}. Read one kind at a "
                "time."
            )
        return _parquet(paths, text, folder)
    if text.lower().endswith((".tsv", ".tsv.gz")):
        delimiter = "\t"
    plain = [plain_text(path, kinds[path], encoding, folder) for path in paths]
    columns = header_of(plain[0], paths[0], delimiter)
    for path, each in zip(paths[1:], plain[1:], strict=True):
        if (other := header_of(each, path, delimiter)) != columns:
            refuse_difference(path, other, paths[0], columns)
    files = dict(zip(map(os.path.abspath, plain), map(str, paths), strict=True))
    own = fenced(folder, files)

    def rows(filename: str | None = None) -> Any:
        return own.read_csv(
            _escaped(files),  # type: ignore[arg-type]  # the stubs know one path only
            columns=dict.fromkeys(columns, "VARCHAR"),
            header=True,
            auto_detect=False,
            all_varchar=True,
            sep=delimiter,
            quotechar='"',
            escapechar='"',
            filename=filename,
        )

    def numbered() -> Frame:
        counted = rows(filename=FILE).project(f'*, row_number() OVER () AS "{_AT}"')
        before = f'min("{_AT}") OVER (PARTITION BY "{FILE}")'
        return nw.from_native(counted.project(f'*, "{_AT}" - {before} + 1 AS "{ROW}"'))

    with reading(text):
        return Source(
            nw.from_native(rows()),
            text,
            text=True,
            connection=own,
            folder=folder,
            numbered=numbered,
            files=files,
        )


def _escaped(paths: Iterable[str]) -> list[str]:
    """Return paths that DuckDB takes literally, not as globs."""
    return [glob.escape(path) for path in paths]


def _parquet(paths: Sequence[Path], text: str, folder: Path) -> Source:
    kinds = parquet_kinds(paths)
    files = {os.path.abspath(path): str(path) for path in paths}
    own = fenced(folder, files)
    with reading(text):
        rows = nw.from_native(own.read_parquet(_escaped(files)))
        held = rows.collect_schema().names()
        own.execute("SET VARIABLE paths = ?", [_escaped(files)])
        if partitions := partition_columns(paths, text, held):
            rows = nw.from_native(own.sql(_PARTITIONED)).select(*held, *partitions)

    def numbered() -> Frame:
        return nw.from_native(own.sql(_NUMBERED))

    return Source(
        rows,
        text,
        connection=own,
        kinds=kinds,
        folder=folder,
        numbered=None if {"filename", "file_row_number"} & {*held, *partitions} else numbered,
        files=files,
    )
