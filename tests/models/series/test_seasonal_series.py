"""The series of everybody: totals, periods, notes and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TooLittleDataError, UnsupportedError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.series.seasonal_series import SeasonalSeries
from forecast.views import customer_summary


def shop(days: int, seed: int = 0, *, season: float = 0.0, mean: float = 6.0) -> Ledger:
    """A new customer for every purchase, 20 each on average."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(days) / 365.25
    counts = rng.poisson(mean * np.exp(season * np.cos(angle)))
    day = np.repeat(np.arange(days), counts)
    table = pd.DataFrame(
        {
            "who": [f"c{number}" for number in range(len(day))],
            "date": pd.Timestamp("2022-01-01") + pd.to_timedelta(day, unit="D"),
            "amount": rng.integers(10, 31, len(day)),
        }
    )
    end = (pd.Timestamp("2022-01-01") + pd.Timedelta(days=days - 1)).date()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(table, customer="who", date="date", value="amount", cutoff=end)


@pytest.fixture(scope="module")
def steady() -> Ledger:
    return shop(200)


class TestSeasonalSeries:
    def test_steady_shop(self, steady: Ledger) -> None:
        f = SeasonalSeries().fit(steady).forecast("8W", population="all", draws=1000)
        assert f.customers is None
        whole = f.interval(0.9)
        assert whole.loc["purchases", "expected"] == pytest.approx(6 * 56, rel=0.1)
        assert whole.loc["value", "expected"] == pytest.approx(6 * 56 * 20, rel=0.1)
        assert (whole["lo"] < whole["expected"]).all()
        assert (whole["expected"] < whole["hi"]).all()
        assert f.notes == ("Less than a year of history: a level without a season.",)

    def test_season_of_two_years_is_repeated(self) -> None:
        ledger = shop(900, season=0.8)
        cut = ledger.cut("2023-12-31")
        f = SeasonalSeries().fit(cut).forecast("24W", every="4W", population="all", draws=300)
        actual = ledger.actuals(cut.cutoff, "24W", population="all")
        total = f.interval(0.9)
        assert total.loc["purchases", "expected"] == pytest.approx(
            actual["purchases"].sum(), rel=0.1
        )
        months = f.periods["expected_purchases"]
        assert months.iloc[0] > 2.5 * months.iloc[-1]
        assert f.notes == ("Less than two years of history: the yearly season is shrunk.",) or (
            f.notes[0].startswith("Level and yearly season")
        )

    def test_weeks_are_shared_out_by_days(self, steady: Ledger) -> None:
        model = SeasonalSeries().fit(steady)
        days = model.forecast("2W", every="1D", population="all", draws=0).periods
        weeks = model.forecast("2W", population="all", draws=0).periods
        for name in ("expected_purchases", "expected_value"):
            sums = days[name].to_numpy().reshape(2, 7)
            np.testing.assert_allclose(sums, sums[:, [0]] * np.ones(7))
            np.testing.assert_allclose(sums.sum(axis=1), weeks[name])

    def test_longer_forecasts_begin_with_the_shorter(self, steady: Ledger) -> None:
        model = SeasonalSeries().fit(steady)
        short, long = (
            model.forecast(horizon, every="5D", population="all", draws=0).periods
            for horizon in ("30D", "95D")
        )
        pd.testing.assert_frame_equal(short, long.head(len(short)))

    def test_months(self) -> None:
        f = SeasonalSeries(every="M").fit(shop(400)).forecast("3M", population="all", draws=100)
        days = (f.periods["end"] - f.periods["start"]).dt.days
        np.testing.assert_allclose(f.periods["expected_purchases"], 6 * days, rtol=0.1)

    def test_horizon_longer_than_history_is_said(self, steady: Ledger) -> None:
        f = SeasonalSeries().fit(steady).forecast("52W", population="all", draws=0)
        assert "longer than the history (28)" in f.notes[1]

    def test_rare_purchases_stay_whole_and_positive(self) -> None:
        f = SeasonalSeries().fit(shop(200, mean=0.1)).forecast("8W", population="all", draws=300)
        assert f.sampler is not None
        (block,) = f.sampler.blocks()
        assert (block.purchases >= 0).all()
        assert block.value is not None
        assert (block.value >= 0).all()
        totals = f.totals()
        assert (totals.purchases == np.round(totals.purchases)).all()
        np.testing.assert_array_equal(totals.purchases.sum(axis=2)[:, 0], block.purchases[0])

    def test_too_little(self, steady: Ledger) -> None:
        with pytest.raises(TooLittleDataError, match="7 full periods"):
            SeasonalSeries().fit(steady.cut("2022-02-22"))

    def test_settings_are_checked(self, steady: Ledger) -> None:
        for setting, wrong in (("method", "prophet"), ("level", "sum"), ("reconcile", "mean")):
            with pytest.raises(UsageError, match=f"{setting}: '{wrong}' is not"):
                SeasonalSeries(**{setting: wrong}).fit(steady)
        with pytest.raises(TooLittleDataError, match="two years"):
            SeasonalSeries(method="stl").fit(steady)

    @pytest.mark.parametrize("method", ["ets", "sarimax"])
    def test_other_methods(self, steady: Ledger, method: str) -> None:
        f = SeasonalSeries(method=method).fit(steady).forecast("8W", population="all")
        whole = f.interval(0.9)
        assert whole.loc["purchases", "expected"] == pytest.approx(6 * 56, rel=0.1)
        assert (whole["lo"] < whole["expected"]).all()

    def test_revenue_directly(self, steady: Ledger) -> None:
        f = SeasonalSeries(level="revenue").fit(steady).forecast("8W", population="all")
        assert f.interval().loc["value", "expected"] == pytest.approx(6 * 56 * 20, rel=0.1)
        drawn = f.totals()
        assert drawn.value is not None
        error = drawn.value.sum(axis=2).std() / np.sqrt(1000)
        mean = drawn.value.sum(axis=(1, 2)).mean()
        assert mean == pytest.approx(f.periods["expected_value"].sum(), abs=5 * error)

    def test_grain_is_checked(self, steady: Ledger) -> None:
        with pytest.raises(UsageError, match="'W' or 'M'"):
            SeasonalSeries(every="D").fit(steady)


