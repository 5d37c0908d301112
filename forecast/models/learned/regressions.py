"""The regressions of CustomerRegression: features and targets in, predictions of 0 or more out."""

from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.learned.learned import Learner

__all__ = ["LEARNERS", "regressor"]

Floats = npt.NDArray[np.float64]

PENALTIES = np.logspace(-1, 4, 11)
POISSON_PENALTY, HURDLE_PENALTY = 0.01, 0.01


def linear(
    features: Floats, target: Floats, weight: Floats, today: Floats
) -> tuple[Floats, Floats]:
    """Ridge regression on standardised features, as they are: logarithms do worse for counts."""
    from sklearn.linear_model import RidgeCV

    then, now = _standardised(features, today, logarithms=False)
    return _predicted(RidgeCV(alphas=PENALTIES), then, target, weight, now)


def poisson(
    features: Floats, target: Floats, weight: Floats, today: Floats
) -> tuple[Floats, Floats]:
    """Poisson regression on the logarithms of features of 0 or more."""
    from sklearn.linear_model import PoissonRegressor

    then, now = _standardised(features, today, logarithms=True)
    model = PoissonRegressor(alpha=POISSON_PENALTY, max_iter=1000, solver="newton-cholesky")
    return _predicted(model, then, target, weight, now)


def hurdle(
    features: Floats, target: Floats, weight: Floats, today: Floats
) -> tuple[Floats, Floats]:
    """Logistic regression of any at all, times a Gamma regression of how much if any."""
    from sklearn.linear_model import GammaRegressor, LogisticRegression
    from threadpoolctl import threadpool_limits

    some = target > 0
    then, now = _standardised(features, today, logarithms=True)
    if some.all():
        chance = np.ones(len(then)), np.ones(len(now))
    else:
        with threadpool_limits(1):
            # scikit-learn's C is one over the penalty of the summed deviance
            c = 1.0 / (HURDLE_PENALTY * len(target))
            logistic = LogisticRegression(C=c, max_iter=1000, solver="newton-cholesky")
            logistic.fit(then, some, sample_weight=weight)
            chance = logistic.predict_proba(then)[:, 1], logistic.predict_proba(now)[:, 1]
    model = GammaRegressor(alpha=HURDLE_PENALTY, max_iter=1000, solver="newton-cholesky")
    with threadpool_limits(1):
        model.fit(then[some], target[some], sample_weight=weight[some])
        # an exponential does not extrapolate: no more than the past saw
        most = float(target.max())
        much = (np.minimum(model.predict(rows), most) for rows in (then, now))
        return chance[0] * next(much), chance[1] * next(much)


def regressor(estimator: Any) -> Learner:
    """Return a learner from any scikit-learn regressor, cloned."""

    def learn(
        features: Floats, target: Floats, weight: Floats, today: Floats
    ) -> tuple[Floats, Floats]:
        from sklearn.base import clone

        then, now = _standardised(features, today, logarithms=False)
        return _predicted(clone(estimator), then, target, weight, now)

    return learn


LEARNERS: dict[str, Learner] = {"linear": linear, "poisson": poisson, "hurdle": hurdle}
_LEAST = 1e-9  # predictions are above 0, so that a total can be shared out


def _predicted(
    model: Any, then: Floats, target: Floats, weight: Floats, now: Floats
) -> tuple[Floats, Floats]:
    from inspect import signature

    from threadpoolctl import threadpool_limits

    weighs = "sample_weight" in signature(model.fit).parameters
    with threadpool_limits(1):
        model.fit(then, target, **({"sample_weight": weight} if weighs else {}))
        return np.clip(model.predict(then), _LEAST, None), np.clip(model.predict(now), _LEAST, None)


def _standardised(features: Floats, today: Floats, *, logarithms: bool) -> tuple[Floats, Floats]:
    """Clip today's features to the range seen, and scale both by what was seen."""
    low, high = features.min(axis=0), features.max(axis=0)
    then, now = features.copy(), np.clip(today, low, high)
    if logarithms:
        counts = low >= 0
        for rows in (then, now):
            rows[:, counts] = np.log1p(rows[:, counts])
    spread = then.std(axis=0)
    # a constant feature has a spread of rounding errors at most
    varies = spread > 1e-9 * np.maximum(np.abs(then).max(axis=0), 1e-300)
    middle, spread = then[:, varies].mean(axis=0), spread[varies]
    return (then[:, varies] - middle) / spread, (now[:, varies] - middle) / spread
