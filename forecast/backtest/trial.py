"""One trial: a fitted model asked for one window and population, and checked before believed.

What is kept of its answer is one table by customer, scored against what happened, and a few rows:
periods, the total, cohorts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest.plan import Plan
from forecast.backtest.scope import after_gap, among
from forecast.calendar import Horizon
from forecast.draws import Totals
from forecast.errors import ModelError, listed
from forecast.forecaster import BOUNDS, Forecast, Population
from forecast.ledger import Ledger

__all__ = ["KEPT", "Answer", "ask", "bounds_of_totals", "score"]

_SCORES = ["crps_purchases", "log_score_purchases", "pit_purchases", "crps_value", "pit_value"]
KEPT = ["expected_purchases", "expected_value", *BOUNDS, "p_alive", "p_active", *_SCORES]
_EXPECTED = ["expected_purchases", "expected_value"]
_TARGETS = ("purchases", "value")


@dataclass(frozen=True)
class Answer:
    """What is kept of a forecast: customers, and rows of periods, of the total and of cohorts."""

    customers: pd.DataFrame | None
    periods: pd.DataFrame
    total: dict[str, Any]
    cohorts: pd.DataFrame | None


def ask(
    model: Any,
    cut: Ledger,
    horizon: Horizon,
    population: Population,
    *,
    plan: Plan,
    known: pd.DataFrame,
    members: "pd.Index[Any]",
) -> Forecast:
    """Ask a fitted model for one window of a population, and return the part that is scored.

    Parameters
    ----------
    model : Forecaster
        Fitted on ``cut``.
    cut : Ledger
        What was known at the origin, its cutoff.
    horizon, population, plan
        The question.
    known : pandas.DataFrame
        Existing customers, as :func:`known_customers` returns them.
    members : pandas.Index
        Everybody the forecast may list; of population "existing", everybody it must.

    Raises
    ------
    ModelError
        If the answer is to another question.
    """

    def checked(length: Horizon, every: str | None) -> Forecast:
        given = {} if every is None else {"every": every}
        forecast: Forecast = model.forecast(
            str(length), population=population, draws=plan.draws, seed=plan.seed, **given
        )
        _check(forecast, cut, length, every, population, members)
        return forecast

    if plan.gap is None:
        forecast = checked(horizon, None)
    else:
        forecast = after_gap(checked, cut.cutoff, plan.gap, horizon)
    if population == "existing":
        forecast = among(forecast, known.index[known["scored"]])
    return forecast


def score(
    forecast: Forecast, actual: pd.DataFrame, cohort: "pd.Series[str]", rng: np.random.Generator
) -> Answer:
    """Score a forecast against what happened and keep what the backtest needs of both.

    Parameters
    ----------
    forecast : Forecast
    actual : pandas.DataFrame
        Index ``customer_id``; ``purchases`` (count) and ``value`` (currency) of the population.
    cohort : pandas.Series
        Month of the first purchase of existing customers.
    rng : numpy.random.Generator
        Makes ranks even where there are ties.
    """
    customers, sampler = forecast.customers, forecast.sampler
    cohorts = totals = labels = None
    if customers is not None and len(customers):
        if forecast.population == "existing":
            labels = cohort.reindex(customers.index)
        if sampler is not None:
            customers = customers.join(forecast.score(actual))
        customers = customers.reindex(columns=KEPT).astype(float).sort_index()
        customers.index.name = "customer_id"
    if sampler is not None:
        totals = forecast.totals(by=labels)
    if labels is not None and customers is not None:
        cohorts = _by_cohort(customers, actual, labels, totals, rng)
    total = _sums(forecast, actual)
    for target, cube in [] if totals is None else _cubes(totals):
        seen = np.array([total[f"actual_{target}"]])
        found = bounds_of_totals(target, cube.sum(axis=(1, 2))[:, None], seen, rng)
        total |= {name: float(each[0]) for name, each in found.items()}
    periods = forecast.periods.reindex(columns=["start", "end", *_EXPECTED, *BOUNDS])
    return Answer(customers, periods.reset_index(drop=True), total, cohorts)


def _check(
    forecast: Any,
    cut: Ledger,
    horizon: Horizon,
    every: str | None,
    population: str,
    members: "pd.Index[Any]",
) -> None:
    """Refuse a forecast that answers another question."""
    if not isinstance(forecast, Forecast):
        raise ModelError(f"forecast() returned a {type(forecast).__name__}, not a Forecast.")
    if forecast.population != population:
        raise ModelError(f"Asked for population {population!r}, got {forecast.population!r}.")
    asked, got = horizon.window(cut.cutoff), forecast.window
    if got != asked:
        raise ModelError(f"Asked for {asked.start} to {asked.last}, got {got.start} to {got.last}.")
    periods, wanted = forecast.windows, horizon.periods(cut.cutoff, every)
    if periods != wanted:
        raise ModelError(
            f"Asked for {len(wanted)} periods of one of {horizon.unit_name}, got {len(periods)} "
            "others; without `every`, periods are one unit of the horizon."
        )
    _refuse_gaps(forecast.periods, "periods")
    if forecast.customers is not None:
        complete = population == "existing"
        _check_customers(forecast.customers.index, members, complete=complete)
        _refuse_gaps(forecast.customers, "customers")


def _sums(forecast: Forecast, actual: pd.DataFrame) -> dict[str, Any]:
    """Return the expected and the actual total; what is unknown is missing."""
    sums: dict[str, Any] = {}
    for target in _TARGETS:
        name = f"expected_{target}"
        expected = float(forecast.periods[name].sum(skipna=False))
        if np.isnan(expected) and forecast.customers is not None:
            expected = float(forecast.customers[name].sum(skipna=False))
        sums[name] = expected
        sums[f"actual_{target}"] = float(actual[target].sum(skipna=False))
    return sums


def _by_cohort(
    customers: pd.DataFrame,
    actual: pd.DataFrame,
    labels: "pd.Series[str]",
    totals: Totals | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    by = labels.reindex(customers.index).to_numpy()
    table = pd.DataFrame({"customers": customers.groupby(by).size()})
    for target in _TARGETS:
        happened = actual[target].reindex(customers.index).astype(float)
        table[f"actual_{target}"] = happened.groupby(by).sum(min_count=1)
        known = customers[f"expected_{target}"].groupby(by)
        table[f"expected_{target}"] = known.sum(min_count=1)
    if totals is not None:
        for target, cube in _cubes(totals):
            seen = table[f"actual_{target}"].to_numpy(float)
            table = table.assign(**bounds_of_totals(target, cube.sum(axis=2), seen, rng))
    return table.rename_axis("cohort").reset_index()


def _cubes(totals: Totals) -> list[tuple[str, Any]]:
    cubes = [("purchases", totals.purchases), ("value", totals.value)]
    return [(target, cube) for target, cube in cubes if cube is not None]


def bounds_of_totals(
    target: str, drawn: Any, seen: Any, rng: np.random.Generator
) -> dict[str, "np.ndarray[Any, Any]"]:
    """Return 90 % bounds of drawn totals, shape (draws, groups), and the rank of the actual ones.

    The rank is that of the actual total among it and the drawn ones, ties and steps made even by
    chance: uniform on (0, 1) where the distribution is right.
    """
    lo, hi = np.quantile(drawn, [0.05, 0.95], axis=0)
    below, tied = (drawn < seen).sum(axis=0), (drawn == seen).sum(axis=0)
    rank = (below + rng.random(len(seen)) * (tied + 1)) / (len(drawn) + 1)
    rank[np.isnan(seen)] = np.nan
    return {f"{target}_lo_90": lo, f"{target}_hi_90": hi, f"pit_{target}": rank}


def _check_customers(got: "pd.Index[Any]", expected: "pd.Index[Any]", *, complete: bool) -> None:
    """Refuse a forecast of the wrong customers; unseen ones cannot be listed, so may be absent."""
    if complete and got.equals(expected):
        return
    faults: dict[str, Sequence[Any]] = {
        "doubled": list(got[got.duplicated()].unique()),
        "unknown": list(got.difference(expected)),
        "missing": list(expected.difference(got)) if complete else [],
    }
    found = [f"{len(ids):,} {name} ({listed(ids)})" for name, ids in faults.items() if ids]
    if found:
        raise ModelError(
            f"Forecast of {len(got):,} customers where {len(expected):,} are known: "
            f"{'; '.join(found)}."
        )


def _refuse_gaps(table: pd.DataFrame, name: str) -> None:
    """Refuse infinite expectations and those that are known for some rows only."""
    for column in table.columns.intersection(_EXPECTED):
        values = table[column].to_numpy(dtype=float)
        missing = int(np.isnan(values).sum())
        if np.isinf(values).any() or 0 < missing < len(values):
            raise ModelError(
                f"{name}: {column} is missing in {missing:,} and infinite in "
                f"{int(np.isinf(values).sum()):,} of {len(values):,} rows."
            )
