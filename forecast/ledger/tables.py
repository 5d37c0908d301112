"""A pandas, Polars or PyArrow table as one Arrow table, whatever its columns hold."""

from typing import Any

from forecast.errors import DataError, UsageError
from forecast.ledger.files import refuse_doubles

__all__ = ["arrow_table"]


def arrow_table(source: Any, kind: str) -> tuple[Any, dict[str, frozenset[str]]]:
    """Return an Arrow table or dataset, and the types met in columns of Python objects.

    Parameters
    ----------
    source : table
        Of pandas, Polars or PyArrow.
    kind : str
        Which of the three.

    Raises
    ------
    UsageError
        If the object is of that library but no table.
    DataError
        If it has no columns, or cannot be evaluated.
    """
    kinds: dict[str, frozenset[str]] = {}
    if kind == "pandas":
        table, kinds = _from_pandas(source)
    elif kind == "polars":
        table, kinds = _from_polars(source)
    else:
        table = _from_pyarrow(source)
    if not len(table.schema.names):
        raise DataError(f"the {kind} table has no columns.")
    refuse_doubles(list(table.schema.names), f"the {kind} table")
    return (_readable(table) if hasattr(table, "set_column") else table), kinds


def _from_polars(source: Any) -> tuple[Any, dict[str, frozenset[str]]]:
    import pyarrow as pa

    if type(source).__name__ not in ("DataFrame", "LazyFrame"):
        raise UsageError(f"source: a Polars {type(source).__name__} is not a table.")
    try:
        frame = source.collect() if type(source).__name__ == "LazyFrame" else source
    except Exception as error:  # the plan is the user's and may fail in any way
        first = (str(error).splitlines() or ["no reason given"])[0]
        raise DataError(f"the polars table cannot be evaluated: {first}") from error
    columns, kinds = {}, {}
    for column in frame.get_columns():
        try:
            if str(column.dtype).startswith("Object"):
                kinds[column.name] = frozenset({"object"})
                raise TypeError
            columns[column.name] = column.to_arrow()
        except (pa.ArrowException, ValueError, TypeError):
            columns[column.name] = pa.array([_as_text(each) for each in column], pa.string())
    return pa.table(columns), kinds


def _from_pyarrow(source: Any) -> Any:
    import pyarrow as pa

    if isinstance(source, pa.RecordBatchReader):
        return source.read_all()
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if not hasattr(getattr(source, "schema", None), "names"):
        raise UsageError(f"source: a PyArrow {type(source).__name__} is not a table.")
    return source


def _from_pandas(frame: Any) -> tuple[Any, dict[str, frozenset[str]]]:
    """Convert column by column, so that one odd column does not spoil the others."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"source: a pandas {type(frame).__name__} is not a table.")
    if isinstance(frame.columns, pd.MultiIndex):
        raise UsageError("source: the pandas table has names on several levels; make them one.")
    levels = [name for name in frame.index.names if name is not None]
    if levels and not set(levels) & set(frame.columns):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    refuse_doubles(names, "the pandas table")
    columns, kinds = {}, {}
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        if met := _kinds(column):
            kinds[name] = met
        try:
            if isinstance(column.dtype, pd.PeriodDtype):
                raise TypeError
            columns[name] = pa.Array.from_pandas(column)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            gone = column.isna()
            columns[name] = pa.array(
                [None if no else _as_text(each) for each, no in zip(column, gone, strict=True)],
                pa.string(),
            )
    return pa.table(columns), kinds


def _kinds(column: Any) -> frozenset[str]:
    """Name the types of the values of an object column; times with a zone apart."""
    import pandas as pd

    plain = ("string", "integer", "floating", "boolean", "decimal", "date", "bytes", "empty")
    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) in plain:
        return frozenset()
    return frozenset(
        "time with a zone" if getattr(each, "tzinfo", None) is not None else type(each).__name__
        for each in column.dropna()
    )


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value).encode(errors="backslashreplace").decode()


def _readable(table: Any) -> Any:
    """Cast the few Arrow types that DuckDB does not know."""
    import pyarrow as pa
    import pyarrow.types as pt

    for place, column in enumerate(table.schema):
        if pt.is_null(column.type) or pt.is_decimal256(column.type):
            table = table.set_column(place, column.name, table[place].cast(pa.string()))
        elif pt.is_float16(column.type):
            table = table.set_column(place, column.name, table[place].cast(pa.float32()))
    return table
