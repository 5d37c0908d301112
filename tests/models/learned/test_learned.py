"""What learned models share: level, scale, order, value, windows without purchases, draws."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon
from forecast.errors import ForecastError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.learned.boosting import GradientBoosting
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.learned.day_models import DayModels, Rows
from forecast.models.learned.learned import LearnedModel
from forecast.models.learned.learning_table import LearningTable
from forecast.models.learned.lesson import Around, apply, learn_from
from forecast.models.lessons import Lessons

Array = np.ndarray
Reader = Callable[..., Ledger]
MODELS = {
    "boosting": GradientBoosting(trees=30),
    "boosting_direct": GradientBoosting(around="mean", trees=30),
    "linear": CustomerRegression("linear"),
    "poisson": CustomerRegression("poisson", around="btyd"),
    "hurdle": CustomerRegression("hurdle"),
}
each_model = pytest.mark.parametrize("name", MODELS)
each_kind = pytest.mark.parametrize("name", ["boosting", "linear", "hurdle"])


def fitted(name: str, ledger: Ledger) -> GradientBoosting | CustomerRegression:
    model = MODELS[name]
    settings = {key: each for key, each in vars(model).items() if not key.endswith("_")}
    return type(model)(**settings).fit(ledger)


@dataclass
class Mean:
    """Predicts one number."""

    mean: float

    def predict(self, features: Array) -> Array:
        return np.full(len(features), self.mean)


@dataclass
class Constant(LearnedModel):
    """Predicts the weighed mean."""

    around: Around
    ledger_: Ledger | None = None
    lessons_: Lessons | None = None

    def _learn(self, features: Array, target: Array, weight: Array) -> Mean:
        return Mean(float(np.average(target, weights=weight)))


class OneMore:
    """Predicts one more than the first feature for past rows, 1 and 3 for those of today."""

    def predict(self, features: Array) -> Array:
        return np.array([1.0, 3.0]) if len(features) == 2 else 1.0 + features[:, 0]


class TestByHand:
    def table(self) -> LearningTable:
        then = Rows(pd.DataFrame({"x": [1.0, 2.0], "old": [1.0, 1.0]}), np.array([1.0, 3.0]),
                    np.array([10.0, 20.0]), np.array([2.0, 6.0]), np.array([0.0, 4.0]))  # fmt: skip
        before = Rows(pd.DataFrame({"x": [3.0, 4.0]}), np.array([5.0, 5.0]), np.array([10.0, 10.0]),
                      np.array([0.0, 1.0]), np.array([0.0, 6.0]))  # fmt: skip
        today = Rows(pd.DataFrame({"x": [1.0, 4.0]}), np.array([2.0, 4.0]), np.array([5.0, 10.0]))
        return LearningTable((then, before), 28, today, True, (), DayModels({}, None))

    def asked(self, around: str) -> tuple[Array, Array, dict[str, Array]]:
        table, given = self.table(), {}

        def learner(features: Array, target: Array, weight: Array) -> OneMore:
            given.update(features=features, target=target, weight=weight)
            return OneMore()

        bought = [rows.purchases for rows in table.past]
        then, found = learn_from(
            table,
            learner,
            around,
            bought,
            [rows.expected for rows in table.past],  # type: ignore
        )
        today = table.today.features[["x"]].to_numpy()
        now = apply(found, around, today, table.today.expected)  # type: ignore
        return then, now, given

    def test_around_the_expectation(self) -> None:
        then, now, given = self.asked("btyd")
        # the first window bought 8 where 4 were expected, the second 1 where 10 were
        level = np.array([2.0, 6.0, 0.5, 0.5])
        order = np.argsort(given["features"][:, 0])
        assert given["features"].shape == (4, 1)  # "old" is missing on the earlier day
        np.testing.assert_allclose(given["target"][order], [1.0, 1.0, 0.0, 2.0])
        np.testing.assert_allclose(given["weight"][order], level / level.mean())
        np.testing.assert_allclose(then, level * [2.0, 3.0, 4.0, 5.0])
        # 1 x 2 and 3 x 4, brought to the 6 expected today
        np.testing.assert_allclose(now, np.array([2.0, 12.0]) * 6 / 14)

    def test_around_the_mean(self) -> None:
        then, now, given = self.asked("mean")
        level = np.array([4.0, 4.0, 0.5, 0.5])
        order = np.argsort(given["features"][:, 0])
        np.testing.assert_allclose(given["target"][order], [0.5, 1.5, 0.0, 2.0])
        np.testing.assert_array_equal(given["weight"], 1.0)
        np.testing.assert_allclose(then, level * [2.0, 3.0, 4.0, 5.0])
        np.testing.assert_allclose(now, np.array([1.0, 3.0]) * 6 / 4)


def test_a_learner_that_knows_nothing_leaves_the_expectation(cut: Ledger) -> None:
    found = Constant("btyd").fit(cut).forecast("13W", draws=0)
    table = LearningTable.of(cut, Horizon.parse("13W").window(cut.cutoff))
    assert found.customers is not None
    np.testing.assert_allclose(found.customers["expected_purchases"], table.today.expected)
    usual = table.today.expected * table.today.order_value
    np.testing.assert_allclose(found.customers["expected_value"], usual)
    flat = Constant("mean").fit(cut).forecast("13W", draws=0)
    assert flat.customers is not None
    np.testing.assert_allclose(flat.customers["expected_purchases"], table.today.expected.mean())


@each_model
def test_the_level_is_that_of_the_expectation(name: str, cut: Ledger) -> None:
    table = LearningTable.of(cut, Horizon.parse("13W").window(cut.cutoff))
    found = fitted(name, cut).forecast("13W", draws=0).customers
    assert found is not None
    assert found["expected_purchases"].sum() == pytest.approx(table.today.expected.sum())
    assert (found["expected_purchases"] > 0).all()
    assert (found["expected_value"] > 0).all()


@each_kind
def test_without_draws_the_expectations_are_the_same(name: str, cut: Ledger) -> None:
    model = fitted(name, cut)
    none, some, other = (
        model.forecast("13W", draws=draws, seed=seed) for draws, seed in ((0, 0), (20, 0), (20, 1))
    )
    assert none.sampler is None
    names = ["p_active", "expected_purchases", "expected_order_value", "expected_value"]
    for each in (some, other):
        pd.testing.assert_frame_equal(each.customers[names], none.customers[names])
        pd.testing.assert_series_equal(
            each.periods["expected_value"], none.periods["expected_value"]
        )


@each_kind
def test_draws_have_the_means_and_p_active(name: str, cut: Ledger) -> None:
    found = fitted(name, cut).forecast("13W", draws=1500, seed=2)
    assert found.customers is not None
    assert found.sampler is not None
    counts = np.concatenate([block.purchases for block in found.sampler.blocks()])
    value = np.concatenate([block.value for block in found.sampler.blocks()])
    often = found.customers["expected_purchases"].to_numpy() > 0.1  # enough draws to judge by
    for drawn, column in (
        (counts, "expected_purchases"), (value, "expected_value"), (counts > 0, "p_active"),
    ):  # fmt: skip
        error = drawn[often].std(axis=1) / np.sqrt(1500)
        away = (drawn[often].mean(axis=1) - found.customers[column][often]) / error
        assert abs(away.mean()) < 4 / np.sqrt(often.sum())
        assert 0.8 < away.std() < 1.25


@pytest.fixture(scope="module")
def cents(orders: pd.DataFrame, cut: Ledger, ledger_of: Reader) -> Ledger:
    return ledger_of(orders.assign(amount=orders["amount"] * 100), cutoff=str(cut.cutoff))


@pytest.fixture(scope="module")
def earlier(orders: pd.DataFrame, cut: Ledger, ledger_of: Reader) -> Ledger:
    """Four years earlier, where the season of a first purchase is the same."""
    four = pd.Timedelta(days=365 * 4 + 1)
    return ledger_of(orders.assign(date=orders["date"] - four), cutoff=str(cut.cutoff - four))


@pytest.fixture(scope="module")
def turned(orders: pd.DataFrame, cut: Ledger, ledger_of: Reader) -> Ledger:
    """Names written backwards, rows in any order."""
    names = orders.assign(customer_id=orders["customer_id"].map(lambda each: each[::-1]))
    return ledger_of(names.sample(frac=1, random_state=0), cutoff=str(cut.cutoff))


@each_model
def test_neither_currency_nor_the_years_number_matters(
    name: str, cut: Ledger, cents: Ledger, earlier: Ledger
) -> None:
    one, hundred, before = (
        fitted(name, each).forecast("13W", draws=0).customers for each in (cut, cents, earlier)
    )
    for other in (hundred, before):
        np.testing.assert_allclose(
            other["expected_purchases"], one["expected_purchases"], rtol=1e-4
        )
    np.testing.assert_allclose(hundred["expected_value"], 100 * one["expected_value"], rtol=1e-4)


@each_model
def test_customers_left_to_right_or_right_to_left(name: str, cut: Ledger, turned: Ledger) -> None:
    one = fitted(name, cut).forecast("13W", draws=0).customers
    two = fitted(name, turned).forecast("13W", draws=0).customers
    assert one is not None
    assert two is not None
    matched = two.loc[[each[::-1] for each in one.index]]
    for column in ("expected_purchases", "expected_value", "p_active"):
        np.testing.assert_allclose(matched[column], one[column], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("population", ["new", "all"])
def test_other_populations(population: str, cut: Ledger) -> None:
    model = fitted("poisson", cut)
    found = model.forecast("8W", population=population, draws=10)  # type: ignore[arg-type]
    assert (found.population, found.customers) == (population, None)
    assert (found.periods["expected_purchases"] >= 0).all()
    if population == "all":
        parts = [model.forecast("8W", population=each, draws=0) for each in ("existing", "new")]  # type: ignore[arg-type]
        whole = sum(each.periods["expected_value"] for each in parts)
        np.testing.assert_allclose(found.periods["expected_value"], whole)


def odd_logs(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    ids = sorted(orders["customer_id"].unique())
    opening = orders.groupby("customer_id").head(1)
    quiet = orders[orders["date"] < "2022-10-01"]
    return {
        "one": orders[orders["customer_id"] == ids[0]].head(1),
        "thirty-one": orders[orders["customer_id"].isin(ids[:31])],
        "nobody repeats": opening,
        "nobody bought lately": quiet,
        "all free": orders.assign(amount=0.0),
        "one day": orders.assign(date=pd.Timestamp("2023-10-01")),
        "mostly free": orders.assign(amount=orders["amount"].where(orders.index % 50 == 0, 0.0)),
    }


LOGS = ["one", "thirty-one", "nobody repeats", "nobody bought lately", "all free", "one day",
        "mostly free"]  # fmt: skip


@pytest.fixture(scope="module")
def odd(orders: pd.DataFrame, ledger_of: Reader) -> dict[str, Ledger]:
    return {name: ledger_of(log, cutoff="2023-10-01") for name, log in odd_logs(orders).items()}


@each_model
@pytest.mark.parametrize("log", LOGS)
def test_odd_logs_give_a_forecast_or_say_what_to_do(
    name: str, log: str, odd: dict[str, Ledger]
) -> None:
    ledger = odd[log]
    found: Forecast
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = fitted(name, ledger).forecast("13W", draws=20)
    except ForecastError as error:
        said = str(error)
        assert log in ("one", "nobody repeats", "one day")
        assert "such as OwnRate" in said
        return
    customers = found.customers
    assert customers is not None
    assert np.isfinite(customers[["p_active", "expected_purchases", "expected_value"]]).all(
        axis=None
    )
    assert customers["p_active"].between(0, 1).all()
    if log == "all free":
        assert (customers["expected_value"] == 0).all()
        assert (customers["value_hi_90"] == 0).all()
        assert customers["expected_purchases"].sum() > 0


def test_what_is_asked_is_checked(cut: Ledger) -> None:
    model = fitted("poisson", cut)
    with pytest.raises(UsageError, match="has no lever 'frequency'"):
        model.forecast("13W", scenario={"frequency": 2.0})
    with pytest.raises(UsageError, match="population"):
        model.forecast("13W", population="old")  # type: ignore[arg-type]
