"""The same log is the same ledger, whichever store it lies in; what is wrong is said by name."""

import datetime as dt
import os
import resource
import sqlite3
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pandas as pd
import pytest

from forecast.errors import (
    BadRowsError,
    ColumnError,
    DataError,
    DataWarning,
    FileError,
    LockedError,
    UsageError,
)
from forecast.jobs.job_file.configuration import Columns, Source
from forecast.jobs.stores import read_source, reading
from forecast.ledger import read_ledger
from forecast.views import customer_summary

CUTOFF = dt.date(2022, 8, 31)
DATABASES = ["duckdb", "sqlite", "postgresql"]
HOSTILE = """id" FROM orders; COPY (SELECT 42) TO '{path}'; --"""


def csv(log: pd.DataFrame, folder: Path) -> str:
    log.to_csv(folder / "log.csv", index=False)
    return str(folder / "log.csv")


def parts(log: pd.DataFrame, folder: Path) -> str:
    (folder / "log").mkdir()
    log.iloc[::2].to_parquet(folder / "log" / "a.parquet")
    log.iloc[1::2].to_parquet(folder / "log" / "b.parquet")
    return str(folder / "log" / "*.parquet")


def hive(log: pd.DataFrame, folder: Path) -> str:
    days = pd.to_datetime(log["date"])
    for (year, month), part in log.groupby([days.dt.year, days.dt.month]):
        place = folder / "log" / f"year={year}" / f"month={month}"
        place.mkdir(parents=True)
        part.to_parquet(place / "part.parquet")
    return str(folder / "log")


def remote(log: pd.DataFrame, folder: Path) -> str:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.put(hive(log, folder), "/bucket/", recursive=True)
    memory.pipe_file("/bucket/log/_SUCCESS", b"")
    return "memory://bucket/log"


FILES: dict[str, Callable[[pd.DataFrame, Path], str]] = {
    "csv": csv,
    "glob": parts,
    "hive": hive,
    "remote": remote,
}


@pytest.mark.parametrize("store", [*FILES, *DATABASES])
def test_the_same_numbers_from_every_store(store, orders, columns, tmp_path, source):
    names = {"customer": "customer_id", "date": "date", "value": "amount", "key": ()}
    expected = read_ledger(orders, **names, customer_columns=["channel"], cutoff=CUTOFF)
    make = FILES.get(store)
    given = Source(path=make(orders, tmp_path)) if make else source(store, orders)
    found = read_source(given, columns, CUTOFF, root=tmp_path)
    assert found.summary_hash() == expected.summary_hash()
    pd.testing.assert_frame_equal(customer_summary(found), customer_summary(expected))
    assert found.attributes()["channel"].tolist() == expected.attributes()["channel"].tolist()
    pd.testing.assert_frame_equal(
        found.audit[["check", "count"]], expected.audit[["check", "count"]]
    )
    assert "ltv-source" not in found.audit["what"].str.cat()
    assert found.audit["what"][0] == f"Rows in {NAMES[store].format(folder=tmp_path)}."


NAMES = {
    "csv": "{folder}/log.csv",
    "glob": "{folder}/log/*.parquet",
    "hive": "{folder}/log",
    "remote": "memory://bucket/log",
    "duckdb": "shop.duckdb: orders",
    "sqlite": "shop.sqlite: orders",
    "postgresql": "postgresql ($SHOP_URL): orders",
}


@pytest.mark.parametrize("database", DATABASES)
def test_hostile_names_are_only_names(database, orders, put, tmp_path):
    written = tmp_path / "written.csv"
    name = HOSTILE.format(path=written)[:63]
    log = orders.rename(columns={"customer_id": name, "amount": 'a"b'})
    columns = Columns(customer=name, date="date", value='a"b', key=())
    found = read_source(Source(**put(database, log, name)), columns, None, root=tmp_path)
    plain = {"customer": "customer_id", "date": "date", "value": "amount", "key": ()}
    assert found.summary_hash() == read_ledger(orders, **plain).summary_hash()
    with pytest.raises(ColumnError):
        read_source(
            Source(**put(database, orders)),
            Columns(customer=name, date="date", key=()),
            None,
            root=tmp_path,
        )
    assert not written.exists()


@pytest.fixture
def view(request: pytest.FixtureRequest) -> Callable[..., Source]:
    """Return a function that views a table, with one more column that cannot be read."""

    def make(database: str, given: Source, names: Sequence[str]) -> Source:
        broken = {
            "duckdb": "error('read')",
            "sqlite": "abs(-9223372036854775807 - 1)",
            "postgresql": "1 / (length(note) - length(note))",
        }[database]
        columns = ", ".join(f'"{name}"' for name in names)
        sql = f"CREATE VIEW v AS SELECT {columns}, {broken} AS x FROM orders"
        if database == "duckdb":
            with duckdb.connect(str(given.file)) as connection:
                connection.execute(sql)
        elif database == "sqlite":
            with sqlite3.connect(given.file) as connection:
                connection.execute(sql)
            connection.close()
        else:
            request.getfixturevalue("postgresql").execute(sql)
        return given.model_copy(update={"table": "v"})

    return make


