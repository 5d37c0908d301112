"""The section on money: unit economics, segments and whatever other tables are given."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.report.content import Listing, Part, Section, Table
from forecast.report.formats import count, estimate, percent

__all__ = ["value_section"]

SHARES = ("share", "p_", "roi", "churn_rate", "retention")
REMARKS = "remark"
MOST = 50  # rows shown; files hold all


def value_section(value: Mapping[str, pd.DataFrame]) -> Section:
    """Return tables of money as they are given; a table of remarks becomes a list."""
    parts: list[Part] = []
    files = {}
    for name, frame in value.items():
        if list(frame.columns) == [REMARKS]:
            parts.append(Listing(tuple(str(each) for each in frame[REMARKS])))
            continue
        flat = _flat(frame)
        files[name] = flat
        shown = flat.head(MOST)
        caption = name if len(flat) <= MOST else f"{name} (the first {MOST} of {len(flat):,} rows)"
        columns = {column: _column(column, shown[column]) for column in shown.columns}
        parts.append(Table.of(shown, caption=caption, columns=columns))
    return Section("value", "Value and decisions", parts, files)


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Index first, and every column one text."""
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    frame = frame if plain else frame.reset_index()
    names = [
        " / ".join(str(each) for each in column if str(each)) if isinstance(column, tuple)
        else str(column)
        for column in frame.columns
    ]  # fmt: skip
    return frame.set_axis(names, axis=1)


def _column(name: str, values: "pd.Series[Any]") -> tuple[str, Callable[[Any], str] | None]:
    """Heading and format by type, and by name for shares."""
    heading, kind = name.replace("_", " "), values.dtype
    if pd.api.types.is_bool_dtype(kind) or not pd.api.types.is_numeric_dtype(kind):
        return heading, None
    if name.startswith(SHARES) and not np.isinf(values.to_numpy(float)).any():
        return heading, percent
    return heading, count if pd.api.types.is_integer_dtype(kind) else estimate
