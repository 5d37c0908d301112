"""Tables in memory: odd types, odd objects, names that meet the ledger's own."""

import datetime as dt
import io
import uuid
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from forecast.errors import BadRowsError, ColumnError, DataError, UsageError
from forecast.views import customer_summary

IDS, DAYS, VALUES = ["a", "b"], ["2024-01-01", "2024-01-02"], [1.5, 2.0]
ARROW = {"c": IDS, "d": DAYS, "v": VALUES}


def same(ledger) -> None:
    rows = ledger.purchases()
    assert rows["customer_id"].tolist() == IDS
    assert rows["date"].astype(str).tolist() == DAYS
    assert rows["value"].tolist() == VALUES


@pytest.mark.parametrize(
    "source",
    [
        1, None, b"log.csv", [1, 2], {"c": ["a"]}, np.zeros((2, 3)), io.StringIO("c,d,v\n"),
        pd.Series([1]), pd.DataFrame({"c": ["a"]}).groupby("c"), pl.Series([1]), pa.array([1]),
        duckdb.connect(), object,
    ],
)  # fmt: skip
def test_what_is_no_table(read, source):
    with pytest.raises(UsageError, match=r"source: .*is not a"):
        read(source)


@pytest.mark.parametrize(
    "columns",
    [
        {"c": pd.Categorical(IDS)},
        {"c": pd.array(IDS, dtype="string")},
        {"c": pd.Series(IDS, dtype=object)},
        {"d": pd.Categorical(DAYS)},
        {"d": pd.to_datetime(DAYS)},
        {"d": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]},
        {"d": pd.Series([dt.datetime(2024, 1, 1, 23, 59), dt.date(2024, 1, 2)], dtype=object)},
        {"d": pd.Series([pd.Timestamp("2024-01-01"), "2024-01-02"], dtype=object)},
        {"d": pd.PeriodIndex(DAYS, freq="D")},
        {"d": np.array(DAYS, dtype="M8[s]")},
        {"d": [" 2024-01-01 ", "2024-01-02T23:59:59.999"]},
        {"v": [Decimal("1.50"), Decimal("2")]},
        {"v": [" 1.5 ", "+2."]},
        {"v": ["1.5e0", "0.2E+1"]},
        {"v": pd.Series(["1.5", 2], dtype=object)},
        {"v": pd.Categorical([1.5, 2.0])},
        {"v": pd.array(VALUES, dtype="Float64")},
        {"v": pd.array(VALUES, dtype="double[pyarrow]")},
        {"v": pd.arrays.SparseArray(VALUES)},
        {"v": np.array(VALUES, dtype="float16")},
    ],
)
def test_pandas_types_that_can_be_read(read, columns):
    same(read(pd.DataFrame({"c": IDS, "d": DAYS, "v": VALUES} | columns)))


@pytest.mark.parametrize(
    "columns",
    [
        {"c": pa.array(IDS).dictionary_encode()},
        {"c": pa.array(IDS, pa.large_string())},
        {"c": pa.array(IDS, pa.string_view())},
        {"d": pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], pa.date64())},
        {"d": pa.array([dt.datetime(2024, 1, 1, 23), dt.datetime(2024, 1, 2)], pa.timestamp("ns"))},
        {"v": pa.array(np.float16(VALUES), pa.float16())},
        {"v": pa.array([Decimal("1.5"), Decimal("2")], pa.decimal256(50, 2))},
    ],
)
def test_arrow_types_that_can_be_read(read, columns):
    same(read(pa.table(ARROW | columns)))


def test_other_forms_of_arrow(read, tmp_path):
    table = pa.table(ARROW)
    same(read(pa.RecordBatch.from_pydict(ARROW)))
    same(read(table.to_reader()))
    pq.write_table(table, tmp_path / "log.parquet")
    same(read(pyarrow.dataset.dataset(tmp_path / "log.parquet")))


