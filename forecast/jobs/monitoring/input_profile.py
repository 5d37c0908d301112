"""What a base looked like on the day of a run, as counts by bin, and how far two such days differ.

A base grows older from run to run: customers' ages, and with them their purchases, rise although
nothing has changed. So the profile is that of *recent customers*, first seen in the 26 weeks up to
the cutoff, who are alike at every cutoff of a shop that stays as it is.

The bins are narrow and always the same; which of them make up a tenth of the reference is decided
when two profiles are compared. No customer can be recognised in them, and none is needed.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import day_number
from forecast.errors import UsageError
from forecast.ledger import Ledger

__all__ = ["FEATURES", "compare_profiles", "input_profile", "noise_level", "psi"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RECENT = 182  # days
FEATURES = {  # feature: whether it is judged
    "frequency": True,  # repeat purchases of a recent customer
    "recency": True,  # days from first to last purchase of a recent customer
    "T": True,  # days since the first purchase of a recent customer
    "monetary_value": True,  # mean value of a recent customer's repeat purchases
    "orders_per_week": False,  # purchases of everybody in each of the last 26 weeks
}
_STEPS = 20  # bins for each factor of e: about 5 % wide
_NOTHING = -1_000_000  # bin of amounts of 0 and less
_GROUPS = 10
_TRIALS = 10_000


def input_profile(summary: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Count recent customers, and weeks, by bin of each feature.

    Parameters
    ----------
    summary : pandas.DataFrame
        :func:`forecast.customer_summary` of the ledger.
    ledger : Ledger
        Whose cutoff is that of the run.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``bin`` and ``count``, without empty bins; ``monetary_value`` is of those who
        bought again, and missing without amounts.
    """
    since = pd.Timestamp(ledger.cutoff - timedelta(days=RECENT))
    recent = summary[summary["first_purchase"] > since]
    codes = {name: _spread(recent[name]) for name in ("frequency", "recency", "T")}
    if ledger.has_value:
        again = recent.loc[recent["frequency"] > 0, "monetary_value"]
        codes["monetary_value"] = _scaled(again.to_numpy(float))
    codes["orders_per_week"] = _spread(_weekly(ledger))
    parts = []
    for feature, found in codes.items():
        bins, counts = np.unique(found, return_counts=True)
        parts.append(pd.DataFrame({"feature": feature, "bin": bins, "count": counts}))
    return pd.concat(parts, ignore_index=True)


def psi(reference: npt.ArrayLike, newest: npt.ArrayLike) -> float:
    """Return the population stability index of two sets of shares.

    ``sum((q - p) log(q / p))``, the symmetrised Kullback-Leibler divergence (Siddiqi 2006,
    Credit Risk Scorecards, ch. 8 reads under .1 as stable and above .25 as shifted).

    Parameters
    ----------
    reference, newest : array-like, shape (bins,)
        Shares or counts above 0; each set is scaled to add up to 1.

    Examples
    --------
    >>> round(psi([0.5, 0.5], [0.25, 0.75]), 4)
    0.2747
    """
    p, q = np.asarray(reference, dtype=float), np.asarray(newest, dtype=float)
    if p.shape != q.shape or not ((p > 0).all() and (q > 0).all()):
        raise UsageError("psi: give two sets of the same number of shares, all above 0.")
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    return float(((q - p) * np.log(q / p)).sum())


def noise_level(
    shares: npt.ArrayLike, n: int, m: int, *, level: float = 0.999, seed: int = 0
) -> float:
    """Return the PSI that chance alone exceeds in ``1 - level`` of cases, by simulation.

    Two samples of ``n`` and ``m`` are drawn 10,000 times from the same shares. For large samples
    the PSI tends to ``(1/n + 1/m)`` times chi-squared with one degree of freedom less than bins
    (Yurdakul & Naranjo 2020, J. Risk Model Validation 14(4)).

    Examples
    --------
    >>> level = noise_level([0.1] * 10, 1000, 1000)
    >>> 0.05 < level < 0.06  # .002 times 27.9
    True
    """
    rng = np.random.default_rng(seed)
    shares = np.asarray(shares, dtype=float)
    first, second = (
        rng.multinomial(size, shares / shares.sum(), size=_TRIALS) + 0.5 for size in (n, m)
    )
    p, q = (each / each.sum(axis=1, keepdims=True) for each in (first, second))
    return float(np.quantile(((q - p) * np.log(q / p)).sum(axis=1), level))


