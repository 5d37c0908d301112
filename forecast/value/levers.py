"""Levers on money: what a scenario changes besides the model, and the values that change nothing.

The levers of the model (retention, purchase frequency, ...) are its own and are passed to
``forecast(scenario=)``. Those here act on what is forecast, draw by draw:

- ``items_per_order`` multiplies the value of every order; the cost of serving it stays;
- ``product_mix`` is the share of value that moves to products of a higher margin, ``high_margin``;
- ``margin`` multiplies margin as a share of value, ``cost_to_serve`` the cost of an order;
- ``acquisition_volume`` multiplies the customers who are still to come, at the same cost each;
- ``referral_rate`` is how many further customers each active customer brings inside the horizon;
  they are worth what other new ones are, and cost nothing to acquire;
- ``cac`` multiplies the cost of acquiring a customer;
- ``discount`` is the annual rate and ``horizon`` the length in place of those given.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError, listed
from forecast.value.discounting import check_rate

__all__ = ["MONEY", "NEWCOMERS", "MoneyLevers", "neutral", "part_levers"]

SHARES = ("product_mix", "referral_rate", "win_back")  # neutral at 0, all others at 1
NEWCOMERS = ("acquisition_volume", "referral_rate")  # act on customers who are still to come


@dataclass(frozen=True)
class MoneyLevers:
    """Values of the levers above; at their defaults nothing changes.

    Examples
    --------
    >>> MoneyLevers.read({"margin": 1.1}).margin
    1.1
    """

    items_per_order: float = 1.0
    product_mix: float = 0.0
    margin: float = 1.0
    cost_to_serve: float = 1.0
    acquisition_volume: float = 1.0
    referral_rate: float = 0.0
    cac: float = 1.0
    discount: float | None = None
    horizon: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Check the values of levers whose names are known.

        Raises
        ------
        UsageError
            If a factor is not a number of 0 or more, a share is not one, or a rate or horizon
            has no meaning.
        """
        found: dict[str, Any] = {}
        for name, value in given.items():
            if name == "horizon":
                found[name] = str(Horizon.parse(value))
            elif name == "discount":
                found[name] = check_rate(value)
            else:
                found[name] = _number(name, value)
        return cls(**found)


MONEY = tuple(each.name for each in fields(MoneyLevers))


def neutral(lever: str) -> float:
    """Return the value at which a lever changes nothing."""
    return 0.0 if lever in SHARES else 1.0


def part_levers(
    levers: Mapping[str, Any], known: Collection[str], model: str
) -> tuple[dict[str, Any], MoneyLevers]:
    """Part levers into the model's own and those on money.

    Parameters
    ----------
    levers : mapping
        Value of each lever by name.
    known : collection of str
        Levers of the model.
    model : str
        Its name, for the message.

    Raises
    ------
    UnsupportedError
        If neither the model nor money has a lever of that name.
    """
    unknown = [name for name in levers if name not in known and name not in MONEY]
    if unknown:
        raise UnsupportedError(
            f"{model} has no lever {unknown[0]!r}; its levers: {', '.join(known) or 'none'}. "
            f"Levers on money: {', '.join(MONEY)}."
        )
    own = {name: value for name, value in levers.items() if name in known}
    return own, MoneyLevers.read({name: levers[name] for name in levers if name not in known})


def _number(name: str, value: Any) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    top = 1.0 if name == "product_mix" else np.inf
    if not number or not np.isfinite(value) or not 0 <= value <= top:
        meant = (
            "a share from 0 to 1 of value"
            if name == "product_mix"
            else "a number of new customers for each active one, 0 or more"
            if name == "referral_rate"
            else "a factor of 0 or more; 1.1 is ten per cent more"
        )
        raise UsageError(f"scenario: {listed([name])}={value!r} must be {meant}.")
    return float(value)
