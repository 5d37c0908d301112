"""Any source of rows as one lazy frame: DuckDB for what is local, Spark for what is on a cluster.

Text files are read as text, so ``007`` stays ``007`` and ``NA`` stays ``NA``; only an empty field
is missing. DuckDB is opened without extensions to load, and never given text from the data as SQL.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from forecast.errors import ColumnError, DataError, FileError, UsageError, listed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Source", "connect", "open_source", "reading"]

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet")


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
    """

    frame: "nw.LazyFrame[Any]"
    name: str
    text: bool = False

    @property
    def on_spark(self) -> bool:
        """Whether the rows live on Spark."""
        return not self.frame.implementation.is_duckdb()


def connect() -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that loads no extension and spills to the temporary folder."""
    import tempfile

    import duckdb

    return duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": tempfile.gettempdir(),
        }
    )


def open_source(source: Any, *, delimiter: str = ",", encoding: str = "utf-8") -> Source:
    """Open a path, glob, folder, or a pandas, Polars, PyArrow, DuckDB or Spark table.

    Raises
    ------
    FileError
        If a path does not exist.
    DataError
        If a file is empty, truncated, or of a format that is not read.
    UsageError
        If the object is none of the tables known.
    """
    if isinstance(source, str | Path):
        return _open_path(str(source), delimiter, encoding)
    kind = type(source).__module__.partition(".")[0]
    if kind == "pyspark":
        return Source(nw.from_native(source), "the Spark table")
    if kind in ("duckdb", "_duckdb"):
        return Source(nw.from_native(source), "the DuckDB relation")
    if kind == "pandas":
        table, name = _arrow_from_pandas(source), "the pandas table"
    elif kind == "polars":
        frame = source.collect() if type(source).__name__ == "LazyFrame" else source
        table, name = frame.to_arrow(), "the Polars table"
    elif kind == "pyarrow":
        table, name = source, "the Arrow table"
        _refuse_doubles(list(source.schema.names), name)
    else:
        raise UsageError(
            f"source: a {type(source).__name__} is not a purchase log. Give a path, or a pandas, "
            "Polars, PyArrow, DuckDB or Spark table."
        )
    if not len(table.schema.names):
        raise DataError(f"{name} has no columns.")
    return Source(nw.from_native(connect().from_arrow(table)), name)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Translate what DuckDB says about a broken file into one clear sentence."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise DataError(f"{name}: {_explained(str(error))}") from error


def _explained(message: str) -> str:
    line = re.search(r"Line: (\d+)", message)
    where = f"line {line[1]}: " if line else ""
    if found := re.search(r"Number of Columns: (\d+) Found: (\d+)", message):
        return f"{where}{found[1]} fields expected, {found[2]} found. Mend the row."
    if "unterminated quote" in message:
        return f"{where}a quote is opened and never closed. Mend the row."
    if "utf-8" in message:
        return f'{where}the text is not UTF-8. Say how it is encoded, e.g. encoding="latin-1".'
    if "GZIP" in message or "gzip" in message:
        return "the compressed file is damaged or cut short. Copy it again."
    if "state machine" in message:
        return f"{where}the text is not regular CSV (mixed line ends or stray quotes)."
    return f"{where}cannot be read: {message.splitlines()[0]}"


def _open_path(text: str, delimiter: str, encoding: str) -> Source:
    paths = _paths(text)
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise DataError(f"{text}: mixes CSV and Parquet files; read them one kind at a time.")
    names = [str(path) for path in paths]
    connection = connect()
    if formats == {"parquet"}:
        with reading(text):
            return Source(nw.from_native(connection.read_parquet(names)), text)
    if len(delimiter) != 1:
        raise UsageError(f"delimiter: {delimiter!r} must be one character.")
    if text.endswith((".tsv", ".tsv.gz")):
        delimiter = "\t"
    columns = _header(paths[0], delimiter, encoding)
    for path in paths[1:]:
        if (other := _header(path, delimiter, encoding)) != columns:
            raise ColumnError(f"{path}: columns {other} differ from {columns} in {paths[0]}.")
    with reading(text):
        rows = connection.read_csv(
            names,  # type: ignore[arg-type]  # the stubs know one path, DuckDB takes a list
            columns=dict.fromkeys(columns, "VARCHAR"),
            header=True,
            auto_detect=False,
            all_varchar=True,
            sep=delimiter,
            quotechar='"',
            escapechar='"',
            encoding=encoding,
            compression="gzip" if formats == {"gzip"} else "none",
        )
        return Source(nw.from_native(rows), text, text=True)


def _paths(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.name.endswith(_SUFFIXES))
        if not found:
            raise FileError(f"{text}: the folder holds no file named {', '.join(_SUFFIXES)}.")
        return found
    if path.exists():
        return [path]
    if any(sign in text for sign in "*?["):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        found = sorted(anchor.glob(str(path.relative_to(anchor))))
        if found:
            return found
        raise FileError(f"{text}: no file matches.")
    near = [each.name for each in path.parent.glob(f"{path.name[:4]}*")][:3]
    hint = f" Did you mean {listed(sorted(near))}?" if near else ""
    raise FileError(f"{text}: no such file or folder.{hint}")


def _format(path: Path) -> str:
    """Tell CSV, gzip and Parquet by their first bytes, whatever the name says."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from error
    if not start:
        raise DataError(f"{path}: the file is empty.")
    if start == b"PAR1":
        return "parquet"
    if start[:2] == b"\x1f\x8b":
        return "gzip"
    if start[:2] == b"PK" or start == b"\xd0\xcf\x11\xe0":
        raise DataError(f"{path}: is a spreadsheet or zip archive; save it as CSV or Parquet.")
    if path.suffix == ".parquet":
        raise DataError(f"{path}: is named Parquet but does not start like one.")
    return "csv"


def _header(path: Path, delimiter: str, encoding: str) -> list[str]:
    try:
        opener = gzip.open if _format(path) == "gzip" else open
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            first = next(csv.reader(text, delimiter=delimiter), [])
    except LookupError:
        raise UsageError(f"encoding: {encoding!r} is not known.") from None
    except UnicodeDecodeError:
        raise DataError(
            f'{path}: the text is not {encoding}. Say how it is encoded, e.g. encoding="latin-1".'
        ) from None
    except (EOFError, gzip.BadGzipFile, OSError, csv.Error) as error:
        raise DataError(f"{path}: the file is damaged or cut short ({error}).") from None
    names = [name.removeprefix("\ufeff").strip() for name in first]
    names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    _refuse_doubles(names, str(path))
    if len(names) == 1:
        other = next((sign for sign in ";\t|," if sign in names[0] and sign != delimiter), None)
        hint = f" Did you mean delimiter={other!r}?" if other else ""
        raise ColumnError(f"{path}: 1 column found, {names[0]!r}.{hint}")
    return names


def _refuse_doubles(names: list[str], where: str) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ColumnError(f"{where}: column names must differ; twice or more: {listed(doubled)}.")


def _arrow_from_pandas(frame: Any) -> "pa.Table":
    """Convert column by column, so that one odd column does not spoil the others."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"source: a pandas {type(frame).__name__} is not a table.")
    names = [str(name) for name in frame.columns]
    _refuse_doubles(names, "the pandas table")
    arrays = {}
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        try:
            arrays[name] = pa.Array.from_pandas(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            text = column.map(str, na_action="ignore").astype(object)
            arrays[name] = pa.array(text.where(column.notna(), None), pa.string())
    return pa.table(arrays)
