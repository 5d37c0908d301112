"""Broken rows and columns: one clear message with column, count, first values and a remedy."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import forecast as fc
from forecast.errors import (
    BadRowsError,
    ColumnError,
    CutoffError,
    DataWarning,
    UsageError,
)

GOOD = "c,d,v\na,2024-01-01,1\nb,2024-01-05,2\na,2024-02-01,3\n"


# rows that lack something: column, problem, count, first sample, remedy
BAD_ROWS = [
    # 1 missing ids
    ({"c": ["a", None, "b"]}, "c", "missing customer", 1, "d=2024-01-05", "Mend them."),
    ({"c": [None] * 3}, "c", "missing customer", 3, "d=2024-01-01", "Mend them."),
    ({"c": ["a", " ", ""]}, "c", "missing customer", 2, "d=2024-01-05", "needs a customer"),
    ({"c": pd.array([1, None, 3], dtype="Int64")}, "c", "missing customer", 1, "d=", "Mend"),
    # 2 missing dates
    ({"d": [None] * 3}, "d", "missing date", 3, "c=a", "Mend them."),
    ({"d": ["2024-01-01", " ", None]}, "d", "missing date", 2, "c=b", "Mend them."),
    (
        {"d": pd.to_datetime(["2024-01-01", None, "2024-01-05"])},
        "d", "missing date", 1, "c=b", "Mend them.",
    ),
    # days that are in no calendar
    ({"d": ["2021-02-30", "2021-01-05", "2021-02-01"]}, "d", "unreadable", 1, "2021-02-30", "Mend"),
    ({"d": ["2023-02-29", "2024-02-29", "2024-01-01"]}, "d", "unreadable", 1, "2023-02-29", "Mend"),
    ({"d": ["1900-02-29", "2000-02-29", "2024-01-01"]}, "d", "unreadable", 1, "1900-02-29", "1900"),
    ({"d": ["2023-13-01", "0000-00-00", "2024-01-01"]}, "d", "unreadable", 2, "2023-13-01", "Mend"),
    ({"d": ["0001-01-01", "1899-12-30", "2024-01-01"]}, "d", "unreadable", 2, "0001-01-01", "1900"),
    ({"d": ["2024-01-01 25:00", "2024-01-01 24:00", "2024-01-01"]}, "d", "unreadable", 2, "25", ""),
    ({"d": ["2024-01-01 10:00 EST", "x", "2024-01-01"]}, "d", "unreadable", 2, "EST", "YYYY-MM-DD"),
    ({"d": pd.to_datetime(["1899-12-30"] * 3)}, "d", "unreadable", 3, "1899-12-30", "from 1900"),
    (
        {"d": np.array(["20000-01-01", "-0100-01-01", "2024-01-01"], dtype="M8[s]")},
        "d", "unreadable", 2, "20000-01-01", "Mend",
    ),
    # 6 future dates
    ({"d": ["2024-01-01", "2120-01-01", "2121-01-05"]}, "d", "in the future", 2, "2120", "as_of"),
    ({"d": ["2024-01-01", "9999-12-31", "2024-01-05"]}, "d", "in the future", 1, "9999", "as_of"),
    # 13 infinite, 14 missing, 15 text
    ({"v": [np.inf, 1, -np.inf]}, "v", "infinite amount", 2, "inf", "Mend them."),
    ({"v": ["inf", "-Infinity", "1e999"]}, "v", "infinite amount", 3, "inf", "Mend them."),
    ({"v": [np.nan, 1, 2]}, "v", "missing amount", 1, "c=a", "amount 0"),
    ({"v": ["NaN", "", None]}, "v", "missing amount", 3, "c=a", "Mend them."),
    ({"v": pd.array([1, None, 3], dtype="Int64")}, "v", "missing amount", 1, "c=b", "Mend"),
    ({"v": ["1,234.50", "$5", "3"]}, "v", "no number", 2, "1,234.50", 'thousands=","'),
    ({"v": ["5", "$5", "3"]}, "v", "no number", 1, "$5", "'$' must stand beside every amount"),
    ({"v": ["$5", "5", "3"]}, "v", "no number", 1, "$5", "'$' must stand beside every amount"),
    ({"v": ["1,5", "10%", "(3)"]}, "v", "no number", 3, "1,5", "a point before the cents"),
    ({"v": ["1 000", "1\xa0000", "1_000"]}, "v", "no number", 3, "1 000", "of thousands"),
    ({"v": ["0x10", "\u0661\u0662", "\u22125"]}, "v", "no number", 3, "0x10", "plain numbers"),
    ({"v": ["True", "x", "--1"]}, "v", "no number", 3, "True", "plain numbers"),
    ({"v": [1j, 2j, 3j]}, "v", "no number", 3, "1j", "plain numbers"),
    ({"v": [1e308, 1e15, 2.0]}, "v", "beyond 10,000,000,000,000", 2, "1e+308", "Mend them."),
    ({"v": np.array([2**63 + 5, 1, 2], dtype="uint64")}, "v", "beyond", 1, "9223372036854", ""),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "column", "problem", "count", "sample", "remedy"), BAD_ROWS)
def test_rows_that_cannot_be_read(
    refused, table, read, columns, column, problem, count, sample, remedy
):
    log = table(**columns)
    says = (f"Column '{column}' of the pandas table", problem, remedy)
    error = refused(lambda: read(log), BadRowsError, says=says)
    assert (error.column, error.count) == (column, count)
    assert sample in str(error.samples[0])
    assert len(error.samples) <= 5


@pytest.mark.parametrize(
    ("row", "column", "problem", "sample"),
    [
        (",2024-01-05,2", "c", "missing customer", "d=2024-01-05"),
        ('"",2024-01-05,2', "c", "missing customer", "d=2024-01-05"),
        ("b,,2", "d", "missing date", "c=b"),
        ("b,2021-02-30,2", "d", "unreadable date", "2021-02-30"),
        ("b,2120-01-01,2", "d", "dates in the future", "2120-01-01"),
        ("b,2024-01-05,", "v", "missing amount", "c=b"),
        ("b,2024-01-05,nan", "v", "missing amount", "c=b"),
        ("b,2024-01-05,-inf", "v", "infinite amount", "-inf"),
        ("b,2024-01-05,€5", "v", "amount that is no number", "€5"),
        ('b,2024-01-05,"1,234.50"', "v", "amount that is no number", "1,234.50"),
    ],
)
def test_the_same_from_text(refused, file, read, row, column, problem, sample):
    path = file(f"c,d,v\na,2024-01-01,1\n{row}\na,2024-02-01,3\n")
    error = refused(lambda: read(path), BadRowsError, says=(problem, str(path), "in 1 row."))
    assert (error.column, error.count, error.samples) == (column, 1, [sample])


def test_the_largest_fault_comes_first_and_the_others_are_listed(refused, table, file, read):
    log = table(c=["a", None, "b"], d="2024-01-01", v=["28,60", "1,50", "1.234,50"])
    says = (
        "amount that is no number in 2 rows. First: '28,60' (row 1), '1.234,50' (row 3).",
        "Also column 'c': missing customer in 1 row, 'd=2024-01-01' (row 2).",
        "3 of 3 rows are bad in all. Mend them.",
    )
    for source in (log, file(log.to_csv(index=False))):
        error = refused(lambda source=source: read(source), BadRowsError, says=says)
        assert (error.column, error.count, error.samples) == ("v", 2, ["28,60", "1.234,50"])
        assert "max_bad_rows" not in str(error)


@pytest.mark.parametrize(("rows", "offered"), [(20, True), (19, False)])
def test_dropping_is_offered_where_few_rows_are_bad(refused, read, rows, offered):
    log = pd.DataFrame({"c": "a", "d": "2024-01-01", "v": ["x", *["1"] * (rows - 1)]})
    error = refused(lambda: read(log, key=()), BadRowsError)
    assert ("drop them with max_bad_rows=1." in str(error)) is offered


def test_bad_rows_may_be_dropped_up_to_a_number_and_are_counted(refused, table, read, counts):
    log = table(c=["a", None, "b"], v=["1", "1", "x"])
    refused(lambda: read(log, max_bad_rows=1), BadRowsError, says=("2 of 3 rows",))
    ledger = read(log, max_bad_rows=2)
    assert ledger.purchases()["customer_id"].tolist() == ["a"]
    found = counts(ledger)
    assert found["rows"] == 3
    assert found["bad missing customer"] == found["bad amount that is no number"] == 1
    refused(lambda: read(table(v=["x"] * 3), max_bad_rows=3), says=("No row is left",))


def test_only_the_first_five_are_shown_and_long_values_are_cut(refused, read):
    log = pd.DataFrame({"c": list("abcdefgh"), "d": "2024-01-01", "v": ["x" * 1_000_000] * 8})
    error = refused(lambda: read(log), BadRowsError, says=("in 8 rows",))
    assert len(error.samples) == 5
    assert "xxx..." in str(error)


SEVERAL, EITHER, OTHER = (
    "written in more than one way",
    "can be read in more than one way",
    "not written YYYY-MM-DD",
)
DATES = [
    # 3 mixed formats, 4 ambiguous dates
    (["2024-01-01", "05/02/2024", "13/02/2024"], SEVERAL, "('2024-01-01', '05/02/2024')"),
    (["2024-01-01", "05/02/2024", "13/02/2024"], SEVERAL, '"%d/%m/%Y"'),
    (["01/02/2024", "13/02/2024", "02/13/2024"], SEVERAL, "('02/13/2024', '13/02/2024')"),
    (["03/02/2020", "04/02/2020", "05/02/2020"], EITHER, '"%d/%m/%Y" or "%m/%d/%Y"'),
    (["13/02/2020", "04/02/2020", "05/02/2020"], OTHER, '"%d/%m/%Y".'),
    (["02/13/2020 1:05 PM"] * 3, OTHER, '"%m/%d/%Y %I:%M %p"'),
    (["24-01-31", "24-01-05", "24-02-01"], EITHER, '"%y-%m-%d"'),
    (["2024-1-1", "2024-2-29", "2024-2-1"], OTHER, '"%Y-%m-%d"'),
    (["20240101", "20240229", "20240201"], OTHER, '"%Y%m%d"'),
    (["13 Feb 2020", "04 Feb 2020", "05 Mar 2020"], OTHER, '"%d %b %Y"'),
    (["45292", "45293", "45294"], OTHER, "date_format="),
    (["yesterday", "today", "now"], OTHER, "date_format="),
    (["2024-W01-1", "2024-W02-1", "2024-W03-1"], OTHER, "date_format="),
    (pd.PeriodIndex(["2024-01", "2024-02", "2024-03"], freq="M"), OTHER, "date_format="),
]  # fmt: skip


@pytest.mark.parametrize(("dates", "problem", "remedy"), DATES)
def test_dates_written_in_another_way(refused, table, read, dates, problem, remedy):
    error = refused(lambda: read(table(d=dates)), BadRowsError, says=(problem, remedy))
    assert error.column == "d"


@pytest.mark.parametrize(
    ("dates", "says"),
    [
        ([pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02")] * 2, "some do not"),
        (pd.to_datetime(["2024-01-01 23:30"] * 3, utc=True), 'timezone="Europe/London"'),
        ([20240101, 20240229, 20240201], 'date_format="%Y%m%d"'),
        ([1704067200.0] * 3, "Float64 is no date"),
        ([True, False, True], "Boolean is no date"),
        ([b"2024-01-01"] * 3, "Binary is no date"),
        ([["2024-01-01"]] * 3, "no date"),
        (pd.to_timedelta([1, 2, 3], unit="D"), "Duration"),
    ],
)
def test_columns_that_are_no_dates(refused, table, read, dates, says):  # 5 and odd types
    log = table(d=list(dates)[:3]) if isinstance(dates, list) else table(d=dates)
    if "some do not" in says:
        log["d"] = log["d"].astype(object)
    refused(lambda: read(log, timezone="UTC" if "some" in says else None), says=("'d'", says))


@pytest.mark.parametrize(
    ("amounts", "says"),
    [
        ([True, False, True], "Boolean is no amount"),
        ([[1], [2], [3]], "List"),
        ([{"a": 1}] * 3, "Struct"),
        ([b"1", b"2", b"3"], "Binary"),
        (pd.to_timedelta([1, 2, 3], unit="D"), "Duration"),
        (pd.to_datetime(["2024-01-01"] * 3), "Datetime"),
    ],
)
def test_columns_that_are_no_amounts(refused, table, read, amounts, says):
    refused(lambda: read(table(v=amounts)), says=("'v'", says, "Give numbers"))


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([1.0, 2.0, 3.0], 'dtype={"c": str}'),  # 20
        ([1e18 + 1, 1e18 + 2, None], "15 digits"),
        (pd.Series([1, 2.5, "x"], dtype=object), "floating-point"),
        (pd.Categorical([1.0, 2.0, 1.0]), "floating-point"),
        ([True, False, True], "Boolean"),
        ([b"a", b"b", b"c"], "Binary"),
        ([["a"], ["b"], ["c"]], "list"),
        ([("a", 1), ("b", 2), ("c", 3)], "tuple"),
        ([date(2024, 1, 1)] * 3, "Date"),
        (pd.to_datetime(["2024-01-01"] * 3), "Datetime"),
    ],
)
def test_columns_that_are_no_ids(refused, table, read, ids, says):
    refused(lambda: read(table(c=ids)), says=("'c'", says))


def test_cutoffs_that_the_log_does_not_reach(refused, table, read):  # 7, 8
    refused(lambda: read(table(), cutoff="2020-01-01"), CutoffError, says=("2024-01-01",))
    refused(lambda: read(table(), cutoff="2150-01-01"), CutoffError, says=("in the future",))
    late = {"cutoff": "2024-01-20", "as_of": "2024-01-10"}
    refused(lambda: read(table(), **late), CutoffError, says=("today is 2024-01-10",))
    log = table(v=[-5.0, 3.0, 2.0])
    refused(lambda: read(log, cutoff="2024-01-03"), says=("no purchase up to 2024-01-03",))


def test_a_far_cutoff_is_warned_about_and_said(table, read, counts):  # 8
    with pytest.warns(DataWarning, match="334 days after the last purchase"):
        ledger = read(table(), cutoff="2024-12-31")
    assert ledger.cutoff == date(2024, 12, 31)
    assert counts(ledger)["days to the cutoff"] == 334
    near = read(table(), cutoff="2024-02-20")  # 19 days, where a usual gap is 15.5
    assert counts(near)["days to the cutoff"] == 19


def test_returns_and_nothing_else(refused, table, read):  # 10, 11
    for policy in ("net", "drop"):
        refused(
            lambda policy=policy: read(table(v=[-1.0, -2.0, -3.0]), returns=policy),
            says=("no purchase",),
        )
    error = refused(
        lambda: read(table(v=[-1.0, 2.0, -3.0]), returns="error"), BadRowsError, says=('"net"',)
    )
    assert (error.column, error.count, error.samples) == ("v", 2, [-3.0, -1.0])


def test_amounts_that_add_up_to_more_than_cents_can_stand(refused, read):
    days = pd.date_range("2000-01-01", periods=2000).astype(str)
    log = pd.DataFrame({"c": "a", "d": days, "v": 9e12})
    refused(lambda: read(log), says=("'v'", "larger unit"))


def test_repeated_rows_are_kept_and_warned_about(table, read, counts):  # 16
    log = table(c=["a", "a", "b"], d="2024-01-01", v=[1.0, 1.0, 1.0])
    with pytest.warns(DataWarning, match="1 row equals an earlier row"):
        ledger = read(log)
    assert counts(ledger)["repeated rows"] == 1
    assert ledger.purchases()["value"].tolist() == [2.0, 1.0]
    assert "repeated rows" not in counts(read(log, key=()))  # said to be genuine: no warning


def test_ids_stay_as_they_are(file, read):  # 20 to 23
    ids = ["007", "7", "NA", "null", "None", "nan", "1" + "0" * 19 + "1", "1" + "0" * 19 + "2"]
    path = file("c,d,v\n" + "".join(f"{each},2024-01-01,1\n" for each in ids))
    assert read(path).purchases()["customer_id"].tolist() == sorted(ids)
    big = pd.DataFrame({"c": [10**20 + 1, 10**20 + 2], "d": "2024-01-01", "v": 1.0})
    assert read(big).purchases()["customer_id"].tolist() == [str(10**20 + 1), str(10**20 + 2)]
    whole = pd.DataFrame({"c": [10**18 + 1, 10**18 + 2, 10**18 + 3], "d": "2024-01-01", "v": 1.0})
    assert len(read(whole).purchases()) == 3


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        (["caf\u00e9", "cafe\u0301", "b"], "'cafe\\u0301', 'caf\\xe9'"),  # 24
        (["a\u200bb", "ab", "b"], "'ab', 'a\\u200bb'"),
        (["a\u202eb", "ab", "b"], "'ab', 'a\\u202eb'"),
        ([" a", "a", "b"], "' a', 'a'"),
        (["17850", "17850.0", "b"], "'17850', '17850.0'"),
    ],
)
def test_ids_that_look_alike_stay_apart_and_are_warned_about(table, read, counts, ids, shown):
    with pytest.warns(DataWarning) as caught:
        ledger = read(table(c=ids))
    assert f"1 group of customer ids look alike but differ, e.g. {shown}." in str(caught[0].message)
    assert counts(ledger)["look-alike ids"] == 2
    assert counts(ledger)["customers"] == 3


def test_strange_ids_without_a_twin_are_silent(table, read, counts):
    ledger = read(table(c=["日本", "b\u200b", "c d"]))
    assert "look-alike ids" not in counts(ledger)


def test_doubled_names(refused, file, read, tmp_path):  # 31
    doubled = "must differ"
    refused(lambda: read(file("c,d,v,v\na,2024-01-01,1,2\n")), ColumnError, says=(doubled, "'v'"))
    refused(lambda: read(file("c,d,v,V\na,2024-01-01,1,2\n")), ColumnError, says=("'V', 'v'",))
    log = pd.DataFrame([["a", "2024-01-01", 1, 2]], columns=["c", "d", "v", "v"])
    refused(lambda: read(log), ColumnError, says=("the pandas table", doubled))
    log.columns = ["c", "d", "v", "V"]
    refused(lambda: read(log), ColumnError, says=(doubled,))
    pq.write_table(pa.Table.from_pandas(log), tmp_path / "log.parquet")
    refused(lambda: read(tmp_path / "log.parquet"), ColumnError, says=(doubled,))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"value": "amount"}, ("No column 'amount'", "Columns: 'c', 'd', 'v'")),  # 32
        ({"value": "V"}, ("Did you mean 'v'?",)),
        ({"customer": "C "}, ("Did you mean 'c'?",)),
        ({"customer": ""}, ("No column ''",)),
        ({"key": "order"}, ("No column 'order'",)),
        ({"customer_columns": ["country"]}, ("No column 'country'",)),
    ],
)
def test_missing_columns(refused, table, file, read, options, says):
    refused(lambda: read(table(), **options), ColumnError, says=says)
    path = file(table().to_csv(index=False))
    refused(lambda: read(path, **options), ColumnError, says=says)


@pytest.mark.parametrize("name", ["currency", "Currency", "currency_code"])
def test_amounts_in_several_currencies(refused, table, file, read, counts, name):  # 45
    log = table(**{name: ["EUR", "USD", ""]})
    for source in (log, file(log.to_csv(index=False))):
        refused(
            lambda source=source: read(source),
            says=(f"Column '{name}' of", "'EUR', 'USD'", "one file a currency", "purchase_columns"),
        )
        assert counts(read(source, purchase_columns=[name]))["purchases"] == 3
        assert counts(read(source, value=None))["purchases"] == 3  # nothing is added up
    assert counts(read(table(**{name: ["EUR", None, "EUR"]})))["purchases"] == 3


@pytest.mark.parametrize(
    "options",
    [
        {"returns": "nett"}, {"returns": None}, {"returns": ["net"]}, {"value": "d"},
        {"value": 3}, {"customer": 0}, {"key": [3]}, {"key": 5}, {"customer_columns": [None]},
        {"max_bad_rows": -1}, {"max_bad_rows": "1"}, {"max_bad_rows": 1.5}, {"max_bad_rows": True},
        {"cutoff": "yesterday"}, {"cutoff": 20240131}, {"cutoff": "2024-01-31 10:00"},
        {"cutoff": ""}, {"cutoff": pd.NaT}, {"cutoff": np.datetime64("NaT", "D")}, {"as_of": "now"},
        {"date_format": 3}, {"date_format": "mixed"}, {"date_format": "%Q%Y%m%d"},
        {"date_format": "%H:%M"}, {"date_format": "%Y-%m"}, {"date_format": "%Y-%m-%d %z"},
        {"timezone": "Mars/One"}, {"timezone": 5}, {"timezone": "UTC"}, {"timezone": "../etc"},
        {"delimiter": ";;"}, {"delimiter": ""}, {"delimiter": 3}, {"delimiter": '"'},
        {"decimal": ";"}, {"decimal": 1}, {"thousands": "."}, {"thousands": ""}, {"thousands": "_"},
        {"decimal": ","}, {"thousands": ","},  # of a column that holds numbers
        {"delimiter": "\n"}, {"encoding": "klingon"}, {"encoding": 5}, {"encoding": "base64"},
        {"customer_columns": ["v"]}, {"purchase_columns": ["c"]},
    ],
)  # fmt: skip
def test_options_that_cannot_be_honoured(refused, table, read, options):
    name = next(iter(options))
    error = refused(lambda: read(table(), **options), UsageError, 2)
    assert name in str(error) or "two roles" in str(error)


def test_a_format_for_dates_that_are_no_text(refused, table, read):
    log = table(d=pd.to_datetime(["2024-01-01"] * 3))
    refused(lambda: read(log, date_format="%d.%m.%Y"), UsageError, 2, says=("not text",))


def test_dates_that_do_not_fit_the_format(refused, table, read):
    log = table(d=["13/02/2020", "04-02-2020", "05/02/2020"])
    error = refused(
        lambda: read(log, date_format="%d/%m/%Y"), BadRowsError, says=('date_format="%d/%m/%Y"',)
    )
    assert error.samples == ["04-02-2020"]


def test_a_column_decides_how_its_dates_are_written() -> None:
    days = [f"{day:02d}/01/2024" for day in range(1, 29)] * 20
    log = pd.DataFrame({"customer": [f"c{at}" for at in range(len(days))], "date": days})
    with pytest.raises(BadRowsError) as caught:
        fc.read_ledger(log, key=())
    assert '"%d/%m/%Y"' in str(caught.value)
    assert '"%m/%d/%Y"' not in str(caught.value)


def test_control_characters_in_ids_are_warned_about() -> None:
    log = pd.DataFrame({"customer": ["a", "c\x001"], "date": ["2024-01-01", "2024-01-02"]})
    with pytest.warns(DataWarning, match="control characters"):
        ledger = fc.read_ledger(log)
    line = ledger.audit.set_index("check").loc["control characters"]
    assert line["severity"] == "warning"
