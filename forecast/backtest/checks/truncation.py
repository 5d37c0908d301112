"""Left truncation: customers who were there before the log began look like newcomers."""

import numpy as np

from forecast.backtest.checks.check import TRUNCATION, Check, tail
from forecast.backtest.checks.histories import Histories
from forecast.ledger.arrivals import BLOCK, arrivals

__all__ = ["EARLY_LIFE", "left_truncation"]

EARLY_LIFE = 60  # days over which newcomers are compared
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
    came = arrivals(histories.first, histories.start, histories.cutoff)
    later, usual = came.later, came.usual
    if usual is None:
        return None
    spread = 1.4826 * float(np.median(np.abs(later - usual)))
    noise = max(spread, np.sqrt(usual + 1)) * np.sqrt(1 + 1.57 / later.size)
    excess = (came.first - usual) / noise

    seen = histories.first + EARLY_LIFE <= histories.cutoff
    early = histories.first < histories.start + BLOCK
    soon = histories.repeat & (histories.day <= histories.first[histories.owner] + EARLY_LIFE)
    repeats = np.bincount(histories.owner[soon], minlength=histories.first.size)
    old, new = repeats[seen & early], repeats[seen & ~early]
    if min(old.size, new.size) < 10 or not new.any():
        return None
    error = np.sqrt(old.var(ddof=1) / old.size + new.var(ddof=1) / new.size)
    faster = (old.mean() - new.mean()) / max(error, 1e-12)
    crowd = came.first / max(usual, 1.0)
    pace = float(old.mean() / new.mean())
    p_values = tail(excess), tail(faster)
    if min(crowd, pace) < RATIO or max(p_values) > LEVEL_EACH:
        return None
    return Check(
        TRUNCATION,
        "warning",
        f"{came.first:,} customers are first seen in the first {BLOCK} days, against {usual:,.0f} "
        f"in a usual month, and they buy {old.mean():.2f} times again within {EARLY_LIFE} days, "
        f"against {new.mean():.2f} for later newcomers: many were customers before the log begins.",
        f"Leave the first {EARLY_LIFE} days' customers out of the fit (burn_in={EARLY_LIFE}) and "
        "of the scores, or read a log that begins earlier.",
        evidence={
            "first_block": came.first,
            "usual_block": usual,
            "early_repeats": float(old.mean()),
            "later_repeats": float(new.mean()),
            "p_value_arrivals": p_values[0],
            "p_value_repeats": p_values[1],
        },
    )
