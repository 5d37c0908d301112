"""Groups whose forecasts add up to the total: base forecasts reconciled, draw by draw.

With base forecasts b of the groups and T of the total, and variances w and W of their errors,
``"mint"`` gives each group

    b_g + w_g / (W + sum w) (T - sum b),

the least-squares reconciliation with a diagonal error covariance (Wickramasuriya, Athanasopoulos
& Hyndman 2019, eq. 8; Hyndman, Lee & Wang 2016). ``"bottom_up"`` keeps the groups and
``"top_down"`` the total, shared by the groups' forecasts. Draws of the total are put into the
order of the groups' sums first, so that high futures meet high ones (Jeon, Panagiotelis &
Petropoulos 2019).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.views import customer_summary, labelled

__all__ = ["LATER", "METHODS", "OTHER", "cohorts_of", "in_order_of", "labels_of", "reconciled"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

METHODS = ("mint", "bottom_up", "top_down")
OTHER = "(other)"
LATER = " and later"


def reconciled(
    groups: FloatArray, total: FloatArray, errors: FloatArray, method: str
) -> FloatArray:
    """Return the groups' forecasts so that they add up, never below 0.

    Parameters
    ----------
    groups : array of float, shape (groups, ..., periods)
    total : array of float, shape (..., periods)
    errors : array of float, shape (groups + 1,)
        Variances of the groups' errors, then of the total's.
    method : str

    Examples
    --------
    Two groups of 10 and 20 against a total of 36 that is as uncertain as both together:

    >>> groups, total = np.array([[10.0], [20.0]]), np.array([36.0])
    >>> reconciled(groups, total, np.array([1.0, 2.0, 3.0]), "mint")[:, 0]
    array([11., 22.])
    >>> reconciled(groups, total, np.array([1.0, 2.0, 3.0]), "top_down")[:, 0]
    array([12., 24.])
    """
    if method == "bottom_up":
        return groups
    added = groups.sum(axis=0)
    if method == "top_down":
        factor = np.divide(total, added, out=np.zeros_like(added), where=added > 0)
        return np.asarray(groups * factor)
    whole = errors.sum()
    share = errors[:-1] / whole if whole > 0 else np.zeros(len(groups))
    return np.asarray(np.maximum(groups + np.multiply.outer(share, total - added), 0.0))


def in_order_of(total: FloatArray, leading: FloatArray) -> IntArray:
    """Return which draw of the total goes with each draw of the sums, both of shape (draws,)."""
    order = np.empty(len(total), dtype=np.int64)
    order[np.argsort(leading, kind="stable")] = np.argsort(total, kind="stable")
    return order


def cohorts_of(ledger: Ledger, newest: int) -> "pd.Series[str]":
    """Return each customer's year of first purchase; the newest cohort stays open.

    Parameters
    ----------
    newest : int
        Customers of this year and later ones, those still to come too, are one group.
    """
    years = customer_summary(ledger)["first_purchase"].dt.year.clip(upper=newest)
    names = {year: f"{year}{LATER if year == newest else ''}" for year in years.unique()}
    labels: pd.Series[str] = years.map(names).astype(str)
    return labels


def labels_of(ledger: Ledger, by: str, least: int) -> "pd.Series[str]":
    """Return each customer's group; groups of fewer purchases than ``least`` are put together.

    Raises
    ------
    UsageError
        If the ledger has no such customer column.
    """
    if by not in ledger.customer_columns:
        raise UsageError(
            f"by: {by!r} is not one of the customer columns {ledger.customer_columns}; name it in "
            "read_ledger(..., customer_columns=...)."
        )
    labels = labelled(ledger.attributes()[by])
    bought = labels.reindex(ledger.purchases()["customer_id"]).value_counts()
    small = set(bought.index[bought < least])
    return labels.where(~labels.isin(small), OTHER)
