"""A forecast as totals by period: the expectation and every draw, of counts and of money."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UnsupportedError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.cash_flow import CashFlow
from forecast.value.discounting import middles
from forecast.value.margin import Margin
from forecast.views import customer_summary

__all__ = ["Outlook"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outlook:
    """Totals of a population; row 0 is the expectation, the other rows are draws.

    Attributes
    ----------
    purchases : array, shape (1 + draws, periods)
    value, earned : array of the same shape
        Value, and margin before the cost of serving orders, in the ledger's currency.
    active : array, shape (1 + draws,)
        Customers with a purchase inside the horizon; missing for totals without customers.
    days : array, shape (periods,)
        Middle of each period, in days from the end of the cutoff.
    """

    purchases: FloatArray
    value: FloatArray
    earned: FloatArray
    active: FloatArray
    days: FloatArray

    @classmethod
    def of(cls, forecast: Forecast, ledger: Ledger, margin: Margin) -> Self:
        """Add up a forecast's expectation and its draws, if it has any.

        Parameters
        ----------
        forecast : Forecast
        ledger : Ledger
            What the model was fitted on.
        margin : Margin
            Its cost of serving an order is left out.

        Raises
        ------
        UnsupportedError
            If the forecast has no values.
        """
        gross = replace(margin, per_order=0.0)
        counts, money = (
            forecast.periods[f"expected_{name}"].to_numpy(float)[None, :]
            for name in ("purchases", "value")
        )
        if not ledger.has_value or np.isnan(money).any():
            raise UnsupportedError(f"{forecast.model} forecasts no value; a scenario needs it.")
        if forecast.customers is None:
            share = _pooled(gross, ledger)
            active = np.full(1, np.nan)
            if forecast.sampler is not None:
                totals = forecast.totals()
                assert totals.value is not None
                counts = np.concatenate([counts, totals.purchases[:, 0]])
                money = np.concatenate([money, totals.value[:, 0]])
                active = np.full(len(counts), np.nan)
            return cls(counts, money, share * money, active, middles(forecast))
        flow = CashFlow.of(forecast, ledger, gross, 0.0)
        expected = forecast.customers["expected_value"].to_numpy()
        whole = float(expected.sum())
        share = float(flow.share @ expected) / whole if whole else float(flow.share.mean())
        active = np.array([forecast.customers["p_active"].sum(skipna=False)])
        found = cls(counts, money, share * money, active, middles(forecast))
        return found if forecast.sampler is None else found._with_draws(flow)

    def _with_draws(self, flow: CashFlow) -> Self:
        assert flow.forecast.sampler is not None
        draws, periods = flow.forecast.sampler.draws, len(self.days)
        sums, active = np.zeros((3, draws * periods)), np.zeros(draws)
        for each in flow.entries():
            place = each.draw * periods + each.period
            for row, amount in zip(sums, (each.purchases, each.value, each.margin), strict=True):
                row += np.bincount(place, amount, minlength=row.size)
            cell = np.unique(each.customer * draws + each.draw)
            active += np.bincount(cell % draws, minlength=draws)
        cubes = sums.reshape(3, draws, periods)
        counts, money, earned = (
            np.concatenate([mean, cube])
            for mean, cube in zip((self.purchases, self.value, self.earned), cubes, strict=True)
        )
        return replace(
            self, purchases=counts, value=money, earned=earned,
            active=np.concatenate([self.active, active]),
        )  # fmt: skip


def _pooled(margin: Margin, ledger: Ledger) -> float:
    """Share of value that is margin, of customers nobody knows by name: the past's."""
    people = customer_summary(ledger)
    shares = margin.shares(pd.Index(people.index), ledger)
    worth = people["total_value"].to_numpy().clip(min=0.0)
    return float(np.average(shares, weights=worth if worth.any() else None))
