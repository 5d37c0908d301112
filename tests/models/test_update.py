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
    ContractRetention,
    CustomerRegression,
    Ensemble,
    GradientBoosting,
    LTVFormula,
    OwnRate,
    SeasonalSeries,
)
from forecast.models.cohorts.age_curve import falling_tail
from forecast.models.cohorts.ladder import Ladder
from forecast.models.contracts.payments import Payments
from forecast.models.ensemble.evidence import Evidence
from forecast.models.kept_fit import POOLS, KeptFit
from forecast.models.series.fit import METHODS, fit_series
from forecast.processes import BGNBD

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


def test_an_update_is_near_a_fit(past: Ledger, whole: Ledger) -> None:
    for name in ("btyd", "customer_regression", "cohort_curve", "formula_arpu", "seasonal_series"):
        model = MODELS[name].fit(past).update(whole)
        one, other = (asked(each) for each in (model, MODELS[name].fit(whole)))
        assert one.cutoff == other.cutoff
        expected = [each.periods["expected_purchases"].sum() for each in (one, other)]
        assert expected[0] == pytest.approx(expected[1], rel=0.25), name


class TestKeptFit:
    def fit(self) -> KeptFit:
        rng = np.random.default_rng(0)
        x, T = rng.poisson(1.0, 200).astype(float), np.full(200, 30.0)
        return KeptFit.of(BGNBD.fit(x, np.where(x > 0, 15.0, 0.0), T, unit="weeks"))

    def test_draws_are_those_of_the_posterior(self) -> None:
        fit = self.fit()
        found, usual = fit.posterior(1000, seed=1), fit.source.posterior(4000, seed=9)
        np.testing.assert_allclose(
            found.log_draws.mean(axis=0), usual.log_draws.mean(axis=0), atol=0.25
        )
        np.testing.assert_allclose(
            found.log_draws.std(axis=0), usual.log_draws.std(axis=0), rtol=0.15
        )

    def test_seeds_choose_from_one_pool(self) -> None:
        fit = self.fit()
        one, other = (fit.posterior(300, seed=seed).draws for seed in (1, 2))
        assert not np.array_equal(one, other)
        pool = {tuple(row) for row in fit.pools[POOLS[-1]].draws}
        assert {tuple(row) for row in (*one, *other)} <= pool
        twice = fit.posterior(2 * POOLS[-1], seed=1).draws
        np.testing.assert_allclose(
            np.sort(twice[:, 0]), np.repeat(np.sort(fit.pools[POOLS[-1]].draws[:, 0]), 2)
        )
        assert len(fit.posterior(20, seed=1).draws) == 20

    def test_what_is_no_parameter_is_refused(self) -> None:
        fit = self.fit()
        for value in (-1.0, 0.0, float("nan"), float("inf")):
            with pytest.raises(UsageError, match="alpha"):
                KeptFit(**(vars(fit) | {"params": fit.params | {"alpha": value}}))


class TestSeries:
    YEAR = 365.25 / 7

    def series(self, weeks: int) -> np.ndarray:
        rng, t = np.random.default_rng(0), np.arange(weeks)
        wave = 0.6 * np.cos(2 * np.pi * t / self.YEAR)
        return np.exp(1.0 + wave + rng.normal(0, 0.05, weeks))

    @pytest.mark.parametrize("method", METHODS)
    def test_the_season_stays_in_its_weeks(self, method: str) -> None:
        values = self.series(160)
        fitted = fit_series(values[:130], cycle=self.YEAR, shift=0.2, method=method)
        same = fitted.stand(values[:130], steps=0.0)
        np.testing.assert_allclose(same.expect(30), fitted.expect(30), rtol=1e-12)
        later = fitted.stand(values[:143], steps=13.0)
        truth = np.exp(1.0 + 0.6 * np.cos(2 * np.pi * np.arange(143, 160) / self.YEAR))
        np.testing.assert_allclose(later.expect(17), truth, rtol=0.25)
        refit = fit_series(values[:143], cycle=self.YEAR, shift=0.2, method=method)
        np.testing.assert_allclose(later.expect(17), refit.expect(17), rtol=0.2)

    @pytest.mark.parametrize("method", METHODS)
    def test_the_level_follows_the_data(self, method: str) -> None:
        steps = np.random.default_rng(1).normal(0, 0.15, 143)
        longer = self.series(143) * np.exp(np.cumsum(steps))
        fitted = fit_series(longer[:130], cycle=self.YEAR, shift=0.2, method=method)
        doubled = longer * np.repeat([1.0, 2.0], [130, 13])
        assert (
            fitted.stand(doubled, steps=13.0).expect(4).sum()
            > 1.5 * fitted.stand(longer, steps=13.0).expect(4).sum()
        )

    def test_groups_that_are_not_known_stay_in_the_total(
        self, log: pd.DataFrame, past: Ledger
    ) -> None:
        model = SeasonalSeries(by="channel").fit(past)
        renamed = read(log.assign(channel=log["channel"].replace({"ads": "strangers"})))
        before = list(model.groups_)
        model.update(renamed)
        found, total = model.groups("8W", draws=40), model.forecast("8W", population="all")
        assert list(found.groups) == before
        assert total.periods["expected_purchases"].sum() > 0


