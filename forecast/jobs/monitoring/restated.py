"""Whether the past has changed since a run saw it, and whether the log still arrives."""

import math
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.backtest.checks.check import tail
from forecast.calendar import day_number
from forecast.jobs.monitoring.run_history import RunHistory, rows_of
from forecast.ledger import Ledger
from forecast.views import customer_summary

__all__ = ["freshness", "restated"]

_WEEKS = 13
_YEAR = 365


def restated(history: RunHistory, ledger: Ledger, runs: pd.DataFrame) -> pd.DataFrame:
    """Compare the past as runs saw it with the past as the ledger has it.

    Parameters
    ----------
    history : RunHistory
    ledger : Ledger
        The log as it is today.
    runs : pandas.DataFrame
        Rows of :meth:`RunHistory.runs`.

    Returns
    -------
    pandas.DataFrame
        One row a run whose cutoff the ledger reaches: ``changed`` (the fingerprint differs),
        ``customers`` of the run, how many of them are ``missing`` or ``altered`` (other days, or
        amounts, of purchases), how many are ``added``, ``purchases_more`` (count), and ``share``
        of customers concerned; of purchases alone where customers were not kept.
    """
    rows = []
    for run in rows_of(runs[runs["cutoff"] <= ledger.cutoff]):
        row: dict[str, Any] = {
            "run_id": run.run_id, "horizon": run.horizon, "cutoff": run.cutoff, "changed": False,
            "customers": run.customers, "missing": 0, "altered": 0, "added": 0,
            "purchases_more": 0, "share": 0.0,
        }  # fmt: skip
        if run.cutoff < ledger.first_day:
            row |= {"changed": True, "missing": run.customers, "share": 1.0}
            row["purchases_more"] = -int(run.purchases)
        else:
            then = ledger.cut(run.cutoff)
            if then.summary_hash() != run.data_hash:
                row |= {"changed": True} | _difference(history, run, customer_summary(then))
        rows.append(row)
    columns = ["run_id", "horizon", "cutoff", "changed", "customers", "missing", "altered", "added"]
    return pd.DataFrame(rows, columns=[*columns, "purchases_more", "share"])


def freshness(ledger: Ledger, today: date, stale_days: int) -> dict[str, Any]:
    """Return how old the newest purchase is, and whether the last week is as full as usual.

    Parameters
    ----------
    ledger : Ledger
    today : date
        Up to when purchases should have arrived.
    stale_days : int
        So many days without a purchase are too many, if no gap of the last year was as long.

    Returns
    -------
    dict
        ``last_day`` of a purchase, ``days_since``, ``longest_gap`` (days, in the year before),
        ``stale``, ``unusual`` (twice the longest gap); ``last_week`` and ``usual_week``
        (purchases in the last 7 days up to the cutoff, and a week on average over the 13 before),
        ``week_p_value`` (of so few, by a Poisson with the weeks' own dispersion) and ``dropped``
        (under half, and a chance under .001).
    """
    frame = ledger.days().group_by("day").agg(nw.len().cast(nw.Int64).alias("n")).sort("day")
    table = frame.collect("pyarrow").to_pandas()
    days, counts = table["day"].to_numpy(np.int64), table["n"].to_numpy(np.int64)
    last_day = date(1970, 1, 1) + timedelta(days=int(days[-1]))
    since = (today - last_day).days
    recent = days[days >= days[-1] - _YEAR]
    longest = int(np.diff(recent).max()) if len(recent) > 1 else 0
    week = (day_number(ledger.cutoff) - days) // 7
    whole = int((day_number(ledger.cutoff) - days[0] + 1) // 7)
    weekly = np.bincount(week, counts, minlength=_WEEKS + 1)[: min(_WEEKS + 1, max(whole, 1))]
    found: dict[str, Any] = {
        "last_day": last_day, "days_since": since, "longest_gap": longest,
        "stale": since > max(stale_days, longest), "unusual": since > max(2 * longest, 2),
        "last_week": int(weekly[0]), "usual_week": math.nan, "week_p_value": 1.0,
        "dropped": False,
    }  # fmt: skip
    if len(weekly) == _WEEKS + 1:
        before = weekly[1:]
        mean = float(before.mean())
        dispersion = max(1.0, float(before.var(ddof=1)) / mean) if mean > 0 else 1.0
        spread = math.sqrt(dispersion * mean * (1 + 1 / _WEEKS))
        chance = tail((mean - float(weekly[0])) / spread) if spread > 0 else 1.0
        found |= {"usual_week": mean, "week_p_value": chance}
        found["dropped"] = bool(weekly[0] < mean / 2 and chance < 0.001)
    return found


def _difference(history: RunHistory, run: Any, now: pd.DataFrame) -> dict[str, Any]:
    """Count customers of the run whose past is no longer what it was."""
    more = int(now["n_purchases"].sum()) - int(run.purchases)
    then = history.customers(run)
    if then is None:
        return {"purchases_more": more, "share": abs(more) / max(int(run.purchases), 1)}
    place = now.index.get_indexer(then.index)
    old, new = then[place >= 0], now.iloc[place[place >= 0]]
    differs = np.zeros(len(old), dtype=bool)
    differs |= old["n_purchases"].to_numpy(np.int64) != new["n_purchases"].to_numpy(np.int64)
    for name in ("first_purchase", "last_purchase"):
        before, after = (pd.to_datetime(each[name]).to_numpy() for each in (old, new))
        differs |= before != after
    if run.has_value and new["total_value"].notna().all():
        differs |= ~np.isclose(old["total_value"], new["total_value"], rtol=1e-9, atol=1e-6)
    missing, added = len(then) - len(old), len(now) - len(old)
    found = {"missing": missing, "altered": int(differs.sum()), "added": added}
    share = sum(found.values()) / max(len(then) + added, 1)
    return found | {"purchases_more": more, "share": share}
