"""A Spark table keeps its rows in Spark and gives the ledger that any other source gives."""

from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from forecast.datasets import load_cdnow
from forecast.errors import BadRowsError, DataError, UnsupportedError, UsageError
from forecast.ledger import read_ledger
from forecast.ledger.storage import save_ledger
from forecast.views import cohort_table, customer_features, customer_summary, revenue_series

pytestmark = [
    pytest.mark.spark,
    # PySpark 4.3 says of every pandas 3 that it is not fully supported; Arrow is what is used
    pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
NAMES = {"customer": "customer_id", "date": "date", "value": "amount", "key": ()}
TEXT = "customer_id string, date string, amount string"


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    rows = load_cdnow(sample=True)
    rows["amount"] = rows["amount"].where(rows.index % 50 != 0, -rows["amount"])  # some returns
    return rows.assign(date=rows["date"].dt.strftime("%Y-%m-%d"), half=rows["quantity"] % 2)


def test_the_same_ledger_as_from_pandas(spark: Any, log: pd.DataFrame) -> None:
    options = NAMES | {"cutoff": "1997-09-30", "customer_columns": ["half"]}
    table = spark.createDataFrame(pa.Table.from_pandas(log, preserve_index=False))
    ours = read_ledger(log, **options)
    theirs = read_ledger(table, **options)
    lines = ["check", "count", "severity"]
    pd.testing.assert_frame_equal(theirs.audit[lines], ours.audit[lines])
    pd.testing.assert_frame_equal(
        customer_summary(theirs), customer_summary(ours), check_dtype=False, atol=1e-9
    )
    assert theirs.summary_hash() == ours.summary_hash()
    past = theirs.cut("1997-06-30")
    assert past.summary_hash() == ours.cut("1997-06-30").summary_hash()
    pd.testing.assert_frame_equal(
        theirs.actuals("1997-06-30", "13W", "all"), ours.actuals("1997-06-30", "13W", "all")
    )
    for refused in (
        theirs.purchases,
        lambda: revenue_series(theirs),
        lambda: cohort_table(theirs),
        lambda: customer_features(theirs),
        lambda: save_ledger(theirs, "nowhere"),
    ):
        with pytest.raises(UnsupportedError, match="Spark"):
            refused()


def small(spark: Any, day: str = "2024-02-01", amount: str = "1", date: str = "string") -> Any:
    rows = [("a", day, amount), ("b", "2024-01-05", "2")]
    if date != "string":
        rows = [("a", datetime(2024, 1, 1, 23, 30), "1"), ("a", datetime(2024, 1, 2), "2")]
    return spark.createDataFrame(rows, f"customer_id string, date {date}, amount string")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"day": "2024-02-30"}, "Column 'date' of the Spark table: unreadable date in 1 row"),
        ({"day": "03/02/2020"}, 'date_format="%d/%m/%Y" or "%m/%d/%Y"'),
        ({"day": ""}, r"missing date in 1 row. First: 'customer_id=a'"),
        ({"amount": "$5"}, "Column 'amount'.*no number in 1 row.*'\\$5'"),
        ({"amount": "1e999"}, "infinite amount"),
        ({"amount": ""}, "missing amount"),
    ],
)
def test_bad_rows(spark: Any, row: dict[str, str], says: str) -> None:
    with pytest.raises(BadRowsError, match=says):
        read_ledger(small(spark, **row), **NAMES)


def test_formats_and_zones(spark: Any) -> None:
    written = small(spark, day="13/02/2020").filter("customer_id = 'a'")
    ledger = read_ledger(written, **NAMES, date_format="%d/%m/%Y")
    assert str(ledger.first_day) == "2020-02-13"
    moments = small(spark, date="timestamp")
    with pytest.raises(UsageError, match=r"session's time zone, UTC.*Asia/Tokyo"):
        read_ledger(moments, **NAMES, timezone="Asia/Tokyo")
    text = small(spark, day="2024-03-31T22:00:00Z").filter("customer_id = 'a'")
    ledger = read_ledger(text, **NAMES, timezone="Europe/Berlin")  # whatever the session's zone
    assert str(ledger.first_day) == "2024-04-01"
    marked = spark.createDataFrame(
        [("a", "2024-01-01", "1.234,50\u00a0\u20ac"), ("b", "2024-01-02", "\u20ac -5")], TEXT
    )
    ledger = read_ledger(marked, **NAMES, decimal=",", thousands=".", returns="keep")
    assert customer_summary(ledger)["total_value"].tolist() == [1234.5, -5.0]
    ledger = read_ledger(moments, **NAMES, timezone="UTC")
    assert customer_summary(ledger)["n_purchases"].tolist() == [2]
    assert "Days are counted in UTC time zone." in set(ledger.audit["what"])


def test_what_spark_itself_refuses(spark: Any) -> None:
    table = small(spark)
    with pytest.raises(DataError, match=r"the Spark table: cannot be read: .*boom"):
        read_ledger(table.selectExpr("customer_id", "date", "raise_error('boom') amount"), **NAMES)
    with pytest.raises(DataError, match="columns but no rows"):
        read_ledger(table.filter("amount = 'none'"), **NAMES)
    with pytest.raises(DataError, match="floating-point"):
        read_ledger(table.selectExpr("1.5D customer_id", "date", "amount"), **NAMES)
    with pytest.raises(DataError, match="no date"):
        read_ledger(table.selectExpr("customer_id", "array(1) date", "amount"), **NAMES)
    with pytest.raises(UsageError, match="not a purchase log"):
        read_ledger(spark, **NAMES)
