"""Names: whatever signs they hold, they are names."""

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import UsageError
from forecast.jobs.stores import postgresql as server_of
from forecast.jobs.stores.databases import Table, quoted
from forecast.jobs.stores.duckdb_file import DuckDBFile
from forecast.jobs.stores.sqlite_file import SQLiteFile

NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)


@settings(max_examples=20, deadline=None)
@given(table=NAMES, column=NAMES)
def test_any_name_in_a_file(table, column):
    import sqlite3

    with duckdb.connect() as connection:
        check(DuckDBFile("it", connection), Table("main", table, "memory"), column)
    connection = sqlite3.connect(":memory:")
    name = table if not table.lower().startswith("sqlite_") else "its own"
    check(SQLiteFile("it", connection), Table("main", name), column)
    connection.close()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=NAMES, column=NAMES)
def test_any_name_on_a_server(postgresql, table, column):
    opened = server_of.PostgreSQL("it", postgresql)
    check(opened, Table("public", table), column)
    opened.run(f"DROP TABLE {Table('public', table).sql}")


def check(opened, table, column):
    opened.run(f"CREATE TABLE {table.sql} ({quoted(column)} INTEGER)")
    opened.run(f"INSERT INTO {table.sql} VALUES (7)")
    assert table in opened.tables()
    assert list(opened.columns(table)) == [column]
    found = [batch for batch in opened.batches(table, [column]) if len(batch)]
    assert [batch.to_pylist() for batch in found] == [[{column: 7}]]


def test_nul_is_refused():
    assert quoted('a"b') == '"a""b"'
    with pytest.raises(UsageError, match="NUL"):
        quoted("a\0b")
