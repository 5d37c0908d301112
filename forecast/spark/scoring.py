"""Expectations and bounds of a cluster's customers: parameters go out, scores stay there."""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from forecast.calendar import Horizon, day_number
from forecast.errors import NotFittedError
from forecast.forecaster import BOUNDS, EXPECTED, check_request
from forecast.ledger import Ledger
from forecast.models import BTYD
from forecast.models.btyd.history import DAYS
from forecast.models.lessons import check_amounts
from forecast.processes import Clock
from forecast.spark.customers import check_spark
from forecast.spark.estimation import check_model
from forecast.spark.scorer import Scorer
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


def _scorer(model: BTYD, ledger: Ledger, horizon: str | date, draws: int, seed: int) -> Scorer:
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
    return Scorer(
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
