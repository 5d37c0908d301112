"""Files that are read together must have the same columns, and of the same types."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forecast.errors import ColumnError, DataError, listed
from forecast.ledger.files import refuse_doubles, refuse_many_columns

__all__ = ["parquet_kinds", "refuse_difference"]


def parquet_kinds(paths: Sequence[Path]) -> dict[str, frozenset[str]]:
    """Return columns that hold whole numbers in one Parquet file and broken ones in another.

    Parameters
    ----------
    paths : sequence of Path
        The files, one or more.

    Raises
    ------
    ColumnError
        If columns differ in name or, beyond that, in type.
    DataError
        If a file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[str, frozenset[str]] = {}
    first: dict[str, Any] = {}
    for path in paths:
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: the Parquet file is damaged or cut short. Write it again."
            ) from error
        refuse_many_columns(len(schema.names), str(path))
        refuse_doubles(schema.names, str(path))
        types = {each.name: each.type for each in schema}
        first = first or types
        if types.keys() != first.keys():
            refuse_difference(path, list(types), paths[0], list(first))
        for name, kind in types.items():
            if kind == first[name] or (_is_text(kind) and _is_text(first[name])):
                continue
            if not (_is_number(kind) and _is_number(first[name])):
                raise ColumnError(
                    f"{path}: column {name!r} holds {kind}, but {first[name]} in {paths[0]}. Write "
                    "both the same way."
                )
            kinds[name] = frozenset({"int", "float"})
    return kinds


def refuse_difference(
    path: Path, other: Sequence[str], first: Path, columns: Sequence[str]
) -> None:
    """Say how the columns of one file differ from those of the first."""
    new = [name for name in other if name not in columns]
    gone = [name for name in columns if name not in other]
    has = [f"has {listed(new)} too"] if new else []
    has += [f"lacks {listed(gone)}"] if gone else []
    how = " and ".join(has) or "has the same columns in another order"
    raise ColumnError(f"{path}: {how}, compared with {first}. Files read together must agree.")


def _is_number(kind: Any) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))
