"""Funnels: how many of a campaign's people pass each step."""

import numpy as np
import pandas as pd

from forecast.errors import UsageError, listed
from forecast.value.sampling import check_level

__all__ = ["funnel"]


def funnel(counts: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
    """Return the rate at which each step of a funnel is passed, with its interval.

    Parameters
    ----------
    counts : pandas.DataFrame
        One row a campaign, one column a step, in order, e.g. ``visits, carts, orders``: how many
        people reached it.
    level : float
        Of the interval.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and step after the first: ``campaign``, ``step``, ``count``, ``rate``
        (share of the step before) with ``lo`` and ``hi`` (Wilson 1927) and ``overall`` (share of
        the first step). Rates of a step that nobody reached are missing.

    Raises
    ------
    UsageError
        If counts are not whole numbers of 0 or more that fall from step to step.

    Examples
    --------
    >>> import pandas as pd
    >>> steps = pd.DataFrame({"visits": [200], "carts": [50], "orders": [10]}, index=["june"])
    >>> funnel(steps)[["step", "rate", "overall"]].to_numpy().tolist()
    [['carts', 0.25, 0.25], ['orders', 0.2, 0.05]]
    """
    from scipy.special import ndtri

    if counts.shape[1] < 2:
        raise UsageError("funnel: at least two steps are needed.")
    check_level(level)
    numbers = counts.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    sound = np.isfinite(numbers) & (numbers >= 0) & (numbers == np.round(numbers))
    sound[:, 1:] &= np.diff(numbers, axis=1) <= 0
    if not sound.all():
        bad = counts.index[~sound.all(axis=1)].tolist()
        raise UsageError(
            f"funnel: {len(bad):,} rows are not whole numbers that fall from step to step: "
            f"{listed(bad)}. Each step counts people of the step before."
        )
    before, passed = numbers[:, :-1], numbers[:, 1:]
    z = float(ndtri((1 + level) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, overall = passed / before, passed / numbers[:, :1]
        middle = (passed + z**2 / 2) / (before + z**2)
        half = z / (before + z**2) * np.sqrt(passed * (before - passed) / before + z**2 / 4)
    rows, steps = passed.shape
    return pd.DataFrame(
        {
            "campaign": np.repeat(counts.index.to_numpy(), steps),
            "step": np.tile(counts.columns[1:].to_numpy(), rows),
            "count": passed.ravel().astype(int),
            "rate": rate.ravel(),
            "lo": (middle - half).ravel(),
            "hi": (middle + half).ravel(),
            "overall": overall.ravel(),
        }
    )
