"""Campaigns compared: effect, interval and a test that heavy tails do not mislead."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import TooLittleDataError, UsageError, listed
from forecast.value.sampling import check_level

__all__ = ["ASSOCIATION", "compare_campaigns", "difference", "holm"]

FloatArray = npt.NDArray[np.float64]

ASSOCIATION = (
    "A difference between campaigns is an association, not an effect: each may have reached other "
    "customers. Only a control group chosen at random tells what a campaign caused."
)
FEWEST = 5


def compare_campaigns(
    value: "pd.Series[Any]",
    campaign: "pd.Series[Any]",
    *,
    baseline: str | None = None,
    level: float = 0.9,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the mean value of customers between campaigns, pair by pair.

    Parameters
    ----------
    value : pandas.Series
        Value of each customer over one window (currency), by ``customer_id``.
    campaign : pandas.Series
        Campaign of each customer; customers without one are left out.
    baseline : str, optional
        Compare all with this one; by default every pair.
    level : float
        Of the interval of each difference.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a pair: ``campaign``, ``against``, ``customers``, ``customers_against``, ``mean``,
        ``mean_against`` and their ``difference`` (currency) with ``lo`` and ``hi``, the
        studentised bootstrap interval; ``p_higher``, the probability that a customer of the first
        is worth more than one of the second (ties count half); ``p_value`` of the Mann-Whitney
        test, and ``p_holm``, corrected for the number of pairs. ``attrs["note"]`` says what a
        difference is not.

    Raises
    ------
    TooLittleDataError
        If a campaign has fewer than five customers.

    Notes
    -----
    The bootstrap is about means, which pay the bills; the test is about ranks, which no single
    large order decides. Where they disagree, a few customers make the difference. Studentised
    bootstrap: Efron & Tibshirani 1993, section 12.5. Holm 1979.
    """
    groups = _groups(value, campaign)
    names = sorted(groups)
    if baseline is not None and baseline not in groups:
        raise UsageError(f"baseline: {baseline!r} is not one of {listed(names)}.")
    if baseline is None:
        pairs = [(two, one) for one, two in combinations(names, 2)]
    else:
        pairs = [(name, baseline) for name in names if name != baseline]
    rows = []
    for place, (one, two) in enumerate(pairs):
        first, second = groups[one], groups[two]
        lo, hi = difference(first, second, level=level, resamples=resamples, seed=[seed, place])
        higher, chance = _mann_whitney(first, second)
        rows.append(
            {
                "campaign": one,
                "against": two,
                "customers": first.size,
                "customers_against": second.size,
                "mean": first.mean(),
                "mean_against": second.mean(),
                "difference": first.mean() - second.mean(),
                "lo": lo,
                "hi": hi,
                "p_higher": higher,
                "p_value": chance,
            }
        )
    out = pd.DataFrame(rows)
    out["p_holm"] = holm(out["p_value"].to_numpy())
    out.attrs["note"] = ASSOCIATION
    return out


def difference(
    first: FloatArray,
    second: FloatArray,
    *,
    level: float = 0.9,
    resamples: int = 2000,
    seed: Any = 0,
) -> tuple[float, float]:
    """Return the studentised bootstrap interval of the difference of two means.

    Parameters
    ----------
    first, second : array
        Values of two groups of customers.
    level : float
        Of the interval.
    resamples, seed : int
        Of the bootstrap.
    """
    check_level(level)
    rng = np.random.default_rng(seed)
    first, second = np.sort(first), np.sort(second)  # so that no order of customers matters
    gap, error = first.mean() - second.mean(), np.hypot(_error(first), _error(second))
    if not error:
        return float(gap), float(gap)
    drawn = np.empty(resamples)
    for place in range(resamples):
        one = first[rng.integers(0, first.size, first.size)]
        two = second[rng.integers(0, second.size, second.size)]
        spread = max(np.hypot(_error(one), _error(two)), 1e-9 * error)
        drawn[place] = (one.mean() - two.mean() - gap) / spread
    low, high = np.quantile(drawn, [(1 + level) / 2, (1 - level) / 2])
    return float(gap - low * error), float(gap - high * error)


def holm(chances: npt.ArrayLike) -> FloatArray:
    """Return p-values corrected for how many there are (Holm 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(chances, dtype=float)
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] * np.arange(given.size, 0, -1))
    out = np.empty_like(given)
    out[order] = np.minimum(raised, 1.0)
    return out


def _groups(value: "pd.Series[Any]", campaign: "pd.Series[Any]") -> dict[str, FloatArray]:
    for name, each in (("value", value), ("campaign", campaign)):
        if not isinstance(each, pd.Series):
            raise UsageError(f"{name}: a {type(each).__name__}; give a Series by customer_id.")
        if each.index.has_duplicates:
            raise UsageError(f"{name}: a customer is named twice.")
    label = campaign.dropna().astype(str)
    worth = value.reindex(label.index)
    if not np.isfinite(worth.to_numpy(float)).all():
        gone = label.index[~np.isfinite(worth.to_numpy(float))].tolist()
        raise UsageError(f"value: {len(gone):,} customers of a campaign have none: {listed(gone)}.")
    groups = {str(name): each.to_numpy(float) for name, each in worth.groupby(label)}
    if len(groups) < 2:
        raise UsageError(f"campaign: two are needed to compare; there is {listed(list(groups))}.")
    few = sorted(name for name, each in groups.items() if each.size < FEWEST)
    if few:
        raise TooLittleDataError(
            f"{len(few):,} campaigns have fewer than {FEWEST} customers: {listed(few)}. Leave them "
            "out or join them."
        )
    return groups


def _error(sample: FloatArray) -> float:
    """Return the standard error of a mean."""
    return float(sample.std(ddof=1) / np.sqrt(sample.size))


def _mann_whitney(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    """Probability that one of the first is higher, and the test's p-value."""
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([first, second])) == 0:
        return 0.5, 1.0
    found = mannwhitneyu(first, second, alternative="two-sided", method="asymptotic")
    return float(found.statistic) / (first.size * second.size), float(found.pvalue)
