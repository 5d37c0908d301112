"""A model that says only how often each customer buys: its author writes ``fit``."""

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import ModelError, listed
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.newcomers.population import CustomerModel
from forecast.models.poisson_draws import PoissonDraws
from forecast.models.spread import Shares
from forecast.views import customer_ids

__all__ = ["RateModel", "around_means"]

FloatArray = npt.NDArray[np.float64]


@dataclass
class RateModel(CustomerModel):
    """Each customer buys at a steady rate; a subclass writes ``fit`` and inherits the rest.

    ``fit(ledger)`` sets ``ledger_`` and ``rates_`` and returns the model. Over the horizon a
    customer buys Poisson(rate x days) times, evenly over the days, each time for his mean order
    value: that gives bounds, totals by any grouping, scores and backtests. New customers are
    :class:`forecast.models.newcomers.newcomers.Newcomers`.

    Attributes
    ----------
    ledger_ : Ledger
        What the model was fitted on.
    rates_ : pandas.DataFrame
        Index ``customer_id``, all of :func:`forecast.customer_summary`, in any order; columns
        ``purchases_a_day`` (0 or more) and, in a log with amounts, ``order_value`` (currency).

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import forecast as fc
    >>> @dataclass
    ... class Pooled(fc.RateModel):
    ...     def fit(self, ledger):
    ...         people = fc.customer_summary(ledger)
    ...         rate = people["frequency"].sum() / people["T"].sum()
    ...         self.ledger_, self.rates_ = ledger, people[[]].assign(purchases_a_day=rate)
    ...         return self
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), key=())
    >>> Pooled().fit(ledger).forecast("39W").interval(0.9).round()
               expected      lo      hi
    purchases    2360.0  2280.0  2438.0
    """

    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    rates_: pd.DataFrame | None = field(default=None, init=False, repr=False, compare=False)

    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        assert self.ledger_ is not None
        people = customer_ids(self.ledger_)
        rate, order_value = self._checked(people)
        unknown = self.ledger_.has_value and order_value is None
        cutoff = self.ledger_.cutoff
        mean = rate * horizon.window(cutoff).days
        found = around_means(self, cutoff, horizon, every, people, mean, order_value, draws, seed)
        note = "No order value is given, so the value of purchases is unknown."
        return replace(found, notes=(*found.notes, note)) if unknown else found

    def _checked(self, people: pd.Index) -> tuple[FloatArray, FloatArray | None]:
        """Return rates and order values by customer; None where no order value is known.

        Raises
        ------
        ModelError
            If rates are of other customers, missing, infinite or below 0, or order values are
            known for some customers alone.
        """
        assert self.ledger_ is not None
        name, rates = type(self).__name__, self.rates_
        if not isinstance(rates, pd.DataFrame) or "purchases_a_day" not in rates:
            raise ModelError(f"{name}.rates_: fit() sets a DataFrame with purchases_a_day.")
        others = rates.index.symmetric_difference(people)
        if len(others) or rates.index.has_duplicates:
            raise ModelError(
                f"{name}.rates_: one row for each of the {len(people):,} customers; it has "
                f"{len(rates):,} rows, and {len(others):,} customers are on one side alone: "
                f"{listed(list(others))}."
            )
        numbers = rates.reindex(people).apply(pd.to_numeric, errors="coerce")
        rate = numbers["purchases_a_day"].to_numpy(float)
        wrong = ~(np.isfinite(rate) & (rate >= 0))
        order_value = None
        if self.ledger_.has_value and "order_value" in rates and rates["order_value"].notna().any():
            order_value = numbers["order_value"].to_numpy(float)
            wrong |= ~np.isfinite(order_value)
        if wrong.any():
            raise ModelError(
                f"{name}.rates_: {int(wrong.sum()):,} of {len(people):,} customers have no usable "
                "rate or order value (missing, no number, infinite, a rate below 0): "
                f"{listed(list(people[wrong]))}."
            )
        return rate, order_value


def around_means(
    model: object,
    cutoff: date,
    horizon: Horizon,
    every: str | None,
    index: pd.Index,
    mean: FloatArray,
    order_value: FloatArray | None,
    draws: int,
    seed: int,
) -> Forecast:
    """Build the forecast of customers with Poisson counts, spread evenly over the days."""
    windows = horizon.periods(cutoff, every)
    shares = Shares.by_days(windows, len(mean))
    value = None if order_value is None else mean * order_value
    return forecast_existing(
        model,
        cutoff=cutoff,
        horizon=horizon,
        windows=windows,
        customers=customer_table(index, -np.expm1(-mean), mean, value),
        shares=shares,
        sampler=PoissonDraws(mean, order_value, shares, draws, seed) if draws else None,
    )
