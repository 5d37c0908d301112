"""Whether a forecast tells customers of equal histories apart, and rightly."""

import numpy as np
import pandas as pd

from forecast.backtest.checks.histories import Floats, Histories

__all__ = ["foresight"]

MONTH = 30.0  # softens logarithms and rates, in days
STEPS = 5  # repeat purchases from which customers share their terms
MOST = 20_000  # customers, evenly spread over the ids, that are looked at


def foresight(histories: Histories, origin: int, both: pd.DataFrame) -> pd.DataFrame:
    """Return what the customer summary leaves of forecast and actual purchases.

    Both are regressed on a flexible basis of frequency, age and days idle at the origin, in units
    of about a standard deviation of a count. An honest forecast is nearly a function of these
    three; what little more it knows (gaps, season, channel) cannot tell the random part of the
    future. One that has seen the future keeps a piece of just that.

    Parameters
    ----------
    histories : Histories
        The whole log, of which only days up to the origin are used.
    origin : int
        Day number.
    both : pandas.DataFrame
        Index ``customer_id``; ``forecast`` and ``actual``, purchases.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``: ``told``, the product of both remainders, whose sum over the root
        of the sums of ``told_forecast`` and ``told_actual``, their squares, is the correlation.
    """
    known = histories.day <= origin
    size = histories.first.size
    count = np.bincount(histories.owner[known], minlength=size)
    last = histories.first.copy()
    np.maximum.at(last, histories.owner[known], histories.day[known])
    who = histories.customers.get_indexer(both.index)
    who = who[(who >= 0) & (count[who] > 0)]
    who = who[:: max(1, -(-who.size // MOST))]
    asked = both.loc[histories.customers[who]]
    frequency = (count[who] - 1).astype(float)
    age, idle = (origin - day[who].astype(float) for day in (histories.first, last))
    # the standard deviation of a count grows with the root of its mean
    scale = 1 / np.sqrt((frequency + 0.5) / (age + 2 * MONTH) * 91 + 0.1)
    terms = _basis(frequency, age, idle) * scale[:, None]
    terms /= np.maximum(np.sqrt((terms**2).sum(axis=0)), 1e-300)
    columns = asked.to_numpy(float) * scale[:, None]
    left = columns - terms @ np.linalg.lstsq(terms, columns, rcond=1e-10)[0]
    return pd.DataFrame(
        {
            "told": left[:, 0] * left[:, 1],
            "told_forecast": left[:, 0] ** 2,
            "told_actual": left[:, 1] ** 2,
        },
        index=asked.index,
    )


def _basis(frequency: Floats, age: Floats, idle: Floats) -> Floats:
    """Smooth terms for each small frequency, and more of them for all larger ones together."""
    log_idle, log_age, share = np.log(idle + MONTH), np.log(age + MONTH), idle / (age + 1)
    smooth = [np.ones_like(age), log_idle, log_age, log_idle**2, log_age**2, log_idle * log_age,
              share, share**2]  # fmt: skip
    pace = (frequency + 1) / (age + MONTH) * MONTH
    overdue = np.log1p(frequency * share)
    often = [*smooth, np.log(pace), overdue, overdue**2, pace, pace * overdue, pace * share,
             pace**2]  # fmt: skip
    few = [(frequency == step) * term for step in range(STEPS) for term in smooth]
    return np.column_stack([*few, *((frequency >= STEPS) * term for term in often)])
