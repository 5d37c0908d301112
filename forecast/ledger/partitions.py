"""Columns that stand in the names of folders, ``year=2024/month=1``, as Hive and Spark write them.

They are text, whatever they look like, so that the folder ``shop=007`` stays shop ``007``.
"""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from forecast.errors import ColumnError, listed
from forecast.ledger.files import refuse_doubles

__all__ = ["partition_columns"]

_PARTITION = re.compile(r"([^=]+)=[^=]*")


def partition_columns(paths: Sequence[Path], text: str, held: Sequence[str]) -> list[str]:
    """Return the columns that only the names of folders give.

    Parameters
    ----------
    paths : sequence of Path
        The files found, one or more.
    text : str
        The folder or glob that named them; only folders below it count.
    held : sequence of str
        Columns that the files hold themselves; they win over folders of the same names.

    Raises
    ------
    ColumnError
        If the folders of one file name other columns than those of another, or some of the
        columns stand in the files too and others do not.

    Examples
    --------
    >>> partition_columns([Path("log/year=2024/month=1/a.parquet")], "log/*", ["customer", "date"])
    ['year', 'month']
    """
    start = _start(text)
    named = _names(paths[0], start)
    for path in paths:
        if (other := _names(path, start)) != named:
            raise ColumnError(
                f"{path}: its folders name {listed(other) or 'no columns'}, but those of "
                f"{paths[0]} {listed(named) or 'none'}. Files read together must agree."
            )
    only = [name for name in named if name not in held]
    if only and len(only) < len(named):
        both = [name for name in named if name in held]
        raise ColumnError(
            f"{text}: {listed(both)} stands both in the files and in the names of their folders, "
            f"{listed(only)} in the folders alone. Write all of them into the files, or none."
        )
    refuse_doubles([*held, *only], text)
    return only


def _start(text: str) -> Path:
    """Return the folder below which a path or glob looks for files."""
    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        return path.parent
    parts = path.parts
    first = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:first])


def _names(path: Path, start: Path) -> list[str]:
    parts = path.parent.relative_to(start).parts
    return [found[1] for part in parts if (found := _PARTITION.fullmatch(part))]
