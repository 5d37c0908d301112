"""Do those who buy often also pay more an order? Gamma-Gamma says they do not."""

import numpy as np
import numpy.typing as npt

from forecast.backtest.checks.check import LEVEL, SPEND, Check, tail
from forecast.backtest.checks.histories import Floats, Histories
from forecast.backtest.ranking import mean_ranks

__all__ = ["spend_follows_frequency"]

FEWEST = 30
SMALLEST = 0.2


def spend_follows_frequency(histories: Histories) -> Check | None:
    """Accuse a log in which order value and frequency go together among repeat buyers.

    Every repeat order is ranked by value among all, and a customer's mean rank set against the
    rank of his frequency. Under independence of spend and frequency (Fader & Hardie 2013, section
    2) an order's rank has the same mean however many there are, which is not so for the rank of a
    customer's mean order: means of few skewed orders rank lower. The error is that of a sum over
    customers with unequal variances.
    """
    if histories.value is None:
        return None
    use = histories.repeat & (histories.value > 0)
    owner, value = histories.owner[use], histories.value[use]
    frequency = np.bincount(owner, minlength=histories.first.size)
    buyers = frequency > 0
    if buyers.sum() < FEWEST or np.ptp(frequency[buyers]) == 0:
        return None
    order_rank = _centred_ranks(value)
    spend = np.bincount(owner, order_rank, minlength=frequency.size)[buyers] / frequency[buyers]
    often = _centred_ranks(frequency[buyers])
    spend = spend - spend.mean()
    parts = often * spend
    norm = float(np.sqrt((often @ often) * (spend @ spend)))
    if norm == 0:
        return None
    correlation = float(parts.sum()) / norm
    p_value = 2 * tail(abs(float(parts.sum())) / float(np.sqrt(parts @ parts)))
    if abs(correlation) < SMALLEST or p_value > LEVEL:
        return None
    tendency = "more" if correlation > 0 else "less"
    consequence = "too low" if correlation > 0 else "too high"
    return Check(
        SPEND,
        "warning",
        f"Those who buy often pay {tendency} an order: rank correlation {correlation:+.2f} among "
        f"{int(buyers.sum()):,} repeat buyers. A spend model that takes the two as independent "
        f"values the most frequent buyers {consequence}.",
        "Check that the amounts are those of orders, not running totals; compare value by decile "
        "in the backtest, and prefer a model that learns value directly, such as "
        "customer_regression.",
        evidence={
            "correlation": correlation,
            "p_value": p_value,
            "repeat_buyers": int(buyers.sum()),
        },
    )


def _centred_ranks(values: npt.ArrayLike) -> Floats:
    """Mean ranks of equal values, from -1/2 to 1/2, with mean 0."""
    ranks = mean_ranks(values)
    return np.asarray((ranks - 0.5) / ranks.size - 0.5)
