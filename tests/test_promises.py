"""What the package promises whoever runs it on other people's data."""

import ast
import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from forecast.datasets import simulate_shop
from forecast.ledger.sources import open_source

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "forecast"
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
UNSAFE = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "yaml", "code", "codeop"}
ALLOWED = {  # file -> what it takes from such a module, and never loads with
    "backtest/workers.py": {"pickle.PicklingError", "joblib.externals.loky.ProcessPoolExecutor"},
}
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "httpx", "aiohttp"}


def _names(path: Path) -> tuple[set[str], set[str]]:
    """Return what a file imports, dotted, and the plain names it calls."""
    imported, called = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called.add(f"{ast.unparse(node.func.value)}.{node.func.attr}")
    return imported, called


NAMES = {str(path.relative_to(PACKAGE)): _names(path) for path in sorted(PACKAGE.rglob("*.py"))}


def test_nothing_is_unpickled_or_evaluated() -> None:  # promise 1
    for inside, (imported, called) in NAMES.items():
        risky = {name for name in imported if name.split(".")[0] in UNSAFE}
        assert risky == ALLOWED.get(inside, set()), inside
        last = {name.rpartition(".")[2] for name in called}
        assert not called & RUNS_CODE, inside
        assert not called & {"os.system", "os.popen"}, inside
        assert not last & {"read_pickle", "to_pickle", "unsafe_load"}, inside
        if {"np.load", "numpy.load"} & called:
            assert "allow_pickle=False" in (PACKAGE / inside).read_text("utf-8"), inside


def test_no_module_of_the_network_is_imported() -> None:  # promise 2
    """A PostgreSQL server and an object store are reached by their drivers, if a job names them."""
    for inside, (imported, _) in NAMES.items():
        found = {name for name in imported if name.split(".")[0] in NETWORK}
        assert all(name == "socket" or name.startswith("urllib.parse") for name in found), inside
        if "socket" in found:  # the name of this computer, for a lock
            text = (PACKAGE / inside).read_text("utf-8")
            assert text.count("socket.") == text.count("socket.gethostname("), inside


_ROAD = """
import os, socket, sys, pathlib
from forecast.cli import _run

class Refused(Exception):
    pass

def refuse(event, details):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        if event == "socket.bind" or isinstance(details[1], tuple) or event.endswith("info"):
            print("NETWORK", event, details, flush=True)
            os._exit(9)
    if event == "open" and isinstance(details[0], (str, bytes, os.PathLike)):
        mode, flags = details[1], details[2] or 0
        path = os.path.abspath(os.fsdecode(details[0]))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not path.startswith(ALLOWED):
            print("WRITES", path, flush=True)
            os._exit(9)
    if event in ("os.system", "subprocess.Popen", "pickle.find_class"):
        print("RUNS", event, details, flush=True)
        os._exit(9)

ALLOWED = (os.getcwd() + "/out", os.environ["TMPDIR"], "/dev/null")
road = [
    ["audit", "log"],
    ["forecast", "log", "--model", "btyd", "--horizon", "8W", "--draws", "20", "--out", "out/f"],
    ["backtest", "log", "--models", "btyd", "own_rate", "--horizon", "8W", "--origins", "1",
     "--draws", "20", "--out", "out/b"],
    ["segments", "log", "--model", "btyd", "--horizon", "8W", "--out", "out/s"],
    ["report", "out/f"],
    ["run", "job.toml"],
    ["verify", "out/j"],
]
import matplotlib.pyplot  # its cache of fonts is its own affair
sys.dont_write_bytecode = True
sys.addaudithook(refuse)
for words in road:
    code = _run(words)
    assert code == 0, (words, code)
print("done", flush=True)
"""


