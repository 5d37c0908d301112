"""How a buy-till-you-die model is estimated: process, clock, customers who differ, and spend."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger, SummaryTable
from forecast.models.btyd.allowed import IRREGULAR, check_days, check_settings, engine_of
from forecast.models.btyd.choice import choose_process, choose_season
from forecast.models.btyd.covariates import Coding, fit_with_traits
from forecast.models.btyd.history import Floats, History, Times
from forecast.models.btyd.parameters import OneForAll, Variation
from forecast.models.btyd.pooling import PartiallyPooled, group_labels
from forecast.models.btyd.season import event_columns, timeline_of
from forecast.models.btyd.spend import OrderDrift, Orders
from forecast.models.kept_fit import KeptFit
from forecast.processes import Clock
from forecast.processes.clock import Timeline
from forecast.views import customer_summary

__all__ = ["BTYDFit", "clock_of", "fit_btyd", "observe"]

FEWEST_BUYERS = 10


@dataclass(frozen=True)
class BTYDFit:
    """All that was estimated; with a ledger's histories it makes a forecast.

    Attributes
    ----------
    purchases, pairs : str, int
        The process and the Fourier pairs of its season, as asked for or chosen.
    purchase_fit, spend_fit : Fit
        Of all customers; spend is None without amounts.
    varying, spend : Variation
        How the parameters of both differ between customers.
    repeat_only : bool
        Whether spend knows repeat purchases alone.
    clock : Clock or None
    drift : OrderDrift
        Of order value; none by default.
    log_likelihood, aic : float
        See :class:`forecast.models.btyd.btyd.BTYD`.
    zero_share : float
        Share of purchases that have value 0.
    said : tuple of str
        Why this process and this season.
    """

    purchases: str
    pairs: int
    purchase_fit: Any
    varying: Variation
    repeat_only: bool
    clock: Clock | None
    log_likelihood: float
    aic: float
    said: tuple[str, ...] = ()
    spend_fit: Any = None
    spend: Variation | None = None
    drift: OrderDrift = field(default_factory=OrderDrift)
    zero_share: float = 0.0

    @property
    def regular(self) -> bool:
        """Whether the process has regular timing."""
        return self.purchases in IRREGULAR

    def parameters(self) -> dict[str, float]:
        """Return every number that was estimated by name."""
        found = {f"purchases.{name}": each for name, each in self.purchase_fit.params.items()}
        if self.regular:
            found["purchases.k"] = float(self.purchase_fit.k)
        if self.clock is not None:
            terms = zip(self.clock.names, self.clock.weights.tolist(), strict=True)
            found |= {f"season.{name}": each for name, each in terms}
        if self.spend_fit is not None:
            found |= {f"spend.{name}": each for name, each in self.spend_fit.params.items()}
        if self.drift.note:
            found |= {
                "spend.drift by year": self.drift.by_year,
                "spend.drift by frequency": self.drift.by_frequency,
            }
        return found

    def notes(self, days: int) -> list[str]:
        """Say what a reader of a forecast over so many days should know of the fits."""
        fits = {"Purchases": self.purchase_fit, "Spend": self.spend_fit}
        notes = [
            *self.said,
            *(
                f"{what}: {fit.message}"
                for what, fit in fits.items()
                if fit is not None and fit.status != "converged"
            ),
        ]
        if self.spend_fit is not None and not getattr(self.spend_fit.process, "has_mean", True):
            notes.append(
                "Spend varies so much between customers (q <= 1) that the mean order value is "
                "infinite: expected values are missing, quantiles stand."
            )
        if self.clock is not None and self.clock.unknown:
            notes.append(
                f"Not seen before the cutoff, so taken to have no effect: "
                f"{', '.join(self.clock.unknown)}."
            )
        if self.zero_share > 0:
            notes.append(
                f"{self.zero_share:.2%} of purchases had value 0; the expected order value "
                "counts them in."
            )
        return [*notes, *(self.drift.said(days) if self.drift.note else ())]


def fit_btyd(model: Any, ledger: Ledger) -> tuple[BTYDFit, History]:
    """Estimate what the settings of a model ask for, and return the customers' histories too.

    Parameters
    ----------
    model : BTYD
        Its settings are read.
    ledger : Ledger
    """
    processes, spends = engine_of(model)
    check_settings(model, processes)
    if isinstance(ledger, SummaryTable):
        check_days(model, ledger)
    summary = customer_summary(ledger)
    if ledger.first_day == ledger.cutoff:
        raise TooLittleDataError(
            f"All purchases are on {ledger.cutoff}, the cutoff: nobody was observed for any "
            "time after a purchase. Use a longer log or a later cutoff."
        )
    name, pairs, said = model.purchases, model.season, list[str]()
    if name == "auto":
        name, why = choose_process(model, ledger)
        said.append(why)
    if pairs == "auto":
        pairs, why = choose_season(model, ledger, name)
        said.append(why)
    process, regular = processes[name], name in IRREGULAR
    timed = bool(pairs or model.events is not None or model.burn_in or regular)
    timeline = timeline_of(ledger, summary) if timed else None
    burn_in = model.burn_in
    if burn_in is None:
        burn_in = 60 if pairs or model.events is not None else 0
    clock = None
    if timeline is not None and (pairs or model.events is not None):
        clock = clock_of(model, timeline, IRREGULAR.get(name, process), pairs, burn_in)
    times = Times.of(summary, timeline, clock, gaps=regular)
    settled = np.ones(len(summary), dtype=bool)
    if timeline is not None and burn_in:
        settled = timeline.settled(burn_in)
    purchase_fit, varying = _purchases(model, process, summary, times, settled)
    waited, terms = 0.0, 0
    if clock is not None and timeline is not None:
        waited, terms = clock.log_intensity(timeline, settled), len(clock.names)
    log_likelihood = purchase_fit.log_likelihood + waited
    fitted = BTYDFit(
        purchases=name,
        pairs=pairs,
        purchase_fit=purchase_fit,
        varying=varying,
        repeat_only=model.spend == "gamma_gamma",
        clock=clock,
        log_likelihood=log_likelihood,
        aic=2.0 * (len(purchase_fit.params) + terms - log_likelihood),
        said=tuple(said),
    )
    if ledger.has_value and model.spend == "drift":
        fitted = replace(fitted, drift=OrderDrift.learn(ledger, summary))
    history = observe(fitted, ledger, summary, timeline)
    if not ledger.has_value:
        return fitted, history
    return _with_spend(model, fitted, summary, history, spends.fit), history


def clock_of(model: Any, timeline: Timeline, process: Any, pairs: int, burn_in: int) -> Clock:
    """Estimate the season and the effects of a model's events."""
    start = int(timeline.first.min())
    events = event_columns(model.events, start)
    return Clock.fit(
        timeline, process.fit, pairs=pairs, events=events, start=start, burn_in=burn_in
    )


