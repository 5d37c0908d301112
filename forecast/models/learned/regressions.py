"""The regressions of CustomerRegression: features and targets in, predictions of 0 or more out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.learned.lesson import Learner

__all__ = ["LEARNERS", "Hurdle", "LinearModel", "Scaled", "Scaling", "regressor"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PENALTIES = np.logspace(-1, 4, 11)
POISSON_PENALTY, HURDLE_PENALTY = 0.01, 0.01


@dataclass(frozen=True)
class Scaling:
    """Features clipped to the range seen, in logarithms where asked, of mean 0 and spread 1.

    Attributes
    ----------
    low, high : array of float, shape (features,)
        The range seen.
    logarithms, varies : array of bool, shape (features,)
        Features taken as log(1 + x), and those that are kept.
    middle, spread : array of float, shape (kept features,)
    """

    low: Floats
    high: Floats
    logarithms: Bools
    varies: Bools
    middle: Floats
    spread: Floats

    @classmethod
    def learn(cls, features: Floats, *, logarithms: bool) -> "Scaling":
        """Measure past rows; features of 0 or more may be taken in logarithms."""
        low, high = features.min(axis=0), features.max(axis=0)
        counts = (low >= 0) & logarithms
        rows = features.copy()
        rows[:, counts] = np.log1p(rows[:, counts])
        spread = rows.std(axis=0)
        # a constant feature has a spread of rounding errors at most
        varies = spread > 1e-9 * np.maximum(np.abs(rows).max(axis=0), 1e-300)
        return cls(low, high, counts, varies, rows[:, varies].mean(axis=0), spread[varies])

    def __call__(self, features: Floats) -> Floats:
        """Return the scaled features."""
        rows = np.clip(features, self.low, self.high)
        rows[:, self.logarithms] = np.log1p(rows[:, self.logarithms])
        return np.asarray((rows[:, self.varies] - self.middle) / self.spread)


@dataclass(frozen=True)
class LinearModel:
    """A linear predictor and its link: ``"identity"``, ``"log"`` or ``"logit"``."""

    coefficients: Floats
    intercept: float
    link: str

    @classmethod
    def of(cls, fitted: Any, link: str) -> "LinearModel":
        """Take the coefficients of a linear model of scikit-learn."""
        coefficients = np.ravel(fitted.coef_).astype(float)
        return cls(coefficients, float(np.ravel(fitted.intercept_)[0]), link)

    def predict(self, rows: Floats) -> Floats:
        """Return the mean of each row."""
        linear = rows @ self.coefficients + self.intercept
        if self.link == "identity":
            return np.asarray(linear)
        return np.exp(linear if self.link == "log" else -np.logaddexp(0.0, -linear))


@dataclass(frozen=True)
class Scaled:
    """A regression on scaled features: a :class:`LinearModel` or a scikit-learn regressor."""

    scaling: Scaling
    model: Any

    def predict(self, features: Floats) -> Floats:
        """Return predictions, just above 0 at least."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return np.asarray(np.clip(self.model.predict(self.scaling(features)), _LEAST, None))


@dataclass(frozen=True)
class Hurdle:
    """The chance of any at all times how much if any.

    Attributes
    ----------
    scaling : Scaling
    chance : LinearModel or None
        None where everybody had some.
    amount : LinearModel
    most : float
        The most that was seen: an exponential does not extrapolate.
    """

    scaling: Scaling
    chance: LinearModel | None
    amount: LinearModel
    most: float

    def predict(self, features: Floats) -> Floats:
        """Return predictions above 0."""
        rows = self.scaling(features)
        much = np.minimum(self.amount.predict(rows), self.most)
        return much if self.chance is None else np.asarray(self.chance.predict(rows) * much)


def linear(features: Floats, target: Floats, weight: Floats) -> Scaled:
    """Ridge regression on standardised features, as they are: logarithms do worse for counts."""
    from sklearn.linear_model import RidgeCV

    scaling = Scaling.learn(features, logarithms=False)
    model = _fitted(RidgeCV(alphas=PENALTIES), scaling(features), target, weight)
    return Scaled(scaling, LinearModel.of(model, "identity"))


def poisson(features: Floats, target: Floats, weight: Floats) -> Scaled:
    """Poisson regression on the logarithms of features of 0 or more."""
    from sklearn.linear_model import PoissonRegressor

    scaling = Scaling.learn(features, logarithms=True)
    model = PoissonRegressor(alpha=POISSON_PENALTY, max_iter=1000, solver="newton-cholesky")
    fitted = _fitted(model, scaling(features), target, weight)
    return Scaled(scaling, LinearModel.of(fitted, "log"))


def hurdle(features: Floats, target: Floats, weight: Floats) -> Hurdle:
    """Logistic regression of any at all, and a Gamma regression of how much if any."""
    from sklearn.linear_model import GammaRegressor, LogisticRegression

    scaling, some = Scaling.learn(features, logarithms=True), target > 0
    rows, chance = scaling(features), None
    if not some.all():
        # scikit-learn's C is one over the penalty of the summed deviance
        c = 1.0 / (HURDLE_PENALTY * len(target))
        logistic = LogisticRegression(C=c, max_iter=1000, solver="newton-cholesky")
        chance = LinearModel.of(_fitted(logistic, rows, some, weight), "logit")
    model = GammaRegressor(alpha=HURDLE_PENALTY, max_iter=1000, solver="newton-cholesky")
    amount = LinearModel.of(_fitted(model, rows[some], target[some], weight[some]), "log")
    return Hurdle(scaling, chance, amount, float(target.max()))


def regressor(estimator: Any) -> Learner:
    """Return a learner from any scikit-learn regressor, cloned."""

    def learn(features: Floats, target: Floats, weight: Floats) -> Scaled:
        from sklearn.base import clone

        scaling = Scaling.learn(features, logarithms=False)
        return Scaled(scaling, _fitted(clone(estimator), scaling(features), target, weight))

    return learn


LEARNERS: dict[str, Learner] = {"linear": linear, "poisson": poisson, "hurdle": hurdle}
_LEAST = 1e-9  # predictions are above 0, so that a total can be shared out


def _fitted(model: Any, rows: Floats, target: npt.NDArray[Any], weight: Floats) -> Any:
    from inspect import signature

    from threadpoolctl import threadpool_limits

    name, last = "", model
    while hasattr(last, "steps"):  # a pipeline passes weights on by the names of its steps
        step, last = last.steps[-1]
        name += f"{step}__"
    weighs = "sample_weight" in signature(last.fit).parameters
    with threadpool_limits(1):
        return model.fit(rows, target, **({f"{name}sample_weight": weight} if weighs else {}))
