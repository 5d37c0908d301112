"""Buy-till-you-die: a purchase process times a spend model, with a full predictive distribution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from forecast.calendar import Horizon, Window, day_number
from forecast.errors import NotFittedError, TooLittleDataError, UnsupportedError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.btyd_draws import BTYDSampler, Floats, History
from forecast.models.season import event_columns, timeline_of
from forecast.processes import BGNBD, MBGNBD, NBD, Clock, GammaGamma, ParetoNBD, Timeline
from forecast.views import customer_summary

__all__ = ["BTYD", "PROCESSES"]

PROCESSES: dict[str, Any] = {
    "bgnbd": BGNBD,
    "mbgnbd": MBGNBD,
    "pareto_nbd": ParetoNBD,
    "nbd": NBD,
}
CALENDAR_DEATH = ("pareto_nbd",)  # customers who leave in calendar time know no other clock
SPENDS = ("gamma_gamma", "gamma_gamma_all")
FEWEST_BUYERS = 10
DAYS = 7.0  # the fit's unit is the week, as in the literature


@dataclass
class BTYD:
    """A purchase process and a Gamma-Gamma spend model, fitted by maximum likelihood.

    Expectations are at the maximum-likelihood estimate. Draws carry the uncertainty of the
    parameters too: draw d uses one posterior draw for all customers.

    Parameters
    ----------
    purchases : str
        ``"bgnbd"`` (Fader, Hardie & Lee 2005); ``"mbgnbd"`` (Batislam et al. 2007), in which
        customers may also leave right after their first purchase; ``"pareto_nbd"`` (Schmittlein
        et al. 1987), in which they leave at any time; ``"nbd"``, in which nobody leaves.
    spend : str
        ``"gamma_gamma"``: fitted on repeat purchases, as published (Fader & Hardie 2013);
        ``"gamma_gamma_all"``: on all purchases, so that one-time buyers keep what they told.
        Purchases of value 0 stay out; their pooled share scales the expected order value.
    season : int
        Fourier pairs of the year in operational time (2 is usual; 0 for none): purchases come
        faster in season, which is exact where customers leave at purchases. Not for
        ``"pareto_nbd"``. Needs a year of history.
    events : pandas.DataFrame, optional
        Known events, a column each, indexed by day from the first purchase to the end of any
        forecast; 0 is no event.
    burn_in : int, optional
        Customers first seen in these first days of the log are left out of the estimation, since
        many are older than the log; by default 60 with a season or events, else 0.
    engine : {"own", "lifetimes"}
        ``"lifetimes"`` asks that package for estimates and expectations, as a reference; it has
        no predictive distribution, so bounds are missing.

    Attributes
    ----------
    purchases_ : Fit
        ``params`` and ``log_likelihood`` in weeks, ``standard_errors``, ``status``, ``limit``.
    log_likelihood_ : float
        Of the purchases in calendar time, a clock's intensity included, of the customers that
        were fitted; comparable between clocks, and with none, at the same ``burn_in``.
    aic_ : float
        Akaike's criterion from it, each term of a clock counted as a parameter.
    spend_ : Fit or None
        ``params`` in the ledger's currency; None without amounts.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30",
    ...                         key=())  # its repeated rows are genuine
    >>> model = fc.BTYD(purchases="bgnbd").fit(ledger)
    >>> {name: round(each, 3) for name, each in model.purchases_.params.items()}
    {'r': 0.243, 'alpha': 4.414, 'a': 0.793, 'b': 2.426}
    """

    purchases: str = "bgnbd"
    spend: str = "gamma_gamma"
    season: int = 0
    events: pd.DataFrame | None = field(default=None, repr=False)
    burn_in: int | None = None
    engine: Literal["own", "lifetimes"] = "own"
    purchases_: Any = field(default=None, init=False, repr=False)
    spend_: Any = field(default=None, init=False, repr=False)
    cutoff_: date | None = field(default=None, init=False, repr=False)
    history_: History | None = field(default=None, init=False, repr=False)
    log_likelihood_: float = field(default=float("nan"), init=False, repr=False)
    aic_: float = field(default=float("nan"), init=False, repr=False)
    clock_: Clock | None = field(default=None, init=False, repr=False)
    zero_share_: float = field(default=0.0, init=False, repr=False)

    populations = ("existing",)
    levers = ()

    def fit(self, ledger: Ledger) -> Self:
        """Estimate both models from the customer summary at the ledger's cutoff.

        Raises
        ------
        UsageError
            If a process or spend model of that name does not exist.
        TooLittleDataError, NotIdentifiedError
            If the log cannot determine the parameters.
        """
        processes, spends = self._processes()
        if self.purchases not in processes:
            known = ", ".join(processes)
            raise UsageError(f"purchases: {self.purchases!r} is not one of {known}.")
        if self.spend not in SPENDS:
            raise UsageError(
                f"spend: {self.spend!r} is not one of {', '.join(SPENDS)}. To forecast purchases "
                "alone, read the log without its value column."
            )
        summary = customer_summary(ledger)
        if ledger.first_day == ledger.cutoff:
            raise TooLittleDataError(
                f"All purchases are on {ledger.cutoff}, the cutoff: nobody was observed for any "
                "time after a purchase. Use a longer log or a later cutoff."
            )
        process, repeat_only = processes[self.purchases], self.spend == "gamma_gamma"
        timed = bool(self.season or self.events is not None or self.burn_in)
        timeline = timeline_of(ledger, summary) if timed else None
        self.clock_ = None if timeline is None else self._clock(timeline, process)
        recency, age = summary["recency"].to_numpy() / DAYS, summary["T"].to_numpy() / DAYS
        settled, waited, terms = np.ones(len(summary), dtype=bool), 0.0, 0
        if timeline is not None:
            settled = timeline.settled(self._burn_in())
            if self.clock_ is not None:
                recency = self.clock_.elapsed(timeline.first, timeline.last) / DAYS
                age = self.clock_.elapsed(timeline.first, timeline.now) / DAYS
                waited, terms = self.clock_.log_intensity(timeline, settled), len(self.clock_.names)
        history = History.of(summary, recency, age, repeat_only=repeat_only)
        x, tx, T = (each[settled] for each in (history.frequency, recency, age))
        self.purchases_ = process.fit(x, tx, T, unit="weeks")
        self.log_likelihood_ = self.purchases_.log_likelihood + waited
        self.aic_ = 2.0 * (len(self.purchases_.params) + terms - self.log_likelihood_)
        self.spend_, self.zero_share_ = None, 0.0
        if ledger.has_value:
            paid = history.orders > 0
            if paid.sum() < FEWEST_BUYERS:
                kind = "repeat purchase" if repeat_only else "purchase"
                raise TooLittleDataError(
                    f"{int(paid.sum())} customers have a {kind} of a value above 0; a spend model "
                    f"needs {FEWEST_BUYERS}. Read the log without its value column to forecast "
                    "purchases alone."
                )
            self.spend_ = spends.fit(history.orders[paid], history.mean_order[paid])
            counted = summary["frequency" if repeat_only else "n_purchases"].sum()
            self.zero_share_ = 1.0 - float(history.orders.sum() / counted)
        self.cutoff_, self.history_ = ledger.cutoff, history
        return self

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast purchases and value of every customer seen by the cutoff."""
        check_request(
            self, population, scenario,
            populations=self.populations, levers=self.levers, draws=draws, seed=seed,
        )  # fmt: skip
        if self.history_ is None or self.cutoff_ is None:
            raise NotFittedError(self)
        history, length = self.history_, Horizon.parse(horizon)
        windows = length.periods(self.cutoff_, every)
        edges = self._edges(self.clock_, windows)
        process, x, tx, age = self.purchases_.process, *history.distinct
        cumulative = np.stack([process.expected_purchases(t, x, tx, age) for t in edges])
        table = pd.DataFrame(index=history.customers)
        table["p_alive"] = process.p_alive(x, tx, age)[history.code]
        table["p_active"] = process.p_active(edges[-1], x, tx, age)[history.code]
        table["expected_purchases"] = cumulative[-1][history.code]
        steps = np.diff(cumulative, axis=0, prepend=0.0)
        period_value = None
        if self.spend_ is not None:
            mean = self.spend_.process.expected_order_value(history.orders, history.mean_order)
            order_value = mean * (1.0 - self.zero_share_)
            table["expected_order_value"] = order_value
            if np.isfinite(order_value).all():  # else no total has a mean: see the notes
                table["expected_value"] = table["expected_purchases"] * order_value
                period_value = steps @ np.bincount(history.code, order_value, minlength=x.size)
        load = table["expected_purchases"].to_numpy()
        sampler = self._sampler(windows, load, draws, seed) if draws else None
        return Forecast.build(
            model=self._name(),
            cutoff=self.cutoff_,
            horizon=length,
            windows=windows,
            population="existing",
            customers=table,
            period_purchases=steps @ np.bincount(history.code, minlength=x.size),
            period_value=period_value,
            sampler=sampler,
            notes=self._notes(),
        )

    def _processes(self) -> tuple[dict[str, Any], Any]:
        if self.engine == "own":
            return PROCESSES, GammaGamma
        if self.engine == "lifetimes":
            from forecast.models.lifetimes_engine import LIFETIMES, LifetimesSpend

            return LIFETIMES, LifetimesSpend
        raise UsageError(f"engine: {self.engine!r} is neither 'own' nor 'lifetimes'.")

    def _clock(self, timeline: Timeline, process: Any) -> Clock | None:
        """Estimate operational time, where a season or events are asked for."""
        if not self.season and self.events is None:
            return None
        if self.engine != "own":
            raise UnsupportedError("engine='lifetimes' knows neither season nor events.")
        if self.purchases in CALENDAR_DEATH:
            raise UnsupportedError(
                f"{self.purchases} knows neither season nor events: its customers leave in "
                "calendar time, not at purchases. Use bgnbd or mbgnbd."
            )
        start = int(timeline.first.min())
        return Clock.fit(
            timeline,
            process.fit,
            pairs=self.season,
            events=event_columns(self.events, start),
            start=start,
            burn_in=self._burn_in(),
        )

    def _burn_in(self) -> int:
        if self.burn_in is not None:
            return self.burn_in
        return 60 if self.season or self.events is not None else 0

    def _edges(self, clock: Clock | None, windows: list[Window]) -> Floats:
        """Return the ends of the periods in the fit's unit since the cutoff."""
        assert self.cutoff_ is not None
        now = day_number(self.cutoff_)
        ends = np.array([day_number(window.last) for window in windows])
        return (ends - now if clock is None else clock.elapsed(now, ends)) / DAYS

    def _sampler(
        self, windows: list[Window], load: Floats, draws: int, seed: int
    ) -> BTYDSampler | None:
        """Pair posterior draws of both models with the customers' histories."""
        assert self.history_ is not None
        if self.engine != "own":
            return None
        purchases = self.purchases_.posterior(draws=draws, seed=seed)
        spend = None if self.spend_ is None else self.spend_.posterior(draws=draws, seed=seed)
        clocks: list[Clock | None] = [self.clock_] * draws
        if self.clock_ is not None:
            rng = np.random.default_rng([seed, 1])
            clocks = [self.clock_.drawn(rng) for _ in range(draws)]
        return BTYDSampler(
            history=self.history_,
            edges=np.stack([self._edges(clock, windows) for clock in clocks]),
            process=type(self.purchases_.process)(*purchases.draws.T),
            spend=None if spend is None else GammaGamma(*spend.draws.T),
            zero_share=self.zero_share_,
            load=load,
            draws=draws,
            seed=seed,
        )

    def _name(self) -> str:
        spend = f" + {self.spend}" if self.spend_ is not None else ""
        engine = " (lifetimes)" if self.engine == "lifetimes" else ""
        season = f" + season({self.season})" if self.season else ""
        events = " + events" if self.events is not None else ""
        return f"{self.purchases}{season}{events}{spend}{engine}"

    def _notes(self) -> list[str]:
        """Say what a reader of the forecast should know of the fits."""
        fits = {"Purchases": self.purchases_, "Spend": self.spend_}
        notes = [
            f"{what}: {fit.message}"
            for what, fit in fits.items()
            if fit is not None and fit.status != "converged"
        ]
        if self.spend_ is not None and not getattr(self.spend_.process, "has_mean", True):
            notes.append(
                "Spend varies so much between customers (q <= 1) that the mean order value is "
                "infinite: expected values are missing, quantiles stand."
            )
        if self.clock_ is not None and self.clock_.unknown:
            notes.append(
                f"Not seen before the cutoff, so taken to have no effect: "
                f"{', '.join(self.clock_.unknown)}."
            )
        if self.zero_share_ > 0:
            notes.append(
                f"{self.zero_share_:.2%} of purchases had value 0; the expected order value "
                "counts them in."
            )
        return notes
