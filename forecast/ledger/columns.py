"""Which column is the customer, the day and the amount; guessed only where there is no doubt."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from forecast.errors import ColumnError, UsageError, listed

__all__ = ["Columns", "choose_columns", "raw"]

_USUAL = {
    "customer": (
        "customerid", "customer", "custid", "clientid", "client", "userid", "user", "memberid",
        "accountid", "cust",
    ),
    "date": (
        "date", "orderdate", "invoicedate", "purchasedate", "transactiondate", "orderedat",
        "createdat", "datetime", "timestamp", "day",
    ),
    "value": (
        "amount", "value", "revenue", "total", "sales", "ordervalue", "ordertotal", "spend",
        "amountpaid", "netamount", "totalamount",
    ),
}  # fmt: skip

_OF_PURCHASES = {"customer_id", "date", "day", "ticks", "value"}
_OF_CUSTOMERS = {
    "cohort", "customer_id", "first", "first_purchase", "first_value", "frequency",
    "last_purchase", "monetary_value", "n_paid", "n_purchases", "recency", "t", "total_value",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The columns of a source by role, and which of them were guessed."""

    customer: str
    date: str
    value: str | None
    customer_columns: tuple[str, ...] = ()
    purchase_columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """Every column that is read."""
        extra = (*self.customer_columns, *self.purchase_columns, *self.key)
        roles = [self.customer, self.date, *([self.value] if self.value else [])]
        return list(dict.fromkeys([*roles, *extra]))


def choose_columns(
    available: Sequence[str],
    *,
    customer: str | None,
    date: str | None,
    value: str | None,
    customer_columns: str | Iterable[str] | None = (),
    purchase_columns: str | Iterable[str] | None = (),
    key: str | Iterable[str] | None = (),
) -> Columns:
    """Check the names given and guess those left out.

    The value is guessed only where neither customer nor date is named: a caller who names those
    and no value wants purchases without money.

    Raises
    ------
    ColumnError
        If a name is not in the source, or a guess is not unambiguous.
    UsageError
        If a name is not text, has two roles, or cannot be kept under that name.
    """
    roles = {"customer": customer, "date": date, "value": value}
    for role, name in roles.items():
        if name is not None and not isinstance(name, str):
            raise UsageError(f"{role}: {name!r} is not the name of a column; give it as text.")
    of_customer = _names("customer_columns", customer_columns)
    of_purchase = _names("purchase_columns", purchase_columns)
    of_key = tuple(dict.fromkeys(_names("key", key)))
    guess_value = customer is None and date is None and value is None
    guessed = []
    for role, name in roles.items():
        if name is None and (role != "value" or guess_value):
            roles[role] = _guess(role, available, required=role != "value")
            if roles[role] is not None:
                guessed.append(role)
    named = [name for name in roles.values() if name is not None]
    for name in [*named, *of_customer, *of_purchase, *of_key]:
        if name not in available:
            raise ColumnError(_missing(name, available))
    used = [*named, *of_customer, *of_purchase]
    doubled = [name for name in used if used.count(name) > 1]
    if doubled:
        raise UsageError(f"Column {doubled[0]!r} is named for two roles; each needs its own.")
    taken = [name for name in of_customer if name.lower() in _OF_CUSTOMERS]
    taken += [name for name in of_purchase if name.lower() in _OF_PURCHASES]
    if taken:
        raise UsageError(
            f"Column {taken[0]!r} cannot be kept under that name, which the ledger's own tables "
            "use. Rename it in the source first."
        )
    assert roles["customer"] is not None
    assert roles["date"] is not None
    return Columns(
        roles["customer"],
        roles["date"],
        roles["value"],
        of_customer,
        of_purchase,
        of_key,
        tuple(guessed),
    )


def raw(name: str) -> str:
    """Return what a source's column is called inside, so that it meets none of ours."""
    return f"raw {name}"


def _names(option: str, given: Any) -> tuple[str, ...]:
    try:
        names = (given,) if isinstance(given, str) else tuple(given or ())
    except TypeError:
        names = (given,)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise UsageError(f"{option}: {listed(wrong)} is not the name of a column; give text.")
    return names


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _guess(role: str, available: Sequence[str], *, required: bool) -> str | None:
    fits = [name for name in available if _plain(name) in _USUAL[role]]
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        raise ColumnError(f"The {role} column may be {listed(fits)}; say which: {role}=...")
    if required:
        raise ColumnError(
            f"No column is plainly the {role}. {_unnamed(available)}"
            f"Columns: {listed(available, 20)}. Say which: {role}=..."
        )
    return None


def _missing(name: str, available: Sequence[str]) -> str:
    by_plain = {_plain(each): each for each in available}
    near = [by_plain[_plain(name)]] if _plain(name) in by_plain else []
    near = near or difflib.get_close_matches(name, available, n=3, cutoff=0.6)
    hint = f"Did you mean {listed(near)}? " if near else ""
    hint = _unnamed(available) or hint
    return f"No column {listed([name])}. {hint}Columns: {listed(available, 20)}."


def _unnamed(available: Sequence[str]) -> str:
    if any(re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d+[.]\d+", each) for each in available):
        return "The first row looks like data; it must hold the names of the columns. "
    return ""
