"""What is read beside the log: small tables such as costs, and the rules of an earlier month."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecast.errors import DataError, FileError, UsageError

if TYPE_CHECKING:
    from forecast.value import SegmentRules

__all__ = ["read_rules", "read_table", "write_rules"]

RULES = "rules.json"


def read_table(path: Path, what: str) -> pd.DataFrame:
    """Read a small CSV or Parquet file; labels stay text.

    Parameters
    ----------
    path : Path
    what : str
        What to call it in messages.

    Raises
    ------
    FileError
        If it does not exist or cannot be opened.
    DataError
        If it is no table.
    """
    if not path.is_file():
        raise FileError(f"{what}: {path} does not exist or is no file.")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        text = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise FileError(f"{what}: {path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, UnicodeDecodeError) as error:
        why = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{what}: {path} is no table of CSV or Parquet ({why}).") from None
    return text


def read_rules(path: Path) -> "SegmentRules":
    """Read the rules that part customers, from ``rules.json`` or the folder it lies in.

    Raises
    ------
    FileError
        If there are none.
    UsageError
        If the file holds something else.
    """
    from forecast.value import SegmentRules

    source = path / RULES if path.is_dir() else path
    if not source.is_file():
        raise FileError(f"rules: {source} does not exist.")
    try:
        kept = json.loads(source.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        kept = None
    if not isinstance(kept, dict):
        raise UsageError(f"rules: {source} is not a {RULES} that ltv segments wrote.")
    return SegmentRules.from_dict(kept)


def write_rules(rules: "SegmentRules", folder: Path) -> None:
    """Write ``rules.json``, so that the customers of a later month are parted the same."""
    text = json.dumps(rules.to_dict(), indent=1) + "\n"
    (folder / RULES).write_text(text, encoding="utf-8", newline="\n")