def promoted(days: int = 500, lift: float = 0.7) -> tuple[Ledger, pd.DataFrame]:
    """A week of promotion every ten, which lifts purchases; known for 140 days more."""
    rng = np.random.default_rng(4)
    calendar = pd.date_range("2022-01-01", periods=days + 140)
    event = (np.arange(days + 140) // 7 % 10 == 0).astype(float)
    counts = rng.poisson(8 * np.exp(lift * event[:days]))
    day = np.repeat(np.arange(days), counts)
    table = pd.DataFrame({"who": [f"c{number}" for number in range(len(day))]})
    table["date"] = calendar[day]
    table["amount"] = 10.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ledger = read_ledger(
            table, customer="who", date="date", value="amount",
            cutoff=calendar[days - 1].date(),
        )  # fmt: skip
    return ledger, pd.DataFrame({"promotion": event, "strike": 0.0}, index=calendar)


class TestEvents:
    @pytest.mark.parametrize("method", ["local_level", "ets", "sarimax"])
    def test_scenario_replaces_the_future(self, method: str) -> None:
        ledger, events = promoted()
        model = SeasonalSeries(method=method, events=events).fit(ledger)
        plan = events.loc["2023-05-16":].assign(promotion=0.0)
        without = model.forecast("8W", population="all", draws=0, scenario={"events": plan})
        ever = plan.assign(promotion=1.0)
        always = model.forecast("8W", population="all", draws=0, scenario={"events": ever})
        lift = always.periods["expected_purchases"] / without.periods["expected_purchases"]
        np.testing.assert_allclose(np.log(lift), 0.7, atol=0.2)
        assert any("no effect: strike" in note for note in always.notes)

    def test_days_must_be_known(self) -> None:
        ledger, events = promoted()
        model = SeasonalSeries(events=events).fit(ledger)
        with pytest.raises(UsageError, match="known up to 2023-10-02, needed up to 2023-11"):
            model.forecast("26W", population="all")
        wrong = pd.DataFrame({"other": [1.0]}, index=[pd.Timestamp("2023-05-16")])
        with pytest.raises(UsageError, match="'other'"):
            model.forecast("1W", population="all", scenario={"events": wrong})


@pytest.fixture(scope="module")
def sources() -> Ledger:
    """Three sources, one of them tiny."""
    rng = np.random.default_rng(7)
    day = np.repeat(np.arange(300), rng.poisson(9, 300))
    source = rng.choice(["shop", "web", "tele"], size=len(day), p=[0.3, 0.69, 0.01])
    table = pd.DataFrame({"who": [f"c{number}" for number in range(len(day))]})
    table["date"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(day, unit="D")
    table["source"], table["amount"] = source, np.where(source == "shop", 30.0, 10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(
            table, customer="who", date="date", value="amount", cutoff="2022-10-27",
            customer_columns=["source"],
        )  # fmt: skip


class TestGroups:
    @pytest.mark.parametrize("reconcile", ["mint", "bottom_up", "top_down"])
    def test_they_add_up_draw_by_draw(self, sources: Ledger, reconcile: str) -> None:
        model = SeasonalSeries(by="source", reconcile=reconcile).fit(sources)
        parts = model.groups("8W", draws=400, seed=1)
        f = model.forecast("8W", population="all", draws=400, seed=1)
        assert list(parts.groups) == ["(other)", "shop", "web"]
        whole = f.totals()
        assert parts.value is not None
        assert whole.value is not None
        np.testing.assert_allclose(parts.purchases.sum(axis=1), whole.purchases[:, 0])
        np.testing.assert_allclose(parts.value.sum(axis=1), whole.value[:, 0])
        table = parts.table()
        assert table.loc["shop", "purchases"] == pytest.approx(0.3 * 9 * 56, rel=0.15)
        assert table.loc["shop", "value"] == pytest.approx(0.3 * 9 * 56 * 30, rel=0.15)
        drawn = whole.purchases.sum(axis=2)
        error = drawn.std() / np.sqrt(len(drawn))
        expected = f.periods["expected_purchases"].sum()
        assert drawn.mean() == pytest.approx(expected, abs=5 * error)

    def test_bottom_up_and_top_down_keep_what_they_say(self, sources: Ledger) -> None:
        def expected(**options: str) -> pd.Series:
            model = SeasonalSeries(**options).fit(sources)
            return model.forecast("8W", population="all", draws=0).periods["expected_purchases"]

        total = expected()
        np.testing.assert_allclose(expected(by="source", reconcile="top_down"), total)
        up, mint = expected(by="source", reconcile="bottom_up"), expected(by="source")
        assert (mint >= np.minimum(up, total) - 1e-9).all()
        assert (mint <= np.maximum(up, total) + 1e-9).all()

    def test_cohorts_are_years_and_the_newest_stays_open(self) -> None:
        rng = np.random.default_rng(4)
        old, new = np.tile(np.arange(300), 4), 300 + np.arange(2000)
        first_year = rng.integers(0, 365, 900)  # the old ones three times, and once in 2022
        second_year = rng.integers(365, 730, 300 + 2000)  # the new ones once
        day = np.concatenate([first_year, second_year])
        table = pd.DataFrame({"who": [f"c{each:04d}" for each in (*old, *new)]})
        table["date"] = pd.Timestamp("2021-01-01") + pd.to_timedelta(day, unit="D")
        ledger = read_ledger(table, customer="who", date="date", cutoff="2022-12-31", key=())
        first = customer_summary(ledger)["first_purchase"].dt.year
        model = SeasonalSeries(by="cohort", reconcile="bottom_up").fit(ledger)
        parts = model.groups("8W", draws=200)
        assert list(parts.groups) == ["2021", "2022 and later"]
        whole = model.forecast("8W", population="all", draws=200).totals()
        np.testing.assert_allclose(parts.purchases.sum(axis=1), whole.purchases[:, 0])
        recent = ledger.purchases().query("date > '2022-06-30'")
        shares = recent["customer_id"].map(first).eq(2022).mean()
        table_of = parts.table()["purchases"]
        assert table_of["2022 and later"] / table_of.sum() == pytest.approx(shares, abs=0.06)
        again = model.update(ledger).groups("8W", draws=200)
        np.testing.assert_array_equal(again.purchases, parts.purchases)

    def test_refusals(self, sources: Ledger) -> None:
        with pytest.raises(UsageError, match="by: 'channel' is not one of"):
            SeasonalSeries(by="channel").fit(sources)
        with pytest.raises(UnsupportedError, match="has no groups"):
            SeasonalSeries().fit(sources).groups("8W")
