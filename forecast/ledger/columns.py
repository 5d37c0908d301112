"""Which column is the customer, the day and the amount; guessed only where there is no doubt."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from forecast.errors import ColumnError, UsageError, listed

__all__ = ["Columns", "choose_columns"]

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
    customer_columns: Sequence[str] = (),
    purchase_columns: Sequence[str] = (),
    key: Sequence[str] = (),
) -> Columns:
    """Check the names given and guess those left out.

    The value is guessed only where neither customer nor date is named: a caller who names those
    and no value wants purchases without money.

    Raises
    ------
    ColumnError
        If a name is not in the source, or a guess is not unambiguous.
    """
    guess_value = customer is None and date is None and value is None
    guessed = []
    roles = {"customer": customer, "date": date, "value": value}
    for role, name in roles.items():
        if name is None and (role != "value" or guess_value):
            roles[role] = _guess(role, available, required=role != "value")
            if roles[role] is not None:
                guessed.append(role)
    extras = [*customer_columns, *purchase_columns, *key]
    for name in [*(name for name in roles.values() if name is not None), *extras]:
        if name not in available:
            raise ColumnError(_missing(name, available))
    used = [name for name in roles.values() if name is not None]
    used += [*customer_columns, *purchase_columns]
    doubled = [name for name in used if used.count(name) > 1]
    if doubled:
        raise UsageError(f"Column {doubled[0]!r} is named for two roles; each needs its own.")
    taken = extras[: len(customer_columns) + len(purchase_columns)]
    if clash := sorted({"customer_id", "day", "ticks", "first"} & set(taken)):
        raise UsageError(f"Column {clash[0]!r} has a name the ledger uses itself; rename it.")
    assert roles["customer"] is not None
    assert roles["date"] is not None
    return Columns(
        roles["customer"],
        roles["date"],
        roles["value"],
        tuple(customer_columns),
        tuple(purchase_columns),
        tuple(key),
        tuple(guessed),
    )


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
            f"No column is plainly the {role}. Columns: {listed(available, 20)}. "
            f"Say which: {role}=..."
        )
    return None


def _missing(name: str, available: Sequence[str]) -> str:
    by_plain = {_plain(each): each for each in available}
    near = [by_plain[_plain(name)]] if _plain(name) in by_plain else []
    near = near or difflib.get_close_matches(name, available, n=3, cutoff=0.6)
    hint = f"Did you mean {listed(near)}? " if near else ""
    return f"No column {name!r}. {hint}Columns: {listed(available, 20)}."
