"""Who leads a backtest, and whether that is proved.

A model is called the best only where at least three cutoffs were tried, it stands alone in the
confidence set, and its lead is 1 % or more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from forecast.backtest import ZERO, Backtest, Comparison
from forecast.errors import UnsupportedError

__all__ = ["ENOUGH", "MATTERS", "Lead", "lead"]

ENOUGH = 3  # cutoffs below which no model is called the best
MATTERS = 0.01  # lead below which two models are called equal


@dataclass(frozen=True)
class Lead:
    """The model with the smallest error by customer, and how surely it leads.

    Attributes
    ----------
    model, second : str
        Names; ``second`` is None where there is no other.
    row : mapping
        The model's line of the leaderboard.
    margin : float
        How much smaller its RMSE is than the second's, as a share of the second's.
    cutoffs : int
        How many cutoffs both were scored at.
    rivals : int
        Models that answered at as many cutoffs, this one included.
    equals : tuple of str
        Other models that may be the best as well: those in the confidence set.
    clear : bool
        Whether it is the best: alone in the confidence set, 1 % ahead, over three cutoffs or more.
    comparison : Comparison or None
        Every model beside this one.
    """

    model: str
    second: str | None
    row: Mapping[str, float]
    margin: float
    cutoffs: int
    rivals: int
    equals: tuple[str, ...]
    clear: bool
    comparison: Comparison | None


def lead(backtest: Backtest, target: str) -> Lead | None:
    """Return who leads on existing customers; None where no model was scored on them."""
    if "existing" not in backtest.populations or (target == "value" and not backtest.has_value):
        return None
    board = backtest.leaderboard(target, "existing")
    scored = board[(board.index != ZERO) & board["rmse"].notna()]
    if scored.empty:
        return None
    best, others = str(scored.index[0]), scored.index[1:]
    row = {str(name): float(score) for name, score in scored.iloc[0].items()}
    try:
        found = backtest.compare("rmse", target, reference=best)
    except UnsupportedError:  # no origin at which every customer was forecast
        found = None
    if found is None or not len(others):
        return Lead(best, None, row, float("nan"), int(row["origins"]), 1, (), False, found)
    second = str(others[0])
    table = found.table
    chosen = table.index[table["in_set"].fillna(False).astype(bool)]
    equals = tuple(str(name) for name in chosen if name not in (best, ZERO))
    beside = table.loc[second].to_dict() if second in table.index else {}
    margin = 1.0 - 1.0 / float(beside.get("ratio", float("nan")))
    cutoffs = int(beside.get("origins", 0))
    alone = best in chosen and len(chosen) == 1
    clear = cutoffs >= ENOUGH and alone and margin >= MATTERS
    rivals = int((scored["origins"] >= row["origins"]).sum())
    return Lead(best, second, row, margin, cutoffs, rivals, equals, clear, found)
