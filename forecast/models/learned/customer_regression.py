"""Regression on customer features: what past windows taught, applied to today's customers."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.models.learned.learned import LearnedModel
from forecast.models.learned.lesson import Around, Regression
from forecast.models.learned.regressions import LEARNERS, regressor
from forecast.models.lessons import Lessons

__all__ = ["CustomerRegression"]

Floats = npt.NDArray[np.float64]


@dataclass
class CustomerRegression(LearnedModel):
    """Regressions of purchases and of value on customer features.

    Learns from up to four past windows: features on a past day (counts, ages and gaps, value, the
    season of the first purchase, purchases in the same days last year, what buy-till-you-die
    processes fitted on that day expected) against what the same customers did after it. Each
    window is taken at its own level; the level of the forecast is that of the buy-till-you-die
    expectation, for the whole horizon even where past windows are shorter. Features are clipped
    to the range the past windows saw. A customer's distribution is what customers of a similar
    prediction did; purchases are spread evenly over the days of the horizon.

    ``fit`` keeps the ledger; the training happens in ``forecast``, once for each horizon asked.

    Parameters
    ----------
    method : str or scikit-learn regressor or pipeline
        ``"linear"``: ridge regression whose penalty minimises the leave-one-out error (Allen
        1974), clipped at 0. ``"poisson"``: a Poisson regression with
        a ridge penalty. ``"hurdle"``: a logistic regression of buying at all times a Gamma
        regression of how much by those who buy (Cragg 1971). A regressor is cloned, never fitted,
        and learns multiples of what ``around`` names; its predictions are clipped at 0.
    around : {"mean", "btyd"}
        What purchases are compared with: the mean of a window, or each customer's own
        buy-till-you-die expectation, which then is an offset and a weight.
    """

    method: Any = "linear"
    around: Around = "mean"
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Keep the ledger to learn from.

        Raises
        ------
        UsageError
            If a setting cannot be honoured.
        """
        if isinstance(self.method, str):
            if self.method not in LEARNERS:
                raise UsageError(f"method: {self.method!r} is not one of {', '.join(LEARNERS)}.")
        elif not hasattr(self.method, "predict"):
            raise UsageError(f"method: {self.method!r} is no scikit-learn regressor.")
        return super().fit(ledger)

    def _learn(self, features: Floats, target: Floats, weight: Floats) -> Regression:
        known = isinstance(self.method, str)
        learner = LEARNERS[self.method] if known else regressor(self.method)
        return learner(features, target, weight)
