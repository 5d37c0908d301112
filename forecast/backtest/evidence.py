"""What was forecast beside what happened, one table at a time, and how customers are labelled.

The tables that every score and comparison reads. A forecast of nothing comes first at each
origin: its distribution sits on 0, so its CRPS is the size of the outcome.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.errors import UnsupportedError, UsageError, listed
from forecast.forecaster import Population

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["ZERO", "Labels", "check", "customer_tables", "labels_at", "sums_by_run"]

ZERO = "zero (forecast nothing)"
Labels = str | pd.Series | Mapping[date, pd.Series] | Callable[[date], pd.Series]
_TARGETS = ("purchases", "value")


def check(bt: "Backtest", target: str, population: str) -> None:
    """Refuse by name what was not part of the backtest."""
    if target not in _TARGETS:
        raise UsageError(f"target: {target!r} is not 'purchases' or 'value'.")
    if target == "value" and not bt.has_value:
        raise UnsupportedError("target: this backtest's ledger has no amounts; use 'purchases'.")
    if population not in bt.populations:
        raise UsageError(
            f"population: {population!r} was not part of this backtest; it has "
            f"{list(bt.populations)}."
        )


def customer_tables(
    bt: "Backtest", population: Population = "existing", models: Sequence[str] | None = None
) -> Iterator[tuple[date, str, pd.DataFrame]]:
    """Yield origin, model and table of every forecast by customer, actual columns beside it.

    Parameters
    ----------
    models : sequence of str, optional
        Those to read; all, and the forecast of nothing, by default.

    Yields
    ------
    tuple of date, str and pandas.DataFrame
        Index ``customer_id``; columns as in ``Backtest.frame``, without customers in the burn-in.
    """
    for origin in bt.origins:
        actual = bt.actuals[origin, str(bt.horizon), population]
        actual = actual.rename(columns={name: f"actual_{name}" for name in _TARGETS})
        if len(actual) and (models is None or ZERO in models):
            yield origin, ZERO, _nothing(actual)
        for model in bt.models if models is None else models:
            forecast = bt.forecasts.get((origin, str(bt.horizon), model, population))
            if forecast is not None and len(forecast):
                yield origin, model, forecast.join(actual)


def sums_by_run(table: pd.DataFrame) -> Iterator[tuple[date, str, pd.DataFrame]]:
    """Yield origin, model and rows of a table of sums, such as ``Backtest.periods``."""
    for (cutoff, model), part in table.groupby(["cutoff", "model"]):
        yield pd.Timestamp(str(cutoff)).date(), str(model), part


def labels_at(
    bt: "Backtest", by: Labels, origin: date, customers: "pd.Index[Any]"
) -> "pd.Series[Any]":
    """Return the label of each customer at an origin.

    Parameters
    ----------
    by : str, Series, mapping of date to Series, or callable
        ``"repeat"`` (whether a customer had bought again by the origin), ``"cohort"`` (month of
        first purchase), labels by ``customer_id`` that hold at every origin, or those of each
        origin.
    """
    if isinstance(by, str):
        found = _history(bt, by, origin)
    elif isinstance(by, pd.Series):
        found = by
    else:
        found = by[origin] if isinstance(by, Mapping) else by(origin)
    labels = found.reindex(customers)
    bare = labels.index[labels.isna()]
    if len(bare):
        raise UsageError(
            f"by: {len(bare):,} of {len(labels):,} customers have no label at {origin}: "
            f"{listed(list(bare))}."
        )
    return labels


def _history(bt: "Backtest", by: str, origin: date) -> "pd.Series[Any]":
    kinds = {"repeat": "frequency", "cohort": "cohort"}
    if by not in kinds:
        raise UsageError(f"by: {by!r} is not {' or '.join(map(repr, kinds))}, nor labels.")
    known = bt.customers[origin]
    if by == "cohort":
        return known["cohort"]
    again = np.where(known["frequency"] > 0, "repeat purchases", "no repeat purchase")
    return pd.Series(again, index=known.index)


def _nothing(actual: pd.DataFrame) -> pd.DataFrame:
    table = actual.assign(p_active=0.0)
    for target in _TARGETS:
        size = actual[f"actual_{target}"].abs().astype(float)
        table[f"expected_{target}"] = size * 0.0
        table[f"crps_{target}"] = size
    return table
