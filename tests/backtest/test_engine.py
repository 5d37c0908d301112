"""Histories, gaps, burn-in, refitting, several horizons, untouched origins; by hand."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import backtest
from forecast.backtest.trial import bounds_of_totals
from forecast.errors import TooLittleDataError, UsageError

# customer, day of January 2024 on which he buys; everything costs 10
DAYS = {"a": [1, 3, 9, 16, 22], "b": [2, 12, 23], "c": [8, 15, 17], "d": [16, 24], "e": [26]}
ROWS = [(who, f"2024-01-{day:02d}", 10.0) for who, days in DAYS.items() for day in days]


@pytest.fixture(scope="module")
def log(fakes):
    return fakes.ledger(ROWS, "2024-01-28")


def happened(bt, origin: str, population: str = "existing") -> dict[str, int]:
    key = (date.fromisoformat(origin), str(bt.horizon), population)
    return bt.actuals[key]["purchases"].to_dict()


def test_sliding_history(log, fakes):
    bt = backtest(log, {"m": fakes.Curious()}, horizon="7D", origins=2, history="10D", draws=0)
    assert bt.settings["history"] == bt.settings["min_history"] == "10D"
    # seen from the 14th: the 5th to the 14th; a bought on the 9th, b the 12th, c the 8th
    assert happened(bt, "2024-01-14") == {"a": 1, "b": 0, "c": 2}
    # seen from the 21st: the 12th to the 21st; a is known by the 16th alone
    assert happened(bt, "2024-01-21") == {"a": 1, "b": 1, "c": 0, "d": 1}
    known = bt.customers[date(2024, 1, 21)]
    assert known["frequency"].to_dict() == {"a": 0, "b": 0, "c": 1, "d": 0}
    kept = [row for row in ROWS if row[1] > "2024-01-11"]
    short = fakes.ledger(kept, "2024-01-28")
    same = backtest(short, {"m": fakes.Curious()}, horizon="7D", origins=1, draws=0)
    columns = ["customer_id", "expected_purchases", "actual_purchases"]
    late = bt.frame[bt.frame["cutoff"] == "2024-01-21"][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(late, same.frame[columns], check_exact=True)


def test_who_returns_after_a_sliding_history_is_new(log, fakes):
    model = fakes.Fake(populations=("new",))
    bt = backtest(
        log, model, horizon="7D", origins=1, history="7D", draws=0, populations=["new", "existing"]
    )
    assert happened(bt, "2024-01-21", "new") == {"b": 1, "e": 1}
    assert happened(bt, "2024-01-21") == {"a": 1, "c": 0, "d": 1}
    rows = bt.period_actuals.groupby("population")["actual_purchases"].sum()
    assert rows.to_dict() == {"existing": 2.0, "new": 2.0}


def test_burn_in_leaves_customers_out_of_the_score(log, fakes):
    plain = {"horizon": "7D", "origins": 1, "draws": 400}
    bt = backtest(log, fakes.Fake(), **plain, burn_in="7D")
    assert happened(bt, "2024-01-21") == {"c": 0, "d": 1}
    assert happened(bt, "2024-01-21", "all") == {"a": 1, "b": 1, "c": 0, "d": 1, "e": 1}
    assert bt.customers[date(2024, 1, 21)]["scored"].to_dict() == {
        "a": False, "b": False, "c": True, "d": True,
    }  # fmt: skip
    assert bt.frame["customer_id"].tolist() == ["c", "d"]
    total = bt.totals.set_index("population").loc["existing"]
    assert (total["expected_purchases"], total["actual_purchases"]) == (2.0, 1.0)
    assert total["purchases_hi_90"] == pytest.approx(4.0, abs=1.0)  # Poisson(2), not Poisson(4)
    periods = bt.periods[bt.periods["population"] == "existing"]
    assert periods["expected_purchases"].sum() == pytest.approx(2.0)
    assert periods["actual_purchases"].sum() == 1.0
    assert bt.settings["burn_in"] == "7D"
    blind = backtest(log, fakes.Fake(), **(plain | {"draws": 0}), burn_in="7D")
    rows = blind.periods[blind.periods["population"] == "existing"]
    assert rows["expected_purchases"].isna().all()  # unknown without draws, not 0
    assert blind.totals["expected_purchases"].tolist() == pytest.approx([2.0, 4.0])
    with pytest.raises(TooLittleDataError, match=r"All 4 customers .* burn-in of 20D"):
        backtest(log, fakes.Fake(), **plain, burn_in="20D")


def test_a_gap_is_neither_seen_nor_scored(log, fakes):
    bt = backtest(log, fakes.Fake(3.0), horizon="7D", origins=1, gap="3D", draws=4000)
    origin = "2024-01-18"
    assert bt.origins == (date(2024, 1, 18),)
    # the window is the 22nd to the 28th; who comes in the gap would be new
    assert happened(bt, origin) == {"a": 1, "b": 1, "c": 0, "d": 1}
    assert happened(bt, origin, "all") == {"a": 1, "b": 1, "c": 0, "d": 1, "e": 1}
    days = bt.periods[bt.periods["population"] == "existing"]
    assert days["start"].iloc[0] == pd.Timestamp("2024-01-22")
    assert days["actual_purchases"].tolist() == [1, 1, 1, 0, 0, 0, 0]
    # the fake expects 3 a customer over any length: the difference of its forecasts is 3 - 3
    assert bt.frame["expected_purchases"].tolist() == [0.0] * 4
    assert days["expected_purchases"].tolist() == [0.0] * 7
    # draws are split by day: Poisson(2.1) behind the gap
    assert bt.frame["p_active"].to_numpy() == pytest.approx(1 - np.exp(-2.1), abs=0.03)
    assert bt.frame["purchases_hi_90"].tolist() == [5.0] * 4
    assert bt.frame["pit_purchases"].between(0, 1).all()
    blind = backtest(log, fakes.Fake(3.0), horizon="7D", origins=1, gap="3D", draws=0)
    assert blind.frame[["p_active", "purchases_hi_90"]].isna().all(axis=None)


@dataclass
class _Rate:
    """Mixed in: expectations in proportion to the days asked for."""

    def expected(self, horizon, population):
        days = horizon.window(self.cutoff_).days
        return np.full(len(self.customers_), 0.1 * days)


def test_expectations_behind_a_gap_are_differences(log, fakes):
    class Rate(_Rate, fakes.Fake):
        pass

    for gap, horizon in (("3D", "1W"), ("1W", "7D"), ("1W", "1W")):
        bt = backtest(log, Rate(), horizon=horizon, origins=1, gap=gap, draws=0)
        assert bt.frame["expected_purchases"].to_numpy() == pytest.approx(0.7)
        assert bt.frame["expected_value"].to_numpy() == pytest.approx(7.0)
        sums = bt.periods.groupby("population")["expected_purchases"].sum()
        expected = bt.totals.set_index("population")["expected_purchases"]
        assert sums.to_dict() == pytest.approx(expected.to_dict())
        assert expected["existing"] == pytest.approx(0.7 * len(bt.frame))


def test_several_horizons_share_origins_and_risk_sets(log, fakes):
    bt = backtest(log, fakes.Fake(), horizon=["3D", "1W"], origins=2, draws=20)
    assert bt.origins == (date(2024, 1, 14), date(2024, 1, 21))
    assert [str(each) for each in bt.horizons] == ["3D", "1W"]
    assert set(bt.runs["horizon"]) == {"3D", "1W"}
    sets = bt.frame.groupby(["cutoff", "horizon"])["customer_id"].agg(tuple).unstack()
    assert (sets["3D"] == sets["1W"]).all()
    for horizon in ("3D", "1W"):
        alone = backtest(
            log, fakes.Fake(), horizon=horizon, origins=list(bt.origins), draws=20,
            min_history="7D",
        )  # fmt: skip
        part = bt.select(horizon=horizon)
        pd.testing.assert_frame_equal(part.frame, alone.frame, check_exact=True)
        pd.testing.assert_frame_equal(part.periods, alone.periods, check_exact=True)
        one, two = (each.drop(columns="seconds") for each in (
            bt.leaderboard(horizon=horizon), alone.leaderboard(),
        ))  # fmt: skip
        pd.testing.assert_frame_equal(one, two, check_exact=True)
    default = bt.leaderboard().drop(columns="seconds")
    pd.testing.assert_frame_equal(default, bt.leaderboard(horizon="3D")[default.columns])
    with pytest.raises(UsageError, match="2W was not part"):
        bt.leaderboard(horizon="2W")
    with pytest.raises(UsageError, match="different"):
        backtest(log, fakes.Fake(), horizon=["7D", "7D"])


def test_untouched_origins_are_kept_apart(log, fakes):
    plain = {"horizon": "5D", "step": "3D", "origins": 4, "draws": 0}
    bt = backtest(log, fakes.Fake(), **plain, untouched=1)
    assert bt.untouched == bt.origins[-1:]
    # the window of the third origin reaches into that of the last: it belongs to neither
    assert bt.tuning == bt.origins[:2]
    assert bt.by_origin()["cutoff"].dt.date.unique().tolist() == list(bt.tuning)
    assert bt.by_origin(origins="untouched")["cutoff"].nunique() == 1
    assert bt.by_origin(origins="all")["cutoff"].nunique() == 4
    assert bt.leaderboard().loc["Fake", "origins"] == 2
    free = backtest(log, fakes.Fake(), **plain)
    assert free.tuning == free.origins
    with pytest.raises(TooLittleDataError, match="untouched"):
        free.leaderboard(origins="untouched")
    for wrong in (3, 4, 9):
        with pytest.raises(TooLittleDataError, match="untouched"):
            backtest(log, fakes.Fake(), **plain, untouched=wrong)
    with pytest.raises(UsageError, match="untouched"):
        backtest(log, fakes.Fake(), **plain, untouched=-1)


def test_refitting_now_and_then(log, fakes):
    class Updating(fakes.Fake):
        def fit(self, ledger):
            super().fit(ledger)
            self.parameters_ = {"fitted": float(ledger.cutoff.day)}
            return self

        def update(self, ledger):
            kept = self.parameters_
            self.fit(ledger)
            self.parameters_ = kept
            return self

    def fitted(refit):
        bt = backtest(
            log, {"m": Updating(), "n": fakes.Fake()}, horizon="3D", origins=4, draws=0, refit=refit
        )
        notes = bt.runs[bt.runs["population"] == "existing"].set_index(["model", "cutoff"])["notes"]
        return bt.parameters["value"].tolist(), notes, len(bt.frame)

    values, notes, size = fitted(True)
    assert values == [16.0, 19.0, 22.0, 25.0]
    assert not notes.str.contains("anew|parameters").any()
    values, notes, again = fitted(2)
    assert values == [16.0, 16.0, 22.0, 22.0]
    assert again == size  # updated models know every new customer
    assert "parameters are those of 2024-01-16" in notes["m", "2024-01-19"]
    assert "no update()" in notes["n", "2024-01-19"]
    assert "anew" not in notes["n", "2024-01-22"]
    assert fitted("never")[0] == fitted(False)[0] == [16.0] * 4
    with pytest.raises(UsageError, match="refit"):
        fitted(0.5)


def test_a_failed_fit_is_followed_by_a_new_one(log, fakes):
    class Late(fakes.Late):
        def update(self, ledger):
            self.seen_ = ledger.cutoff
            fakes.Fake.fit(self, ledger)
            return self

    bt = backtest(
        log, {"m": Late(since=date(2024, 1, 19))}, horizon="3D", origins=4, draws=0, refit=False
    )
    runs = bt.runs[bt.runs["population"] == "existing"]
    assert runs["status"].tolist() == ["failed", "ok", "ok", "ok"]
    assert "those of 2024-01-19" in runs["notes"].iloc[2]


def test_cohorts_add_up_and_have_ranks(log, fakes):
    bt = backtest(log, {"m": fakes.Fake(), "s": fakes.Fake(populations=("all",))}, horizon="7D",
                  origins=2, draws=50)  # fmt: skip
    cohorts = bt.cohorts
    assert set(cohorts["model"]) == {"m"}
    assert cohorts["cohort"].unique().tolist() == ["2024-01"]
    assert cohorts["customers"].tolist() == [3, 4]
    total = bt.totals[(bt.totals["model"] == "m") & (bt.totals["population"] == "existing")]
    for name in ("expected_purchases", "actual_value", "purchases_lo_90", "value_hi_90"):
        assert cohorts[name].tolist() == pytest.approx(total[name].tolist())
    assert cohorts[["pit_purchases", "pit_value"]].to_numpy().min() > 0
    assert total["pit_purchases"].between(0, 1).all()


def test_ranks_of_totals_are_uniform():
    """Exchangeable totals with many ties: a thousand ranks pass Kolmogorov and Smirnov's test."""
    rng = np.random.default_rng(5)
    drawn, seen = rng.poisson(3.0, (60, 1000)), rng.poisson(3.0, 1000)
    found = bounds_of_totals("purchases", drawn, seen.astype(float), rng)
    ranks = np.sort(found["pit_purchases"])
    gap = np.abs(ranks - (np.arange(1000) + 0.5) / 1000).max()
    assert gap < 1.63 / np.sqrt(1000)  # the one per cent point
    assert (found["purchases_lo_90"] <= found["purchases_hi_90"]).all()
    unknown = bounds_of_totals("value", drawn, np.full(1000, np.nan), rng)
    assert np.isnan(unknown["pit_value"]).all()


def test_odd_settings_are_refused(log, fakes):
    plain = {"horizon": "7D", "origins": 1, "draws": 0}
    for name, wrong in (
        ("gap", "2024-01-01"), ("history", 52), ("burn_in", "soon"), ("workers", 0),
        ("refit", "always"), ("horizon", []),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=name):
            backtest(log, fakes.Fake(), **(plain | {name: wrong}))
    with pytest.raises(TooLittleDataError, match="of history"):
        backtest(log, fakes.Fake(), **plain, history="52W")
