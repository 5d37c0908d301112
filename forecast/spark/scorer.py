"""What is sent to a cluster's workers, and turns batches of customers into scores there."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from forecast.draws import row_quantiles
from forecast.forecaster import BOUNDS, EXPECTED
from forecast.models.btyd.draws import BTYDSampler
from forecast.models.btyd.history import DAYS, Floats, History
from forecast.models.btyd.parameters import Parameters
from forecast.processes import Clock

__all__ = ["Scorer"]


@dataclass(frozen=True)
class Scorer:
    """What is sent to the workers: numbers, some kilobytes.

    Attributes
    ----------
    process, spend : object
        At their estimates; ``spend`` is None without amounts.
    clock : Clock or None
    now : int
        Day number of the cutoff.
    ahead : float
        Length of the horizon by the clock, in the fit's unit.
    ticks : int
        To a unit of currency.
    repeat_only : bool
        Whether spend knows repeat purchases alone.
    zero_share : float
    has_mean : bool
        Whether every customer's expected order value is finite.
    edges : array, shape (draws, 1), or None
        Length of the horizon by each draw's clock.
    drawn, drawn_spend : Parameters or None
        Posterior draws.
    draws, seed : int
    """

    process: Any
    spend: Any
    clock: Clock | None
    now: int
    ahead: float
    ticks: int
    repeat_only: bool
    zero_share: float
    has_mean: bool
    edges: Floats | None
    drawn: Parameters | None
    drawn_spend: Parameters | None
    draws: int
    seed: int

    def expectations(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Turn batches of the summary into batches of scores."""
        import pyarrow as pa
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            for batch in batches:
                table = self._expected(self._history(batch))
                yield _batch(pa, batch.column("customer_id"), table)

    def simulations(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Turn batches of the summary, sorted by bucket, into batches of scores with bounds."""
        import pyarrow as pa
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            for bucket, people in _buckets(pa, batches):
                history = self._history(people)
                table = self._expected(history)
                table |= self._bounds(history, table["expected_purchases"], bucket)
                yield _batch(pa, people.column("customer_id"), table)

    def _history(self, people: Any) -> History:
        names = ("n_purchases", "first", "last", "paid", "ticks", "first_ticks")
        count, first, last, paid, ticks, first_ticks = (
            people.column(name).to_numpy(zero_copy_only=False).astype(np.int64) for name in names
        )
        if self.repeat_only:
            paid, ticks = paid - (first_ticks > 0), ticks - first_ticks
        time = Clock(start=0) if self.clock is None else self.clock
        size, none = count.size, np.zeros(0)
        return History(
            customers=pd.RangeIndex(size),
            frequency=count - 1.0,
            recency=time.elapsed(first, last) / DAYS,
            age=time.elapsed(first, self.now) / DAYS,
            orders=paid.astype(float),
            mean_order=ticks / self.ticks / np.maximum(paid, 1),
            distinct=(none, none, none),
            code=np.zeros(size, dtype=np.int64),
            segment=np.zeros(size, dtype=np.int64),
            distinct_segment=np.zeros(0, dtype=np.int64),
            worth=np.ones(size),
        )

    def _expected(self, history: History) -> dict[str, Floats]:
        known = history.frequency, history.recency, history.age
        unknown = np.full(history.frequency.size, np.nan)
        bought = self.process.expected_purchases(self.ahead, *known)
        order_value = value = unknown
        if self.spend is not None:
            mean = self.spend.expected_order_value(history.orders, history.mean_order)
            order_value = mean * (1.0 - self.zero_share)
            value = bought * order_value if self.has_mean else unknown
        columns = (
            self.process.p_alive(*known),
            self.process.p_active(self.ahead, *known),
            bought,
            order_value,
            value,
        )
        return dict(zip(EXPECTED, columns, strict=True))

    def _bounds(self, history: History, load: Floats, bucket: int) -> dict[str, Floats]:
        assert self.edges is not None
        assert self.drawn is not None
        found = np.full((history.frequency.size, 4), np.nan)
        own = np.random.SeedSequence([self.seed, bucket]).generate_state(1, np.uint64)
        sampler = BTYDSampler(
            history=history,
            edges=self.edges,
            process=self.drawn,
            spend=self.drawn_spend,
            zero_share=self.zero_share,
            load=load,
            draws=self.draws,
            seed=int(own[0]),
        )
        for block in sampler.blocks():
            found[block.rows, :2] = row_quantiles(block.purchases, [0.05, 0.95])
            if block.value is not None:
                found[block.rows, 2:] = row_quantiles(block.value, [0.05, 0.95])
        return dict(zip(BOUNDS, found.T, strict=True))


def _buckets(pa: Any, batches: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Yield each bucket whole, whatever batches it came in."""
    waiting: list[Any] = []
    number = -1
    for batch in batches:
        bucket = batch.column("bucket").to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(np.diff(bucket)) + 1).tolist(), batch.num_rows]
        for start, stop in pairwise(edges):
            if start == stop:
                continue
            if waiting and bucket[start] != number:
                yield number, pa.Table.from_batches(waiting).combine_chunks()
                waiting = []
            number = int(bucket[start])
            waiting.append(batch.slice(start, stop - start))
    if waiting:
        yield number, pa.Table.from_batches(waiting).combine_chunks()


def _batch(pa: Any, customers: Any, table: dict[str, Floats]) -> Any:
    """Return columns as Arrow, with null for what is unknown."""
    if isinstance(customers, pa.ChunkedArray):
        customers = customers.combine_chunks()
    columns = [pa.array(each, mask=np.isnan(each)) for each in table.values()]
    return pa.RecordBatch.from_arrays([customers, *columns], ["customer_id", *table])