@pytest.mark.slow
def test_the_whole_road_stays_at_home(tmp_path: Path) -> None:  # promises 2, 3 and 4
    """No connection, no program started, nothing written but the outputs: Python tells of each."""
    (tmp_path / "log").mkdir()
    (tmp_path / "room").mkdir()
    orders = simulate_shop(80, days=420, seed=3, refunds=0.0).orders
    orders[["customer_id", "date", "amount"]].to_csv(tmp_path / "log" / "a.csv", index=False)
    (tmp_path / "job.toml").write_text(
        '[source]\npath = "log"\n[columns]\ncustomer = "customer_id"\ndate = "date"\n'
        'value = "amount"\n[forecast]\nhorizons = ["8W"]\nmodel = "btyd"\ndraws = 20\n'
        '[outputs]\nfolder = "out/j"\n'
    )
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.*"))}
    done = subprocess.run(
        [sys.executable, "-c", _ROAD],
        check=False, cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "room"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout.endswith("done\n"), done.stdout[-2000:] + done.stderr[-3000:]
    after = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.*"))}
    assert {path: when for path, when in after.items() if path in before} == before
    new = {path.relative_to(tmp_path).parts[0] for path in set(after) - set(before)}
    assert new == {"out"}


def test_duckdb_reaches_the_files_named_and_nothing_else(tmp_path: Path) -> None:  # promise 3
    named, other = tmp_path / "log.csv", tmp_path / "other.csv"
    for path in (named, other):
        path.write_text("c,d,v\na,2024-01-01,1\n")
    with open_source(named) as source:
        ask = source.connection.execute
        assert len(source.frame.collect("pyarrow")) == 1
        for sql in (
            f"SELECT * FROM read_csv('{other}')",
            "SELECT * FROM read_text('/etc/passwd')",
            f"COPY (SELECT 42) TO '{tmp_path}/stolen.csv'",
            f"ATTACH '{tmp_path}/stolen.duckdb'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET lock_configuration = false",
            "SET temp_directory = '/'",
            "SET autoload_known_extensions = true",
        ):
            with pytest.raises(duckdb.Error):
                ask(sql)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "other.csv"]


def test_every_duckdb_connection_is_closed_to_the_outside() -> None:  # promise 3
    """Opened with external access off; only what ledgers put aside is read without a list."""
    places = [inside for inside, (_, called) in NAMES.items() if "duckdb.connect" in called]
    assert sorted(place.rpartition("/")[2] for place in places) == [
        "connection.py",
        "duckdb_file.py",
        "history_file.py",
    ]
    for place in places:
        text = (PACKAGE / place).read_text("utf-8")
        for setting in ("enable_external_access", "autoinstall_known", "autoload_known"):
            assert setting in text, place


def test_what_is_put_aside_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # promise 4
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = tmp_path / "log.csv"
    log.write_bytes("c,d,v\na,2024-01-01,1\n".encode("utf-16"))
    with open_source(log, encoding="utf-16"):
        (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [path.name for path in folder.iterdir()] == ["0.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("count", [6, 1_000])
def test_messages_show_five_customers_at_most(count: int) -> None:  # promise 6
    import pandas as pd

    import forecast as fc
    from forecast.errors import BadRowsError

    ids = [f"anna{at:04d}@shop.test" for at in np.random.default_rng(0).permutation(count)]
    log = pd.DataFrame({"customer": ids, "date": None, "value": 1.0}).astype({"date": "string"})
    with pytest.raises(BadRowsError) as caught:
        fc.read_ledger(log, customer="customer", date="date", value="value")
    assert str(caught.value).count("@shop.test") == 5
    assert f"{count:,} rows" in str(caught.value)


PROVED = {  # the other promises -> where they are kept
    5: ("jobs/folders/test_saved_forecast.py", "report/test_page.py"),
    6: ("cli/test_redact.py", "jobs/running/test_logs.py"),
    7: ("ledger/test_limits.py",),
    9: ("jobs/job_file/test_configuration.py", "jobs/stores/test_reading.py"),
}
NAMED = {
    "test_formulas_are_neutral_in_csv_and_raw_in_parquet",
    "test_it_loads_nothing_from_anywhere",
    "test_errors_show_hashes",
    "test_redaction_hides_customers_and_keeps_known_names",
    "test_a_bomb_is_not_unpacked_to_its_end",
    "test_a_secret_in_the_file_is_refused_and_not_repeated",
    "test_a_server_that_refuses_repeats_no_secret",
}


def test_the_other_promises_have_their_tests() -> None:
    texts = [
        (ROOT / "tests" / file).read_text("utf-8") for each in PROVED.values() for file in each
    ]
    for name in NAMED:
        assert any(f"def {name}(" in text for text in texts), name


def test_the_lock_file_is_hashed() -> None:  # promise 8
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / name).read_text("utf-8").splitlines()
        pinned = [at for at, line in enumerate(lines) if "==" in line and not line.startswith("#")]
        assert len(pinned) > 10
        assert all(lines[at + 1].strip().startswith("--hash=sha256:") for at in pinned)
