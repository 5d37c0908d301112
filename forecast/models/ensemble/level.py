"""The level of a total: pooled over sources, corrected by past origins, and how far it may miss.

Who buys more than whom and how much is bought in all are learned apart. Sources of the level are
the members' own totals, a seasonal model's and last year's; their errors at past origins say how
much each is worth, shrunk to what such sources are usually worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Level", "age_factors", "age_group", "learn_level"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# usual error of a source's total, as a standard deviation of its logarithm; sources without a
# season miss by more where the year has one
USUAL = {"members": 0.15, "seasonal": 0.15, "last_year": 0.5}
UNSEASONAL = 0.35
PRIOR_ORIGINS = 2.0  # past origins that the usual error is worth
# how far the level of one origin lies from that of the next, where a seasonal model was tried at
# a past origin, and where the season is not known
LEVEL_SPREAD, UNKNOWN_SPREAD = 0.15, 0.25
CORRECTION = 0.15  # how far a source may be off lastingly
LEAST_ERROR = 0.15  # of one past origin, as evidence on the next
AGE_EDGES = (91, 365)
AGE_SPREAD = 0.1
_AGE_DISPERSION = 3.0


@dataclass(frozen=True)
class Level:
    """A total and how sure it is.

    Attributes
    ----------
    total : float
        In the unit of the sources.
    spread : float
        Standard deviation of the logarithm of actual over forecast total.
    weights : dict of str to float
        Of the sources; add up to 1.
    corrections : dict of str to float
        Factor each source's total was multiplied by.
    """

    total: float
    spread: float
    weights: dict[str, float]
    corrections: dict[str, float]


def learn_level(
    now: Mapping[str, float],
    past: Sequence[Mapping[str, float]],
    *,
    windows: float,
    reach: float,
) -> Level:
    """Pool the totals of several sources.

    The logarithm of a source's past errors has a lasting part, Normal with standard deviation
    .15, and one of its own each origin; the posterior mean of the lasting part corrects the
    source. Sources are then averaged, in logarithms, by their precisions.

    Parameters
    ----------
    now : mapping of str to float
        Total of each source for the window asked; ``"members"`` is always there.
    past : sequence of mappings of str to float
        ``log(actual / forecast)`` of each source at each past origin; sources may be missing.
    windows : float
        How many windows' worth of days the past origins cover: overlapping ones tell less.
    reach : float
        Length of the past windows over that of the one asked, at most 1; corrections shrink with
        its root, spreads grow.

    Examples
    --------
    >>> level = learn_level({"members": 100.0}, [{"members": -0.2}], windows=1, reach=1)
    >>> round(level.total, 1), round(level.spread, 2)
    (90.5, 0.24)
    """
    usable = {name: total for name, total in now.items() if total > 0}
    if not usable:
        return Level(0.0, LEVEL_SPREAD, {}, {})
    precision, corrections = {}, {}
    for name in usable:
        errors = np.array([each[name] for each in past if name in each])
        lasting = _lasting(errors, windows)
        square = PRIOR_ORIGINS * USUAL[name] ** 2 + float(np.sum((errors - lasting) ** 2))
        variance = square / (PRIOR_ORIGINS + len(errors))
        if name == "members" and "seasonal" in usable:  # a year was seen, but not by them
            variance = max(variance, UNSEASONAL**2)
        precision[name] = 1.0 / variance
        corrections[name] = float(np.exp(lasting * np.sqrt(reach)))
    whole = sum(precision.values())
    weights = {name: each / whole for name, each in precision.items()}
    log_total = sum(
        weight * np.log(usable[name] * corrections[name]) for name, weight in weights.items()
    )
    return Level(float(np.exp(log_total)), _spread(past, weights, reach), weights, corrections)


def _lasting(errors: Floats, windows: float) -> float:
    """Posterior mean of a source's lasting error."""
    if not len(errors):
        return 0.0
    variance = max(LEAST_ERROR, float(errors.std())) ** 2 / min(windows, len(errors))
    return float(errors.mean()) * CORRECTION**2 / (CORRECTION**2 + variance)


def _spread(past: Sequence[Mapping[str, float]], weights: dict[str, float], reach: float) -> float:
    """Return the level's error as a standard deviation: past ones, shrunk to the usual one."""
    tried = any("seasonal" in each for each in past)
    usual = LEVEL_SPREAD if tried else UNKNOWN_SPREAD
    square, count = 2 * PRIOR_ORIGINS * usual**2, 2 * PRIOR_ORIGINS
    for each in past:
        known = {name: weight for name, weight in weights.items() if name in each}
        if known:
            error = sum(weight * each[name] for name, weight in known.items())
            square, count = square + (error / sum(known.values())) ** 2, count + 1
    return float(np.sqrt(square / count / np.sqrt(reach)))


def age_group(age: Floats) -> Integers:
    """Return 0 for customers known for up to 91 days, 1 up to a year, 2 beyond."""
    return np.searchsorted(AGE_EDGES, age, side="left")


def age_factors(
    groups: Sequence[Integers], expected: Sequence[Floats], actual: Sequence[Floats]
) -> Floats:
    """Return a factor for each age group: actual over expected at past origins, much shrunk.

    Parameters
    ----------
    groups, expected, actual : sequences of arrays, shape (customers,)
        One a past origin; expected totals are brought to the actual ones first.

    Examples
    --------
    >>> young, old = np.zeros(500, dtype=int), np.ones(500, dtype=int)
    >>> factors = age_factors([np.r_[young, old]], [np.ones(1000)], [np.r_[young + 0.5, old * 1.5]])
    >>> factors.round(2)
    array([0.81, 1.18, 1.  ])
    """
    size = len(AGE_EDGES) + 1
    seen, usual = np.zeros(size), np.zeros(size)
    for group, mean, bought in zip(groups, expected, actual, strict=True):
        if bought.any() and mean.any():
            seen += np.bincount(group, bought, minlength=size)
            usual += np.bincount(group, mean * (bought.sum() / mean.sum()), minlength=size)
    ratio = np.divide(seen + 1.0, usual + 1.0)
    evidence = 1.0 / len(groups) if groups else 1.0
    noise = AGE_SPREAD**2 * evidence + _AGE_DISPERSION / np.maximum(seen, 1.0)
    return np.asarray(np.exp(np.log(ratio) * AGE_SPREAD**2 / (AGE_SPREAD**2 + noise)))
