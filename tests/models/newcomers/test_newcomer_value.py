"""Value of new customers by age: by hand, by simulation, and what is not known."""

import warnings

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TooLittleDataError, UnsupportedError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.newcomers.newcomer_value import newcomer_value

START = pd.Timestamp("2023-01-01")


def ledger_of(rows: pd.DataFrame, days: int, value: str | None = "amount") -> Ledger:
    table = rows.assign(date=START + pd.to_timedelta(rows["day"], unit="D")).drop(columns="day")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(
            table, customer="who", date="date", value=value,
            cutoff=(START + pd.Timedelta(days=days)).date(), customer_columns=["source"],
        )  # fmt: skip


def shop(days: int, seed: int, customers: int = 900) -> pd.DataFrame:
    """Two sources; those of the second spend twice as much. All buy at a tenth a week of age."""
    rng, parts = np.random.default_rng(seed), []
    for number in range(customers):
        first, second = int(rng.integers(0, 400)), bool(number % 2)
        bought = first + np.concatenate([[0], np.cumsum(np.ceil(rng.exponential(70, 30)))])
        amounts = rng.gamma(3.0, 4.0, len(bought)) * (1 + second) + 0.01
        part = pd.DataFrame({"who": f"c{number:04d}", "day": bought, "amount": amounts.round(2)})
        parts.append(part.assign(source="b" if second else "a"))
    rows = pd.concat(parts)
    return rows[rows["day"] <= days]


def test_by_hand() -> None:
    """Old: 10 at once and 6 by age 30. Young, at age 15: 10 at once and nothing since."""
    rows = pd.DataFrame(
        [("old", 0, 10.0, "x"), ("old", 20, 6.0, "x"), ("young", 45, 10.0, "y")],
        columns=["who", "day", "amount", "source"],
    )
    table = newcomer_value(ledger_of(rows, 60), ["30D"], by="source", burn_in=0, draws=0)
    assert table["observed"].tolist() == [1, 0]
    assert table["value_so_far"].tolist() == [16.0, 10.0]
    # 6 in 45 customer-days; a purchase is worth 26 / 3
    rate, prior = 6 / 45, 50 * 26 / 3
    level = (10 + prior) / (10 + 15 * rate + prior)
    np.testing.assert_allclose(table["expected_value"], [16.0, 10 + 15 * rate * level])
    assert table["value_hi_90"].isna().all()


def test_sources_are_told_apart_and_predicted() -> None:
    rows = shop(800, 1)
    young = newcomer_value(ledger_of(rows, 430), ["30D", "365D"], by="source", draws=200)
    later = newcomer_value(ledger_of(rows, 800), ["30D", "365D"], by="source", burn_in=0, draws=0)
    assert (later["observed"] == later["customers"]).all()
    np.testing.assert_allclose(later["value_so_far"], later["expected_value"])
    year = young[young["age"] == "365D"]
    truth = later.loc[later["age"] == "365D", "expected_value"].to_numpy()
    assert (year["observed"] < year["customers"]).all()
    assert (year["value_so_far"].to_numpy() < 0.8 * truth).all()
    np.testing.assert_allclose(year["expected_value"], truth, rtol=0.1)
    assert (year["value_lo_90"] < year["expected_value"]).all()
    assert (year["expected_value"] < year["value_hi_90"]).all()


def test_cohorts_from_the_first_day_on_and_unknown_ages() -> None:
    table = newcomer_value(ledger_of(shop(200, 2), 200), burn_in=0, draws=20)
    assert table["group"].iloc[-1] == "2023-07"
    last = table[table["group"] == "2023-07"].set_index("age")
    assert last.loc["30D", "observed"] == 0
    assert last.loc["180D", "expected_value"] > last.loc["180D", "value_so_far"]
    unknown = table[table["age"] == "365D"]
    assert unknown[["expected_value", "value_lo_90", "value_hi_90"]].isna().all(axis=None)
    assert unknown["value_so_far"].notna().all()


def test_order_names_seed_and_currency() -> None:
    rows = shop(300, 3, customers=200)
    options = {"by": "source", "burn_in": 0, "draws": 30}
    one = newcomer_value(ledger_of(rows, 300), ["90D"], **options)
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(one, newcomer_value(ledger_of(shuffled, 300), ["90D"], **options))
    renamed = rows.assign(who=rows["who"].map(lambda who: who[::-1]))
    pd.testing.assert_frame_equal(one, newcomer_value(ledger_of(renamed, 300), ["90D"], **options))
    cents = rows.assign(amount=(rows["amount"] * 100).round())
    other = newcomer_value(ledger_of(cents, 300), ["90D"], **options)
    for name in ("value_so_far", "expected_value", "value_lo_90", "value_hi_90"):
        np.testing.assert_allclose(other[name], 100 * one[name])
    assert (newcomer_value(ledger_of(rows, 300), ["90D"], seed=1, **options) != one).any(axis=None)


def test_refusals() -> None:
    rows = shop(300, 4, customers=60)
    ledger = ledger_of(rows, 300)
    with pytest.raises(UsageError, match="'campaign' is neither 'cohort' nor"):
        newcomer_value(ledger, by="campaign")
    with pytest.raises(UsageError, match="ages"):
        newcomer_value(ledger, [])
    with pytest.raises(UnsupportedError, match="amounts"):
        newcomer_value(ledger_of(rows[["who", "day", "source"]], 300, value=None))
    with pytest.raises(TooLittleDataError, match="burn_in=0"):
        newcomer_value(ledger, burn_in=400)


@pytest.mark.slow
def test_intervals_cover_the_true_mean() -> None:
    """Expected value at age 180: first 12 or 24, then a repeat every 70.5 days or so."""
    hits = total = 0
    truth = newcomer_value(
        ledger_of(shop(800, 99, customers=6000), 800), ["180D"], by="source", burn_in=0, draws=0
    )["expected_value"].to_numpy()
    for seed in range(20):
        ledger = ledger_of(shop(430, seed, customers=400), 430)
        table = newcomer_value(ledger, ["180D"], by="source", burn_in=0, draws=100)
        low, high = table["value_lo_90"].to_numpy(), table["value_hi_90"].to_numpy()
        hits += int(((low <= truth) & (truth <= high)).sum())
        total += 2
    assert 0.78 <= hits / total <= 0.99
