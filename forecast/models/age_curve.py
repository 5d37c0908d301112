"""Purchases and value per customer by age: the development curve of the cohort method."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.errors import TooLittleDataError

__all__ = ["AgeCurve"]

FloatArray = npt.NDArray[np.float64]

BIN_DAYS = 30
LEAST_EXPOSURE = 30.0 * BIN_DAYS  # 30 customers for a whole bin


@dataclass(frozen=True)
class AgeCurve:
    """Repeat purchases per customer and day, in bins of 30 days of age.

    Attributes
    ----------
    purchases : array of float, shape (bins,)
        Purchases per customer and day of age.
    value : array of float, shape (bins,), or None
        Value per customer and day of age, in the ledger's currency.
    fall : float
        Factor from one bin to the next beyond the last one, in (0, 1].
    tail : float
        Purchases per customer and day in the first bin beyond.
    tail_order_value : float
        Value per purchase beyond.

    Examples
    --------
    Forty customers seen for 60 days; all buy at age 10, half of them again at age 40:

    >>> age = np.repeat(60.0, 40)
    >>> bought = np.repeat([10.0, 40.0], [40, 20])
    >>> curve = AgeCurve.learn(age, bought, None)
    >>> curve.upto(np.array([30.0, 60.0]))
    array([1. , 1.5])
    """

    purchases: FloatArray
    value: FloatArray | None
    fall: float
    tail: float
    tail_order_value: float

    @classmethod
    def learn(
        cls,
        age: FloatArray,
        bought: FloatArray,
        value: FloatArray | None,
        *,
        level: FloatArray | None = None,
        value_level: FloatArray | None = None,
    ) -> "AgeCurve":
        """Pool all customers: purchases in a bin over customer-days lived in it.

        The curve ends at the first bin in which fewer than 30 customers' worth of days were
        lived. Beyond it, a line through the logarithm of the last third of the bins, weighted by
        their purchases, gives the geometric tail; it never rises.

        Parameters
        ----------
        age : array of float, shape (customers,)
            Days from a customer's first purchase to the cutoff.
        bought : array of float, shape (repeat purchases,)
            Age of the customer at each, in days, > 0.
        value : array of float, shape (repeat purchases,), or None
        level, value_level : array of float, shape (customers,), optional
            How many times the curve's purchases and value a customer's own are; 1 by default.

        Raises
        ------
        TooLittleDataError
            If there is not one such bin.
        """
        exposure = _exposure(age)
        enough = exposure >= LEAST_EXPOSURE
        bins = len(exposure) if enough.all() else int(np.argmin(enough))
        if bins == 0:
            raise TooLittleDataError(
                f"{len(age):,} customers were seen for {exposure[:1].sum():,.0f} days in all "
                f"within {BIN_DAYS} days of their first purchase; a curve by age needs at least "
                f"{LEAST_EXPOSURE:,.0f} customer-days. Use a longer log."
            )
        lived = exposure[:bins] if level is None else _exposure(age, level)[:bins]
        place = ((bought - 1) // BIN_DAYS).astype(np.int64)
        inside = place < bins
        counts = np.bincount(place[inside], minlength=bins).astype(float)
        last = slice(bins - max(1, bins // 3), bins)
        tail, fall = _tail(counts[last], lived[last])
        per_day = counts / lived
        if value is None:
            return cls(per_day, None, fall, tail, 0.0)
        amounts = np.bincount(place[inside], value[inside], minlength=bins)
        paid = lived if value_level is None else _exposure(age, value_level)[:bins]
        value_per_day = amounts / paid
        recent = last if per_day[last].any() else slice(None)
        usual = float(per_day[recent].sum())
        order_value = float(value_per_day[recent].sum()) / usual if usual else 0.0
        return cls(per_day, value_per_day, fall, tail, order_value)

    def upto(self, age: FloatArray) -> FloatArray:
        """Return expected repeat purchases of one customer up to each age in days."""
        return self._integral(self.purchases, self.tail, age)

    def value_upto(self, age: FloatArray) -> FloatArray:
        """Return their expected value."""
        assert self.value is not None
        return self._integral(self.value, self.tail * self.tail_order_value, age)

    @property
    def oldest(self) -> int:
        """Age in days at which the observed curve ends."""
        return BIN_DAYS * len(self.purchases)

    def _integral(self, per_day: FloatArray, tail: float, age: FloatArray) -> FloatArray:
        more = max(0, int(np.ceil(age.max(initial=0.0) / BIN_DAYS)) - len(per_day))
        whole = np.concatenate([per_day, tail * self.fall ** np.arange(more)])
        upto = np.concatenate([[0.0], np.cumsum(whole * BIN_DAYS)])
        return np.asarray(np.interp(age, BIN_DAYS * np.arange(len(upto)), upto))


def _exposure(age: FloatArray, level: FloatArray | None = None) -> FloatArray:
    """Return customer-days lived in each bin of age, each customer counted by his level."""
    number = np.bincount(age.astype(np.int64), level)
    days = np.arange(len(number))
    starts = range(0, len(number), BIN_DAYS)
    return np.array([np.clip(days - start, 0, BIN_DAYS) @ number for start in starts], dtype=float)


def _tail(counts: FloatArray, exposure: FloatArray) -> tuple[float, float]:
    """Return the rate in the first bin beyond the data, and the factor from bin to bin."""
    pooled = float(counts.sum() / exposure.sum())
    if len(counts) < 2:
        return pooled, 1.0
    # half a purchase more in each bin keeps the logarithm finite
    weight, place = counts + 0.5, np.arange(len(counts), dtype=float)
    slope, level = np.polyfit(place, np.log(weight / exposure), 1, w=np.sqrt(weight))
    if slope >= 0:
        return pooled, 1.0
    fitted = np.exp(level + slope * place)
    fitted_total = float((fitted * exposure).sum())
    # the line keeps its slope, and meets the purchases counted
    start = float(np.exp(level + slope * len(counts))) * float(counts.sum()) / fitted_total
    return start, float(np.exp(slope))
