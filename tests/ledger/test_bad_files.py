"""Broken files: each gives one clear message that names the file and says what to mend."""

import gzip
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.errors import ColumnError, UsageError

GOOD = "c,d,v\na,2024-01-01,1\nb,2024-01-05,2\na,2024-02-01,3\n"


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\n", " \n"])
def test_empty_files(refused, file, read, content):  # 25
    path = file(content)
    refused(lambda: read(path), says=(str(path), "empty"))


def test_a_header_and_no_rows(refused, file, read, table):  # 25
    refused(lambda: read(file("c,d,v\n")), says=("columns but no rows",))
    refused(lambda: read(file("c,d,v")), says=("columns but no rows",))
    refused(lambda: read(table().head(0)), says=("the pandas table has columns but no rows",))
    refused(lambda: read(pd.DataFrame()), says=("no columns",))
    refused(lambda: read(file("\n" + GOOD)), says=("line 1 is empty",))


def test_wrong_delimiter(refused, file, read):  # 26
    for sign in ";\t|":
        path = file(GOOD.replace(",", sign))
        refused(lambda path=path: read(path), ColumnError, says=("1 column", f"{sign!r}?"))
        assert len(read(path, delimiter=sign).purchases()) == 3
    refused(lambda: read(file(GOOD), delimiter=";"), ColumnError, says=("delimiter=','?",))
    assert len(read(file(GOOD.replace(",", "\t"), "log.tsv")).purchases()) == 3


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("b,2024-01-05,2,9", ("line 3", "3 fields expected, 4 found")),  # 27
        ("b,2024-01-05", ("line 3", "3 fields expected, 2 found")),
        ('"b,2024-01-05,2', ("line 3", "never closed")),
    ],
)
def test_ragged_rows_and_stray_quotes(refused, file, read, row, says):
    path = file(f"c,d,v\na,2024-01-01,1\n{row}\na,2024-02-01,3\n")
    refused(lambda: read(path), says=(str(path), *says))


@pytest.mark.parametrize("name", ['b"x', 'b"x"', 'b""', "'b"])
def test_quotes_inside_a_field_are_part_of_it(file, read, name):  # 27
    path = file(f"c,d,v\na,2024-01-01,1\n{name},2024-01-05,2\na,2024-02-01,3\n")
    ledger = read(path)
    assert set(ledger.purchases()["customer_id"]) == {"a", name}
    assert len(ledger.purchases()) == 3


def test_a_quote_left_open_in_the_first_line(refused, file, read):
    refused(lambda: read(file('"c,d,v\na,2024-01-01,1\n')), says=("line 1", "not CSV"))


def test_quoted_line_ends_and_blank_lines_are_fine(file, read):
    path = file('c,d,v\n"a\nb",2024-01-01,1\n\n"x ""y""",2024-01-02,2\n\n')
    assert read(path).purchases()["customer_id"].tolist() == ["a\nb", 'x "y"']


