"""The ensemble: near the best of its members, honest draws, and what it says of itself."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.datasets import simulate_shop
from forecast.errors import ForecastError, NotFittedError, TooLittleDataError, UsageError
from forecast.forecaster import Forecast, Forecaster
from forecast.ledger import Ledger
from forecast.models.btyd.btyd import BTYD
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.ensemble.ensemble import Ensemble
from forecast.models.ensemble.evidence import LAST_YEAR, SEASONAL
from forecast.models.learned.boosting import GradientBoosting
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.naive import LastYear, OwnRate, Zero

Reader = Callable[..., Ledger]


def quick(**more: Forecaster) -> dict[str, Forecaster]:
    """Members that cost little."""
    return {"own_rate": OwnRate(), "cohorts": CohortCurve()} | more


def small(**more: Forecaster) -> Ensemble:
    return Ensemble(quick(**more), seasonal=None)


@dataclass
class Broken(OwnRate):
    """Refuses where it is told to."""

    where: str = "fit"

    def fit(self, ledger: Ledger) -> "Broken":
        if self.where == "fit":
            raise TooLittleDataError("There is never enough. Ask for less.")
        super().fit(ledger)
        return self

    def forecast(self, *args: Any, **options: Any) -> Forecast:
        seen = self.ledger_
        if self.where == "forecast" and seen is not None and seen.cutoff.year == 2023:
            raise TooLittleDataError("Not today. Come back tomorrow.")
        return super().forecast(*args, **options)


@pytest.fixture(scope="module")
def scores(whole: Ledger, cut: Ledger) -> pd.DataFrame:
    actual = whole.actuals(cut.cutoff, "13W")
    members = {
        "bgnbd": BTYD("bgnbd", "gamma_gamma_all"),
        "cohorts": CohortCurve(),
        "own_rate": OwnRate(),
        "boosting": GradientBoosting(trees=60),
        "poisson": CustomerRegression("poisson", around="btyd"),
    }
    models: Mapping[str, Forecaster] = {
        "ensemble": Ensemble(members, seasonal=None),
        **members,
    }
    out = {}
    for name, model in models.items():
        found = model.fit(cut).forecast("13W", draws=0).customers
        assert found is not None
        out[name] = {
            kind: float(np.sqrt(((found[f"expected_{kind}"] - actual[kind]) ** 2).mean()))
            for kind in ("purchases", "value")
        }
    return pd.DataFrame.from_dict(out, orient="index")


@pytest.fixture(scope="module")
def model(cut: Ledger) -> Ensemble:
    members = {
        "own_rate": OwnRate(),
        "boosting": GradientBoosting(trees=30),
        "poisson": CustomerRegression("poisson", around="btyd"),
        "bgnbd": BTYD("bgnbd", "gamma_gamma_all"),
    }
    return Ensemble(members, seasonal=None).fit(cut)


@pytest.fixture(scope="module")
def found(model: Ensemble) -> Forecast:
    return model.forecast("13W", draws=600, seed=1)


@pytest.fixture(scope="module")
def season(ledger_of: Reader) -> Ledger:
    orders = simulate_shop(900, days=1035, acquisition_days=900, seed=3, refunds=0.0).orders
    return ledger_of(orders[["customer_id", "date", "amount"]], cutoff="2024-10-31")


def test_rows_after_the_cutoff_and_their_order_change_nothing(
    orders: pd.DataFrame, cut: Ledger, ledger_of: Reader
) -> None:
    late = orders["date"] > pd.Timestamp(cut.cutoff)
    changed = pd.concat([
        orders[~late].sample(frac=1, random_state=0),
        orders[late].assign(amount=1e5),
        orders[late].assign(customer_id="Z"),
    ])  # fmt: skip
    one, other = (
        small().fit(each).forecast("8W", draws=20)
        for each in (cut, ledger_of(changed, cutoff="2023-12-31").cut(cut.cutoff))
    )
    pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, other.periods, check_exact=True)
    assert one.notes == other.notes


class TestAccuracy:
    """A shop whose truth is known."""

    @pytest.mark.parametrize("kind", ["purchases", "value"])
    def test_it_is_far_from_the_worst_and_near_the_best(
        self, scores: pd.DataFrame, kind: str
    ) -> None:
        members = scores[kind].drop("ensemble")
        assert scores.loc["ensemble", kind] < members.max()
        assert scores.loc["ensemble", kind] < members.min() * 1.03


class TestDraws:
    def test_every_draw_asked_for_is_there(self, found: Forecast) -> None:
        assert found.sampler is not None
        assert found.sampler.draws == 600

    def test_means_are_the_expectations(self, found: Forecast) -> None:
        assert found.customers is not None
        assert found.sampler is not None
        blocks = list(found.sampler.blocks())
        counts = np.concatenate([block.purchases for block in blocks])
        value = np.concatenate([block.value for block in blocks])
        often = found.customers["expected_purchases"].to_numpy() > 0.1
        for drawn, kind in ((counts, "purchases"), (value, "value")):
            expected = found.customers[f"expected_{kind}"][often]
            error = drawn[often].std(axis=1) / np.sqrt(600)
            away = drawn[often].mean(axis=1) - expected
            # a member's parameters are drawn too, so its mean is not quite its estimate
            assert (np.abs(away) < 5 * error + 0.1 * expected).all()
            totals = drawn.sum(axis=0)
            whole = found.periods[f"expected_{kind}"].sum()
            assert abs(totals.mean() - whole) < 4 * totals.std() / np.sqrt(600) + 0.02 * whole
        shown = (counts > 0).mean(axis=1)
        assert abs((shown - found.customers["p_active"]).mean()) < 0.03

    def test_sums_of_customers_and_periods_agree(self, found: Forecast) -> None:
        assert found.customers is not None
        for kind in ("expected_purchases", "expected_value"):
            assert found.customers[kind].sum() == pytest.approx(found.periods[kind].sum())

    def test_the_total_is_as_unsure_as_the_notes_say(
        self, model: Ensemble, found: Forecast
    ) -> None:
        level = model.level_
        assert level is not None
        assert f"{level.spread:.0%} (1 sd)" in found.notes[1]
        totals = np.log(found.totals().purchases.sum(axis=(1, 2)))
        assert level.spread < totals.std() < level.spread + 0.12

    def test_no_draws_the_same_expectations(self, model: Ensemble, found: Forecast) -> None:
        none = model.forecast("13W", draws=0)
        assert none.sampler is None
        assert none.customers is not None
        assert found.customers is not None
        names = ["p_alive", "p_active", "expected_purchases", "expected_value"]
        pd.testing.assert_frame_equal(none.customers[names], found.customers[names])
        assert none.customers["value_hi_90"].isna().all()

    def test_another_seed_is_another_future(self, cut: Ledger) -> None:
        model = small().fit(cut)
        one, same, other = (model.forecast("8W", draws=60, seed=seed) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one.customers, same.customers)
        assert (one.periods["value_hi_90"] != other.periods["value_hi_90"]).any()
        names = ["expected_purchases", "expected_value"]
        pd.testing.assert_frame_equal(one.periods[names], other.periods[names])


class TestMembers:
    def test_shares_and_level_add_up_and_are_said(self, model: Ensemble, found: Forecast) -> None:
        assert model.shares_ is not None
        assert model.level_ is not None
        assert list(model.shares_.index) == ["own_rate", "boosting", "poisson", "bgnbd"]
        assert (model.shares_ >= 0).all(axis=None)
        np.testing.assert_allclose(model.shares_.sum(), 1.0)
        assert set(model.level_.weights) == {"members", LAST_YEAR}
        assert isinstance(model.fitted_[LAST_YEAR], LastYear)
        assert "learned on 2 past origins" in found.notes[0]
        for name, share in model.shares_["purchases"].items():
            assert f"{name} {share:.0%}" in found.notes[0]

    def test_too_little_past_means_fixed_shares(self, cut: Ledger) -> None:
        short = cut.cut("2022-01-25")
        model = Ensemble({"own_rate": OwnRate(), "zero": Zero()}, seasonal=None).fit(short)
        found = model.forecast("13W", draws=40)
        assert model.shares_ is not None
        np.testing.assert_allclose(model.shares_, 0.5)
        assert "fixed" in found.notes[0]
        assert found.sampler is not None
        assert found.sampler.draws == 40

    def test_a_third_of_the_horizon_is_the_least(self, cut: Ledger) -> None:
        short = cut.cut("2022-06-30")  # 181 days: past windows of 90
        members = {"own_rate": OwnRate(), "bgnbd": BTYD("bgnbd", "gamma_gamma_all")}
        model = Ensemble(members, seasonal=None).fit(short)
        model.forecast("39W", draws=0)
        assert model.shares_ is not None
        np.testing.assert_allclose(model.shares_, 0.5)
        model.forecast("26W", draws=0)
        assert (model.shares_["purchases"] != 0.5).all()

    def test_a_member_that_cannot_be_fitted_is_named(self, cut: Ledger) -> None:
        model = small(broken=Broken()).fit(cut)
        found = model.forecast("8W", draws=20)
        assert model.shares_ is not None
        assert "broken" not in model.shares_.index
        assert found.notes[-1].startswith("Left out: ")
        assert "broken (There is never enough" in found.notes[-1]

    def test_a_member_that_cannot_forecast_leaves_its_share_to_the_others(
        self, cut: Ledger
    ) -> None:
        broken = small(broken=Broken(where="forecast")).fit(cut)
        found = broken.forecast("8W", draws=20)
        assert "broken (Not today" in found.notes[-1]
        assert broken.shares_ is not None
        assert broken.shares_["purchases"].sum() == pytest.approx(1.0)
        assert found.sampler is not None
        assert found.sampler.draws == 20
        plain = small().fit(cut).forecast("8W", draws=0)
        assert plain.customers is not None
        assert found.customers is not None
        np.testing.assert_allclose(
            found.customers["expected_purchases"], plain.customers["expected_purchases"], rtol=1e-6
        )

    def test_no_member_left(self, cut: Ledger) -> None:
        with pytest.raises(TooLittleDataError, match="There is never enough"):
            Ensemble({"broken": Broken()}, seasonal=None).fit(cut)
        model = Ensemble({"broken": Broken(where="forecast")}, seasonal=None).fit(cut)
        with pytest.raises(TooLittleDataError, match="No member of the ensemble can forecast 8W"):
            model.forecast("8W")

    def test_a_member_without_a_distribution_leaves_its_draws_to_the_others(
        self, cut: Ledger
    ) -> None:
        model = small(mute=Mute()).fit(cut)
        found = model.forecast("8W", draws=50)
        assert model.shares_ is not None
        assert model.shares_.loc["mute", "purchases"] > 0.05
        assert found.sampler is not None
        assert found.sampler.draws == 50
        alone = Ensemble({"mute": Mute()}, seasonal=None).fit(cut).forecast("8W", draws=50)
        assert alone.sampler is None
        assert alone.customers is not None
        assert alone.customers["value_hi_90"].isna().all()

    def test_reserved_names_and_order(self, cut: Ledger) -> None:
        with pytest.raises(UsageError, match=f"the name '{SEASONAL}' is taken"):
            Ensemble({SEASONAL: OwnRate()}).fit(cut)
        with pytest.raises(NotFittedError):
            Ensemble().forecast("8W")
        turned = dict(reversed(quick().items()))
        one, other = (
            Ensemble(each, seasonal=None).fit(cut).forecast("8W", draws=0).customers
            for each in (quick(), turned)
        )
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(one["expected_value"], other["expected_value"], rtol=1e-3)

    def test_members_stay_unfitted(self, cut: Ledger) -> None:
        mine = OwnRate()
        Ensemble({"mine": mine}, seasonal=None).fit(cut).forecast("8W", draws=0)
        assert mine.rates_ is None

    def test_free_purchases_alone_and_no_amounts(
        self, orders: pd.DataFrame, ledger_of: Reader
    ) -> None:
        free = ledger_of(orders.assign(amount=0.0), cutoff="2023-10-01")
        found = small().fit(free).forecast("8W", draws=20)
        assert found.customers is not None
        assert (found.customers["expected_value"] == 0).all()
        assert found.customers["expected_purchases"].sum() > 0
        counts = small().fit(ledger_of(orders, money=False, cutoff="2023-10-01"))
        without = counts.forecast("8W", draws=20)
        assert without.customers is not None
        assert without.customers["expected_value"].isna().all()
        assert list(counts.shares_) == ["purchases"]  # type: ignore[call-overload]


@dataclass
class Mute(OwnRate):
    """Has expectations and no draws."""

    def forecast(self, *args: Any, **options: Any) -> Forecast:
        found = super().forecast(*args, **options)
        return replace(found, sampler=None)


class TestSeason:
    """Two years and a half of a shop that sells twice as much in December as in June."""

    def test_it_is_a_source_of_the_level_and_shapes_the_periods(self, season: Ledger) -> None:
        model = Ensemble({"own_rate": OwnRate(), "cohorts": CohortCurve()}).fit(season)
        found = model.forecast("10W", every="1W", draws=0)
        assert model.level_ is not None
        assert set(model.level_.weights) == {"members", SEASONAL, LAST_YEAR}
        assert sum(model.level_.weights.values()) == pytest.approx(1.0)
        assert model.shares_ is not None
        assert SEASONAL in model.shares_.index
        alone = BTYD("mbgnbd", "gamma_gamma_all", season=2).fit(season)
        own = alone.forecast("10W", every="1W", draws=0).periods["expected_purchases"]
        mine = found.periods["expected_purchases"]
        np.testing.assert_allclose(mine / mine.sum(), own / own.sum(), rtol=1e-6)

    def test_without_a_year_it_is_left_out(self, season: Ledger) -> None:
        model = Ensemble({"own_rate": OwnRate()}).fit(season.cut("2022-09-30"))
        found = model.forecast("8W", draws=0)
        assert model.level_ is not None
        assert set(model.level_.weights) == {"members"}
        assert SEASONAL in found.notes[-1]


@pytest.mark.parametrize("population", ["new", "all"])
def test_other_populations(population: Any, cut: Ledger) -> None:
    model = small().fit(cut)
    found = model.forecast("8W", population=population, draws=30)
    assert (found.population, found.customers) == (population, None)
    assert found.periods[["expected_purchases", "value_hi_90"]].notna().all(axis=None)
    if population == "all":
        parts = [model.forecast("8W", population=each, draws=0) for each in ("existing", "new")]  # type: ignore[arg-type]
        whole = parts[0].periods["expected_value"] + parts[1].periods["expected_value"]
        np.testing.assert_allclose(found.periods["expected_value"], whole)
        assert any("Members' shares" in note for note in found.notes)


def test_a_lever_is_refused_by_name(cut: Ledger) -> None:
    with pytest.raises(UsageError, match="Ensemble has no lever 'retention'"):
        small().fit(cut).forecast("8W", scenario={"retention": 1.2})


def odd_logs(orders: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    ids = sorted(orders["customer_id"].unique())
    yield "one", orders[orders["customer_id"] == ids[0]].head(1)
    yield "one who repeats", orders[orders["customer_id"] == orders["customer_id"].mode()[0]]
    yield "thirty-one", orders[orders["customer_id"].isin(ids[:31])]
    yield "nobody repeats", orders.groupby("customer_id").head(1)
    yield "nobody bought lately", orders[orders["date"] < "2022-10-01"]
    yield "all free", orders.assign(amount=0.0)
    yield "one day", orders.assign(date=pd.Timestamp("2023-10-01"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(7))
def test_odd_logs_give_a_forecast_or_say_what_to_do(
    number: int, orders: pd.DataFrame, ledger_of: Reader
) -> None:
    name, log = list(odd_logs(orders))[number]
    ledger = ledger_of(log, cutoff="2023-10-01")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", category=UserWarning)  # a posterior may have caveats
            found = Ensemble().fit(ledger).forecast("13W", draws=40)
    except ForecastError as error:
        said = str(error)
        assert name in ("one", "one who repeats", "nobody repeats", "one day")
        assert len(said) > 60
        return
    customers = found.customers
    assert customers is not None
    columns = ["p_active", "expected_purchases", "expected_value", "value_hi_90"]
    assert np.isfinite(customers[columns]).all(axis=None), name
    assert customers["p_active"].between(0, 1).all()


@pytest.mark.slow
def test_the_default_is_near_the_best_of_its_members_on_average() -> None:
    ratios = []
    for seed in (1, 2, 3):
        orders = simulate_shop(1200, days=800, acquisition_days=600, seed=seed, refunds=0.0).orders
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from forecast.ledger import read_ledger

            whole = read_ledger(orders, customer="customer_id", date="date", value="amount", key=())
        cut = whole.cut(whole.cutoff - pd.Timedelta(days=91))
        actual = whole.actuals(cut.cutoff, "13W")
        model = Ensemble().fit(cut)
        errors = {}
        for name, each in (("ensemble", model), *model.fitted_.items()):
            found = each.forecast("13W", draws=0).customers
            if name != LAST_YEAR and found is not None:
                away = found["expected_purchases"] - actual["purchases"]
                errors[name] = float(np.sqrt((away**2).mean()))
        mine = errors.pop("ensemble")
        assert mine <= max(errors.values())
        ratios.append(mine / min(errors.values()))
    assert np.mean(ratios) < 1.01
