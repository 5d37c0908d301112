"""What unit economics say first: worth, cost, and which groups reach the target ratio."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import listed
from forecast.ledger.currency import money_unit

__all__ = ["economics_headline", "group_names"]

SURE = 0.9  # probability from which a ratio counts as reached


def economics_headline(
    table: pd.DataFrame, horizon: str, currency: str | None = None
) -> tuple[str, ...]:
    """Return sentences on the table of :func:`unit_economics`, everybody first.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a group, everybody last.
    horizon : str
        Over which the future counts.
    currency : str, optional
        What amounts are called.

    Returns
    -------
    tuple of str
        Groups are called above or below a ratio only where that has a probability of 90 %; the
        rest are called open, or not known.
    """
    row, above = table.iloc[-1], table.filter(like="p_above_").iloc[:-1, 0]
    ratio, money = str(above.name).removeprefix("p_above_"), money_unit(currency)
    first = (
        f"A customer is worth {_of(row, 'ltv', 2)} {money}, past and the next {horizon} together"
    )
    groups = table.iloc[:-1]
    free = groups["cost"].isna() & (groups["customers"] > 0)
    if not free.any():
        first += f", and has cost {row['cac']:,.2f}"
    if not free.any() and not np.isnan(row["ltv_cac"]):
        when = str(row["payback"])
        after = when if when.startswith(("not", "at")) else f"after {when}"
        first += f": LTV:CAC {_of(row, 'ltv_cac', 1)}, paid back {after}"
    high, low = above >= SURE, table["p_below_1"].iloc[:-1] >= SURE
    sure = [
        f"{what} for {listed(group_names(above.index[which]))}"
        for what, which in ((f"above {ratio}", high), ("below 1", low))
        if which.any()
    ]
    said = [f"{first}.", *_where_known(groups, free, money)]
    if sure:
        said.append(f"With a probability of {SURE:.0%} or more LTV:CAC is {', '.join(sure)}.")
    others = [
        (f"It is open whether LTV:CAC is above {ratio}", ~high & ~low & above.notna()),
        ("LTV:CAC is not known, for want of a cost or of customers", above.isna()),
    ]
    said += [
        f"{what}, for {listed(group_names(above.index[which]))}."
        for what, which in others
        if which.any()
    ]
    return tuple(said)


def _where_known(groups: pd.DataFrame, free: "pd.Series[bool]", money: str) -> list[str]:
    """Say cost and ratio of the groups whose cost is recorded, where some have none.

    A ratio of all would count the others as free.
    """
    paid = groups[~free]
    cost, customers = paid["cost"].sum(), paid["customers"].sum()
    if not free.any() or not cost > 0 or not customers:
        return []
    share = customers / groups["customers"].sum()
    ratio = (paid["ltv"] * paid["customers"]).sum() / cost
    return [
        f"Where a cost is recorded ({share:.0%} of these customers) one has cost "
        f"{cost / customers:,.2f} {money}, and LTV:CAC is {ratio:.1f}; no cost is recorded "
        f"for {listed(group_names(groups.index[free]))}, whom the row of all counts as free."
    ]


def group_names(groups: Iterable[Any]) -> list[str]:
    """Return groups as text, the labels of a pair with a stroke between them."""
    return [" / ".join(np.atleast_1d(each)) for each in groups]


def _of(row: "pd.Series[Any]", name: str, places: int) -> str:
    """Write a number of the table with its interval."""
    number, lo, hi = (f"{row[f'{name}{end}']:,.{places}f}" for end in ("", "_lo_90", "_hi_90"))
    return f"{number} (90 % interval {lo} to {hi})"
