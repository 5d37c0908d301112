"""The margin of a forecast's draws: one pass gives customers' bounds and groups' totals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.draws import row_quantiles
from forecast.errors import UnsupportedError, UsageError, listed
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.currency import one_currency
from forecast.value.discounting import discount_factor, middles
from forecast.value.margin import Margin
from forecast.views import customer_summary

__all__ = ["CashFlow", "Entries", "Replayed", "check_pair"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Entries:
    """Drawn purchases of a block of customers: one entry a customer, draw and period.

    Attributes
    ----------
    rows : slice
        The block's positions in ``Forecast.customers``.
    customer, draw, period : array of int
        Whose, in which simulated future, when.
    purchases, value, margin : array of float
        Count, and money at the day of purchase.
    """

    rows: slice
    customer: IntArray
    draw: IntArray
    period: IntArray
    purchases: FloatArray
    value: FloatArray
    margin: FloatArray


@dataclass(frozen=True)
class Replayed:
    """What one pass over the draws tells.

    Attributes
    ----------
    bounds : array, shape (customers, 2)
        5 % and 95 % quantile of each customer's discounted margin.
    totals : array, shape (draws, groups, periods)
        Discounted margin of each group.
    value_factor, purchase_factor : array, shape (customers,)
        What discounting leaves of each customer's value and of their purchases.
    """

    bounds: FloatArray
    totals: FloatArray
    value_factor: FloatArray
    purchase_factor: FloatArray


@dataclass(frozen=True, eq=False)
class CashFlow:
    """A forecast seen as money: who earns which margin, and what time costs.

    Attributes
    ----------
    forecast : Forecast
        Of customers, with values.
    share : array, shape (customers,)
        Margin as a share of value.
    per_order : float
        Cost of serving a purchase.
    rate : float
        Annual effective discount rate; payments count from the middle of their period.
    """

    forecast: Forecast
    share: FloatArray
    per_order: float
    rate: float

    @classmethod
    def of(cls, forecast: Forecast, ledger: Ledger, margin: Margin, rate: float) -> "CashFlow":
        """Join a forecast with the ledger it was made from.

        Raises
        ------
        UnsupportedError
            If the forecast has no customers or the ledger no amounts.
        UsageError
            If the two do not tell of the same customers at the same cutoff.
        """
        if forecast.customers is None:
            raise UnsupportedError(
                f"{forecast.model} forecasts totals of population {forecast.population!r}; money "
                'by customer needs a forecast of population "existing".'
            )
        check_pair(forecast, ledger)
        customers, seen = forecast.customers.index, customer_summary(ledger).index
        strangers = sorted(set(customers) ^ set(seen))
        if strangers:
            raise UsageError(
                f"{len(strangers):,} customers are in the forecast or in the ledger, not in both: "
                f"{listed(strangers)}. Give the ledger that the model was fitted on."
            )
        return cls(forecast, margin.shares(customers, ledger), margin.per_order, rate)

    @property
    def factor(self) -> FloatArray:
        """What a payment of each period is worth at the cutoff."""
        return discount_factor(self.rate, middles(self.forecast))

    def entries(self) -> Iterator[Entries]:
        """Replay the draws, block by block.

        Raises
        ------
        UnsupportedError
            If the forecast has no draws, or draws without values.
        """
        sampler = self.forecast.sampler
        if sampler is None:
            raise UnsupportedError(
                f"{self.forecast.model} was forecast without draws; pass draws=1000."
            )
        for block in sampler.blocks():
            split = block.split()
            if split.value is None:
                raise UnsupportedError(f"{self.forecast.model} draws purchases without a value.")
            customer, draw = np.divmod(split.cell, sampler.draws)
            margin = self.share[block.rows][customer] * split.value
            yield Entries(
                rows=block.rows,
                customer=customer,
                draw=draw,
                period=split.period,
                purchases=split.purchases.astype(float),
                value=split.value,
                margin=margin - self.per_order * split.purchases,
            )

    def replay(self, codes: IntArray | None = None, groups: int = 1) -> Replayed:
        """Sum the draws by group and period, and by customer, in one pass.

        Parameters
        ----------
        codes : array of int, shape (customers,), optional
            Group of each customer; -1 for none.
        groups : int
            How many there are.
        """
        sampler, size, periods = self.forecast.sampler, self.share.size, len(self.factor)
        draws, factor = (sampler.draws if sampler else 0), self.factor
        codes = np.zeros(size, dtype=np.int64) if codes is None else codes
        inside = np.where(codes < 0, groups, codes)  # one more group for those in none
        totals = np.zeros((draws, groups + 1, periods))
        bounds, of_value, of_purchases = np.zeros((size, 2)), np.ones(size), np.ones(size)
        for each in self.entries():
            count, worth = each.rows.stop - each.rows.start, factor[each.period]
            money = each.margin * worth
            place = (each.draw * (groups + 1) + inside[each.rows][each.customer]) * periods
            totals += np.bincount(place + each.period, money, minlength=totals.size).reshape(
                totals.shape
            )
            cell = np.bincount(each.customer * draws + each.draw, money, minlength=count * draws)
            bounds[each.rows] = row_quantiles(cell.reshape(count, draws), [0.05, 0.95])
            of_value[each.rows] = _left(each.customer, each.value, worth, count)
            of_purchases[each.rows] = _left(each.customer, each.purchases, worth, count)
        return Replayed(bounds, totals[:, :groups], of_value, of_purchases)


def check_pair(forecast: Forecast, ledger: Ledger) -> None:
    """Refuse a ledger without amounts, in several currencies, or of another cutoff."""
    if not ledger.has_value:
        raise UnsupportedError("The ledger has no amounts; read it with its value column.")
    one_currency(ledger)
    if ledger.cutoff != forecast.cutoff:
        raise UsageError(
            f"The forecast was made on {forecast.cutoff}, the ledger reaches {ledger.cutoff}. "
            f'Give ledger.cut("{forecast.cutoff}").'
        )


def _left(customer: IntArray, amount: FloatArray, worth: FloatArray, count: int) -> FloatArray:
    """Share of each customer's drawn amount that discounting leaves; pooled where none is drawn."""
    before = np.bincount(customer, amount, minlength=count)
    after = np.bincount(customer, amount * worth, minlength=count)
    pooled = after.sum() / before.sum() if before.sum() else 1.0
    return np.asarray(np.divide(after, before, out=np.full(count, float(pooled)), where=before > 0))