@pytest.mark.parametrize("database", DATABASES)
def test_only_the_columns_needed_are_read(database, source, orders, columns, view, tmp_path):
    given = source(database, orders)
    viewed = view(database, given, ["customer_id", "date", "amount", "channel"])
    whole = read_source(given, columns, None, root=tmp_path)
    found = read_source(viewed, columns, None, root=tmp_path)
    assert found.summary_hash() == whole.summary_hash()
    with pytest.raises(FileError, match=r"read|overflow|division by zero"):  # and with all of them
        read_source(viewed, columns.model_copy(update={"key": None}), None, root=tmp_path)


@pytest.mark.parametrize("store", ["csv", "glob", *DATABASES])
def test_lines_of_an_order_that_a_key_drops_are_warned_about(store, tmp_path, source):
    rows = [("a", "2024-01-01", 5.0, 1, 1), ("a", "2024-01-01", 5.0, 1, 2)]  # two lines, one price
    rows += [("b", "2024-01-02", 3.0, 2, 1)] * 2  # a copy
    log = pd.DataFrame(rows, columns=["c", "date", "v", "order", "o"])
    make = FILES.get(store)
    given = Source(path=make(log, tmp_path)) if make else source(store, log)
    names = Columns(customer="c", date="date", value="v", key=("order",))
    with pytest.warns(
        DataWarning, match=r"^1 row with a key \(order\) .* with the amounts"
    ) as said:
        found = read_source(given, names, None, root=tmp_path)
    assert len(said) == 1
    line = found.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (2, "warning")
    assert "1 of them differs in columns that are not read" in line["what"]
    both = read_source(given, names.model_copy(update={"key": ("order", "o")}), None, root=tmp_path)
    line = both.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (1, "info")


@pytest.mark.parametrize("store", ["csv", *DATABASES])
def test_lines_that_differ_in_the_columns_read_too_are_warned_about_once(store, tmp_path, source):
    rows = [("a", "2024-01-01 10:00", 5.0, 1, 1), ("a", "2024-01-01 10:01", 5.0, 1, 2)]
    rows += [("b", "2024-01-02 09:00", 3.0, 2, line) for line in (1, 2)]
    log = pd.DataFrame(rows, columns=["c", "at", "v", "order", "line"])
    make = FILES.get(store)
    given = Source(path=make(log, tmp_path)) if make else source(store, log)
    names = Columns(customer="c", date="at", value="v", key=("order",))
    with pytest.warns(DataWarning, match=r"^2 rows with a key \(order\)") as said:
        found = read_source(given, names, None, root=tmp_path)
    assert len(said) == 1
    line = found.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (2, "warning")


@pytest.mark.parametrize("database", DATABASES)
def test_where_a_column_cannot_be_read_copies_are_not_told_from_lines(
    database, source, orders, columns, view, tmp_path
):
    again = pd.concat([orders, orders.iloc[:3]], ignore_index=True)
    again["order"] = [*range(len(orders)), 0, 1, 2]
    viewed = view(database, source(database, again), again.columns)
    names = columns.model_copy(update={"key": ("order",)})
    found = read_source(viewed, names, None, root=tmp_path)
    line = found.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (3, "info")


@pytest.mark.parametrize("database", DATABASES)
def test_missing_tables_and_columns_say_what_is_near(database, source, orders, columns, tmp_path):
    given = source(database, orders)
    for near in ("order", "ORDERS", "Orderz"):
        with pytest.raises(DataError, match=r"no table .*Did you mean 'orders'"):
            read_source(given.model_copy(update={"table": near}), columns, None, root=tmp_path)
    with pytest.raises(DataError, match=r"Tables: .*'orders'"):
        read_source(given.model_copy(update={"table": "x.y"}), columns, None, root=tmp_path)
    near = columns.model_copy(update={"value": "amuont"})
    with pytest.raises(ColumnError, match="Did you mean 'amount'"):
        read_source(given, near, None, root=tmp_path)


