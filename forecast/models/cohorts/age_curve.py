"""Purchases and value per customer by age: the development curve of the cohort method."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.errors import TooLittleDataError

__all__ = ["BIN_DAYS", "AgeCurve", "bins_known", "days_lived", "falling_tail", "level_tail"]

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
    def learn(cls, age: FloatArray, bought: FloatArray, value: FloatArray | None) -> "AgeCurve":
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

        Raises
        ------
        TooLittleDataError
            If there is not one such bin.
        """
        number = np.bincount(age.astype(np.int64)).astype(float)
        exposure = days_lived(number, -(-len(number) // BIN_DAYS))
        bins = bins_known(exposure, len(age))
        lived = exposure[:bins]
        place = ((bought - 1) // BIN_DAYS).astype(np.int64)
        inside = place < bins
        counts = np.bincount(place[inside], minlength=bins).astype(float)
        tail, fall = _tail(_last_third(counts), _last_third(lived))
        if value is None:
            return cls(counts / lived, None, float(fall), float(tail), 0.0)
        amounts = np.bincount(place[inside], value[inside], minlength=bins)
        order_value = level_tail(amounts / lived, counts / lived, bins + 1)[-1]
        return cls(counts / lived, amounts / lived, float(fall), float(tail), float(order_value))

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


def days_lived(number: FloatArray, bins: int) -> FloatArray:
    """Return days lived in each bin of age.

    Parameters
    ----------
    number : array of float, shape (..., ages)
        Customers of 0, 1, 2, ... days of age.
    bins : int
    """
    days = np.arange(number.shape[-1])[:, None] - BIN_DAYS * np.arange(bins)
    return np.asarray(number @ np.clip(days, 0, BIN_DAYS).astype(float))


def bins_known(exposure: FloatArray, customers: int) -> int:
    """Return how many bins have enough days lived in them, from the first on.

    Raises
    ------
    TooLittleDataError
        If there is not one.
    """
    enough = exposure >= LEAST_EXPOSURE
    bins = len(exposure) if enough.all() else int(np.argmin(enough))
    if bins == 0:
        raise TooLittleDataError(
            f"{customers:,} customers were seen for {exposure[:1].sum():,.0f} days in all "
            f"within {BIN_DAYS} days of their first purchase; a curve by age needs at least "
            f"{LEAST_EXPOSURE:,.0f} customer-days. Use a longer log."
        )
    return bins


def falling_tail(seen: FloatArray, exposure: FloatArray, bins: int) -> FloatArray:
    """Return rates by bin: as seen, then falling geometrically; leading axes broadcast."""
    own = _share(seen, exposure)
    more = max(0, bins - own.shape[-1])
    start, fall = _tail(_last_third(seen), _last_third(np.broadcast_to(exposure, seen.shape)))
    beyond = start[..., None] * fall[..., None] ** np.arange(more)
    return np.concatenate([own[..., :bins], beyond], axis=-1)


def level_tail(seen: FloatArray, exposure: FloatArray, bins: int) -> FloatArray:
    """Return rates by bin: as seen, then as in the last third; leading axes broadcast."""
    own = _share(seen, exposure)
    more = max(0, bins - own.shape[-1])
    there = np.broadcast_to(exposure, seen.shape)
    recent = _share(_last_third(seen).sum(axis=-1), _last_third(there).sum(axis=-1))
    ever = _share(seen.sum(axis=-1), there.sum(axis=-1))
    beyond = np.where(_last_third(there).sum(axis=-1) > 0, recent, ever)[..., None]
    return np.concatenate([own[..., :bins], np.repeat(beyond, more, axis=-1)], axis=-1)


def _share(seen: FloatArray, exposure: FloatArray) -> FloatArray:
    seen, exposure = np.broadcast_arrays(seen, exposure)
    return np.divide(seen, exposure, out=np.zeros(seen.shape), where=exposure > 0)


def _last_third(by_bin: FloatArray) -> FloatArray:
    return by_bin[..., -max(1, by_bin.shape[-1] // 3) :]


def _tail(counts: FloatArray, exposure: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rate in the first bin beyond the data, and the factor from bin to bin."""
    total = counts.sum(axis=-1)
    pooled = _share(total, exposure.sum(axis=-1))
    bins = counts.shape[-1]
    if bins < 2:
        return pooled, np.ones_like(pooled)
    # half a purchase more in each bin keeps the logarithm finite
    weight, place = counts + 0.5, np.arange(bins, dtype=float)
    height = np.log(weight / np.maximum(exposure, 1e-12))
    weight = weight / weight.sum(axis=-1, keepdims=True)
    middle = (weight @ place)[..., None]
    level = (weight * height).sum(axis=-1, keepdims=True)
    away = place - middle
    slope = (weight * away * (height - level)).sum(axis=-1, keepdims=True)
    slope = slope / (weight * away**2).sum(axis=-1, keepdims=True)
    fitted = np.exp(level + slope * away)
    # the line keeps its slope, and meets the purchases counted
    meets = _share(total, (fitted * exposure).sum(axis=-1))
    slope = slope[..., 0]
    start = np.exp(level[..., 0] + slope * (bins - middle[..., 0])) * meets
    falls = slope < 0
    return np.where(falls, start, pooled), np.exp(np.where(falls, slope, 0.0))
