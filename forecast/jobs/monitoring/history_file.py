"""The DuckDB file that keeps what every run forecast: its tables, its version, its lock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import DataError, FileError, LockedError
from forecast.forecaster import BOUNDS, EXPECTED

if TYPE_CHECKING:
    import duckdb

__all__ = ["FORMAT", "TABLES", "connected"]

FORMAT = 1
WRITERS_WAIT = 120.0
"""Seconds to wait for a review that reads, rather than lose a night's run."""

_KEY = {"run_id": "VARCHAR NOT NULL", "horizon": "VARCHAR NOT NULL"}
_BANDS = dict.fromkeys(BOUNDS, "DOUBLE")

TABLES: dict[str, dict[str, str]] = {
    "runs": _KEY
    | dict.fromkeys(("job", "model", "population", "data_hash", "versions"), "VARCHAR NOT NULL")
    | dict.fromkeys(("cutoff", "window_start", "window_last", "fitted"), "DATE NOT NULL")
    | dict.fromkeys(("first_day", "last_day"), "DATE NOT NULL")
    | dict.fromkeys(("customers", "purchases"), "BIGINT NOT NULL")
    | {"value": "DOUBLE", "has_value": "BOOLEAN NOT NULL", "seed": "BIGINT", "draws": "BIGINT"},
    "totals": _KEY
    | {"target": "VARCHAR NOT NULL"}
    | dict.fromkeys(("expected", "sd", "lo_90", "hi_90"), "DOUBLE"),
    "periods": _KEY
    | {"period": "INTEGER NOT NULL", "start": "DATE NOT NULL", "end": "DATE NOT NULL"}
    | dict.fromkeys(("expected_purchases", "expected_value"), "DOUBLE")
    | _BANDS
    | dict.fromkeys((f"cumulative_{name}" for name in BOUNDS), "DOUBLE"),
    "customers": _KEY
    | {"customer_id": "VARCHAR NOT NULL", "cohort": "VARCHAR NOT NULL"}
    | {"n_purchases": "INTEGER", "first_purchase": "DATE", "last_purchase": "DATE"}
    | dict.fromkeys(("total_value", *EXPECTED), "DOUBLE")
    | _BANDS,
    "labels": _KEY
    | {"customer_id": "VARCHAR NOT NULL", "label": "VARCHAR NOT NULL", "value": "VARCHAR NOT NULL"},
    "parameters": _KEY
    | {"name": "VARCHAR NOT NULL", "value": "DOUBLE", "standard_error": "DOUBLE"},
    "profile": _KEY
    | {"feature": "VARCHAR NOT NULL", "bin": "INTEGER NOT NULL", "count": "BIGINT NOT NULL"},
}
"""Table -> column -> type. Every table has one row or more a run and horizon."""


@contextmanager
def connected(path: Path, *, write: bool = False) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open a history, made with its tables where it does not exist and is to be written.

    Raises
    ------
    FileError
        If it does not exist, or cannot be opened.
    LockedError
        If another process writes in it, or one reads it for longer than writers wait.
    DataError
        If the file is something else, or was written by a newer version.
    """
    import duckdb

    if not write and not path.is_file():
        raise FileError(f"{path}: there is no history of runs. A run with [monitoring] makes it.")
    if not path.parent.is_dir():
        raise FileError(f"{path}: the folder {path.parent} does not exist. Create it first.")
    settings: Any = dict.fromkeys(
        ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions"),
        False,
    )
    until = time.monotonic() + (WRITERS_WAIT if write else 0)
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=not write, config=settings)
            break
        except duckdb.Error as error:
            found = _explained(path, str(error))
            if not isinstance(found, LockedError) or time.monotonic() >= until:
                raise found from None
            time.sleep(0.5)
    try:
        _check(path, connection, write)
        yield connection
    except duckdb.Error as error:
        raise _explained(path, str(error)) from error
    finally:
        connection.close()


def _check(path: Path, connection: "duckdb.DuckDBPyConnection", write: bool) -> None:
    """Refuse a database that is none of ours; make the tables of an empty one."""
    found = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if not found and write:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE ltv_history (format INTEGER NOT NULL)")
        connection.execute("INSERT INTO ltv_history VALUES (?)", [FORMAT])
        for table, columns in TABLES.items():
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f'CREATE TABLE "{table}" ({listed})')
        connection.execute("COMMIT")
        return
    if "ltv_history" not in found or not set(TABLES) <= found:
        raise DataError(f"{path} is a DuckDB file, but no history of runs. Name another one.")
    (version,) = connection.execute("SELECT max(format) FROM ltv_history").fetchone() or (None,)
    if version != FORMAT:
        raise DataError(
            f"{path} was written in format {version}; this version reads and writes {FORMAT}."
        )


def _explained(path: Path, message: str) -> Exception:
    first = " ".join(message.split("\n")[0].split())
    if "Could not set lock" in message or "different configuration" in message:
        return LockedError(f"{path}: another process has the history open. Try again later.")
    if "not a valid DuckDB" in message or "Serialization" in message:
        return DataError(f"{path} is no DuckDB file, or a damaged one ({first}).")
    return FileError(f"{path}: the history cannot be used ({first}).")