def test_arrow_types_that_cannot(read):
    nulls = pa.table(ARROW | {"d": pa.nulls(2)})
    with pytest.raises(BadRowsError, match="missing date in 2 rows"):
        read(nulls)
    with pytest.raises(DataError, match=r"'v'.*Struct.*is no amount"):
        read(pa.table(ARROW | {"v": pa.array([{"x": 1.0}] * 2)}))
    odd = [
        pa.array([(1, 2, 3)] * 2, pa.month_day_nano_interval()),
        pa.array([b"ab"] * 2, pa.binary(2)),
        pa.array([[1]] * 2, pa.list_view(pa.int64())),
    ]
    for values in odd:
        with pytest.raises(DataError, match="'v'"):
            read(pa.table(ARROW | {"v": values}))


def test_polars(read):
    frame = pl.DataFrame(ARROW)
    same(read(frame))
    same(read(frame.lazy()))
    same(read(frame.with_columns(pl.col("c").cast(pl.Categorical))))
    same(read(frame.with_columns(pl.col("c").cast(pl.Enum(IDS)), pl.col("d").str.to_date())))
    whole = frame.with_columns(v=pl.Series([1, 2], dtype=pl.Int128))
    assert read(whole).purchases()["value"].tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match=r"cannot be evaluated.*nowhere"):
        read(pl.scan_csv("/nowhere.csv"))
    with pytest.raises(DataError, match="cannot be evaluated"):
        read(frame.lazy().select("absent"))
    with pytest.raises(BadRowsError, match="missing amount"):
        read(frame.with_columns(v=None))
    with pytest.raises(DataError, match=r"'c'.*object is no customer id"):
        read(frame.with_columns(c=pl.Series([object(), object()], dtype=pl.Object)))


def test_duckdb_relations(read):
    own = duckdb.connect()
    own.execute("SET TimeZone = 'Asia/Tokyo'")
    own.execute("CREATE TABLE t AS SELECT * FROM (VALUES ('a', '2024-01-01', 1.5), "
                "('b', '2024-01-02', 2.0)) x(c, d, v)")  # fmt: skip
    same(read(own.table("t")))
    same(read(own.sql("SELECT c::ENUM('a', 'b') AS c, d::TIMESTAMP_NS AS d, v FROM t")))
    assert len(read(own.sql("SELECT uuid() AS c, d, v FROM t")).purchases()) == 2
    assert own.sql("SHOW TABLES").fetchall() == [("t",)]  # nothing is left in it
    for query, says in [
        ("SELECT c, d, c::DOUBLE AS v FROM t", "Could not convert string 'a'"),
        ("SELECT c, d, v FROM t WHERE false", "columns but no rows"),
        ("SELECT c, INTERVAL 1 DAY AS d, v FROM t", "'d'.*no date"),
        ("SELECT c::BLOB AS c, d, v FROM t", "'c'.*Binary is no customer id"),
        ("SELECT {'a': c} AS c, d, v FROM t", "'c'.*Struct"),
        ("SELECT c, d, union_value(k := v) AS v FROM t", "'v'.*no amount"),
        ("SELECT c, d::TIMESTAMPTZ AS d, v FROM t", "'d'.*time zone"),
        ("SELECT c, 'infinity'::DATE AS d, v FROM t", "unreadable date in 2 rows.*'infinity'"),
        ("SELECT c, '0044-03-15 (BC)'::DATE AS d, v FROM t", "unreadable date in 2 rows.*BC"),
        ("SELECT c, d, 1e30::HUGEINT AS v FROM t", "'v'.*beyond"),
        ("SELECT c, d, v, v FROM t", "must differ"),
    ]:
        with pytest.raises(DataError, match=says):
            read(own.sql(query))
    gone = own.table("t")
    own.close()
    with pytest.raises(DataError, match=r"the DuckDB relation: cannot be read.*closed"):
        read(gone)


def test_ids_of_other_types(read):
    ids = [uuid.UUID(int=1), uuid.UUID(int=2)]
    table = pd.DataFrame({"c": ids, "d": DAYS, "v": VALUES})
    assert read(table).purchases()["customer_id"].tolist() == [str(each) for each in ids]
    table["c"] = pd.Series(["007", 7], dtype=object)
    assert read(table).purchases()["customer_id"].tolist() == ["007", "7"]
    table["c"] = np.array([2**64 - 1, 1], dtype="uint64")
    assert read(table).purchases()["customer_id"].tolist() == ["1", str(2**64 - 1)]
    table["c"] = pd.Series(["\ud800", "a"], dtype=object)  # half a sign
    assert read(table).purchases()["customer_id"].tolist() == ["\\ud800", "a"]
    table["c"] = ["x" * 10_000, "a"]
    assert read(table).purchases()["customer_id"].str.len().tolist() == [1, 10_000]


