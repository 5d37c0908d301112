"""Development of cohorts: retention and spend at each age, observed and predicted."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.models.cohorts.age_curve import BIN_DAYS
from forecast.models.cohorts.cohorts import Cohorts

__all__ = ["development"]

FloatArray = npt.NDArray[np.float64]


def development(
    cohorts: Cohorts, *, level: float = 0.9, draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Return what each cohort did at each age and what the chain ladder predicts.

    An interval holds a cohort's actual at that age: the uncertainty of the pooled rate and of the
    cohort's level, and on top the scatter of one cell, for the customers the cell has or, in the
    future, for the whole cohort. Ages end where the pooled curve does.

    Parameters
    ----------
    cohorts : Cohorts
    level : float
        Of the intervals.
    draws, seed : int
        Simulated triangles behind them.

    Returns
    -------
    pandas.DataFrame
        Index ``cohort`` and ``age`` (bin of 30 days after the first purchase: 0 is days 1 to 30).
        ``customers``: those who have lived the age in full. ``retention``: share of them with a
        purchase at that age. ``purchases`` and ``value``: repeat purchases, and their value, per
        customer and 30 days lived at that age. Each as ``observed_``, missing at ages nobody of
        the cohort has lived in full, and ``predicted_``, with ``_lo`` and ``_hi``.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    ages, members = cohorts.purchases.pooled, np.bincount(cohorts.code)[:, None].astype(float)
    tails = [(1 - level) / 2, (1 + level) / 2]
    full, active = cohorts.retention.exposure[:, :ages], cohorts.retention.seen[:, :ages]
    # an age nobody of the cohort has lived in full is not observed yet
    lived = np.where(full > 0, cohorts.purchases.exposure[:, :ages], 0.0)
    seen = cohorts.purchases.seen[:, :ages]

    def filled(exposure: FloatArray, whole: FloatArray | float) -> FloatArray:
        return np.where(exposure > 0, exposure, whole)

    def counts(mean: FloatArray, scatter: float) -> FloatArray:
        return np.asarray(scatter * rng.poisson(mean / scatter))

    columns: dict[str, FloatArray] = {"customers": full}

    def add(name: str, observed: FloatArray, predicted: FloatArray, drawn: FloatArray) -> None:
        low, high = np.quantile(drawn, tails, axis=0)
        columns.update({
            f"observed_{name}": observed, f"predicted_{name}": predicted,
            f"predicted_{name}_lo": low, f"predicted_{name}_hi": high,
        })  # fmt: skip

    kept = cohorts.retention
    known = ages if full.any() else 0
    rates, levels = kept.draw(rng, draws, ages)
    at_risk = filled(full, members)
    mean = np.minimum(rates[:, None, :] * levels[:, :, None], 1.0) * at_risk
    share = np.minimum(kept.rate(ages) * kept.level[:, None], 1.0)
    drawn = np.minimum(counts(mean, kept.scatter) / at_risk, 1.0)
    unknown = np.full_like(full, np.nan)
    add(
        "retention",
        _ratio(active, full),
        share if known else unknown,
        drawn if known else unknown[None],
    )

    bought = cohorts.purchases
    rates, levels = bought.draw(rng, draws, ages)
    days = filled(lived, BIN_DAYS * members)
    number = counts(rates[:, None, :] * levels[:, :, None] * days, bought.scatter)
    usual = bought.rate(ages) * bought.level[:, None] * BIN_DAYS
    add("purchases", BIN_DAYS * _ratio(seen, lived), usual, BIN_DAYS * number / days)
    orders = cohorts.orders
    if orders is not None:
        worths, order_levels = orders.draw(rng, draws, ages)
        # the sum of `number` purchases: Gamma with their scatter about the mean of one
        amount = rng.standard_gamma(number / orders.scatter) * orders.scatter
        value = amount * worths[:, None, :] * order_levels[:, :, None]
        add(
            "value",
            BIN_DAYS * _ratio(orders.seen[:, :ages], lived),
            usual * orders.rate(ages) * orders.level[:, None],
            BIN_DAYS * value / days,
        )
    index = pd.MultiIndex.from_product([cohorts.labels, range(ages)], names=["cohort", "age"])
    flat = {name: each.reshape(-1) for name, each in columns.items()}
    return pd.DataFrame(flat, index=index).astype({"customers": int})


def _ratio(seen: FloatArray, exposure: FloatArray) -> FloatArray:
    whole = np.full(seen.shape, np.nan)
    np.divide(seen, exposure, out=whole, where=exposure > 0)
    return whole
