"""Contractual rhythm: purchases at equal distances, as of a subscription."""

import numpy as np

from forecast.backtest.checks.check import CONTRACTUAL, LEVEL, Check, tail_of_sum
from forecast.backtest.checks.histories import Histories

__all__ = ["contractual_pattern"]

FEWEST = 20
CLOSE = 0.03  # two gaps are twins where the first is 47 to 53 % of both
MANY_TWINS = 0.15  # share of twins beyond chance
REGULAR = 2.0  # shape of Gamma gaps from which timing is called regular


def contractual_pattern(histories: Histories) -> Check | None:
    """Accuse a log whose customers buy at regular distances.

    Of two successive gaps of a customer, adding up to s days, the first is uniform on 1 to s - 1
    where purchases come at a constant rate, whatever that rate is, whenever the customer leaves
    and wherever the log ends. Regular timing draws it to the middle: for Gamma gaps of shape k the
    share has variance ``1 / (4 (2 k + 1))`` (Wheat & Morrison 1990). Two signs are tried, each at
    half the level: a high k, and *twins*, gaps within 3 % of each other, which show subscribers
    among others. Pairs of gaps do not overlap; a customer's pairs count as one observation.
    """
    owner, day = histories.owner, histories.day
    gap = np.diff(day)
    place = np.arange(owner.size) - (np.cumsum(histories.count) - histories.count)[owner]
    pair = np.flatnonzero((place[:-2] % 2 == 0) & (owner[2:] == owner[:-2]))
    first, both, who = gap[pair], gap[pair] + gap[pair + 1], owner[pair]
    told = both > 2  # gaps of 1 and 1 could not have been otherwise
    first, both, who = first[told], both[told].astype(float), who[told]
    if np.unique(who).size < FEWEST:
        return None
    share = first / both
    spread = (share - 0.5) ** 2
    free = ((both - 1) ** 2 - 1) / 12 / both**2  # variance of a uniform number on 1..s-1, over s
    twin = np.abs(share - 0.5) <= CLOSE
    chance = (np.floor(both * (0.5 + CLOSE)) - np.ceil(both * (0.5 - CLOSE)) + 1) / (both - 1)
    mean_spread = float(spread.mean() / (12 * free.mean()))
    k = (1 / (4 * max(mean_spread, 1e-6)) - 1) / 2
    twins = float(twin.mean() - chance.mean())
    signs = (np.bincount(who, each).astype(float) for each in (free - spread, twin - chance))
    p_value = min(1.0, 2 * min(tail_of_sum(by_customer) for by_customer in signs))
    if p_value > LEVEL or (k < REGULAR and twins < MANY_TWINS):
        return None
    usual = float(np.median(first))
    near = float(np.mean(np.abs(first - usual) <= 0.1 * usual))
    return Check(
        CONTRACTUAL,
        "error" if twins >= 2 * MANY_TWINS else "warning",
        f"Purchases come regularly: {float(twin.mean()):.0%} of {share.size:,} pairs of successive "
        f"gaps are equal within 6 % (by chance {float(chance.mean()):.0%}), as Gamma gaps of shape "
        f"{min(k, 99):.1f} would be; the usual gap is {usual:g} days and "
        f"{near:.0%} of gaps lie within a tenth of it. Random timing misjudges who has left.",
        "If these are renewals of a contract, forecast retention (ContractRetention); if "
        "customers merely buy by habit, use a process of regular timing (MBGCNBD).",
        evidence={
            "twins": float(twin.mean()),
            "twins_by_chance": float(chance.mean()),
            "k": float(k),
            "usual_gap_days": usual,
            "near_usual_gap": near,
            "pairs": int(share.size),
            "p_value": p_value,
        },
    )
