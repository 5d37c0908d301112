"""Gradient boosting on customer features: what past windows taught, by many small trees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.ledger import Ledger
from forecast.models.learned.learned import LearnedModel
from forecast.models.learned.lesson import Around
from forecast.models.lessons import Lessons

__all__ = ["Boosted", "GradientBoosting"]

Floats = npt.NDArray[np.float64]

LEVELS = 65


@dataclass
class GradientBoosting(LearnedModel):
    """Histogram gradient boosting with the Poisson deviance (Friedman 2001; scikit-learn's trees).

    Learns from up to four past windows: features on a past day, among them what
    buy-till-you-die processes fitted on that day expected, against the purchases after it. Trees
    are small and many rows share a leaf, since few customers buy. The level of the total is that
    of the buy-till-you-die expectation; trees only put customers in their places. At most 200,000
    past rows are used. A customer's distribution is what customers of a similar prediction did;
    purchases are spread evenly over the days of the horizon; a purchase is worth its Gamma-Gamma
    expectation.

    ``fit`` keeps the ledger; the training happens in ``forecast``, once for each horizon asked.

    Parameters
    ----------
    around : {"btyd", "mean"}
        Learn each customer's purchases as a multiple of the buy-till-you-die expectation, or of
        the mean of all customers.
    trees, leaves, least_leaf : int
        Boosting rounds, leaves of a tree, past customers in a leaf.
    learning_rate, shrinkage : float
        Step of a tree and ridge penalty on its leaves.
    """

    around: Around = "btyd"
    trees: int = 150
    leaves: int = 8
    least_leaf: int = 40
    learning_rate: float = 0.05
    shrinkage: float = 5.0
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

    def _learn(self, features: Floats, target: Floats, weight: Floats) -> "Boosted":
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        model = HistGradientBoostingRegressor(
            loss="poisson",
            max_iter=self.trees,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.least_leaf,
            learning_rate=self.learning_rate,
            l2_regularization=self.shrinkage,
            early_stopping=False,
            random_state=0,
        )
        # few levels a feature: the trees' own search for them is slow where rows have weights
        cuts = tuple(
            np.unique(np.quantile(column, np.linspace(0, 1, LEVELS)[1:-1])) for column in features.T
        )
        with threadpool_limits(1):
            return Boosted(cuts, model.fit(_levels(cuts, features), target, sample_weight=weight))


@dataclass(frozen=True)
class Boosted:
    """Fitted trees, and the levels of the features they know.

    Attributes
    ----------
    cuts : tuple of array of float
        Up to 63 quantiles of each feature's past rows.
    trees : HistGradientBoostingRegressor
    """

    cuts: tuple[Floats, ...]
    trees: Any

    def predict(self, features: Floats) -> Floats:
        """Return predictions above 0."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return np.asarray(self.trees.predict(_levels(self.cuts, features)), dtype=float)


def _levels(cuts: Sequence[Floats], features: Floats) -> Floats:
    """Replace each feature by its place among its cuts."""
    out = np.empty_like(features)
    for column, edges in enumerate(cuts):
        out[:, column] = np.searchsorted(edges, features[:, column], side="right")
    return out