def test_pandas_index_and_names(read):
    table = pd.DataFrame({"c": IDS, "d": DAYS, "v": VALUES})
    same(read(table.set_index("c")))  # the names of an index count
    same(read(table.set_index(["c", "d"])))
    plain = table.set_axis([0, 1, 2], axis=1)
    same(read(plain, customer="0", date="1", value="2"))
    with pytest.raises(UsageError, match="several levels"):
        read(table.set_axis(pd.MultiIndex.from_tuples([("c", 1), ("d", 1), ("v", 1)]), axis=1))
    with pytest.raises(ColumnError, match="No column 'v'"):
        read(table.rename(columns={"v": None}))


@pytest.mark.parametrize(
    "names",
    [
        ("id", "day", "ticks"),
        ("amount", "id", "day"),
        ("ID", "Day", "Amount"),
        ("fault", "rows", "purchase"),
        ("year", "month", "late"),
    ],
)
def test_names_that_the_ledger_uses_inside(read, names):
    table = pd.DataFrame(dict(zip(names, (IDS, DAYS, VALUES), strict=True)))
    same(read(table, customer=names[0], date=names[1], value=names[2]))


INSIDE = ["id", "amount", "rows", "sold", "returned", "purchase", "fault", "text", "number", "x y"]


def test_columns_to_keep_with_names_that_are_used_inside(read):
    table = pd.DataFrame({"c": IDS, "d": DAYS, "v": VALUES} | {name: ["p", "q"] for name in INSIDE})
    rows = read(table, purchase_columns=INSIDE).purchases()
    assert all(rows[name].tolist() == ["p", "q"] for name in INSIDE)
    people = read(table, customer_columns=INSIDE).attributes()
    assert all(people[name].tolist() == ["p", "q"] for name in INSIDE)
    assert len(read(table.assign(id=["1", "2"]), key="id").purchases()) == 2


def test_columns_to_keep_that_would_hide_the_ledgers_own(read):
    table = pd.DataFrame({"c": IDS, "d": DAYS, "v": VALUES})
    for name in ("customer_id", "date", "day", "ticks", "value"):
        with pytest.raises(UsageError, match=f"'{name}' cannot be kept under that name"):
            read(table.assign(**{name: "x"}), purchase_columns=[name])
    for name in ["first", *customer_summary(read(table)).columns]:
        with pytest.raises(UsageError, match=f"'{name}' cannot be kept under that name"):
            read(table.assign(**{name: "x"}), customer_columns=[name])


def test_guesses(counts):
    from forecast.ledger import read_ledger

    table = pd.DataFrame({"Customer ID": IDS, "Order_Date": DAYS, "Revenue": VALUES, "n": [1, 2]})
    ledger = read_ledger(table)
    same(ledger)
    assert ledger.audit.loc[ledger.audit["check"] == "column guessed", "what"].tolist() == [
        "The customer is taken from 'Customer ID'.",
        "The date is taken from 'Order_Date'.",
        "The value is taken from 'Revenue'.",
    ]
    known = read_ledger(table, customer="Customer ID", date="Order_Date")
    assert not known.has_value  # who names those two and no value wants no money
    assert counts(known).get("column guessed") is None
    with pytest.raises(ColumnError, match="value column may be 'Revenue', 'Total'; say which"):
        read_ledger(table.assign(Total=1.0))
    with pytest.raises(ColumnError, match="No column is plainly the date"):
        read_ledger(table.drop(columns="Order_Date"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_with_a_zone_in_every_unit(read, tmp_path, unit):
    late = pd.to_datetime(["2023-12-31 23:30", "2024-01-01 23:30"]).tz_localize("UTC")
    log = pd.DataFrame({"c": IDS, "d": late.as_unit(unit), "v": VALUES})
    same(read(log, timezone="Europe/Paris"))
    log.to_parquet(tmp_path / "log.parquet")
    same(read(tmp_path / "log.parquet", timezone="Europe/Paris"))
    with pytest.raises(DataError, match="carry a time zone"):
        read(log)
