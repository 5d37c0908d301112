"""The forecasts every model must beat: nothing, one's own rate, and last year again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window, add
from forecast.errors import NotFittedError, TooLittleDataError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.existing import customer_table
from forecast.models.newcomers.newcomer_draws import TotalDraws
from forecast.models.poisson_draws import ReplayDraws
from forecast.models.rate_model import RateModel, around_means
from forecast.models.settings import Settings
from forecast.views import customer_summary

__all__ = ["LastYear", "OwnRate", "Zero"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ANYBODY = ("existing", "new", "all")


@dataclass
class Zero(Settings):
    """Nobody buys again. Any model that loses to this one is of no use.

    Its distribution is degenerate: every draw is 0. Nobody new comes either.
    """

    summary_: pd.DataFrame | None = field(default=None, init=False, repr=False, compare=False)
    cutoff_: date | None = field(default=None, init=False, repr=False)
    has_value_: bool = field(default=False, init=False, repr=False)

    def fit(self, ledger: Ledger) -> Self:
        """Remember who the customers are."""
        self.summary_, self.cutoff_ = customer_summary(ledger), ledger.cutoff
        self.has_value_ = ledger.has_value
        return self

    def update(self, ledger: Ledger) -> Self:
        """Take the customers of another ledger: nothing was learned."""
        return self.fit(ledger)

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`."""
        check_request(self, population, scenario, populations=ANYBODY, draws=draws, seed=seed)
        if self.summary_ is None or self.cutoff_ is None:
            raise NotFittedError(self)
        nothing = np.zeros(len(self.summary_))
        order_value = nothing if self.has_value_ else None
        found = around_means(
            self, self.cutoff_, Horizon.parse(horizon), every, self.summary_.index, nothing,
            order_value, draws, seed,
        )  # fmt: skip
        if population == "existing":
            return found
        empty = np.zeros((draws, len(found.periods)))
        sampler = TotalDraws(empty.astype(np.int64), empty if self.has_value_ else None, seed)
        return replace(
            found, population=population, customers=None, sampler=sampler if draws else None
        )


@dataclass
class OwnRate(RateModel):
    """Each customer keeps buying at his own past rate, for his own past mean amount.

    The rate is ``frequency / T``, both in days; a customer first seen on the cutoff (T = 0) gets
    the pooled rate ``sum(frequency) / sum(T)``. The amount is the mean over all his purchase
    days. Nobody ever stops buying, so the total is usually far too high.
    """

    def fit(self, ledger: Ledger) -> Self:
        """Keep each customer's rate and mean amount.

        Raises
        ------
        TooLittleDataError
            If every customer was first seen on the cutoff, so that no time has passed.
        """
        people = customer_summary(ledger)
        bought, age = people["frequency"], people["T"]
        if not age.sum() > 0:
            raise TooLittleDataError(
                f"All {len(people):,} customers were first seen on the cutoff {ledger.cutoff}; a "
                "rate needs at least one customer seen a day before it."
            )
        rate = (bought / age).where(age > 0, bought.sum() / age.sum())
        self.ledger_, self.rates_ = ledger, rate.to_frame("purchases_a_day")
        if ledger.has_value:
            self.rates_["order_value"] = people["total_value"] / people["n_purchases"]
        return self

    def update(self, ledger: Ledger) -> Self:
        """Take the rates of another ledger: each customer has only his own."""
        return self.fit(ledger)


