"""Contractual customers: shifted-beta-geometric retention times what a payment is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import ModelError, NotFittedError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.contracts.contract_draws import ContractDraws
from forecast.models.contracts.contracts import Contracts
from forecast.models.contracts.payments import Payments, Pricing
from forecast.models.contracts.standing import Standing, first_renewal
from forecast.models.kept_fit import KeptFit
from forecast.models.lessons import check_amounts
from forecast.models.settings import Settings
from forecast.processes import ShiftedBetaGeometric
from forecast.views import customer_summary, labelled

__all__ = ["ContractRetention"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

OTHER = "(other)"  # a group that the fit did not know


@dataclass
class ContractRetention(Settings):
    """Contracts that are renewed every period or end, and what their payments are worth.

    A contract starts with a purchase, falls due every period from then on, is renewed by a
    purchase within the tolerance of the due day, and ends with the first due day without one:
    shifted-beta-geometric retention (Fader & Hardie 2007), fitted with contracts still running
    censored. A due day counts once its tolerance is over, for those who paid and those who did not
    alike. Where the next renewal is open at the cutoff, the share of renewals usually paid by then
    says how likely it still is. A customer who buys after his contract ended starts another.

    Expectations are at the maximum-likelihood estimate. Draws carry the uncertainty of the
    parameters too: draw d uses one posterior draw for all customers. A payment is worth the
    customer's own mean so far, with credibility (see :mod:`forecast.models.contracts.payments`).
    Renewals are forecast; purchases beside them, and new contracts of former customers, are not.

    Parameters
    ----------
    every : str
        Length of a contract: ``"1M"``, ``"1Y"``, ``"4W"``.
    tolerance : str, optional
        How long before or after its due day a renewal may be paid: ``"7D"``; by default a quarter
        of the period.
    by : str, optional
        ``"cohort"`` (month of the first purchase) or a customer column: retention by group, each
        fitted to its own contracts and, with a weight of ``credibility`` contracts, to all.
    credibility : float
        How many contracts all together weigh in a group's fit.
    most_stray : float
        Largest share of ended contracts whose customer came back, and of purchases beside any due
        day, that is still taken for contractual.

    Attributes
    ----------
    retention_ : dict
        Group to Fit, ``params`` alpha and beta; one group ``"all"`` without ``by``.
    others_ : Fit or None
        With ``by``, of all contracts alike: for groups of another ledger that are not known.
    late_ : array of int
        Days after the due day of every renewal, ascending.
    pricing_ : Pricing or None
        How payments vary; None without amounts.
    payments_ : Payments or None
        None without amounts.
    contracts_ : Contracts
    """

    every: str = "1M"
    tolerance: str | None = None
    by: str | None = None
    credibility: float = 50.0
    most_stray: float = 0.2
    retention_: dict[str, KeptFit] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    others_: KeptFit | None = field(default=None, init=False, repr=False, compare=False)
    late_: IntArray | None = field(default=None, init=False, repr=False, compare=False)
    pricing_: Pricing | None = field(default=None, init=False, repr=False, compare=False)
    learned_on_: date | None = field(default=None, init=False, repr=False)
    payments_: Payments | None = field(default=None, init=False, repr=False, compare=False)
    contracts_: Contracts | None = field(default=None, init=False, repr=False, compare=False)
    summary_: pd.DataFrame | None = field(default=None, init=False, repr=False, compare=False)
    cutoff_: date | None = field(default=None, init=False, repr=False)

    def fit(self, ledger: Ledger) -> Self:
        """Read the contracts, then estimate retention and payments.

        Raises
        ------
        UsageError
            If a setting cannot be honoured.
        ModelError
            If the purchases are no renewals: too many customers come back, or buy in between.
        TooLittleDataError, NotIdentifiedError
            If there are fewer than ten contracts, no due day is over, or none was missed.
        """
        summary, label, contracts = self._read(ledger)
        group = label[contracts.customer]
        fits = {}
        for name in map(str, sorted(set(label))):
            own = (group == name).astype(float)
            weights = own + self.credibility / len(group) if self.by else own
            fits[name] = self._fitted(contracts, weights)
        self.others_ = self._fitted(contracts, np.ones(len(group))) if self.by else None
        payments = self._payments(ledger, summary)
        self.retention_, self.payments_, self.contracts_ = fits, payments, contracts
        self.late_, self.pricing_ = contracts.late, None if payments is None else payments.pricing
        self.summary_, self.cutoff_ = summary.assign(group=label), ledger.cutoff
        self.learned_on_ = ledger.cutoff
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep retention and how payments vary, and take the contracts of another ledger.

        Raises
        ------
        UsageError
            If the fit knows amounts and the ledger has none, or the other way round.
        ModelError
            If its purchases are no renewals.
        """
        if self.late_ is None:
            raise NotFittedError(self)
        check_amounts(self.pricing_ is not None, ledger)
        summary, label, contracts = self._read(ledger)
        self.payments_ = self._payments(ledger, summary, self.pricing_)
        self.contracts_ = replace(contracts, late=self.late_)
        known = np.where(np.isin(label, list(self.retention_)), label.astype(object), OTHER)
        self.summary_, self.cutoff_ = summary.assign(group=known), ledger.cutoff
        return self

    def _read(self, ledger: Ledger) -> tuple[pd.DataFrame, npt.NDArray[np.str_], Contracts]:
        """Return the customers, their groups, and their contracts if that is what they have."""
        every, tolerance = self._lengths()
        summary = customer_summary(ledger)
        label = self._labels(summary, ledger.customer_columns)
        contracts = Contracts.read(ledger, every, tolerance)
        self._refuse_strays(contracts, int(summary["n_purchases"].sum()), every, tolerance)
        return summary, label, contracts

    def _fitted(self, contracts: Contracts, weights: FloatArray) -> KeptFit:
        return KeptFit.of(
            ShiftedBetaGeometric.fit_customers(
                contracts.renewals, contracts.ended, weights=weights, unit=self.every
            )
        )

    @property
    def _fits(self) -> dict[str, KeptFit]:
        """Every group's fit, and last that of groups not known."""
        return self.retention_ | ({} if self.others_ is None else {OTHER: self.others_})

    def _payments(
        self, ledger: Ledger, summary: pd.DataFrame, pricing: Pricing | None = None
    ) -> Payments | None:
        if not ledger.has_value:
            return None
        rows = ledger.purchases()
        who = summary.index.get_indexer(pd.Index(rows["customer_id"])).astype(np.int64)
        return Payments.learn(who, rows["value"].to_numpy(float), len(summary), pricing)

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
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`."""
        check_request(self, population, scenario, populations=("existing",), draws=draws, seed=seed)
        if self.contracts_ is None or self.summary_ is None or self.cutoff_ is None:
            raise NotFittedError(self)
        asked = Horizon.parse(horizon)
        windows = asked.periods(self.cutoff_, every)
        groups = pd.Index(list(self._fits)).get_indexer(pd.Index(self.summary_["group"]))
        every_contract = Horizon.parse(self.every, "every")
        standing = Standing.of(self.contracts_, groups, every_contract, self.cutoff_, windows)
        alpha, beta = np.array([list(fit.params.values()) for fit in self._fits.values()]).T
        alpha, beta = alpha[standing.group], beta[standing.group] + standing.renewals
        renews = first_renewal(alpha, beta, standing.paid_by_now)
        later = ShiftedBetaGeometric(alpha, beta)
        table = pd.DataFrame(index=self.summary_.index)
        table["p_alive"] = np.where(standing.paid_by_now > 0, renews, 1.0)
        table["p_active"] = np.where(standing.times > 0, renews, 0.0)
        by_due = np.zeros(standing.due.shape)
        for step in range(standing.due.shape[1]):
            by_due[:, step] = renews * later.survival(step, 1) * (standing.due[:, step] >= 0)
        inside = standing.due >= 0
        table["expected_purchases"] = by_due.sum(axis=1)
        period_purchases = _by_period(standing.due[inside], by_due[inside], len(windows))
        period_value = None
        if self.payments_ is not None:
            level = self.payments_.level
            table["expected_order_value"] = level
            table["expected_value"] = table["expected_purchases"] * level
            worth = by_due * level[:, None]
            period_value = _by_period(standing.due[inside], worth[inside], len(windows))
        sampler = None
        if draws:
            posts = [
                fit.posterior(draws=draws, seed=seed + place).draws
                for place, fit in enumerate(self._fits.values())
            ]
            alphas, betas = np.moveaxis(np.stack(posts), 2, 0)
            sampler = ContractDraws(
                standing, alphas, betas, self.payments_, len(windows), draws, seed
            )
        return Forecast.build(
            model=type(self).__name__,
            cutoff=self.cutoff_,
            horizon=asked,
            windows=windows,
            population="existing",
            customers=table,
            period_purchases=period_purchases,
            period_value=period_value,
            sampler=sampler,
            notes=self._notes(self.contracts_),
        )

    def _lengths(self) -> tuple[Horizon, int]:
        every = Horizon.parse(self.every, "every")
        if every.until is not None:
            raise UsageError(f"every: {self.every!r} is a date; write every='1M'.")
        usual = every.mean_days(date.min)
        tolerance = int(usual / 4)
        if self.tolerance is not None:
            tolerance = round(Horizon.parse(self.tolerance, "tolerance").mean_days(date.min))
        if not tolerance < usual / 2:
            raise UsageError(
                f"tolerance: {self.tolerance} is half a period of {self.every} or more, so a "
                "purchase could renew twice."
            )
        return every, tolerance

    def _labels(self, summary: pd.DataFrame, columns: tuple[str, ...]) -> npt.NDArray[np.str_]:
        if self.by is None:
            return np.full(len(summary), "all")
        if self.by not in ("cohort", *columns):
            raise UsageError(f"by: {self.by!r} is neither 'cohort' nor one of {columns}.")
        return labelled(summary[self.by]).to_numpy(str)

    def _refuse_strays(
        self, contracts: Contracts, purchases: int, every: Horizon, tolerance: int
    ) -> None:
        ended = int(contracts.ended.sum())
        back = len(contracts.customer) - len(contracts.index)
        seen = (
            (back, ended, "contracts that ended were followed by another purchase"),
            (contracts.aside, purchases, "purchases lie beside any due day"),
        )
        for some, whole, what in seen:
            if some > self.most_stray * whole:
                raise ModelError(
                    f"These are no contracts of {every}: {some:,} of {whole:,} {what} (due days "
                    f"have a tolerance of {tolerance} days), more than {self.most_stray:.0%}. "
                    "Give the right every, or use BTYD, which is made for customers who come and "
                    "go."
                )

    def _notes(self, contracts: Contracts) -> tuple[str, ...]:
        running = int((~contracts.ended[contracts.last]).sum())
        notes = [
            f"{running:,} of {len(contracts.index):,} customers have a contract; "
            f"{contracts.aside:,} purchases beside due days are not forecast."
        ]
        notes += [
            f"Retention of {name}: {fit.message}"
            for name, fit in self.retention_.items()
            if fit.status != "converged"
        ]
        return tuple(notes)


def _by_period(period: npt.NDArray[np.int16], weight: FloatArray, periods: int) -> FloatArray:
    return np.bincount(period, weight, minlength=periods).astype(float)
