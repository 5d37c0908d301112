"""How long a log's first customers may be older than the log.

A log that starts in the middle of a business shows its old customers as new when they first buy
again. How fast they do is seen at the middle of the log, where who is new is known.
"""

import numpy as np
import numpy.typing as npt

from forecast.calendar import day_number
from forecast.ledger import Ledger

__all__ = ["burn_in_days"]

IntArray = npt.NDArray[np.int64]

BLOCK = 28  # days


def burn_in_days(ledger: Ledger) -> int:
    """Return for how many days most of the seemingly new customers are likely older than the log.

    The rule: had the log begun at its middle, the customers it showed for the first time would
    have been either new or known before; the burn-in lasts as many blocks of 28 days as those
    known before are more than half of them. It is 0 where the log's own start shows no excess:
    not more new customers a day in the burn-in than in the same number of days after it. It is
    never more than half the log.
    """
    rows = ledger.purchases()
    days = rows["date"].to_numpy("datetime64[D]").astype(np.int64)
    first = ~rows.duplicated("customer_id").to_numpy()
    start, end = day_number(ledger.first_day), day_number(ledger.cutoff)
    middle = start + (end - start) // 2
    later = rows[days >= middle]
    since = ~later.duplicated("customer_id").to_numpy()
    block = (days[days >= middle][since] - middle) // BLOCK
    known = ~first[days >= middle][since]
    number = int((end - middle) // BLOCK)
    if number == 0:
        return 0
    seen = np.bincount(block, minlength=number)[:number]
    before = np.bincount(block, known, minlength=number)[:number]
    settled = 2 * before <= seen
    length = BLOCK * (int(np.argmax(settled)) if settled.any() else number)
    return length if _in_excess(days[first] - start, length) else 0


def _in_excess(day: IntArray, length: int) -> bool:
    """Say whether more customers first bought in the first days than in as many after."""
    inside, after = day < length, (day >= length) & (day < 2 * length)
    return bool(inside.sum() > after.sum())
