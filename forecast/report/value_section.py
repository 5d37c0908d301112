"""The section on money: unit economics, segments and whatever other tables are given."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.report.content import Listing, Part, Section, Table
from forecast.report.formats import count, estimate, percent
from forecast.report.style import UNITS

__all__ = ["value_section"]

MONEY = ("cost", "cac", "ltv", "max_cac", "past", "predicted", "margin", "value", "clv")
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
    names = [" / ".join(filter(None, map(str, np.atleast_1d(column)))) for column in frame.columns]
    return frame.set_axis(names, axis=1)


def _column(name: str, values: "pd.Series[Any]") -> tuple[str, Callable[[Any], str] | None]:
    """Heading and format by type, and by name for shares and money."""
    heading, kind = _heading(name), values.dtype
    if pd.api.types.is_bool_dtype(kind) or not pd.api.types.is_numeric_dtype(kind):
        return name.replace("_", " "), None
    if name.startswith(SHARES) and not np.isinf(values.to_numpy(float)).any():
        return heading, percent
    return heading, count if pd.api.types.is_integer_dtype(kind) else estimate


def _heading(name: str) -> str:
    """Name a column in words, its bounds as such, and money with its unit.

    Examples
    --------
    >>> _heading("ltv_lo_90"), _heading("roi_hi_90"), _heading("ltv_cac")
    ('ltv, 90 % from, currency units', 'roi, 90 % to', 'ltv cac')
    """
    text = name.removesuffix("_lo_90").removesuffix("_hi_90")
    money = text in MONEY or text.endswith("_value")
    bound = {"_lo_90": ", 90 % from", "_hi_90": ", 90 % to"}.get(name[len(text) :], "")
    return text.replace("_", " ") + bound + (f", {UNITS['value']}" if money else "")
