"""Customer lifetime value: what customers have brought in, and what they are still expected to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.cash_flow import CashFlow, Replayed
from forecast.value.discounting import check_rate
from forecast.value.margin import Margin
from forecast.value.sampling import check_level

__all__ = ["CustomerValue", "clv", "group_codes"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CustomerValue:
    """Past, future and total value of every customer; made by :func:`clv`.

    Attributes
    ----------
    customers : pandas.DataFrame
        Index ``customer_id``; margin in the ledger's currency. ``past``: earned up to the cutoff,
        as it came in, neither discounted nor compounded. ``future``: expected over the horizon,
        discounted to the cutoff, with predictive bounds ``future_lo_90``, ``future_hi_90``.
        ``total``: their sum, with ``total_lo_90``, ``total_hi_90``. With a lifetime also
        ``future_forever`` and ``total_forever``: expectations without an end.
    periods : pandas.DataFrame
        ``start``, ``end`` (half-open), ``expected_margin`` at the day of purchase,
        ``discounted_margin`` and its bounds ``discounted_lo_90``, ``discounted_hi_90``. The sum
        of ``discounted_margin`` is the sum of the customers' ``future``.
    cutoff : date
        End of the past; the day money is discounted to.
    horizon : Horizon
        Length of the future.
    rate : float
        Annual effective discount rate.
    notes : tuple of str
        What a reader must know.
    """

    customers: pd.DataFrame
    periods: pd.DataFrame
    cutoff: date
    horizon: Horizon
    rate: float
    notes: tuple[str, ...]
    flow: CashFlow = field(repr=False)

    def draws(self, by: "pd.Series[Any]") -> pd.DataFrame:
        """Return draws of each group's total value, past included.

        Parameters
        ----------
        by : pandas.Series
            Group of each customer, by ``customer_id``; customers it does not name are left out.

        Returns
        -------
        pandas.DataFrame
            One row a draw, one column a group; currency.
        """
        codes, groups = group_codes(by, self.customers.index)
        drawn = self.flow.replay(codes, len(groups)).totals.sum(axis=2)
        inside = codes >= 0
        past = np.bincount(codes[inside], self.customers["past"][inside], minlength=len(groups))
        return pd.DataFrame(drawn + past, columns=groups)

    def by(self, labels: "pd.Series[Any]", level: float = 0.9) -> pd.DataFrame:
        """Return the value of groups: a group's is the sum of its customers'.

        Parameters
        ----------
        labels : pandas.Series
            Group of each customer, by ``customer_id``.
        level : float
            Of the predictive interval.

        Returns
        -------
        pandas.DataFrame
            One row a group: ``customers``, ``past``, ``future``, ``total``, ``total_lo``,
            ``total_hi`` (currency) and ``per_customer``, the mean total.
        """
        check_level(level)
        codes, groups = group_codes(labels, self.customers.index)
        inside = self.customers[codes >= 0]
        sums = inside[["past", "future", "total"]].groupby(codes[codes >= 0])
        out = sums.sum(min_count=1).set_axis(groups)
        out.insert(0, "customers", sums.size().to_numpy())
        drawn = self.draws(labels)
        out["total_lo"] = drawn.quantile((1 - level) / 2)
        out["total_hi"] = drawn.quantile((1 + level) / 2)
        out["per_customer"] = out["total"] / out["customers"]
        return out


def clv(
    forecast: Forecast,
    ledger: Ledger,
    *,
    margin: "float | str | pd.Series[Any] | Margin",
    rate: float = 0.0,
    lifetime: Any = None,
) -> CustomerValue:
    """Return each customer's lifetime value: past, future over the horizon, and total.

    Parameters
    ----------
    forecast : Forecast
        Of population "existing"; its horizon is the future that counts.
    ledger : Ledger
        What the model was fitted on.
    margin : float, str, Series or Margin
        Margin as a share of value (1 for revenue), the name of a purchase column that holds it in
        money, shares by ``customer_id``, or a :class:`Margin` with a cost per order.
    rate : float
        Annual effective discount rate, 0.10 for ten per cent; a purchase is discounted from the
        middle of its period. 0 gives the plain sum.
    lifetime : object, optional
        A fitted model with a method ``lifetime_purchases(rate)``, or that function: expected
        purchases after the cutoff without an end, discounted at an annual rate, by
        ``customer_id``. It exists for models that know when customers leave, and for rates
        above 0.

    Raises
    ------
    UnsupportedError
        If the forecast has no customers or no values, or ``lifetime`` no such method.
    UsageError
        If forecast and ledger do not belong together, or a margin or rate makes no sense.

    Notes
    -----
    ``future = sum over periods of margin / (1 + rate) ** years``, with margin ``share * value -
    per_order * purchases`` (Gupta & Lehmann 2003, with the forecast in place of a constant
    retention rate). How value falls on periods is a customer's own, from the draws, and is
    scaled, so that customers and periods have one sum. Without draws it is everybody's.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(200, seed=3, refunds=0.0)
    >>> ledger = fc.read_ledger(shop.orders, key=())
    >>> found = fc.clv(fc.BTYD().fit(ledger).forecast("12M", draws=50), ledger,
    ...                margin=0.4, rate=0.10)
    >>> gap = found.customers["future"].sum() - found.periods["discounted_margin"].sum()
    >>> bool(abs(gap) < 1e-6)
    True
    """
    rate, terms = check_rate(rate), Margin.parse(margin)
    flow = CashFlow.of(forecast, ledger, terms, rate)
    assert forecast.customers is not None
    expected = forecast.customers[["expected_purchases", "expected_value"]]
    past = terms.of_purchases(ledger).groupby("customer_id")["margin"].sum()
    out = pd.DataFrame({"past": past.reindex(expected.index)}, index=expected.index)
    played = None if forecast.sampler is None else flow.replay()
    out["future"] = _expected(flow, played)
    bounds = np.nan if played is None else played.bounds
    out[["future_lo_90", "future_hi_90"]] = bounds
    out["total"] = out["past"] + out["future"]
    out[["total_lo_90", "total_hi_90"]] = out[["future_lo_90", "future_hi_90"]].add(
        out["past"], axis=0
    )
    if lifetime is not None:
        forever = _forever(lifetime, rate, expected.index)
        order = flow.share * forecast.customers["expected_order_value"] - flow.per_order
        out["future_forever"] = (forever * order).where(forever > 0, 0.0)
        out["total_forever"] = out["past"] + out["future_forever"]
    notes = _notes(ledger, terms, flow, out, lifetime is not None)
    periods = _periods(flow, played)
    return CustomerValue(out, periods, forecast.cutoff, forecast.horizon, rate, notes, flow)


def group_codes(
    labels: "pd.Series[Any]", customers: pd.Index
) -> tuple[npt.NDArray[np.int64], pd.Index]:
    """Return each customer's position among the sorted groups, -1 without one, and the groups."""
    if not isinstance(labels, pd.Series):
        raise UsageError(f"by: a {type(labels).__name__}; give a pandas Series by customer_id.")
    if labels.index.has_duplicates:
        raise UsageError("by: a customer is named twice; give each one group.")
    codes, groups = pd.factorize(labels.reindex(customers), sort=True)
    return codes.astype(np.int64), pd.Index(groups)


