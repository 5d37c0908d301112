"""A job from its file to its folder: what is written, when, and that it is the same every time."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.errors import (
    DataError,
    FileError,
    LockedError,
    ModelError,
    UnsupportedError,
    UsageError,
)
from forecast.jobs import load_forecast
from forecast.jobs.job_file.configuration import read_job
from forecast.jobs.running.logs import Event
from forecast.jobs.running.run import JobResult, run_job
from forecast.jobs.running.verify import verify

Make = Callable[..., Path]
Bytes = Callable[[Path], dict[str, str]]


def run(path: Path, **options: Any) -> JobResult:
    return run_job(read_job(path), **options)


def add_customer(path: Path) -> None:
    with (path.parent / "orders.csv").open("a") as file:
        file.write("new,2023-01-01,10.0,search,,x1\n")


def test_writes_what_is_asked_and_nothing_else(make: Make) -> None:
    path = make(report=True)
    found = run(path)
    folder = path.parent / "out"
    assert (found.status, found.folder, found.reused) == ("ok", folder, ())
    assert sorted(each.name for each in folder.iterdir()) == [
        "_SUCCESS", "audit.csv", "customers.parquet", "forecast.json", "manifest.json",
        "model.json", "periods.csv", "report.html", "totals.parquet",
    ]  # fmt: skip
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "job.toml", "orders.csv", "out", "spend.csv",
    ]  # fmt: skip
    facts = json.loads((folder / "manifest.json").read_text())
    log = hashlib.sha256((path.parent / "orders.csv").read_bytes()).hexdigest()
    assert facts["inputs"] == {"orders.csv": log}
    assert facts["run_id"] == found.run_id
    assert facts["rows_in"] == len(pd.read_csv(path.parent / "orders.csv"))
    assert facts["rows_out"] == {"8W": {"customers": 60, "periods": 8}}
    assert facts["configuration"]["source"]["path"] == "orders.csv"
    assert set(facts["timings"]["seconds"]) == {"ledger", "forecast 8W", "model", "report"}
    mask = os.umask(0)
    os.umask(mask)
    for each in folder.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o666 & ~mask, each
    assert len(load_forecast(folder).customers) == 60
    assert verify(folder).files == 7


def test_same_inputs_elsewhere_give_the_same_bytes(make: Make, bytes_of: Bytes) -> None:
    more = '[segments]\n[economics]\nmargin = 0.4\nspend = "spend.csv"'
    more += '\n[backtest]\nhorizon = "8W"\norigins = 1\nmodels = ["own_rate"]'
    one = make("one", model="btyd", more=more, outputs="csv = true")
    other = make("other", model="btyd", more=more, outputs="csv = true", folder="elsewhere")
    assert run(one).run_id == run(other, today=date(2030, 1, 1)).run_id
    here, there = one.parent / "out", other.parent / "elsewhere"
    a, b = bytes_of(here), bytes_of(there)
    # the place of the folder is told in the manifest, and in nothing else
    a["manifest.json"] = a["manifest.json"].replace('"folder": "out"', '"folder": "elsewhere"')
    assert a == b
    assert {"segments.csv", "segments.parquet", "rules.json", "economics.csv", "customers.csv",
            "payback.csv", "leaderboard_value.csv", "backtest/runs.csv"} <= set(a)  # fmt: skip
    parts = pd.read_csv(here / "segments.csv")
    assert set(parts["scheme"]) == {"abc_past", "abc_predicted", "rfm", "portfolio", "tier"}
    assert (parts.groupby("scheme")["customers"].sum() == 60).all()
    assert "(all)" in set(pd.read_csv(here / "economics.csv")["channel"])


def test_costs_are_written_as_the_amounts_of_the_log(make: Make) -> None:
    more = '[economics]\nmargin = 0.4\nspend = "spend.csv"'
    one, other = make("one", more=more), make("other", more=more)
    for file, column in (("orders.csv", "amount"), ("spend.csv", "cost")):
        table = pd.read_csv(other.parent / file)
        commas = [f"{each:,.2f} EUR".translate({44: ".", 46: ","}) for each in table[column]]
        table[column] = commas
        table.to_csv(other.parent / file, index=False, sep=";")
    reading = '[source]\ndelimiter = ";"\ndecimal = ","\nthousands = "."'
    other.write_text(other.read_text().replace("[source]", reading))
    tables = [(run(each).folder / "economics.csv").read_bytes() for each in (one, other)]
    assert tables[0] == tables[1]


def test_order_of_rows_changes_inputs_alone(make: Make, bytes_of: Bytes) -> None:
    one, other = make("one"), make("other")
    rows = pd.read_csv(other.parent / "orders.csv").sample(frac=1, random_state=1)
    rows.to_csv(other.parent / "orders.csv", index=False)
    assert run(one).run_id != run(other).run_id
    a, b = bytes_of(one.parent / "out"), bytes_of(other.parent / "out")
    for name in ("manifest.json", "_SUCCESS"):
        assert a.pop(name) != b.pop(name)
    assert a == b


@pytest.mark.slow
def test_hash_seed_zone_language_and_threads_change_nothing(make: Make, bytes_of: Bytes) -> None:
    code = (
        "import sys; from forecast.jobs.job_file.configuration import read_job;"
        "from forecast.jobs.running.run import run_job; run_job(read_job(sys.argv[1]))"
    )
    for name, more in {
        "one": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C", "OMP_NUM_THREADS": "1"},
        "two": {
            "PYTHONHASHSEED": "2", "TZ": "Pacific/Auckland", "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "2",
        },
    }.items():  # fmt: skip
        path = make(name, model="btyd")
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=os.environ | more)
    assert bytes_of(path.parent / "out") == bytes_of(path.parents[1] / "one" / "out")


def test_rerun_writes_nothing(make: Make) -> None:
    path = make()
    first = run(path)
    times = {each: each.stat().st_mtime_ns for each in path.parent.rglob("*")}
    again = run(path)
    assert (again.status, again.run_id) == ("unchanged", first.run_id)
    assert {each: each.stat().st_mtime_ns for each in path.parent.rglob("*")} | {
        path.parent: 0
    } == times | {path.parent: 0}


def test_other_inputs_or_settings_replace_the_folder_in_one_step(make: Make) -> None:
    path = make()
    first = run(path)
    seen = []
    folder = path.parent / "out"

    def look(event: Event) -> None:
        seen.append((folder / "_SUCCESS").is_file())

    add_customer(path)
    second = run(path, progress=look)
    assert second.run_id != first.run_id
    assert len(load_forecast(folder).customers) == 61
    third = run(make(top="cutoff = 2022-12-31"), progress=look)
    assert third.run_id != second.run_id
    assert load_forecast(folder).cutoff == date(2022, 12, 31)
    assert all(seen)


def test_clock_decides_the_folder(make: Make) -> None:
    path = make(top='cutoff = "last complete week"', folder="out/{cutoff}")
    rows = pd.read_csv(path.parent / "orders.csv")
    rows[rows["date"] <= "2022-12-05"].to_csv(path.parent / "orders.csv", index=False)
    for today, cutoff in (
        (date(2022, 12, 5), "2022-12-04"),  # a Monday: the week ended yesterday
        (date(2022, 12, 11), "2022-12-04"),  # a Sunday: this week is not complete
        (date(2022, 12, 12), "2022-12-11"),
    ):
        assert run(path, today=today).folder == path.parent / "out" / cutoff
    assert sorted(each.name for each in (path.parent / "out").iterdir()) == [
        "2022-12-04", "2022-12-11",
    ]  # fmt: skip
    nightly = make(folder="nights/{cutoff}")
    last = rows.loc[rows["date"] <= "2022-12-05", "date"].max()
    assert run(nightly).folder == path.parent / "nights" / last[:10]


def test_rows_after_today_are_refused(make: Make) -> None:
    with pytest.raises(DataError, match="future"):
        run(make(), today=date(2022, 6, 1))


def test_several_horizons_and_parts(make: Make) -> None:
    path = make(horizons=("8W", "26W"), outputs="part_rows = 25", report=True)
    run(path)
    folder = path.parent / "out"
    for horizon, periods in (("8W", 8), ("26W", 26)):
        inside = folder / f"horizon={horizon}"
        assert len(list((inside / "customers.parquet").iterdir())) == 3
        found = load_forecast(inside)
        assert len(found.periods) == periods
        assert found.customers is not None
        assert found.customers.index.is_monotonic_increasing
        assert found.interval(0.9).loc["purchases", "lo"] > 0
        assert (folder / "report.html" if horizon == "8W" else inside / "report.html").is_file()
    assert pd.read_parquet(folder / "horizon=8W" / "customers.parquet").shape[0] == 60
    verify(folder)


def test_horizon_longer_than_the_log_is_said(make: Make) -> None:
    path = make(horizons=("5Y",))
    run(path)
    said = " ".join(load_forecast(path.parent / "out").notes)
    assert "so far ahead a forecast extrapolates" in said


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one model fail at one horizon."""
    from forecast.models import OwnRate

    real = OwnRate.forecast

    def forecast(self: Any, horizon: Any, **asked: Any) -> Any:
        if str(horizon) == "26W":
            raise ModelError("No number to believe.")
        return real(self, horizon, **asked)

    monkeypatch.setattr(OwnRate, "forecast", forecast)


