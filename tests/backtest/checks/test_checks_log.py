"""Checks that need only the log: by hand, and on shops whose fault is known."""

import numpy as np
import pandas as pd
import pytest

from forecast.backtest.checks import checks
from forecast.backtest.checks.check import (
    CARRIED,
    CONTRACTUAL,
    DRIFT,
    FEW,
    LEAK,
    RETURNS,
    SEASON,
    SPEND,
    TRUNCATION,
)
from forecast.backtest.checks.histories import Histories
from forecast.backtest.checks.knowing_columns import knowing_columns
from forecast.backtest.checks.log_facts import few_repeat_buyers, one_customer_carries
from forecast.backtest.checks.rhythm import contractual_pattern
from forecast.backtest.checks.spend import spend_follows_frequency
from forecast.backtest.checks.truncation import left_truncation
from forecast.backtest.checks.waves import movement
from forecast.datasets import Season, simulate_shop
from forecast.ledger import Ledger, read_ledger

PLAIN = {"season": None, "channels": (), "refunds": 0.0}
START = np.datetime64("2022-01-01")


def shop(customers=1000, days=546, seed=1, **settings):
    return simulate_shop(customers, days=days, seed=seed, **(PLAIN | settings)).orders


def read(orders: pd.DataFrame, **options) -> Ledger:
    return read_ledger(orders, key=(), **options)


