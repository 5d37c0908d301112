"""Retention data in its three forms, as customers lost and kept in each period.

A cohort is watched from its first period on; the customers who are still there at its last
period are censored. Cohorts of different age are added up period by period.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.errors import DataWarning, NotIdentifiedError, TooLittleDataError, UsageError
from forecast.processes.arrays import Floats, Numbers
from forecast.processes.histories import FEWEST_CUSTOMERS, column, columns, refuse
from forecast.processes.shifted_beta_geometric_likelihood import ShiftedBetaGeometricLikelihood

__all__ = ["count_churned", "count_customers", "count_survivors"]

Curves = Numbers | Sequence[Numbers]


def count_survivors(survivors: Curves) -> tuple[ShiftedBetaGeometricLikelihood, int]:
    """Return the likelihood of survivor curves, and how many rises were levelled.

    Warns
    -----
    DataWarning
        If survivors rise: customers cannot come back, so rises are levelled with the periods
        before them (isotonic regression).
    """
    cohorts = _cohorts("survivors", survivors)
    rises = 0
    for place, curve in enumerate(cohorts):
        if curve.size < 2:
            continue
        up = int((np.diff(curve) > 0).sum())
        if up:
            rises += up
            cohorts[place] = _falling(curve)
    if rises:
        warnings.warn(
            f"survivors: the number of survivors rises {rises} times. Customers cannot come back "
            "in this model; each rise was levelled with the periods before it.",
            DataWarning,
            stacklevel=3,
        )
    lost = [-np.diff(curve) for curve in cohorts]
    kept = [curve[1:] for curve in cohorts]
    started = sum(float(curve[0]) for curve in cohorts if curve.size)
    return _likelihood(lost, kept, started), rises


def count_churned(churned: Curves, retained: Numbers) -> ShiftedBetaGeometricLikelihood:
    """Return the likelihood of customers lost by period and those still there at the end."""
    cohorts = _cohorts("churned", churned)
    rest = column("retained", np.atleast_1d(np.asarray(retained, dtype=float)))
    if rest.size != len(cohorts):
        raise UsageError(
            f"retained: {rest.size} values for {len(cohorts)} cohorts. Give one a cohort: the "
            "customers still there after its last period."
        )
    # those at risk after each period: the rest, and all who are lost later
    after = [np.cumsum(np.append(left, lost[:0:-1]))[::-1] if lost.size else lost
             for lost, left in zip(cohorts, rest, strict=True)]  # fmt: skip
    started = float(rest.sum()) + sum(float(lost.sum()) for lost in cohorts)
    return _likelihood(cohorts, after, started)


def count_customers(
    renewals: Numbers, churned: Numbers, weights: Numbers | None
) -> ShiftedBetaGeometricLikelihood:
    """Return the likelihood of customers' renewals, and whether each is gone."""
    (n, gone), weight = columns(weights, renewals=renewals, churned=churned)
    weight = np.ones(n.size) if weight is None else weight
    refuse("renewals", "values that are not whole", n % 1 != 0, n, "Count renewals.")
    refuse("renewals", "values above 1,000,000", n > 1e6, n, "Count renewals, not days or money.")
    refuse("churned", "values other than 0 and 1", (gone != 0) & (gone != 1), gone, "Say 0 or 1.")
    last = n.astype(np.int64)
    size = int(last.max(initial=0)) + 1
    lost = np.bincount(last, weight * gone, minlength=size).astype(float, copy=False)
    made = np.bincount(last, weight, minlength=size).astype(float, copy=False)
    # whoever made t renewals or more was kept in period t
    kept = np.append(np.cumsum(made[::-1])[::-1][1:], 0.0)
    seen = np.flatnonzero(lost + kept > 0)
    upto = int(seen[-1]) + 1 if seen.size else 0
    return _likelihood([lost[:upto]], [kept[:upto]], float(weight.sum()))


def _cohorts(name: str, curves: Curves) -> list[Floats]:
    """One array a cohort, from one curve or a sequence of curves."""
    several: Any = curves
    try:
        single = all(np.ndim(each) == 0 for each in several)
    except TypeError:
        raise UsageError(f"{name}: counts by period are needed, one curve a cohort.") from None
    return [column(name, several)] if single else [column(name, each) for each in several]


def _falling(curve: Floats) -> Floats:
    """Nearest curve that never rises: neighbours that do are pooled to their mean."""
    levels: list[float] = []
    sizes: list[int] = []
    for value in curve.tolist():
        level, size = value, 1
        while levels and levels[-1] < level:
            before = sizes.pop()
            level = (level * size + levels.pop() * before) / (size + before)
            size += before
        levels.append(level)
        sizes.append(size)
    return np.repeat(levels, sizes)


def _likelihood(
    lost: list[Floats], kept: list[Floats], started: float
) -> ShiftedBetaGeometricLikelihood:
    """Add cohorts up, refusing what determines nothing."""
    if started < FEWEST_CUSTOMERS:
        raise TooLittleDataError(
            f"{started:g} customers are too few to estimate retention; at least "
            f"{FEWEST_CUSTOMERS} are needed. Give counts, not shares."
        )
    periods = max((each.size for each in lost), default=0)
    total = np.zeros((2, periods))
    for row, cohorts in zip(total, (lost, kept), strict=True):
        for each in cohorts:
            row[: each.size] += each
    if not total.sum() > 0:
        raise TooLittleDataError("No period was lived through, so nothing is known of retention.")
    if total[0].sum() == 0:
        raise NotIdentifiedError(
            f"None of {started:,.10g} customers was lost in {periods} periods, so the churn "
            "tends to 0 and no parameter is determined. Use a longer history.",
            limit="no churn",
        )
    return ShiftedBetaGeometricLikelihood(total[0], total[1], int(np.ceil(started)))
