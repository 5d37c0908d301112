"""What a run forecast comes back as it was, once; the file is guarded."""

import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import DataError, FileError, LockedError, UsageError
from forecast.jobs import load_forecast, save_forecast
from forecast.jobs.monitoring import history_file
from forecast.jobs.monitoring.run_history import open_history, record_run

CUTOFF = "2023-06-30"


@pytest.fixture(scope="module")
def ledger() -> fc.Ledger:
    shop = fc.simulate_shop(120, seed=3, refunds=0.0)
    return fc.read_ledger(shop.orders, key=(), customer_columns=["channel"])


@pytest.fixture(scope="module")
def past(ledger: fc.Ledger) -> fc.Ledger:
    return ledger.cut(CUTOFF)


@pytest.fixture(scope="module")
def made(past: fc.Ledger) -> fc.Forecast:
    return fc.OwnRate().fit(past).forecast("6W", draws=60, seed=7)


def record(
    path: Path, made: fc.Forecast, past: fc.Ledger, run_id: str = "one", **more: object
) -> None:
    record_run(path, run_id=run_id, job_name="weekly", forecast=made, ledger=past, **more)


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
        return {
            name: connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall()
            for name in names
        }


def test_comes_back_as_it_was(tmp_path: Path, made: fc.Forecast, past: fc.Ledger) -> None:
    path = tmp_path / "history.duckdb"
    record(
        path, made, past,
        parameters=pd.DataFrame({"value": [0.5], "standard_error": [0.1]}, index=["r"]),
        labels=past.attributes()["channel"],
    )  # fmt: skip
    summary = fc.customer_summary(past)
    with open_history(path) as kept:
        (run,) = kept.runs("weekly").itertuples()
        assert (run.run_id, run.horizon, run.model, run.population) == (
            "one",
            "6W",
            "OwnRate",
            "existing",
        )
        assert (run.cutoff, run.window_last) == (date(2023, 6, 30), date(2023, 8, 11))
        assert run.fitted == run.cutoff
        assert (run.seed, run.draws, run.has_value) == (7, 60, True)
        assert run.data_hash == past.summary_hash()
        assert run.customers == len(summary)
        assert run.purchases == summary["n_purchases"].sum()
        assert run.value == pytest.approx(summary["total_value"].sum())
        customers = kept.customers(run)
        assert customers is not None
        assert made.customers is not None
        pd.testing.assert_frame_equal(
            customers[list(made.customers)],
            made.customers,
            check_exact=True,
            check_index_type=False,
        )
        assert (customers["cohort"] == summary["cohort"]).all()
        assert (customers["first_purchase"] == summary["first_purchase"]).all()
        labels = kept.labels(run, customers.index)
        assert list(labels) == ["channel"]
        assert (labels["channel"] == past.attributes()["channel"]).all()
        totals = kept.table("totals", run).set_index("target")
        interval = made.interval()
        for target in ("purchases", "value"):
            assert totals.loc[target, ["expected", "lo_90", "hi_90"]].tolist() == pytest.approx(
                interval.loc[target].tolist()
            )
        drawn = made.totals().purchases.sum(axis=(1, 2))
        assert totals["sd"]["purchases"] == pytest.approx(drawn.std(ddof=1))
        periods = kept.table("periods", run)
        assert periods["expected_purchases"].tolist() == made.periods["expected_purchases"].tolist()
        assert periods["cumulative_purchases_hi_90"].iloc[-1] == totals["hi_90"]["purchases"]
        assert periods["cumulative_value_lo_90"].is_monotonic_increasing
        assert kept.table("parameters", run).to_numpy().tolist() == [["r", 0.5, 0.1]]


def test_the_same_run_twice_is_there_once(
    tmp_path: Path, made: fc.Forecast, past: fc.Ledger
) -> None:
    path = tmp_path / "history.duckdb"
    record(path, made, past, parameters={"r": (0.5, 0.1), "a": 2})
    before = contents(path)
    record(path, made, past, parameters={"r": (0.5, 0.1), "a": 2})
    assert contents(path) == before
    assert len(before["runs"]) == 1
    record(path, made, past, "two")
    assert len(contents(path)["runs"]) == 2


def test_a_run_has_a_record_for_each_horizon(
    tmp_path: Path, made: fc.Forecast, past: fc.Ledger
) -> None:
    path = tmp_path / "history.duckdb"
    record(path, made, past)
    longer = fc.OwnRate().fit(past).forecast("8W", draws=10)
    record(path, longer, past)
    with open_history(path) as kept:
        assert kept.runs()["horizon"].tolist() == ["6W", "8W"]


def test_a_forecast_read_from_disk_will_do(
    tmp_path: Path, made: fc.Forecast, past: fc.Ledger
) -> None:
    save_forecast(made, tmp_path / "saved")
    record(tmp_path / "a.duckdb", made, past)
    record(tmp_path / "b.duckdb", load_forecast(tmp_path / "saved"), past)
    assert contents(tmp_path / "a.duckdb") == contents(tmp_path / "b.duckdb")


