"""Tables on disk: written whole or not at all, read when asked for."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["PART", "StoredTables", "TemporaryFolder", "write_table", "write_text"]

PART = ".part"  # the end of the name of a file that is being written
_SMALL, _MOST = 1_000_000, 200_000_000  # bytes of one table, and of all, that stay in memory


class TemporaryFolder:
    """A folder that is removed with the last object that refers to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ltv-backtest-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> "TemporaryFolder":
        return self  # there is one folder, and it stays as long as any copy


class StoredTables(Mapping[Any, pd.DataFrame]):
    """Tables by customer, one Parquet file each; small ones stay in memory once read.

    Parameters
    ----------
    paths : mapping of key to Path
        Where each table is. A key that is not of the right length is an error, not absent.
    owner : object, optional
        Kept alive as long as the tables are.
    """

    def __init__(self, paths: Mapping[Any, Path], owner: object = None) -> None:
        self._paths, self._owner = dict(paths), owner
        self._width = {len(key) if isinstance(key, tuple) else 1 for key in paths}
        self._held: dict[Path, tuple[pd.DataFrame, int]] = {}

    def __getitem__(self, key: Any) -> pd.DataFrame:
        width = len(key) if isinstance(key, tuple) else 1
        if self._width and width not in self._width:
            raise TypeError(f"{key!r}: keys of these tables have {self._width} parts.")
        path = self._paths[key]
        if path not in self._held:
            table = pd.read_parquet(path)
            size = int(table.memory_usage(deep=True).sum())
            if size > _SMALL or size + sum(each for _, each in self._held.values()) > _MOST:
                return table
            self._held[path] = table, size
        return self._held[path][0].copy()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StoredTables):
            return NotImplemented
        return self.keys() == other.keys() and all(self[key].equals(other[key]) for key in self)

    def where(self, keep: Callable[[Any], bool]) -> "StoredTables":
        """Return the tables whose key is to be kept; what is in memory is shared."""
        chosen = {key: path for key, path in self._paths.items() if keep(key)}
        tables = StoredTables(chosen, self._owner)
        tables._held = self._held
        return tables

    def __repr__(self) -> str:
        return f"StoredTables({len(self):,} tables)"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write Parquet under another name first, so that a partial file never counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    table.to_parquet(part, compression="zstd")
    os.replace(part, path)


def write_text(text: str, path: Path) -> None:
    """Write text under another name first, as :func:`write_table` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)