LONG = gzip.compress(
    (
        GOOD + "".join(f"{i},2024-01-0{i % 9 + 1},{i * 7919 % 1000}\n" for i in range(20_000))
    ).encode(),
    mtime=0,
)
DAMAGED = [
    (LONG[: len(LONG) // 2], "compressed file is damaged"),  # 28
    (LONG[:-3], "compressed file is damaged"),
    (LONG[:5], "compressed file is damaged"),
    (LONG[:-8] + b"\0\0\0\0" + LONG[-4:], "compressed file is damaged"),  # wrong checksum
    (LONG[:2000] + b"\xff" * 50 + LONG[2050:], "compressed file is damaged"),
    (gzip.compress(GOOD.encode(), mtime=0) + b"junk", "compressed file is damaged"),
    (gzip.compress(b"", mtime=0), "empty"),
    (gzip.compress(b"PAR1abc", mtime=0), "Parquet, compressed"),
]


@pytest.mark.parametrize(("content", "says"), DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_gzip(refused, file, read, content, says):
    path = file(content, "log.csv.gz")
    refused(lambda: read(path), says=(str(path), says))


def test_gzip_without_its_name_and_in_several_members(file, read):  # 29
    assert len(read(file(gzip.compress(GOOD.encode()), "log.csv")).purchases()) == 3
    parts = gzip.compress(GOOD.encode()) + gzip.compress(b"z,2024-01-09,4\n")
    assert len(read(file(parts, "log.gz")).purchases()) == 4


def test_damaged_parquet(refused, tmp_path, table, read):  # 28
    path = tmp_path / "log.parquet"
    table(c=[f"customer {i}" for i in range(3)]).to_parquet(path)
    whole = path.read_bytes()
    middle = whole[:20] + b"\xff" * 100 + whole[120:]
    for broken in (whole[:-20], whole[:100], whole[:4], middle):
        path.write_bytes(broken)
        refused(lambda: read(path), says=(str(path), "Parquet file is damaged"))
    path.write_bytes(GOOD.encode())
    refused(lambda: read(path), says=("is named Parquet but is none",))
    path.rename(tmp_path / "log.csv")
    assert len(read(tmp_path / "log.csv").purchases()) == 3
    (tmp_path / "other.csv").write_bytes(whole)  # Parquet, whatever its name
    assert len(read(tmp_path / "other.csv").purchases()) == 3


def test_encodings(refused, file, read):  # 30
    text = GOOD.replace("b,", "café,")
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "UTF8"):
        path = file(text.encode(encoding))
        assert "café" in set(read(path, encoding=encoding).purchases()["customer_id"])
    path = file(text.encode("latin-1"))
    refused(lambda: read(path), says=(str(path), 'encoding="cp1252"'))
    deep = file(b"c,d,v\n" + b"a,2024-01-01,1\n" * 30_000 + text.encode("latin-1")[6:])
    refused(lambda: read(deep, key=()), says=('encoding="cp1252"',))
    refused(lambda: read(file(GOOD.encode("utf-16"))), says=("utf-16",))
    refused(lambda: read(file(GOOD.encode("utf-16-le"))), says=("NUL", "utf-16"))
    refused(lambda: read(file(text.encode()), encoding="ascii-ish"), UsageError, 2)
    refused(lambda: read(file(text.encode("latin-1")), encoding="utf-16"), says=("not utf-16",))


def test_marks_and_line_ends(refused, file, read):  # 30
    for text in (
        "\ufeff" + GOOD,
        '\ufeff"c","d","v"\n' + GOOD[6:],
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
    ):
        assert len(read(file(text)).purchases()) == 3
    refused(lambda: read(file(GOOD.replace("a,", "a\0,"))), says=("NUL",))
    mixed = "c,d,v\r\na,2024-01-01,1\nb,2024-01-05,2\r\na,2024-02-01,3\n"
    refused(lambda: read(file(mixed)), says=("line ends of several kinds",))


@pytest.mark.parametrize("size", [1_500_000, 3_000_000, 40_000_000])
def test_a_line_without_an_end(refused, file, read, size):
    """DuckDB leaves a last line of 40 MB out without a word."""
    path = file("c,d,v\na,2024-01-01,1\n" + "x" * size + ",2024-01-01,1\n")
    says = "text of 1,500,000 signs" if size < 2_000_000 else "line is longer"
    refused(lambda: read(path), says=(str(path), says))


def test_no_header(refused, file, read):
    path = file(GOOD[6:])
    refused(lambda: read(path), ColumnError, says=("first row looks like data",))


def test_a_parquet_file_that_lies_about_its_days(refused, tmp_path, read):
    """Statistics that are not true of the rows let DuckDB leave the check of each day out."""
    days = [date(2024, 1, 1 + at) for at in range(3)]
    path = tmp_path / "log.parquet"
    pq.write_table(
        pa.table({"c": ["a", "b", "a"], "d": days, "v": [1.0, 2.0, 3.0]}),
        path, compression="none", use_dictionary=False,
    )  # fmt: skip
    day = np.int32(19724).tobytes()  # 2024-01-02, in the middle, so not in the statistics
    whole = path.read_bytes()
    assert whole.count(day) == 1
    for wrong in (2_000_000_000, -2_000_000_000):
        path.write_bytes(whole.replace(day, np.int32(wrong).tobytes()))
        refused(lambda: read(path), says=(str(path), "damaged"))
