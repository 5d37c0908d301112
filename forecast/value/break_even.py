"""How far a lever must move until a programme has earned its cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.errors import UnsupportedError, UsageError
from forecast.ledger.currency import money_unit
from forecast.value.levers import NEWCOMERS, SHARES, neutral
from forecast.value.scenario_case import ScenarioCase
from forecast.views import customer_summary

__all__ = ["BreakEven", "break_even"]

GRID = 5  # points looked at before the search, in case the gain does not rise evenly
YARDSTICKS = ("cac", "discount", "horizon", "events")


@dataclass(frozen=True)
class BreakEven:
    """Where a lever's gain equals its cost; made by ``ScenarioResult.break_even``.

    Attributes
    ----------
    lever : str
    cost_per_customer : float
        Currency, paid at the cutoff for each existing customer.
    bounds : (float, float)
        Where it was looked for.
    at : float
        Value of the lever at which the expected gain equals the cost; missing where it never
        does inside the bounds.
    at_05, at_95 : float
        Values at which the programme pays with a probability of 5 % and of 95 %: the ends of the
        90 % interval. Missing where that is not reached inside the bounds.
    currency : str or None
        What the ledger calls amounts.
    """

    lever: str
    cost_per_customer: float
    bounds: tuple[float, float]
    at: float
    at_05: float
    at_95: float
    currency: str | None = None

    def row(self) -> dict[str, str | float]:
        """Return the answer as a row of a table, its bounds as ``lowest`` and ``highest``."""
        lowest, highest = self.bounds
        return {
            "lever": self.lever, "cost_per_customer": self.cost_per_customer,
            "lowest": lowest, "highest": highest,
            "at": self.at, "at_05": self.at_05, "at_95": self.at_95,
        }  # fmt: skip

    @property
    def sentence(self) -> str:
        """Return the answer in words."""
        cost = f"{self.cost_per_customer:,.2f} {money_unit(self.currency)} a customer"
        start, end = self.bounds
        if np.isnan(self.at):
            return f"{self.lever} does not pay {cost} anywhere between {start:g} and {end:g}."
        sure = f"with a probability of 95 % from {self.at_95:.4g}"
        if np.isnan(self.at_95):
            sure = f"and not with a probability of 95 % anywhere up to {end:g}"
        return f"{self.lever} pays {cost} on average from {self.at:.4g} on, {sure}."


def break_even(
    case: ScenarioCase,
    levers: Mapping[str, Any],
    lever: str,
    cost_per_customer: float,
    bounds: tuple[float, float] | None = None,
) -> BreakEven:
    """Find the value of a lever at which existing customers earn a programme's cost.

    The gain is the discounted margin with the lever less that without, other levers held, on the
    same random numbers. Its expectation, and its 95 % and 5 % quantiles for the interval, are
    each searched for the cost by Brent's method, in the first step of a grid from the neutral end
    of the bounds where they cross it.

    Parameters
    ----------
    case : ScenarioCase
    levers : mapping
        Levers that are held; the one searched is ignored.
    lever : str
        Which to move.
    cost_per_customer : float
        Currency.
    bounds : (float, float), optional
        From neutral to 2 (factors) or to 1 (shares) by default.

    Raises
    ------
    UnsupportedError
        If the lever does not act on existing customers, or the model does not know them.
    UsageError
        If cost or bounds have no meaning.
    """
    if lever in (*NEWCOMERS, *YARDSTICKS):
        raise UnsupportedError(f"{lever} does not act on existing customers; it cannot break even.")
    if "existing" not in case.populations:
        raise UnsupportedError(
            f"{case.name} forecasts totals; a cost per customer needs customers."
        )
    still = neutral(lever)
    start, end = bounds or (still, 1.0 if lever in SHARES else 2.0)
    if not (np.isfinite([start, end]).all() and start < end):
        raise UsageError(f"bounds: {bounds} must be two rising numbers, e.g. (1.0, 1.5).")
    if start < still < end:
        raise UsageError(f"bounds: {bounds} must lie on one side of {still:g}, no change.")
    if not (np.isfinite(cost_per_customer) and cost_per_customer > 0):
        raise UsageError(f"cost_per_customer: {cost_per_customer} must be an amount above 0.")
    held = {name: value for name, value in levers.items() if name != lever}
    cost = cost_per_customer * len(customer_summary(case.ledger))
    points = np.linspace(start, end, GRID)
    if abs(end - still) < abs(start - still):
        points = points[::-1]

    def gain(value: float, draws: int) -> Any:
        moved = case.existing_clv(held | {lever: float(value)}, draws)
        return moved - case.existing_clv(held, draws)

    def quantile(level: float) -> Callable[[float], float]:
        return lambda value: float(np.quantile(gain(value, case.draws)[1:], level))

    mean = _crossing(lambda value: float(gain(value, 0)[0]), cost, points)
    few, most = (_crossing(quantile(level), cost, points) for level in (0.95, 0.05))
    return BreakEven(
        lever, float(cost_per_customer), (float(start), float(end)), mean, few, most,
        currency=case.ledger.currency,
    )  # fmt: skip


def _crossing(gain: Callable[[float], float], cost: float, points: Any) -> float:
    """Return where a gain first reaches the cost, going through the points; missing if never."""
    from scipy.optimize import brentq

    before = float(points[0])
    if gain(before) >= cost:
        return before
    for point in map(float, points[1:]):
        if gain(point) >= cost:
            width = abs(float(points[-1] - points[0]))
            return float(brentq(lambda value: gain(value) - cost, before, point, xtol=5e-4 * width))
        before = point
    return float("nan")
