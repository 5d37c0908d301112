"""One currency at a time: amounts of two are never added up."""

from typing import Any

import pandas as pd

from forecast.errors import DataError, listed
from forecast.ledger import Ledger
from forecast.ledger.currency import refuse_another

__all__ = ["currencies", "one_currency"]

COLUMN = "currency"


def currencies(table: pd.DataFrame) -> list[str]:
    """Return the currencies named in a column ``currency``, sorted; none where there is none."""
    named = [column for column in table.columns if str(column).lower() == COLUMN]
    found: set[Any] = {each for column in named for each in table[column].dropna().unique()}
    return sorted(str(each).strip() for each in found)


def one_currency(ledger: Ledger, spend: pd.DataFrame | None = None) -> None:
    """Refuse amounts in more than one currency, in the log, the spend table or between them.

    Raises
    ------
    DataError
        Naming the currencies.
    UsageError
        If the ledger was given the code of another currency than the spend table names.
    """
    log = set[str]()
    if any(name.lower() == COLUMN for name in ledger.purchase_columns):
        log |= set(currencies(ledger.purchases()))
    if any(name.lower() == COLUMN for name in ledger.customer_columns):
        log |= set(currencies(ledger.attributes()))
    cost = set() if spend is None else set(currencies(spend))
    for each in cost:
        refuse_another(ledger.currency, each, "the spend table says")
    for what, found in (("purchase log", log), ("spend table", cost)):
        if len(found) > 1:
            raise DataError(
                f"The {what} is in {len(found)} currencies: {listed(sorted(found))}. Amounts of "
                "two currencies do not add up: convert them to one, or analyse each apart."
            )
    if log and cost and log != cost:
        raise DataError(
            f"The purchase log is in {listed(sorted(log))}, the spend table in "
            f"{listed(sorted(cost))}. Convert one of them first."
        )
