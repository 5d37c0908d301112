"""What a campaign caused: the reached against a control group chosen at random."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import TooLittleDataError, UsageError
from forecast.value.comparison import FEWEST, difference

__all__ = ["uplift"]


def uplift(
    value: "pd.Series[Any]",
    treated: "pd.Series[Any]",
    *,
    before: "pd.Series[Any] | None" = None,
    cost: float | None = None,
    level: float = 0.9,
    resamples: int = 2000,
    seed: int = 0,
) -> "pd.Series[float]":
    """Return what a campaign added per customer and in all, against its control group.

    Parameters
    ----------
    value : pandas.Series
        Value (margin, to set beside a cost) of each customer since the campaign began, by
        ``customer_id``; currency. Those who bought nothing have 0.
    treated : pandas.Series
        Bool: reached, or in the control group. The choice must have been random.
    before : pandas.Series, optional
        Value of each customer before the campaign: what it predicts is taken out of both groups,
        which narrows the interval and moves no expectation (Deng et al. 2013).
    cost : float, optional
        What the campaign cost in all, in the same currency.
    level : float
        Of the studentised bootstrap interval.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.Series
        ``treated``, ``control`` (customers); ``mean_treated``, ``mean_control``, ``uplift``, the
        difference, with ``lo``, ``hi`` (currency a customer); ``relative``, uplift over the
        control's mean; ``total``, ``total_lo``, ``total_hi``, times the treated (currency); with
        a cost ``roi``, (total - cost) / cost, with ``roi_lo``, ``roi_hi``.

    Raises
    ------
    TooLittleDataError
        If a group has fewer than five customers.
    UsageError
        If a customer has no value, or is neither treated nor control.

    Examples
    --------
    >>> import pandas as pd
    >>> value = pd.Series([3.0, 5.0, 4.0, 6.0, 7.0, 1.0, 2.0, 3.0, 2.0, 2.0])
    >>> found = uplift(value, pd.Series([True] * 5 + [False] * 5), cost=10.0)
    >>> found[["uplift", "relative", "total", "roi"]].tolist()
    [3.0, 1.5, 15.0, 0.5]
    """
    numbers, reached = _aligned(value, treated, before)
    if cost is not None and not cost > 0:
        raise UsageError(f"cost: {cost} must be above 0; leave it out where there is none.")
    worth = numbers["value"].to_numpy(float)
    if before is not None:
        earlier = numbers["before"].to_numpy(float)
        spread = earlier.var()
        slope = np.cov(earlier, worth, bias=True)[0, 1] / spread if spread else 0.0
        worth = worth - slope * (earlier - earlier.mean())
    first, second = worth[reached], worth[~reached]
    lo, hi = difference(first, second, level=level, resamples=resamples, seed=seed)
    gap, size = first.mean() - second.mean(), first.size
    base = second.mean()
    out = {
        "treated": size,
        "control": second.size,
        "mean_treated": first.mean(),
        "mean_control": base,
        "uplift": gap,
        "lo": lo,
        "hi": hi,
        "relative": gap / base if base > 0 else np.nan,
        "total": gap * size,
        "total_lo": lo * size,
        "total_hi": hi * size,
    }
    if cost is not None:
        for name, each in (("roi", gap), ("roi_lo", lo), ("roi_hi", hi)):
            out[name] = each * size / cost - 1.0
    return pd.Series(out, dtype=float)


def _aligned(
    value: "pd.Series[Any]", treated: "pd.Series[Any]", before: "pd.Series[Any] | None"
) -> tuple[pd.DataFrame, Any]:
    given = {"value": value, "treated": treated} | ({} if before is None else {"before": before})
    for name, each in given.items():
        if not isinstance(each, pd.Series) or each.index.has_duplicates:
            raise UsageError(f"{name}: give a pandas Series with each customer_id once.")
    if not pd.api.types.is_bool_dtype(treated) or treated.isna().any():
        raise UsageError("treated: write True for those reached, False for the control group.")
    numbers = pd.DataFrame(
        {name: each.reindex(treated.index) for name, each in given.items() if name != "treated"}
    )
    gone = int((~np.isfinite(numbers.to_numpy(float))).any(axis=1).sum())
    if gone:
        raise UsageError(f"value: {gone:,} customers have none; write 0 where nobody bought.")
    reached = treated.to_numpy(bool)
    if min(reached.sum(), (~reached).sum()) < FEWEST:
        raise TooLittleDataError(
            f"{int(reached.sum()):,} treated and {int((~reached).sum()):,} in the control group; "
            f"each needs {FEWEST}."
        )
    return numbers, reached
