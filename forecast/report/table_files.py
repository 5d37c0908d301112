"""Folders of files beside the page: its tables as CSV or Parquet, its drawings as SVG."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from forecast.errors import FileError, LockedError

__all__ = ["Kind", "file_names", "replace_file", "write_drawings", "write_tables"]

Kind = Literal["csv", "parquet"]


def file_names(tables: Mapping[str, pd.DataFrame], kind: str) -> dict[str, str]:
    """Return the file of each table, by its name in plain letters; no two are the same.

    Examples
    --------
    >>> file_names({"Cost & value": None, "cost, value": None}, "csv")
    {'Cost & value': 'cost_value.csv', 'cost, value': 'cost_value_2.csv'}
    """
    found: dict[str, str] = {}
    for name in tables:
        stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:80] or "table"
        number, file = 1, f"{stem}.{kind}"
        while file in found.values():
            number += 1
            file = f"{stem}_{number}.{kind}"
        found[name] = file
    return found


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame], kind: Kind) -> None:
    """Write every table into a folder that appears whole, in place of an older one.

    Raises
    ------
    LockedError
        If the folder holds files that no report wrote.
    FileError
        If it cannot be written.
    """

    def fill(part: Path) -> None:
        for name, file in file_names(tables, kind).items():
            if kind == "csv":
                tables[name].to_csv(part / file, index=False, lineterminator="\n")
            else:
                tables[name].to_parquet(part / file, index=False)

    _whole(folder, (".csv", ".parquet"), fill)


def write_drawings(folder: Path, drawings: Mapping[str, str]) -> None:
    """Write drawings as :func:`write_tables` does tables."""

    def fill(part: Path) -> None:
        for file, svg in drawings.items():
            (part / file).write_text(svg, encoding="utf-8", newline="\n")

    _whole(folder, (".svg",), fill)


def replace_file(target: Path, text: str) -> None:
    """Write beside the target and move over it, so no reader ever sees half a file."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"report: {target} cannot be written: {error.strerror}.") from error


def _whole(folder: Path, ours: tuple[str, ...], fill: Callable[[Path], None]) -> None:
    if folder.exists():
        held = [folder] if not folder.is_dir() else sorted(folder.iterdir())
        strange = [each.name for each in held if not each.is_file() or each.suffix not in ours]
        if strange or not folder.is_dir():
            raise LockedError(
                f"report: {folder} holds {strange[0] if strange else 'a file'}, which no report "
                "wrote. Move it, or give the page another name."
            )
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        fill(part)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(part, folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise FileError(f"report: {folder} cannot be written: {error.strerror}.") from error