@dataclass
class LastYear(Settings):
    """Each customer does again what he did in the same calendar window a year before.

    The window is shifted back by as many whole years as it takes to lie before the cutoff, period
    by period. Each of its purchase days happens Poisson(1) times again, for its amount. Who was
    not a customer then is expected to buy nothing. Population ``"all"`` repeats what all bought
    then, and ``"new"`` what those did who came inside the window; since by now they are existing
    customers, ``"existing"`` and ``"new"`` add up to more than ``"all"``.
    """

    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Remember the purchases."""
        self.ledger_ = ledger
        return self

    def update(self, ledger: Ledger) -> Self:
        """Remember the purchases of another ledger: nothing was learned."""
        return self.fit(ledger)

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Raises
        ------
        TooLittleDataError
            If the history does not reach back to the start of last year's window.
        """
        check_request(self, population, scenario, populations=ANYBODY, draws=draws, seed=seed)
        ledger = self.ledger_
        if ledger is None:
            raise NotFittedError(self)
        asked = Horizon.parse(horizon)
        windows = asked.periods(ledger.cutoff, every)
        years = _years_back(windows, ledger)
        edges = [add(day, -years, "Y") for day in (*(w.start for w in windows), windows[-1].end)]
        first = customer_summary(ledger)["first_purchase"]
        entries = self._entries(ledger, edges)
        if population != "existing":
            new = first.to_numpy()[entries["customer"]] >= np.datetime64(edges[0])
            entries = _together(entries[new] if population == "new" else entries)
        customer, period = entries["customer"].to_numpy(), entries["period"].to_numpy()
        counts = entries["purchases"].to_numpy(float)
        value = entries["value"].to_numpy(float) if ledger.has_value else None
        size, length = len(first) if population == "existing" else 1, len(windows)

        def total(where: IntArray, weight: FloatArray, many: int) -> FloatArray:
            return np.bincount(where, weight, minlength=many).astype(float)

        customers, said = None, f"Repeats {edges[0]} to {Window(edges[0], edges[-1]).last}"
        if population == "existing":
            mean = total(customer, counts, size)
            worth = None if value is None else total(customer, value, size)
            customers = customer_table(first.index, -np.expm1(-mean), mean, worth)
            late = int((first >= pd.Timestamp(edges[-1])).sum())
            said += f"; {late:,} of {size:,} customers came later and are expected to buy nothing"
        sampler = ReplayDraws(size, customer, period, counts, value, draws, seed)
        return Forecast.build(
            model=type(self).__name__,
            cutoff=ledger.cutoff,
            horizon=asked,
            windows=windows,
            population=population,
            customers=customers,
            period_purchases=total(period, counts, length),
            period_value=None if value is None else total(period, value, length),
            sampler=sampler if draws else None,
            notes=(f"{said}.",),
        )

    def _entries(self, ledger: Ledger, edges: list[date]) -> pd.DataFrame:
        """Return purchases (and value) by customer and period between the edges."""
        rows = ledger.purchases()
        day = rows["date"].to_numpy("datetime64[D]")
        rows["period"] = np.searchsorted(np.array(edges, "datetime64[D]"), day, side="right") - 1
        # customers are numbered in the order of their names, which is that of the summary
        rows["customer"] = rows["customer_id"].rank(method="dense").astype(int) - 1
        rows = rows[(rows["period"] >= 0) & (rows["period"] < len(edges) - 1)]
        amounts = {"value": ("value", "sum")} if ledger.has_value else {}
        grouped = rows.groupby(["customer", "period"])
        return grouped.agg(purchases=("date", "size"), **amounts).reset_index()


def _together(entries: pd.DataFrame) -> pd.DataFrame:
    """Add up all customers' entries by period, as those of one customer."""
    return entries.drop(columns="customer").groupby("period").sum().assign(customer=0).reset_index()


def _years_back(windows: list[Window], ledger: Ledger) -> int:
    """Return how many years back the window lies wholly before the cutoff."""
    years = 1
    while add(windows[-1].last, -years, "Y") > ledger.cutoff:
        years += 1
    start = add(windows[0].start, -years, "Y")
    if start < ledger.first_day:
        raise TooLittleDataError(
            f"LastYear needs purchases from {start} on; the log starts on {ledger.first_day}. "
            "Ask for a shorter horizon, use a longer log, or another model."
        )
    return years
