"""Predictions as rows for any store: a run, a customer, a horizon, and plain types."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import DataError, UsageError, listed
from forecast.jobs.stores.databases import ROWS

__all__ = ["KEYS", "prediction_rows", "sql_types"]

KEYS = ("run_id", "customer_id", "horizon")


def prediction_rows(table: Any, run_id: str) -> Any:
    """Return predictions as a ``pyarrow.RecordBatchReader`` of plain types, piece by piece.

    Parameters
    ----------
    table : pandas.DataFrame, pyarrow.Table, pyarrow.RecordBatchReader or path
        One row a customer and horizon; a path names a Parquet file or a folder of parts.
    run_id : str
        Put first in every row.

    Raises
    ------
    DataError
        If there is no ``customer_id``, or a column is of a type that not every store has.
    """
    import pyarrow as pa

    rows = _reader(table)
    given = [each for each in rows.schema if each.name != "run_id"]
    if "customer_id" not in rows.schema.names:
        raise DataError(f"Predictions lack customer_id. Columns: {listed(rows.schema.names, 20)}.")
    kinds = {each.name: _plain(each) for each in given}
    schema = pa.schema({"run_id": pa.string()} | kinds)

    def batches() -> Iterator[Any]:
        for batch in rows:
            columns = [pa.repeat(pa.scalar(run_id), len(batch))]
            columns += [_known(batch.column(name).cast(kind)) for name, kind in kinds.items()]
            yield pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def sql_types(schema: Any) -> dict[str, str]:
    """Return the SQL type of every column, the same in every database."""
    import pyarrow as pa

    names = {
        pa.string(): "TEXT",
        pa.float64(): "DOUBLE PRECISION",
        pa.int64(): "BIGINT",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.timestamp("us"): "TIMESTAMP",
    }
    return {each.name: names[each.type] for each in schema}


def _reader(table: Any) -> Any:
    import pyarrow as pa

    if isinstance(table, str | Path):
        from pyarrow import dataset

        files = sorted(Path(table).glob("*.parquet")) if Path(table).is_dir() else [Path(table)]
        return dataset.dataset([str(each) for each in files], format="parquet").scanner(
            batch_size=ROWS
        ).to_reader()  # fmt: skip
    if isinstance(table, pd.DataFrame):
        named = [name for name in table.index.names if name is not None]
        flat = table.reset_index(level=named) if named else table
        table = pa.Table.from_pandas(flat, preserve_index=False)
    if isinstance(table, pa.Table):
        return table.to_reader(ROWS)
    if isinstance(table, pa.RecordBatchReader):
        return table
    raise UsageError(f"predictions: {type(table).__name__} is not a table or a path of Parquet.")


def _plain(field: Any) -> Any:
    """Return the type in which every store can keep a column."""
    import pyarrow as pa
    import pyarrow.types as pt

    kind = field.type.value_type if pt.is_dictionary(field.type) else field.type
    if field.name in KEYS or pt.is_string(kind) or pt.is_large_string(kind):
        return pa.string()
    if pt.is_integer(kind):
        return pa.int64()
    if pt.is_floating(kind) or pt.is_decimal(kind):
        return pa.float64()
    if pt.is_timestamp(kind) and kind.tz is None:
        return pa.timestamp("us")
    if pt.is_date(kind):
        return pa.date32()
    if pt.is_boolean(kind):
        return kind
    raise DataError(f"Column {field.name!r} holds {field.type}, which not every store can keep.")


def _known(column: Any) -> Any:
    """Return a column in which what is not a number is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), None, column)
