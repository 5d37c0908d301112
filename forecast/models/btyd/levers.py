"""Levers of a buy-till-you-die forecast: what each does to a process from the cutoff on.

The past stays as it is: histories, estimates and posterior draws are those of the forecast without
levers, and so are the seeds. From the cutoff on

- ``purchase_frequency`` multiplies everybody's purchase rate: their clock runs that much faster;
- ``retention`` multiplies the odds of staying. BG family: given alive, the dropout probability
  p ~ Beta(a, b') becomes Beta(a / factor, b'), so that the odds a / b' of dropping out at a
  purchase are divided by the factor, as a covariate's ratio does. Pareto/NBD: the death rate
  mu ~ Gamma(s, beta') becomes Gamma(s, factor beta'), that is mu / factor;
- ``win_back`` is the probability that a customer who has dropped out is brought back at the
  cutoff. Given gone right after purchase x, at age tx, lambda ~ Gamma(r + x, alpha + tx) and
  p ~ Beta(a + 1, b' - 1): who comes back does so at the own rate, which silence tells nothing
  about, with the own tendency to leave;
- ``order_value`` multiplies the value of every purchase;
- ``season`` multiplies the season on the logarithmic scale: 0.5 halves it, 2 doubles it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from forecast.errors import UsageError
from forecast.processes import Clock

__all__ = ["Levers", "levers_of"]

_LEVERS = ("retention", "purchase_frequency", "order_value", "win_back")
_FEWER = {
    "pareto_nbd": ("retention", "purchase_frequency", "order_value"),
    "nbd": ("purchase_frequency", "order_value"),
}


def levers_of(purchases: str, season: bool) -> tuple[str, ...]:
    """Return the levers that a process has: where nobody leaves, nobody can be kept.

    Pareto/NBD does not know when a customer left, so nobody can be won back.
    """
    return (*_FEWER.get(purchases, _LEVERS), *(("season",) if season else ()))


@dataclass(frozen=True)
class Levers:
    """Factors on the future; at their defaults nothing changes.

    Attributes
    ----------
    retention : float
        On the odds of staying.
    purchase_frequency : float
        On the purchase rate.
    order_value : float
        On the value of a purchase.
    season : float
        On the logarithm of the seasonal intensity.
    win_back : float
        Share of the customers who have dropped out that is brought back, 0 to 1.

    Examples
    --------
    >>> Levers.read({"retention": 1.1}, ["retention"])
    Levers(retention=1.1, purchase_frequency=1.0, order_value=1.0, season=1.0, win_back=0.0)
    """

    retention: float = 1.0
    purchase_frequency: float = 1.0
    order_value: float = 1.0
    season: float = 1.0
    win_back: float = 0.0

    @classmethod
    def read(cls, scenario: Mapping[str, Any] | None, known: Collection[str]) -> Self:
        """Check a scenario whose names are known.

        Raises
        ------
        UsageError
            If a value is not a positive finite number, or a share not within 0 and 1.
        """
        found = {}
        for name, given in (scenario or {}).items():
            number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
            value = float(given) if number else np.nan
            if name == "win_back" and not 0 <= value <= 1:
                raise UsageError(
                    f"scenario: win_back={given!r} must be a share from 0 to 1 of the customers "
                    "who have dropped out."
                )
            if name != "win_back" and not 0 < value < np.inf:
                raise UsageError(
                    f"scenario: {name}={given!r} must be a positive finite factor; 1.1 is ten per "
                    "cent more."
                )
            found[name] = value
        return cls(**found)

    @property
    def on_process(self) -> bool:
        """Whether the process itself changes, beyond its clock."""
        return (self.retention, self.purchase_frequency, self.win_back) != (1.0, 1.0, 0.0)

    def clock(self, clock: Clock | None) -> Clock | None:
        """Return the clock of the future."""
        if clock is None or self.season == 1.0:
            return clock
        weights = clock.weights.copy()
        weights[: 2 * clock.pairs] *= self.season
        return replace(clock, weights=weights).levelled()

    def said(self) -> list[str]:
        """Say what was changed."""
        pulled = [
            f"{each.name} {getattr(self, each.name):g}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        ]
        return [f"Scenario: {', '.join(pulled)}."] if pulled else []
