"""A ledger against the plainest reference there is: loops over a list."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from forecast.errors import CutoffError, DataError
from forecast.ledger import Ledger, read_ledger
from forecast.views import customer_summary

START = date(2023, 12, 20)
rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 20), st.integers(-300, 500)),
    min_size=1,
    max_size=25,
)
policies = st.sampled_from(["net", "drop", "keep"])
# a read takes a fifth of a second, so failures are not made smaller
frugal = settings(
    max_examples=20, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)


def purchases(log: list[tuple[str, int, int]], policy: str) -> dict[tuple[str, int], int]:
    """Return cents by customer and day, of days that are purchases."""
    merged: dict[tuple[str, int], list[int]] = defaultdict(list)
    for customer, day, cents in log:
        if not (policy == "drop" and cents < 0):
            merged[customer, day].append(cents)
    return {
        place: sum(cents)
        for place, cents in sorted(merged.items())
        if policy == "keep" or (max(cents) >= 0 and sum(cents) >= 0)
    }


def ledger_of(log: list[tuple[str, int, int]], policy: str, **options: Any) -> Ledger:
    table = pd.DataFrame(
        {
            "c": [customer for customer, _, _ in log],
            "d": [str(START + timedelta(days=day)) for _, day, _ in log],
            "v": [cents / 100 for _, _, cents in log],
        }
    )
    options = {"customer": "c", "date": "d", "value": "v", "key": ()} | options
    return read_ledger(table, returns=policy, **options)


def as_cents(ledger: Ledger) -> dict[tuple[str, int], int]:
    table = ledger.purchases()
    days = (table["date"] - pd.Timestamp(START)).dt.days
    values = zip(table["customer_id"], days, table["value"], strict=True)
    return {(customer, int(day)): round(value * 100) for customer, day, value in values}


@frugal
@given(rows, policies, st.randoms(use_true_random=False))
def test_purchases_audit_and_order(log, policy, random):
    expected = purchases(log, policy)
    if not expected:
        with pytest.raises(DataError, match="holds no purchase"):
            ledger_of(log, policy)
        return
    ledger = ledger_of(log, policy)
    assert as_cents(ledger) == expected
    counts = dict(zip(ledger.audit["check"], ledger.audit["count"], strict=True))
    assert counts["rows"] == len(log)
    assert counts["purchases"] == len(expected)
    assert counts["customers"] == len({customer for customer, _ in expected})
    assert counts["returns"] == sum(cents < 0 for _, _, cents in log)
    assert counts.get("zero purchases", 0) == sum(cents == 0 for cents in expected.values())
    kept = [row for row in log if (row[0], row[1]) in expected]
    kept = [row for row in kept if not (policy == "drop" and row[2] < 0)]
    assert counts["merged rows"] == len(kept) - len(expected)
    random.shuffle(log)
    again = ledger_of(log, policy)
    pd.testing.assert_frame_equal(again.purchases(), ledger.purchases())
    pd.testing.assert_frame_equal(again.audit, ledger.audit)
    assert again.summary_hash() == ledger.summary_hash()


@frugal
@given(rows, policies, st.integers(0, 20), st.integers(1, 20), st.integers(0, 20))
def test_cut_actuals_and_summary(log, policy, origin, horizon, cut):
    expected = purchases(log, policy)
    last = max(day for _, day, _ in log)
    if not expected:
        return
    ledger = ledger_of(log, policy)
    first = min(day for _, day in expected)
    day = START + timedelta(days=cut)
    if not first <= cut <= last:
        with pytest.raises(CutoffError):
            ledger.cut(day)
    else:
        past = ledger.cut(day)
        assert past.cutoff == day
        before = {place: cents for place, cents in expected.items() if place[1] <= cut}
        assert as_cents(past) == before
        summary = customer_summary(past)
        for customer in {customer for customer, _ in before}:
            days = [each for name, each in before if name == customer]
            repeats = [before[customer, each] for each in days[1:]]
            row = summary.loc[customer]
            assert (row["frequency"], row["recency"]) == (len(days) - 1, days[-1] - days[0])
            assert row["T"] == cut - days[0]
            mean = sum(repeats) / len(repeats) / 100 if repeats else 0.0
            assert abs(row["monetary_value"] - mean) < 1e-9
    end = origin + horizon
    since = START + timedelta(days=origin)
    if end > last:
        with pytest.raises(CutoffError):
            ledger.actuals(since, f"{horizon}D")
        return
    existing, new, everybody = (
        ledger.actuals(since, f"{horizon}D", population)
        for population in ("existing", "new", "all")
    )
    firsts: dict[str, int] = {}
    for customer, each in expected:
        firsts[customer] = min(each, firsts.get(customer, each))
    assert existing.index.tolist() == sorted(c for c, at in firsts.items() if at <= origin)
    assert new.index.tolist() == sorted(c for c, at in firsts.items() if origin < at <= end)
    assert sorted([*existing.index, *new.index]) == everybody.index.tolist()
    for customer, row in everybody.iterrows():
        inside = [
            cents
            for (name, at), cents in expected.items()
            if name == customer and origin < at <= end
        ]
        assert row["purchases"] == len(inside)
        assert abs(row["value"] - sum(inside) / 100) < 1e-9
