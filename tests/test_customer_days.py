"""Customer days: features against a plain computation, and nothing from after the day."""

import warnings
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.calendar import day_number
from forecast.customer_days import CustomerDays
from forecast.errors import DataWarning
from forecast.ledger import Ledger, read_ledger

CUTOFF = pd.Timestamp("2024-06-30")

NOW = day_number(CUTOFF.date())

# who bought how many days before the cutoff, for how many cents
purchases = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 900)), st.integers(0, 20_000), min_size=1
)


def make(bought: dict[tuple[int, int], int], *, money: bool = True) -> CustomerDays:
    """Build the arrays by hand, as a ledger would."""
    rows = sorted((who, NOW - back, cents / 100) for (who, back), cents in bought.items())
    who, day, value = (np.array(each) for each in zip(*rows, strict=True))
    ids, owner = np.unique(who, return_inverse=True)
    return CustomerDays(
        pd.Index([f"c{each}" for each in ids], name="customer_id"),
        owner, day, value if money else None, int(day.min()), NOW,
    )  # fmt: skip


def read(rows: list[tuple[str, int, float]], *, money: bool = True) -> Ledger:
    """Rows hold the customer, days before the cutoff, and the amount."""
    log = pd.DataFrame(rows, columns=["customer", "back", "amount"])
    log["date"] = CUTOFF - pd.to_timedelta(log.pop("back"), unit="D")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # a cutoff far after the last purchase
        return read_ledger(
            log, customer="customer", date="date", value="amount" if money else None,
            cutoff=CUTOFF.date(), key=(),
        )  # fmt: skip


