"""Worse than naive, and intervals that do not hold the truth."""

from collections.abc import Sequence
from typing import Any

from forecast.backtest.checks.check import INTERVALS, LEVEL, WORSE, Check, tail
from forecast.backtest.checks.totals import TotalErrors
from forecast.backtest.checks.track_record import RIVALS, TrackRecord, is_naive

__all__ = ["intervals_miss", "worse_than_naive"]

WORSE_BY = 1.02
LEAST_COVERED = 0.87
FARTHEST_PIT = 0.06
OFF_TOTAL = 0.05
SHOWN = 5


def worse_than_naive(records: Sequence[TrackRecord]) -> Check | None:
    """Accuse models whose squared error is above that of nothing, or of the own past rate.

    Paired by customer: the differences of squared errors, summed over origins, are tested against
    0; an RMSE 2 % higher is the least that counts. Naive models are never accused.
    """
    mine = [record for record in records if not is_naive(record.model)]
    level = LEVEL / max(1, sum(len(record.against) for record in mine))
    said: list[str] = []
    evidence: dict[str, Any] = {}
    for record in mine:
        for (rival, target), (ratio, p_value) in record.against.items():
            if ratio > WORSE_BY and p_value < level:
                said.append(
                    f"{record.name} misses {target} by {ratio:.2f} times the RMSE of "
                    f"{RIVALS[rival]}"
                )
                evidence[f"{record.name}, {target}, {rival}"] = {
                    "rmse_ratio": ratio,
                    "p_value": p_value,
                }
    if not said:
        return None
    return Check(
        WORSE,
        "error",
        f"Worse than naive: {_joined(said)}.",
        "Do not rank or value single customers by such a model; use the first row of the "
        "leaderboard.",
        evidence=evidence,
    )


def intervals_miss(records: Sequence[TrackRecord], totals: Sequence[TotalErrors]) -> Check | None:
    """Accuse models whose distributions do not hold what happened.

    Three signs, each with a floor so that no trifle is accused: fewer than 87 % of customers
    inside their 90 % bounds; randomised PITs further than 0.06 from uniform (largest distance of
    distribution functions; Kolmogorov's bound with customers, not customers times origins, as the
    sample); totals that lie on average 3.3 standard errors and 5 % to one side, taking origins as
    one, since what moves one moves all.
    """
    mine = [record for record in records if not is_naive(record.model)]
    others = [each for each in totals if not is_naive(each.model)]
    level = LEVEL / max(1, 4 * len(mine) + len(others))
    said: list[str] = []
    evidence: dict[str, Any] = {}
    for record in mine:
        for target, (share, p_value) in record.covered.items():
            if share < LEAST_COVERED and p_value < level:
                said.append(f"{record.name} holds {target} of {share:.0%} of customers at 90 %")
                evidence[f"{record.name}, {target}, coverage"] = {
                    "coverage": share,
                    "p_value": p_value,
                }
        for target, (distance, p_value) in record.pit.items():
            if distance > FARTHEST_PIT and p_value < level:
                said.append(f"PITs of {record.name}, {target}, are {distance:.2f} from uniform")
                evidence[f"{record.name}, {target}, pit"] = {
                    "distance": distance,
                    "p_value": p_value,
                }
    for total in others:
        z, bias = float(total.z.mean()), float(total.bias.mean())
        p_value = 2 * tail(abs(z))
        if abs(bias) > OFF_TOTAL and p_value < level:
            said.append(
                f"the total of {total.model} over {total.horizon}, {total.target}, is "
                f"{bias:+.0%} off, {abs(z):.1f} standard errors on average"
            )
            evidence[f"{total.model} over {total.horizon}, {total.target}, total"] = {
                "bias": bias,
                "z": z,
                "p_value": p_value,
            }
    if not said:
        return None
    return Check(
        INTERVALS,
        "warning",
        f"Intervals that do not hold: {_joined(said)}.",
        "Recalibrate intervals on past origins before quoting them, or use a model whose "
        "intervals held.",
        evidence=evidence,
    )


def _joined(said: Sequence[str]) -> str:
    more = f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return "; ".join(said[:SHOWN]) + more
