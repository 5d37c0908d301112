"""Contracts read from purchases: due days, tolerance, what is open, who comes back."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.calendar import Horizon, add
from forecast.ledger import Ledger
from forecast.models.contracts.contracts import Contracts, due_days


def ledger_of(days: dict[str, list[str]], cutoff: str) -> Ledger:
    rows = pd.DataFrame([(who, day) for who, all in days.items() for day in all])
    rows.columns = pd.Index(["customer", "date"])
    return fc.read_ledger(rows, value=None, cutoff=cutoff)


@given(
    start=st.dates(date(1960, 1, 1), date(2060, 1, 1)),
    count=st.integers(1, 5), unit=st.sampled_from("DWMY"), step=st.integers(0, 40),
)  # fmt: skip
def test_due_days_are_the_calendars(start: date, count: int, unit: str, step: int) -> None:
    number = np.array([start], "datetime64[D]").astype(np.int64)
    found = due_days(number, Horizon(count, unit), step).astype("datetime64[D]")[0]
    assert found == np.datetime64(add(start, count * step, unit))


CUSTOMERS = {
    "early": ["2024-01-10", "2024-02-08", "2024-03-10", "2024-04-09"],  # the last is paid ahead
    "gone": ["2024-01-05", "2024-02-05"],  # missed 5 March
    "late": ["2024-01-20", "2024-02-24", "2024-03-20"],
    "new": ["2024-04-01"],
    "open": ["2024-02-06", "2024-03-06"],  # 6 April is past, its tolerance is not
    "return": ["2024-01-01", "2024-03-20"],  # missed 1 February, back in March
    "twice": ["2024-01-15", "2024-01-28", "2024-02-15", "2024-03-15"],  # the 28th renews nothing
}


def test_every_standing_by_hand() -> None:
    found = Contracts.read(ledger_of(CUSTOMERS, "2024-04-09"), Horizon.parse("1M"), 5)
    table = pd.DataFrame({
        "customer": found.index[found.customer], "renewals": found.renewals,
        "ended": found.ended, "paid": found.paid,
    }).to_numpy().tolist()  # fmt: skip
    assert table == [
        ["early", 2, False, True],
        ["gone", 1, True, False],
        ["late", 2, False, False],
        ["new", 0, False, False],
        ["open", 1, False, False],
        ["return", 0, True, False],
        ["return", 0, False, False],
        ["twice", 2, False, False],
    ]
    assert found.aside == 1
    assert found.late.tolist() == [-2, 0, 0, 0, 0, 0, 0, 4]
    np.testing.assert_array_equal(found.last, [0, 1, 2, 3, 4, 6, 7])


@pytest.mark.parametrize(("day", "kept"), [(4, False), (5, True), (15, True), (16, False)])
def test_the_tolerance_is_inclusive_on_both_sides(day: int, kept: bool) -> None:
    bought = ["2024-01-10", f"2024-02-{day:02d}"]
    found = Contracts.read(ledger_of({"a": bought}, "2024-02-20"), Horizon.parse("1M"), 5)
    assert bool(found.ended[0]) is not kept
    assert found.renewals[0] == int(kept)


def test_a_due_day_counts_when_its_tolerance_is_over_whether_paid_or_not() -> None:
    customers = {"pays": ["2024-01-10", "2024-02-10"], "does not": ["2024-01-10"]}
    for cutoff, known in (("2024-02-14", False), ("2024-02-15", True)):
        found = Contracts.read(ledger_of(customers, cutoff), Horizon.parse("1M"), 5)
        assert found.ended.tolist() == [known, False]  # "does not" sorts first
        assert found.renewals.tolist() == [0, int(known)]


def test_many_returns_are_many_contracts() -> None:
    start = date(2023, 1, 1)
    days = [str(start + timedelta(days=100 * n)) for n in range(5)]
    found = Contracts.read(ledger_of({"a": days}, "2024-06-01"), Horizon.parse("1M"), 7)
    assert len(found.customer) == 5
    assert found.ended.all()
    assert found.aside == 0
