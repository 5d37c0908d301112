"""A comparison in plain sentences: who is better by how much, and where that cannot be said."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["sentences"]


def sentences(
    table: pd.DataFrame, *, reference: str, label: str, level: float, resampled: bool, origins: int
) -> tuple[str, ...]:
    """Say what a comparison found.

    Parameters
    ----------
    table : pandas.DataFrame
        As ``Comparison.table``, with ``verdict``: ``"better"``, ``"worse"`` than the reference,
        ``"time"`` (the customers would tell, the origins do not agree), ``"chance"`` or
        ``"none"`` (nothing to compare).
    reference : str
        Name of the model the others are set against.
    label : str
        The metric in plain words.
    level : float
        Of intervals and of the confidence set.
    resampled : bool
        Whether intervals speak of other times too.
    origins : int
        How many there were.
    """
    others = table.drop(index=reference)
    said = []
    best = list(table.index[table["in_set"].fillna(False).astype(bool)])
    tied = reference in best
    if best:
        which = "is the best" if len(best) == 1 else "may each be the best"
        said.append(f"With {100 * level:g} % confidence, {_listed(best)} {which} in {label}.")
    for name, row in others.iterrows():
        alone = " as a pair, though not among all models" if tied and name in best else ""
        if row["verdict"] == "worse":
            less = _range(1 - 1 / row["lo"], 1 - 1 / row["hi"])
            said.append(f"{reference} is better than {name} by {less} {label}{alone}.")
        elif row["verdict"] == "better":
            less = _range(1 - row["hi"], 1 - row["lo"])
            said.append(f"{name} is better than {reference} by {less} {label}{alone}.")
        if row["verdict"] in ("better", "worse") and pd.notna(row["dominant_cutoff"]):
            said.append(_dominated(str(name), reference, row))
    groups = {
        verdict: list(others.index[others["verdict"] == verdict])
        for verdict in ("time", "chance", "none")
    }
    if groups["time"]:
        said.append(f"Too few origins to say for {_listed(groups['time'])}.")
    if groups["chance"]:
        said.append(f"No difference that chance could not make for {_listed(groups['chance'])}.")
    if groups["none"]:
        said.append(f"Nothing to compare at a common origin for {_listed(groups['none'])}.")
    if not resampled:
        times = "1 origin" if origins == 1 else f"{origins} origins"
        said.append(
            f"This holds for the time tried, {times}: too few that stand apart to say whether it "
            "holds at other times."
        )
    return tuple(said)


def _dominated(name: str, reference: str, row: "pd.Series[Any]") -> str:
    day = f"{row['dominant_cutoff']:%Y-%m-%d}"
    if row["dominant_share"] > 1:
        return f"Without the origin {day} the order of {reference} and {name} is reversed."
    return (
        f"The origin {day} alone makes {100 * row['dominant_share']:.0f} % of the difference "
        f"between {reference} and {name}: read it by origin."
    )


def _range(low: float, high: float) -> str:
    """Write two shares in per cent, with as many digits as tell them apart."""
    for places in (0, 1, 2):
        texts = [f"{100 * each:.{places}f}" for each in (low, high)]
        if texts[0] != texts[1] and float(texts[0]) > 0:
            break
    return f"{texts[0]} to {texts[1]} %" if float(texts[0]) else f"up to {texts[1]} %"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
