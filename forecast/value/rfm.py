"""Recency, frequency, monetary value: scores of 1 to 5 by quantile, and the field's names."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import UnsupportedError
from forecast.ledger import Ledger
from forecast.views import customer_summary

__all__ = ["RFM_SEGMENTS", "rfm_cuts", "rfm_scores", "rfm_table"]

SCORES = 5
# rows: recency score 1 (long ago) to 5 (just now); columns: frequency score 1 to 5
RFM_SEGMENTS = (
    ("hibernating", "hibernating", "at risk", "at risk", "can't lose them"),
    ("hibernating", "hibernating", "at risk", "at risk", "can't lose them"),
    ("about to sleep", "about to sleep", "need attention", "loyal", "loyal"),
    ("promising", "potential loyalists", "potential loyalists", "loyal", "loyal"),
    ("new", "potential loyalists", "potential loyalists", "champions", "champions"),
)


def rfm_table(ledger: Ledger) -> pd.DataFrame:
    """Return marketing's three numbers of each customer at the cutoff.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``; ``days_since_last`` (marketing's recency; the summary's column of
        that name is the age at the last purchase), ``purchases`` (count, the first included) and
        ``total_value`` (currency).
    """
    if not ledger.has_value:
        raise UnsupportedError("The ledger has no amounts; RFM needs the value column.")
    summary = customer_summary(ledger)
    return pd.DataFrame(
        {
            "days_since_last": summary["T"] - summary["recency"],
            "purchases": summary["n_purchases"],
            "total_value": summary["total_value"],
        }
    )


def rfm_cuts(table: pd.DataFrame) -> dict[str, list[float]]:
    """Return the quintiles that part each number into five scores.

    Equal numbers have equal scores, so where most customers bought once, the lower scores of
    frequency fall together; no order of rows decides who is better.
    """
    levels = np.arange(1, SCORES) / SCORES
    return {
        name: np.quantile(table[name].to_numpy(float), levels, method="inverted_cdf").tolist()
        for name in ("days_since_last", "purchases", "total_value")
    }


def rfm_scores(table: pd.DataFrame, cuts: dict[str, list[float]]) -> pd.DataFrame:
    """Return scores, 5 the best, and the segment.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`rfm_table`.
    cuts : dict
        Of :func:`rfm_cuts`, from this month or an earlier one.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``; ``r``, ``f``, ``m`` (1 to 5) and ``rfm``: "champions", "loyal",
        "potential loyalists", "new", "promising", "need attention", "about to sleep",
        "at risk", "can't lose them" or "hibernating", by ``r`` and ``f``.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"days_since_last": [3, 300], "purchases": [9, 1],
    ...                        "total_value": [90.0, 8.0]}, index=["a", "b"])
    >>> cuts = {"days_since_last": [10, 30, 90, 180], "purchases": [1, 2, 4, 6],
    ...         "total_value": [10, 20, 40, 80]}
    >>> rfm_scores(people, cuts)
       r  f  m          rfm
    a  5  5  5    champions
    b  1  1  1  hibernating
    """
    days = _score(table["days_since_last"], cuts["days_since_last"])
    out = pd.DataFrame({"r": SCORES + 1 - days}, index=table.index)
    out["f"] = _score(table["purchases"], cuts["purchases"])
    out["m"] = _score(table["total_value"], cuts["total_value"])
    names = np.array(RFM_SEGMENTS, dtype=object)
    out["rfm"] = pd.Series(names[out["r"] - 1, out["f"] - 1], index=out.index, dtype=str)
    return out


def _score(numbers: "pd.Series[Any]", cuts: list[float]) -> Any:
    """Score 1 plus the number of cuts that lie below."""
    return 1 + np.searchsorted(np.asarray(cuts, dtype=float), numbers.to_numpy(float), side="left")