@pytest.mark.parametrize("database", DATABASES)
def test_tables_of_a_schema_and_names_with_points(
    database, source, orders, columns, tmp_path, request
):
    given = source(database, orders, "a.b")
    schema = "main"
    if database == "duckdb":
        with duckdb.connect(str(given.file)) as connection:
            connection.execute(
                'CREATE SCHEMA shop.shop; CREATE TABLE shop.shop."o.o" AS FROM "a.b"'
            )
        schema = "shop"
    elif database == "postgresql":
        cursor = request.getfixturevalue("postgresql")
        cursor.execute("DROP SCHEMA IF EXISTS trade CASCADE")
        cursor.execute("CREATE SCHEMA trade")
        cursor.execute('CREATE TABLE trade."o.o" AS SELECT * FROM "a.b"')
        schema = "trade"
    else:
        with sqlite3.connect(given.file) as connection:
            connection.execute('CREATE TABLE "o.o" AS SELECT * FROM "a.b"')
        connection.close()
    one = read_source(given, columns, None, root=tmp_path)
    other = read_source(
        given.model_copy(update={"table": f"{schema}.o.o"}), columns, None, root=tmp_path
    )
    assert one.summary_hash() == other.summary_hash()


@pytest.mark.parametrize("database", DATABASES)
def test_bad_rows_name_the_store(database, source, orders, columns, tmp_path):
    given = source(database, orders.assign(amount=orders["amount"].where(orders.index > 3)))
    with pytest.raises(BadRowsError, match=r"Column 'amount' of .*: orders: missing") as caught:
        read_source(given, columns, None, root=tmp_path)
    assert caught.value.count == 4
    assert caught.value.source.endswith(": orders")


def test_the_copy_is_private_and_goes(source, orders, columns, tmp_path, monkeypatch):
    seen = []

    def watched(path: Any, **options: Any) -> Any:
        seen.append(
            (Path(path), *(stat.S_IMODE(os.stat(each).st_mode) for each in (path, path.parent)))
        )
        return read_ledger(path, **options)

    monkeypatch.setattr(reading, "read_ledger", watched)
    read_source(source("sqlite", orders), columns, None, root=tmp_path)
    ((path, rights, above),) = seen
    assert (rights, above) == (0o600, 0o700)
    assert not path.parent.exists()


