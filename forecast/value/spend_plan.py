"""The spend over channels that brings most, under a budget and a bound on the risk of a loss."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UsageError
from forecast.value.economics import EVERYBODY
from forecast.value.response import Response

__all__ = ["SpendPlan", "best_spend"]

FloatArray = npt.NDArray[np.float64]

DUST = 1e-6  # share of the budget that counts as nothing: a power has no slope at 0


@dataclass(frozen=True, eq=False)
class SpendPlan:
    """Draws of value per customer, shape (draws, channels), and the channels' curves."""

    worth: FloatArray
    responses: list[Response]

    def customers(self, spend: FloatArray) -> FloatArray:
        """Return customers a month, shape (draws, channels)."""
        pairs = zip(self.responses, spend, strict=True)
        return np.column_stack([curve.customers(each) for curve, each in pairs])

    def net(self, spend: FloatArray) -> FloatArray:
        """Return value less spend, shape (draws, channels)."""
        return self.worth * self.customers(spend) - spend

    def slope(self, spend: FloatArray) -> FloatArray:
        """Return the value of one more unit of money, shape (draws, channels)."""
        pairs = zip(self.responses, spend, strict=True)
        return self.worth * np.column_stack([curve.slope(each) for curve, each in pairs])

    def table(self, spend: FloatArray, now: FloatArray, names: list[str]) -> pd.DataFrame:
        """Return what is spent now and what is suggested, one row a channel and one for all."""
        net = self.net(spend)
        every = np.column_stack([net, net.sum(axis=1)])
        lo, hi = np.quantile(every, [0.05, 0.95], axis=0)

        def whole(column: FloatArray) -> FloatArray:
            return np.append(column, column.sum())

        out = pd.DataFrame({"spend_now": whole(now), "spend": whole(spend)},
                           index=pd.Index([*names, EVERYBODY], name="channel"))  # fmt: skip
        out["customers"] = whole(self.customers(spend).mean(axis=0))
        out["value"] = whole((net + spend).mean(axis=0))
        out["net"] = every.mean(axis=0)
        out["net_lo_90"], out["net_hi_90"] = lo, hi
        out["net_now"] = whole(self.net(now).mean(axis=0))
        slope = self.slope(np.maximum(spend, DUST * max(spend.sum(), 1.0))).mean(axis=0)
        out["next_unit"] = np.append(slope, np.nan)
        return out


def best_spend(
    plan: SpendPlan, budget: float, least: FloatArray, most: FloatArray, risk: float | None
) -> FloatArray:
    """Return the spend of highest expected net value whose probability of a loss is bounded."""

    def chance(spend: FloatArray) -> float:
        return float((plan.net(spend).sum(axis=1) < 0).mean())

    found = _highest(plan, budget, least, most, 0.0)
    if risk is None or chance(found) <= risk:
        return found
    low, high = 0.0, 1.0
    while chance(found := _highest(plan, budget, least, most, high)) > risk:
        low, high = high, 4.0 * high
        if high > 1e6:
            raise UsageError(
                f"risk: no spend has a probability of a loss of {risk:g} or less; the least found "
                f"is {chance(found):.2g}."
            )
    for _ in range(12):
        middle = (low + high) / 2
        tried = _highest(plan, budget, least, most, middle)
        if chance(tried) <= risk:
            high, found = middle, tried
        else:
            low = middle
    return found


def _highest(
    plan: SpendPlan, budget: float, least: FloatArray, most: FloatArray, weight: float
) -> FloatArray:
    """Maximise the mean of net value less ``weight`` times its expected loss."""
    from scipy.optimize import minimize

    floor = np.maximum(least, DUST * budget)
    ceiling = np.maximum(np.minimum(most, budget), floor)

    def goal(share: FloatArray) -> tuple[float, FloatArray]:
        spend = share * budget
        net, slope = plan.net(spend).sum(axis=1), plan.slope(spend) - 1.0
        tilt = 1.0 + weight * (net < 0)
        return -float((tilt * net).mean()) / budget, -(tilt[:, None] * slope).mean(axis=0)

    start = floor + (ceiling - floor) * min(1.0, 0.5 * budget / max(ceiling.sum(), 1e-300))
    done = minimize(
        goal, start / budget, jac=True, method="SLSQP",
        bounds=list(zip(floor / budget, ceiling / budget, strict=True)),
        constraints={"type": "ineq", "fun": lambda share: 1.0 - share.sum(),
                     "jac": lambda share: -np.ones(share.size)},
        options={"maxiter": 500, "ftol": 1e-12},
    )  # fmt: skip
    spend = np.clip(done.x * budget, floor, ceiling)
    spend[spend <= 10 * DUST * budget] = 0.0
    return np.asarray(np.maximum(spend, least))
