"""The series of everybody: totals, periods, notes and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.seasonal_series import SeasonalSeries


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

    def test_grain_is_checked(self, steady: Ledger) -> None:
        with pytest.raises(UsageError, match="'W' or 'M'"):
            SeasonalSeries(every="D").fit(steady)