def plainly(rows: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Compute the features customer by customer, from one row a purchase."""
    out = {}
    for who, mine in rows[rows["date"] <= now].groupby("customer_id"):
        mine = mine.sort_values("date")
        gaps = mine["date"].diff().dt.days.dropna()
        first, last = mine["date"].iloc[0], mine["date"].iloc[-1]
        frequency, age, since = len(mine) - 1, (now - first).days, (now - last).days
        mean_gap = gaps.mean() if frequency else age
        angle = 2 * np.pi * first.day_of_year / 365.25
        each = {
            "frequency": frequency,
            "recency": (last - first).days,
            "T": age,
            "days_since_last": since,
            "rate": (frequency + 1) / (age + 30),
            "mean_gap": mean_gap,
            "spread_of_gaps": gaps.std(ddof=0) if frequency else 0.0,
            "overdue": since / (mean_gap + 7),
            "first_sin": np.sin(angle),
            "first_cos": np.cos(angle),
        }
        for window in (30, 90, 180, 365):
            recent = mine[mine["date"] > now - timedelta(days=window)]
            each[f"purchases_{window}d"] = len(recent)
            if "value" in mine:
                each[f"value_{window}d"] = recent["value"].sum()
        if "value" in mine:
            each |= {
                "total_value": mine["value"].sum(),
                "mean_value": mine["value"].mean(),
                "first_value": mine["value"].iloc[0],
            }
        out[who] = each
    return pd.DataFrame.from_dict(out, orient="index").astype(float)


@given(purchases, st.booleans(), st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_features_are_those_of_a_plain_computation(
    bought: dict[tuple[int, int], int], money: bool, back: int
) -> None:
    days = make(bought, money=money)
    past = days.at(NOW - back)
    if not len(past.customers):
        assert not len(past.day)
        return
    found = pd.DataFrame(past.features(), index=past.customers)
    rows = pd.DataFrame({"customer_id": days.customers[days.owner]})
    rows["date"] = pd.to_datetime(days.day.astype("datetime64[D]"))
    if days.value is not None:
        rows["value"] = days.value
    wanted = plainly(rows, CUTOFF - timedelta(days=back))
    assert set(found.columns) == set(wanted.columns)
    assert list(found.index) == list(wanted.index)
    for name in wanted.columns:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("back", "length"), [(1, 1), (90, 90), (200, 30), (500, 500)])
def test_a_past_day_is_the_ledger_cut_and_its_outcome_the_actuals(back: int, length: int) -> None:
    rng = np.random.default_rng(back)
    drawn = rng.integers(0, (12, 600, 9999), (80, 3))
    ledger = read([(f"c{who}", int(ago), cents / 100) for who, ago, cents in drawn])
    days, day = CustomerDays.of(ledger), CUTOFF.date() - timedelta(days=back)
    past, cut = days.at(days.now - back), CustomerDays.of(ledger.cut(day))
    assert list(past.customers) == list(cut.customers)
    assert (past.start, past.now) == (cut.start, cut.now)
    for name in ("owner", "day", "value"):
        np.testing.assert_array_equal(getattr(past, name), getattr(cut, name))
    bought, spent = days.outcome(past, past.now + 1, past.now + 1 + length)
    actual = ledger.actuals(day, f"{length}D")
    assert list(actual.index) == list(past.customers)
    np.testing.assert_array_equal(bought, actual["purchases"])
    np.testing.assert_allclose(spent, actual["value"], atol=1e-9)


def test_later_purchases_do_not_reach_back() -> None:
    early = [("ann", 400, 5.0), ("bo", 350, 7.0), ("ann", 300, 9.0)]
    alone = CustomerDays.of(read(early))
    more = CustomerDays.of(read([*early, ("ann", 10, 1e6), ("cy", 20, 3.0), ("bo", 199, 0.0)]))
    one, other = alone.at(alone.now - 200), more.at(more.now - 200)
    assert list(one.customers) == list(other.customers) == ["ann", "bo"]
    for name, column in one.features().items():
        np.testing.assert_array_equal(column, other.features()[name], err_msg=name)


def test_some_of_the_customers_keep_all_their_purchases() -> None:
    days = CustomerDays.of(read([("ann", 9, 1.0), ("bo", 8, 2.0), ("cy", 7, 4.0), ("cy", 3, 8.0)]))
    some = days.only(np.array([True, False, True]))
    assert list(some.customers) == ["ann", "cy"]
    assert some.counts.tolist() == [1, 2]
    assert some.value is not None
    assert some.value.tolist() == [1.0, 4.0, 8.0]
    assert (some.start, some.now) == (days.start, days.now)
    bought, spent = days.outcome(some, days.now - 7, days.now + 1)
    assert bought.tolist() == [0, 2]
    assert spent is not None
    assert spent.tolist() == [0.0, 12.0]


def test_free_purchases_count_but_are_not_paid() -> None:
    days = CustomerDays.of(
        read([("ann", 9, 0.0), ("ann", 5, 6.0), ("ann", 4, 2.0), ("bo", 1, 0.0)])
    )
    orders, mean = days.paid()
    assert orders.tolist() == [2, 0]
    assert mean.tolist() == [4.0, 0.0]
    assert days.frequency.tolist() == [2, 0]


def test_the_same_days_last_year() -> None:
    days = CustomerDays.of(read([("ann", 500, 1.0), ("ann", 364, 1.0), ("ann", 358, 1.0),
                                 ("ann", 357, 1.0), ("bo", 365, 1.0)]))  # fmt: skip
    # the window of 7 days begins the day after the cutoff: 364 to 358 days before the cutoff
    found = days.last_year(7)
    assert found is not None
    assert found.tolist() == [2, 0]
    young = CustomerDays.of(read([("ann", 364, 1.0)]))
    assert young.last_year(7) is not None
    assert CustomerDays.of(read([("ann", 363, 1.0)])).last_year(7) is None


def test_days_are_counted_as_the_calendar_does() -> None:
    days = CustomerDays.of(read([("ann", 12, 1.0), ("bo", 2, 1.0)], money=False))
    assert days.now == day_number(CUTOFF.date())
    assert days.start == days.now - 12
    assert days.value is None
    assert days.age.tolist() == [12, 2]
    with pytest.raises(AssertionError):
        days.paid()
