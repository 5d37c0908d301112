"""A comparison in plain sentences: who is better by how much, and where that cannot be said."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["joined", "sentences"]


def sentences(
    table: pd.DataFrame, *, reference: str, label: str, level: float, resampled: bool, origins: int
) -> tuple[str, ...]:
    """Say what a comparison found.

    Parameters
    ----------
    table : pandas.DataFrame
        As ``Comparison.table``, with ``verdict``: ``"better"``, ``"worse"`` than the reference,
        ``"time"`` (the customers would tell, the origins do not agree), ``"chance"``,
        ``"infinite"`` or ``"none"`` (nothing to compare).
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
        said.append(f"With {100 * level:g} % confidence, {joined(best)} {which} in {label}.")
    for verdict in ("worse", "better"):
        rows = others[others["verdict"] == verdict]
        inside = pd.Series([tied and name in best for name in rows.index], rows.index, dtype=bool)
        said += _differences(rows[~inside], reference, label, verdict, "")
        alone = " as a pair, though not among all models"
        said += _differences(rows[inside], reference, label, verdict, alone)
        named = rows[rows["dominant_cutoff"].notna()]
        said += [_dominated(str(name), reference, row) for name, row in named.iterrows()]
    groups = {
        verdict: list(others.index[others["verdict"] == verdict])
        for verdict in ("time", "chance", "infinite", "none")
    }
    if groups["time"]:
        said.append(f"Too few origins to say for {joined(groups['time'])}.")
    if groups["chance"]:
        said.append(f"No difference that chance could not make for {joined(groups['chance'])}.")
    if groups["infinite"]:
        said.append(
            f"{label} is infinite for {joined(groups['infinite'])}: things happened that had been "
            "called impossible."
        )
    if groups["none"]:
        said.append(f"Nothing to compare at a common origin for {joined(groups['none'])}.")
    if not resampled:
        times = "1 origin" if origins == 1 else f"{origins} origins"
        said.append(
            f"This holds for the time tried, {times}: too few that stand apart to say whether it "
            "holds at other times."
        )
    return tuple(said)


def _differences(
    rows: pd.DataFrame, reference: str, label: str, verdict: str, alone: str
) -> list[str]:
    """Say in one sentence whom the reference beats by how much, or who beats it."""
    if rows.empty:
        return []
    if verdict == "worse":
        less = [
            _range(1 - 1 / lo, 1 - 1 / hi) for lo, hi in zip(rows["lo"], rows["hi"], strict=True)
        ]
        pairs = [f"{name} by {each}" for name, each in zip(rows.index, less, strict=True)]
        return [f"{reference} is better than {joined(pairs)} {label}{alone}."]
    less = [_range(1 - hi, 1 - lo) for lo, hi in zip(rows["lo"], rows["hi"], strict=True)]
    if len(rows) == 1:
        return [f"{rows.index[0]} is better than {reference} by {less[0]} {label}{alone}."]
    pairs = [f"{name} (by {each})" for name, each in zip(rows.index, less, strict=True)]
    return [f"{joined(pairs)} are better than {reference} in {label}{alone}."]


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


def joined(names: Iterable[str]) -> str:
    """Return names as a list in prose.

    Examples
    --------
    >>> joined(["a"]), joined(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
