"""Keep what is right, refit what is not, and know when it is too early to say."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import FileError, UsageError
from forecast.jobs.monitoring.monitoring import monitor
from forecast.jobs.monitoring.run_history import record_run

CUTOFF = "2023-06-30"


def shop(seed: int, customers: int = 500, days: int = 640) -> pd.DataFrame:
    orders = fc.simulate_shop(
        customers, seed=seed, days=days, season=None, channels=(), refunds=0.0
    ).orders
    return orders[["customer_id", "date"]].assign(date=pd.to_datetime(orders["date"]))


def halved(orders: pd.DataFrame, after: str, seed: int = 0) -> pd.DataFrame:
    """Lose half of the repeat purchases after a day."""
    lost = np.random.default_rng(seed).random(len(orders)) < 0.5
    return orders[~(lost & (orders["date"] > after) & orders.duplicated("customer_id"))]


def read(orders: pd.DataFrame, cutoff: Any = None) -> fc.Ledger:
    return fc.read_ledger(orders, key=(), cutoff=cutoff)


def record(path: Path, whole: fc.Ledger, day: str, model: Any = None, **more: Any) -> None:
    past = whole.cut(day)
    made = (model or fc.BTYD()).fit(past).forecast(more.pop("horizon", "13W"), draws=100, seed=1)
    run_id = more.pop("run_id", day)
    record_run(
        path, run_id=run_id, job_name=more.pop("job", "j"), forecast=made, ledger=past, **more
    )


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return shop(1)


@pytest.fixture(scope="module")
def kept(orders: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "h.duckdb"
    labels = pd.Series("all", index=sorted(set(orders["customer_id"])), name="segment")
    for day in ("2023-05-19", CUTOFF):
        record(path, read(orders), day, labels=labels, parameters={"r": (0.5, 0.1)})
    return path


def test_nothing_changed_keep(kept: Path, orders: pd.DataFrame) -> None:
    found = monitor(kept, read(orders))
    assert (found.verdict, found.exit_code, found.data_problems) == ("keep", 0, ())
    assert "nothing needs to be done" in found.advice
    assert found.tables["totals"]["runs"].tolist() == [2]
    assert set(found.tables["groups"]["by"]) == {"cohort", "segment"}
    assert not found.tables["inputs"]["drifted"].any()
    assert found.tables["parameters"]["change"].tolist() == [0.0]
    assert not found.tables["restated"]["changed"].any()


def test_half_the_purchases_refit(kept: Path, orders: pd.DataFrame) -> None:
    found = monitor(kept, read(halved(orders, CUTOFF)))
    assert (found.verdict, found.exit_code) == ("refit", 4)
    assert found.advice.startswith("Fit the model anew before")
    assert "too high" in found.reasons[0]
    assert found.tables["totals"]["bias"].iloc[0] > 0.5
    assert monitor(kept, read(halved(orders, CUTOFF)), max_bias=5.0).verdict != "refit"


def test_the_same_twice_and_rows_past_the_cutoff_change_nothing(
    kept: Path, orders: pd.DataFrame
) -> None:
    first = monitor(kept, read(orders, "2023-09-29"))
    poison = orders.assign(date=pd.Timestamp("2023-09-30"))
    other = monitor(
        kept, read(pd.concat([orders, poison]).sample(frac=1, random_state=2), "2023-09-29")
    )
    assert first.reasons == other.reasons
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)


def test_a_run_is_scored_from_the_day_its_window_is_over(kept: Path, orders: pd.DataFrame) -> None:
    day_before = monitor(kept, read(orders, "2023-08-17"))
    assert day_before.tables["runs"].empty
    assert day_before.verdict == "too early to say"
    assert day_before.advice.startswith("Go on running the job")
    assert "the first window ends on 2023-08-18" in day_before.reasons[0]
    assert set(day_before.tables["running"]["run_id"]) == {"2023-05-19", CUTOFF}
    assert (day_before.tables["running"]["periods"] < day_before.tables["running"]["of"]).all()
    over = monitor(kept, read(orders, "2023-08-18"))
    assert set(over.tables["runs"]["run_id"]) == {"2023-05-19"}
    assert set(over.tables["running"]["run_id"]) == {CUTOFF}


def test_a_run_under_way_is_watched_not_refitted(kept: Path, orders: pd.DataFrame) -> None:
    gone = orders[(orders["date"] <= "2023-05-19") | ~orders.duplicated("customer_id")]
    found = monitor(kept, read(gone, "2023-08-10"))
    assert found.verdict == "watch"
    assert any("A run under way is off" in each for each in found.reasons)


def test_a_model_that_has_learnt_since_is_watched(tmp_path: Path, orders: pd.DataFrame) -> None:
    path, log = tmp_path / "h.duckdb", read(halved(orders, CUTOFF))
    record(path, log, CUTOFF)
    assert monitor(path, log).verdict == "refit"
    record(path, log, "2023-09-30")
    found = monitor(path, log)
    assert found.verdict == "watch"
    assert any("has learnt from that" in each for each in found.reasons)
    # scored without fitting anew, it has not
    other = tmp_path / "i.duckdb"
    record(other, log, CUTOFF)
    record(other, log, "2023-09-30", fitted=date(2023, 6, 30))
    assert monitor(other, log).verdict == "refit"


def test_a_bias_that_comes_back_is_the_models(tmp_path: Path) -> None:
    path, log = tmp_path / "h.duckdb", read(shop(3, 1500, 900))
    for day in ("2023-03-31", "2023-07-31", "2023-11-30", "2024-05-31"):
        record(path, log, day, fc.OwnRate())  # far too high, and always will be
    found = monitor(path, log)
    assert found.verdict == "refit"
    assert "fitting anew does not help" in found.reasons[0]


def test_other_models_and_jobs_are_not_mixed(tmp_path: Path, orders: pd.DataFrame) -> None:
    path, log = tmp_path / "h.duckdb", read(orders)
    record(path, log, CUTOFF, fc.OwnRate())
    record(path, log, "2023-09-01")
    found = monitor(path, log)
    assert found.verdict == "too early to say"
    assert "1 matured runs are of other models" in found.reasons[0]
    record(path, log, CUTOFF, fc.OwnRate(), job="other")
    with pytest.raises(UsageError, match=r"job: the history holds 'j', 'other'"):
        monitor(path, log)
    assert monitor(path, log, job="other").job == "other"


def test_changed_and_stale_data_come_first(kept: Path, orders: pd.DataFrame) -> None:
    fewer = orders[orders["customer_id"] > sorted(set(orders["customer_id"]))[50]]
    found = monitor(kept, read(fewer))
    assert found.exit_code == 3
    assert "The past has changed since 2 of 2 runs" in found.data_problems[0]
    assert found.reasons[0] == found.data_problems[0]
    stale = monitor(kept, read(orders), today=date(2023, 12, 1))
    assert (stale.verdict, stale.exit_code) == ("watch", 3)
    assert "The log may not arrive any more" in stale.data_problems[0]
    assert stale.advice.startswith("Mend the data first")
    one = orders.drop(orders.index[orders["date"] <= "2023-01-01"][5])
    little = monitor(kept, read(one))
    assert (little.verdict, little.exit_code) == ("keep", 0)
    assert any("That is little" in each for each in little.reasons)


def test_bounds_that_do_not_hold_say_refit(tmp_path: Path, orders: pd.DataFrame) -> None:
    path, past = tmp_path / "h.duckdb", read(orders).cut(CUTOFF)
    made = fc.BTYD().fit(past).forecast("13W", draws=100)
    assert made.customers is not None
    made.customers[["purchases_lo_90", "purchases_hi_90"]] = 0.0  # nobody may buy
    record_run(path, run_id="1", job_name="j", forecast=made, ledger=past)
    found = monitor(path, read(orders), min_coverage=0.95)
    assert found.verdict == "refit"
    assert "within their 90 % bounds of purchases" in found.reasons[0]
    assert monitor(path, read(orders), min_coverage=0.5).verdict == "keep"


def test_a_group_that_is_off_is_named(tmp_path: Path) -> None:
    orders = shop(4, 1200)
    ids = np.array(sorted(set(orders["customer_id"])))
    labels = pd.Series(
        np.where(np.arange(len(ids)) % 4 == 0, "lost", "rest"), index=ids, name="part"
    )
    gone = orders["customer_id"].map(labels).eq("lost") & (orders["date"] > CUTOFF)
    path = tmp_path / "h.duckdb"
    record(path, read(orders), CUTOFF, labels=labels)
    found = monitor(path, read(orders[~gone]), max_bias=0.6)
    assert found.verdict == "watch"
    assert "look again after the next runs" in found.advice
    (said,) = [each for each in found.reasons if each.startswith("Groups by part")]
    assert "lost" in said
    assert "rest" not in said


def test_runs_without_customers_are_judged_in_total(
    kept: Path, orders: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "h.duckdb"
    before = monitor(kept, read(orders)).tables["totals"]
    for day in ("2023-05-19", CUTOFF):
        past = read(orders).cut(day)
        made = fc.BTYD().fit(past).forecast("13W", draws=100, seed=1)
        record_run(
            path, run_id=day, job_name="j", forecast=replace(made, customers=None), ledger=past
        )
    found = monitor(path, read(orders))
    assert found.verdict == "keep"
    assert found.tables["groups"].empty
    assert found.tables["runs"]["rmse"].isna().all()
    pd.testing.assert_series_equal(found.tables["totals"]["bias"], before["bias"])


def test_runs_are_spread_and_of_the_last_year(tmp_path: Path) -> None:
    path, log = tmp_path / "h.duckdb", read(shop(5, 60, 900))
    days = [str(each.date()) for each in pd.date_range("2022-09-01", "2024-03-01", freq="78D")]
    for day in days:
        record(path, log, day, fc.OwnRate(), horizon="4W")
    found = monitor(path, log, most_runs=3).tables["runs"]
    assert found["run_id"].nunique() == 3
    assert found["run_id"].max() == days[-1]
    assert pd.Timestamp(found["run_id"].min()) > pd.Timestamp(days[-1]) - pd.Timedelta(days=364)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_bias": 0.0}, "max_bias: 0.0"), ({"max_psi": -1.0}, "max_psi"),
        ({"min_coverage": 1.0}, "min_coverage"), ({"stale_days": 0}, "stale_days"),
        ({"most_runs": 0}, "most_runs"), ({"job": "no"}, "no run of 'no'"),
        ({"reference": "no"}, "reference: no run 'no'"), ({"today": date(2020, 1, 1)}, "today"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(
    kept: Path, orders: pd.DataFrame, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        monitor(kept, read(orders), **wrong)
    with pytest.raises(FileError, match="no history"):
        monitor(kept.with_name("none"), read(orders))


@pytest.mark.slow
def test_verdicts_of_a_hundred_shops(tmp_path: Path) -> None:
    """Nothing changes: keep. Half of the repeat purchases are lost: refit."""
    judged: dict[str, Counter[str]] = {"clean": Counter(), "half": Counter()}
    for seed in range(100):
        orders, path = shop(seed), tmp_path / f"{seed}.duckdb"
        whole = read(orders)
        record(path, whole, CUTOFF)
        judged["clean"][monitor(path, whole).verdict] += 1
        judged["half"][monitor(path, read(halved(orders, CUTOFF, seed))).verdict] += 1
        path.unlink()
    assert judged["clean"]["keep"] >= 90, judged
    assert judged["half"]["refit"] >= 90, judged
