"""The plan says what a run would do, finds what can be known to be wrong, and touches nothing."""

import gzip
import hashlib
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from forecast.errors import (
    ColumnError,
    DataError,
    FileError,
    ForecastError,
    HorizonError,
    LockedError,
    UsageError,
)
from forecast.jobs.job_file.configuration import Job, parse_job
from forecast.jobs.job_file.plan import plan
from forecast.jobs.job_file.readiness import check_ready

TODAY = date(2026, 11, 22)
JOB = """
name = "weekly"
cutoff = "last complete week"
[source]
path = "orders.csv"
[columns]
customer = "id"
date = "day"
value = "amount"
key = ["order"]
[forecast]
horizons = ["26W", "2027-01-31"]
model = "btyd"
[outputs]
folder = "out/{cutoff}"
"""


def job(root: Path, text: str = JOB) -> Job:
    return parse_job(text, root=root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text("id,day,amount,order\nsecret-customer,2026-01-01,9,1\n")
    return tmp_path


def state(root: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
    }


def test_every_step_is_said_and_nothing_is_touched(root: Path) -> None:
    before = state(root)
    found = plan(job(root), TODAY)
    assert found.cutoff == date(2026, 11, 15)
    assert found.folder == root / "out" / "2026-11-15"
    said = "\n".join(found.lines)
    for part in (
        "orders.csv (1 file, 0.1 kB): customer 'id', date 'day', value 'amount'",
        "the same 'order' are read once",
        "up to 2026-11-15 (last complete week)",
        "btyd, anew",
        "26W (2026-11-16 to 2027-05-16), customers seen by the cutoff, 500 draws, seed 0",
        "2027-01-31 (2026-11-16 to 2027-01-31)",
        "out/2026-11-15: customers.parquet",
        "nothing was written",
    ):
        assert part in said
    assert "secret-customer" not in said
    assert "replaces" not in said
    assert state(root) == before


def test_optional_steps_are_said(root: Path) -> None:
    (root / "spend.csv").write_text("date,cost\n")
    (root / "model.json").write_text("{}")
    text = (
        JOB.replace('model = "btyd"', 'saved_model = "model.json"\ndraws = 0')
        + """
csv = true
report = false
[outputs.destination]
database = "sqlite"
file = "predictions.sqlite"
table = "predictions"
[segments]
[economics]
margin = 0.4
rate = 0.1
spend = "spend.csv"
by = "month"
[backtest]
horizon = "13W"
models = ["btyd", "own_rate"]
[monitoring]
history = "history.duckdb"
max_bias = 0.25
"""
    )
    said = "\n".join(plan(job(root, text), TODAY).lines)
    for part in (
        "model.json, which is not fitted again",
        "no draws, so no intervals",
        "customers by rules learned now",
        "margin 40.0% of value less 0 an order, discounted at 10.0% a year, against spend.csv",
        "btyd, own_rate from 6 past days, 13W ahead",
        "customers.csv",
        "table 'predictions' of sqlite, predictions.sqlite",
        "history.duckdb; ltv monitor warns of bias over 25%",
    ):
        assert part in said
    assert "report.html" not in said


def test_without_a_cutoff_the_log_decides(root: Path) -> None:
    found = plan(job(root, JOB.replace('cutoff = "last complete week"', "")), TODAY)
    assert found.cutoff is None
    assert found.folder is None
    assert "the last day in the log" in "\n".join(found.lines)


def test_results_of_ltv_are_replaced_and_others_refused(root: Path) -> None:
    from forecast.jobs.folders.outputs import output_folder

    with output_folder(root / "out" / "2026-11-15") as part:
        (part / "customers.parquet").write_text("")
    assert "the results that are in out/2026-11-15 now" in "\n".join(plan(job(root), TODAY).lines)
    (root / "out" / "2026-11-15" / "mine.txt").write_text("")
    with pytest.raises(LockedError, match=r"mine\.txt"):
        plan(job(root), TODAY)


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ('"id"', '"customer"', ColumnError, "customer"),
        ('"order"', '"ordr"', ColumnError, "Did you mean 'order'"),
        ('"2027-01-31"', '"2026-11-15"', HorizonError, "not after the cutoff"),
        ('"orders.csv"', '"order.csv"', FileError, "source.path: .*Did you mean 'orders.csv'"),
        ('"orders.csv"', '"*.parquet"', FileError, "no file matches"),
        ('"last complete week"', "2026-11-23", UsageError, "lies in the future"),
    ],
)
def test_what_can_be_known_is_found(
    old: str, new: str, error: type[ForecastError], said: str, root: Path
) -> None:
    with pytest.raises(error, match=said):
        plan(job(root, JOB.replace(old, new)), TODAY)


