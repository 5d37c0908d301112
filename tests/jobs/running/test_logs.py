"""Logs: one event a line, JSON that machines can read, no customer named."""

import json
import math
from typing import Any

import pytest

from forecast.errors import BadRowsError, LockedError, UsageError
from forecast.jobs.running.logs import Event, EventLog, pace, reason, redacted


class Lines(list[str]):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.now = 0.0
        self.log = EventLog(self.append, clock=lambda: self.now, **options)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self]


def test_plain_lines() -> None:
    lines = Lines()
    lines.log(Event("started", "ledger", "Reading purchases"))
    lines.log(Event("ended", "ledger", "done", facts={"rows": 12_000, "seconds": 1.25}))
    lines.log(Event("warning", "", "Look."))
    lines.log.outcome(0, "ok")
    assert lines == [
        "ledger: Reading purchases",
        "ledger: done (rows 12,000, seconds 1.25)",
        "warning: Look.",
    ]


def test_json_lines_end_with_the_outcome() -> None:
    lines = Lines(as_json=True)
    lines.log(Event("ended", "ledger", "done", facts={"rows": 3, "share": math.nan, "kind": "x"}))
    lines.log.failed(LockedError("It is held."), "It is held.", 5)
    first, error, last = lines.read()
    assert first["rows"] == 3
    assert first["share"] is None
    assert (first["kind"], first["stage"]) == ("ended", "ledger")
    assert first["time"].endswith("+00:00")
    assert (error["kind"], error["message"]) == ("error", "It is held.")
    assert (last["kind"], last["message"], last["code"]) == ("outcome", "locked", 5)


def test_quiet_says_errors_alone() -> None:
    for as_json, count in ((False, 1), (True, 2)):
        lines = Lines(quiet=True, as_json=as_json)
        lines.log(Event("started", "ledger", "Reading"))
        lines.log(Event("warning", "", "Look."))
        lines.log(Event("note", "", "By the way."))
        lines.log.failed(UsageError("Wrong."), "Wrong.", 2)
        assert len(lines) == count
        assert "Wrong." in lines[0]


def test_progress_is_not_said_more_than_every_ten_seconds() -> None:
    lines = Lines()
    lines.log(Event("started", "score", "Scoring"))
    for second in range(1, 31):
        lines.now = float(second)
        lines.log(Event("progress", "score", "customers", done=second * 1000, of=40_000))
    assert lines == [
        "score: Scoring",
        "score: customers 10,000 of 40,000 (25 %), 1,000 a second, 30 s left",
        "score: customers 20,000 of 40,000 (50 %), 1,000 a second, 20 s left",
        "score: customers 30,000 of 40,000 (75 %), 1,000 a second, 10 s left",
    ]


@pytest.mark.parametrize(
    ("done", "of", "seconds", "said"),
    [
        (0, 10, 5.0, "0 of 10 (0 %)"),
        (5, None, 10.0, "5, 0.5 a second"),
        (10, 10, 5.0, "10 of 10 (100 %), 2 a second"),
        (1, 10_000, 1.0, "1 of 10,000 (0 %), 1 a second, 3 h left"),
        (0, 0, 0.0, "0 of 0"),
    ],
)
def test_pace(done: int, of: int | None, seconds: float, said: str) -> None:
    assert pace(done, of, seconds) == said


def test_lists_are_cut_to_five() -> None:
    lines = Lines(as_json=True)
    lines.log(Event("note", "ledger", "odd", facts={"customers": [f"c{i}" for i in range(900)]}))
    assert lines.read()[0]["customers"] == ["c0", "c1", "c2", "c3", "c4", "and 895 more"]


def test_redaction_hides_customers_and_keeps_known_names() -> None:
    ids = ["anna@shop.test", 'o"brien', "it's", "12345"]
    error = BadRowsError(
        "no amount", column="amount", count=4, samples=[*ids[:3], 12345], remedy="Mend them.",
        source="the shop's file",
    )  # fmt: skip
    for as_json in (False, True):
        lines = Lines(redact=True, as_json=as_json, known={"amount"})
        lines.log(Event("note", "ledger", f"Alike: {ids[0]!r} and {ids[1]!r}.", facts={"who": ids}))
        lines.log.failed(error, str(error), 3)
        text = "\n".join(lines)
        for each in ids:
            assert each not in text
        assert "amount" in text
        assert "no amount in 4 rows" in text


def test_a_redacted_customer_can_be_found_by_who_has_it() -> None:
    import hashlib

    told = redacted("Customer 'anna' and \"bert\"; the shop's day isn't known.")
    anna, bert = (hashlib.sha256(name).hexdigest()[:12] for name in (b"anna", b"bert"))
    assert told == f"Customer '#{anna}' and \"#{bert}\"; the shop's day isn't known."
    assert redacted(told) == told


def test_reasons_are_words_for_machines() -> None:
    assert reason(LockedError("x")) == "locked"
    assert reason(KeyboardInterrupt()) == "stopped"
    assert reason(ZeroDivisionError()) == "internal"
    assert reason(PermissionError()) == "file"
    assert reason(MemoryError()) == "memory"
