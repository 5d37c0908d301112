"""Predictions into a store, in one transaction: a run that is repeated leaves the same rows."""

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import DataError, FileError, UsageError, listed
from forecast.jobs.folders.publishing import settle
from forecast.jobs.job_file.places import is_address
from forecast.jobs.stores.databases import (
    STAGED,
    Database,
    Table,
    find_or_name,
    open_database,
    quoted,
)
from forecast.jobs.stores.object_store import send
from forecast.jobs.stores.predictions import KEYS, prediction_rows, sql_types

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Destination

__all__ = ["upsert"]


def upsert(destination: "Destination", run_id: str, table: Any, *, root: Path | None = None) -> int:
    """Put the predictions of a run into a store, and return how many rows they are.

    In a database a table has the primary key ``run_id, customer_id`` and, where the predictions
    have one, ``horizon``; it is made if it is not there. Rows of the same key are replaced. All
    rows appear at once or, on any error, none; a second writer waits, or fails by name. A path or
    an address gets the file ``run_id=RUN/HORIZON.parquet``.

    Parameters
    ----------
    destination : Destination
        Where to.
    run_id : str
        Of the run.
    table : pandas.DataFrame, pyarrow.Table, pyarrow.RecordBatchReader or path
        One row a customer and horizon; a path names a Parquet file or a folder of parts. What is
        not a number is stored as missing.
    root : Path, optional
        What paths are relative to; by default the working folder.

    Raises
    ------
    DataError
        If the predictions lack ``customer_id``, or have a customer twice.
    UsageError
        If the table in the database has other columns.
    FileError
        If the store cannot be reached or refuses.
    LockedError
        If another process holds it.
    """
    root = (root or Path.cwd()).resolve()
    rows = prediction_rows(table, run_id)
    if destination.path is not None:
        return _write_file(destination.path, run_id, rows, root)
    keys = [name for name in KEYS if name in rows.schema.names]
    with open_database(destination, root, writing=True) as database:
        database.stage(rows)
        _check_keys(database, keys)
        target, there = find_or_name(database, str(destination.table))
        if there:
            _check_columns(database, target, rows.schema.names)
        else:
            _create(database, target, rows.schema, keys)
        _merge(database, target, rows.schema.names, keys)
        return int(database.run(f"SELECT count(*) FROM {STAGED}")[0][0])


def _check_keys(database: Database, keys: list[str]) -> None:
    named = ", ".join(quoted(name) for name in keys)
    missing = " OR ".join(f"{quoted(name)} IS NULL" for name in keys)
    if count := database.run(f"SELECT count(*) FROM {STAGED} WHERE {missing}")[0][0]:
        raise DataError(f"Predictions: {count:,} rows lack one of {', '.join(keys)}.")
    twice = f"SELECT customer_id FROM {STAGED} GROUP BY {named} HAVING count(*) > 1"
    if count := database.run(f"SELECT count(*) FROM ({twice}) AS twice")[0][0]:
        first = database.run(f"{twice} ORDER BY {named} LIMIT 5")
        more = [row[0] for row in first] + [""] * (count - len(first))
        raise DataError(
            f"Predictions: {count:,} customers are there twice: {listed(more)}. Give one row a "
            "customer and horizon."
        )


def _check_columns(database: Database, target: Table, names: list[str]) -> None:
    there = list(database.columns(target))
    lacks = [name for name in names if name not in there]
    more = [name for name in there if name not in names]
    if lacks or more:
        has = [f"lacks {listed(lacks)}"] if lacks else []
        has += [f"has {listed(more)} too"] if more else []
        raise UsageError(
            f"{database.name}: table {target.name!r} {' and '.join(has)}, compared with the "
            "predictions. Name another table; it is made if it is not there."
        )


def _create(database: Database, target: Table, schema: Any, keys: list[str]) -> None:
    columns = [
        f"{quoted(name)} {kind}{' NOT NULL' if name in keys else ''}"
        for name, kind in sql_types(schema).items()
    ]
    named = ", ".join(quoted(name) for name in keys)
    database.run(f"CREATE TABLE {target.sql} ({', '.join(columns)}, PRIMARY KEY ({named}))")


def _merge(database: Database, target: Table, names: list[str], keys: list[str]) -> None:
    """Insert what is staged; in the order of the keys, so that no two writers block each other."""
    columns, named = (", ".join(quoted(name) for name in each) for each in (names, keys))
    new = [f"{quoted(name)} = excluded.{quoted(name)}" for name in names if name not in keys]
    action = f"UPDATE SET {', '.join(new)}" if new else "NOTHING"
    database.run(
        f"INSERT INTO {target.sql} ({columns}) SELECT {columns} FROM {STAGED} WHERE true "
        f"ORDER BY {named} ON CONFLICT ({named}) DO {action}"
    )


def _write_file(path: str, run_id: str, rows: Any, root: Path) -> int:
    """Write a file whole under another name, then move it."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    remote = is_address(path)
    beside = None if remote else root / path / f"run_id={_file_name(run_id)}"
    try:
        if beside is not None:
            beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ltv-predictions-", dir=beside) as folder:
            part, horizons, count = Path(folder) / "part.parquet", set[str](), 0
            names = rows.schema.names[1:]  # the folder names the run
            with pq.ParquetWriter(part, rows.schema.remove(0), compression="zstd") as writer:
                for batch in rows:
                    writer.write_batch(batch.select(names))
                    count += len(batch)
                    if "horizon" in names:
                        horizons |= set(pc.unique(batch.column("horizon")).to_pylist())
            name = f"{_file_name('_'.join(sorted(horizons)) or 'predictions')}.parquet"
            if beside is None:
                send(part, f"{path.rstrip('/')}/run_id={_file_name(run_id)}/{name}")
                return count
            with part.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(part, beside / name)
            settle(beside)
            return count
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror or error}).") from error


def _file_name(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", text):
        raise UsageError(f"{listed([text])} cannot be part of a file's name.")
    return text
