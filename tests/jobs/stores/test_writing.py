"""Predictions in a store: whole or not at all, the same after a second run, typed and named."""

import datetime as dt
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.errors import DataError, FileError, ForecastError, LockedError, UsageError
from forecast.jobs.job_file.configuration import Destination
from forecast.jobs.stores import sqlite_file, upsert

DATABASES = ["duckdb", "sqlite", "postgresql"]


def predictions(customers: int = 3, shift: float = 0.0) -> pd.DataFrame:
    ids = [f"{number:03d}" for number in range(customers)]
    table = pd.DataFrame({"p_alive": np.linspace(0, 1, customers) + shift}, index=ids)
    table["expected_value"] = [np.nan, *np.arange(1.5, customers)]
    table["purchases_hi_90"] = np.arange(customers, dtype=np.int32)
    table["cutoff"] = dt.date(2024, 2, 29)
    table["segment"] = pd.Categorical(["keep", None, *["win back"] * (customers - 2)])
    table["new"] = True
    table.index.name = "customer_id"
    return table


def rows_of(place: Destination) -> pd.DataFrame:
    """Read a table with its database's own client, not with the code under test."""
    name = '"' + str(place.table).replace('"', '""') + '"'
    ask = f"SELECT * FROM {name} ORDER BY 1, 2, 3"
    if place.database == "duckdb":
        with duckdb.connect(str(place.file), read_only=True) as connection:
            return connection.sql(ask).df()
    if place.database == "sqlite":
        connection = sqlite3.connect(str(place.file))
        try:
            return pd.read_sql(ask, connection)
        finally:
            connection.close()
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(os.environ["SHOP_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(ask)
        return cursor.fetch_arrow_table().to_pandas()


@pytest.mark.parametrize("database", DATABASES)
def test_rows_are_written_once_however_often_they_are_sent(database, destination):
    place = destination(database)
    for _ in range(2):
        assert upsert(place, "a1", predictions()) == 3
    assert upsert(place, "a2", predictions(2)) == 2
    found = rows_of(place)
    assert found["run_id"].tolist() == ["a1"] * 3 + ["a2"] * 2
    assert found["customer_id"].tolist() == ["000", "001", "002", "000", "001"]
    assert found["expected_value"].isna().tolist() == [True, False, False, True, False]
    assert found["purchases_hi_90"].tolist() == [0, 1, 2, 0, 1]
    assert found["segment"][2] == "win back"
    assert found["segment"].isna()[1]
    assert upsert(place, "a1", predictions(3, shift=-1.0)) == 3  # replaced, not added
    assert rows_of(place)["p_alive"].tolist() == [-1.0, -0.5, 0.0, 0.0, 1.0]


def test_types_in_the_database(destination, postgresql):
    place = destination("postgresql")
    upsert(place, "a1", predictions())
    postgresql.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        "WHERE attrelid = 'predictions'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert postgresql.fetchall() == [
        ("run_id", "text", True),
        ("customer_id", "text", True),
        ("p_alive", "double precision", False),
        ("expected_value", "double precision", False),
        ("purchases_hi_90", "bigint", False),
        ("cutoff", "date", False),
        ("segment", "text", False),
        ("new", "boolean", False),
    ]
    place = destination("duckdb")
    upsert(place, "a1", predictions())
    with duckdb.connect(str(place.file)) as connection:
        kinds = [row[1] for row in connection.sql("DESCRIBE predictions").fetchall()]
    assert kinds == [
        "VARCHAR",
        "VARCHAR",
        "DOUBLE",
        "DOUBLE",
        "BIGINT",
        "DATE",
        "VARCHAR",
        "BOOLEAN",
    ]
    place = destination("sqlite")
    upsert(place, "a1", predictions())
    found = sqlite3.connect(place.file)
    kinds = found.execute("SELECT typeof(p_alive), typeof(expected_value), cutoff FROM predictions")
    assert kinds.fetchone() == ("real", "null", "2024-02-29")
    found.close()


@pytest.mark.parametrize("database", DATABASES)
def test_horizons_are_kept_apart(database, destination):
    place = destination(database)
    for horizon in ("26W", "52W"):
        upsert(place, "a1", predictions().assign(horizon=horizon))
    both = pd.concat([predictions().assign(horizon=each) for each in ("26W", "52W")])
    assert upsert(place, "a1", both) == 6
    assert rows_of(place)["horizon"].tolist() == ["26W", "52W"] * 3


def parts(folder: Path) -> Path:
    table = pa.Table.from_pandas(predictions(5).reset_index(), preserve_index=False)
    for number in range(2):
        pq.write_table(table.slice(3 * number, 3), folder / f"part-{number}.parquet")
    return folder


@pytest.mark.parametrize(
    "made",
    [
        lambda folder: predictions(5),
        lambda folder: predictions(5).reset_index().assign(run_id="old"),
        lambda folder: pa.Table.from_pandas(predictions(5).reset_index()),
        lambda folder: pa.Table.from_pandas(predictions(5).reset_index()).to_reader(2),
        parts,
    ],
)
def test_any_kind_of_table(made, destination, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    place = destination("duckdb")
    assert upsert(place, "a1", made(folder)) == 5
    expected = predictions(5).reset_index()
    found = rows_of(place)
    assert found["run_id"].eq("a1").all()
    for name in ("customer_id", "p_alive", "expected_value"):
        assert found[name].equals(expected[name].astype(found[name].dtype))


def test_what_is_no_number_is_missing_and_what_is_no_table_is_refused(destination):
    place = destination("sqlite")
    table = pa.table({"customer_id": ["a", "b"], "x": [float("nan"), float("inf")]})
    upsert(place, "a1", table)
    assert rows_of(place)["x"].isna().tolist() == [True, False]
    with pytest.raises(UsageError, match="list is not a table"):
        upsert(place, "a1", [1])
    with pytest.raises(DataError, match=r"lack customer_id. Columns: 'x'"):
        upsert(place, "a1", table.drop("customer_id"))
    with pytest.raises(DataError, match="Column 'x' holds list"):
        upsert(place, "a1", table.set_column(1, "x", [[[1], [2]]]))


@pytest.mark.parametrize("database", DATABASES)
def test_what_is_wrong_leaves_the_table_as_it_was(database, destination, request):
    place = destination(database)
    upsert(place, "a1", predictions())
    before = rows_of(place)
    twice = pd.concat([predictions(2, shift=1.0)] * 2)
    with pytest.raises(DataError, match=r"2 customers are there twice: '000', '001'"):
        upsert(place, "a1", twice)
    nobody = predictions().reset_index().assign(customer_id=["a", None, "b"])
    with pytest.raises(DataError, match="1 rows lack one of run_id, customer_id"):
        upsert(place, "a1", nobody)
    other = predictions().drop(columns="p_alive").assign(churn=1.0)
    with pytest.raises(UsageError, match=r"lacks 'churn' and has 'p_alive' too"):
        upsert(place, "a1", other)
    with pytest.raises(UsageError, match="lacks 'horizon'"):
        upsert(place, "a1", predictions().assign(horizon="26W"))

    def broken() -> Any:
        yield from table.to_batches(max_chunksize=2)[:1]
        raise ValueError("the disk has gone")

    table = pa.Table.from_pandas(predictions(shift=5.0).reset_index(), preserve_index=False)
    with pytest.raises((ValueError, ForecastError), match="the disk has gone"):
        upsert(place, "a1", pa.RecordBatchReader.from_batches(table.schema, broken()))
    pd.testing.assert_frame_equal(rows_of(place), before)


@pytest.mark.parametrize("database", DATABASES)
def test_a_table_without_the_key_and_a_view_are_refused(database, destination, request):
    place = destination(database)
    upsert(place, "a1", predictions())
    for made in (
        "TABLE bare AS SELECT * FROM predictions",
        "VIEW bare AS SELECT DISTINCT * FROM predictions",
    ):
        run_sql(place, f"CREATE {made}", request)
        with pytest.raises(FileError, match="refuses"):
            upsert(place.model_copy(update={"table": "bare"}), "a1", predictions())
        run_sql(place, f"DROP {made.split()[0]} bare", request)


def run_sql(place: Destination, sql: str, request: pytest.FixtureRequest) -> None:
    if place.database == "postgresql":
        request.getfixturevalue("postgresql").execute(sql)
        return
    library = duckdb if place.database == "duckdb" else sqlite3
    connection = library.connect(str(place.file))
    connection.execute(sql)
    connection.commit() if place.database == "sqlite" else None
    connection.close()


@pytest.mark.parametrize("database", DATABASES)
def test_hostile_names_are_only_names(database, destination, tmp_path):
    written = tmp_path / "w"
    name = f"""p" (a int); COPY (SELECT 42) TO '{written}'; --"""
    if "." in name or len(name) > 63:
        name = """p" (a int); DROP TABLE kept; --"""
    kept = destination(database, "kept")
    upsert(kept, "a1", predictions())
    place = (
        destination(database, name)
        if database != "postgresql"
        else kept.model_copy(update={"table": name})
    )
    column = """x" int); DROP TABLE kept; --"""
    run = "a'); DROP TABLE kept; --"
    upsert(place, run, predictions().rename(columns={"p_alive": column}))
    found = rows_of(place)
    assert column in found
    assert found["run_id"].eq(run).all()
    assert len(rows_of(kept)) == 3
    assert not written.exists()


def test_names_that_cannot_be_made(destination):
    for name in ("x" * 64, "schema."):
        with pytest.raises(UsageError, match="no table can be made"):
            upsert(destination("duckdb", name), "a1", predictions())
    with pytest.raises(FileError, match="nowhere"):
        upsert(destination("duckdb", "nowhere.predictions"), "a1", predictions())
    with pytest.raises(FileError, match="SQLite refuses"):
        upsert(
            Destination(database="sqlite", file="/no/folder/x.db", table="p"), "a", predictions()
        )


WRITERS = """
import json, os, sys
import numpy as np, pandas as pd, pyarrow.dataset, duckdb, sqlite3, adbc_driver_postgresql.dbapi
from forecast.jobs.job_file.configuration import Destination
from forecast.jobs.stores import duckdb_file, postgresql, sqlite_file, upsert

for line in sys.stdin:  # a process for every line
    place, customers, shift = json.loads(line)
    if (child := os.fork()) == 0:
        ids = np.arange(customers).astype(str)
        table = pd.DataFrame({"customer_id": ids, "x": np.full(customers, shift)})
        print(os.getpid(), flush=True)
        upsert(Destination.model_validate_json(place), "a1", table)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def write(postgresql) -> Iterator[Callable[..., tuple[int, float]]]:
    """Return a function that writes in another process, and kills it after some seconds.

    It returns how the process ended, and after how many seconds.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WRITERS], **pipes) as parent:

        def run(place: Destination, shift: float, *, kill: float | None = None) -> Any:
            asked = [place.model_dump_json(exclude_none=True), 60_000, shift]
            parent.stdin.write(json.dumps(asked) + "\n")
            parent.stdin.flush()
            child, start = int(parent.stdout.readline()), time.monotonic()
            if kill is not None:
                time.sleep(kill)
                with suppress(ProcessLookupError):  # it was done already
                    os.kill(child, signal.SIGKILL)
            return int(parent.stdout.readline()), time.monotonic() - start

        yield run
        parent.stdin.close()


