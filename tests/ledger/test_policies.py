"""What a purchase is: returns, zero days, merging, keys, and columns that are kept."""

import pandas as pd
import pytest

from forecast.errors import BadRowsError, DataWarning
from forecast.views import customer_summary

LOG = pd.DataFrame(
    [
        ("a", "2024-01-01", 20.0, "UK", 2),
        ("a", "2024-01-01", 30.0, "UK", 3),  # the same day: one purchase of 50
        ("a", "2024-02-01", -15.0, "FR", -1),  # a return alone
        ("a", "2024-03-01", 0.0, "UK", 1),  # a gift
        ("b", "2024-01-05", 40.0, None, 4),
        ("b", "2024-01-06", 10.0, "DE", 1),
        ("b", "2024-01-06", -4.0, "DE", -1),  # nets to 6
        ("b", "2024-01-07", 5.0, "DE", 1),
        ("b", "2024-01-07", -9.0, "DE", -2),  # nets to -4
        ("c", "2024-01-09", -7.0, "UK", -1),  # only returns
        ("d", "2024-01-10", 5.0, "IT", 1),
        ("d", "2024-01-10", -5.0, "FR", -1),  # nets to 0
    ],
    columns=["c", "d", "v", "country", "pieces"],
)
DAYS = {
    "net": "a 01-01 50, a 03-01 0, b 01-05 40, b 01-06 6, d 01-10 0",
    "drop": "a 01-01 50, a 03-01 0, b 01-05 40, b 01-06 10, b 01-07 5, d 01-10 5",
    "keep": "a 01-01 50, a 02-01 -15, a 03-01 0, b 01-05 40, b 01-06 6, b 01-07 -4, c 01-09 -7, "
    "d 01-10 0",
}
COUNTS = {
    "net": {"purchases": 5, "customers": 3, "merged rows": 3, "returns": 5, "days below 0": 3,
            "customers without a purchase": 1, "zero purchases": 2},
    "drop": {"purchases": 6, "customers": 3, "merged rows": 1, "returns": 5,
             "customers without a purchase": 1, "zero purchases": 1},
    "keep": {"purchases": 8, "customers": 4, "merged rows": 4, "returns": 5, "zero purchases": 2},
}  # fmt: skip


@pytest.mark.parametrize("policy", DAYS)
def test_returns(read, counts, policy):
    ledger = read(LOG, returns=policy)
    rows = ledger.purchases()
    found = [
        f"{row.customer_id} {row.date:%m-%d} {row.value:g}" for row in rows.itertuples(index=False)
    ]
    assert ", ".join(found) == DAYS[policy]
    lines = {
        name: count
        for name, count in counts(ledger).items()
        if name not in ("rows", "cutoff", "days to the cutoff")
    }
    assert lines == COUNTS[policy]


def test_what_leaves_the_value_is_said(read):
    audit = read(LOG).audit.set_index("check")["what"]
    assert audit["days below 0"] == "Customer-days below 0, no purchase; -26.00 left out."
    assert "netted within their day" in audit["returns"]
    assert audit["rows"] == "Rows in the pandas table."


def test_returns_as_errors(read):
    with pytest.raises(BadRowsError, match="negative amounts in 5 rows") as caught:
        read(LOG, returns="error")
    assert caught.value.samples == [-15.0, -9.0, -7.0, -5.0, -4.0]
    sound = LOG[LOG["v"] >= 0]
    assert len(read(sound, returns="error").purchases()) == 6
    late = LOG.assign(v=LOG["v"].where(LOG["d"] > "2024-01-31", LOG["v"].abs()))
    assert len(read(late, returns="error", cutoff="2024-01-15").purchases()) == 6


def test_without_amounts(read, counts):
    ledger = read(LOG, value=None)
    assert not ledger.has_value
    assert ledger.purchases().columns.tolist() == ["customer_id", "date"]
    assert len(ledger.purchases()) == 8  # a row is a purchase, whatever else it says
    assert "returns" not in counts(ledger)
    summary = customer_summary(ledger)
    assert summary["monetary_value"].isna().all()
    assert summary["total_value"].isna().all()
    actual = ledger.actuals("2024-01-05", "1W", "all")
    assert actual.columns.tolist() == ["purchases"]


def test_amounts_add_up_exactly(read):
    log = pd.DataFrame({"c": "a", "d": "2024-01-01", "v": [0.1] * 10 + [-1.0]})
    assert read(log, key=()).purchases()["value"].tolist() == [0.0]  # in floats it is -1.1e-16
    small = pd.DataFrame({"c": ["a", "b"], "d": "2024-01-01", "v": [2e-12, 1e-13]})
    assert read(small).purchases()["value"].tolist() == [2e-12, 1e-13]
    large = pd.DataFrame({"c": ["a", "b"], "d": "2024-01-01", "v": [9e12, 0.01]})
    assert read(large).purchases()["value"].tolist() == [9e12, 0.01]
    zero = pd.DataFrame({"c": ["a", "b"], "d": "2024-01-01", "v": [-0.0, 0.0]})
    assert len(read(zero).purchases()) == 2


