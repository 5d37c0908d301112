"""Active or lapsed, by a rule of silence: who is, and how fast the two change places.

A customer is *active* for so many days after each purchase and *lapsed* from then until he buys
again. Unlike "left for good" this can be seen on the day, so nobody's status is guessed and those
still active at the cutoff are censored.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger

__all__ = ["Activity"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SHARE = 0.9


@dataclass(frozen=True)
class Activity:
    """Days active and lapsed, of each customer and of all.

    Attributes
    ----------
    silence : int
        Days without a purchase after which a customer has lapsed.
    index : pandas.Index
        Customers.
    active : array of bool, shape (customers,)
        Whether active at the cutoff.
    days : array of float, shape (customers,)
        Days active so far.
    lapse_rate, return_rate : float
        Lapses per active day and returns per lapsed day: constant hazards estimated by maximum
        likelihood, events over days at risk, so whoever has not lapsed yet is censored.
    returns : int
        Purchases that ended a lapse.

    Examples
    --------
    Bought on days 0, 10 and 60 and was seen until day 100; with 30 days of silence he lapsed on
    day 40, returned on day 60 and lapsed on day 90:

    >>> import forecast as fc
    >>> log = pd.DataFrame({"customer": "a", "date": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-11", "2024-03-01"])})
    >>> ledger = fc.read_ledger(log, cutoff="2024-04-10")
    >>> found = Activity.learn(ledger, "30D")
    >>> found.days, found.active, found.lapse_rate, found.return_rate
    (array([70.]), array([False]), 0.02857..., 0.0333...)
    """

    silence: int
    index: pd.Index
    active: BoolArray
    days: FloatArray
    lapse_rate: float
    return_rate: float
    returns: int

    @classmethod
    def learn(cls, ledger: Ledger, silence: str | None = None) -> "Activity":
        """Apply the rule to every customer.

        Parameters
        ----------
        ledger : Ledger
        silence : str, optional
            Length after which a silent customer has lapsed: ``"90D"``. By default what 90 % of
            all gaps between purchases do not exceed, at most half the history.

        Raises
        ------
        TooLittleDataError
            If nobody bought twice, so that the default has nothing to go by.
        """
        rows = ledger.purchases()
        day = rows["date"].to_numpy("datetime64[D]")
        who, index = pd.factorize(rows["customer_id"], sort=True)
        last = np.append(who[1:] != who[:-1], True)
        after = np.append(day[1:], np.datetime64(ledger.cutoff))
        after[last] = np.datetime64(ledger.cutoff)
        gap = (after - day).astype(float)
        limit = _silence(gap[~last], ledger, silence)
        silent = gap > limit
        lived = np.minimum(gap, limit)
        lapsed = gap - lived
        away = float(lapsed.sum())
        at_risk, returns = float(lived.sum()), int((silent & ~last).sum())
        return cls(
            silence=limit,
            index=pd.Index(index, name="customer_id"),
            active=~silent[last],
            days=np.bincount(who, lived, minlength=len(index)).astype(float),
            lapse_rate=float(silent.sum()) / at_risk if at_risk else 0.0,
            return_rate=returns / away if away else 0.0,
            returns=returns,
        )

    def active_days(self, days: FloatArray) -> FloatArray:
        """Return days active to expect within so many days, from lapsed (row 0) and from active.

        With p = return / (lapse + return), k = lapse + return, an active customer is active after
        t days with probability p + (1 - p) exp(-k t), a lapsed one with p - p exp(-k t): the
        two-state Markov chain in continuous time.
        """
        both = self.lapse_rate + self.return_rate
        if both == 0:
            return np.stack([np.zeros_like(days), days])
        settled = self.return_rate / both
        drift = -np.expm1(-both * days) / both
        lapsed = settled * (days - drift)
        return np.stack([lapsed, lapsed + drift])


def _silence(gaps: FloatArray, ledger: Ledger, silence: str | None) -> int:
    if silence is not None:
        length = Horizon.parse(silence, "silence")
        if length.until is not None:
            raise UsageError(f"silence: {silence!r} is a date; write silence='90D'.")
        return round(length.mean_days(ledger.cutoff))
    if not len(gaps):
        raise TooLittleDataError(
            "Nobody bought twice, so nothing says how long a silence is a lapse. Give it, e.g. "
            "silence='90D', or use a longer log."
        )
    history = (ledger.cutoff - ledger.first_day).days + 1
    usual = int(np.quantile(gaps, _SHARE, method="inverted_cdf"))
    return max(1, min(usual, history // 2))
