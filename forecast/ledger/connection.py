"""DuckDB, opened so that data can be read but never run.

It loads no extension, its settings are final, and what reads somebody's files reaches those and a
temporary folder alone. What does not fit the memory allowed goes to that folder.
"""

import glob
import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect", "fenced"]

MOST_MEGABYTES = 4_000
_CONNECTIONS: "dict[int, duckdb.DuckDBPyConnection]" = {}


def connect() -> "duckdb.DuckDBPyConnection":
    """Return a connection to this process's in-memory DuckDB, for what ledgers have put aside."""
    process = os.getpid()  # a forked worker must not use its parent's
    if process not in _CONNECTIONS:
        _CONNECTIONS[process] = _opened(tempfile.gettempdir())
    return _CONNECTIONS[process].cursor()


def fenced(folder: Path, reads: Collection[str] = ()) -> "duckdb.DuckDBPyConnection":
    """Return a new in-memory DuckDB that can reach some files and one folder, and nothing else.

    Parameters
    ----------
    folder : Path
        Where it may write, and puts what does not fit memory.
    reads : collection of str
        Absolute paths; signs of a glob in them are taken literally.
    """
    return _opened(str(folder), [*reads, *map(glob.escape, reads)])


def _opened(folder: str, reads: list[str] | None = None) -> "duckdb.DuckDBPyConnection":
    import duckdb

    own = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": folder,
            "memory_limit": f"{_megabytes()}MB",
        }
    )
    if reads is not None:
        own.execute("SET allowed_paths = $1", [reads])
        own.execute("SET enable_external_access = false")
    own.execute("SET lock_configuration = true")
    return own


def _megabytes() -> int:
    """Return half the machine's memory, at most 4 GB: what DuckDB needs beyond goes to disk."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not known everywhere
        return MOST_MEGABYTES
    return min(MOST_MEGABYTES, machine // 2_000_000)
