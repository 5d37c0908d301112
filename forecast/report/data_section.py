"""The section on the data: what the ledger holds, and what was dropped, merged or netted."""

import narwhals.stable.v2 as nw

from forecast.ledger import Ledger
from forecast.report.content import Part, Prose, Section, Table, Tiles
from forecast.report.formats import count, day, spoken
from forecast.report.units import unit_of

__all__ = ["data_section"]


def data_section(ledger: Ledger, currency: str | None) -> Section:
    """Return the ledger's extent and its audit."""
    items = [("Days seen", f"{(ledger.cutoff - ledger.first_day).days + 1:,}", _days(ledger))]
    if not ledger.on_spark:
        items += _facts(ledger, unit_of("value", currency))
    parts: list[Part] = [Tiles(tuple(items))]
    audit = ledger.audit
    order = audit["severity"].map({"warning": 0}).fillna(1)
    audit = audit.loc[order.sort_values(kind="stable").index]
    shown = audit.assign(check=audit["check"].str.replace("_", " "))
    columns = {
        "check": ("Check", None),
        "severity": ("Severity", None),
        "count": ("Count", count),
        "what": ("What was found and done", None),
    }
    parts.append(Table.of(shown, caption="Audit of the data", columns=columns))
    rule = (
        "A purchase is a day on which a customer bought, however many orders that day had; "
        "refunds of the day are netted."
    )
    parts.append(Prose((rule,), small=True))
    return Section("data", "The data", parts, {"audit": audit})


def _days(ledger: Ledger) -> str:
    return f"{day(ledger.first_day)} to {day(ledger.cutoff)}, the cutoff"


def _facts(ledger: Ledger, money: str) -> list[tuple[str, str, str]]:
    """Count customers, purchases and value where the rows are."""
    asked = [
        nw.len().alias("purchases"),
        nw.col("customer_id").n_unique().alias("customers"),
    ]
    if ledger.has_value:
        asked.append(nw.col("ticks").sum().alias("ticks"))
    row = ledger.days().select(*asked).collect("pyarrow").rows(named=True)[0]
    customers, purchases = int(row["customers"]), int(row["purchases"])
    found = [
        ("Customers", count(customers), "with at least one purchase"),
        ("Purchases", count(purchases), f"{purchases / customers:.2f} a customer"),
    ]
    if ledger.has_value:
        value = float(row["ticks"]) / ledger.ticks
        mean = spoken(value / purchases)
        found.append(("Value", spoken(value), f"{money}; {mean} a purchase"))
    return found
