"""What is read beside the log: small tables such as costs, and the rules of an earlier month."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecast.errors import DataError, FileError, UsageError
from forecast.ledger.amounts import notation_of
from forecast.ledger.files import check_text_options

if TYPE_CHECKING:
    from forecast.value import SegmentRules

__all__ = ["read_costs", "read_rules", "read_table", "write_rules"]

RULES = "rules.json"
_TEXT: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_values": [""]}
_REMEDY = (
    "Write 0 for no cost, and numbers plainly, such as 1234.50, or as the log's amounts are "
    "written (decimal=..., thousands=...)."
)


def read_table(
    path: Path, what: str, *, delimiter: str = ",", encoding: str = "utf-8"
) -> pd.DataFrame:
    """Read a small CSV or Parquet file; labels stay text.

    Parameters
    ----------
    path : Path
    what : str
        What to call it in messages.
    delimiter, encoding : str
        Of the log: a table beside it is written alike, or with commas and in UTF-8.

    Raises
    ------
    FileError
        If it does not exist or cannot be opened.
    DataError
        If it is no table.
    UsageError
        If there is no such delimiter or encoding.
    """
    check_text_options(delimiter, encoding)
    if not path.is_file():
        raise FileError(f"{what}: {path} does not exist or is no file.")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _read_text(path, delimiter, encoding)
    except OSError as error:
        raise FileError(f"{what}: {path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, UnicodeDecodeError) as error:
        why = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{what}: {path} is no table of CSV or Parquet ({why}).") from None


def _read_text(path: Path, delimiter: str, encoding: str) -> pd.DataFrame:
    def read(by: str, **more: Any) -> pd.DataFrame:
        found: pd.DataFrame
        try:
            found = pd.read_csv(path, sep=by, encoding="utf-8", **_TEXT, **more)
        except UnicodeDecodeError:
            found = pd.read_csv(path, sep=by, encoding=encoding, **_TEXT, **more)
        return found

    alike = len(read(delimiter, nrows=0).columns) > 1
    found = read(delimiter if alike else ",")
    if len(found) and not isinstance(found.index, pd.RangeIndex):  # first cells taken for labels
        raise ValueError("its rows have more cells than the header")
    return found


def read_costs(
    path: Path,
    *,
    decimal: str | None,
    thousands: str | None,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> pd.DataFrame:
    """Read what marketing cost; ``cost`` as numbers, written as the log's amounts or plainly.

    Parameters
    ----------
    path : Path
    decimal, thousands, delimiter, encoding : str
        Of the log.

    Raises
    ------
    FileError, DataError
        As :func:`read_table`.
    BadRowsError
        If a cost cannot be read; says its row.
    UsageError
        If the signs have no meaning.
    """
    from forecast.value.spend_table import written_costs

    notation = notation_of(decimal, thousands)
    table = read_table(path, "spend", delimiter=delimiter, encoding=encoding)
    if "cost" in table:
        table["cost"] = written_costs(table["cost"], notation, _REMEDY)
    return table


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
