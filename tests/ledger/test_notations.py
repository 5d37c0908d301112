"""Amounts written as text: decimal commas, thousands, and a currency beside every amount."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from forecast.errors import BadRowsError, DataError

SOURCES = {
    "pandas": lambda log, _: log,
    "polars": lambda log, _: pl.from_pandas(log),
    "arrow": lambda log, _: pa.Table.from_pandas(log),
    "duckdb": lambda log, _: duckdb.connect().from_arrow(pa.Table.from_pandas(log)),
    "csv": lambda log, folder: log.to_csv(folder / "log.csv", index=False) or folder / "log.csv",
    "parquet": lambda log, folder: log.to_parquet(folder / "x.parquet") or folder / "x.parquet",
}
GERMAN = {"decimal": ",", "thousands": "."}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_from_every_source(kind, table, read, tmp_path):
    log = table(
        v=["1.234,50 \u20ac", "-28,60\u00a0\u20ac", "\u20ac 1.234.567"], fee=["0,5", "1", "2"]
    )
    options = GERMAN | {"returns": "keep"}
    ledger = read(SOURCES[kind](log, tmp_path), **options)
    assert ledger.purchases()["value"].tolist() == [1234.5, 1234567.0, -28.6]
    assert "Every amount carries '\u20ac', which is left out." in set(ledger.audit["what"])


@pytest.mark.parametrize(
    ("options", "written"),
    [
        (GERMAN, {"1.234,50": 1234.5, "28,60": 28.6, "-5": -5.0, "1.234": 1234.0, ",5": 0.5}),
        ({"decimal": ","}, {"28,60": 28.6, "1234,5": 1234.5, "+7,": 7.0, "1,5e3": 1500.0}),
        ({"thousands": ","}, {"1,234.50": 1234.5, "12,34,567": 1234567.0, "1234": 1234.0}),
        ({"thousands": "'"}, {"1'234.50": 1234.5, "1\u2019234": 1234.0}),
        ({"decimal": ",", "thousands": " "}, {"1 234,5": 1234.5, "1\u00a0234": 1234.0}),
        ({}, {"$28.60": 28.6, "-$5": -5.0, "$-5.5": -5.5, "7 $": 7.0}),
        ({}, {"EUR 28.60": 28.6, "5EUR": 5.0, "- EUR 2": -2.0}),
        ({"decimal": ","}, {"28,60 kr": 28.6, "kr 5": 5.0}),
        ({"thousands": ","}, {"US$1,234.50": 1234.5, "US$ 5": 5.0}),
    ],
)
def test_numbers(read, options, written):
    days = pd.date_range("2024-01-01", periods=len(written)).astype(str)
    log = pd.DataFrame({"c": "a", "d": days, "v": list(written)})
    ledger = read(log, **options, returns="keep")
    assert ledger.purchases()["value"].tolist() == list(written.values())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (GERMAN, "1234.50"), (GERMAN, "1.23"), (GERMAN, "1,234.5"), (GERMAN, ".234"),
        ({"decimal": ","}, "1.5"), ({"thousands": ","}, "1,5"), ({"thousands": ","}, "1,,234"),
        ({"thousands": " "}, "1  234"), ({}, "1,234"), ({}, "5 $ $"), ({"decimal": ","}, "5 pcs"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_never_guessed(read, table, options, text):
    with pytest.raises(BadRowsError, match="no number in 1 row") as caught:
        read(table(v=["1", text, "2"]), **options)
    assert caught.value.samples == [text]


@pytest.mark.parametrize(
    ("amounts", "options", "says"),
    [
        (
            ["28,60", "5", "7,1"],
            {},
            "Say how they are written: decimal=\",\" reads '28,60' as 28.6.",
        ),
        (["1.234,50"] * 3, {}, 'decimal="," and thousands="." reads \'1.234,50\' as 1234.5.'),
        (["1,234.50"] * 3, {}, "written: thousands=\",\" reads '1,234.50' as 1234.5."),
        (["1,234"] * 3, {}, 'decimal="," reads \'1,234\' as 1.234 or thousands="," reads'),
        (["1.234", "1,5", "2"], {"decimal": ","}, "thousands=\".\" reads '1.234' as 1234."),
        (["28,60 \u20ac"] * 3, {}, "decimal=\",\" reads '28,60 \u20ac' as 28.6."),
        (["1'234,5"] * 3, {}, 'decimal="," and thousands="\'" reads'),
    ],
)
def test_the_error_names_the_way_to_read(read, table, amounts, options, says):
    with pytest.raises(BadRowsError) as caught:
        read(table(v=amounts), **options)
    assert says in str(caught.value)


def test_what_the_error_advises_reads_the_log(read, table):
    for amounts in (["28,60", "5", "7,1"], ["1.234,50"] * 3, ["1'234.5"] * 3):
        log = table(v=amounts)
        with pytest.raises(BadRowsError) as caught:
            read(log)
        advice = str(caught.value).split("written: ")[1].split(" reads ")[0]
        options = dict(each.split("=") for each in advice.split(" and "))
        assert len(
            read(log, **{name: text.strip('"') for name, text in options.items()}).days().collect()
        )


@pytest.mark.parametrize(
    ("amounts", "met"),
    [(["$5", "6 \u20ac", "$7"], "'$', '\u20ac'"), (["EUR 5", "USD 6", "7 EUR"], "'EUR', 'USD'")],
)
def test_two_currencies_are_refused_however_many_rows_may_be_dropped(read, table, amounts, met):
    for most in (0, 3):
        with pytest.raises(DataError, match="amounts in several currencies") as caught:
            read(table(v=amounts), max_bad_rows=most)
        assert met in str(caught.value)
        assert "one file a currency" in str(caught.value)


def test_an_amount_without_the_mark_of_all_others(read):
    log = pd.DataFrame({"c": "a", "d": "2024-01-01", "v": ["$2"] * 120 + ["7"]})
    with pytest.raises(BadRowsError, match=r"'7' \(row 121\). Other amounts carry '\$'"):
        read(log, key=())
    assert read(log, key=(), max_bad_rows=1).purchases()["value"].tolist() == [240.0]


def test_a_mark_is_not_looked_for_behind_blank_amounts(read, table, counts):
    ledger = read(table(v=["", "$2", "$3"]), max_bad_rows=1)
    assert ledger.purchases()["value"].tolist() == [3.0, 2.0]
    assert counts(ledger)["currency"] == 1
    assert "currency" not in counts(read(table(v=["1", "2", "3"])))


def test_further_numbers_of_a_text_file_are_written_alike(read, table, file):
    log = table(v=["1,5", "2", "3"], cost=["0,25", "1", "1.000"], note=["1", "x", "2,5"])
    path = file(log.to_csv(index=False))
    rows = read(path, **GERMAN, purchase_columns=["cost", "note"]).purchases()
    assert rows["cost"].tolist() == [0.25, 1000.0, 1.0]
    assert rows["note"].tolist() == ["1", "2,5", "x"]
