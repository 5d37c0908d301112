"""What the audit warns of in a log that can be read but may not mean what its reader thinks."""

import warnings
from pathlib import Path

import pandas as pd
import pytest

from forecast.backtest.checks.histories import Histories
from forecast.backtest.checks.truncation import left_truncation
from forecast.errors import DataWarning
from forecast.ledger import read_ledger

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "online_retail_ii.csv.gz"
LOG = pd.DataFrame(
    {
        "Customer ID": ["a", "b", "a"],
        "Order Date": ["2024-01-01", "2024-01-05", "2024-02-01"],
        "SKU": ["A-1", "B-2", "C-3"],
        "Line Total": ["28,60 \u20ac", "5 \u20ac", "-28,60 \u20ac"],
        "Pieces": [1, 2, -1],
    }
)


@pytest.mark.parametrize("kind", ["csv", "pandas"])
def test_a_log_whose_amount_has_an_unusual_name(kind, file):
    source = LOG if kind == "pandas" else file(LOG.to_csv(index=False))
    with pytest.warns(DataWarning, match="No amount column found; numeric columns: 'Line Total'"):
        ledger = read_ledger(source)
    line = ledger.audit.set_index("check").loc["no amounts"]
    assert line["severity"] == "warning"
    assert "numeric columns: 'Line Total', 'Pieces'; say value=..." in line["what"]
    assert len(ledger.purchases()) == 3  # the refund too


def test_a_log_without_numbers_or_named_by_its_user_is_silent(counts):
    plain = read_ledger(LOG[["Customer ID", "Order Date", "SKU"]])
    named = read_ledger(LOG, customer="Customer ID", date="Order Date")
    assert "no amounts" not in counts(plain) | counts(named)


def test_all_rows_on_one_day(table, read, counts):
    ledger = read(table(d="2024-01-01", c=["a", "b", "c"]))
    line = ledger.audit.set_index("check").loc["one day"]
    assert (line["count"], line["severity"]) == (3, "warning")
    assert "All purchases are of 2024-01-01" in line["what"]
    spoiled = table(d=pd.to_datetime([20240101, 20240105, 20240201]), c=["a", "b", "c"])
    with pytest.warns(DataWarning, match="1970-01-01, as when numbers are taken for nanoseconds"):
        read(spoiled)
    assert "one day" not in counts(read(table()))
    assert "one day" not in counts(read(table().head(1)))  # one purchase has one day


def test_the_audit_and_the_check_count_early_customers_alike():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        ledger = read_ledger(SAMPLE)
    check = left_truncation(Histories.of(ledger))
    line = ledger.audit.set_index("check").loc["early customers"]
    assert line["count"] == check.evidence["first_block"]
    assert f"against {check.evidence['usual_block']:,.0f} in a usual month" in line["what"]


def test_a_log_of_one_cohort_is_no_truncated_one(read):
    days = pd.date_range("2023-01-01", periods=300).strftime("%Y-%m-%d")
    log = pd.DataFrame({"c": [f"c{at % 30}" for at in range(300)], "d": days, "v": 1.0})
    line = read(log).audit.set_index("check").loc["early customers"]
    assert (line["count"], line["severity"]) == (30, "info")
    assert "one cohort" in line["what"]