def _expected(flow: CashFlow, played: Replayed | None) -> FloatArray:
    """Discounted expected margin of each customer; its sum is that of the periods."""
    table, periods, factor = flow.forecast.customers, flow.forecast.periods, flow.factor
    assert table is not None
    out = np.zeros(len(table))
    for name, weight in (("value", flow.share), ("purchases", -flow.per_order)):
        each = table[f"expected_{name}"].to_numpy() * weight
        by_period = periods[f"expected_{name}"].to_numpy()
        left = (by_period * factor).sum() / by_period.sum() if by_period.sum() else 1.0
        own = np.full(len(table), left)
        if played is not None:
            own = played.value_factor if name == "value" else played.purchase_factor
            discounted = (each * own).sum()
            own = own * (each.sum() * left / discounted) if discounted else own
        out += each * own
    return out


def _periods(flow: CashFlow, played: Replayed | None) -> pd.DataFrame:
    table, periods = flow.forecast.customers, flow.forecast.periods
    assert table is not None
    value = table["expected_value"].to_numpy()
    pooled = (flow.share * value).sum() / value.sum() if value.sum() else flow.share.mean()
    out = periods[["start", "end"]].copy()
    out["expected_margin"] = (
        pooled * periods["expected_value"] - flow.per_order * periods["expected_purchases"]
    )
    out["discounted_margin"] = out["expected_margin"] * flow.factor
    bounds: Any = np.nan
    if played is not None:
        bounds = np.quantile(played.totals[:, 0], [0.05, 0.95], axis=0).T
    out[["discounted_lo_90", "discounted_hi_90"]] = bounds
    return out


def _forever(lifetime: Any, rate: float, customers: pd.Index) -> "pd.Series[float]":
    ask: Callable[[float], pd.Series[float]] | None = getattr(
        lifetime, "lifetime_purchases", lifetime if callable(lifetime) else None
    )
    if ask is None:
        raise UnsupportedError(
            f"{type(lifetime).__name__} cannot look further than a horizon: it has no "
            "lifetime_purchases(rate). Forecast a longer horizon instead."
        )
    if rate <= 0:
        raise UsageError(f"rate: {rate}; without an end, value is a number only for rates above 0.")
    found = ask(rate).reindex(customers)
    if found.isna().any():
        raise UsageError(f"lifetime: {int(found.isna().sum()):,} customers have no purchases.")
    return found


def _notes(
    ledger: Ledger, margin: Margin, flow: CashFlow, out: pd.DataFrame, forever: bool
) -> tuple[str, ...]:
    forecast = flow.forecast
    whole = "revenue" if (flow.share == 1).all() and not flow.per_order else "margin"
    notes = [
        f"Value is {whole}: the past up to {forecast.cutoff}, plus {forecast.horizon} after it, "
        f"discounted to that day at {flow.rate:.4g} a year (effective)."
    ]
    refunds = ledger.audit[ledger.audit["check"] == "days below 0"]
    if refunds["count"].sum():
        notes.append(f"Refunds outside the value: {refunds['what'].iloc[0]}")
    losing = int((out["past"] < 0).sum())
    if losing:
        notes.append(
            f"{losing:,} customers have a negative past: refunds or costs were above what their "
            "purchases earned. They stay in every sum."
        )
    order = flow.share.mean() * _mean_order(flow) - flow.per_order
    if order <= 0:
        notes.append(
            f"An average order loses money (margin {order:,.2f}): more purchases make it worse."
        )
    if margin.column is not None:
        notes.append(
            f"The future earns the past's pooled ratio of {margin.column!r} to value, "
            f"{flow.share[0]:.4g}."
        )
    if forever:
        notes.append(
            "Value without an end is an expectation: it has no interval, and rests on the model "
            "far beyond any holdout."
        )
    return tuple(notes)


def _mean_order(flow: CashFlow) -> float:
    periods = flow.forecast.periods
    count = float(periods["expected_purchases"].sum())
    return float(periods["expected_value"].sum()) / count if count else float("inf")
