"""How contracts stand at the cutoff, and how likely an open renewal still is."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from forecast.calendar import Horizon, Window, day_number
from forecast.models.contracts.contracts import Contracts, due_days

__all__ = ["Standing", "first_renewal"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Standing:
    """How each customer's contract stands at the cutoff, and when it falls due in the window.

    Attributes
    ----------
    group : array of int, shape (customers,)
        Which retention parameters hold.
    renewals : array of float, shape (customers,)
        Renewals made.
    paid_by_now : array of float, shape (customers,)
        Share of renewals that are paid by this many days after the due day: 0 before any is, 1
        where the contract has ended.
    due : array of int, shape (customers, most due days)
        Period of each due day inside the window; -1 beyond the last.
    """

    group: IntArray
    renewals: FloatArray
    paid_by_now: FloatArray
    due: npt.NDArray[np.int16]

    @classmethod
    def of(
        cls,
        contracts: Contracts,
        group: IntArray,
        every: Horizon,
        cutoff: date,
        windows: list[Window],
    ) -> "Standing":
        """Tell how each customer's last contract stands, and lay its due days over the window.

        Parameters
        ----------
        contracts : Contracts
        group : array of int, shape (customers,)
        every : Horizon
            Length of a contract.
        cutoff : date
        windows : list of Window
            Periods of the horizon.
        """
        now, last = day_number(cutoff), contracts.last
        start, running = contracts.start[last], ~contracts.ended[last]
        made = contracts.renewals[last] + contracts.paid[last]
        since = now - due_days(start, every, made + 1)
        paid = np.searchsorted(contracts.late, since, side="right") / max(1, len(contracts.late))
        end = [day_number(window.last) for window in windows]
        # payments are laid on the due day plus the usual delay, an open one not before tomorrow
        delay = int(np.median(contracts.late)) if len(contracts.late) else 0
        due, step = list[npt.NDArray[np.int16]](), 1
        while True:
            day = np.maximum(due_days(start, every, made + step) + delay, now + 1)
            inside = running & (day <= end[-1])
            if not inside.any():
                break
            due.append(np.where(inside, np.searchsorted(end, day), -1).astype(np.int16))
            step += 1
        return cls(
            group=group.astype(np.int64),
            renewals=made.astype(float),
            paid_by_now=np.where(running, paid, 1.0),
            due=np.stack(due, axis=1) if due else np.zeros((len(start), 0), dtype=np.int16),
        )

    @property
    def times(self) -> IntArray:
        """Due days inside the window."""
        return np.asarray((self.due >= 0).sum(axis=1))


def first_renewal(alpha: FloatArray, beta: FloatArray, paid_by_now: FloatArray) -> FloatArray:
    """Return the probability of the next renewal, not paid so far, by Bayes' rule.

    r (1 - G) / (r (1 - G) + 1 - r), with r the chance to renew and G the share of renewals that
    are paid by now.

    Parameters
    ----------
    alpha, beta : array of float
        Churn probability given the renewals made, theta ~ Beta(alpha, beta).
    paid_by_now : array of float
    """
    still = beta * (1.0 - paid_by_now)
    return np.asarray(still / (still + alpha))