def log(gaps: list[list[int]], amount=10.0) -> Histories:
    """Customers who start on different days and buy after these gaps."""
    rows = [
        (f"c{number:04d}", START + np.timedelta64(number % 50 + days, "D"), amount)
        for number, each in enumerate(gaps)
        for days in np.cumsum([0, *each])
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return Histories.of(read(table))


def ids(ledger: Ledger) -> list[str]:
    return [check.id for check in checks(ledger)]


def test_histories_hold_the_purchases_of_the_ledger() -> None:
    found = log([[3, 4], [], [1]])
    assert found.count.tolist() == [3, 1, 2]
    assert (found.day - found.start).tolist() == [0, 3, 7, 1, 2, 3]
    assert found.repeat.tolist() == [False, True, True, False, False, True]
    assert found.days == 8


def test_few_repeat_buyers_are_counted() -> None:
    gaps = [[5]] * 49 + [[]] * 500
    check = few_repeat_buyers(log(gaps))
    assert check is not None
    assert check.id == FEW
    assert check.evidence == {"repeat_buyers": 49, "customers": 549}
    assert check.severity == "warning"
    assert few_repeat_buyers(log([[5], *gaps])) is None
    assert few_repeat_buyers(log([[5]] * 9 + [[]] * 90)).severity == "error"


def test_one_customer_who_holds_a_sixth() -> None:
    rows = [("big", START, 200.0)] + [(f"c{number}", START, 1.0) for number in range(1000)]
    found = Histories.of(read(pd.DataFrame(rows, columns=["customer_id", "date", "amount"])))
    check = one_customer_carries(found)
    assert check is not None
    assert check.id == CARRIED
    assert check.evidence["customer_id"] == "big"
    assert check.evidence["share"] == pytest.approx(200 / 1200)
    assert one_customer_carries(log([[]] * 1000)) is None
    assert one_customer_carries(log([[]] * 5)) is None  # a fifth each: nobody stands out


def test_returns_are_counted_against_purchases() -> None:
    check = checks(read(shop(300, refunds=0.1)))[0]
    assert check.id == RETURNS
    assert check.evidence["share"] == pytest.approx(0.1, abs=0.03)
    assert f"{check.evidence['returns']:,} returns" in check.sentence
    rare = shop(300, refunds=0.1)
    negative = rare["amount"] < 0
    few = pd.concat([rare[~negative], rare[negative].head(5)])
    assert RETURNS not in ids(read(few))


def test_a_sum_of_gaps_of_random_timing_is_uniform_and_says_nothing() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(0.6, 0.1, 3000) + 0.02  # a day
    random = [rng.geometric(rate, rng.integers(1, 9)).tolist() for rate in rates]
    assert contractual_pattern(log(random)) is None


def test_renewals_every_month_are_a_contract() -> None:
    rng = np.random.default_rng(0)
    gaps = [(30 + rng.integers(-1, 2, rng.integers(2, 9))).tolist() for _ in range(100)]
    check = contractual_pattern(log(gaps))
    assert check is not None
    assert check.severity == "error"
    assert check.evidence["usual_gap_days"] == pytest.approx(30, abs=1)
    assert check.evidence["twins"] > 0.9
    assert check.evidence["near_usual_gap"] == 1.0


def test_subscribers_among_others_are_seen() -> None:
    rng = np.random.default_rng(0)
    others = [rng.geometric(0.02, 4).tolist() for _ in range(700)]
    check = contractual_pattern(log([*others, *[[30] * 4] * 300]))
    assert check is not None
    assert check.evidence["k"] < 2.5


def test_regular_timing_is_measured() -> None:
    check = contractual_pattern(Histories.of(read(shop(2000, k=4.0))))
    assert check is not None
    assert check.severity == "warning"
    assert check.evidence["k"] == pytest.approx(4, abs=1)


def test_spend_that_grows_with_frequency() -> None:
    orders = shop()
    count = orders["customer_id"].map(orders.groupby("customer_id").size())
    dearer = orders.assign(amount=orders["amount"] * np.sqrt(count))
    check = spend_follows_frequency(Histories.of(read(dearer)))
    assert check is not None
    assert check.id == SPEND
    assert 0.2 < check.evidence["correlation"] < 0.7
    cheaper = orders.assign(amount=orders["amount"] / np.sqrt(count))
    assert spend_follows_frequency(Histories.of(read(cheaper))).evidence["correlation"] < -0.2


def test_skewed_orders_alone_are_no_correlation() -> None:
    found = Histories.of(read(shop(3000, p=0.3, v=500.0)))
    assert spend_follows_frequency(found) is None


def test_a_log_that_begins_in_the_middle() -> None:
    orders = shop(2000, days=728)
    late = orders[orders["date"] >= "2023-01-01"]
    check = left_truncation(Histories.of(read(late)))
    assert check is not None
    assert check.id == TRUNCATION
    assert check.evidence["first_block"] > 1.25 * check.evidence["usual_block"]
    assert check.evidence["early_repeats"] > check.evidence["later_repeats"]
    assert left_truncation(Histories.of(read(orders))) is None


def test_a_launch_is_no_truncation() -> None:
    crowd = shop(500, days=364, acquisition_days=20, seed=2)
    both = pd.concat([crowd.assign(customer_id="L" + crowd["customer_id"]), shop(1000, days=364)])
    assert left_truncation(Histories.of(read(both))) is None


def test_the_wave_of_the_year_is_found() -> None:
    season = Season(amplitude=0.4, peak_month=12)
    found = movement(Histories.of(read(shop(4000, days=1092, season=season))))
    assert found is not None
    assert found.p_wave < 1e-6
    days = np.arange(0.0, 365.0)
    truth = np.log(season.intensity(np.datetime64("1970-01-01") + days.astype(int)))
    wave = found.height(days)
    assert np.corrcoef(wave, truth)[0, 1] > 0.97
    assert np.ptp(wave) == pytest.approx(np.ptp(truth), rel=0.3)
    assert abs(found.trend) < 4 * found.trend_error


def test_one_cohort_tells_no_season_from_age() -> None:
    orders = shop(800, days=546, acquisition_days=1, season=Season())
    found = movement(Histories.of(read(orders)))
    assert found is None or found.p_wave > 1e-4
    assert movement(Histories.of(read(shop(800, days=200)))) is None


def test_a_log_that_slows_down() -> None:
    orders = shop(3000, days=728)
    first = ~orders.duplicated("customer_id")
    years = (orders["date"] - orders["date"].min()).dt.days / 364
    kept = np.random.default_rng(0).random(len(orders)) < 0.4**years
    found = ids(read(orders[first | kept]))
    assert DRIFT in found
    assert TRUNCATION not in found


def test_a_column_written_later_knows_the_future() -> None:
    orders = shop(1000)
    total = orders.groupby("customer_id").size()
    people = orders["customer_id"]
    kind = pd.Series(np.where(total > 3, "vip", "other"), index=total.index)
    rng = np.random.default_rng(0)
    luck = pd.Series(rng.random(len(total)), index=total.index)
    told = orders.assign(
        lifetime_orders=people.map(total), segment=people.map(kind), luck=people.map(luck)
    )
    ledger = read(told, customer_columns=["lifetime_orders", "segment", "luck"])
    found = knowing_columns(ledger, Histories.of(ledger))
    assert set(found) == {"lifetime_orders", "segment"}
    leak = next(check for check in checks(ledger) if check.id == LEAK)
    assert "'lifetime_orders'" in leak.sentence
    assert "'luck'" not in leak.sentence


def test_an_honest_trait_is_no_leak() -> None:
    orders = simulate_shop(1500, days=546, seed=1, season=None, refunds=0.0).orders
    ledger = read(orders, customer_columns=["channel"])
    assert knowing_columns(ledger, Histories.of(ledger)) == {}


def test_neither_the_order_of_rows_nor_the_currency_matters() -> None:
    orders = shop(600, season=Season(), refunds=0.1)
    shuffled = orders.sample(frac=1, random_state=0)
    assert [str(check) for check in checks(read(orders))] == [
        str(check) for check in checks(read(shuffled))
    ]
    cents = orders.assign(amount=(100 * orders["amount"]).round())
    assert ids(read(cents)) == ids(read(orders))
    assert SEASON in ids(read(orders))


def test_a_log_without_amounts_or_repeats_is_judged_too() -> None:
    orders = shop(200).drop(columns="amount")
    assert SPEND not in ids(read_ledger(orders, key=(), value=None))
    once = shop(60).drop_duplicates("customer_id")
    assert ids(read(once)) == [FEW]


def test_contracts_are_named_by_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        (f"c{number:03d}", START + np.timedelta64(number % 60 + 30 * month, "D"), 20.0)
        for number in range(200)
        for month in range(2 + number % 9)
    ]
    found = checks(read(pd.DataFrame(rows, columns=["customer_id", "date", "amount"])))
    assert CONTRACTUAL in [check.id for check in found]
    assert capsys.readouterr().out == ""