@pytest.mark.usefixtures("failing")
class TestKeepGoing:
    def test_others_are_written_without_success(
        self, make: Make, monkeypatch: Any, bytes_of: Bytes
    ) -> None:
        more = '[monitoring]\nhistory = "history.duckdb"'
        path = make(horizons=("26W", "8W"), more=more)
        with pytest.raises(ModelError, match="No number to believe"):
            run(path)
        assert not (path.parent / "out").exists()
        found = run(path, keep_going=True)
        assert (found.status, found.failed) == ("failed", {"26W": "No number to believe."})
        folder = path.parent / "out"
        facts = json.loads((folder / "manifest.json").read_text())
        assert (facts["status"], facts["failed"]) == ("failed", found.failed)
        assert (folder / "horizon=8W" / "customers.parquet").is_file()
        assert not (folder / "_SUCCESS").exists()
        assert not (path.parent / "history.duckdb").exists()
        with pytest.raises(DataError, match="26W: No number to believe"):
            verify(folder)
        # once the trouble is over, the rest is added
        monkeypatch.undo()
        found = run(path)
        assert found.status == "ok"
        assert set(found.reused) == {"ledger", "forecast 8W"}
        assert bytes_of(folder) == bytes_of(
            run(make("fresh", horizons=("26W", "8W"), more=more)).folder
        )

    def test_nothing_is_written_where_all_fail(self, make: Make) -> None:
        path = make(horizons=("26W",))
        with pytest.raises(ModelError):
            run(path, keep_going=True)
        assert not (path.parent / "out").exists()


