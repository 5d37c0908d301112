"""What a customer cost: marketing spend over customers acquired, by channel, campaign and month."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import ColumnError, DataError, UsageError, listed
from forecast.ledger import Ledger
from forecast.value.currency import one_currency
from forecast.value.first_touch import first_touches
from forecast.value.headline import group_names
from forecast.value.spend_table import read_spend
from forecast.views import NO_LABEL, customer_summary, labelled

__all__ = ["Acquisition", "acquisition_cost"]

BoolArray = npt.NDArray[np.bool_]
MONTH = "month"


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Customers acquired and what they cost; made by :func:`acquisition_cost`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a group, indexed by its labels, groups with spend but no customers and with
        customers but no spend included: ``customers`` acquired, ``cost`` (currency; missing where
        the spend table does not name the group) and ``cac``, cost a customer (missing without
        customers, without recorded cost, and for the unattributed).
    groups : pandas.Series
        Position in ``table`` of each customer, by ``customer_id``; -1 for those acquired before
        the month in which the spend table begins, or after the one in which it ends.
    notes : tuple of str
        What a reader must know.
    """

    table: pd.DataFrame
    groups: "pd.Series[Any]" = field(repr=False)
    notes: tuple[str, ...]

    @property
    def lost(self) -> BoolArray:
        """Which groups have a cost and no customers."""
        spent = (self.table["cost"] > 0) & (self.table["customers"] == 0)
        return np.asarray(spent & ~_unattributed(self.table.index))


def acquisition_cost(
    ledger: Ledger,
    spend: Any,
    *,
    by: str | Sequence[str] = "channel",
    first_touch: Any = None,
) -> Acquisition:
    """Return the cost of acquiring a customer, ``CAC = cost / customers acquired``.

    A customer is acquired on the day of the first purchase; those of months before the spend table
    begins or after it ends are left out, and counted. Spend that names nobody and customers
    whom nobody claims have rows of their own; no cost is spread over others.

    Parameters
    ----------
    ledger : Ledger
        Purchases up to the cutoff. Later spend is left out and counted.
    spend : table
        See :func:`read_spend <forecast.value.spend_table.read_spend>`.
    by : str or sequence of str
        ``"channel"``, ``"campaign"`` or any customer column that the spend table has too, and
        ``"month"``: of the first purchase and of the spend.
    first_touch : table, optional
        ``customer_id``, the labels and, where a customer may have several touches, ``date``: the
        earliest up to the first purchase counts. By default labels are customer columns of the
        ledger.

    Raises
    ------
    UsageError, ColumnError, DataError
        If a label or column is missing, or currencies differ.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(200, seed=3)
    >>> ledger = fc.read_ledger(shop.orders, customer_columns=["channel"], key=())
    >>> fc.acquisition_cost(ledger, shop.spend).table["cac"].round(2).to_dict()
    {'organic': 0.0, 'referral': 8.0, 'search': 18.0, 'social': 12.0}
    """
    keys = (by,) if isinstance(by, str) else tuple(by)
    if not keys or len(set(keys)) < len(keys):
        raise UsageError(f"by: {by!r} must name each label once.")
    named = tuple(key for key in keys if key != MONTH)
    costs = read_spend(spend, named)
    one_currency(ledger, costs)
    people = customer_summary(ledger)[["first_purchase", "cohort"]]
    labels = _labels(ledger, people, named, first_touch)
    cutoff = pd.Timestamp(ledger.cutoff)
    opening = pd.Timestamp(ledger.first_day).to_period("M").start_time
    late, early = costs["date"] > cutoff, costs["date"] < opening
    notes = [
        f"{int(rows.sum()):,} spend rows ({costs['cost'][rows].sum():,.2f}) lie {when} and are "
        "left out."
        for rows, when in ((late, f"after the cutoff {ledger.cutoff}"),
                           (early, f"before the month of the first purchase, {opening:%Y-%m}"))
        if rows.any()
    ]  # fmt: skip
    costs = costs[~late & ~early]
    if costs.empty:
        raise DataError(
            f"The spend table has no row between {opening:%Y-%m-%d} and the cutoff "
            f"{ledger.cutoff}: there is no CAC."
        )
    counted, left = _covered(people["first_purchase"], costs["date"], opening)
    notes += left
    notes += _half_month(costs, cutoff)
    costs = costs.assign(**{MONTH: costs["date"].dt.strftime("%Y-%m")})
    labels[MONTH] = people["cohort"]
    cost = costs.groupby(list(keys))["cost"].sum()
    size = labels[counted].groupby(list(keys)).size()
    index = cost.index.union(size.index)
    table = pd.DataFrame({"customers": size.reindex(index, fill_value=0)}, index=index)
    table["cost"] = cost.reindex(index)
    known = (table["customers"] > 0) & ~_unattributed(index)
    table["cac"] = (table["cost"] / table["customers"]).where(known)
    member = labels.set_index(list(keys)).index
    place = np.where(counted, index.get_indexer(member), -1)
    groups = pd.Series(place, index=people.index, dtype=np.int64)
    notes += _sentences(table)
    if named and MONTH not in keys:
        notes += _unpaid_months(costs, labels[counted], list(keys))
    return Acquisition(table, groups, tuple(notes))


