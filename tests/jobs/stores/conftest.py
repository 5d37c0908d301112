"""A PostgreSQL server of the tests' own, and one log in every store.

In CI a missing server is a failure, elsewhere a reason to skip.
"""

import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.datasets import simulate_shop
from forecast.jobs.job_file.configuration import Columns, Destination, Source


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server on loopback that was started for this session."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("The tests of stores need PostgreSQL, and there is none here.")
        pytest.skip("no PostgreSQL")
    programs, folder = Path(found[-1]).parent, Path(tempfile.mkdtemp(prefix="ltv-postgresql-"))
    password = secrets.token_hex(8)
    (folder / "password").write_text(password)
    as_user: dict[str, Any] = {"env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}, "cwd": folder}
    if os.geteuid() == 0:  # the server does not run as root
        nobody = pwd.getpwnam("nobody")
        as_user |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for path in (folder, folder / "password"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    making = ["-U", "shop", "-A", "scram-sha-256", f"--pwfile={folder}/password", "-E", "UTF8"]
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "--no-sync", *making],
            check=True,
            capture_output=True,
            **as_user,
        )
        with (folder / "log").open("wb") as log:
            process, port = _started(programs, folder, log, as_user)
            yield f"postgresql://shop:{password}@127.0.0.1:{port}/postgres"
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(30)
    finally:
        shutil.rmtree(folder)


def _started(programs: Path, folder: Path, log: Any, as_user: Any) -> tuple[Any, int]:
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
        options |= {"fsync": "off", "shared_buffers": "16MB"}
        settings = [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *settings],
            stdout=log,
            stderr=log,
            **as_user,
        )
        for _ in range(300):
            if process.poll() is not None:
                break  # another took the port
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0 and _answers(folder):
                    return process, port
            time.sleep(0.1)
        else:
            process.kill()
            process.wait()
    raise RuntimeError((folder / "log").read_text())


def _answers(folder: Path) -> bool:
    return "ready to accept connections" in (folder / "log").read_text()


@pytest.fixture
def postgresql(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cursor on an empty database, whose address is in SHOP_URL."""
    from adbc_driver_postgresql import dbapi

    monkeypatch.setenv("SHOP_URL", server)
    with dbapi.connect(server, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
        yield cursor


@pytest.fixture
def holding() -> Callable[[str], Any]:
    """Return a context in which another process has run some code and waits."""

    @contextmanager
    def run(code: str) -> Iterator[subprocess.Popen[bytes]]:
        script = f"{code}\nprint('held', flush=True)\nimport time\ntime.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"held\n"
                yield process
            finally:
                process.kill()

    return run


@pytest.fixture(scope="session")
def orders() -> pd.DataFrame:
    """A log whose ids look like numbers, with refunds, quotes and a column that is not read."""
    log = simulate_shop(150, days=300, seed=3).orders[["customer_id", "date", "amount"]]
    log["customer_id"] = log["customer_id"].astype(str).str[-3:].str.zfill(3)
    log["channel"] = log["customer_id"].map(lambda each: ["a'b", 'c"d', "ü;--"][int(each[-1]) % 3])
    return log.assign(note="not read").sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture
def columns() -> Columns:
    return Columns(
        customer="customer_id", date="date", value="amount", key=(), customer_columns=("channel",)
    )


@pytest.fixture
def put(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., dict[str, Any]]:
    """Return a function that makes a table in a database and says where it is."""

    def make(database: str, log: pd.DataFrame, table: str = "orders") -> dict[str, Any]:
        given = log.assign(date=pd.to_datetime(log["date"]).dt.date) if "date" in log else log
        name = '"' + table.replace('"', '""') + '"'
        if database == "duckdb":
            import duckdb

            with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
                connection.from_df(given).query("given", f"CREATE TABLE {name} AS FROM given")
            return {"database": "duckdb", "file": tmp_path / "shop.duckdb", "table": table}
        if database == "sqlite":
            import sqlite3

            with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
                given.astype({"date": str} if "date" in log else {}).to_sql(
                    table, connection, index=False
                )
            connection.close()
            return {"database": "sqlite", "file": tmp_path / "shop.sqlite", "table": table}
        import pyarrow as pa

        cursor = request.getfixturevalue("postgresql")
        rows = pa.Table.from_pandas(given, preserve_index=False)
        cursor.adbc_ingest(table, rows, mode="create")
        return {"database": "postgresql", "url_env": "SHOP_URL", "table": table}

    return make


@pytest.fixture
def source(put: Any) -> Callable[..., Source]:
    return lambda *args, **options: Source(**put(*args), **options)


@pytest.fixture
def destination(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Destination]:
    """Return a function that names a table of a database, which need not be there."""

    def name(database: str, table: str = "predictions") -> Destination:
        if database == "postgresql":
            request.getfixturevalue("postgresql")
            return Destination(database="postgresql", url_env="SHOP_URL", table=table)
        kind = "duckdb" if database == "duckdb" else "sqlite"
        return Destination(database=kind, file=tmp_path / f"out.{kind}", table=table)

    return name
