"""Channels side by side: value, retention, payback and share."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.economics import UnitEconomics
from forecast.value.lifetime_value import clv
from forecast.value.margin import Margin
from forecast.views import cohort_table, customer_summary, labelled

__all__ = ["channel_table"]

AGES = (1, 3, 6, 12)  # months of 30 days
FEWEST = 10  # customers that a retention must rest on


def channel_table(
    forecast: Forecast,
    ledger: Ledger,
    by: str = "channel",
    *,
    margin: "float | str | pd.Series[Any] | Margin" = 1.0,
    rate: float = 0.0,
    economics: UnitEconomics | None = None,
) -> pd.DataFrame:
    """Return value, retention, payback and share of each channel.

    Differences between channels are associations: who comes by a channel may differ in more than
    the channel.

    Parameters
    ----------
    forecast : Forecast
        Of population "existing".
    ledger : Ledger
        What the model was fitted on, with the customer column ``by``.
    by : str
        Customer column; customers without a label are ``"(none)"``.
    margin, rate
        As in :func:`clv <forecast.value.lifetime_value.clv>`; revenue, undiscounted, by default.
    economics : UnitEconomics, optional
        By the same column: adds ``cac``, ``ltv_cac`` and ``payback``.

    Returns
    -------
    pandas.DataFrame
        One row a channel, the largest future first: ``customers`` and ``share_of_customers``;
        ``past``, ``future``, ``future_lo_90``, ``future_hi_90`` (currency) and
        ``share_of_future``; ``future_per_customer``; ``repeat_rate``, the share who bought again;
        ``expected_active``, the share expected to buy inside the horizon; ``active_month_1``,
        ``_3``, ``_6``, ``_12``, the share of customers old enough who bought in that month (30
        days) after the first purchase's own; missing where fewer than ten are.

    Raises
    ------
    UsageError
        If the ledger has no such column, or economics are by another.
    """
    if by not in ledger.customer_columns:
        raise UsageError(
            f"by: {by!r} is no customer column of the ledger; read it with "
            f"customer_columns=[{by!r}]."
        )
    if economics is not None and economics.table.index.name != by:
        raise UsageError(f"economics: they are by {economics.table.index.name!r}, not by {by!r}.")
    value = clv(forecast, ledger, margin=margin, rate=rate)
    assert forecast.customers is not None  # clv refuses totals
    summary = customer_summary(ledger)
    label = labelled(summary[by])
    out = pd.DataFrame({"customers": label.value_counts().sort_index()})
    out.index.name = by
    out["share_of_customers"] = out["customers"] / len(label)
    for name in ("past", "future"):
        out[name] = value.customers[name].groupby(label).sum(min_count=1)
    drawn = None if forecast.sampler is None else value.draws(label) - out["past"]
    for name, level in (("future_lo_90", 0.05), ("future_hi_90", 0.95)):
        out[name] = np.nan if drawn is None else drawn.quantile(level)
    out["share_of_future"] = out["future"] / out["future"].sum()
    out["future_per_customer"] = out["future"] / out["customers"]
    out["repeat_rate"] = (summary["frequency"] > 0).groupby(label).mean()
    out["expected_active"] = forecast.customers["p_active"].groupby(label).mean()
    curve = cohort_table(ledger, by)
    curve = curve[(curve["customers"] >= FEWEST) & curve["age"].isin(AGES)]
    share = (curve["active"] / curve["customers"]).set_axis(
        pd.MultiIndex.from_arrays([curve["cohort"].astype(str), curve["age"]])
    )
    for age in AGES:
        known = share[share.index.get_level_values(1) == age].droplevel(1)
        out[f"active_month_{age}"] = known.reindex(out.index)
    if economics is not None:
        out = out.join(economics.table[["cac", "ltv_cac", "payback"]])
    return out.sort_values("future", ascending=False, kind="stable")
