"""Boosting: an interaction no regression sees, features by rank, a forecast that ranks."""

import numpy as np
import pandas as pd
import pytest

from forecast.errors import NotFittedError, TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.learned.boosting import GradientBoosting, _levels
from forecast.models.learned.regressions import poisson


def test_it_learns_an_interaction() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6000, 4))

    def mean(rows: np.ndarray) -> np.ndarray:
        return np.where(rows[:, 0] * rows[:, 1] > 0, 3.0, 0.5)

    bought = rng.poisson(mean(features)).astype(float)
    today = rng.normal(size=(2000, 4))
    learned = GradientBoosting()._learn(features, bought, np.ones(6000))
    then, now = learned.predict(features), learned.predict(today)
    line = poisson(features, bought, np.ones(6000)).predict(today)
    truth = mean(today)

    def error(guess: np.ndarray | float) -> float:
        return float(np.mean((guess - truth) ** 2))

    assert error(now) < 0.15 * error(bought.mean())
    assert error(line) > 0.9 * error(bought.mean())
    assert then.mean() == pytest.approx(bought.mean(), rel=0.02)
    assert (now > 0).all()


def test_weights_count() -> None:
    features = np.repeat([0.0, 1.0], 400)[:, None]
    target = np.tile([0.0, 2.0], 400)
    weight = np.where((features[:, 0] == 1) & (target == 2), 3.0, 1.0)
    learned = GradientBoosting(trees=400, shrinkage=0.0)._learn(features, target, weight)
    now = learned.predict(np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(now, [1.0, 1.5], rtol=0.02)


def test_only_the_order_of_a_feature_counts() -> None:
    rng = np.random.default_rng(1)
    features, today = rng.lognormal(0, 1, (500, 3)), rng.lognormal(0, 1, (50, 3))
    bought = rng.poisson(features[:, 0]).astype(float)
    model = GradientBoosting(trees=20)
    one, cents = (
        model._learn(unit * features, bought, np.ones(500)).predict(unit * today)
        for unit in (1, 100)
    )
    np.testing.assert_array_equal(one, cents)


def test_levels() -> None:
    features = np.column_stack([np.arange(1000.0), np.zeros(1000), np.repeat([0.0, 1.0], 500)])
    today = np.array([[-5.0, 0.0, 0.0], [2000.0, 3.0, 1.0]])
    cuts = GradientBoosting(trees=1)._learn(features, features[:, 2], np.ones(1000)).cuts
    then, now = _levels(cuts, features), _levels(cuts, today)
    assert len(np.unique(then[:, 0])) == 64
    assert len(np.unique(then[:, 1])) == 1
    assert len(np.unique(then[:, 2])) == 2
    assert (np.diff(then[:, 0]) >= 0).all()
    assert now[0, 0] == then[0, 0]
    assert now[1, 0] == then[-1, 0]


@pytest.mark.parametrize("around", ["btyd", "mean"])
def test_it_ranks_and_keeps_the_level(around: str, whole: Ledger, cut: Ledger) -> None:
    model = GradientBoosting(around=around).fit(cut)
    found = model.forecast("13W", draws=0).customers
    assert found is not None
    actual = whole.actuals(cut.cutoff, "13W")
    constant = actual["purchases"].mean()
    for kind in ("purchases", "value"):
        expected, seen = found[f"expected_{kind}"], actual[kind]
        assert np.corrcoef(expected, seen)[0, 1] > 0.4
        assert expected.sum() == pytest.approx(seen.sum(), rel=0.25)
    error = ((found["expected_purchases"] - actual["purchases"]) ** 2).mean()
    assert error < 0.85 * ((constant - actual["purchases"]) ** 2).mean()


def test_what_is_asked_is_checked(cut: Ledger) -> None:
    with pytest.raises(UsageError, match="'trees' is neither 'btyd' nor 'mean'"):
        GradientBoosting(around="trees").fit(cut)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        GradientBoosting().forecast("4W")
    short = cut.cut(cut.first_day + pd.Timedelta(days=20))
    with pytest.raises(TooLittleDataError, match="such as OwnRate"):
        GradientBoosting().fit(short).forecast("4W")