def test_input_that_changes_while_it_is_read_is_refused(make: Make, bytes_of: Bytes) -> None:
    path = make()
    run(path)
    before = bytes_of(path.parent / "out")
    add_customer(path)

    def change(event: Event) -> None:
        if (event.kind, event.stage) == ("started", "model"):
            (path.parent / "orders.csv").write_text("customer_id,date,amount\n")

    with pytest.raises(DataError, match="1 of 1 input files changed while they were read"):
        run(path, progress=change)
    assert bytes_of(path.parent / "out") == before


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a job that has run, as soon as one has."""
    return tmp_path_factory.mktemp("kept") / "job"


@pytest.fixture
def done(make: Make, kept: Path) -> Path:
    """Return a job that has run: the first time by itself, then as a copy of that."""
    path = make()
    if not kept.exists():
        run(path)
        shutil.copytree(path.parent, kept)
    shutil.copytree(kept, path.parent, dirs_exist_ok=True)
    return path


@pytest.mark.parametrize("name", ["customers.parquet", "audit.csv", "manifest.json", "_SUCCESS"])
@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
def test_damage_is_found_and_mended(name: str, how: str, done: Path, bytes_of: Bytes) -> None:
    path = done
    folder = path.parent / "out"
    before = bytes_of(folder)
    data = bytearray((folder / name).read_bytes())
    if how == "missing":
        (folder / name).unlink()
    else:
        data[len(data) // 3] ^= 4
        (folder / name).write_bytes(data[: len(data) // 2] if how == "cut" else data)
    if name != "_SUCCESS" or how == "missing":  # what it holds is of use for mending alone
        with pytest.raises(DataError, match=r"missing|not as|damaged|did not finish"):
            verify(folder)
        told: list[str] = []
        found = run(path, progress=lambda event: told.append(event.message))
        assert found.status == "ok"
        assert not [message for message in told if "interrupted" in message]
        if name in ("customers.parquet", "audit.csv"):
            stage = "ledger" if name == "audit.csv" else "forecast 8W"
            assert f"Made again: {stage}; the rest is kept." in found.notes
            assert len(found.reused) == 2
            assert told.count("is whole in the folder, and is kept") == 2
    verify(folder)
    if name != "_SUCCESS" or how == "missing":
        assert bytes_of(folder) == before


def test_folder_of_a_newer_version_is_refused_with_both(make: Make) -> None:
    from forecast.jobs.folders.manifest import write_manifest

    path = make()
    run(path)
    write_manifest(path.parent / "out", {"format": 2, "command": "run"})
    for refuse in (lambda: run(path), lambda: verify(path.parent / "out")):
        with pytest.raises(DataError, match=r"newer version \(ltv-forecast .*format 2; this is"):
            refuse()


class TestPlaces:
    def test_folder_of_somebody_else_stays(self, make: Make) -> None:
        path = make()
        (path.parent / "out").mkdir()
        (path.parent / "out" / "mine.txt").write_text("mine")
        with pytest.raises(LockedError, match=r"'mine\.txt'"):
            run(path)
        assert not (path.parent / ".out.lock").exists()
        run(make(folder="other"))
        (path.parent / "other" / "mine.txt").write_text("mine")
        add_customer(path)
        with pytest.raises(LockedError, match=r"'mine\.txt'"):
            run(path)

    def test_place_that_cannot_be_made(self, make: Make) -> None:
        path = make(folder="file/out")
        (path.parent / "file").write_text("")
        with pytest.raises(FileError, match="not a folder"):
            run(path)

    def test_read_only(self, make: Make, monkeypatch: Any) -> None:
        path = make()
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
        with pytest.raises(FileError, match="no permission"):
            run(path)

    def test_disk_that_fills_up_leaves_the_last_run(
        self, make: Make, monkeypatch: Any, bytes_of: Bytes
    ) -> None:
        path = make()
        run(path)
        before = bytes_of(path.parent / "out")
        other = make(horizons=("6W",))

        def fail(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(pd.DataFrame, "to_parquet", fail)
            with pytest.raises(FileError, match=r"out cannot be written \(No space left"):
                run(other)
        assert bytes_of(path.parent / "out") == before
        assert not (path.parent / ".out.part" / "doing").exists()
        found = run(other)
        assert found.reused == ("ledger",)
        assert not (path.parent / ".out.part").exists()


def test_saved_model_scores_without_a_fit_and_says_its_age(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecast.models import BTYD

    learned = make("learned", model="btyd", top="cutoff = 2022-12-01")
    run(learned)
    path = make(model="btyd")
    text = path.read_text().replace('model = "btyd"', 'saved_model = "kept/model.json"')
    shutil.copytree(learned.parent / "out", path.parent / "kept")
    (path.parent / "kept" / "_SUCCESS").unlink()
    path.write_text(text.replace("[source]", "cutoff = 2022-12-31\n[source]", 1))

    def fit(*_: Any) -> None:
        raise ModelError("fitted")

    monkeypatch.setattr(BTYD, "fit", fit)
    found = run(path)
    told = "Not fitted anew: the model learned up to 2022-12-01, 30 days before the cutoff"
    assert any(note.startswith(told) for note in found.notes)
    one, other = (json.loads((each.parent / "out" / "manifest.json").read_text())
                  for each in (learned, path))  # fmt: skip
    assert one["convergence"] == other["convergence"]
    assert "kept/model.json" in other["inputs"]
    assert load_forecast(found.folder).cutoff == date(2022, 12, 31)
    # far beyond its own horizon it warns, and before its own cutoff it is refused
    events: list[Event] = []
    path.write_text(text)
    run(path, progress=events.append)
    assert any(each.kind == "warning" and "Fit it anew" in each.message for each in events)
    path.write_text(text.replace("[source]", "cutoff = 2022-11-30\n[source]", 1))
    with pytest.raises(UsageError, match="has seen what it is asked to forecast"):
        run(path)


def test_segments_without_amounts_or_customers_are_refused_by_name(make: Make) -> None:
    with pytest.raises(UnsupportedError, match="segments need customers"):
        run(make(model="seasonal_series", more="[segments]"))


def test_predictions_and_history_hold_each_run_once(make: Make) -> None:
    import duckdb

    more = '[monitoring]\nhistory = "history.duckdb"'
    outputs = '[outputs.destination]\ndatabase = "duckdb"\nfile = "p.duckdb"\ntable = "future"'
    path = make(horizons=("8W", "26W"), outputs=outputs, more=more)
    found = run(path)
    shutil.rmtree(path.parent / "out")
    assert run(path).run_id == found.run_id
    with duckdb.connect(str(path.parent / "p.duckdb"), read_only=True) as database:
        rows = database.execute(
            "SELECT run_id, horizon, count(*), count(DISTINCT customer_id) FROM future "
            "GROUP BY ALL ORDER BY horizon"
        ).fetchall()
    assert rows == [(found.run_id, "26W", 60, 60), (found.run_id, "8W", 60, 60)]
    with duckdb.connect(str(path.parent / "history.duckdb"), read_only=True) as database:
        rows = database.execute("SELECT run_id, horizon FROM runs ORDER BY horizon").fetchall()
    assert rows == [(found.run_id, "26W"), (found.run_id, "8W")]
