"""A ledger carries the name of its currency, and no number knows of it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.ledger.storage import load_ledger, save_ledger
from forecast.views import customer_summary


@pytest.fixture
def named(read, table) -> Ledger:
    return read(table(), currency="GBP")


def test_it_is_a_label_and_changes_no_number(read, table, named) -> None:
    plain = read(table())
    assert (named.currency, plain.currency) == ("GBP", None)
    assert named.summary_hash() == plain.summary_hash()
    pd.testing.assert_frame_equal(named.audit, plain.audit)
    pd.testing.assert_frame_equal(named.purchases(), plain.purchases())
    pd.testing.assert_frame_equal(customer_summary(named), customer_summary(plain))


def test_every_way_from_a_ledger_to_a_ledger_keeps_it(named, tmp_path: Path) -> None:
    save_ledger(named, tmp_path)
    ways = [
        named.cut("2024-01-05"), named.since("2024-01-02"), named.only(pd.Index(["a"])),
        load_ledger(tmp_path),
    ]  # fmt: skip
    assert [each.currency for each in ways] == ["GBP"] * 4


def test_a_ledger_without_a_name_is_written_as_before(read, table, named, tmp_path: Path) -> None:
    for folder, ledger in (("plain", read(table())), ("named", named)):
        save_ledger(ledger, tmp_path / folder)
    facts, more = (
        json.loads((tmp_path / folder / "ledger.json").read_text()) for folder in ("plain", "named")
    )
    assert more.pop("currency") == "GBP"
    assert facts == more
    assert load_ledger(tmp_path / "plain").currency is None


def test_it_is_said_where_there_are_amounts(read, table, named) -> None:
    assert repr(named) == "Ledger(2024-01-01 to 2024-02-01, with amounts in GBP)"
    counted = read(table(), value=None, currency="GBP")
    assert repr(counted) == "Ledger(2024-01-01 to 2024-02-01, without amounts)"


@pytest.mark.parametrize(
    "name", ["GBP", "€", "R$", "kr.", "Kč", "US dollars", "<b>&|[x]", "x" * 12]
)
def test_short_names_of_any_script_are_taken(read, table, name: str) -> None:
    assert read(table(), currency=name).currency == name


@pytest.mark.parametrize(
    "name",
    ["", " ", " GBP", "GBP\n", "G\tBP", "G\x1b[1mP", "G\u202eBP", "\ud800", "x" * 13, 978, b"GBP"],
)
def test_other_names_are_refused(refused, read, table, name: object) -> None:
    says = ("currency: ", "1 to 12 signs", '"GBP"')
    error = refused(lambda: read(table(), currency=name), UsageError, 2, says)
    assert str(error).isprintable()


def test_a_code_that_the_log_contradicts_is_refused(refused, read, table, file) -> None:
    column = table(Currency=["EUR ", "", "EUR "])
    marks = table(v=["EUR 1", "EUR 2", "3 EUR"])
    for log, where in ((column, "column 'Currency'"), (marks, "every amount carries 'EUR'")):
        for source in (log, file(log.to_csv(index=False))):
            refused(
                lambda source=source: read(source, currency="GBP"), UsageError, 2,
                says=("currency: 'GBP'", where, "'EUR'", "converts nothing"),
            )  # fmt: skip
            for name in ("EUR", "€", "euros"):
                assert read(source, currency=name).purchases()["value"].sum() == 6
    kept = {"purchase_columns": ["Currency"], "currency": "GBP"}
    refused(lambda: read(column, **kept), UsageError, 2, says=("'EUR'",))
    assert read(column, value=None, currency="GBP").currency == "GBP"  # no amounts to name
