"""Broken logs, one fault each: one clear message, the right exit code, nothing written."""

import datetime as dt
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

HEAD = "customer_id,date,amount,order_id"


def make_rows(customers: int = 80, days: int = 420, seed: int = 5) -> list[list[str]]:
    """Rows of text: customer_id, date, amount, order_id."""
    rng = np.random.default_rng(seed)
    first = dt.date(2022, 1, 1)
    rows = []
    for customer in range(customers):
        day = int(rng.integers(0, days // 2)) if customer else 0
        while day <= days:
            when = str(first + dt.timedelta(days=day))
            rows.append([f"c{customer:03d}", when, f"{rng.gamma(3, 10):.2f}"])
            if rng.random() < 0.12:
                break
            day += 1 + int(rng.exponential(15 + customer))
    return [[*row, f"o{number:05d}"] for number, row in enumerate(rows)]


def text_of(rows: list[list[str]]) -> str:
    return "\n".join([HEAD, *(",".join(row) for row in rows)]) + "\n"


ROWS = make_rows()
QUICK = ("--model", "own_rate")
ROLES = ("--customer", "customer_id", "--date", "date", "--value", "amount")


@dataclass
class Broken:
    """A log with one fault: what must be said of it, and how the command must end."""

    name: str
    content: bytes | str | None
    words: tuple[str, ...]
    code: int = 3
    options: tuple[str, ...] = ROLES
    file: str = "orders.csv"


def put(row: int, column: int, value: str, rows: list[list[str]] = ROWS) -> str:
    """Return the sound log with one field replaced."""
    return text_of([
        [*each[:column], value, *each[column + 1 :]] if at == row else each
        for at, each in enumerate(rows)
    ])  # fmt: skip


def every(column: int, change: Callable[[str], str]) -> str:
    return text_of([[*row[:column], change(row[column]), *row[column + 1 :]] for row in ROWS])


def parquet(**changes: Any) -> bytes:
    frame = pd.DataFrame(ROWS, columns=HEAD.split(","))
    frame["amount"] = frame["amount"].astype(float)
    frame["date"] = pd.to_datetime(frame["date"])
    for name, change in changes.items():
        frame[name] = change(frame)
    held = io.BytesIO()
    frame.to_parquet(held, index=False)
    return held.getvalue()


SOUND = text_of(ROWS)
SLASHED = every(1, lambda day: f"{day[8:]}/{day[5:7]}/{day[:4]}")

LOGS = [
    Broken("no such file", None, ("orders.csv", "no such file"), 6),
    Broken("empty file", "", ("orders.csv", "empty")),
    Broken("blank lines alone", "\n\n\n", ("orders.csv",)),
    Broken("header alone", HEAD + "\n", ("orders.csv", "no rows")),
    Broken("no header", SOUND.split("\n", 1)[1], ("'customer_id'", "first row looks like data")),
    Broken("missing customer", put(3, 0, ""), ("'customer_id'", "missing customer", "1 row")),
    Broken("missing date", put(3, 1, ""), ("'date'", "missing date", "1 row")),
    Broken("blank date", put(3, 1, "  "), ("'date'", "missing date", "1 row")),
    Broken("missing amount", put(3, 2, ""), ("'amount'", "missing amount", "1 row")),
    Broken("NaN amount", put(3, 2, "nan"), ("'amount'", "missing amount", "1 row")),
    Broken("infinite amount", put(3, 2, "inf"), ("'amount'", "infinite", "1 row")),
    Broken("amount with a currency", put(3, 2, "$5"), ("'amount'", "'$5'")),
    Broken("amount with thousands", put(3, 2, '"1,234.50"'), ("'amount'", "'1,234.50'")),
    Broken("amount with decimal comma", put(3, 2, '"12,5"'), ("'amount'", "'12,5'")),
    Broken("amount in words", put(3, 2, "ten"), ("'amount'", "'ten'")),
    Broken("unreadable date", put(3, 1, "soon"), ("'date'", "'soon'")),
    Broken("impossible date", put(3, 1, "2022-02-30"), ("'date'", "'2022-02-30'")),
    Broken("date of a spreadsheet's zero", put(3, 1, "1899-12-30"), ("'date'", "'1899-12-30'")),
    Broken("date as a serial number", put(3, 1, "44562"), ("'date'", "'44562'")),
    Broken("mixed formats", put(3, 1, "25/12/2022"), ("'date'", "'25/12/2022'", "--date-format")),
    Broken("ambiguous date", put(3, 1, "03/02/2022"), ("'date'", "'03/02/2022'")),
    Broken("other format throughout", SLASHED, ("'date'", '--date-format "%d/%m/%Y"')),
    Broken("future date", put(3, 1, "2120-01-01"), ("'date'", "2120-01-01", "future")),
    Broken("times with a zone", every(1, lambda day: f"{day}T10:00:00+02:00"),
           ("'date'", "+02:00", "zone")),
    Broken("missing column", SOUND.replace("amount", "worth", 1), ("'amount'", "'worth'")),
    Broken("other case", SOUND.replace("customer_id", "Customer_ID", 1),
           ("'customer_id'", "'Customer_ID'", "mean")),
    Broken("doubled column", SOUND.replace("order_id", "amount", 1), ("'amount'", "differ")),
    Broken("other delimiter", SOUND.replace(",", ";"), ("1 column", "--delimiter ';'")),
    Broken("too many fields", SOUND + "c1,2022-02-02,5,o1,more\n", ("orders.csv", "line")),
    Broken("too few fields", SOUND + "c1,2022-02-02\n", ("orders.csv", "line")),
    Broken("open quote", SOUND + '"c1,2022-02-02,5,o1\n', ("orders.csv", "quote")),
    Broken("Latin-1", SOUND.replace("c001", "Zoë").encode("latin-1"), ("orders.csv", "--encoding")),
    Broken("cut gzip", gzip.compress(SOUND.encode(), mtime=0)[:-20], ("orders.csv", "damaged")),
    Broken("cut Parquet", parquet()[:-200], ("orders.parquet",), file="orders.parquet"),
    Broken("no Parquet", SOUND, ("orders.parquet", "Parquet"), file="orders.parquet"),
    Broken("spreadsheet", b"PK\x03\x04" + bytes(100), ("orders.csv", "spreadsheet")),
    Broken("ids as floats", parquet(customer_id=lambda frame: frame["amount"] + 1e18),
           ("'customer_id'", "floating-point"), file="orders.parquet"),
    Broken("dates as numbers", parquet(date=lambda frame: frame.index), ("'date'",),
           file="orders.parquet"),
    Broken("amounts as dates", parquet(amount=lambda frame: frame["date"]), ("'amount'",),
           file="orders.parquet"),
    Broken("dates with a zone", parquet(date=lambda frame: frame["date"].dt.tz_localize("UTC")),
           ("'date'", "--timezone"), file="orders.parquet"),
    Broken("one customer", text_of([row for row in ROWS if row[0] == "c000"]), ("customer",)),
    Broken("nobody comes back", text_of([[f"x{at}", *row[1:]] for at, row in enumerate(ROWS)]),
           ("repeat",), 4),
    Broken("one day", every(1, lambda _: "2022-01-01"), ("2022-01-01", "the cutoff")),
    Broken("returns alone", every(2, lambda amount: f"-{amount}"), ("no purchase",)),
    Broken("cutoff before the log", SOUND, ("--cutoff", "2020-01-01"),
           options=(*ROLES, "--cutoff", "2020-01-01")),
    Broken("cutoff in the future", SOUND, ("--cutoff", "2999-01-01"),
           options=(*ROLES, "--cutoff", "2999-01-01")),
    Broken("cutoff that is no day", SOUND, ("--cutoff", "'2022-13-01'"), 2,
           options=(*ROLES, "--cutoff", "2022-13-01")),
    Broken("negative amounts refused", put(3, 2, "-4"), ("'amount'", "-4", "--returns"),
           options=(*ROLES, "--returns", "error")),
    Broken("keys that disagree", put(3, 3, "o00004"), ("'order_id'", "key"),
           options=(*ROLES, "--key", "order_id")),
    Broken("a column for two roles", SOUND, ("'amount'",), 2,
           options=("--customer", "amount", "--date", "date", "--value", "amount")),
    Broken("columns that cannot be guessed", SOUND.replace("date", "d", 1), ("--date",),
           options=()),
    Broken("two columns to guess from", SOUND.replace("order_id", "user_id", 1),
           ("'customer_id', 'user_id'", "--customer"), options=()),
    Broken("wrong date format", SOUND, ("'date'",),
           options=(*ROLES, "--date-format", "%d/%m/%Y")),
    Broken("more bad rows than allowed", put(3, 2, "x") + "c1,soon,4,o2\n", ("2",),
           options=(*ROLES, "--max-bad-rows", "1")),
    Broken("no encoding of that name", SOUND, ("--encoding", "'utf-9'"), 2,
           options=(*ROLES, "--encoding", "utf-9")),
    Broken("hostile column name", SOUND, ("No column",),
           options=("--customer", 'id" FROM x; COPY (SELECT 42) TO \'stolen\'; --', *ROLES[2:])),
]  # fmt: skip


def test_there_are_forty() -> None:
    assert len(LOGS) >= 40
    assert len({each.name for each in LOGS}) == len(LOGS)


@pytest.mark.parametrize("broken", LOGS, ids=lambda each: each.name)
def test_broken_log_is_refused_in_one_sentence(
    broken: Broken,
    tmp_path: Path,
    ltv: Callable[..., Any],
    snapshot: Callable[[Path], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if broken.content is not None:
        content = broken.content
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / broken.file).write_bytes(data)
    before = snapshot(tmp_path)
    ended = ltv(
        *("forecast", broken.file, "--horizon", "8W", "--draws", 0, "--out", "deep/out"),
        *broken.options,
    )
    said = [line for line in ended.err.splitlines() if not line.startswith(("warning", "note"))]
    assert ended.code == broken.code, ended.err
    assert len(said) == 1, ended.err
    assert said[0].startswith("error: ")
    for word in broken.words:
        assert word in said[0]
    assert "Traceback" not in ended.err
    assert "Internal" not in ended.err
    assert ended.out == ""
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "file", "model"),
    [
        (SOUND.encode(), "orders.csv", ()),  # the very words that the broken logs get
        (b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode(), "orders.csv", QUICK),
        (gzip.compress(SOUND.encode()), "orders.csv", QUICK),
        (parquet(), "orders.parquet", QUICK),
    ],
    ids=["plain", "mark and line ends of Windows", "gzip without its name", "Parquet"],
)
def test_sound_log_among_them_runs(
    content: bytes, file: str, model: tuple[str, ...], tmp_path: Path, ltv: Callable[..., Any]
) -> None:
    (tmp_path / file).write_bytes(content)
    out = tmp_path / "deep" / "out"
    ended = ltv(
        *("forecast", tmp_path / file, "--horizon", "8W", "--draws", 0, "--out", out, *model),
        *ROLES,
    )
    assert ended.code == 0, ended.err
    assert len(pd.read_parquet(out / "customers.parquet")) == 80