@pytest.mark.slow
@pytest.mark.parametrize("database", DATABASES)
def test_a_killed_writer_leaves_all_or_nothing(database, destination, write):
    place = destination(database)
    assert write(place, 0.0)[0] == 0
    status, whole = write(place, 1.0)
    assert status == 0
    moments, state, killed = random.Random(1), 1.0, 0
    for shift in range(2, 14):
        write(place, float(shift), kill=moments.uniform(0, whole))
        found = rows_of(place)
        assert len(found) == 60_000
        assert found["x"].nunique() == 1, "a run was written in part"
        assert found["x"][0] in (state, float(shift))
        killed += found["x"][0] == state
        state = found["x"][0]
    assert killed  # or nothing was shown
    assert write(place, 99.0)[0] == 0
    assert rows_of(place)["x"].eq(99.0).all()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_second_writer_waits(database, destination):
    place = destination(database)
    upsert(place, "a1", predictions())
    gate, order = threading.Event(), []

    def slow() -> Any:
        gate.set()
        time.sleep(1.0)
        order.append("first")
        yield from table.to_batches()

    table = pa.Table.from_pandas(predictions(shift=1.0).reset_index(), preserve_index=False)
    reader = pa.RecordBatchReader.from_batches(table.schema, slow())
    first = threading.Thread(target=upsert, args=(place, "a1", reader))
    first.start()
    assert gate.wait(20)
    upsert(place, "a1", predictions(shift=2.0))
    order.append("second")
    first.join()
    assert order == ["first", "second"]
    assert rows_of(place)["p_alive"].tolist() == [2.0, 2.5, 3.0]