def _labels(
    ledger: Ledger, people: pd.DataFrame, named: tuple[str, ...], first_touch: Any
) -> pd.DataFrame:
    """Return each customer's labels as text, ``"(none)"`` where there is none."""
    if first_touch is not None:
        found = first_touches(first_touch, people["first_purchase"], named)
    else:
        missing = [name for name in named if name not in ledger.customer_columns]
        if missing:
            raise ColumnError(
                f"by: the ledger has no customer column {listed(missing)}. Read it with "
                f"customer_columns={missing}, or give a first_touch table."
            )
        found = ledger.attributes() if named else people[[]]
    out = pd.DataFrame(index=people.index)
    for name in named:
        out[name] = labelled(found[name].reindex(people.index))
    return out


def _covered(
    first: "pd.Series[Any]", days: "pd.Series[Any]", opening: pd.Timestamp
) -> tuple["pd.Series[bool]", list[str]]:
    """Part customers of the months that the spend table spans from those before and after."""
    began, ended = (day.to_period("M").start_time for day in (days.min(), days.max()))
    before = (first < began) & (began > opening)
    after = first >= ended + pd.offsets.MonthBegin(1)
    notes = [
        f"{int(who.sum()):,} customers were acquired {when} and are left out: their cost is not "
        "known."
        for who, when in (
            (before, f"before the month in which the spend table begins, {began:%Y-%m},"),
            (after, f"after the month in which the spend table ends, {ended:%Y-%m},"),
        )
        if who.any()
    ]
    return ~before & ~after, notes


def _unpaid_months(costs: pd.DataFrame, labels: pd.DataFrame, keys: list[str]) -> list[str]:
    """Say which customers of a group with spend came in months without a row of its own."""
    paid = pd.MultiIndex.from_frame(costs[[*keys, MONTH]])
    known = labels.set_index(keys).index.isin(costs.set_index(keys).index)
    came = labels[known & ~pd.MultiIndex.from_frame(labels[[*keys, MONTH]]).isin(paid)]
    came = came[(came[keys] != NO_LABEL).all(axis=1)]
    if came.empty:
        return []
    names = came[keys].drop_duplicates().sort_values(keys).to_numpy()
    return [
        f"{len(came):,} customers came in months for which the spend table has no row of their "
        f"group, which counts as a cost of 0: {listed(group_names(names))}."
    ]


def _half_month(costs: pd.DataFrame, cutoff: pd.Timestamp) -> list[str]:
    """Warn of a last month whose cost is for more days than were observed."""
    monthly = len(costs) and (costs["date"].dt.day == 1).all()
    if monthly and not cutoff.is_month_end and costs["date"].max() >= cutoff.replace(day=1):
        return [
            f"Spend is by month and the cutoff {cutoff:%Y-%m-%d} lies inside one: that month's "
            "cost also bought customers not yet seen."
        ]
    return []


def _unattributed(groups: pd.Index) -> BoolArray:
    return np.array([NO_LABEL in np.atleast_1d(each) for each in groups.tolist()], dtype=bool)


def _sentences(table: pd.DataFrame) -> list[str]:
    """Say what each unusual row means."""
    nobody = _unattributed(table.index)
    if not table["customers"].sum():
        raise DataError("No customer was acquired while the spend table runs: there is no CAC.")
    names = pd.Series(group_names(table.index), index=table.index)
    empty, silent = table["customers"] == 0, table["cost"].isna()
    cases = [
        (empty & (table["cost"] > 0) & ~nobody,
         "spend but no customers: the cost is counted, a CAC does not exist"),
        (silent & ~nobody,
         "customers but no row in the spend table: cost and CAC are missing, and the total holds "
         "no cost of theirs"),
        ((table["cost"] == 0) & ~empty & ~nobody,
         "a recorded cost of 0: CAC is 0 and LTV:CAC has no finite value"),
    ]  # fmt: skip
    out = [
        f"{_groups(int(rows.sum()))} {what}: {listed(names[rows].tolist())}."
        for rows, what in cases
        if rows.any()
    ]
    apart = table[nobody]
    if len(apart):
        out.append(
            f"Unattributed: {int(apart['customers'].sum()):,} customers and a cost of "
            f"{apart['cost'].sum():,.2f} carry no label. They are shown, not spread."
        )
    return out


def _groups(count: int) -> str:
    return "1 group has" if count == 1 else f"{count:,} groups have"
