"""How a ledger is kept: in memory, spilled to a file, pickled, hashed."""

import copy
import gc
import pickle
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forecast.ledger import Ledger, read_ledger
from forecast.views import customer_features, customer_summary

LOG = pd.DataFrame(
    {
        "c": ["a", "b", "a", "b", "c"],
        "d": ["2024-01-01", "2024-01-05", "2024-02-01", "2024-02-03", "2024-02-09"],
        "v": [1.0, 2.0, 3.0, 4.0, 5.0],
        "k": list("vwxyz"),
    }
)


@pytest.fixture
def spilled(monkeypatch, tmp_path, read) -> Ledger:
    monkeypatch.setattr("forecast.ledger.keeping.SPILL_ROWS", 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return read(LOG, customer_columns="k")


def folders(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("ltv-ledger-*"))


def test_a_spilled_ledger_answers_alike(spilled, read):
    kept = read(LOG, customer_columns="k")
    assert kept.summary_hash() == spilled.summary_hash()
    past = kept.cut("2024-02-03")
    for ledger, other in ((kept, spilled), (past, spilled.cut("2024-02-03"))):
        pd.testing.assert_frame_equal(ledger.purchases(), other.purchases())
        pd.testing.assert_frame_equal(customer_summary(ledger), customer_summary(other))
        pd.testing.assert_frame_equal(customer_features(ledger), customer_features(other))
    pd.testing.assert_frame_equal(
        kept.actuals("2024-01-05", "30D", "all"), spilled.actuals("2024-01-05", "30D", "all")
    )


def test_the_file_goes_with_the_last_ledger_and_not_before(spilled, tmp_path):
    assert len(folders(tmp_path)) == 1
    worker = pickle.loads(pickle.dumps(spilled))  # what a worker process gets
    past = spilled.cut("2024-02-03")
    assert len(worker.purchases()) == 5
    del worker
    gc.collect()
    assert len(past.purchases()) == 4
    assert len(folders(tmp_path)) == 1


def test_the_file_is_removed(monkeypatch, tmp_path, read):
    monkeypatch.setattr("forecast.ledger.keeping.SPILL_ROWS", 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ledger = read(LOG)
    assert len(folders(tmp_path)) == 1
    del ledger
    gc.collect()
    assert folders(tmp_path) == []


def test_copies_and_pickles(read):
    ledger = read(LOG, customer_columns="k")
    assert copy.deepcopy(ledger) is ledger
    again = pickle.loads(pickle.dumps(ledger))
    assert again.summary_hash() == ledger.summary_hash()
    pd.testing.assert_frame_equal(again.attributes(), ledger.attributes())
    assert repr(ledger) == "Ledger(2024-01-01 to 2024-02-09, with amounts)"


def test_answers_are_copies(read):
    ledger = read(LOG)
    rows = ledger.purchases()
    rows["value"] = 0.0
    assert ledger.purchases()["value"].sum() == 15.0


def hashed(**changes) -> str:
    names = {"customer": "c", "date": "d", "value": "v"}
    return read_ledger(LOG.assign(**changes), **names).summary_hash()


def test_the_hash_knows_content_and_nothing_else():
    plain = hashed()
    assert len(plain) == 16
    assert hashed(k="other") == plain
    shuffled = LOG.sample(frac=1, random_state=3)
    names = {"customer": "c", "date": "d", "value": "v"}
    assert read_ledger(shuffled, **names).summary_hash() == plain
    changes = [
        {"c": ["b", "a", "b", "a", "c"]},  # two customers exchanged
        {"c": ["a", "b", "a", "b", "d"]},
        {"d": ["2024-01-01", "2024-01-05", "2024-02-02", "2024-02-03", "2024-02-09"]},
        {"v": [1.0, 2.0, 3.0, 4.0, 5.01]},
        {"v": [3.0, 2.0, 1.0, 4.0, 5.0]},  # a customer's amounts exchanged
        {"v": [2.0, 1.0, 3.0, 4.0, 5.0]},
    ]
    found = {plain, *(hashed(**change) for change in changes)}
    assert len(found) == len(changes) + 1
    ledger = read_ledger(LOG, **names)
    found |= {ledger.cut("2024-02-03").summary_hash()}
    found |= {read_ledger(LOG, **names, cutoff="2024-02-10").summary_hash()}
    found |= {read_ledger(LOG, customer="c", date="d").summary_hash()}
    assert len(found) == len(changes) + 4


def test_parts_cannot_be_changed(read):
    ledger = read(LOG)
    with pytest.raises(AttributeError):
        ledger.cutoff = date(2024, 1, 1)
