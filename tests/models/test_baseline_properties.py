"""What every baseline must honour, whatever it forecasts."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.errors import NotFittedError, UnsupportedError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.naive import LastYear, OwnRate, Zero
from forecast.models.series.seasonal_series import SeasonalSeries

CUSTOMER_MODELS = [Zero, OwnRate, LastYear, CohortCurve]
MODELS = [*CUSTOMER_MODELS, SeasonalSeries]
CUTOFF = "2024-06-30"


def shop(seed: int = 1, customers: int = 100) -> pd.DataFrame:
    """A year and a half of purchases in whole cents, everyone with his own rate."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(customers):
        first = int(rng.integers(0, 450))
        days = np.unique(rng.integers(first, 547, rng.poisson(1 + 4 * rng.gamma(1.0))))
        days = np.union1d(days, [first])
        cents = rng.integers(500, 9000, len(days))
        parts.append(pd.DataFrame({"who": f"c{number:03d}", "day": days, "amount": cents / 100}))
    rows = pd.concat(parts, ignore_index=True)
    rows["date"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(rows.pop("day"), unit="D")
    return rows


def ledger_of(rows: pd.DataFrame, value: str | None = "amount") -> Ledger:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(rows, customer="who", date="date", value=value, cutoff=CUTOFF)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def names(rows: pd.DataFrame) -> dict[str, str]:
    """New names that sort differently."""
    return {who: f"x{(int(who[1:]) * 7919) % 1009}" for who in rows["who"].unique()}


@pytest.fixture(scope="module")
def ledger(rows: pd.DataFrame) -> Ledger:
    return ledger_of(rows)


@pytest.fixture(scope="module")
def shuffled(rows: pd.DataFrame) -> Ledger:
    return ledger_of(rows.sample(frac=1, random_state=0))


@pytest.fixture(scope="module")
def renamed(rows: pd.DataFrame, names: dict[str, str]) -> Ledger:
    return ledger_of(rows.assign(who=rows["who"].map(names)))


@pytest.fixture(scope="module")
def cents(rows: pd.DataFrame) -> Ledger:
    return ledger_of(rows.assign(amount=(rows["amount"] * 100).round()))


@pytest.fixture(scope="module")
def no_amounts(rows: pd.DataFrame) -> Ledger:
    return ledger_of(rows[["who", "date"]], value=None)


@pytest.fixture(scope="module")
def busiest(rows: pd.DataFrame) -> str:
    return str(rows["who"].value_counts().index[0])


@pytest.fixture(scope="module")
def with_twin(rows: pd.DataFrame, busiest: str) -> Ledger:
    return ledger_of(pd.concat([rows, rows[rows["who"] == busiest].assign(who="twin")]))


def ask(model: Any, ledger: Ledger, horizon: str = "13W", **options: Any) -> Any:
    population = "all" if isinstance(model, SeasonalSeries) else "existing"
    options = {"draws": 50, "seed": 3, "population": population} | options
    return model.fit(ledger).forecast(horizon, **options)


@pytest.mark.parametrize("kind", MODELS)
class TestEveryBaseline:
    def test_customers_and_periods_add_up(self, kind: Any, ledger: Ledger) -> None:
        for every in (None, "10D"):
            f = ask(kind(), ledger, "26W", every=every)
            for name in ("expected_purchases", "expected_value"):
                whole = f.periods[name].sum()
                assert np.isfinite(whole)
                if f.customers is not None:
                    assert f.customers[name].sum() == pytest.approx(whole, rel=1e-9, abs=1e-9)
            assert f.periods["start"].iloc[0] == pd.Timestamp("2024-07-01")
            assert f.periods["end"].iloc[-1] == pd.Timestamp("2024-12-30")

    def test_total_does_not_depend_on_the_periods(self, kind: Any, ledger: Ledger) -> None:
        totals = [
            ask(kind(), ledger, "12W", every=every, draws=0).periods["expected_value"].sum()
            for every in ("1D", "5W")
        ]
        assert totals == pytest.approx([totals[0]] * 2, rel=1e-9, abs=1e-9)

    def test_a_split_adds_up_to_its_draws(self, kind: Any, ledger: Ledger) -> None:
        for block in ask(kind(), ledger).sampler.blocks():
            split = block.split()
            size = block.purchases.size
            assert block.purchases.dtype.kind == "i"
            assert (block.value[block.purchases == 0] == 0).all()
            np.testing.assert_array_equal(
                np.bincount(split.cell, split.purchases, size), block.purchases.ravel()
            )
            np.testing.assert_allclose(
                np.bincount(split.cell, split.value, size), block.value.ravel(), atol=1e-9
            )
            pairs = split.cell * 1000 + split.period
            assert len(np.unique(pairs)) == len(pairs)
            assert (split.purchases > 0).all()

    def test_blocks_replay_and_a_seed_repeats(self, kind: Any, ledger: Ledger) -> None:
        f, again, other = (ask(kind(), ledger, seed=seed) for seed in (3, 3, 4))
        pd.testing.assert_frame_equal(f.periods, again.periods)
        first, second = (next(iter(x.sampler.blocks())) for x in (f, f))
        np.testing.assert_array_equal(first.purchases, second.purchases)
        np.testing.assert_array_equal(first.value, second.value)
        np.testing.assert_array_equal(first.split().period, second.split().period)
        np.testing.assert_array_equal(first.split().period, first.split().period)
        np.testing.assert_array_equal(f.periods["expected_value"], other.periods["expected_value"])
        if kind is not Zero:
            assert (f.totals().purchases != other.totals().purchases).any()

    def test_mean_of_draws_is_the_expectation(self, kind: Any, ledger: Ledger) -> None:
        f = ask(kind(), ledger, draws=2000)
        drawn = f.totals()
        for name in ("purchases", "value"):
            totals = getattr(drawn, name).sum(axis=1)
            off = totals.mean(axis=0) - f.periods[f"expected_{name}"]
            error = totals.std(axis=0) / np.sqrt(len(totals))
            assert (np.abs(off) <= 5 * error + 1e-9).all()

    def test_money_times_100_gives_the_forecast_times_100(
        self, kind: Any, ledger: Ledger, cents: Ledger
    ) -> None:
        f, g = ask(kind(), ledger), ask(kind(), cents)
        for a, b in ((f.periods, g.periods), (f.customers, g.customers)):
            if a is None:
                continue
            for name in a.columns[2:] if "start" in a else a.columns:
                factor = 100 if "value" in name else 1
                np.testing.assert_allclose(a[name] * factor, b[name], rtol=1e-9, atol=1e-9)

    def test_order_of_rows_and_names_do_not_matter(
        self,
        kind: Any,
        ledger: Ledger,
        shuffled: Ledger,
        renamed: Ledger,
        names: dict[str, str],
    ) -> None:
        f, g, other = (ask(kind(), each) for each in (ledger, shuffled, renamed))
        pd.testing.assert_frame_equal(f.periods, g.periods)
        expected = ["expected_purchases", "expected_value"]
        np.testing.assert_allclose(
            f.periods[expected], other.periods[expected], rtol=1e-9, atol=1e-12
        )
        if f.customers is not None:
            moved = other.customers.loc[[names[who] for who in f.customers.index]]
            np.testing.assert_allclose(
                f.customers[expected], moved[expected], rtol=1e-9, atol=1e-12
            )

    def test_without_amounts_values_are_missing(self, kind: Any, no_amounts: Ledger) -> None:
        f = ask(kind(), no_amounts)
        assert f.periods[["expected_value", "value_lo_90", "value_hi_90"]].isna().all(axis=None)
        assert f.periods["expected_purchases"].notna().all()
        if f.customers is not None:
            assert f.customers[["expected_value", "expected_order_value"]].isna().all(axis=None)
        assert all(block.value is None for block in f.sampler.blocks())

    def test_without_draws_there_are_expectations_alone(self, kind: Any, ledger: Ledger) -> None:
        before = ledger.summary_hash()
        f, drawn = ask(kind(), ledger, draws=0), ask(kind(), ledger)
        assert ledger.summary_hash() == before
        assert f.sampler is None
        assert f.periods["value_hi_90"].isna().all()
        np.testing.assert_array_equal(f.periods["expected_value"], drawn.periods["expected_value"])

    def test_any_horizon_is_covered_exactly(self, kind: Any, ledger: Ledger) -> None:
        for horizon in ("1D", "7M", "2024-08-11"):
            f = ask(kind(), ledger, horizon, draws=0)
            days = (f.periods["end"] - f.periods["start"]).dt.days.sum()
            assert days == f.window.days
            assert f.periods["expected_purchases"].ge(0).all()

    def test_refusals(self, kind: Any, ledger: Ledger) -> None:
        model = kind()
        own = "all" if kind is SeasonalSeries else "existing"
        with pytest.raises(NotFittedError, match=kind.__name__):
            model.forecast("13W", population=own)
        model.fit(ledger)
        everybody = ("existing", "new", "all")
        known = (
            everybody if kind in (Zero, OwnRate, LastYear) else getattr(kind, "populations", (own,))
        )
        for population in set(everybody) - set(known):
            with pytest.raises(UnsupportedError, match=population):
                model.forecast("13W", population=population)
        with pytest.raises(UnsupportedError, match="retention"):
            model.forecast("13W", population=own, scenario={"retention": 1.1})
        with pytest.raises(UsageError, match="draws"):
            model.forecast("13W", population=own, draws=1)


@pytest.mark.parametrize("kind", CUSTOMER_MODELS)
def test_customers_are_those_of_the_actuals(kind: Any, ledger: Ledger) -> None:
    early = ledger.cut("2024-03-31")
    f = ask(kind(), early)
    actual = ledger.actuals(early.cutoff, "13W")
    pd.testing.assert_index_equal(f.customers.index, actual.index, exact=False)
    assert f.customers["p_alive"].isna().all()
    assert f.customers["p_active"].between(0, 1).all()
    nothing = f.customers["expected_purchases"] == 0
    assert (f.customers.loc[nothing, "expected_value"] == 0).all()
    assert f.customers.loc[nothing, "expected_order_value"].isna().all()
    assert f.customers.loc[~nothing, "expected_order_value"].notna().all()


@pytest.mark.parametrize("kind", [OwnRate, LastYear, CohortCurve])
def test_p_active_is_that_of_the_draws(kind: Any, ledger: Ledger) -> None:
    f = ask(kind(), ledger, draws=3000)
    drawn = np.concatenate([(b.purchases > 0).mean(axis=1) for b in f.sampler.blocks()])
    np.testing.assert_allclose(drawn, f.customers["p_active"], atol=0.05)


@pytest.mark.parametrize("kind", [OwnRate, LastYear, CohortCurve])
def test_equal_histories_are_drawn_independently(
    kind: Any, with_twin: Ledger, busiest: str
) -> None:
    f = ask(kind(), with_twin, draws=500)
    drawn = np.concatenate([block.purchases for block in f.sampler.blocks()])
    one, two = drawn[f.customers.index.get_indexer([busiest, "twin"])]
    expected = f.customers.loc[[busiest, "twin"], "expected_purchases"]
    assert expected.iloc[0] == pytest.approx(expected.iloc[1], rel=1e-9)
    assert one.std() > 0
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.2
