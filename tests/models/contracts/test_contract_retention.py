"""Contracts renewed or not: published curves from a log, refusals, calibrated totals."""

import os
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError, NotFittedError, NotIdentifiedError, UsageError
from forecast.ledger import Ledger
from forecast.models.contracts.contract_retention import ContractRetention
from forecast.processes import ShiftedBetaGeometric
from forecast.testing import check_forecaster

# Fader & Hardie (2007), table 1: of 1,000 customers, still there after 0, 1, 2, ... years
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
LATER = [468, 445, 427, 409, 394]


def yearly_log(survivors: list[int]) -> pd.DataFrame:
    """One cohort that pays 100 on every anniversary it is still there for."""
    parts = [
        pd.DataFrame({
            "customer_id": [f"c{n:04d}" for n in range(alive)],
            "date": pd.Timestamp(2000 + year, 3, 1), "amount": 100.0,
        })
        for year, alive in enumerate(survivors)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def monthly_log(seed: int, customers: int = 200, delay: int = 4) -> pd.DataFrame:
    """Two years of monthly contracts with three fees, paid up to so many days late."""
    rng = np.random.default_rng(seed)
    end, rows = pd.Timestamp("2026-01-01"), []
    for number in range(customers):
        first = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 420)))
        leaves, fee, step = rng.beta(0.668, 3.806), rng.choice([10.0, 20.0, 50.0]), 0
        day = first
        while day <= end:
            channel = "web" if number % 2 else "shop"
            rows.append((f"c{number:04d}", day, fee, channel))
            step += 1
            if rng.random() < leaves:
                break
            late = pd.Timedelta(days=int(rng.integers(0, delay + 1)))
            day = first + pd.DateOffset(months=step) + late
    return pd.DataFrame(rows, columns=["customer_id", "date", "amount", "channel"])


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    log = monthly_log(0)
    return fc.read_ledger(log, key=(), customer_columns=["channel"], cutoff="2026-01-01")


def test_seven_years_of_a_published_curve_give_its_parameters() -> None:
    whole = fc.read_ledger(yearly_log(HIGH_END + LATER), key=(), cutoff="2012-06-30")
    past = whole.cut("2007-06-30")
    model = ContractRetention(every="1Y").fit(past)
    params = model.retention_["all"].params
    assert params["alpha"] == pytest.approx(0.668, abs=1e-3)
    assert params["beta"] == pytest.approx(3.806, abs=1e-3)
    found = model.forecast("5Y", draws=500)
    # five more renewals of the 491 who are left, against the published survivor curve
    published = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
    wanted = 491 * published.survival(np.arange(1, 6), 7)
    np.testing.assert_allclose(found.periods["expected_purchases"], wanted, rtol=1e-3)
    np.testing.assert_allclose(found.periods["expected_value"], 100 * wanted, rtol=1e-3)
    np.testing.assert_allclose(wanted, LATER, rtol=0.04)  # as in the paper, a little low
    actual = whole.actuals("2007-06-30", "5Y")
    assert actual["purchases"].sum() == sum(LATER)
    lo, hi = found.interval().loc["purchases", ["lo", "hi"]]
    assert lo <= sum(LATER) <= hi


@pytest.mark.skipif("LTV_DATA" not in os.environ, reason="LTV_DATA names no folder of logs")
@pytest.mark.parametrize("group", ["regular", "high_end"])
def test_published_curves_on_file_are_forecast_five_years_on(group: str) -> None:
    table = pd.read_parquet(Path(os.environ["LTV_DATA"]) / "sbg_fader_hardie_retention.parquet")
    survivors = (table[group] * 10).round().astype(int).tolist()
    past = fc.read_ledger(yearly_log(survivors), key=()).cut("2007-06-30")
    found = ContractRetention(every="1Y").fit(past).forecast("5Y", draws=0)
    np.testing.assert_allclose(found.periods["expected_purchases"], survivors[8:], rtol=0.04)


def test_standing_at_the_cutoff(ledger: Ledger) -> None:
    found = ContractRetention().fit(ledger).forecast("3M", draws=0)
    assert found.customers is not None
    table = found.customers
    gone = table["p_alive"] == 0
    assert (table.loc[gone, ["p_active", "expected_purchases", "expected_value"]] == 0).all(
        axis=None
    )
    days = (pd.Timestamp("2026-01-01") - fc.customer_summary(ledger)["last_purchase"]).dt.days
    assert (days[gone] > 31).all()
    assert (table.loc[days <= 20, "p_alive"] == 1).all()
    overdue = table["p_alive"].between(0, 1, inclusive="neither")
    assert overdue.any()
    assert (days[overdue] >= 31 - 4).all()  # the last one may have been four days late
    # fees never change, so the next payment is worth the fee
    fee = ledger.purchases().groupby("customer_id")["value"].first()
    np.testing.assert_allclose(table["expected_order_value"], fee)


