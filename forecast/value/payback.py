"""Payback: how old customers are when the margin they have brought covers what they cost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.ledger import Ledger
from forecast.value.cash_flow import CashFlow
from forecast.value.discounting import discount_factor, middles
from forecast.value.margin import Margin, earned_by_age
from forecast.value.sampling import check_level
from forecast.views import customer_summary

__all__ = ["AgeCurves", "age_curves"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MONTH = 30  # days, as in cohort_table
FEWEST = 10  # customers that an age must rest on


@dataclass(frozen=True, eq=False)
class AgeCurves:
    """Cumulative margin per customer by age, seen and drawn.

    Attributes
    ----------
    groups : pandas.Index
        Rows of ``customers``, second axis of ``margin``.
    customers : array of int, shape (groups, ages)
        Customers whose age lies wholly in the time seen and forecast.
    margin : array, shape (draws, groups, ages)
        Mean margin per customer from the first purchase to the end of each age (months of 30
        days); missing at ages that fewer than ten customers reach (all, in a smaller group).
    """

    groups: pd.Index
    customers: IntArray
    margin: FloatArray

    def months_to(self, cost: npt.ArrayLike) -> FloatArray:
        """Return draws of the age, in months of 30 days, at which a cost per customer is covered.

        Parameters
        ----------
        cost : array-like, shape (groups,)
            Cost of acquiring a customer; 0 is covered at once.

        Returns
        -------
        array, shape (draws, groups)
            Infinite where the time seen and forecast does not suffice; missing without a cost.
        """
        cost = np.asarray(cost, dtype=float)
        covered = np.nan_to_num(self.margin, nan=-np.inf) >= cost[:, None]
        first = np.where(covered.any(axis=2), covered.argmax(axis=2) + 1.0, np.inf)
        return np.where(np.isnan(cost), np.nan, np.where(cost == 0, 0.0, first))

    @property
    def reach(self) -> IntArray:
        """Months of age that each group's curve reaches."""
        return np.asarray(np.isfinite(self.margin[0]).sum(axis=1), dtype=np.int64)

    def table(self, level: float = 0.9) -> pd.DataFrame:
        """Return the curves as a table, one row a group and age.

        Returns
        -------
        pandas.DataFrame
            The group's labels, ``age_months`` (of 30 days), ``customers``,
            ``margin_per_customer`` (currency, cumulative; the mean of the draws) and its
            predictive bounds ``lo``, ``hi``. Where all customers have lived an age, its bounds
            are one number.
        """
        check_level(level)
        groups, ages = self.customers.shape
        lo, hi = np.quantile(self.margin, [(1 - level) / 2, (1 + level) / 2], axis=0)
        names = self.groups.to_frame(index=False)
        out = names.loc[np.repeat(np.arange(groups), ages)].reset_index(drop=True)
        out["age_months"] = np.tile(np.arange(1, ages + 1), groups)
        out["customers"] = self.customers.ravel()
        out["margin_per_customer"] = self.margin.mean(axis=0).ravel()
        out["lo"], out["hi"] = lo.ravel(), hi.ravel()
        return out.dropna(subset="margin_per_customer").reset_index(drop=True)


def age_curves(
    flow: CashFlow,
    ledger: Ledger,
    margin: Margin,
    member: npt.NDArray[np.bool_],
    codes: IntArray,
    groups: pd.Index,
) -> AgeCurves:
    """Return the cumulative margin per customer by age of groups of customers.

    The margin at an age is what customers earned there before the cutoff or, in a draw, earn
    there inside the horizon, over the number of customers who pass that age wholly in either: a
    triangle of cohorts, its lower half drawn. It is discounted to the first purchase at the
    flow's rate, and rests on fewer and older customers the higher the age.

    Parameters
    ----------
    member : array of bool, shape (rows, groups)
        Which groups a row adds up.
    codes : array of int, shape (customers,)
        Group of each customer; -1 for none.
    groups : pandas.Index
        Labels of the rows.
    """
    assert flow.forecast.customers is not None
    people = customer_summary(ledger).reindex(flow.forecast.customers.index)
    sampler = flow.forecast.sampler
    draws, count = (sampler.draws if sampler else 0), member.shape[1]
    today = people["T"].to_numpy() + 1.0  # age at the end of the cutoff, in days
    full = ((today + flow.forecast.window.days) // MONTH).astype(np.int64)
    ages = int(full[codes >= 0].max(initial=0))
    inside = np.where(codes < 0, count, codes)
    size = np.zeros((count + 1, ages), dtype=np.int64)
    for group in range(count):
        size[group] = (full[codes == group][:, None] > np.arange(ages)).sum(axis=0)

    who, days, money = earned_by_age(margin, ledger, people, flow.rate)
    past = _by_age(inside[who], days, money, full[who], (count + 1, ages))

    margins = np.zeros((draws, count + 1, ages)) + past
    middle = middles(flow.forecast)
    for each in flow.entries():
        person = each.rows.start + each.customer
        days = today[person] + middle[each.period]
        money = each.margin * discount_factor(flow.rate, days)
        group = each.draw * (count + 1) + inside[person]
        drawn = _by_age(group, days, money, full[person], (draws * (count + 1), ages))
        margins += drawn.reshape(margins.shape)
    return _cumulative(
        groups,
        np.asarray(member @ size[:count], dtype=np.int64),
        np.einsum("rg,dga->dra", member.astype(float), margins[:, :count]),
    )


def _by_age(
    group: Any, days: Any, money: FloatArray, full: Any, shape: tuple[int, int]
) -> FloatArray:
    """Sum money by group and age, leaving out ages a customer does not pass wholly."""
    age = (np.asarray(days) // MONTH).astype(np.int64)
    kept = age < np.minimum(full, shape[1])
    place = group[kept] * shape[1] + age[kept]
    flat = np.bincount(place, money[kept], minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=float)


def _cumulative(groups: pd.Index, size: IntArray, money: FloatArray) -> AgeCurves:
    enough = size >= np.clip(size[:, :1], 1, FEWEST)
    per_customer = np.where(enough, money / np.maximum(size, 1), np.nan)
    return AgeCurves(groups, size, np.cumsum(per_customer, axis=2))
