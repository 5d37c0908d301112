"""What numbers are counted in: purchases, or money by the name of its currency."""

from collections.abc import Mapping
from typing import Any

from forecast.backtest import Backtest
from forecast.errors import UsageError, listed
from forecast.ledger import Ledger
from forecast.ledger.currency import check_currency, money_unit
from forecast.report.style import Target

__all__ = ["currency_of", "unit_of"]


def unit_of(target: Target, currency: str | None) -> str:
    """Return what a target is counted in.

    Examples
    --------
    >>> unit_of("value", "EUR"), unit_of("value", None), unit_of("purchases", "EUR")
    ('EUR', 'currency units', 'purchases')
    """
    return "purchases" if target == "purchases" else money_unit(currency)


def currency_of(
    given: str | None,
    ledger: Ledger | None = None,
    backtest: Backtest | None = None,
    value: Mapping[str, Any] | None = None,
) -> str | None:
    """Return the one name of the currency of a page: as given, else as its parts were read.

    Raises
    ------
    UsageError
        If two parts name two.
    """
    check_currency(given)
    names = [given, *(getattr(part, "currency", None) for part in (ledger, backtest, value))]
    known = list(dict.fromkeys(name for name in names if name is not None))
    if len(known) > 1:
        raise UsageError(
            f"currency: amounts are called {listed(known)}; one page or plot has one name for them."
        )
    return known[0] if known else None
