"""What past origins taught an ensemble: shares, errors of the level, spreads; no customers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError
from forecast.models.ensemble.level import Level, learn_level

__all__ = ["LAST_YEAR", "SEASONAL", "Evidence", "sources"]

Floats = npt.NDArray[np.float64]

SEASONAL, LAST_YEAR = "seasonal", "last_year"  # sources of a level of their own


@dataclass(frozen=True)
class Evidence:
    """What is kept of past origins for one horizon; it holds no customer.

    Attributes
    ----------
    said : str
        Where the shares come from.
    by_member : dict of str to dict of str to float
        Shares by target, ``"purchases"`` and ``"value"``, and member; of a target they add up to 1.
    errors : dict of str to tuple of dict of str to float
        By target: ``log(actual / forecast)`` of each source of the level at each past origin.
    factors : dict of str to array of float, shape (groups of ages,)
        By target: actual over expected by customers' age.
    customer_spread : float
        Of the logarithm of a customer's level, beyond what the members know.
    windows, reach : float
        See :func:`forecast.models.ensemble.level.learn_level`.
    """

    said: str
    by_member: dict[str, dict[str, float]]
    errors: dict[str, tuple[dict[str, float], ...]]
    factors: dict[str, Floats]
    customer_spread: float
    windows: float
    reach: float

    def __post_init__(self) -> None:
        for target, shares in self.by_member.items():
            if min(shares.values()) < 0 or not np.isclose(sum(shares.values()), 1.0):
                raise UsageError(f"shares of {target}: they must be 0 or more and add up to 1.")

    def shares(self, names: list[str], learners: frozenset[str], target: str) -> Floats:
        """Return the members' shares; members that are missing leave theirs to the others."""
        known = self.by_member[target]
        shares = np.array([known.get(name, 0.0) for name in names])
        if set(names) == set(known):
            return shares
        whole = shares.sum()
        return shares / whole if whole > 0 else np.full(len(names), 1.0 / len(names))

    def among(self, names: list[str], learners: frozenset[str], *, has_value: bool) -> "Evidence":
        """Return the evidence on these members alone."""
        by_member = {
            target: dict(zip(names, self.shares(names, learners, target).tolist(), strict=True))
            for target in self.by_member
        }
        return replace(self, by_member=by_member)

    def level(self, now: Mapping[str, float], shares: Mapping[str, float], target: str) -> Level:
        """Pool totals: of the members without a season, of the seasonal one and of last year.

        Parameters
        ----------
        now : mapping of str to float
            Total of each member, and of last year where it is known.
        shares : mapping of str to float
        target : {"purchases", "value"}
        """
        return learn_level(
            sources(now, shares),
            self.errors[target],
            windows=self.windows,
            reach=max(self.reach, 1e-9),
        )


def sources(totals: Mapping[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Merge the totals of the members without a season by their shares."""
    own = {name: totals[name] for name in (SEASONAL, LAST_YEAR) if name in totals}
    plain = [name for name in totals if name in shares and name != SEASONAL]
    whole = sum(shares[name] for name in plain)
    if whole > 0:
        own["members"] = sum(totals[name] * shares[name] for name in plain) / whole
    return own