def test_a_full_disk(source, orders, columns, tmp_path):
    given = source("sqlite", orders)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(FileError, match=r"orders: cannot be copied .*File too large.* TMPDIR"):
            read_source(given, columns, None, root=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_several_pieces_and_types_of_sqlite(tmp_path, columns, monkeypatch):
    from forecast.jobs.stores import sqlite_file

    monkeypatch.setattr(sqlite_file, "ROWS", 2)
    with sqlite3.connect(tmp_path / "s.sqlite") as connection:
        connection.execute("CREATE TABLE o (c, d, v, b, n, x)")
        connection.executemany(
            "INSERT INTO o VALUES (?, ?, ?, iif(?2 = '2024-01-01', x'00', 'a'), NULL, x'00')",
            [("007", "2024-01-01", 1), (7, "2024-01-05", 2.5), ("x", "2024-02-01", 10**14 // 100)],
        )
    connection.close()
    given = Source(database="sqlite", file=tmp_path / "s.sqlite", table="o")
    names = Columns(customer="c", date="d", value="v", key=())
    found = read_source(given, names, None, root=tmp_path).purchases()
    assert found["customer_id"].tolist() == ["007", "7", "x"]
    assert found["value"].tolist() == [1.0, 2.5, 1e12]
    for name, says in (
        ("b", "holds 'blob', 'text'"),
        ("x", "no customer id"),
        ("v", "floating-point"),
        ("n", "missing customer"),
    ):
        other = names.model_copy(update={"customer": name, "value": None})
        with pytest.raises(DataError, match=says):
            read_source(given, other, None, root=tmp_path)


def test_types_of_postgresql(postgresql, tmp_path):
    postgresql.execute("CREATE DOMAIN ident AS char(9)")
    postgresql.execute(
        "CREATE TABLE o AS SELECT i::text::ident AS c, '8d0c7d1e-0000-4000-8000-00000000000' || i "
        "AS u, date '2024-01-01' + i AS d, timestamptz '2024-01-01 23:30+00' AS z, "
        "(i + .1)::numeric AS v, (i + .1)::real AS r, '$5.00'::money AS m "
        "FROM generate_series(1, 3) i"
    )
    postgresql.execute("ALTER TABLE o ALTER u TYPE uuid USING u::uuid")
    given = Source(database="postgresql", url_env="SHOP_URL", table="o")
    names = Columns(customer="c", date="d", value="v", key=())
    found = read_source(given, names, None).purchases()
    assert found["customer_id"].tolist() == ["1", "2", "3"]
    assert found["value"].tolist() == [1.1, 2.1, 3.1]
    found = read_source(given, names.model_copy(update={"customer": "u", "value": "r"}), None)
    assert found.purchases()["customer_id"][0] == "8d0c7d1e-0000-4000-8000-000000000001"
    assert found.purchases()["value"].tolist() == pytest.approx([1.1, 2.1, 3.1])
    with pytest.raises(DataError, match="Say whose day counts"):
        read_source(given, names.model_copy(update={"date": "z"}), None)
    zoned = given.model_copy(update={"timezone": "Europe/Berlin"})
    found = read_source(zoned, names.model_copy(update={"date": "z"}), None)
    assert found.cutoff == dt.date(2024, 1, 2)
    marked = read_source(given, names.model_copy(update={"value": "m"}), None)
    assert marked.purchases()["value"].tolist() == [5.0, 5.0, 5.0]
    assert "Every amount carries '$', which is left out." in set(marked.audit["what"])


def test_types_of_duckdb(tmp_path):
    with duckdb.connect(str(tmp_path / "s.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE o AS SELECT (170141183460469231731687303715884105720 + i)::HUGEINT AS c, "
            "'a'::ENUM('a', 'b') AS e, timestamp '2024-01-01 10:00' AS d, (i + .1)::DECIMAL(38, 4) "
            "AS v, [1] AS l FROM range(3) t(i)"
        )
        connection.execute(
            "CREATE VIEW outside (a, b) AS SELECT content, 1 FROM read_text('/etc/passwd')"
        )
    given = Source(database="duckdb", file=tmp_path / "s.duckdb", table="o")
    names = Columns(customer="c", date="d", value="v", customer_columns=("e",), key=())
    found = read_source(given, names, None, root=tmp_path)
    assert found.purchases()["customer_id"][2] == "170141183460469231731687303715884105722"
    assert found.purchases()["value"].tolist() == [0.1, 1.1, 2.1]
    assert set(found.attributes()["e"]) == {"a"}
    with pytest.raises(DataError, match="no customer id"):
        read_source(given, names.model_copy(update={"customer": "l"}), None, root=tmp_path)
    outside = given.model_copy(update={"table": "outside"})
    with pytest.raises(FileError, match="disabled by configuration"):
        read_source(outside, Columns(customer="a", date="b", key=()), None, root=tmp_path)


def test_nothing_is_changed_by_reading(postgresql, put, orders, columns, tmp_path):
    from forecast.jobs.stores.databases import open_database

    for database in DATABASES:
        given = Source(**put(database, orders))
        with (
            pytest.raises(FileError, match=r"(?i)read.?only"),
            open_database(given, tmp_path, writing=False) as opened,
        ):
            opened.run("CREATE TABLE mine (a INTEGER)")


def test_files_that_are_not_there_or_no_databases(columns, tmp_path):
    (tmp_path / "junk.db").write_bytes(b"hello" * 1000)
    for database in ("duckdb", "sqlite"):
        for file, says in (("gone.db", "gone.db: no such file"), ("junk.db", "junk.db: .*refuses")):
            given = Source(database=database, file=tmp_path / file, table="orders")
            with pytest.raises(FileError, match=says):
                read_source(given, columns, None, root=tmp_path)
    assert not (tmp_path / "gone.db").exists()


def test_a_duckdb_file_that_another_process_writes(source, orders, columns, tmp_path, holding):
    given = source("duckdb", orders)
    with (
        holding(f"import duckdb; held = duckdb.connect({str(given.file)!r})"),
        pytest.raises(LockedError, match=r"shop.duckdb: another process has the file open"),
    ):
        read_source(given, columns, None, root=tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shop:": "shop:wrong"}, "user or the password is refused"),
        ({"127.0.0.1": "no-such-host.invalid"}, "host is not known"),
        ({"/postgres": "/nowhere"}, "no such database"),
        ({"postgresql://": "mysql://"}, "not one; write postgresql://"),
        ({"postgresql://shop": "hello shop"}, "not one; write postgresql://"),
    ],
)
def test_a_server_that_refuses_repeats_no_secret(server, columns, monkeypatch, change, says):
    address = server
    for old, new in change.items():
        address = address.replace(old, new)
    monkeypatch.setenv("SHOP_URL", address)
    given = Source(database="postgresql", url_env="SHOP_URL", table="orders")
    with pytest.raises(FileError, match=says) as caught:
        read_source(given, columns, None)
    error: BaseException | None = caught.value
    told = ""
    while error is not None:
        told += str(error)
        error = error.__cause__ or error.__context__
    secret = server.split(":")[2].split("@")[0]
    assert "postgresql ($SHOP_URL)" in told
    for part in (secret, "127.0.0.1", "no-such-host", address):
        assert part not in told


def test_an_unset_variable_and_a_missing_driver(columns, monkeypatch):
    given = Source(database="postgresql", url_env="SHOP_URL", table="orders")
    monkeypatch.delenv("SHOP_URL", raising=False)
    with pytest.raises(UsageError, match="environment variable SHOP_URL is not set"):
        read_source(given, columns, None)
    monkeypatch.setitem(__import__("sys").modules, "adbc_driver_postgresql", None)
    with pytest.raises(UsageError, match=r"pip install 'ltv-forecast\[postgres\]'"):
        read_source(given, columns, None)
