"""Buy-till-you-die: a purchase process times a spend model, with a full predictive distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from forecast.calendar import Horizon, Window, day_number
from forecast.errors import NotFittedError, UnsupportedError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.btyd.ahead import UnderLevers
from forecast.models.btyd.draws import BTYDSampler
from forecast.models.btyd.fit import BTYDFit, fit_btyd, observe
from forecast.models.btyd.history import DAYS, Floats, History
from forecast.models.btyd.levers import Levers, levers_of
from forecast.models.btyd.newcomer import ProcessCurve, under_levers
from forecast.models.lessons import check_amounts
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.newcomers.population import forecast_population
from forecast.models.settings import Settings
from forecast.processes import Clock

__all__ = ["BTYD"]


@dataclass
class BTYD(Settings):
    """A purchase process and a Gamma-Gamma spend model, fitted by maximum likelihood.

    Expectations are at the maximum-likelihood estimate. Draws carry the uncertainty of the
    parameters too: draw d uses one posterior draw for all customers.

    Parameters
    ----------
    purchases : str
        ``"bgnbd"`` (Fader, Hardie & Lee 2005); ``"mbgnbd"`` (Batislam et al. 2007), in which
        customers may also leave right after their first purchase; ``"bgcnbd"`` and ``"mbgcnbd"``
        (Platzer & Reutterer 2016), the same with regular timing; ``"pareto_nbd"`` (Schmittlein
        et al. 1987), in which they leave at any time; ``"nbd"``, in which nobody leaves.
        ``"auto"`` takes the one that told past windows best, see
        :func:`forecast.models.btyd.choice.choose_process`.
    spend : str
        ``"gamma_gamma"``: fitted on repeat purchases, as published (Fader & Hardie 2013);
        ``"gamma_gamma_all"``: on all purchases, so that one-time buyers keep what they told;
        ``"drift"``: on all purchases, where order value may drift with time or move with
        frequency, see :mod:`forecast.models.btyd.spend`. Purchases of value 0 stay out; their
        pooled share scales the expected order value.
    season : int or "auto"
        Fourier pairs of the year in operational time (2 is usual; 0 for none): purchases come
        faster in season, which is exact where customers leave at purchases. Not for
        ``"pareto_nbd"``. Needs a year of history. ``"auto"`` keeps what past windows say, see
        :func:`forecast.models.btyd.choice.choose_season`. All customers share the season.
    events : pandas.DataFrame, optional
        Known events, a column each, indexed by day from the first purchase to the end of any
        forecast; 0 is no event.
    burn_in : int, optional
        Customers first seen in these first days of the log are left out of the estimation, since
        many are older than the log; by default 60 with a season or events, else 0.
    engine : {"own", "lifetimes"}
        ``"lifetimes"`` asks that package for estimates and expectations, as a reference; it has
        no predictive distribution, so bounds are missing.
    covariates : sequence of str
        Customer columns of the ledger that move the purchase rate and the dropout, see
        :class:`forecast.models.btyd.covariates.Coding`. Not for regular timing, nor ``"nbd"``.
    by : str, optional
        ``"cohort"`` or a customer column: its groups have their own purchase rate, dropout and
        order value, pooled as far as they are alike or small
        (:mod:`forecast.models.btyd.pooling`).

    Attributes
    ----------
    purchases_ : Fit
        ``params`` and ``log_likelihood`` in weeks, ``standard_errors``, ``status``, ``limit``.
    log_likelihood_ : float
        Of the purchases in calendar time, a clock's intensity included, of the customers that
        were fitted; comparable between clocks, and with none, at the same ``burn_in``.
    aic_ : float
        Akaike's criterion from it, each term of a clock counted as a parameter, and the effects
        of groups not at all.
    spend_ : Fit or None
        ``params`` in the ledger's currency; None without amounts.
    fitted_ : BTYDFit
        Everything that was estimated: also the process and the season that were chosen, and the
        effects of groups.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30",
    ...                         key=())  # its repeated rows are genuine
    >>> model = fc.BTYD(purchases="bgnbd").fit(ledger)
    >>> {name: round(each, 3) for name, each in model.purchases_.params.items()}
    {'r': 0.243, 'alpha': 4.414, 'a': 0.793, 'b': 2.426}

    A scenario pulls levers from the cutoff on (:mod:`forecast.models.btyd.levers`):

    >>> base, more = (model.forecast("26W", draws=0, scenario=scenario).customers
    ...               for scenario in (None, {"retention": 1.5}))
    >>> bool(more["expected_purchases"].sum() > base["expected_purchases"].sum())
    True
    """

    purchases: str = "bgnbd"
    spend: str = "gamma_gamma"
    season: int | Literal["auto"] = 0
    events: pd.DataFrame | None = field(default=None, repr=False)
    burn_in: int | None = None
    engine: Literal["own", "lifetimes"] = "own"
    covariates: Sequence[str] = ()
    by: str | None = None
    fitted_: BTYDFit | None = field(default=None, init=False, repr=False)
    ledger_: Ledger | None = field(default=None, init=False, repr=False)
    learned_on_: date | None = field(default=None, init=False, repr=False)
    history_: History | None = field(default=None, init=False, repr=False)
    newcomers_: Newcomers | None = field(default=None, init=False, repr=False)

    def fit(self, ledger: Ledger) -> Self:
        """Estimate both models from the customer summary at the ledger's cutoff.

        Raises
        ------
        UsageError
            If a process, spend model or column of that name does not exist, or they do not go
            together.
        TooLittleDataError, NotIdentifiedError
            If the log cannot determine the parameters.
        """
        self.fitted_, self.history_ = fit_btyd(self, ledger)
        self.ledger_, self.newcomers_, self.learned_on_ = ledger, None, ledger.cutoff
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep what was estimated, and take the histories and the cutoff of another ledger.

        Customers of a group or level that the fit did not know take the pooled estimate.

        Raises
        ------
        UsageError
            If the fit knows amounts and the ledger has none, or the other way round, or the ledger
            lacks a column that the model was fitted with.
        """
        fitted = self._fitted()
        check_amounts(fitted.spend is not None, ledger)
        self.history_ = observe(fitted, ledger)
        self.ledger_, self.newcomers_ = ledger, None
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
        """Forecast purchases and value of the customers seen by the cutoff, of new ones, or all.

        New customers are a seasonal series of first purchases, each followed by what the process
        expects of a new customer. Levers change theirs as well; nobody new can be won back.
        """
        check_request(
            self, population, scenario,
            populations=self.populations, levers=self.levers, draws=draws, seed=seed,
        )  # fmt: skip
        levers, asked = Levers.read(scenario, self.levers), Horizon.parse(horizon)
        if population == "existing":
            return self._existing(asked, every, levers, draws, seed)
        found = forecast_population(
            self, under_levers(self._newcomers(), levers), asked, population=population,
            every=every, scenario=scenario, draws=draws, seed=seed,
        )  # fmt: skip
        told = found.notes if population == "all" else (*self._notes(asked, levers), *found.notes)
        return replace(found, model=self._name(), notes=told)

    def _existing(
        self, horizon: Horizon, every: str | None, levers: Levers, draws: int, seed: int
    ) -> Forecast:
        fitted, history, ledger = self._known()
        cutoff, days = ledger.cutoff, horizon.window(ledger.cutoff).days
        windows = horizon.periods(cutoff, every)
        edges = self._edges(levers.clock(fitted.clock), windows) * levers.purchase_frequency
        x, tx, age = history.distinct
        estimate = fitted.varying.estimate(history.table)
        process = self._ahead(estimate, levers).at(history.distinct_segment)
        weights = [np.bincount(history.code, minlength=x.size).astype(float)]
        table = pd.DataFrame(index=history.customers)
        table["p_alive"] = process.p_alive(x, tx, age)[history.code]
        table["p_active"] = process.p_active(edges[-1], x, tx, age)[history.code]
        if fitted.spend is not None:
            spend = fitted.spend.estimate(history.table).at(history.segment)
            mean = spend.expected_order_value(history.orders, history.mean_order) * history.worth
            worth = fitted.drift.ahead(days) * levers.order_value
            order_value = mean * (1.0 - fitted.zero_share) * worth
            table["expected_order_value"] = order_value
            if np.isfinite(order_value).all():  # else no total has a mean: see the notes
                weights.append(np.bincount(history.code, order_value, minlength=x.size))
        expected, steps = np.zeros(x.size), np.zeros((len(weights), len(windows)))
        for place, edge in enumerate(edges):
            before, expected = expected, process.expected_purchases(edge, x, tx, age)
            steps[:, place] = [(expected - before) @ weight for weight in weights]
        table["expected_purchases"] = expected[history.code]
        if len(weights) > 1:
            table["expected_value"] = table["expected_purchases"] * table["expected_order_value"]
        sampler = None
        if draws and self.engine == "own":
            load = table["expected_purchases"].to_numpy()
            if levers.on_process or levers.season != 1.0:
                end = self._edges(fitted.clock, windows)[-1]
                plain = estimate.at(history.distinct_segment)
                load = plain.expected_purchases(end, x, tx, age)[history.code]
            sampler = self._sampler(windows, days, levers, load, draws, seed)
        return Forecast.build(
            model=self._name(),
            cutoff=cutoff,
            horizon=horizon,
            windows=windows,
            population="existing",
            customers=table,
            period_purchases=steps[0],
            period_value=steps[1] if len(weights) > 1 else None,
            sampler=sampler,
            notes=self._notes(horizon, levers),
        )

    def log_score(self, purchases: "pd.Series[Any]", horizon: str | date) -> "pd.Series[float]":
        """Return the logarithm of the probability of what each customer bought, at the estimate.

        Parameters
        ----------
        purchases : pandas.Series
            Counts over the horizon by ``customer_id``, one for each customer seen by the cutoff.
        horizon : str or date

        Returns
        -------
        pandas.Series
            In nats by ``customer_id``; higher is better.
        """
        fitted, history, ledger = self._known()
        if self.engine != "own":
            raise UnsupportedError("engine='lifetimes' has no probability of counts.")
        if missing := int((~history.customers.isin(purchases.index)).sum()):
            raise UsageError(f"purchases: {missing:,} customers have no count.")
        window = Horizon.parse(horizon).window(ledger.cutoff)
        counts = purchases.reindex(history.customers).to_numpy(np.int64)
        most = int(counts.max(initial=0)) + 1
        cell, place = np.unique(history.code * most + counts, return_inverse=True)
        code, count = np.divmod(cell, most)
        process = fitted.varying.estimate(history.table).at(history.distinct_segment[code])
        x, tx, age = (each[code] for each in history.distinct)
        chance = process.pmf(count, self._edges(fitted.clock, [window])[0], x, tx, age)
        score = np.log(np.maximum(chance, 1e-300))[place.reshape(-1)]
        return pd.Series(score, index=history.customers)

    @property
    def populations(self) -> tuple[Population, ...]:
        """Who can be forecast."""
        return ("existing", "new", "all") if self.engine == "own" else ("existing",)

    @property
    def levers(self) -> tuple[str, ...]:
        """What a scenario may change."""
        if self.engine != "own":
            return ()
        if self.fitted_ is None:
            return levers_of(self.purchases, self.season != 0)
        known = levers_of(self.fitted_.purchases, self.fitted_.pairs > 0)
        return tuple(
            each for each in known if each != "order_value" or self.fitted_.spend is not None
        )

    @property
    def parameters_(self) -> dict[str, float]:
        """What was estimated, in the fit's units: weeks, and the ledger's currency."""
        return self._fitted().parameters()

    @property
    def purchases_(self) -> Any:
        """The fit of the purchase process."""
        return None if self.fitted_ is None else self.fitted_.purchase_fit

    @property
    def spend_(self) -> Any:
        """The fit of the spend model."""
        return None if self.fitted_ is None else self.fitted_.spend_fit

    @property
    def clock_(self) -> Clock | None:
        """Operational time, where there is a season or events."""
        return None if self.fitted_ is None else self.fitted_.clock

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood of the purchases in calendar time."""
        return self._fitted().log_likelihood

    @property
    def aic_(self) -> float:
        """Akaike's criterion."""
        return self._fitted().aic

    @property
    def zero_share_(self) -> float:
        """Share of purchases that have value 0."""
        return self._fitted().zero_share

    def _ahead(self, parameters: Any, levers: Levers) -> Any:
        if not levers.on_process:
            return parameters
        return parameters.through(lambda process: UnderLevers(process, levers))

    def _edges(self, clock: Clock | None, windows: list[Window]) -> Floats:
        """Return the ends of the periods in the fit's unit since the cutoff."""
        now = day_number(self._known()[2].cutoff)
        ends = np.array([day_number(window.last) for window in windows])
        return (ends - now if clock is None else clock.elapsed(now, ends)) / DAYS

    def _sampler(
        self, windows: list[Window], days: int, levers: Levers, load: Floats, draws: int, seed: int
    ) -> BTYDSampler:
        """Pair posterior draws of both models with the customers' histories."""
        fitted, history, _ = self._known()
        clocks = [fitted.clock] * draws
        if fitted.clock is not None:
            rng = np.random.default_rng([seed, 1])
            clocks = [levers.clock(fitted.clock.drawn(rng)) for _ in range(draws)]
        edges = np.stack([self._edges(clock, windows) for clock in clocks])
        drift = fitted.drift.ahead_drawn(days, draws, np.random.default_rng([seed, 2]))
        spend = fitted.spend
        return BTYDSampler(
            history=history,
            edges=edges * levers.purchase_frequency,
            process=self._ahead(fitted.varying.drawn(history.table, draws, seed), levers),
            spend=None if spend is None else spend.drawn(history.table, draws, seed),
            zero_share=fitted.zero_share,
            load=load,
            draws=draws,
            seed=seed,
            worth=drift * levers.order_value,
        )

    def _newcomers(self) -> Newcomers:
        """Return newcomers who go on as the process says; learned when first asked for."""
        if self.newcomers_ is None:
            fitted, history, ledger = self._known()
            process = fitted.varying.estimate(history.table)
            spend = None if fitted.spend is None else fitted.spend.estimate(history.table)
            worth = float(fitted.drift.worth(np.zeros(()))) * (1.0 - fitted.zero_share)
            curve = ProcessCurve.of(process, spend, history, worth)
            self.newcomers_ = Newcomers.learn(ledger, curve=curve)
        return self.newcomers_

    def _fitted(self) -> BTYDFit:
        if self.fitted_ is None:
            raise NotFittedError(self)
        return self.fitted_

    def _known(self) -> tuple[BTYDFit, History, Ledger]:
        """Return the fit and the customers it is applied to; a model from disk has none yet."""
        if self.fitted_ is None or self.history_ is None or self.ledger_ is None:
            raise NotFittedError(self)
        return self.fitted_, self.history_, self.ledger_

    def _notes(self, horizon: Horizon, levers: Levers) -> tuple[str, ...]:
        fitted, _, ledger = self._known()
        return (*fitted.notes(horizon.window(ledger.cutoff).days), *levers.said())

    def _name(self) -> str:
        fitted = self._fitted()
        spend = f" + {self.spend}" if fitted.spend is not None else ""
        engine = " (lifetimes)" if self.engine == "lifetimes" else ""
        season = f" + season({fitted.pairs})" if fitted.pairs else ""
        events = " + events" if self.events is not None else ""
        traits = f" + covariates({', '.join(self.covariates)})" if self.covariates else ""
        groups = f" by {self.by}" if self.by is not None else ""
        return f"{fitted.purchases}{season}{events}{traits}{spend}{groups}{engine}"
