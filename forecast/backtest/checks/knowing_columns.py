"""Customer columns that were written after the fact: totals, last orders, who left."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest.checks.check import LEVEL, tail
from forecast.backtest.checks.histories import Floats, Histories
from forecast.backtest.ranking import mean_ranks
from forecast.ledger import Ledger

__all__ = ["knowing_columns"]

TOO_CLOSE = 0.4
MOST_LABELS = 20
FEWEST = 100


def knowing_columns(ledger: Ledger, histories: Histories) -> dict[str, float]:
    """Return customer columns that know the second half of the log, and their correlation.

    Among customers seen by the middle of the log, what a column tells of the number of purchases
    still to come, with count, last day and first day by then held equal, all in ranks. Numbers and
    days enter as ranks, up to 20 labels as a column each, more are passed over. The correlation is
    adjusted for the number of terms. A trait known at the first purchase seldom reaches 0.2; from
    0.4 a column must have been written later.
    """
    middle = (histories.start + histories.cutoff) // 2
    past = histories.day <= middle
    size = histories.first.size
    before = np.bincount(histories.owner[past], minlength=size)
    after = np.bincount(histories.owner[~past], minlength=size)
    last = histories.first.copy()
    np.maximum.at(last, histories.owner[past], histories.day[past])
    known = before > 0
    n = int(known.sum())
    if not ledger.customer_columns or n < FEWEST:
        return {}
    told = [_ranks(each[known]) for each in (before, last, histories.first)]
    held = np.column_stack([np.ones(n), *told, told[0] ** 2, told[0] * told[1], told[1] ** 2])
    future = _rest(held, _ranks(after[known]))
    table = ledger.attributes().reindex(histories.customers)[known]
    found = {}
    for name in table:
        terms = _rest(held, _terms(table[name]))
        if terms.shape[1] == 0 or future @ future < 1e-9:
            continue
        fitted = terms @ np.linalg.lstsq(terms, future, rcond=1e-9)[0]
        spent = held.shape[1] + terms.shape[1]
        missed = 1 - float(fitted @ fitted / (future @ future))
        strength = float(np.sqrt(max(0.0, 1 - missed * n / max(1, n - spent))))
        p_value = tail(float(np.arctanh(min(strength, 0.999))) * np.sqrt(n))
        if strength > TOO_CLOSE and p_value < LEVEL / len(table.columns):
            found[str(name)] = strength
    return found


def _terms(column: "pd.Series[Any]") -> Floats:
    """Ranks of numbers and days, a column each of few labels, nothing of many."""
    kinds = pd.api.types
    if kinds.is_bool_dtype(column) or not (
        kinds.is_numeric_dtype(column) or kinds.is_datetime64_any_dtype(column)
    ):
        labels = column.astype(object).where(column.notna(), "").astype(str)
        if labels.nunique() > MOST_LABELS:
            numbers = pd.to_numeric(labels, errors="coerce")
            return _terms(numbers) if numbers.notna().mean() > 0.9 else np.empty((len(column), 0))
        return pd.get_dummies(labels).to_numpy(float)
    ranks = _ranks(column.rank(na_option="top"))
    return np.column_stack([ranks, column.isna().to_numpy(float)])


def _ranks(values: npt.ArrayLike) -> Floats:
    """Ranks from 0 to 1."""
    ranks = mean_ranks(np.asarray(values, dtype=float))
    return ranks / ranks.size


def _rest(held: Floats, values: Floats) -> Floats:
    """Take out what ``held`` explains."""
    return np.asarray(values - held @ np.linalg.lstsq(held, values, rcond=None)[0])
