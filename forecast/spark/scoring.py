"""Expectations and bounds of a cluster's customers: parameters go out, scores stay there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.calendar import Horizon, day_number
from forecast.draws import row_quantiles
from forecast.errors import NotFittedError
from forecast.forecaster import BOUNDS, EXPECTED, check_request
from forecast.ledger import Ledger
from forecast.models import BTYD
from forecast.models.btyd.draws import BTYDSampler
from forecast.models.btyd.history import DAYS, Floats, History
from forecast.models.btyd.parameters import Parameters
from forecast.models.lessons import check_amounts
from forecast.processes import Clock
from forecast.spark.customers import check_spark
from forecast.spark.estimation import check_model
from forecast.views import summary_frame

__all__ = ["TOGETHER", "score"]

TOGETHER = 1000  # customers that are simulated together, about


def score(
    model: BTYD,
    ledger: Ledger,
    horizon: str | date,
    *,
    draws: int = 0,
    seed: int = 0,
    partitions: int | None = None,
) -> Any:
    """Score every customer of a ledger on Spark, where the rows are.

    Parameters
    ----------
    model : BTYD
        Fitted here, by :func:`forecast.spark.fit` or read back from disk.
    ledger : Ledger
        Read from a Spark table; its cutoff is where the forecast starts.
    horizon : str or date
        Length with a unit (``"26W"``) or last day.
    draws : int
        Simulated futures behind the 90 % bounds; 0 for expectations alone.
    seed : int
        Draws depend on it, on the fit, and on the customers whose ids fall into the same bucket,
        some thousand; neither on the order of rows nor on partitions.
    partitions : int, optional
        Tasks that simulate; the session's ``spark.sql.shuffle.partitions`` by default.

    Returns
    -------
    pyspark.sql.DataFrame
        ``customer_id``, ``p_alive``, ``p_active`` (probabilities), ``expected_purchases`` (count),
        ``expected_order_value`` and ``expected_value`` (currency; null without amounts) and, with
        draws, ``purchases_lo_90``, ``purchases_hi_90``, ``value_lo_90``, ``value_hi_90``. In no
        order; computed when it is asked for. Equal to ``model.forecast(horizon).customers`` to
        1e-9; bounds are equal in distribution, since they are drawn in other blocks.

    Raises
    ------
    UnsupportedError
        If the model or one of its settings is not for Spark, or the ledger is local.
    NotFittedError
        If the model is not fitted.
    UsageError
        If only one of model and ledger knows amounts, or draws or seed have no meaning.
    """
    check_model(model)
    check_spark(ledger)
    check_request(model, "existing", None, populations=("existing",), draws=draws, seed=seed)
    scorer = _scorer(model, ledger, horizon, draws, seed)
    people = nw.to_native(summary_frame(ledger))
    columns = [*EXPECTED, *(BOUNDS if draws else ())]
    schema = ", ".join(["customer_id string", *(f"{name} double" for name in columns)])
    if not draws:
        return people.mapInArrow(scorer.expectations, schema)
    from pyspark.sql import functions as sf

    if partitions is None:
        usual = str(people.sparkSession.conf.get("spark.sql.shuffle.partitions", "200"))
        partitions = int(usual) if usual.isdigit() else 200
    number = _number_of_buckets(model)
    bucket = sf.expr(f"pmod(xxhash64(customer_id), {number})").cast("int")
    together = people.withColumn("bucket", bucket).repartition(partitions, "bucket")
    return together.sortWithinPartitions("bucket", "customer_id").mapInArrow(
        scorer.simulations, schema
    )


@dataclass(frozen=True)
class _Scorer:
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


def _scorer(model: BTYD, ledger: Ledger, horizon: str | date, draws: int, seed: int) -> _Scorer:
    fitted = model.fitted_
    if fitted is None:
        raise NotFittedError(model)
    check_amounts(fitted.spend is not None, ledger)
    now = day_number(ledger.cutoff)
    last = day_number(Horizon.parse(horizon).window(ledger.cutoff).last)
    clock, spend = fitted.clock, fitted.spend
    edges = drawn = drawn_spend = None
    if draws:
        rng = np.random.default_rng([seed, 1])
        clocks = [None if clock is None else clock.drawn(rng) for _ in range(draws)]
        edges = np.array([[_ahead(each, now, last)] for each in clocks])
        drawn = fitted.varying.drawn(None, draws, seed)
        drawn_spend = None if spend is None else spend.drawn(None, draws, seed)
    at_estimate = None if spend is None else fitted.spend_fit.process
    return _Scorer(
        process=fitted.purchase_fit.process,
        spend=at_estimate,
        clock=clock,
        now=now,
        ahead=_ahead(clock, now, last),
        ticks=ledger.ticks,
        repeat_only=fitted.repeat_only,
        zero_share=fitted.zero_share,
        has_mean=at_estimate is None or _has_mean(at_estimate, ledger, fitted.repeat_only),
        edges=edges,
        drawn=drawn,
        drawn_spend=drawn_spend,
        draws=draws,
        seed=seed,
    )


def _number_of_buckets(model: BTYD) -> int:
    """Return a power of two, so that a base that grows moves to other buckets seldom."""
    assert model.fitted_ is not None
    customers = model.fitted_.purchase_fit.n_customers or TOGETHER
    return int(2 ** max(4, np.ceil(np.log2(customers / TOGETHER))))


def _ahead(clock: Clock | None, now: int, last: int) -> float:
    return float(last - now if clock is None else clock.elapsed(now, last)) / DAYS


def _has_mean(spend: Any, ledger: Ledger, repeat_only: bool) -> bool:
    """Whether p n + q > 1 for everybody; the fewest orders are asked for only where it matters."""
    if spend.has_mean:
        return True
    orders = nw.col("paid")
    if repeat_only:
        orders = orders - (nw.col("first_ticks") > 0).cast(nw.Int64)
    fewest = summary_frame(ledger).select(orders.min().alias("fewest")).collect("pyarrow")
    return bool(spend.p * float(fewest["fewest"][0]) + spend.q > 1)


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
