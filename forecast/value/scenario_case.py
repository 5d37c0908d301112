"""What stays the same while levers move: the model, the customers, the margin, the seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR, Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger
from forecast.value.discounting import discount_factor
from forecast.value.levers import MONEY, NEWCOMERS, MoneyLevers, part_levers
from forecast.value.margin import Margin
from forecast.value.outlook import Outlook
from forecast.views import customer_summary

__all__ = ["UNITS", "ScenarioCase"]

FloatArray = npt.NDArray[np.float64]

UNITS = {
    "purchases": "count", "value": "currency", "margin": "currency", "clv": "currency",
    "new_customers": "count", "cost": "currency", "net_value": "currency", "ltv_cac": "ratio",
}  # fmt: skip
NEVER_BACK = {"purchase_frequency": 1e-9}  # a newcomer who never returns buys exactly once


@dataclass(frozen=True, eq=False)
class ScenarioCase:
    """A fitted model and the terms of money under which levers are compared.

    Attributes
    ----------
    model : Forecaster
        Fitted.
    ledger : Ledger
        What it was fitted on.
    horizon : Horizon
    margin : Margin
    rate : float
        Annual effective discount rate.
    population : {"existing", "all"}
        ``"all"`` adds customers who are still to come.
    cac : float or None
        Cost of a new customer (currency): recorded cost over customers acquired.
    high_margin : float or None
        Margin of products of a higher margin, as a share of value.
    draws, seed : int
    """

    model: Forecaster
    ledger: Ledger
    horizon: Horizon
    margin: Margin
    rate: float
    population: Literal["existing", "all"]
    cac: float | None
    high_margin: float | None
    draws: int
    seed: int
    _kept: dict[Any, Outlook] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the model's class."""
        return type(self.model).__name__

    @property
    def own_levers(self) -> tuple[str, ...]:
        """Levers of the model."""
        return tuple(getattr(self.model, "levers", ()))

    @property
    def populations(self) -> tuple[str, ...]:
        """Whom the model forecasts."""
        return tuple(getattr(self.model, "populations", ("existing",)))

    def measures(self, levers: Mapping[str, Any]) -> dict[str, FloatArray]:
        """Return each measure under these levers: the expectation, then every draw.

        ``clv`` is margin inside the horizon discounted to the cutoff, of all customers counted;
        ``cost`` is that of new customers, discounted from the middle of their period;
        ``net_value = clv - cost``; ``ltv_cac`` is past and future margin per existing customer
        over the cost of acquiring one.
        """
        own, money = self._parted(levers)
        existing = self._outlook(self._first, own, money, self.draws)
        worth, margin = self._worth(existing, money)
        factor = discount_factor(self._rate(money), existing.days)
        ltv, purchases = margin @ factor, existing.purchases.sum(axis=1)
        out = {"purchases": purchases, "value": worth, "margin": margin.sum(axis=1), "clv": ltv}
        if self._with_newcomers:
            new = self._outlook("new", own, money, self.draws)
            arrivals = self._arrivals(money)
            came = arrivals.sum(axis=1)
            if not came.all():
                raise UnsupportedError(
                    f"{self.name} expects no new customers; count existing ones."
                )
            times = money.acquisition_volume + money.referral_rate * existing.active / came
            worth, margin = self._worth(new, money)
            added = (new.purchases.sum(axis=1), worth, margin.sum(axis=1), margin @ factor)
            for name, each in zip(list(out), added, strict=True):
                out[name] = out[name] + times * each
            out["new_customers"] = times * came
            if self.cac is not None:
                bought = money.acquisition_volume * (arrivals @ factor)
                out["cost"] = self.cac * money.cac * bought
                out["net_value"] = out["clv"] - out["cost"]
        if self.cac is not None and self._first == "existing":
            paid = self.cac * money.cac or np.nan
            out["ltv_cac"] = (self._past + ltv) / len(self._people) / paid
        return out

    def existing_clv(self, levers: Mapping[str, Any], draws: int) -> FloatArray:
        """Return discounted margin of existing customers: the expectation, then every draw."""
        own, money = self._parted(levers)
        existing = self._outlook("existing", own, money, draws)
        margin = self._worth(existing, money)[1]
        return margin @ discount_factor(self._rate(money), existing.days)

    @cached_property
    def _people(self) -> pd.DataFrame:
        return customer_summary(self.ledger)

    @cached_property
    def _past(self) -> float:
        """Margin of all existing customers up to the cutoff."""
        return float(self.margin.of_purchases(self.ledger)["margin"].sum())

    @property
    def _first(self) -> Population:
        """Whom a model is asked about first; some know the total of all customers alone."""
        return "existing" if "existing" in self.populations else "all"

    @property
    def _with_newcomers(self) -> bool:
        return self.population == "all" and self._first == "existing"

    def _rate(self, money: MoneyLevers) -> float:
        return self.rate if money.discount is None else money.discount

    def _parted(self, levers: Mapping[str, Any]) -> tuple[dict[str, Any], MoneyLevers]:
        own, money = part_levers(levers, self.own_levers, self.name)
        pulled = set(levers) & set(MONEY) - set(own)
        if "product_mix" in pulled and self.high_margin is None:
            raise UsageError("product_mix: say what the better products earn, high_margin=0.6.")
        if "cost_to_serve" in pulled and not self.margin.per_order:
            raise UsageError(
                "cost_to_serve: the margin has no cost per order; give "
                "margin=Margin(0.4, per_order=3.0)."
            )
        if "cac" in pulled and self.cac is None:
            raise UsageError("cac: what customers cost is not known; give spend=.")
        far = sorted(pulled & set(NEWCOMERS))
        if far and not self._with_newcomers:
            raise UnsupportedError(
                f"{far[0]} acts on customers who are still to come: ask for population='all' of a "
                f"model that tells them from existing ones; {self.name} forecasts "
                f"{', '.join(self.populations)}."
            )
        return own, money

    def _outlook(
        self, population: Population, own: dict[str, Any], money: MoneyLevers, draws: int
    ) -> Outlook:
        """Forecast with the case's seed, so that all levers meet the same random numbers."""
        horizon = money.horizon or str(self.horizon)
        key = (population, horizon, draws, *sorted(own.items()))
        plain = all(isinstance(each, int | float) for each in own.values())
        if not plain or key not in self._kept:
            forecast = self.model.forecast(
                horizon, population=population, every=f"1{self.horizon.unit}",
                scenario=own or None, draws=draws, seed=self.seed,
            )  # fmt: skip
            found = Outlook.of(forecast, self.ledger, self.margin)
            if not plain:
                return found
            self._kept[key] = found
        return self._kept[key]

    def _worth(self, outlook: Outlook, money: MoneyLevers) -> tuple[FloatArray, FloatArray]:
        """Value, shape (1 + draws,), and margin by period under levers on money."""
        value = money.items_per_order * outlook.value
        earned = money.items_per_order * outlook.earned
        if money.product_mix:
            assert self.high_margin is not None
            earned = (1 - money.product_mix) * earned + money.product_mix * self.high_margin * value
        earned = money.margin * earned
        if money.margin > 1 and earned[0].sum() > value[0].sum() > 0:
            share = earned[0].sum() / value[0].sum()
            raise UsageError(f"margin={money.margin:g} makes margin {share:.0%} of value.")
        served = self.margin.per_order * money.cost_to_serve * outlook.purchases
        return value.sum(axis=1), earned - served

    def _arrivals(self, money: MoneyLevers) -> FloatArray:
        """Return new customers by period: as the model draws them, or at the last year's pace."""
        if set(NEVER_BACK) <= set(self.own_levers):
            return self._outlook("new", dict(NEVER_BACK), money, self.draws).purchases
        window = Horizon.parse(money.horizon or self.horizon)
        days = [each.days for each in window.periods(self.ledger.cutoff, f"1{self.horizon.unit}")]
        age = self._people["T"].to_numpy()
        seen = min(DAYS_PER_YEAR, (self.ledger.cutoff - self.ledger.first_day).days + 1.0)
        pace = float((age < seen).sum()) / seen
        return np.tile(pace * np.array(days, dtype=float), (1 + self.draws, 1))
