"""Errors of the totals at each origin, in standard errors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.backtest.checks.histories import Floats
from forecast.backtest.checks.origin_errors import TARGETS
from forecast.backtest.result import Backtest
from forecast.calendar import DAYS_PER_YEAR

__all__ = ["TotalErrors", "total_errors"]

WIDTH = 2 * 1.6448536269514722  # of a normal 90 % interval, in standard errors


@dataclass(frozen=True)
class TotalErrors:
    """Forecast minus actual total of one model, horizon and target, by origin.

    Attributes
    ----------
    model, horizon, target : str
        Which.
    origin : array, shape (origins,)
        Years, oldest first.
    z : array, shape (origins,)
        Error over the standard error that the 90 % interval implies.
    bias : array, shape (origins,)
        Error as a share of the actual total.
    """

    model: str
    horizon: str
    target: str
    origin: Floats
    z: Floats
    bias: Floats


def total_errors(backtest: Backtest) -> list[TotalErrors]:
    """Return the errors of every model that gives intervals of totals of existing customers."""
    found = []
    table = backtest.totals[backtest.totals["population"] == "existing"]
    for (model, horizon), rows in table.groupby(["model", "horizon"], sort=True):
        rows = rows.sort_values("cutoff")
        for target in TARGETS:
            actual = rows[f"actual_{target}"].to_numpy(float)
            error = rows[f"expected_{target}"].to_numpy(float) - actual
            width = (rows[f"{target}_hi_90"] - rows[f"{target}_lo_90"]).to_numpy(float)
            known = ~np.isnan(error + width) & (width > 0) & (actual > 0)
            if known.any():
                found.append(
                    TotalErrors(
                        *(str(model), str(horizon), target),
                        origin=_years(rows["cutoff"])[known],
                        z=error[known] / (width[known] / WIDTH),
                        bias=error[known] / actual[known],
                    )
                )
    return found


def _years(days: "pd.Series[pd.Timestamp]") -> Floats:
    since = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(since / DAYS_PER_YEAR)
