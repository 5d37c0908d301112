"""The names of a log's columns, without reading its rows."""

import codecs
import gzip
import tempfile
import zlib
from pathlib import Path

from forecast.errors import DataError, FileError
from forecast.jobs.job_file.configuration import Source
from forecast.jobs.job_file.places import is_address
from forecast.ledger.files import files_of, header_of, kind_of, not_encoded
from forecast.ledger.partitions import partition_columns

__all__ = ["columns_of", "file_columns"]

_ENOUGH = 1 << 20  # bytes of text; a first line is shorter


def columns_of(source: Source, root: Path) -> list[str] | None:
    """Return the columns of a job's source; None where only a download would tell.

    Parameters
    ----------
    source : Source
        Files, or a table of a database, which is asked for its catalogue alone.
    root : Path
        What paths are relative to.
    """
    if source.path is not None:
        if is_address(source.path):
            return None
        return file_columns(source.path, delimiter=source.delimiter, encoding=source.encoding)
    from forecast.jobs.stores.databases import find, open_database

    with open_database(source, root, writing=False) as database:
        return list(database.columns(find(database, str(source.table))))


def file_columns(path: str, *, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    """Return the columns of the first file that a path, folder or glob names.

    Raises
    ------
    FileError
        If there is none, or it cannot be opened.
    DataError
        If it is neither CSV nor Parquet.
    ColumnError
        If its first line does not name two or more columns.
    """
    files = files_of(path)
    kind = kind_of(files[0])
    if kind == "parquet":
        names = _parquet_names(files[0])
        return [*names, *partition_columns(files, path, names)]
    tabs = path.lower().endswith((".tsv", ".tsv.gz"))
    return _text_names(files[0], kind, "\t" if tabs else delimiter, encoding)


def _parquet_names(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"{path}: the Parquet file is damaged or cut short. Write it again."
        ) from error
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _text_names(path: Path, kind: str, delimiter: str, encoding: str) -> list[str]:
    """Read the first piece of text, and its first line as CSV."""
    try:
        with (gzip.open if kind == "gzip" else open)(path, "rb") as raw:
            start = codecs.getincrementaldecoder(encoding)().decode(raw.read(_ENOUGH))
    except UnicodeError:
        raise DataError(not_encoded(path, encoding)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{path}: the compressed file is damaged. Copy it again.") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from None
    with tempfile.TemporaryDirectory(prefix="ltv-header-") as folder:
        text = Path(folder) / "header.csv"
        text.write_text(start, encoding="utf-8", newline="")
        return header_of(text, path, delimiter)
