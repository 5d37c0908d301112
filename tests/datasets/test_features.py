"""Each feature of the simulated shop does what it says and nothing else."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.datasets import Campaign, Channel, Season, simulate_shop
from forecast.errors import UsageError

PLAIN: dict[str, Any] = {"season": None, "refunds": 0.0, "campaigns": (), "channels": ()}
Within = Callable[..., bool]


def test_season_moves_purchases_to_its_peak() -> None:
    loyal: dict[str, Any] = {
        **PLAIN,
        "a": 0.0,
        "acquisition_days": 1,
        "days": 1 + 365,
        "r": 5.0,
        "alpha": 5.0,
    }
    for season, expected in ((None, 1.0), (Season(0.5, 6), 3.0)):
        shop = simulate_shop(2000, seed=1, **loyal | {"season": season})
        month = shop.orders.loc[shop.orders["date"] > "2022-01-02", "date"].dt.month.value_counts()
        # over a month around the peak the cosine averages about .989
        assert month[6] / month[12] * 31 / 30 == pytest.approx(expected, rel=0.06)
        assert len(shop.orders) / 2000 == pytest.approx(1 + 365 / 7, rel=0.03)


def test_season_averages_one() -> None:
    days = np.datetime64("2021-01-01") + np.arange(1461)
    for month in range(1, 13):
        assert Season(0.9, month).intensity(days).mean() == pytest.approx(1, abs=1e-3)
    peak = days[Season(0.9, 12).intensity(days[:365]).argmax()]
    assert abs(peak - np.datetime64("2021-12-16")) <= np.timedelta64(1, "D")


def test_refunds_are_added_and_change_nothing_else(within: Within) -> None:
    kept = simulate_shop(3000, seed=1, refunds=0.0)
    shop = simulate_shop(3000, seed=1, refunds=0.2, refund_days=10)
    back = shop.orders[shop.orders["amount"] < 0]
    rest = shop.orders[shop.orders["amount"] > 0]
    pd.testing.assert_frame_equal(rest.reset_index(drop=True), kept.orders)
    early = rest["date"] < pd.Timestamp(shop.window.end) - pd.Timedelta(days=10)
    assert within(("R" + rest["order_id"].str[1:])[early].isin(back["order_id"]), 0.2)
    origin = rest.set_index("order_id").loc[["O" + name[1:] for name in back["order_id"]]]
    assert (origin["amount"].to_numpy() == -back["amount"].to_numpy()).all()
    assert (origin["customer_id"].to_numpy() == back["customer_id"].to_numpy()).all()
    wait = pd.Series(back["date"].to_numpy() - origin["date"].to_numpy()).dt.days
    assert set(wait) == set(range(11))
    assert (kept.orders["amount"] > 0).all()


def test_campaign_lifts_those_it_reaches_and_nobody_else(within: Within) -> None:
    campaign = Campaign("june", "2022-06-01", "2022-07-01", uplift=0.8, reach=0.5)
    loyal: dict[str, Any] = {
        **PLAIN,
        "a": 0.0,
        "acquisition_days": 30,
        "days": 365,
        "r": 5.0,
        "alpha": 5.0,
    }
    shop = simulate_shop(6000, seed=1, **loyal | {"campaigns": [campaign]})
    reached = shop.customers["reached_june"]
    assert within(reached, 0.5)
    orders = shop.orders[shop.orders["date"] >= "2022-02-01"]
    inside = orders["date"].between("2022-06-01", "2022-06-30")
    for chosen, days, lift in ((inside, 30, 1.8), (~inside, 365 - 31 - 30, 1.0)):
        counts = orders[chosen].groupby("customer_id").size().reindex(reached.index, fill_value=0)
        relative = counts / (shop.customers["rate"] * days / 7)
        assert relative[reached].mean() == pytest.approx(lift, rel=0.03)
        assert relative[~reached].mean() == pytest.approx(1, rel=0.03)
    labelled = shop.orders["campaign"].notna()
    theirs = shop.orders["customer_id"].map(reached)
    in_june = shop.orders["date"].between("2022-06-01", "2022-06-30")
    assert (labelled == (theirs & in_june)).all()
    assert labelled.any()


def test_campaign_keeps_to_its_channel_and_to_customers_it_could_know() -> None:
    campaigns = (
        Campaign("mail", "2022-06-01", "2022-07-01", channel="social"),
        Campaign("sale", date(2022, 6, 15), date(2022, 8, 1)),
    )
    shop = simulate_shop(3000, seed=1, campaigns=campaigns)
    people = shop.customers
    known = people["first_day"] < "2022-06-01"
    assert (people["reached_mail"] == (known & (people["channel"] == "social"))).all()
    assert (people["reached_sale"] == (people["first_day"] < "2022-06-15")).all()
    both = people["reached_mail"] & people["reached_sale"]
    overlap = shop.orders["date"].between("2022-06-15", "2022-06-30") & (shop.orders["amount"] > 0)
    twice = shop.orders[overlap & shop.orders["customer_id"].map(both)]
    assert set(twice["campaign"]) == {"mail"}
    once = shop.orders[overlap & ~shop.orders["customer_id"].map(people["reached_mail"])]
    assert set(once["campaign"].dropna()) == {"sale"}


def test_channels_change_rate_order_value_and_cost(within: Within) -> None:
    channels = (
        Channel("paid", share=0.25, rate=2.0, spend=0.5, cac=30.0, margin=0.2),
        Channel("organic", share=0.75),
    )
    shop = simulate_shop(30_000, seed=1, channels=channels, season=None)
    people = shop.customers
    paid = people["channel"] == "paid"
    assert within(paid, 0.25)
    assert within(people.loc[paid, "rate"], 0.2)
    assert within(people.loc[~paid, "rate"], 0.1)
    assert people.loc[paid, "mean_order_value"].mean() == pytest.approx(25, rel=0.05)
    assert set(people.loc[paid, "cac"]) == {30.0}
    assert set(people.loc[paid, "margin"]) == {0.2}
    cost = shop.spend.groupby("channel")["cost"].sum()
    assert cost["paid"] == 30 * paid.sum()
    assert cost["organic"] == 0
    may = shop.spend[(shop.spend["date"] == "2022-05-01") & (shop.spend["channel"] == "paid")]
    came = people.loc[paid, "first_day"].between("2022-05-01", "2022-05-31").sum()
    assert list(may["cost"]) == [30 * came]
    assert len(shop.spend) == 24 * 2


def test_orders_are_worth_what_their_customers_spend(within: Within) -> None:
    shop = simulate_shop(5000, seed=1, refunds=0.0)
    usual = shop.orders["customer_id"].map(shop.customers["mean_order_value"])
    ratio = shop.orders["amount"] / usual
    assert within(ratio, 1)
    assert within((ratio - 1) ** 2, 1 / 6)  # a gamma of shape p has variance 1 / p


@pytest.mark.parametrize("k", [1.0, 4.0])
def test_k_makes_timing_regular_at_the_same_rate(k: float) -> None:
    busy: dict[str, Any] = {"a": 0.0, "r": 1e6, "alpha": 1e6, "acquisition_days": 1, "days": 2000}
    shop = simulate_shop(60, seed=1, k=k, rounded=False, **PLAIN | busy)
    gaps = shop.orders.groupby("customer_id")["date"].diff().dropna().dt.total_seconds() / 604800
    assert gaps.mean() == pytest.approx(1, rel=0.03)
    assert gaps.std() == pytest.approx(k**-0.5, rel=0.05)


def test_nobody_leaves_where_a_is_zero() -> None:
    assert simulate_shop(200, a=0.0).customers["died_on"].isna().all()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"customers": 0}, "customers: 0"),
        ({"acquisition_days": 800}, "more than days"),
        ({"r": 0.0}, "r: 0.0"),
        ({"alpha": float("nan")}, "alpha: nan"),
        ({"a": -1.0}, "a: -1.0"),
        ({"q": 1.0}, "q: 1.0"),
        ({"refunds": 1.5}, "refunds: 1.5"),
        ({"refund_days": -1}, "refund_days: -1"),
        ({"start": "1 May"}, "start"),
        ({"channels": [Channel("x", share=0.5)]}, "add up to 0.5"),
        ({"channels": [Channel("x", share=0.5)] * 2}, "given twice"),
        ({"campaigns": [Campaign("m", "2022-05-01", "2022-06-01", "tv")]}, "no channel 'tv'"),
        ({"campaigns": [Campaign("m", "2025-05-01", "2025-06-01")]}, "reaches nobody"),
        ({"campaigns": [Campaign("m", "2022-01-01", "2022-06-01")]}, "reaches nobody"),
    ],
)
def test_settings_without_meaning_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        simulate_shop(**setting)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (Channel("x"), {"share": 0.0}),
        (Channel("x"), {"rate": -1.0}),
        (Channel("x"), {"cac": -1.0}),
        (Channel("x"), {"margin": 1.1}),
        (Season(), {"amplitude": 1.0}),
        (Season(), {"peak_month": 13}),
        (Campaign("m", "2022-05-01", "2022-06-01"), {"end": "2022-05-01"}),
        (Campaign("m", "2022-05-01", "2022-06-01"), {"uplift": -1.0}),
        (Campaign("m", "2022-05-01", "2022-06-01"), {"reach": 2.0}),
    ],
)
def test_parts_without_meaning_are_refused(kind: object, setting: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(setting))}"):
        replace(kind, **setting)  # type: ignore[type-var]


def test_a_hundred_thousand_customers_take_seconds() -> None:
    before = time.process_time()
    assert len(simulate_shop(100_000).customers) == 100_000
    assert time.process_time() - before < 10