def test_the_header_alone_is_read(root: Path) -> None:
    """A row that no reader could read does not disturb a plan."""
    with gzip.open(root / "orders.csv", "wt") as file:
        file.write("id,day,amount,order\n" + "?" * 3_000_000 + "\n")
    plan(job(root), TODAY)
    (root / "orders.csv").write_text("id;day;amount;order\n")
    with pytest.raises(ColumnError, match="delimiter"):
        plan(job(root), TODAY)
    (root / "orders.csv").write_bytes("id,day,amount,order,café\n".encode("latin-1"))
    with pytest.raises(DataError, match="the text is not utf-8"):
        plan(job(root), TODAY)


def test_of_a_database_the_catalogue_is_read(root: Path) -> None:
    with sqlite3.connect(root / "shop.sqlite") as shop:
        shop.execute('create table orders (id text, day text, amount real, "order" text)')
    shop.close()
    text = JOB.replace(
        'path = "orders.csv"', 'database = "sqlite"\nfile = "shop.sqlite"\ntable = "orders"'
    )
    said = "\n".join(plan(job(root, text), TODAY).lines)
    assert "table 'orders' of sqlite, shop.sqlite" in said
    with pytest.raises(ColumnError, match="person"):
        plan(job(root, text.replace('"id"', '"person"')), TODAY)


def test_a_job_is_ready_or_all_that_lacks_is_told(root: Path) -> None:
    check_ready(job(root))
    text = (
        JOB
        + """
[outputs.destination]
database = "postgresql"
url_env = "NO_SUCH_SHOP_URL"
table = "predictions"
[segments]
rules = "rules.json"
[monitoring]
history = "orders.csv/history.duckdb"
"""
    )
    ready = job(root, text)
    with pytest.raises(UsageError) as caught:
        check_ready(ready, environment={})
    said = str(caught.value)
    for part in (
        "outputs.destination.url_env: the environment variable NO_SUCH_SHOP_URL is not set",
        "segments.rules: rules.json does not exist",
        "monitoring.history: orders.csv/history.duckdb cannot be written",
    ):
        assert part in said
    with pytest.raises(FileError) as missing:
        check_ready(ready, environment={"NO_SUCH_SHOP_URL": "postgresql://u:geheim@h/db"})
    assert "geheim" not in str(missing.value)


def test_predictions_go_into_the_same_folder_every_night(root: Path) -> None:
    ready = job(root, JOB + '[outputs.destination]\npath = "sent"\n[monitoring]\nhistory = "kept"')
    (root / "sent").mkdir()
    check_ready(ready)
    (root / "kept").mkdir()
    with pytest.raises(FileError, match=r"monitoring\.history: kept is a folder, not a file"):
        check_ready(ready)
    (root / "kept").rmdir()
    (root / "sent").rmdir()
    (root / "sent").write_text("")
    with pytest.raises(FileError, match=r"destination\.path: sent is a file, not a folder"):
        check_ready(ready)


def test_files_that_are_links_to_elsewhere_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "orders").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("id,day\n")
    (root / "orders" / "a.csv").symlink_to(tmp_path / "secret.csv")
    text = JOB.replace("orders.csv", "orders")
    with pytest.raises(UsageError, match=r"source\.path: .*a\.csv' leads out"):
        check_ready(job(root, text))