def test_a_cohort_that_is_not_known_finds_its_level_on_the_curve() -> None:
    seen, lived = np.array([[60.0, 30.0]]), np.array([[300.0, 300.0]])
    known = Ladder.fit(
        seen, lived, weight=np.full(1, 10.0), credibility=30.0, pooled=2, extend=falling_tail
    )
    more = Ladder.of(known.development, np.array([[120.0, 0.0]]), np.array([[300.0, 0.0]]),
                     np.ones(1))  # fmt: skip
    # the curve expects 60 of it and it has done 120: (120 + 30) / (60 + 30)
    np.testing.assert_allclose(more.level, [150 / 90])
    np.testing.assert_array_equal(more.rate(5), known.rate(5))
    again = Ladder.of(known.development, seen, lived, np.full(1, 10.0))
    np.testing.assert_array_equal(again.level, known.level)


class TestContracts:
    def ledger(self, months: int, *, channel: str = "shop") -> Ledger:
        rng, rows = np.random.default_rng(5), []
        for number in range(80):
            start = pd.Timestamp("2024-01-10") + pd.DateOffset(days=int(rng.integers(200)))
            lasts = 1 + rng.geometric(0.15)
            where = channel if number % 2 else "web"
            rows += [
                (f"c{number:03d}", start + pd.DateOffset(months=step), 10.0 + number % 3, where)
                for step in range(min(lasts, 24))
            ]
        table = pd.DataFrame(rows, columns=["customer_id", "date", "amount", "channel"])
        return read(table[table["date"] < "2025-09-01"]).cut(f"2025-{months:02d}-28")

    def test_the_same_ledger_changes_nothing(self) -> None:
        ledger = self.ledger(4)
        for by in (None, "channel"):
            model = ContractRetention("1M", by=by).fit(ledger)
            assert_equal(asked(model), asked(deepcopy(model).update(ledger)))

    def test_groups_that_are_not_known_take_all_contracts(self) -> None:
        model = ContractRetention("1M", by="channel").fit(self.ledger(4))
        plain = ContractRetention("1M").fit(self.ledger(4)).update(self.ledger(6))
        model.update(self.ledger(6, channel="app"))
        one, other = (asked(each).customers for each in (model, plain))
        assert one is not None
        assert other is not None
        new = [name for name in one.index if int(name[1:]) % 2]
        pd.testing.assert_series_equal(one["p_alive"][new], other["p_alive"][new], rtol=1e-6)

    def test_levels_of_payments_are_drawn_to_what_was_learned(self) -> None:
        who, paid = np.array([0, 0, 1, 1]), np.array([8.0, 12.0, 24.0, 36.0])
        pricing = Payments.learn(who, paid, 2).pricing
        found = Payments.learn(np.array([0, 0]), np.array([8.0, 12.0]), 1, pricing)
        np.testing.assert_allclose(found.level, Payments.learn(who, paid, 2).level[:1])


def test_members_that_fall_silent_leave_their_share_to_the_others() -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    kept = Evidence("", {"purchases": shares}, {"purchases": ()}, {}, 0.0, 1.0, 1.0)
    np.testing.assert_array_equal(kept.shares(["a", "b", "c"], frozenset(), "purchases"),
                                  [0.5, 0.3, 0.2])  # fmt: skip
    np.testing.assert_allclose(kept.shares(["a", "c"], frozenset(), "purchases"), [5 / 7, 2 / 7])
    with pytest.raises(UsageError, match="add up to 1"):
        Evidence("", {"purchases": {"a": 0.5}}, {}, {}, 0.0, 1.0, 1.0)


def test_a_member_without_update_is_fitted_anew(past: Ledger, whole: Ledger) -> None:
    class Plain:
        def fit(self, ledger: Ledger) -> "Plain":
            self.inner = OwnRate().fit(ledger)
            return self

        def forecast(self, horizon: str, **asked: Any) -> Forecast:
            return self.inner.forecast(horizon, **asked)

    model = Ensemble({"mine": Plain()}, None).fit(past).update(whole)
    assert asked(model).cutoff == whole.cutoff
