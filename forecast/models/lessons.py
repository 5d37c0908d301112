"""What a model learned horizon by horizon, and the ledger it can learn more from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from forecast.calendar import Horizon
from forecast.errors import UsageError, listed
from forecast.ledger import Ledger

__all__ = ["Lessons", "check_amounts"]


@dataclass
class Lessons:
    """Lessons by horizon: learned when first asked for, kept from then on.

    Attributes
    ----------
    cutoff : date
        Last day they were learned from.
    has_value : bool
        Whether the ledger had amounts.
    by_horizon : dict of str to object
        What was learned, by the horizon as it is written: ``"26W"``.
    ledger : Ledger or None
        Where more can be learned; None for a model read from disk.

    Examples
    --------
    >>> known = Lessons(date(2024, 1, 31), True, {"4W": "a curve"})
    >>> known.of(Horizon.parse("4W"), len)
    'a curve'
    """

    cutoff: date
    has_value: bool
    by_horizon: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_ledger(cls, ledger: Ledger) -> Self:
        """Return no lessons yet, to be learned from a ledger."""
        return cls(ledger.cutoff, ledger.has_value, ledger=ledger)

    def of(self, horizon: Horizon, learn: Callable[[Ledger], Any]) -> Any:
        """Return the lesson of a horizon, learned once.

        Raises
        ------
        UsageError
            If it is not known and there is nothing to learn it from.
        """
        known = self.known(horizon)
        if known is None:
            known = self.by_horizon[str(horizon)] = learn(self.teacher(horizon))
        return known

    def known(self, horizon: Horizon) -> Any:
        """Return the lesson of a horizon, None if it is not learned yet."""
        return self.by_horizon.get(str(horizon))

    def teacher(self, horizon: Horizon) -> Ledger:
        """Return the ledger to learn a horizon from.

        Raises
        ------
        UsageError
            If the model was read from disk.
        """
        if self.ledger is None:
            known = listed(sorted(self.by_horizon)) or "none"
            raise UsageError(
                f"horizon: this model was saved without lessons for {horizon}; it knows {known}. "
                "Ask for one of these, or fit it anew."
            )
        return self.ledger

    def check(self, ledger: Ledger) -> None:
        """Refuse a ledger with amounts where none were learned, or the other way round."""
        check_amounts(self.has_value, ledger)


def check_amounts(has_value: bool, ledger: Ledger) -> None:
    """Refuse to apply what was learned with amounts where there are none, or the reverse.

    Raises
    ------
    UsageError
    """
    if ledger.has_value != has_value:
        raise UsageError(
            f"update: the model was fitted {'with' if has_value else 'without'} amounts; give a "
            "ledger like it."
        )