def test_a_renewal_that_is_open_grows_less_likely_day_by_day() -> None:
    log = monthly_log(1)
    steady = pd.DataFrame({
        "customer_id": "me", "amount": 10.0, "channel": "web",
        "date": pd.date_range("2025-01-01", "2025-06-01", freq="MS"),
    })  # fmt: skip
    whole = fc.read_ledger(pd.concat([log, steady]), key=())
    chances = []
    for day in ("2025-06-30", "2025-07-01", "2025-07-02", "2025-07-04", "2025-07-06"):
        found = ContractRetention().fit(whole.cut(day)).forecast("1M", draws=0)
        assert found.customers is not None
        chances.append(found.customers.loc["me", "p_active"])
    assert (np.diff(chances) < 0).all()
    assert chances[0] > 0.8
    assert chances[-1] == 0  # nobody ever paid five days late


def test_groups_are_drawn_to_all_contracts(ledger: Ledger) -> None:
    own, some, pooled = (
        ContractRetention(by="channel", credibility=k).fit(ledger).retention_
        for k in (1e-6, 50.0, 1e6)
    )
    everyone = ContractRetention().fit(ledger).retention_["all"].params
    assert set(own) == {"shop", "web"}

    def churn(params: dict[str, float]) -> float:
        return params["alpha"] / (params["alpha"] + params["beta"])

    for name in own:
        assert pooled[name].params["alpha"] == pytest.approx(everyone["alpha"], rel=0.01)
    far, near = (abs(churn(each["web"].params) - churn(each["shop"].params))
                 for each in (own, some))  # fmt: skip
    assert near < far
    found = ContractRetention(by="channel").fit(ledger).forecast("2M", draws=50)
    assert found.interval().notna().all(axis=None)


def test_customers_who_come_and_go_are_refused_by_name() -> None:
    log = fc.load_cdnow(sample=True)
    for every, problem in (("1M", "followed by another purchase"), ("1Y", "beside any due day")):
        with pytest.raises(ModelError, match=f"no contracts of {every}.*{problem}"):
            ContractRetention(every=every).fit(fc.read_ledger(log, key=()))
    # monthly contracts taken for weekly ones: nobody renews after a week, everybody comes back
    monthly = fc.read_ledger(monthly_log(0), key=())
    with pytest.raises(ModelError, match="no contracts of 1W"):
        ContractRetention(every="1W").fit(monthly)


def test_nobody_lost_is_not_identified() -> None:
    log = yearly_log([50, 50, 50])
    with pytest.raises(NotIdentifiedError):
        ContractRetention(every="1Y").fit(fc.read_ledger(log, key=(), cutoff="2002-12-31",
                                                         as_of="2003-01-01"))  # fmt: skip


def test_settings_are_checked(ledger: Ledger) -> None:
    for settings, match in (
        ({"every": "2024-01-01"}, "every"),
        ({"tolerance": "20D"}, "renew twice"),
        ({"by": "country"}, "customer column|neither"),
    ):
        with pytest.raises(UsageError, match=match):
            ContractRetention(**settings).fit(ledger)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        ContractRetention().forecast("1M")


@pytest.mark.parametrize("by", [None, "channel"])
def test_an_update_with_the_same_ledger_changes_nothing(by: str | None, ledger: Ledger) -> None:
    model = ContractRetention(by=by).fit(ledger)
    one, other = (each.forecast("8W", draws=40) for each in (model, deepcopy(model).update(ledger)))
    pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, other.periods, check_exact=True)
    np.testing.assert_array_equal(one.totals().purchases, other.totals().purchases)


def test_groups_that_are_not_known_take_all_contracts(ledger: Ledger) -> None:
    log = monthly_log(0)
    log["channel"] = log["channel"].replace({"web": "app"})
    later = fc.read_ledger(log, key=(), customer_columns=["channel"]).cut("2025-06-28")
    past = ledger.cut("2025-04-28")
    one, other = (
        ContractRetention(by=by).fit(past).update(later).forecast("8W", draws=0).customers
        for by in ("channel", None)
    )
    new = later.attributes()["channel"] == "app"
    pd.testing.assert_series_equal(one["p_alive"][new], other["p_alive"][new], rtol=1e-6)
    assert not np.allclose(one["p_alive"][~new], other["p_alive"][~new], rtol=1e-6)


@pytest.mark.usefixtures("read_once")
def test_complies_on_contracts() -> None:
    log = monthly_log(2, 100).drop(columns="channel")
    # somebody buys on the cutoff, so a log without later rows ends there
    last = {"customer_id": "last", "date": log["date"].max() - pd.Timedelta(weeks=8), "amount": 9.0}
    check_forecaster(ContractRetention(), log=pd.concat([log, pd.DataFrame([last])]))


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 4])
def test_totals_are_calibrated(delay: int) -> None:
    inside, ranks = list[bool](), list[float]()
    for seed in range(40):
        whole = fc.read_ledger(monthly_log(seed, 150, delay), key=(), cutoff="2026-01-01")
        past = whole.cut("2025-07-10")
        found = ContractRetention().fit(past).forecast("5M", draws=200, seed=seed)
        actual = whole.actuals("2025-07-10", "5M").sum()
        total = found.totals()
        for name in ("purchases", "value"):
            lo, hi = found.interval().loc[name, ["lo", "hi"]]
            inside.append(bool(lo <= actual[name] <= hi))
        drawn = total.purchases.sum(axis=(1, 2))
        ranks.append(float((drawn < actual["purchases"]).mean()))
    assert 0.82 < np.mean(inside) < 0.97
    assert 0.40 < np.mean(ranks) < 0.60
