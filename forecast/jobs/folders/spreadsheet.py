"""CSV files that a spreadsheet shows as they are, and runs nothing of."""

import csv
from pathlib import Path
from typing import Literal

import pandas as pd

__all__ = ["write_csv"]

# a spreadsheet would run text that starts so; the last four are the wide forms of the first
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index; text that would be run gets a leading apostrophe.

    Parameters
    ----------
    table : pandas.DataFrame
        Every column that is no number, date or truth value is taken as text.
    path : Path
        Where to write.
    """
    table = table.copy()
    everything = False
    for name in table.columns:
        kind = table[name].dtype
        if isinstance(kind, pd.StringDtype) or kind.kind == "O":
            text = table[name].astype(str).where(table[name].notna())
            everything |= bool(text.str.contains("\r", na=False).any())
            risky = text.str.startswith(_FORMULA, na=False)
            table[name] = text.where(~risky, "'" + text)
    # a bare carriage return starts a new row in some programs; csv does not quote it by itself
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if everything else csv.QUOTE_MINIMAL
    table.to_csv(path, index=False, lineterminator="\n", quoting=quoting)
