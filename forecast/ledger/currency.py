"""The name of the currency: a label beside amounts. Nothing is converted."""

import re
from typing import Any

from forecast.errors import UsageError, listed

__all__ = ["check_currency", "money_unit", "refuse_another"]

_LONGEST = 12
_CODE = re.compile(r"[A-Z]{3}")


def check_currency(currency: Any) -> None:
    """Refuse a name that is not short, or not to be seen on one line."""
    if currency is None:
        return
    named = isinstance(currency, str) and currency.isprintable() and currency == currency.strip()
    if not named or not 1 <= len(currency) <= _LONGEST:
        raise UsageError(
            f"currency: {listed([currency], write=ascii)} must be a name of 1 to {_LONGEST} signs "
            'on one line, no blanks around it, e.g. "GBP".'
        )


def money_unit(currency: str | None) -> str:
    """Return what amounts are counted in: the currency where it has a name.

    Examples
    --------
    >>> money_unit("GBP"), money_unit(None)
    ('GBP', 'currency units')
    """
    return "currency units" if currency is None else currency


def refuse_another(currency: str | None, told: str, where: str) -> None:
    """Refuse a name that the log contradicts: both are codes of three capitals, and differ.

    Signs and words are not compared: ``"£"`` and ``"GBP"`` may be one.
    """
    if currency is None or not (_CODE.fullmatch(currency) and _CODE.fullmatch(told)):
        return
    if currency != told:
        raise UsageError(
            f"currency: {currency!r}, but {where} {told!r}. The name converts nothing: give the "
            "currency that the amounts are in, or leave it out."
        )