def test_a_key_drops_copies(read, counts):
    log = pd.concat([LOG, LOG.iloc[:3]]).assign(order=[*range(12), 0, 1, 2], line="x")
    assert read(log, key=()).purchases()["value"].iloc[0] == 100.0
    for key in ("order", ["order", "line"], ("order", "order")):
        ledger = read(log, key=key)
        assert counts(ledger)["repeated keys"] == 3
        assert ledger.purchases()["value"].iloc[0] == 50.0
    with pytest.raises(BadRowsError, match="rows of one key differ") as caught:
        read(log.assign(order=1), key=["order"])
    assert caught.value.column == "order"
    assert caught.value.samples == ["1"]
    with pytest.raises(BadRowsError, match="missing key in 2 rows"):
        read(log.assign(order=[None, None, *range(13)]), key=["order"])


def test_copies_differ_if_what_is_kept_differs(read, counts):
    log = pd.concat([LOG, LOG.iloc[:1].assign(country="US")]).assign(order=[*range(12), 0])
    with pytest.warns(DataWarning, match="1 row with a key"):
        assert counts(read(log, key="order"))["repeated keys"] == 1
    with pytest.raises(BadRowsError, match="differ"):
        read(log, key="order", customer_columns="country")


def test_lines_of_an_order_that_a_key_drops_are_warned_about(read):
    rows = [("a", "2024-01-01", 5.0, 1, 1), ("a", "2024-01-01", 5.0, 1, 2)]  # two lines, one price
    rows += [("b", "2024-01-02", 3.0, 2, 1)] * 2  # a copy
    log = pd.DataFrame(rows, columns=["c", "d", "v", "order", "line"])
    with pytest.warns(DataWarning, match=r"1 row with a key \(order\).* add the line's own column"):
        ledger = read(log, key="order")
    line = ledger.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (2, "warning")
    assert "1 of them differs in columns that are not read" in line["what"]
    whole = read(log, key=["order", "line"])
    assert whole.purchases()["value"].tolist() == [10.0, 3.0]
    line = whole.audit.set_index("check").loc["repeated keys"]
    assert (line["count"], line["severity"]) == (1, "info")
    other = log.assign(v=[5.0, 6.0, 3.0, 3.0])
    with pytest.raises(BadRowsError, match=r"in 1 row.*add the line's own column to key"):
        read(other, key="order")
    without = read(other, key="order", value=None).audit.set_index("check")
    assert without.loc["repeated keys", "severity"] == "warning"  # no amount is lost: not louder


def test_customer_columns_are_those_of_the_first_purchase(read):
    ledger = read(LOG, customer_columns=["country", "pieces"])
    people = ledger.attributes()
    assert people.index.tolist() == ["a", "b", "d"]
    # the smallest where there are several that day, missing where it was missing
    assert people.loc["a"].tolist() == ["UK", 2]
    assert pd.isna(people.loc["b", "country"])
    assert people.loc["d"].tolist() == ["FR", -1]
    assert ledger.cut("2024-01-07").attributes().index.tolist() == ["a", "b"]
    assert customer_summary(ledger).loc["a", "country"] == "UK"


def test_purchase_columns_are_summed_or_the_smallest(read, tmp_path):
    path = tmp_path / "log.csv"
    LOG.to_csv(path, index=False)
    for source in (LOG, path):  # numbers in a text file are numbers too
        rows = read(source, purchase_columns=["pieces", "country"]).purchases()
        assert rows["pieces"].tolist() == [5.0, 1.0, 4.0, 0.0, 0.0]
        assert rows["country"].iloc[0] == "UK"
        assert rows["country"].iloc[4] == "FR"
        assert pd.isna(rows["country"].iloc[2])
    dropped = read(path, returns="drop", purchase_columns=["pieces", "country"]).purchases()
    assert dropped["pieces"].tolist() == [5.0, 1.0, 4.0, 1.0, 1.0, 1.0]
    assert dropped["country"].iloc[5] == "IT"  # the return is left out, and its country with it


def test_early_and_late_customers_are_said(read, counts):
    days = pd.date_range("2023-01-01", periods=300).strftime("%Y-%m-%d")
    old = pd.DataFrame({"c": [f"o{i}" for i in range(40)], "d": "2023-01-02", "v": 1.0})
    new = pd.DataFrame({"c": [f"n{i // 5}" for i in range(300)], "d": days, "v": 1.0})
    ledger = read(pd.concat([old, new]))
    found = counts(ledger)
    assert found["early customers"] == 46
    assert found["purchases by newcomers"] == 90
    lines = ledger.audit.set_index("check")
    assert lines.loc["early customers", "severity"] == "warning"
    assert "100% of 90" in lines.loc["purchases by newcomers", "what"]
