"""The cohort method: a pooled curve of purchases by age, and how far each cohort lies above it.

Every customer of a cohort gets the cohort's mean. The model cannot tell good customers from bad
ones and does not try; it is meant for totals and for cohorts.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.cohorts.age_curve import BIN_DAYS
from forecast.models.cohorts.cohorts import Cohorts, Developments
from forecast.models.cohorts.development import development
from forecast.models.cohorts.shared_levels import SharedLevels, factors
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.inner_window import inner_window
from forecast.models.lessons import Lessons
from forecast.models.newcomers.population import CustomerModel
from forecast.models.spread import Shares

__all__ = ["CohortCurve"]

FloatArray = npt.NDArray[np.float64]

_LEVELS = 200


@dataclass
class CohortCurve(CustomerModel):
    """Cohorts follow a pooled curve by age, each at its own level.

    The curve holds purchases per customer and day, and value per purchase, by age, in bins of 30
    days from the first purchase, pooled over all cohorts at their levels: a chain ladder in its
    Poisson form (Mack 1991), with exposure in days. A cohort's level is ``(seen + K) / (usual +
    K)``, its repeat purchases against those of the curve up to the same ages; that is its own ratio
    with credibility ``usual / (usual + K)`` (Bühlmann & Gisler 2005, ch. 2; the posterior mean
    under a Gamma prior of mean 1 and shape K). Its value per purchase is shrunk to the curve's
    likewise. Levels have mean 1 over the customers, levels of value per purchase over the
    purchases. Beyond the oldest age observed the curve falls geometrically.

    A customer's distribution is what customers with a similar expectation went on to do in a past
    window. On top, draw d moves all customers of a cohort by the curve and the levels of that draw:
    cells scatter by the measured multiple of Poisson (England & Verrall 2002), so the intervals of
    cohorts and of the total hold the uncertainty of what was learned. A market that changes after
    the cutoff is not in them.

    Parameters
    ----------
    every : str
        Calendar period whose new customers form a cohort: ``"1M"``, ``"3M"``, ``"1W"``, ``"1Y"``.
    credibility : float
        K above: as many repeat purchases as weigh as much as the pooled curve. It also says how
        much cohorts differ, by a standard deviation of 1 / sqrt(K): take less where they differ
        more, or the intervals of young cohorts are too narrow.
    by : str, optional
        Customer column whose values form the cohorts in place of the period: ``"channel"``.
        Customers without a value are the cohort ``"(none)"``.
    """

    every: str = "1M"
    credibility: float = 50.0
    by: str | None = None
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    developments_: Developments | None = field(default=None, init=False, repr=False, compare=False)
    cohorts_: Cohorts | None = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Learn the curve and the cohorts' levels.

        Raises
        ------
        UsageError
            If a setting cannot be honoured.
        TooLittleDataError
            If fewer than 900 customer-days were lived within 30 days of a first purchase.
        """
        self.cohorts_ = self._learn(ledger)
        self.developments_ = self.cohorts_.developments
        self.ledger_, self.lessons_ = ledger, Lessons.from_ledger(ledger)
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep the curves by age, and take the cohorts of another ledger at their levels.

        Raises
        ------
        UsageError
            If one ledger has amounts and the other has none.
        """
        if self.developments_ is None or self.lessons_ is None:
            raise NotFittedError(self)
        self.lessons_.check(ledger)
        self.cohorts_, self.ledger_ = self._learn(ledger, self.developments_), ledger
        return self

    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        assert self.cohorts_ is not None
        assert self.lessons_ is not None
        cohorts = self.cohorts_
        window, windows = horizon.window(cohorts.cutoff), horizon.periods(cohorts.cutoff, every)
        by_period, by_value = cohorts.expect(windows)
        total = by_period.sum(axis=1)
        purchases = cohorts.mean(total)
        # no purchases, no value: a cohort without expected purchases has nothing to spend on
        value = None if by_value is None else cohorts.mean(np.where(total > 0, by_value, 0.0))
        even = np.broadcast_to(Shares.by_days(windows, 0).table, by_period.shape).copy()
        np.divide(by_period, total[:, None], out=even, where=total[:, None] > 0)
        analogues, notes = self.lessons_.of(horizon, lambda past: self._analogues(past, horizon))
        shares = Shares(even, cohorts.code)
        oldest = BIN_DAYS * cohorts.purchases.pooled
        if cohorts.age.max() + window.days > oldest:
            notes = (f"Beyond an age of {oldest} days the curve is a geometric tail.", *notes)
        p_active = _p_active(analogues, total / np.bincount(cohorts.code), cohorts, windows)
        sampler = None
        if draws:
            drawn, worth = cohorts.draw(windows, draws, seed)
            sampler = SharedLevels(
                AnalogueDraws(analogues, purchases, value, shares, draws, seed),
                cohorts.code,
                factors(drawn),
                None if worth is None else factors(worth),
                shares,
                seed,
            )
        return forecast_existing(
            self,
            cutoff=cohorts.cutoff,
            horizon=horizon,
            windows=windows,
            customers=customer_table(cohorts.index, p_active[cohorts.code], purchases, value),
            shares=shares,
            sampler=sampler,
            notes=("Every customer of a cohort has the cohort's mean.", *notes),
        )

    @property
    def development_(self) -> pd.DataFrame:
        """Retention and spend by cohort and age, observed and predicted.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        if self.cohorts_ is None:
            raise NotFittedError(self)
        return development(self.cohorts_)

    def _learn(self, ledger: Ledger, known: Developments | None = None) -> Cohorts:
        every = Horizon.parse(self.every, "every")
        if every.until is not None:
            raise UsageError(f"every: {self.every!r} is a date; write every='1M'.")
        if not self.credibility >= 0:
            raise UsageError(f"credibility: {self.credibility} must be a number >= 0.")
        return Cohorts.learn(ledger, every, self.credibility, self.by, known)

    def _analogues(self, ledger: Ledger, horizon: Horizon) -> tuple[Analogues, tuple[str, ...]]:
        """Forecast a past window and keep what came of it."""
        inner = inner_window(ledger, horizon.window(ledger.cutoff))
        past = self._learn(inner.past)
        expected = past.mean(past.expect(inner.windows)[0].sum(axis=1))
        return inner.analogues(expected), inner.notes


def _p_active(
    analogues: Analogues, mean: FloatArray, cohorts: Cohorts, windows: list[Window]
) -> FloatArray:
    """Return the probability of a purchase by cohort, over what its level may be."""
    level = np.minimum(factors(cohorts.draw(windows, _LEVELS, 0)[0]), 1.0)
    score = np.repeat(mean, _LEVELS)
    chance = analogues.p_active(score, score * level.ravel())
    return np.asarray(chance.reshape(level.shape).mean(axis=1))