def observe(
    fitted: BTYDFit,
    ledger: Ledger,
    summary: pd.DataFrame | None = None,
    timeline: Timeline | None = None,
) -> History:
    """Return the histories of a ledger's customers, on the clock and in the segments of a fit."""
    summary = customer_summary(ledger) if summary is None else summary
    if timeline is None and fitted.clock is not None:
        timeline = timeline_of(ledger, summary)
    times = Times.of(summary, timeline, fitted.clock, gaps=False)
    segment, table = fitted.varying.segments(summary)
    history = History.of(
        summary, times.recency, times.age, repeat_only=fitted.repeat_only, segment=segment
    )
    history = replace(history, table=table)
    if fitted.drift.by_year == fitted.drift.by_frequency == 0.0:
        return history
    orders, mean, worth = fitted.drift.rescaled(Orders.of(ledger, summary))
    return replace(history, orders=orders, mean_order=mean, worth=worth)


def _purchases(
    model: Any,
    process: Any,
    summary: pd.DataFrame,
    times: Times,
    settled: npt.NDArray[np.bool_],
) -> tuple[Any, Variation]:
    """Estimate the process on the customers that are settled, and how customers differ."""
    x = summary["frequency"].to_numpy(float)[settled]
    if times.log_gaps is None:
        kept = Times(times.recency[settled], times.age[settled])
        fit: Callable[..., Any] = process.fit
    else:
        kept = Times(times.recency[settled], times.age[settled], times.log_gaps[settled])

        def fit(x: Floats, tx: Floats, T: Floats, *, unit: str) -> Any:
            return process.fit(x, tx, T, log_gaps=kept.log_gaps, unit=unit)

    if model.covariates:
        coding = Coding.learn(summary[settled], model.covariates)
        return fit_with_traits(process, x, kept, coding, coding.matrix(summary[settled]))
    found = KeptFit.of(fit(x, kept.recency, kept.age, unit="weeks"))
    if model.by is None:
        return found, OneForAll(found)
    codes, groups = pd.factorize(group_labels(summary[settled], model.by), sort=True)
    history = History.of(
        summary[settled], kept.recency, kept.age, repeat_only=True,
        segment=codes.astype(np.int64),
    )  # fmt: skip
    labels = tuple(str(each) for each in groups)
    return found, PartiallyPooled.of_purchases(found, model.by, labels, history)


def _with_spend(
    model: Any, fitted: BTYDFit, summary: pd.DataFrame, history: History, fit: Any
) -> BTYDFit:
    """Add the spend model, fitted on the customers who paid."""
    paid = history.orders > 0
    if paid.sum() < FEWEST_BUYERS:
        kind = "repeat purchase" if fitted.repeat_only else "purchase"
        raise TooLittleDataError(
            f"{int(paid.sum())} customers have a {kind} of a value above 0; a spend model "
            f"needs {FEWEST_BUYERS}. Read the log without its value column to forecast "
            "purchases alone."
        )
    found = KeptFit.of(fit(history.orders[paid], history.mean_order[paid]))
    spend: Variation = OneForAll(found)
    if isinstance(fitted.varying, PartiallyPooled):
        labels = fitted.varying.labels
        known = paid & (history.segment < len(labels))
        spend = PartiallyPooled.of_spend(
            found, model.by, labels, history.segment[known], history.orders[known],
            history.mean_order[known],
        )  # fmt: skip
    counted = summary["frequency" if fitted.repeat_only else "n_purchases"].sum()
    zero_share = 1.0 - float(history.orders.sum() / counted)
    return replace(fitted, spend_fit=found, spend=spend, zero_share=zero_share)
