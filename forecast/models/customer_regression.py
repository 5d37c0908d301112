"""Regression on customer features: what a past window taught, applied to today's customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.inner_window import inner_window
from forecast.models.spread import Shares
from forecast.views import customer_features

__all__ = ["CustomerRegression"]

FloatArray = npt.NDArray[np.float64]

MOST_OUTSIDE, SLACK = 0.02, 0.1
_PENALTIES = np.logspace(-1, 4, 11)


@dataclass
class CustomerRegression:
    """Linear regressions of purchases and of value on customer features.

    Features are taken at an inner cutoff one horizon before the cutoff, targets are what the same
    customers did after it; the coefficients are applied to the features at the cutoff. In a
    history shorter than two horizons the inner cutoff lies half-way and targets are scaled by
    days. A feature that lies outside the range the inner window saw, by over a tenth of a standard
    deviation for over 2 % of today's customers, is left out (age and time since the last purchase
    often are); the others are clipped to the range seen and standardised. Counts enter as they
    are: with their logarithms a linear forecast of a count does worse on real logs. Predictions
    are clipped at 0 and rescaled to the mean they were trained on. Amounts are not winsorised, so
    one large customer can steer the value. Purchases and value are spread evenly over the days of
    the horizon. A customer's distribution is what customers of a similar prediction did in the
    inner window.

    ``fit`` keeps the ledger; the training happens in ``forecast``, for the horizon asked.

    Parameters
    ----------
    estimator : "linear" or scikit-learn regressor
        ``"linear"`` is ridge regression whose penalty minimises the generalised
        cross-validation error (Golub, Heath & Wahba 1979). A regressor is cloned, never fitted.
    """

    estimator: Any = "linear"
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Keep the ledger to learn from."""
        if self.estimator != "linear" and not hasattr(self.estimator, "predict"):
            raise UsageError(
                f"estimator: {self.estimator!r} is neither 'linear' nor a scikit-learn regressor."
            )
        self.ledger_ = ledger
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
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Raises
        ------
        TooLittleDataError
            If no past window of at least 28 days with 30 customers before it is left.
        """
        check_request(self, population, scenario, populations=("existing",), draws=draws, seed=seed)
        ledger = self.ledger_
        if ledger is None:
            raise NotFittedError(self)
        asked = Horizon.parse(horizon)
        windows = asked.periods(ledger.cutoff, every)
        trained = self._train(ledger, asked.window(ledger.cutoff))
        purchases, value = trained.purchases, trained.value
        shares = Shares.by_days(windows, len(purchases))
        sampler = AnalogueDraws(trained.analogues, purchases, value, shares, draws, seed)
        return forecast_existing(
            self,
            cutoff=ledger.cutoff,
            horizon=asked,
            windows=windows,
            customers=customer_table(
                trained.index, trained.analogues.p_active(purchases, purchases), purchases, value
            ),
            shares=shares,
            sampler=sampler if draws else None,
            notes=trained.notes,
        )

    def _train(self, ledger: Ledger, window: Window) -> "_Trained":
        inner = inner_window(ledger, window)
        then, now = customer_features(inner.past), customer_features(ledger)
        features, today, left_out = _comparable(then, now)
        bought = inner.outcome["purchases"].to_numpy(float)
        score, purchases = self._regress(features, bought * inner.stretch, today)
        value = past_value = None
        if ledger.has_value:
            past_value = inner.outcome["value"].to_numpy(float)
            value = self._regress(features, past_value * inner.stretch, today)[1]
            # who is expected not to buy is expected not to pay; the total stays as predicted
            paying = np.where(purchases > 0, value, 0.0)
            value = paying * (value.sum() / paying.sum()) if paying.any() else paying
        notes = list(inner.notes)
        if left_out:
            notes.append(
                "Features unlike those of the inner window, left out: " + ", ".join(left_out)
            )
        return _Trained(
            now.index, purchases, value, Analogues.learn(score, bought, past_value), tuple(notes)
        )

    def _regress(
        self, features: FloatArray, target: FloatArray, today: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return predictions for the inner window and for today, both at the trained level."""
        from sklearn.base import clone
        from sklearn.linear_model import RidgeCV
        from threadpoolctl import threadpool_limits

        mean = float(target.mean())
        if mean == 0 or features.shape[1] == 0:
            return np.full(len(features), mean), np.full(len(today), mean)
        linear = isinstance(self.estimator, str)
        model = RidgeCV(alphas=_PENALTIES) if linear else clone(self.estimator)
        # sums over customers must not depend on who is who, so their order is that of the data
        order = np.lexsort((target, *features.T))
        with threadpool_limits(1):
            model.fit(features[order], target[order] / mean)
            then, now = (np.clip(model.predict(rows), 0.0, None) for rows in (features, today))
        level = mean / float(then.mean()) if then.any() else 0.0
        return then * level, now * level


@dataclass(frozen=True)
class _Trained:
    """What training for one horizon yields."""

    index: pd.Index
    purchases: FloatArray
    value: FloatArray | None
    analogues: Analogues
    notes: tuple[str, ...]


def _comparable(then: pd.DataFrame, now: pd.DataFrame) -> tuple[FloatArray, FloatArray, list[str]]:
    """Return standardised features of both days, and the names of those left out."""
    low, high, spread = then.min(), then.max(), then.std(ddof=0)
    outside = ((now < low - SLACK * spread) | (now > high + SLACK * spread)).mean()
    left_out = [str(name) for name in then.columns[outside > MOST_OUTSIDE]]
    # a constant feature has a spread of rounding errors at most
    varies = spread > 1e-9 * np.maximum(low.abs(), high.abs())
    used = then.columns[(outside <= MOST_OUTSIDE) & varies]
    middle, spread = then[used].mean(), spread[used]
    features = ((then[used] - middle) / spread).to_numpy(float)
    clipped = now[used].clip(low[used], high[used], axis=1)
    return features, ((clipped - middle) / spread).to_numpy(float), left_out
