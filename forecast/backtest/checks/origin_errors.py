"""The errors of one forecast by customer, beside those of naive ones and the least there can be."""

from datetime import date

import numpy as np
import pandas as pd

from forecast.backtest.checks.foresight import foresight
from forecast.backtest.checks.histories import Floats, Histories
from forecast.calendar import Horizon, day_number

__all__ = ["PIT_BINS", "TARGETS", "origin_errors", "pit_counts"]

TARGETS = ("purchases", "value")
PIT_BINS = 50


def origin_errors(
    forecast: pd.DataFrame,
    actual: pd.DataFrame,
    *,
    origin: date,
    horizon: str,
    histories: Histories | None,
    own_rate: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return squared errors and misses of one forecast at one origin.

    Parameters
    ----------
    forecast, actual : pandas.DataFrame
        Index ``customer_id``, the same; as in :class:`forecast.Backtest`.
    histories : Histories or None
        The log; without it nothing is said of foresight.
    own_rate : pandas.DataFrame or None
        The forecast of that name, where it is part of the backtest; else it is made from the log.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``. For each target that is known: ``error_`` (squared error),
        ``least_`` (least variance that an honest forecast leaves, see :mod:`.leak`), ``zero_`` and
        ``own_`` (squared errors of forecasting nothing and of one's own rate), ``missed_`` (1
        outside the 90 % bounds) and ``bounded_`` (1 where there are bounds). And ``told``,
        ``told_forecast``, ``told_actual``: see :func:`.foresight.foresight`.
    """
    if own_rate is None and histories is not None:
        own_rate = _own_rate(histories, origin, horizon)
    rival = None if own_rate is None else own_rate.reindex(forecast.index)
    days = Horizon.parse(horizon).window(origin).days
    count = actual["purchases"].to_numpy(float)
    out: dict[str, Floats] = {}
    for target in TARGETS:
        seen = actual[target].to_numpy(float)
        expected = forecast[f"expected_{target}"].to_numpy(float)
        if np.isnan(seen).any() or np.isnan(expected).any():
            continue
        out[f"error_{target}"] = (seen - expected) ** 2
        out[f"zero_{target}"] = seen**2
        # a customer-day holds at most one purchase, so n in d days vary by n (1 - n / d)
        room = np.maximum(1 - count / days, 0.0)
        out[f"least_{target}"] = room * seen**2 / np.maximum(count, 1.0)
        if rival is not None and not rival[f"expected_{target}"].isna().any():
            out[f"own_{target}"] = (seen - rival[f"expected_{target}"].to_numpy(float)) ** 2
        lo, hi = (forecast[f"{target}_{end}_90"].to_numpy(float) for end in ("lo", "hi"))
        known = ~np.isnan(lo + hi)
        if known.any():
            out[f"missed_{target}"] = (known & ((seen < lo) | (seen > hi))).astype(float)
            out[f"bounded_{target}"] = known.astype(float)
    table = pd.DataFrame(out, index=forecast.index)
    if histories is not None and "error_purchases" in out:
        both = pd.DataFrame(
            {"forecast": forecast["expected_purchases"], "actual": actual["purchases"]}, dtype=float
        )
        told = foresight(histories, day_number(origin), both)
        table = table.join(told).fillna(dict.fromkeys(told.columns, 0.0))
    return table


def pit_counts(forecast: pd.DataFrame, target: str) -> Floats:
    """Count customers by randomised PIT, in bins of equal width; nobody where it is not kept."""
    if f"pit_{target}" not in forecast:
        return np.zeros(PIT_BINS)
    found = forecast[f"pit_{target}"].dropna().to_numpy(float)
    return np.histogram(found, bins=PIT_BINS, range=(0.0, 1.0))[0].astype(float)


def _own_rate(histories: Histories, origin: date, horizon: str) -> pd.DataFrame:
    """Let each customer go on at the rate and mean value he had by the origin."""
    now, size = day_number(origin), histories.first.size
    known = histories.day <= now
    count = np.bincount(histories.owner[known], minlength=size).astype(float)
    age = np.maximum(now - histories.first, 0).astype(float)
    repeats, seen = np.maximum(count - 1, 0), count > 0
    rate = np.full(size, repeats.sum() / max(age[seen].sum(), 1.0))
    np.divide(repeats, age, out=rate, where=age > 0)
    expected = rate * Horizon.parse(horizon).window(origin).days
    value = np.full(size, np.nan)
    if histories.value is not None:
        spent = np.bincount(histories.owner[known], histories.value[known], minlength=size)
        value = expected * spent / np.maximum(count, 1)
    table = {"expected_purchases": expected, "expected_value": value}
    return pd.DataFrame(table, index=histories.customers)[seen]
