"""A ledger comes back from disk as it was."""

import json
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import DataError, FileError
from forecast.ledger import Ledger, read_ledger
from forecast.ledger.storage import load_ledger, save_ledger

EVIL = ["<script>", "=1+1", "007", "7", "Zoë\u202e"]


def orders() -> pd.DataFrame:
    days = pd.date_range("2023-01-01", periods=30, freq="5D")
    return pd.DataFrame(
        {
            "customer_id": [EVIL[at % 5] for at in range(30)],
            "date": days,
            "amount": [0.1 * at - 0.2 for at in range(30)],
            "country": ["NL", "DE"] * 15,
            "channel": ["web"] * 30,
        }
    )


@pytest.fixture(params=["value", "counts", "columns"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    extra = {
        "value": {"value": "amount", "cutoff": "2023-06-30"},
        "counts": {},
        "columns": {
            "value": "amount", "customer_columns": ["country"], "purchase_columns": ["channel"],
        },
    }[request.param]  # fmt: skip
    return read_ledger(orders(), customer="customer_id", date="date", **extra)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::forecast.errors.DataWarning")
def test_comes_back_equal(ledger: Ledger, tmp_path: Path) -> None:
    save_ledger(ledger, tmp_path / "ledger")
    found = load_ledger(tmp_path / "ledger")
    names = ("cutoff", "first_day", "has_value", "customer_columns", "purchase_columns", "ticks")
    for name in names:
        assert getattr(found, name) == getattr(ledger, name)
    pd.testing.assert_frame_equal(found.purchases(), ledger.purchases(), check_exact=True)
    pd.testing.assert_frame_equal(found.audit, ledger.audit)
    assert found.summary_hash() == ledger.summary_hash()
    origin = str(ledger.first_day)
    pd.testing.assert_frame_equal(found.actuals(origin, "9W"), ledger.actuals(origin, "9W"))
    assert found.cut("2023-03-01").summary_hash() == ledger.cut("2023-03-01").summary_hash()
    if ledger.customer_columns:
        pd.testing.assert_frame_equal(found.attributes(), ledger.attributes())


def test_same_ledger_same_bytes(tmp_path: Path) -> None:
    for name, table in (("one", orders()), ("two", orders()[::-1])):
        read = read_ledger(table, customer="customer_id", date="date", value="amount")
        save_ledger(read, tmp_path / name)
    for name in ("days.parquet", "ledger.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_cut_ledger_keeps_what_it_may_see(tmp_path: Path) -> None:
    read = read_ledger(orders(), customer="customer_id", date="date", value="amount")
    save_ledger(read.cut("2023-02-01"), tmp_path)
    days = pd.read_parquet(tmp_path / "days.parquet")
    assert pd.to_datetime(days["day"].max(), unit="D") <= pd.Timestamp("2023-02-01")
    assert str(load_ledger(tmp_path).cutoff) == "2023-02-01"


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no saved ledger"):
        load_ledger(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ledger.json", "{"),
        ("ledger.json", "[]"),
        ("ledger.json", "{}"),
        ("ledger.json", "\u00ff"),
        ("days.parquet", "PAR1"),
        ("days.parquet", None),
        ("customers.parquet", "PAR1"),
        ("customers.parquet", None),
    ],
)
def test_damage_is_named(name: str, content: str | None, tmp_path: Path) -> None:
    roles = {"customer": "customer_id", "date": "date", "value": "amount"}
    save_ledger(read_ledger(orders(), **roles, customer_columns=["country"]), tmp_path)  # type: ignore[arg-type]
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match="damaged ledger"):
        load_ledger(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "newer version"),
        ({"cutoff": "soon"}, "damaged"),
        ({"ticks": "many"}, "damaged"),
        ({"purchase_columns": ["channel"]}, "damaged"),
        ({"currency": 978}, "damaged"),
    ],
)
def test_wrong_facts_are_named(change: dict[str, object], said: str, tmp_path: Path) -> None:
    save_ledger(read_ledger(orders(), customer="customer_id", date="date"), tmp_path)
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=said):
        load_ledger(tmp_path)
