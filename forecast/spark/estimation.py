"""Maximum likelihood on a cluster's customers: the counts are collected, the customers stay."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from forecast.calendar import day_number
from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import Ledger
from forecast.models import BTYD
from forecast.models.btyd.allowed import IRREGULAR, PROCESSES, check_settings
from forecast.models.btyd.fit import BTYDFit, clock_of
from forecast.models.btyd.history import DAYS, Floats
from forecast.models.btyd.parameters import OneForAll
from forecast.models.kept_fit import KeptFit
from forecast.processes import Clock, GammaGamma, Timeline
from forecast.spark.counting import Histories, OrderCounts, gap_counts, repeat_counts
from forecast.spark.customers import check_spark
from forecast.views import summary_frame

__all__ = ["check_model", "estimate", "fit"]

_PARTS = 1_000_000


def fit(model: BTYD, ledger: Ledger, *, share: float = 1.0) -> BTYD:
    """Estimate a BTYD from a ledger on Spark, and return the model itself, without histories.

    What is collected are counts of customers who are alike, so the estimates are those of
    ``model.fit`` on the same customers to rounding; only order values of more than a million kinds
    are put on a grid (:class:`forecast.spark.counting.OrderCounts`).

    Parameters
    ----------
    model : BTYD
        Any of its processes; ``spend`` of ``"gamma_gamma"`` or ``"gamma_gamma_all"``; ``season``
        as a number, ``events`` and ``burn_in``.
    ledger : Ledger
        Read from a Spark table.
    share : float
        Of the customers that are counted, by the hash of their ids, at most 1. Where customers
        differ in too many ways to be collected, a tenth of them still says enough.

    Returns
    -------
    BTYD
        For :func:`forecast.spark.score`; ``model.update(local_ledger)`` makes it forecast the
        customers of a local ledger.

    Raises
    ------
    UnsupportedError
        If the model is no BTYD, has a setting that needs each customer, or the ledger is local.
    TooLittleDataError, NotIdentifiedError
        If the log cannot determine the parameters.
    UsageError
        If the share is not above 0 and at most 1.
    """
    check_model(model)
    if not 0 < share <= 1:
        raise UsageError(f"share: {share!r} must be above 0 and at most 1.")
    check_spark(ledger)
    people, days = (_some(frame, share) for frame in (summary_frame(ledger), ledger.days()))
    people = people.persist()  # asked several times
    try:
        model.fitted_ = estimate(model, ledger, nw.from_native(people), nw.from_native(days))
    finally:
        people.unpersist()
    model.ledger_ = model.history_ = model.newcomers_ = None
    model.learned_on_ = ledger.cutoff
    return model


def check_model(model: object) -> None:
    """Refuse by name a model, or a setting of it, that needs customers one by one.

    Raises
    ------
    UnsupportedError
    """
    if not isinstance(model, BTYD):
        raise UnsupportedError(
            f"forecast.spark has BTYD alone, not {type(model).__name__}: read a local ledger for "
            "other models."
        )
    refused = {
        "engine='lifetimes'": model.engine != "own",
        "purchases='auto'": model.purchases == "auto",
        "season='auto'": model.season == "auto",
        "spend='drift'": model.spend == "drift",
        "covariates": bool(model.covariates),
        "by": model.by is not None,
    }
    named = [name for name, wanted in refused.items() if wanted]
    if named:
        raise UnsupportedError(
            f"{', '.join(named)}: not on Spark, since customers are needed one by one. Settle it "
            "on a sample, read as a local ledger."
        )
    check_settings(model, PROCESSES)


def _some(frame: Any, share: float) -> Any:
    """Return the Spark table of a share of the customers, the same ones of every table."""
    table = nw.to_native(frame)
    if share == 1:
        return table
    return table.where(f"pmod(xxhash64(customer_id), {_PARTS}) < {round(share * _PARTS)}")


def estimate(model: BTYD, ledger: Ledger, people: Any, days: Any) -> BTYDFit:
    """Estimate what the settings of a model ask for.

    Parameters
    ----------
    model : BTYD
    ledger : Ledger
        Local or on Spark.
    people, days : narwhals.LazyFrame
        Its :func:`forecast.views.summary_frame` and its purchase days.
    """
    process, name = PROCESSES[model.purchases], model.purchases
    counted, now = Histories.of(people), day_number(ledger.cutoff)
    seasonal = bool(model.season or model.events is not None)
    burn_in = (60 if seasonal else 0) if model.burn_in is None else model.burn_in
    settled = np.ones(counted.first.size, dtype=bool)
    clock, timeline, pairs = None, None, int(model.season)
    if seasonal or burn_in:
        first, when, times = repeat_counts(days)
        owner = np.searchsorted(counted.first, first)  # anybody who joined on that day
        timeline = Timeline(
            counted.first, counted.last, counted.frequency, when, owner, now,
            counted.customers, times,
        )  # fmt: skip
        settled = timeline.settled(burn_in)
    if seasonal and timeline is not None:
        clock = clock_of(model, timeline, IRREGULAR.get(name, process), pairs, burn_in)
    kept = counted[settled]
    time = Clock(start=0) if clock is None else clock
    recency, age = time.elapsed(kept.first, kept.last) / DAYS, time.elapsed(kept.first, now) / DAYS
    given: dict[str, Any] = {"weights": kept.customers, "unit": "weeks"}
    if name in IRREGULAR:
        before, day, times = gap_counts(days, int(kept.first.min()))
        total = float(times @ np.log(time.elapsed(before, day) / DAYS))
        given["log_gaps"] = _shared_gaps(kept.frequency, recency, kept.customers, total)
    found = KeptFit.of(process.fit(kept.frequency, recency, age, **given))
    waited = 0.0 if clock is None or timeline is None else clock.log_intensity(timeline, settled)
    log_likelihood = found.log_likelihood + waited
    terms = 0 if clock is None else len(clock.names)
    return BTYDFit(
        purchases=name,
        pairs=pairs,
        purchase_fit=found,
        varying=OneForAll(found),
        repeat_only=model.spend == "gamma_gamma",
        clock=clock,
        log_likelihood=log_likelihood,
        aic=2.0 * (len(found.params) + terms - log_likelihood),
        **(_spent(model, ledger, people, counted) if ledger.has_value else {}),
    )


def _spent(model: BTYD, ledger: Ledger, people: Any, counted: Histories) -> dict[str, Any]:
    """Return the estimates of spend, and the share of purchases that have value 0."""
    repeat_only = model.spend == "gamma_gamma"
    kinds = OrderCounts.of(people, ledger, repeat_only=repeat_only)
    purchases = (counted.frequency + (not repeat_only)) @ counted.customers
    paid = float(kinds.orders @ kinds.customers / purchases)
    found = KeptFit.of(GammaGamma.fit(kinds.orders, kinds.mean, weights=kinds.customers))
    return {"spend_fit": found, "spend": OneForAll(found), "zero_share": 1.0 - paid}


def _shared_gaps(
    x: Floats, recency: Floats, customers: Floats, total: float
) -> npt.NDArray[np.float64]:
    """Return log gaps by history that add up to a total: the likelihood reads only their sum.

    With one gap it is the recency; the others are equal gaps, all shortened by one factor.
    """
    even = np.where(x > 0, x * np.log(np.maximum(recency, 1e-300) / np.maximum(x, 1.0)), 0.0)
    several = np.where(x > 1, x, 0.0) * customers
    short = (customers @ even - total) / max(several.sum(), 1.0)
    return np.asarray(even - np.where(x > 1, x, 0.0) * short)
