"""Going on to another ledger without learning anew: what is kept, taken and refused."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.datasets import simulate_shop
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger, read_ledger
from forecast.models import (
    BTYD,
    MODELS,
    CohortCurve,
    CustomerRegression,
    Ensemble,
    GradientBoosting,
    LTVFormula,
    OwnRate,
    SeasonalSeries,
)

Reader = Callable[..., Ledger]
LEARNING = {
    "boosting": GradientBoosting(trees=5),
    "regression": CustomerRegression("hurdle"),
    "formula": LTVFormula("aov"),
    "curve": CohortCurve(),
    "ensemble": Ensemble({"own": OwnRate(), "rate": CustomerRegression()}, None),
}
BTYDS = {
    "season": {"season": 1},
    "regular": {"purchases": "mbgcnbd"},
    "drift": {"spend": "drift"},
    "groups": {"by": "channel"},
    "covariates": {"covariates": ("channel",)},
    "auto": {"purchases": "auto", "season": "auto"},
}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    shop = simulate_shop(150, days=560, acquisition_days=450, seed=8, refunds=0.0).orders
    return shop[["customer_id", "date", "amount", "channel"]]


def read(log: pd.DataFrame, **options: Any) -> Ledger:
    return read_ledger(log, key=(), **({"customer_columns": ["channel"]} | options))


@pytest.fixture(scope="module")
def whole(log: pd.DataFrame) -> Ledger:
    return read(log)


@pytest.fixture(scope="module")
def past(whole: Ledger) -> Ledger:
    return whole.cut(whole.cutoff - timedelta(days=90))


def asked(model: Any, horizon: str = "8W", seed: int = 3) -> Forecast:
    population = getattr(model, "populations", ("existing",))[0]
    return model.forecast(horizon, population=population, draws=40, seed=seed)


def assert_equal(one: Forecast, other: Forecast) -> None:
    if one.customers is not None:
        pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, other.periods, check_exact=True)
    if one.sampler is not None:
        np.testing.assert_array_equal(one.totals().purchases, other.totals().purchases)


@pytest.mark.parametrize("name", BTYDS)
def test_the_same_ledger_changes_no_forecast_of_btyd(name: str, past: Ledger) -> None:
    model = BTYD(**BTYDS[name]).fit(past)
    assert_equal(asked(model), asked(deepcopy(model).update(past)))


SLOW = ("ensemble",)  # learns at two past origins
EACH = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in LEARNING]


@pytest.mark.parametrize("name", EACH)
class TestLessons:
    def test_they_come_from_the_ledger_of_the_fit(
        self, name: str, past: Ledger, whole: Ledger
    ) -> None:
        model = deepcopy(LEARNING[name]).fit(past)
        before = deepcopy(model).update(whole)
        asked(model)
        assert_equal(asked(before), asked(model.update(whole)))

    def test_they_are_learned_once(self, name: str, past: Ledger) -> None:
        model = deepcopy(LEARNING[name]).fit(past)
        first = asked(model)
        model.lessons_.ledger = None  # nothing is left to learn from
        assert_equal(first, asked(model))
        assert asked(model, seed=4).totals().purchases.sum() > 0
        with pytest.raises(UsageError, match=r"without lessons for 9W; it knows '8W'"):
            asked(model, "9W")

    def test_the_first_question_decides_nothing(self, name: str, past: Ledger) -> None:
        one, other = (deepcopy(LEARNING[name]).fit(past) for _ in range(2))
        asked(one, seed=11)
        one.forecast("8W", draws=0)
        assert_equal(asked(one), asked(other))

    def test_amounts_must_be_as_they_were(self, name: str, log: pd.DataFrame, past: Ledger) -> None:
        model = deepcopy(LEARNING[name]).fit(past)
        with pytest.raises(UsageError, match="fitted with amounts"):
            model.update(read(log.drop(columns="amount")))
        with pytest.raises(NotFittedError):
            deepcopy(LEARNING[name]).update(past)


def test_a_missing_column_is_named(log: pd.DataFrame, past: Ledger) -> None:
    for model in (BTYD(covariates=("channel",)), BTYD(by="channel"), SeasonalSeries(by="channel")):
        model.fit(past)
        with pytest.raises(UsageError, match="channel"):
            model.update(read(log, customer_columns=[]))


def test_groups_that_are_not_known_stay_in_the_total(log: pd.DataFrame, past: Ledger) -> None:
    model = SeasonalSeries(by="channel").fit(past)
    renamed = read(log.assign(channel=log["channel"].replace({"ads": "strangers"})))
    before = list(model.groups_)
    model.update(renamed)
    found, total = model.groups("8W", draws=40), model.forecast("8W", population="all")
    assert list(found.groups) == before
    assert total.periods["expected_purchases"].sum() > 0


def test_an_update_is_near_a_fit(past: Ledger, whole: Ledger) -> None:
    for name in ("btyd", "customer_regression", "cohort_curve", "formula_arpu", "seasonal_series"):
        model = MODELS[name].fit(past).update(whole)
        one, other = (asked(each) for each in (model, MODELS[name].fit(whole)))
        assert one.cutoff == other.cutoff
        expected = [each.periods["expected_purchases"].sum() for each in (one, other)]
        assert expected[0] == pytest.approx(expected[1], rel=0.25), name


def test_a_member_without_update_is_fitted_anew(past: Ledger, whole: Ledger) -> None:
    class Plain:
        def fit(self, ledger: Ledger) -> "Plain":
            self.inner = OwnRate().fit(ledger)
            return self

        def forecast(self, horizon: str, **asked: Any) -> Forecast:
            return self.inner.forecast(horizon, **asked)

    model = Ensemble({"mine": Plain()}, None).fit(past).update(whole)
    assert asked(model).cutoff == whole.cutoff
