"""A model that learns from past windows, whatever it learns with."""

from abc import abstractmethod
from typing import Self, get_args

import numpy as np
import numpy.typing as npt

from forecast.calendar import Horizon
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.learned.lesson import LEAST, Around, Lesson, Regression, apply, todays_rows
from forecast.models.lessons import Lessons
from forecast.models.newcomers.population import CustomerModel
from forecast.models.spread import Shares

__all__ = ["LearnedModel"]

Floats = npt.NDArray[np.float64]


class LearnedModel(CustomerModel):
    """A regression of what customers did in past windows, trained when a horizon is first asked.

    A model sets ``around``: what a customer's purchases are compared with, the expectation of
    buy-till-you-die models, which also weighs the customer, or the mean of his window.
    """

    around: Around
    lessons_: Lessons | None

    def fit(self, ledger: Ledger) -> Self:
        """Keep the ledger to learn from.

        Raises
        ------
        UsageError
            If a setting cannot be honoured.
        """
        if self.around not in get_args(Around):
            raise UsageError(f"around: {self.around!r} is neither 'btyd' nor 'mean'.")
        self.ledger_, self.lessons_ = ledger, Lessons.from_ledger(ledger)
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep what was learned, horizon by horizon, and apply it to another ledger's customers.

        Raises
        ------
        UsageError
            If one ledger has amounts and the other has none.
        """
        if self.lessons_ is None:
            raise NotFittedError(self)
        self.lessons_.check(ledger)
        self.ledger_ = ledger
        return self

    @abstractmethod
    def _learn(self, features: Floats, target: Floats, weight: Floats) -> Regression:
        """Fit the regression, which has a logarithmic link, to past rows."""

    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        ledger, around = self.ledger_, self.around
        assert ledger is not None
        assert self.lessons_ is not None
        windows, window = horizon.periods(ledger.cutoff, every), horizon.window(ledger.cutoff)
        lesson = self.lessons_.of(
            horizon, lambda past: Lesson.learn(past, horizon, self._learn, around)
        )
        today = todays_rows(lesson.models, ledger, window.days)
        features = lesson.features(today)
        purchases = apply(lesson.purchases, around, features, today.expected)
        value = None
        if today.order_value is not None:
            value = ordered = np.asarray(purchases * today.order_value)
            if around == "btyd":
                usual = today.expected * today.order_value
                alone = apply(lesson.value, around, features, usual)
                ratio = ordered.sum() / max(float(alone.sum()), LEAST)
                value = np.asarray((ordered + alone * ratio) / 2)
        shares = Shares.by_days(windows, len(purchases))
        sampler = AnalogueDraws(lesson.analogues, purchases, value, shares, draws, seed)
        active = lesson.analogues.p_active(purchases, purchases)
        return forecast_existing(
            self,
            cutoff=ledger.cutoff,
            horizon=horizon,
            windows=windows,
            customers=customer_table(today.features.index, active, purchases, value),
            shares=shares,
            sampler=sampler if draws else None,
            notes=lesson.notes,
        )
