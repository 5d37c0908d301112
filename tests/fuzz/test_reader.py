"""Whatever a log holds, it is a ledger that adds up or refused by name; never a traceback."""

import datetime as dt
import gzip
import math
import warnings
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from forecast.errors import DataError, DataWarning, FileError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.value.currency import currencies

pytestmark = pytest.mark.slow

HEAD = "customer,date,amount,extra\n"
SOUND = (HEAD + "a,2024-01-01,1.5,x\nb,2024-01-05,-2,\na,2024-02-01,0,y\n").encode()
IDS = st.sampled_from(
    ["a", "b", "007", "7", "NA", "", " ", "é", "e\u0301", "\u200b", "=1+1", "\x00"]
)
DATES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.sampled_from(["", "now", "2024-02-30", "2024-01-01T10:00Z", "0000-00-00", "20240101"]),
)
AMOUNTS = st.one_of(
    st.floats().map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.sampled_from(["", "nan", "1e999", "$5", "1,5", "1_000", "-0", "+.5", "0x1", "\u0661"]),
    st.sampled_from(["1.234,50 €", "€ 5", "USD 6", "- $7", "1 234,5", "1'234", "1,234", "5 kr."]),
)
ANY = st.text(st.characters(codec="utf-8"), max_size=8)
FIELDS = st.tuples(IDS | ANY, DATES | ANY, AMOUNTS | ANY, ANY)
SMALL = st.integers(-(2**40), 2**40)
TYPES = {  # Arrow type -> values it may hold
    pa.string(): IDS | DATES | AMOUNTS,
    pa.large_string(): DATES,
    pa.dictionary(pa.int32(), pa.string()): IDS | DATES,
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(max_size=6),
    pa.date32(): st.dates(),
    pa.date64(): st.dates(),
    pa.timestamp("s"): SMALL,
    pa.timestamp("us"): SMALL,
    pa.timestamp("ns", "UTC"): SMALL,
    pa.time64("us"): st.integers(0, 86_399_999_999),
    pa.duration("s"): SMALL,
    pa.decimal128(20, 4): st.decimals(-(10**10), 10**10, places=4).map(Decimal),
    pa.decimal256(60, 2): st.decimals(-(10**10), 10**10, places=2).map(Decimal),
    pa.list_(pa.int64()): st.lists(SMALL, max_size=2),
    pa.struct([("a", pa.int64())]): SMALL.map(lambda number: {"a": number}),
    pa.map_(pa.string(), pa.int64()): SMALL.map(lambda number: [("a", number)]),
    pa.null(): st.none(),
}
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "value": st.sampled_from(["amount", None, "missing"]),
        "cutoff": st.dates().map(str) | st.sampled_from(["2024-01-20", "soon"]),
        "returns": st.sampled_from(["net", "drop", "keep", "error"]),
        "date_format": st.sampled_from(["%d/%m/%Y", "%Y%m%d", "%Y-%m-%d", "%c", "%d%m%Y%H%M%S"]),
        "timezone": st.sampled_from(["UTC", "Europe/London", "Mars/North"]),
        "decimal": st.sampled_from([".", ",", ";"]),
        "thousands": st.sampled_from([".", ",", " ", "'", ""]),
        "customer_columns": st.just(["extra"]),
        "purchase_columns": st.just(["extra"]),
        "key": st.sampled_from([(), ["extra"], ["customer", "date"]]),
        "max_bad_rows": st.sampled_from([0, 1, 100]),
        "delimiter": st.sampled_from([",", ";", "\t", "a"]),
        "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16", "cp1252", "utf-7"]),
    },
)


def is_read_or_told(source: Any, options: dict[str, Any]) -> None:
    """Read, and look at what came out: no day past the cutoff, sums that are sums."""
    named = {"customer": "customer", "date": "date", "value": "amount"} | options
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DataWarning)
            ledger = read_ledger(source, **named)
    except (DataError, FileError, UsageError) as error:
        said = str(error)
        assert 10 < len(said) < 3_000
        for foreign in ("Traceback", "duckdb", "Binder Error", "Conversion Error", "pyarrow."):
            assert foreign not in said
        return
    look(ledger)


