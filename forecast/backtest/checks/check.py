"""What a check says, and which check may be the consequence of which."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "CARRIED",
    "CONTRACTUAL",
    "DRIFT",
    "FAR",
    "FEW",
    "INTERVALS",
    "LEAK",
    "LEVEL",
    "LIMIT",
    "MAY_FOLLOW_FROM",
    "RETURNS",
    "SEASON",
    "SPEND",
    "TRUNCATION",
    "WORSE",
    "Check",
    "tail",
    "tail_of_sum",
]

LEVEL = 0.001
"""Size of each test, so that a dozen of them together accuse a sound base in 1 or 2 % of cases."""

LEAK = "L1-leak-suspected"
TRUNCATION = "D1-left-truncation"
RETURNS = "D2-returns-heavy"
FEW = "D3-few-repeat-buyers"
CARRIED = "D4-one-customer-carries"
SPEND = "D5-spend-follows-frequency"
CONTRACTUAL = "D6-contractual-pattern"
SEASON = "D7-season-unmodelled"
DRIFT = "D8-drift"
LIMIT = "M1-limit-model"
WORSE = "M2-worse-than-naive"
INTERVALS = "M3-intervals-miss"
FAR = "M4-far-extrapolation"

MAY_FOLLOW_FROM: Mapping[str, tuple[str, ...]] = {
    LEAK: (CONTRACTUAL,),  # what is regular can be foreseen honestly
    SPEND: (RETURNS, CARRIED, CONTRACTUAL),
    SEASON: (TRUNCATION,),
    DRIFT: (LEAK, TRUNCATION, SEASON, CONTRACTUAL, RETURNS, CARRIED, FEW),
    LIMIT: (TRUNCATION, FEW, CONTRACTUAL, SEASON, DRIFT),
    WORSE: (LEAK, TRUNCATION, FEW, CARRIED, CONTRACTUAL, SEASON, DRIFT, LIMIT),
    INTERVALS: (
        *(LEAK, TRUNCATION, RETURNS, FEW, CARRIED, SPEND, CONTRACTUAL, SEASON, DRIFT, LIMIT),
    ),
}
"""Consequence -> the causes it may have."""


@dataclass(frozen=True)
class Check:
    """An accusation: something in the data, the model or the backtest that misleads.

    Attributes
    ----------
    id : str
        Stable name, such as ``"L1-leak-suspected"``: L is a leak, D the data, M the model.
    severity : {"warning", "error"}
        An error means that the numbers should not be used as they are.
    sentence : str
        What is wrong, with the numbers.
    remedy : str
        What to do about it.
    causes : tuple of str
        Ids of other checks that fired and of which this may be a mere consequence: mend those
        first.
    evidence : mapping of str to number or text
        The numbers behind the sentence: effect, p-value, counts.
    """

    id: str
    severity: Literal["warning", "error"]
    sentence: str
    remedy: str
    causes: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


def tail(z: float) -> float:
    """Return the chance that a standard normal number lies above ``z``.

    Examples
    --------
    >>> round(tail(3.0902), 6)
    0.001
    """
    return math.erfc(z / math.sqrt(2)) / 2


def tail_of_sum(parts: npt.NDArray[np.float64]) -> float:
    """Return the chance of so high a sum if every customer's part had mean 0."""
    size = float(np.sqrt(parts @ parts))
    return tail(float(parts.sum()) / size) if size > 0 else 1.0
