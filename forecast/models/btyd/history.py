"""What a buy-till-you-die model knows of each customer at the cutoff."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UnsupportedError
from forecast.processes import Clock, Timeline
from forecast.processes.distinct import encode
from forecast.processes.purchase_gaps import log_gaps

__all__ = ["DAYS", "Floats", "History", "Integers", "Times"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
DAYS = 7.0  # the fit's unit is the week, as in the literature


@dataclass(frozen=True)
class Times:
    """When customers bought, in the fit's unit by a model's clock.

    Attributes
    ----------
    recency, age : array, shape (customers,)
        Age at the last purchase, age at the cutoff.
    log_gaps : array, shape (customers,), or None
        Sum of the logarithms of the gaps between purchases, for processes with regular timing.
    """

    recency: Floats
    age: Floats
    log_gaps: Floats | None = None

    @classmethod
    def of(
        cls, summary: pd.DataFrame, timeline: Timeline | None, clock: Clock | None, *, gaps: bool
    ) -> Self:
        """Read the times of a customer summary; gaps and clocks need the timeline."""
        if timeline is None:
            return cls(summary["recency"].to_numpy() / DAYS, summary["T"].to_numpy() / DAYS)
        time = Clock(start=0) if clock is None else clock
        first, last = timeline.first, timeline.last
        together = None
        if gaps:
            start = int(first.min())
            owner = np.concatenate((np.arange(first.size), timeline.owner))
            days = np.concatenate((first, timeline.days))
            together = log_gaps(owner, time.elapsed(start, days) / DAYS)[1]
        if clock is None:
            plain = cls.of(summary, None, None, gaps=False)
            return replace(plain, log_gaps=together)
        return cls(
            time.elapsed(first, last) / DAYS, time.elapsed(first, timeline.now) / DAYS, together
        )


@dataclass(frozen=True)
class History:
    """What the models know of each customer; times in the fit's unit.

    Attributes
    ----------
    customers : pandas.Index
        Ids, sorted.
    frequency, recency, age : array, shape (customers,)
        Repeat purchases, age at the last one, age at the cutoff.
    orders, mean_order : array, shape (customers,)
        Purchases of a value above 0 that the spend model counts, and their mean value.
    distinct : tuple of arrays
        Frequency, recency and age of the distinct histories.
    code : array of int, shape (customers,)
        Which distinct history a customer has.
    segment : array of int, shape (customers,)
        Customers of one segment share their parameters.
    distinct_segment : array of int
        Segment of each distinct history.
    worth : array, shape (customers,)
        Factor from the spend model's order value to the customer's.
    table : object
        What the segments are, for the fit that made them.
    """

    customers: pd.Index
    frequency: Floats
    recency: Floats
    age: Floats
    orders: Floats
    mean_order: Floats
    distinct: tuple[Floats, Floats, Floats]
    code: Integers
    segment: Integers
    distinct_segment: Integers
    worth: Floats
    table: Any = None

    @classmethod
    def of(
        cls,
        summary: pd.DataFrame,
        recency: Floats,
        age: Floats,
        *,
        repeat_only: bool,
        segment: Integers | None = None,
    ) -> Self:
        """Take the histories from a customer summary and times in the fit's unit."""
        frequency = summary["frequency"].to_numpy(float)
        segment = np.zeros(len(summary), dtype=np.int64) if segment is None else segment
        key, levels = np.zeros(len(summary), dtype=np.int64), list[Floats]()
        for column in (frequency, recency, age):
            coded = encode(column)
            key = key * coded.values.size + coded.codes
            levels.append(coded.values)
        groups = int(segment.max(initial=0)) + 1
        found, code = np.unique(key * groups + segment, return_inverse=True)
        found, segments = np.divmod(found, groups)
        found, ages = np.divmod(found, levels[2].size)
        counts, lasts = np.divmod(found, levels[1].size)
        orders = summary["n_paid"].to_numpy(float)
        total = np.nan_to_num(summary["total_value"].to_numpy(float))
        if repeat_only:
            first = np.nan_to_num(summary["first_value"].to_numpy(float))
            orders, total = orders - (first > 0), total - first
        if summary["n_paid"].isna().any():  # a summary table: first orders are unknown
            if not repeat_only:
                raise UnsupportedError(
                    "A summary table has the mean of repeat purchases alone, without the first "
                    "orders: use spend='gamma_gamma'."
                )
            total = frequency * summary["monetary_value"].to_numpy(float)
            orders = np.where(total > 0, frequency, 0.0)
        x, tx, T = levels[0][counts], levels[1][lasts], levels[2][ages]
        return cls(
            customers=summary.index,
            frequency=frequency,
            recency=recency,
            age=age,
            orders=orders,
            mean_order=total / np.maximum(orders, 1.0),
            distinct=(x, tx, T),
            code=code.reshape(-1),
            segment=segment,
            distinct_segment=segments,
            worth=np.ones(len(summary)),
        )

    def __getitem__(self, rows: slice) -> Self:
        return replace(
            self,
            customers=self.customers[rows],
            frequency=self.frequency[rows],
            recency=self.recency[rows],
            age=self.age[rows],
            orders=self.orders[rows],
            mean_order=self.mean_order[rows],
            code=self.code[rows],
            segment=self.segment[rows],
            worth=self.worth[rows],
        )
