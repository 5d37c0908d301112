"""Purchase histories (frequency, recency, T): what is refused, and the compressed rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.errors import BadRowsError, NotIdentifiedError, TooLittleDataError, UsageError
from forecast.processes.arrays import Floats, Numbers
from forecast.processes.distinct import Codes, distinct_rows, encode

__all__ = [
    "FEWEST_CUSTOMERS",
    "Histories",
    "column",
    "columns",
    "read_histories",
    "refuse",
    "weighted_median",
]

FEWEST_CUSTOMERS = 10
_MOST_PURCHASES = 10_000_000
_TIMES = "Give recency as the age at the last purchase and T as the age now, in one unit."


@dataclass(frozen=True)
class Histories:
    """Distinct histories with their weights; times are in units of ``scale``.

    Attributes
    ----------
    x, tx, T : Codes
        Frequency, recency and age of the distinct histories, coded.
    weight : array, shape (distinct,)
        Summed weight of each.
    scale : float
        Median positive age, in the unit of the data: the unit of ``tx`` and ``T`` here.
    n_customers : int
        Customers behind the rows: the sum of the weights, to the next whole number.
    """

    x: Codes
    tx: Codes
    T: Codes
    weight: Floats
    scale: float
    n_customers: int

    def columns(self) -> tuple[Floats, Floats, Floats]:
        """Return frequency, recency and age of the distinct histories."""
        x, tx, age = (each.values[each.codes] for each in (self.x, self.tx, self.T))
        return x, tx, age

    def reaching(self) -> Floats:
        """Return how many customers made at least 1, 2, ... repeat purchases.

        log (r)_x summed over customers is the sum of log(r + i) over these, for i = 0, 1, ...
        """
        counts = self.x.values[self.x.codes].astype(np.int64)
        return np.asarray(self.weight.sum() - np.cumsum(np.bincount(counts, self.weight))[:-1])


def column(name: str, values: Numbers) -> Floats:
    """Return one column as floats, refusing what is not a row of finite numbers >= 0."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(f"{name}: values must be numbers, one a customer.") from None
    if array.ndim != 1:
        raise UsageError(f"{name}: one value a customer is needed, not shape {array.shape}.")
    low = array.min(initial=0.0)
    if not (low >= 0 and array.max(initial=0.0) < np.inf):
        wrong = ~np.isfinite(array)
        refuse(name, "missing or infinite values", wrong, array, "Remove or repair them.")
        refuse(name, "negative values", array < 0, array, "Remove or repair them.")
    return array


def columns(weights: Numbers | None, **given: Numbers) -> tuple[tuple[Floats, ...], Floats | None]:
    """Return columns of one length as floats, and weights; rows of weight 0 are left out."""
    found = {name: column(name, values) for name, values in given.items()}
    if weights is not None:
        found["weights"] = column("weights", weights)
    lengths = {name: each.size for name, each in found.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(f"Columns differ in length: {lengths}. Give one value a customer.")
    weight = found.pop("weights", None)
    if weight is None or weight.all():
        return tuple(found.values()), weight
    return tuple(each[weight > 0] for each in found.values()), weight[weight > 0]


def refuse(name: str, problem: str, wrong: Any, values: Any, remedy: str) -> None:
    """Raise by name if any row is wrong."""
    count = int(np.count_nonzero(wrong))
    if count:
        samples = np.asarray(values)[wrong][:5].tolist()
        raise BadRowsError(problem, column=name, count=count, samples=samples, remedy=remedy)


def read_histories(
    frequency: Numbers, recency: Numbers, T: Numbers, weights: Numbers | None = None
) -> Histories:
    """Check histories and compress them to distinct weighted rows in rescaled time.

    Parameters
    ----------
    frequency : array-like, shape (customers,)
        Repeat purchases.
    recency, T : array-like, shape (customers,)
        Age at the last purchase and age now, in one unit of time.
    weights : array-like, shape (customers,), optional
        How often each row counts; rows of weight 0 are left out.

    Raises
    ------
    BadRowsError
        If a row cannot be a history.
    TooLittleDataError
        If there are fewer than ten customers, or nobody was observed for any time.
    NotIdentifiedError
        If nobody bought again.
    UsageError
        If the columns differ in length.
    """
    (x, tx, age), weight = columns(weights, frequency=frequency, recency=recency, T=T)
    n_customers = int(x.size) if weight is None else round(float(weight.sum()))
    if max(n_customers, x.size) < FEWEST_CUSTOMERS:
        raise TooLittleDataError(
            f"{n_customers} customers are too few to estimate a process; "
            f"at least {FEWEST_CUSTOMERS} are needed. Use a longer log or a simpler model."
        )
    many = "Count purchase days, not items or amounts."
    refuse("frequency", "values above 10,000,000", x > _MOST_PURCHASES, x, many)
    ages = encode(age)
    times, counts = encode(tx), encode(x)
    whole = "Frequency counts repeat purchases, so it is a whole number."
    refuse("frequency", "values that are not whole", x % 1 != 0, x, whole)
    refuse("recency", "an age at the last purchase above T", tx > age, tx, _TIMES)
    fix = "A repeat purchase is later than the first: merge purchases of one day."
    refuse("recency", "repeat buyers whose last purchase is at age 0", (x > 0) & (tx == 0), x, fix)
    odd = "A customer without repeat purchase has recency 0."
    refuse("recency", "a positive value without a repeat purchase", (x == 0) & (tx > 0), tx, odd)
    (ix, itx, iage), total = distinct_rows([counts, times, ages], weight)
    positive = ages.values[iage] > 0
    if not positive.any():
        raise TooLittleDataError("Every T is 0: nobody was observed after the first purchase.")
    if counts.values[-1] == 0:
        raise NotIdentifiedError(
            f"None of {n_customers:,} customers bought again, so the rate of repeat purchases "
            "tends to 0 and no parameter is determined. Use a longer log.",
            limit="no repeat purchases",
        )
    scale = weighted_median(ages.values[iage][positive], total[positive])
    return Histories(
        Codes(counts.values, ix),
        Codes(times.values / scale, itx),
        Codes(ages.values / scale, iage),
        total,
        scale,
        n_customers,
    )


def weighted_median(values: Floats, weight: Floats) -> float:
    """Return the lower median, for which weights act exactly as repeated rows."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
