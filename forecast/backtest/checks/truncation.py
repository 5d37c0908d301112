"""Left truncation: customers who were there before the log began look like newcomers."""

import numpy as np

from forecast.backtest.checks.check import TRUNCATION, Check, tail
from forecast.backtest.checks.histories import Histories

__all__ = ["EARLY_LIFE", "left_truncation"]

BLOCK = 30  # days in which an old customer counts as first seen at the start
EARLY_LIFE = 60  # days over which newcomers are compared
FEWEST_BLOCKS = 4
MOST_BLOCKS = 13
RATIO = 1.25
LEVEL_EACH = 0.01  # two nearly independent signs, so together far below LEVEL


def left_truncation(histories: Histories) -> Check | None:
    """Accuse a log that begins in the middle of its customers' lives.

    Two signs must come together: more customers are first seen in the first 30 days than in a
    usual later month, and they buy again sooner than later newcomers do in their first 60 days.
    The old customers among them were met at a repeat purchase, so they are the frequent and the
    living (length-biased sampling: a Gamma(r, alpha) rate becomes Gamma(r + 1, alpha)). A launch
    shows the first sign alone, a season the second alone.
    """
    block = (histories.first - histories.start) // BLOCK
    arrivals = np.bincount(block, minlength=1)[: histories.days // BLOCK]
    arrivals = np.trim_zeros(arrivals, "b")[: MOST_BLOCKS + 1]
    if arrivals.size < FEWEST_BLOCKS:
        return None
    later = arrivals[1:].astype(float)
    usual = float(np.median(later))
    spread = 1.4826 * float(np.median(np.abs(later - usual)))
    noise = max(spread, np.sqrt(usual + 1)) * np.sqrt(1 + 1.57 / later.size)
    excess = (arrivals[0] - usual) / noise

    seen = histories.first + EARLY_LIFE <= histories.cutoff
    soon = histories.repeat & (histories.day <= histories.first[histories.owner] + EARLY_LIFE)
    repeats = np.bincount(histories.owner[soon], minlength=histories.first.size)
    old, new = repeats[seen & (block == 0)], repeats[seen & (block > 0)]
    if min(old.size, new.size) < 10 or not new.any():
        return None
    error = np.sqrt(old.var(ddof=1) / old.size + new.var(ddof=1) / new.size)
    faster = (old.mean() - new.mean()) / max(error, 1e-12)
    crowd = float(arrivals[0]) / max(usual, 1.0)
    pace = float(old.mean() / new.mean())
    p_values = tail(excess), tail(faster)
    if min(crowd, pace) < RATIO or max(p_values) > LEVEL_EACH:
        return None
    return Check(
        TRUNCATION,
        "warning",
        f"{arrivals[0]:,} customers are first seen in the first {BLOCK} days, against {usual:,.0f} "
        f"in a usual month, and they buy {old.mean():.2f} times again within {EARLY_LIFE} days, "
        f"against {new.mean():.2f} for later newcomers: many were customers before the log begins.",
        f"Leave the first {EARLY_LIFE} days' customers out of the fit (burn_in={EARLY_LIFE}) and "
        "of the scores, or read a log that begins earlier.",
        evidence={
            "first_block": int(arrivals[0]),
            "usual_block": usual,
            "early_repeats": float(old.mean()),
            "later_repeats": float(new.mean()),
            "p_value_arrivals": p_values[0],
            "p_value_repeats": p_values[1],
        },
    )