def look(ledger: Ledger) -> None:
    bought = ledger.purchases()
    assert len(bought) > 0
    assert not bought.duplicated(["customer_id", "date"]).any()
    assert bought["date"].max() <= pd.Timestamp(ledger.cutoff)
    assert bought["date"].min() == pd.Timestamp(ledger.first_day)
    counts = dict(zip(ledger.audit["check"], ledger.audit["count"], strict=True))
    assert counts["purchases"] == len(bought)
    assert counts["customers"] == bought["customer_id"].nunique()
    assert (ledger.audit["count"] >= 0).all()
    if ledger.has_value:
        assert math.isfinite(bought["value"].sum())
    if ledger.customer_columns:
        assert len(ledger.attributes()) == counts["customers"]
    assert currencies(bought) == []


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound log, plain or packed, with a few bytes changed, cut out or put in."""
    text = draw(st.sampled_from([SOUND, SOUND * 40, gzip.compress(SOUND, mtime=0)]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        middle = draw(st.binary(max_size=6) | st.sampled_from([b'"', b"\r", b"\x00", b"\n,"]))
        text = text[:start] + middle + text[start + draw(st.integers(0, 12)) :]
    return text


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """Text in the shape of CSV, with fields of any kind."""
    comma = draw(st.sampled_from([",", ",", ",", ";", "\t"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    quote = draw(st.sampled_from(["", "", '"', "'"]))
    rows = draw(st.lists(FIELDS, max_size=12))
    lines = [comma.join(HEAD.strip().split(","))]
    lines += [comma.join(f"{quote}{each}{quote}" for each in row) for row in rows]
    text = draw(st.sampled_from(["", "", "\ufeff"])) + end.join(lines) + draw(st.just(end) | ANY)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16"])))


@st.composite
def typed(draw: st.DrawFn) -> "pa.Table":
    """A table whose columns may be of any type, with nulls."""
    rows = draw(st.integers(0, 8))
    columns = {}
    usual = {"customer": pa.string(), "date": pa.date32(), "amount": pa.float64()}
    for name in ("customer", "date", "amount", "extra"):
        kind = usual.get(name, pa.string())
        if draw(st.integers(0, 2)) == 0:
            kind = draw(st.sampled_from(list(TYPES)))
        values = draw(st.lists(st.none() | TYPES[kind], min_size=rows, max_size=rows))
        columns[name] = pa.array(values, kind)
    return pa.table(columns)


def test_bytes(tmp_path: Path, for_a_while: Callable[..., int]) -> None:
    path = tmp_path / "log.csv"

    def ask(content: bytes, options: dict[str, Any]) -> None:
        path.write_bytes(content)
        is_read_or_told(path, options)

    assert for_a_while(ask, st.binary(max_size=200) | damaged(), OPTIONS) > 0


def test_text(tmp_path: Path, for_a_while: Callable[..., int]) -> None:
    path = tmp_path / "log.csv"

    def ask(content: bytes, options: dict[str, Any]) -> None:
        path.write_bytes(content)
        is_read_or_told(path, options)

    assert for_a_while(ask, written(), OPTIONS) > 0


def test_types(tmp_path: Path, for_a_while: Callable[..., int]) -> None:
    path = tmp_path / "log.parquet"

    def ask(table: "pa.Table", options: dict[str, Any], kept: bool) -> None:
        if not kept:
            is_read_or_told(table, options)
            return
        with suppress(pa.ArrowNotImplementedError):  # types that Parquet has not
            pq.write_table(table, path)
            is_read_or_told(path, options)

    assert for_a_while(ask, typed(), OPTIONS, st.booleans()) > 0


def test_damaged_parquet(tmp_path: Path, for_a_while: Callable[..., int]) -> None:
    path = tmp_path / "log.parquet"
    days = [dt.date(2024, 1, 1 + at) for at in range(3)]
    log = pa.table({"customer": ["a", "b", "a"], "date": days, "amount": [1.0, 2.0, 3.0]})
    pq.write_table(log, path)
    whole = path.read_bytes()

    def ask(data: st.DataObject) -> None:
        content = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(10**6))])
        is_read_or_told(path, {})

    assert for_a_while(ask, st.data()) > 0