@pytest.mark.parametrize("database", DATABASES)
def test_a_second_writer_that_waits_too_long_fails_by_name(
    database, destination, holding, monkeypatch
):
    from forecast.jobs.stores import postgresql as ours

    place = destination(database)
    upsert(place, "a1", predictions())
    monkeypatch.setattr(sqlite_file, "WAIT", 0.2)
    writing = ("SET LOCAL lock_timeout = '200ms'", ours._WRITING[1])
    monkeypatch.setattr(ours, "_WRITING", writing)
    hold = {
        "duckdb": f"import duckdb; held = duckdb.connect({str(place.file)!r})",
        "sqlite": f"import sqlite3; held = sqlite3.connect({str(place.file)!r}); "
        "held.execute('BEGIN IMMEDIATE')",
        "postgresql": "import os; from adbc_driver_postgresql import dbapi; "
        "held = dbapi.connect(os.environ['SHOP_URL']); cursor = held.cursor(); "
        f"cursor.execute({ours._WRITING[1]!r}); cursor.fetchall()",
    }[database]
    with holding(hold), pytest.raises(LockedError, match=r"another (process|job)"):
        upsert(place, "a1", predictions())
    time.sleep(0.1)
    assert upsert(place, "a1", predictions()) == 3


def test_a_folder_gets_whole_files(tmp_path):
    place = Destination(path=str(tmp_path / "out"))
    assert upsert(place, "a1", predictions().assign(horizon="26W")) == 3
    assert upsert(place, "a1", predictions(5).assign(horizon="26W")) == 5
    assert upsert(place, "a1", predictions().assign(horizon="52W")) == 3
    upsert(place, "a2", predictions())
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet"))
    assert found == [
        "out/run_id=a1/26W.parquet",
        "out/run_id=a1/52W.parquet",
        "out/run_id=a2/predictions.parquet",
    ]
    assert len(list(tmp_path.rglob("*"))) == 6  # nothing is left beside them
    whole = pq.read_table(tmp_path / "out" / "run_id=a1" / "26W.parquet")
    assert whole.num_rows == 5
    assert whole.column("expected_value").null_count == 1
    for run, horizon in (("../a", "26W"), ("a1", "../../x"), (".a", "26W")):
        with pytest.raises(UsageError, match="cannot be part of a file's name"):
            upsert(place, run, predictions().assign(horizon=horizon))
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        upsert(Destination(path=str(tmp_path / "file")), "a1", predictions())


def test_an_address_gets_whole_files():
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for _ in range(2):
        upsert(Destination(path="memory://out/predictions"), "a1", predictions())
    assert memory.find("/out") == ["/out/predictions/run_id=a1/predictions.parquet"]
    with memory.open("/out/predictions/run_id=a1/predictions.parquet") as file:
        assert pq.read_table(file).num_rows == 3


def test_a_full_disk_leaves_the_old_file(tmp_path):
    place = Destination(path=str(tmp_path / "out"))
    upsert(place, "a1", predictions())
    before = (tmp_path / "out" / "run_id=a1" / "predictions.parquet").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(FileError, match="cannot be written"):
            upsert(place, "a1", predictions(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [before]
