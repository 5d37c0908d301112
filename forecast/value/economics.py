"""Unit economics: what a customer brings beside what he cost, by channel, campaign and month."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UnsupportedError, UsageError, listed
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.acquisition import Acquisition, acquisition_cost
from forecast.value.headline import economics_headline, group_names
from forecast.value.lifetime_value import CustomerValue, clv
from forecast.value.margin import Margin
from forecast.value.payback import AgeCurves, age_curves
from forecast.value.sampling import sampling_error
from forecast.value.tables import Tables

__all__ = ["UnitEconomics", "unit_economics"]

FloatArray = npt.NDArray[np.float64]
BOUNDS = [0.05, 0.95]
EVERYBODY = "(all)"
SHOWN = [1, 2, 3, 6, 9, 12, 18, 24, 36]  # ages a report prints
Target = Literal["customers", "channel"]


@dataclass(frozen=True, eq=False)
class UnitEconomics(Tables):
    """Cost, value, ratio and payback of groups of customers; made by :func:`unit_economics`.

    It is a mapping of names to tables, as :func:`forecast.report` takes for ``value``.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a group and one ``"(all)"``. ``customers``, ``share_of_customers``; ``cost`` and
        ``cac`` (currency; missing where unknown); ``ltv``, past and future margin per customer
        (currency), with ``ltv_lo_90``, ``ltv_hi_90``; ``ltv_cac`` with bounds, ``p_above_3``
        (probability that LTV:CAC exceeds the target ratio, 3 by default) and ``p_below_1``;
        ``roi``, (margin - cost) / cost, with bounds; ``max_cac`` (currency), the highest cost a
        customer at which the target ratio is missed with at most the given risk; ``payback``, in
        words, and ``payback_months``, the median age at payback in months of 30 days, with bounds
        (missing beyond what was seen and forecast) and ``p_paid_back``, the probability that it
        lies inside.
    draws : pandas.DataFrame
        Draws of LTV per customer, one column a row of ``table``.
    curves : AgeCurves
        Cumulative margin per customer by age.
    value : CustomerValue
        The customers behind it.
    acquisition : Acquisition
        The cost behind it.
    target : {"customers", "channel"}
        What the intervals are about.
    notes : tuple of str
        What a reader must know.
    currency : str or None
        What the ledger calls amounts.
    """

    table: pd.DataFrame
    draws: pd.DataFrame = field(repr=False)
    curves: AgeCurves = field(repr=False)
    value: CustomerValue = field(repr=False)
    acquisition: Acquisition = field(repr=False)
    target: Target
    notes: tuple[str, ...]
    currency: str | None = None

    def max_cac(self, ratio: float = 3.0, risk: float = 0.1) -> "pd.Series[float]":
        """Return what a customer of each group may cost, ``quantile(LTV, risk) / ratio``.

        At that cost LTV:CAC stays below ``ratio`` with probability ``risk``; 0 where even a free
        customer would.
        """
        _check_target(ratio, risk)
        return (self.draws.quantile(risk) / ratio).clip(lower=0.0).rename("max_cac")

    def payback(self) -> pd.DataFrame:
        """Return the distribution of the age at payback.

        Returns
        -------
        pandas.DataFrame
            One row an age in months of 30 days, from 0; one column a group: the probability that
            its margin per customer has covered its CAC by then. Missing without a CAC.
        """
        months = self.curves.months_to(self.table["cac"])
        ages = np.arange(self.curves.margin.shape[2] + 1)
        by_then = (months[:, :, None] <= ages).mean(axis=0)
        by_then[np.isnan(months[0])] = np.nan
        return pd.DataFrame(by_then.T, index=pd.Index(ages, name="month"), columns=self.table.index)

    @property
    def headline(self) -> tuple[str, ...]:
        """What a customer is worth and costs, and which groups reach the target ratio."""
        return economics_headline(self.table, str(self.value.horizon), self.currency)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""
        curves, names = self.curves.table(), list(self.table.columns)
        ratios, payback = names.index("ltv_cac"), names.index("payback")
        return {
            "Cost and lifetime value of a customer": self.table.iloc[:, :ratios],
            "Lifetime value over cost, and return": self.table.iloc[:, ratios:payback],
            "Payback, months of 30 days": self.table.iloc[:, payback:],
            "Margin per customer by age in months, cumulative": curves[
                curves["age_months"].isin(SHOWN)
            ].reset_index(drop=True),
            "What to know": pd.DataFrame({"remark": self.notes}),
            "Verdict on cost and value": pd.DataFrame({"verdict": self.headline}),
        }


def unit_economics(
    forecast: Forecast,
    ledger: Ledger,
    spend: Any,
    *,
    margin: "float | str | pd.Series[Any] | Margin",
    rate: float = 0.0,
    by: str | Sequence[str] = "channel",
    first_touch: Any = None,
    target: Target = "customers",
    ratio: float = 3.0,
    risk: float = 0.1,
    seed: int = 0,
) -> UnitEconomics:
    """Return LTV, CAC, their ratio, payback and return of channels, with their uncertainty.

    Parameters
    ----------
    forecast : Forecast
        Of population "existing", with draws.
    ledger : Ledger
        What the model was fitted on.
    spend : table
        ``date``, ``channel`` (or what ``by`` names) and ``cost``.
    margin, rate
        As in :func:`clv <forecast.value.lifetime_value.clv>`. LTV is the mean of the customers'
        past and discounted future; payback curves are discounted to the first purchase instead.
    by, first_touch
        As in :func:`acquisition_cost <forecast.value.acquisition.acquisition_cost>`.
    target : {"customers", "channel"}
        What the intervals of LTV, ratio and return are about. ``"customers"``: what these very
        customers will have brought by the end of the horizon; the past is known and only the
        future varies. ``"channel"``: what the channel's customers are worth on average, of whom
        these are a sample; the standard error of their mean comes on top. Payback is about these
        customers in both.
    ratio : float
        LTV:CAC to reach.
    risk : float
        Accepted probability of missing it, for ``max_cac``.
    seed : int
        Of the sampling error.

    Raises
    ------
    UnsupportedError
        If the forecast has no customers, values or draws.
    UsageError, DataError
        If tables do not belong together.

    Notes
    -----
    CAC is taken as known: it is what was spent, over whom it brought. No cost is spread over
    other groups; ``"(all)"`` divides all recorded cost by all customers (blended CAC).

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(200, seed=3, refunds=0.0)
    >>> ledger = fc.read_ledger(shop.orders, customer_columns=["channel"], key=())
    >>> found = fc.BTYD().fit(ledger).forecast("26W", draws=100)
    >>> value = fc.unit_economics(found, ledger, shop.spend, margin=0.4, rate=0.10)
    >>> value.table.loc["social", "payback"], value.table.loc["social", "cac"].item()
    ('1 month', 12.0)
    """
    _check_target(ratio, risk)
    if target not in ("customers", "channel"):
        raise UsageError(f"target: {target!r} is neither 'customers' nor 'channel'.")
    if forecast.sampler is None:
        raise UnsupportedError(f"{forecast.model} was forecast without draws; pass draws=1000.")
    acquired = acquisition_cost(ledger, spend, by=by, first_touch=first_touch)
    terms = Margin.parse(margin)
    value = clv(forecast, ledger, margin=terms, rate=rate)
    codes = np.asarray(acquired.groups.reindex(value.customers.index), dtype=np.int64)
    groups = len(acquired.table)
    member = np.vstack([np.eye(groups, dtype=bool), np.ones(groups, dtype=bool)])
    rows = _with_all(acquired.table.index)

    size = member @ acquired.table["customers"].to_numpy()
    known = value.customers[codes >= 0]
    inside = np.asarray(codes[codes >= 0])
    expected = member @ np.bincount(inside, known["total"], minlength=groups)
    drawn = value.flow.replay(codes, groups).totals.sum(axis=2) @ member.T
    drawn += member @ np.bincount(inside, known["past"], minlength=groups)
    if target == "channel":
        error = sampling_error(known["total"].to_numpy(), inside, groups, len(drawn), seed)
        drawn += (error * acquired.table["customers"].to_numpy()) @ member.T
    with np.errstate(invalid="ignore", divide="ignore"):
        ltv, draws = expected / size, drawn / size

    table = pd.DataFrame({"customers": size}, index=rows)
    table["share_of_customers"] = size / size[-1]
    table["cost"] = [*acquired.table["cost"], acquired.table["cost"].sum()]
    table["cac"] = [*acquired.table["cac"], acquired.table["cost"].sum() / size[-1]]
    curves = age_curves(value.flow, ledger, terms, member, codes, rows)
    lost = np.append(acquired.lost, False)
    _add_ratios(table, ltv, draws, lost, ratio, risk)
    _add_payback(table, curves)
    notes = (*_about(target, table, ratio, forecast), *acquired.notes, *value.notes)
    frame = pd.DataFrame(draws, columns=rows)
    return UnitEconomics(
        table, frame, curves, value, acquired, target, notes, currency=ledger.currency
    )


def _with_all(groups: pd.Index) -> pd.Index:
    if isinstance(groups, pd.MultiIndex):
        last = pd.MultiIndex.from_tuples([(EVERYBODY,) * groups.nlevels], names=groups.names)
        return groups.append(last)
    return groups.append(pd.Index([EVERYBODY])).rename(groups.name)


def _add_ratios(
    table: pd.DataFrame,
    ltv: FloatArray,
    draws: FloatArray,
    lost: "npt.NDArray[np.bool_]",
    ratio: float,
    risk: float,
) -> None:
    """Add LTV, LTV:CAC, return on cost and the highest bearable CAC."""
    cac = table["cac"].to_numpy()
    paid = np.where(cac > 0, cac, np.nan)
    table["ltv"] = ltv
    table["ltv_lo_90"], table["ltv_hi_90"] = np.quantile(draws, BOUNDS, axis=0)
    ratios = draws / paid
    table["ltv_cac"] = ltv / paid
    table["ltv_cac_lo_90"], table["ltv_cac_hi_90"] = np.quantile(ratios, BOUNDS, axis=0)
    unknown = np.isnan(ratios[0])
    table[f"p_above_{ratio:g}"] = np.where(unknown, np.nan, (ratios > ratio).mean(axis=0))
    table["p_below_1"] = np.where(unknown, np.nan, (ratios < 1).mean(axis=0))
    for name in ("roi", "roi_lo_90", "roi_hi_90"):
        table[name] = table[name.replace("roi", "ltv_cac")] - 1.0
    table.loc[lost, ["roi", "roi_lo_90", "roi_hi_90"]] = -1.0  # spent, and nobody came
    table["max_cac"] = np.maximum(np.quantile(draws, risk, axis=0) / ratio, 0.0)


def _add_payback(table: pd.DataFrame, curves: AgeCurves) -> None:
    """Add the median age at payback, its bounds, and the same in words."""
    months = curves.months_to(table["cac"])
    lo, middle, hi = np.quantile(months, [0.05, 0.5, 0.95], axis=0, method="higher")
    words = []
    for each, reach in zip(middle, curves.reach, strict=True):
        if np.isnan(each):
            words.append("unknown")
        elif np.isinf(each):
            words.append(f"not within {_months(int(reach))}")
        else:
            words.append("at once" if each == 0 else _months(int(each)))
    table["payback"] = words
    for name, each in (("months", middle), ("lo_90", lo), ("hi_90", hi)):
        table[f"payback_{name}"] = np.where(np.isfinite(each), each, np.nan)
    known = ~np.isnan(months[0])
    table["p_paid_back"] = np.where(known, np.isfinite(months).mean(axis=0), np.nan)


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"


def _about(target: str, table: pd.DataFrame, ratio: float, forecast: Forecast) -> list[str]:
    whom = {
        "customers": "these customers by the end of the horizon; the past is known",
        "channel": "the mean of the customers a channel brings, of whom these are a sample",
    }[target]
    notes = [f"Intervals (90 %) are about {whom}. The ratio to reach is {ratio:g}."]
    late = table.index[table["payback"].str.startswith("not within") & (table["ltv"] > 0)].tolist()
    if late:
        notes.append(
            f"Not paid back within what was seen and the {forecast.horizon} forecast: "
            f"{listed(group_names(late))}. A longer horizon may tell."
        )
    losing = table.index[table["ltv"] <= 0].tolist()
    if losing:
        said = listed(group_names(losing))
        notes.append(f"A customer loses money before any cost of acquisition: {said}.")
    return notes


def _check_target(ratio: float, risk: float) -> None:
    if not ratio > 0:
        raise UsageError(f"ratio: {ratio} must be above 0; 3 is usual.")
    if not 0 < risk < 1:
        raise UsageError(f"risk: {risk} must be a probability between 0 and 1, e.g. 0.1.")
