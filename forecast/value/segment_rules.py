"""The numbers that part customers into segments: learned once, kept, applied next month."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.cash_flow import check_pair
from forecast.value.concentration import abc_cuts
from forecast.value.rfm import rfm_cuts, rfm_table
from forecast.views import customer_summary

__all__ = ["SegmentRules", "numbers_of"]


@dataclass(frozen=True)
class SegmentRules:
    """The numbers that part customers into segments; JSON-able by :meth:`to_dict`.

    Attributes
    ----------
    learned_on : str
        Cutoff the rules were learned at, ISO.
    horizon : str
        Of the forecast behind predicted value and activity.
    abc_past, abc_predicted : list of float
        Lowest value in A and in B (currency).
    rfm : dict of list of float
        Quintiles of ``days_since_last``, ``purchases`` and ``total_value``.
    value : float
        Past value (currency) from which a customer counts as valuable.
    p_active : float
        Probability of a purchase inside the horizon from which a customer counts as active.
    tiers : list of float
        Value of the last 365 days (currency) from which a customer is silver, gold, platinum.
    """

    learned_on: str
    horizon: str
    abc_past: list[float]
    abc_predicted: list[float]
    rfm: dict[str, list[float]]
    value: float
    p_active: float
    tiers: list[float]

    @classmethod
    def learn(
        cls,
        forecast: Forecast,
        ledger: Ledger,
        *,
        shares: tuple[float, float] = (0.80, 0.95),
        p_active: float = 0.5,
        tier_shares: tuple[float, float, float] = (0.50, 0.80, 0.95),
    ) -> Self:
        """Learn rules from a ledger and a forecast made from it.

        Parameters
        ----------
        shares : tuple of float
            Cumulative shares of value that A and B hold.
        p_active : float
            Probability that parts the active from the others.
        tier_shares : tuple of float
            Shares of last year's customers below silver, gold and platinum.
        """
        known = numbers_of(forecast, ledger)
        spenders = known.loc[known["year"] > 0, "year"].to_numpy(float)
        levels = np.asarray(tier_shares, dtype=float)
        if not 0 < p_active < 1 or not (np.diff([0.0, *levels, 1.0]) > 0).all():
            raise UsageError(
                "segments: p_active lies between 0 and 1, and tier_shares rise between them."
            )
        spenders = spenders if spenders.size else np.zeros(1)
        tiers = np.quantile(spenders, levels, method="inverted_cdf")
        cuts = abc_cuts(known["past"], shares)
        return cls(
            learned_on=ledger.cutoff.isoformat(),
            horizon=str(forecast.horizon),
            abc_past=list(cuts),
            abc_predicted=list(abc_cuts(known["predicted"], shares)),
            rfm=rfm_cuts(rfm_table(ledger)),
            value=cuts[0],
            p_active=p_active,
            tiers=tiers.tolist(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and text, as JSON keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Return the rules that :meth:`to_dict` wrote down."""
        names = set(cls.__dataclass_fields__)
        if set(kept) != names:
            odd = sorted(set(kept) ^ names)
            raise UsageError(f"rules: {', '.join(odd)} missing or unknown; give what to_dict made.")
        return cls(**kept)


def numbers_of(forecast: Forecast, ledger: Ledger) -> pd.DataFrame:
    """Return what the rules look at, by customer.

    Returns
    -------
    pandas.DataFrame
        Index ``customer_id``; ``past`` and ``predicted`` value, ``p_active``, and ``year``, the
        value of the last 365 days (currency).
    """
    if forecast.customers is None:
        raise UnsupportedError(f"{forecast.model} forecasts totals; segments need customers.")
    check_pair(forecast, ledger)
    past = customer_summary(ledger)["total_value"]
    table = forecast.customers.reindex(past.index)
    if table["expected_value"].isna().any() or table["p_active"].isna().any():
        missing = int(table[["expected_value", "p_active"]].isna().any(axis=1).sum())
        raise UsageError(
            f"{missing:,} customers have no expected value or no probability of a purchase; "
            f"{forecast.model} cannot part them."
        )
    rows = ledger.purchases()
    recent = rows["date"] > pd.Timestamp(ledger.cutoff - timedelta(days=365))
    year = rows[recent].groupby("customer_id")["value"].sum()
    return pd.DataFrame(
        {
            "past": past,
            "predicted": table["expected_value"],
            "p_active": table["p_active"],
            "year": year.reindex(past.index).fillna(0.0),
        }
    )
