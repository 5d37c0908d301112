"""The section on money: unit economics, segments and whatever other tables are given."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.report.content import Drawing, Figures, Listing, Part, Section, Table, figure
from forecast.report.economics_plots import CURVE, RATIO, ltv_to_cac, payback_curves
from forecast.report.formats import count, estimate, percent
from forecast.report.scenario_plots import NEEDED as TORNADO
from forecast.report.scenario_plots import tornado
from forecast.report.units import unit_of

__all__ = ["headline", "value_section"]

MONEY = (
    "cost", "cac", "ltv", "max_cac", "past", "predicted", "margin", "value", "clv", "net",
    "net_now", "spend", "spend_now", "margin_per_customer", "cost_per_customer",
)  # fmt: skip
SHARES = ("share", "p_", "roi", "churn_rate", "retention")
BOUNDS = {"_lo_90": ", 90 % from", "_hi_90": ", 90 % to", "_lo": ", 90 % from", "_hi": ", 90 % to"}
WORDS = {
    "lo": "90 % from", "hi": "90 % to", "at": "pays on average from",
    "at_05": "pays, 5 % chance from", "at_95": "pays, 95 % chance from",
    "lowest": "lowest tried", "highest": "highest tried",
}  # fmt: skip
REMARKS, VERDICT = "remark", "verdict"
MOST = 50  # rows shown; files hold all
LONG = 20  # rows above which a table is shown on demand


def headline(value: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what the tables say first: those of the one column ``verdict``."""
    return [
        str(each)
        for frame in value.values()
        if list(frame.columns) == [VERDICT]
        for each in frame[VERDICT]
    ]


def value_section(value: Mapping[str, pd.DataFrame], currency: str | None) -> Section:
    """Return tables of money as they are given, with pictures of those that have one.

    Remarks become a list.
    """
    parts: list[Part] = []
    files = {}
    for name, frame in value.items():
        if list(frame.columns) == [VERDICT]:
            continue
        if list(frame.columns) == [REMARKS]:
            parts.append(Listing(tuple(str(each) for each in frame[REMARKS])))
            continue
        drawing = _drawing(name, frame, len(parts), value, currency)
        if drawing is not None:
            parts.append(Figures((drawing,)))
        flat = _flat(frame)
        files[name] = flat
        shown = flat.head(MOST)
        caption = name if len(flat) <= MOST else f"{name} (the first {MOST} of {len(flat):,} rows)"
        money = "gini" not in map(str, frame.index)  # concentration is made of shares
        columns = {
            column: _column(column, shown[column], currency, money=money)
            for column in shown.columns
        }
        folded = len(shown) > LONG
        parts.append(Table.of(shown, caption=caption, columns=columns, folded=folded))
    return Section("value", "Value and decisions", parts, files)


def _drawing(
    name: str,
    frame: pd.DataFrame,
    number: int,
    value: Mapping[str, pd.DataFrame],
    currency: str | None,
) -> Drawing | None:
    """Return the picture of a table whose columns are those of one, known by its columns."""
    columns = set(frame.columns)
    if set(TORNADO) <= columns and len(frame):
        return figure(
            f"tornado-{number}",
            lambda ax: tornado(frame, currency=currency, ax=ax),
            caption=f"{name}. Bars are the expected change at each end of a lever, lines its 90 % "
            "interval.",
            height=1.6 + 0.45 * len(frame),
        )
    known = len(frame.dropna(subset=RATIO)) if set(RATIO) <= columns else 0
    if 0 < known <= LONG:
        return figure(
            f"ltv-to-cac-{number}",
            lambda ax: ltv_to_cac(frame, ax=ax),
            caption=f"{name}. Groups without a known cost are left out.",
            height=1.4 + 0.35 * known,
        )
    if set(CURVE) <= columns and len(frame):
        costs = next((each["cac"] for each in value.values() if {"cac", "ltv"} <= set(each)), None)
        return figure(
            f"payback-{number}",
            lambda ax: payback_curves(frame, costs, currency=currency, ax=ax),
            caption=f"{name}, with 90 % intervals of what is still to come.",
        )
    return None


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Index first, and every column one text."""
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    frame = frame if plain else frame.reset_index()
    names = [" / ".join(filter(None, map(str, np.atleast_1d(column)))) for column in frame.columns]
    return frame.set_axis(names, axis=1)


def _column(
    name: str, values: "pd.Series[Any]", currency: str | None, *, money: bool
) -> tuple[str, Callable[[Any], str] | None]:
    """Heading and format by type, and by name for shares and money."""
    heading, kind = _heading(name, currency, money=money), values.dtype
    if pd.api.types.is_bool_dtype(kind) or not pd.api.types.is_numeric_dtype(kind):
        return name.replace("_", " "), None
    if name.startswith(SHARES) and not np.isinf(values.to_numpy(float)).any():
        return heading, percent
    return heading, count if pd.api.types.is_integer_dtype(kind) else estimate


def _heading(name: str, currency: str | None = None, *, money: bool = True) -> str:
    """Name a column in words, its bounds as such, and money with its unit.

    Examples
    --------
    >>> _heading("ltv_lo_90"), _heading("ltv", "EUR"), _heading("roi_hi_90"), _heading("ltv_cac")
    ('ltv, 90 % from, currency units', 'ltv, EUR', 'roi, 90 % to', 'ltv cac')
    """
    bound = next((each for each in BOUNDS if name.endswith(each)), "")
    text = name.removesuffix(bound)
    if name in WORDS:
        return WORDS[name]
    amount = money and (text in MONEY or text.endswith("_value"))
    unit = f", {unit_of('value', currency)}" if amount else ""
    return text.replace("_", " ") + BOUNDS.get(bound, "") + unit
