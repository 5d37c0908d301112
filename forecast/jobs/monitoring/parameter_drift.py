"""Whether parameters have moved between two runs by more than their uncertainty."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecast.backtest.checks.check import tail

__all__ = ["parameter_drift"]

LEVEL = 0.001
FLOOR = 0.25  # relative change that matters at all
_YEAR = 365.25


def parameter_drift(tables: Mapping[pd.Timestamp, pd.DataFrame]) -> pd.DataFrame:
    """Compare the newest parameters with the reference's.

    Runs of one log share most of their history, so the difference varies less than the combined
    standard errors say, and the test is careful. For the same reason a trend over several runs
    has no test; it is described only.

    Parameters
    ----------
    tables : mapping of day to DataFrame
        Columns ``name``, ``value``, ``standard_error``; the first is the reference, the last the
        newest run, the rest runs between them.

    Returns
    -------
    pandas.DataFrame
        Index ``name``; ``reference``, ``newest``, ``change`` (relative), ``z`` (difference over
        combined standard errors), ``p_value`` (two-sided), ``trend`` (relative change a year, by
        least squares; from three runs on) and ``drifted``: a chance under .001 among all
        parameters (Bonferroni), and a change of a quarter or more.

    Examples
    --------
    >>> then, now = (pd.DataFrame({"name": ["r"], "value": [value], "standard_error": [0.05]})
    ...              for value in (0.5, 0.9))
    >>> days = [pd.Timestamp("2024-01-01"), pd.Timestamp("2025-01-01")]
    >>> parameter_drift(dict(zip(days, (then, now))))[["change", "z", "drifted"]].round(2)
          change     z  drifted
    name
    r        0.8  5.66     True
    """
    columns = ["reference", "newest", "change", "z", "p_value", "trend", "drifted"]
    if len(tables) < 2:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="name"))
    frames = {day: table.set_index("name") for day, table in sorted(tables.items())}
    first, *_, last = frames.values()
    names = [name for name in first.index if name in last.index]
    values = pd.DataFrame({day: each["value"].reindex(names) for day, each in frames.items()})
    years = np.array([(day - min(frames)).days / _YEAR for day in frames])
    rows = {}
    for name in names:
        old, new = float(first["value"][name]), float(last["value"][name])
        size = float(np.hypot(first["standard_error"][name], last["standard_error"][name]))
        z = (new - old) / size if size > 0 else np.nan
        p = min(1.0, 2 * tail(abs(z))) if z == z else np.nan
        change = (new - old) / abs(old) if old else np.nan
        seen = values.loc[name].to_numpy(float)
        known = ~np.isnan(seen)
        trend = np.nan
        if known.sum() >= 3 and np.ptp(years[known]) > 0 and old:
            trend = float(np.polyfit(years[known], seen[known], 1)[0]) / abs(old)
        drifted = p == p and p * len(names) < LEVEL and abs(change) >= FLOOR
        rows[name] = [old, new, change, z, p, trend, bool(drifted)]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return found.rename_axis("name")
