"""A log that begins later: what was bought before is forgotten, and who is new follows."""

from datetime import date

import pytest

from forecast.errors import CutoffError
from forecast.ledger.storage import load_ledger, save_ledger
from forecast.views import customer_summary


def test_the_log_begins_later(ledger):
    late = ledger.since("2024-01-05")
    assert late.first_day == date(2024, 1, 10)
    assert late.purchases()["customer_id"].tolist() == ["a", "b", "c", "d"]
    people = customer_summary(late.cut("2024-01-14"))
    assert people.index.tolist() == ["a", "c"]
    assert people["frequency"].tolist() == [0, 0]  # the purchase before is forgotten
    assert people["channel"].tolist() == ["web", "web"]
    assert late.summary_hash() != ledger.summary_hash()
    assert ledger.since("2023-01-01").summary_hash() == ledger.summary_hash()
    assert late.audit["check"].iloc[-1] == "since"


def test_actuals_know_only_who_was_seen(ledger):
    late = ledger.since("2024-01-05")
    found = {name: late.actuals("2024-01-14", "7D", name) for name in ("existing", "new", "all")}
    assert found["existing"]["purchases"].to_dict() == {"a": 0, "c": 0}
    assert found["new"]["purchases"].to_dict() == {"b": 1, "d": 1}  # b returns: unknown here
    assert found["all"]["purchases"].sum() == 2


def test_a_gap_moves_the_window_and_not_the_risk_set(ledger):
    found = ledger.actuals("2024-01-11", "3D", gap="7D")
    assert found.attrs["window"] == "2024-01-19 to 2024-01-21"
    assert found["purchases"].to_dict() == {"a": 0, "b": 1}
    new = ledger.actuals("2024-01-11", "3D", "new", gap="7D")
    assert new["purchases"].to_dict() == {"c": 0, "d": 0}  # both came within the gap
    with pytest.raises(CutoffError, match="passes the cutoff"):
        ledger.actuals("2024-01-11", "4D", gap="7D")


def test_it_is_kept_on_disk(ledger, tmp_path):
    late = ledger.since("2024-01-05")
    save_ledger(late, tmp_path)
    again = load_ledger(tmp_path)
    assert again.summary_hash() == late.summary_hash()
    assert again.first_day == late.first_day


def test_an_empty_rest_is_refused(ledger):
    with pytest.raises(CutoffError, match="no purchase from 2024-01-15"):
        ledger.cut("2024-01-14").since("2024-01-15")
