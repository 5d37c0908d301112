"""Plain facts of the log: returns, too few repeat buyers, one customer who carries it."""

import numpy as np

from forecast.backtest.checks.check import CARRIED, FEW, RETURNS, Check
from forecast.backtest.checks.histories import Histories
from forecast.ledger import Ledger

__all__ = ["few_repeat_buyers", "one_customer_carries", "returns_heavy"]

FEWEST = 50
LARGEST_SHARE = 0.15
TIMES_THE_MEAN = 10
MOST_RETURNS = 0.02


def few_repeat_buyers(histories: Histories) -> Check | None:
    """Accuse a log in which fewer than 50 customers ever came back.

    Rates, dropout and the spread of spend are learned from repeat purchases alone; the standard
    error of a mean rate from n buyers is about ``1 / sqrt(n)`` of it, 14 % at 50.
    """
    buyers = int((histories.count > 1).sum())
    if buyers >= FEWEST:
        return None
    return Check(
        FEW,
        "error" if buyers < FEWEST / 5 else "warning",
        f"Only {buyers:,} of {histories.count.size:,} customers bought on a second day; with fewer "
        f"than {FEWEST} repeat buyers, rates and dropout are hardly determined.",
        "Use a longer log, or forecast by cohort_curve or own_rate and distrust single customers.",
        evidence={"repeat_buyers": buyers, "customers": int(histories.count.size)},
    )


def one_customer_carries(histories: Histories) -> Check | None:
    """Accuse a log whose largest customer holds 15 % of it, and 10 times what the mean one does."""
    weight = np.ones(histories.day.size) if histories.value is None else histories.value
    by_customer = np.bincount(histories.owner, weight)
    total, top = float(by_customer.sum()), int(by_customer.argmax())
    share = float(by_customer[top]) / total if total > 0 else 0.0
    if share < max(LARGEST_SHARE, TIMES_THE_MEAN / by_customer.size):
        return None
    what = "purchases" if histories.value is None else "value"
    name = str(histories.customers[top])
    return Check(
        CARRIED,
        "warning",
        f"Customer {name!r} alone holds {share:.0%} of all {what}, as much as "
        f"{share * by_customer.size:,.0f} mean customers: totals follow one buyer's decisions.",
        "Forecast that customer by hand and the others without; look whether the id stands for "
        "many buyers (a marketplace, a till, a guest account).",
        evidence={"customer_id": name, "share": share, "of": what},
    )


def returns_heavy(ledger: Ledger) -> Check | None:
    """Accuse a log with 2 or more negative rows for every 100 purchases."""
    audit = ledger.audit.drop_duplicates("check").set_index("check")
    count = {str(name): int(number) for name, number in audit["count"].items()}
    rows, purchases = count.get("returns", 0), count.get("purchases", 0)
    share = rows / purchases if purchases else 0.0
    if share < MOST_RETURNS:
        return None
    below = count.get("days below 0", 0)
    return Check(
        RETURNS,
        "warning",
        f"{rows:,} returns against {purchases:,} purchases ({share:.1%}). "
        f"{str(audit['what']['returns']).removesuffix('.')}; {below:,} customer-days fell below 0 "
        "and are in no value, so forecast value is that of orders kept on the day, not of what "
        "stays sold.",
        "Take the returned share off forecast value, or net each return against its order before "
        "reading the log.",
        evidence={"returns": rows, "purchases": purchases, "share": share, "days_below_0": below},
    )