def compare_profiles(
    reference: pd.DataFrame, newest: pd.DataFrame, *, max_psi: float = 0.2, seed: int = 0
) -> pd.DataFrame:
    """Return the PSI of every feature that both profiles have.

    Parameters
    ----------
    reference, newest : pandas.DataFrame
        As :func:`input_profile` returns.
    max_psi : float
        From where on a feature counts as drifted, if chance does not reach so far.
    seed : int
        Of the simulation of the noise.

    Returns
    -------
    pandas.DataFrame
        Index ``feature``; ``reference_n``, ``newest_n`` (customers, or weeks), ``bins`` (tenths
        of the reference, fewer where values repeat), ``psi``, ``noise_999`` (what chance exceeds
        once in 1,000 times), ``band`` ("stable" under .1, "moderate" under .2, "large"; "noise"
        where chance alone reaches as far), ``judged`` and ``drifted``.
    """
    rows = {}
    for feature, judged in FEATURES.items():
        p, q = (each[each["feature"] == feature] for each in (reference, newest))
        if p.empty or q.empty:
            continue
        before, now = _grouped(p, q)
        found = psi(before + 0.5, now + 0.5)
        n, m = int(before.sum()), int(now.sum())
        noise = noise_level(before + now + 0.5, n, m, seed=seed)
        band = "stable" if found < 0.1 else "moderate" if found < 0.2 else "large"
        rows[feature] = {
            "reference_n": n, "newest_n": m, "bins": len(before), "psi": found,
            "noise_999": noise, "band": "noise" if 0.1 <= found <= noise else band,
            "judged": judged, "drifted": judged and found > max(max_psi, noise),
        }  # fmt: skip
    columns = ["reference_n", "newest_n", "bins", "psi", "noise_999", "band", "judged", "drifted"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index.name = "feature"
    return table


def _grouped(reference: pd.DataFrame, newest: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Merge narrow bins into about ten of equal weight in the reference."""
    bins, counts = _sorted(reference)
    share = (np.cumsum(counts) - counts / 2) / counts.sum()
    group = np.minimum((share * _GROUPS).astype(np.int64), _GROUPS - 1)
    last = np.append(np.flatnonzero(np.diff(group)), len(bins) - 1)  # last bin of each group
    edges = bins[last[:-1]]
    others, more = _sorted(newest)
    size = len(last)
    before = np.bincount(np.searchsorted(edges, bins), counts, minlength=size)
    now = np.bincount(np.searchsorted(edges, others), more, minlength=size)
    return before.astype(float), now.astype(float)


def _sorted(profile: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    ordered = profile.sort_values("bin")
    return ordered["bin"].to_numpy(np.int64), ordered["count"].to_numpy(float)


def _spread(numbers: Any) -> IntArray:
    """Bin counts and days: 0 to about 20 each on its own, then 5 % wide."""
    return np.asarray(np.round(_STEPS * np.log1p(np.asarray(numbers, dtype=float))), np.int64)


def _scaled(amounts: FloatArray) -> IntArray:
    """Bin amounts, each bin 5 % wide whatever the currency."""
    logs = np.log(np.where(amounts > 0, amounts, 1.0))
    return np.where(amounts > 0, np.floor(_STEPS * logs), _NOTHING).astype(np.int64)


def _weekly(ledger: Ledger) -> IntArray:
    """Count purchases in each whole week of the last 26, as far as the log goes back."""
    import narwhals.stable.v2 as nw

    last = day_number(ledger.cutoff)
    weeks = min(RECENT // 7, (last - day_number(ledger.first_day) + 1) // 7)
    days = ledger.days().filter(nw.col("day") > last - 7 * weeks).group_by("day")
    frame = days.agg(nw.len().cast(nw.Int64).alias("n")).sort("day").collect("pyarrow").to_pandas()
    week = (last - frame["day"].to_numpy(np.int64)) // 7
    return np.bincount(week, frame["n"], minlength=weeks).astype(np.int64)
