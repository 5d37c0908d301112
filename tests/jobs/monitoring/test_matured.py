"""Matured runs by hand; dependent runs by simulation; runs that are not over are not scored."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import Horizon
from forecast.forecaster import BOUNDS, Forecast
from forecast.jobs.monitoring.matured import is_matured, matured_runs, pooled, running_runs
from forecast.jobs.monitoring.run_history import open_history, record_run

ORDERS = pd.DataFrame(
    [
        ("a", "2024-01-01", 10.0), ("a", "2024-01-21", 30.0), ("a", "2024-02-01", 40.0),
        ("a", "2024-02-05", 20.0), ("a", "2024-02-12", 99.0), ("b", "2024-01-11", 10.0),
        ("b", "2024-02-03", 5.0), ("c", "2024-01-31", 8.0), ("new", "2024-02-02", 7.0),
    ],
    columns=["customer_id", "date", "value"],
)  # fmt: skip
CUTOFF = date(2024, 1, 31)


def made(horizon: str = "10D", lo: float = 0.0, hi: float = 1.0) -> Forecast:
    """Two purchases of ``a``, none of ``b``, one of ``c``; 20 currency units each."""
    customers = pd.DataFrame(
        {"expected_purchases": [2.0, 0.0, 1.0], "expected_value": [40.0, 0.0, 20.0]},
        index=["a", "b", "c"],
    ).assign(expected_order_value=20.0)
    windows = Horizon.parse(horizon).periods(CUTOFF, "5D")
    each = np.full(len(windows), 3.0 / len(windows))
    found = Forecast.build(
        model="by hand", cutoff=CUTOFF, horizon=Horizon.parse(horizon), windows=windows,
        population="existing", customers=customers, period_purchases=each,
        period_value=20 * each, sampler=None,
    )  # fmt: skip
    assert found.customers is not None
    found.customers[BOUNDS] = [lo, hi, lo, 20 * hi]
    return found


@pytest.fixture
def whole() -> fc.Ledger:
    return fc.read_ledger(ORDERS, key=())


def keep(path: Path, whole: fc.Ledger, forecast: Forecast, **more: object) -> Path:
    record_run(
        path, run_id="one", job_name="j", forecast=forecast, ledger=whole.cut(CUTOFF), **more
    )
    return path


def test_one_run_by_hand(tmp_path: Path, whole: fc.Ledger) -> None:
    labels = pd.Series(["x", "x", "y"], index=["a", "b", "c"], name="segment")
    path = keep(tmp_path / "h.duckdb", whole, made(), labels=labels)
    with open_history(path) as history:
        by_run, by_group = matured_runs(history, whole, history.runs())
    # to 10 February: a bought twice (60), b once (5), c nothing; forecast 2, 0, 1
    row = by_run.set_index("target").loc["purchases"]
    assert (row["forecast"], row["actual"], row["bias"], row["missing"]) == (3.0, 3.0, 0.0, 0)
    assert row["rmse"] == pytest.approx(math.sqrt(2 / 3))
    assert row["rmse_over_zero"] == pytest.approx(math.sqrt(2 / 5))
    # own rate: a 1 repeat in 30 days, b none in 20, c has no age and gets 1 in 50
    own = np.array([10 / 30, 0.0, 10 / 50]) - [2, 1, 0]
    assert row["rmse_over_own_rate"] == pytest.approx(math.sqrt(2 / (own @ own)))
    # bounds 0 to 1: a came above
    assert row[["coverage", "above", "below"]].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    # without draws: Poisson's 3 is more than the squared errors' 2
    assert row["standard_error"] == pytest.approx(math.sqrt(3))
    assert row["p_value"] == 1.0
    value = by_run.set_index("target").loc["value"]
    assert value["bias"] == pytest.approx((60 - 65) / 65)
    assert math.isnan(value["bias_lo_90"])
    assert value["in_interval"] is None
    groups = by_group[by_group["target"] == "purchases"].set_index(["by", "group"])
    assert groups.index.tolist() == [("cohort", "2024-01"), ("segment", "x"), ("segment", "y")]
    x, y = groups.loc[("segment", "x")], groups.loc[("segment", "y")]
    assert (x["customers"], x["forecast"], x["actual"]) == (2, 2.0, 3.0)
    assert x["bias"] == pytest.approx(-1 / 3)
    assert y["bias"] == math.inf
    # squared errors are 1; of the 3 - 2 that all share, a third (of the forecast), squared
    assert y["p_value"] == pytest.approx(math.erfc(1 / math.sqrt(2 * (1 + 1 / 9))))
    assert y["p_adjusted"] == 1.0


def test_the_interval_of_the_run_becomes_one_of_the_bias(tmp_path: Path) -> None:
    whole = fc.read_ledger(fc.simulate_shop(150, seed=1, refunds=0.0).orders, key=())
    past = whole.cut("2023-06-30")
    found = fc.OwnRate().fit(past).forecast("13W", draws=80)
    path = tmp_path / "h.duckdb"
    record_run(path, run_id="1", job_name="j", forecast=found, ledger=past)
    with open_history(path) as history:
        by_run, _ = matured_runs(history, whole, history.runs())
    actual = whole.actuals("2023-06-30", "13W")["purchases"].sum()
    expected, lo, hi = found.interval().loc["purchases"]
    row = by_run.iloc[0]
    assert row["bias"] == pytest.approx((expected - actual) / actual)
    assert row["bias_lo_90"] == pytest.approx((lo - actual) / actual)
    assert row["in_interval"] == (lo <= actual <= hi)
    assert (row["bias_lo_90"] <= 0 <= row["bias_hi_90"]) == row["in_interval"]


def test_customers_who_left_the_log_are_left_out(tmp_path: Path, whole: fc.Ledger) -> None:
    path = keep(tmp_path / "h.duckdb", whole, made())
    with open_history(path) as history:
        rest = fc.read_ledger(ORDERS[ORDERS["customer_id"] != "c"], key=())
        by_run, _ = matured_runs(history, rest, history.runs())
    row = by_run.iloc[0]
    assert (row["customers"], row["missing"], row["forecast"], row["actual"]) == (2, 1, 2.0, 3.0)


def test_a_run_that_is_not_over_is_not_scored(tmp_path: Path, whole: fc.Ledger) -> None:
    path = keep(tmp_path / "h.duckdb", whole, made("13D"))
    with open_history(path) as history:
        runs = history.runs()
        for day, over in (("2024-02-12", False), ("2024-02-13", True)):
            log = fc.read_ledger(ORDERS, key=(), cutoff=day)
            assert is_matured(runs, log).tolist() == [over]
        # of 13 days in periods of 5, two are over on the 12th: 2 of 3 purchases, 99 not among them
        so_far = running_runs(history, fc.read_ledger(ORDERS, key=(), cutoff="2024-02-12"), runs)
        row = so_far.set_index("target").loc["value"]
        assert (row["through"], row["periods"], row["of"]) == (date(2024, 2, 10), 2, 3)
        assert (row["forecast"], row["actual"]) == (pytest.approx(40.0), 65.0)
        early = fc.read_ledger(ORDERS, key=(), cutoff="2024-02-04")
        assert running_runs(history, early, runs).empty


def test_rows_after_the_cutoff_change_nothing(tmp_path: Path, whole: fc.Ledger) -> None:
    path = keep(tmp_path / "h.duckdb", whole, made())
    late = pd.DataFrame({"customer_id": ["a", "c"], "date": "2024-02-13", "value": 1e6})
    with open_history(path) as history:
        runs = history.runs()
        first = matured_runs(history, whole, runs)[0]
        more = fc.read_ledger(pd.concat([ORDERS, late]), key=(), cutoff="2024-02-12")
        pd.testing.assert_frame_equal(first, matured_runs(history, more, runs)[0])


def runs_of(cutoffs: list[str], error: list[float], own: float, shared: float) -> pd.DataFrame:
    days = pd.to_datetime(cutoffs)
    return pd.DataFrame(
        {
            "horizon": "13W", "population": "existing", "target": "purchases",
            "cutoff": days.date, "window_last": (days + pd.Timedelta(weeks=13)).date,
            "forecast": 100.0 + np.array(error), "actual": 100.0,
            "standard_error": math.hypot(own, shared), "shared_error": shared,
        }
    )  # fmt: skip


def test_runs_together_by_hand() -> None:
    # the same window twice is one piece of evidence, two that follow one another are two
    same = pooled(runs_of(["2024-01-01"] * 2, [20, 20], 10, 0)).iloc[0]
    assert same["bias"] == pytest.approx(0.2)
    assert same["standard_error"] == pytest.approx(0.1)
    apart = pooled(runs_of(["2024-01-01", "2024-04-01"], [20, 20], 10, 0)).iloc[0]
    assert apart["standard_error"] == pytest.approx(0.1 / math.sqrt(2))
    # what comes from the parameters does not average out
    shared = pooled(runs_of(["2024-01-01", "2024-04-01"], [20, 20], 0, 10)).iloc[0]
    assert shared["standard_error"] == pytest.approx(0.1)
    assert same["p_value"] == pytest.approx(math.erfc(2 / math.sqrt(2)))


@pytest.mark.slow
def test_overlapping_windows_do_not_raise_false_alarms() -> None:
    rng, cutoffs = np.random.default_rng(3), pd.date_range("2024-01-01", periods=12, freq="2W")
    day = np.arange(400)
    inside = [(day >= 14 * k) & (day < 14 * k + 91) for k in range(12)]
    chances = []
    for _ in range(1000):
        noise = rng.normal(0, 10 / math.sqrt(91), 400)
        common = rng.normal(0, 5)
        error = [float(noise[each].sum() + common) for each in inside]
        table = runs_of([str(each.date()) for each in cutoffs], error, 10, 5)
        chances.append(pooled(table)["p_value"].iloc[0])
    assert 0.03 < np.mean(np.array(chances) < 0.05) < 0.07
    assert np.mean(chances) == pytest.approx(0.5, abs=0.03)