def test_totals_alone_and_no_draws(tmp_path: Path, past: fc.Ledger) -> None:
    path = tmp_path / "history.duckdb"
    record(path, fc.SeasonalSeries().fit(past).forecast("6W", population="all", draws=20), past)
    record(path, fc.OwnRate().fit(past).forecast("6W", draws=0), past, "bare")
    with open_history(path) as kept:
        everybody, bare = (
            kept.runs().set_index("run_id", drop=False).loc[name] for name in ("one", "bare")
        )
        assert kept.customers(everybody) is None
        assert kept.table("totals", everybody)["sd"].notna().all()
        assert kept.table("totals", bare)["sd"].isna().all()
        assert pd.isna(bare.draws)


def test_without_amounts_value_is_missing(tmp_path: Path) -> None:
    orders = fc.simulate_shop(40, seed=1, refunds=0.0).orders[["customer_id", "date"]]
    past = fc.read_ledger(orders, key=())
    path = tmp_path / "history.duckdb"
    record(path, fc.OwnRate().fit(past).forecast("6W", draws=20), past)
    with open_history(path) as kept:
        (run,) = kept.runs().itertuples()
        assert pd.isna(run.value)
        assert kept.table("totals", run)["target"].tolist() == ["purchases"]
        assert "monetary_value" not in set(kept.table("profile", run)["feature"])


def test_names_cannot_break_out_of_sql(tmp_path: Path, made: fc.Forecast, past: fc.Ledger) -> None:
    path = tmp_path / "history.duckdb"
    evil = "x'; DROP TABLE runs; --"
    labels = past.attributes().rename(columns={"channel": "a\"b'; DROP TABLE customers; --"})
    record_run(path, run_id=evil, job_name=evil, forecast=made, ledger=past, labels=labels)
    with open_history(path) as kept:
        (run,) = kept.runs(evil).itertuples()
        assert run.run_id == evil
        assert list(kept.labels(run, made.customers.index)) == list(labels)


def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, made: fc.Forecast, ledger: fc.Ledger, past: fc.Ledger
) -> None:
    path = tmp_path / "history.duckdb"
    with pytest.raises(UsageError, match="made on 2023-06-30, the ledger ends on"):
        record(path, made, ledger)
    with pytest.raises(UsageError, match=r"forecast customers are not in the ledger: 'C"):
        record(path, made, past.only(past.attributes().index[:50]))
    with pytest.raises(UsageError, match="must not be empty"):
        record(path, made, past, "")
    twice = pd.Series("a", index=["C000001", "C000001"])
    with pytest.raises(DataError, match="more than once"):
        record(path, made, past, labels=twice)
    assert not path.exists()


def test_other_files_are_refused(tmp_path: Path, made: fc.Forecast, past: fc.Ledger) -> None:
    with (
        pytest.raises(FileError, match="no history of runs"),
        open_history(tmp_path / "none.duckdb"),
    ):
        pass
    with pytest.raises(FileError, match="Create it first"):
        record(tmp_path / "no" / "history.duckdb", made, past)
    text = tmp_path / "text.duckdb"
    text.write_text("customer_id,date\n" * 1000)
    with pytest.raises(DataError, match="no DuckDB file"), open_history(text):
        pass
    other = tmp_path / "shop.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(DataError, match="no history of runs"):
        record(other, made, past)
    newer = tmp_path / "newer.duckdb"
    record(newer, made, past)
    with duckdb.connect(str(newer)) as connection:
        connection.execute("UPDATE ltv_history SET format = 99")
    with pytest.raises(DataError, match="format 99"), open_history(newer):
        pass


def test_a_history_in_use_is_locked(
    tmp_path: Path, made: fc.Forecast, past: fc.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.duckdb"
    monkeypatch.setattr(history_file, "WRITERS_WAIT", 0.0)
    record(path, made, past)
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(LockedError, match="another process"):
            record(path, made, past, "two")
        with pytest.raises(LockedError, match="another process"), open_history(path):
            pass
        monkeypatch.setattr(history_file, "WRITERS_WAIT", 60.0)
        threading.Timer(1.0, other.kill).start()
        record(path, made, past, "two")  # waits until the other one has gone
        assert other.wait() == -9


def test_a_run_killed_while_recording_leaves_nothing(
    tmp_path: Path, made: fc.Forecast, past: fc.Ledger
) -> None:
    path = tmp_path / "history.duckdb"
    record(path, made, past)
    before = contents(path)
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('BEGIN');"
        "c.execute('DELETE FROM customers'); c.execute('DELETE FROM runs'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert contents(path) == before


@pytest.mark.slow
def test_many_customers_take_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 600, 300_000), unit="D")
    past = fc.read_ledger(pd.DataFrame({"customer_id": np.arange(300_000), "date": day}), key=())
    made = fc.OwnRate().fit(past).forecast("4W", draws=0)
    path = tmp_path / "history.duckdb"
    started = time.process_time()
    record(path, made, past)
    assert time.process_time() - started < 20
    assert path.stat().st_size < 30e6
