"""The simulated shop is what its truth says, by the published likelihoods and by hand."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln

from forecast.datasets import Campaign, Channel, Season, Shop, simulate_shop
from forecast.errors import UsageError

PLAIN: dict[str, Any] = {"season": None, "refunds": 0.0, "campaigns": (), "channels": ()}
WEEK = np.timedelta64(604_800, "s")
Floats = npt.NDArray[np.float64]
Within = Callable[..., bool]


def bgnbd(log: Floats, x: Floats, recency: Floats, age: Floats) -> Floats:
    """Log-likelihood of each customer, Fader, Hardie & Lee (2005), eq. 6."""
    r, alpha, a, b = np.exp(log)
    one = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + age)
    left = np.log(a / (b + np.maximum(x, 1) - 1)) - (r + x) * np.log(alpha + recency)
    return np.asarray(one + np.where(x > 0, np.logaddexp(alive, left), alive))


def gamma_gamma(log: Floats, x: Floats, mean: Floats) -> Floats:
    """Log-likelihood of each customer's mean order value, Fader & Hardie (2013), eq. 1a."""
    p, q, v = np.exp(log)
    return np.asarray(
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(v + x * mean)
    )  # fmt: skip


def scores(likelihood: Any, truth: list[float], *data: Floats) -> list[Floats]:
    """Derivative by each log-parameter at the truth; its mean is 0 if the model is right."""
    log, step = np.log(truth), 1e-4
    shifts = np.eye(len(log)) * step
    return [
        (likelihood(log + shift, *data) - likelihood(log - shift, *data)) / (2 * step)
        for shift in shifts
    ]


def history(shop: Shop) -> tuple[Floats, Floats, Floats]:
    """Repeat purchases, time of the last one and age, in weeks, from orders without refunds."""
    weeks = (shop.orders["date"].to_numpy() - np.datetime64(shop.window.start)) / WEEK
    ages = pd.Series(weeks).groupby(shop.orders["customer_id"])
    x: Floats = ages.count().to_numpy().astype(np.float64) - 1
    first, last = ages.min().to_numpy(float), ages.max().to_numpy(float)
    return x, np.asarray(last - first), np.asarray(shop.window.days / 7 - first)


def test_same_seed_same_shop_other_seed_other_shop() -> None:
    campaigns = [Campaign("may", "2022-05-01", "2022-06-01", reach=0.5)]
    one, two, other = (simulate_shop(300, seed=seed, campaigns=campaigns) for seed in (5, 5, 6))
    for name in ("orders", "customers", "spend"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.truth == two.truth
    assert not one.customers["rate"].equals(other.customers["rate"])
    assert len(one.orders) != len(other.orders)


def test_traits_have_the_moments_of_their_distributions(within: Within) -> None:
    people = simulate_shop(20_000, seed=1, **PLAIN).customers
    assert within(people["rate"], 0.6 / 6)
    assert within((people["rate"] - 0.1) ** 2, 0.6 / 36)
    assert within(people["dropout"], 0.8 / 3.3)
    assert within((people["dropout"] - 0.8 / 3.3) ** 2, 0.8 * 2.5 / (3.3**2 * 4.3))
    assert within(1 / people["mean_order_value"], 4 / 25 / 6)  # nu / p
    assert within(people["mean_order_value"], 6 * 25 / 3, errors=6)  # heavy tail


def test_plain_shop_is_bgnbd(within: Within) -> None:
    truth: dict[str, Any] = {"r": 0.5, "alpha": 5.0, "a": 0.9, "b": 2.0}
    shop = simulate_shop(100_000, seed=2, rounded=False, **PLAIN, **truth)
    for score in scores(bgnbd, list(truth.values()), *history(shop)):
        assert within(score, 0)


def test_the_score_test_can_fail(within: Within) -> None:
    shop = simulate_shop(20_000, seed=2, rounded=False, **PLAIN)
    assert not within(scores(bgnbd, [0.6, 6.6, 0.8, 2.5], *history(shop))[1], 0)
    regular = simulate_shop(20_000, seed=2, rounded=False, k=2.0, **PLAIN)
    found = scores(bgnbd, [0.6, 6.0, 0.8, 2.5], *history(regular))
    assert not all(within(score, 0) for score in found)


def test_plain_shop_is_gamma_gamma(within: Within) -> None:
    shop = simulate_shop(20_000, seed=3, rounded=False, **PLAIN)
    amounts = shop.orders.groupby("customer_id")["amount"]
    x, mean = amounts.count().to_numpy().astype(np.float64), amounts.mean().to_numpy()
    for score in scores(gamma_gamma, [6.0, 4.0, 25.0], x, mean):
        assert within(score, 0)
    assert not within(scores(gamma_gamma, [6.0, 4.0, 27.0], x, mean)[2], 0)


def test_season_is_bgnbd_in_operational_time(within: Within) -> None:
    """The same likelihood holds on a calendar stretched by hand."""
    season = Season(0.7, peak_month=11)
    shop = simulate_shop(20_000, seed=4, rounded=False, **PLAIN | {"season": season})
    days = np.datetime64("2022-01-01") + np.arange(730)
    passed = np.concatenate([[0], np.cumsum(season.intensity(days))]) / 7
    since = shop.orders["date"].to_numpy() - np.datetime64("2022-01-01")
    seconds = since / np.timedelta64(1, "s")
    weeks = pd.Series(np.interp(seconds / 86400, np.arange(731), passed))
    ages = weeks.groupby(shop.orders["customer_id"])
    first, last = ages.min().to_numpy(float), ages.max().to_numpy(float)
    x = ages.count().to_numpy().astype(np.float64) - 1
    data = x, np.asarray(last - first), np.asarray(passed[-1] - first)
    truth = [0.6, 6.0, 0.8, 2.5]
    assert all(within(score, 0) for score in scores(bgnbd, truth, *data))
    assert not all(within(s, 0) for s in scores(bgnbd, truth, *history(shop)))


def test_plain_shop_has_nothing_else() -> None:
    shop = simulate_shop(500, seed=1, **PLAIN)
    assert (shop.orders["amount"] > 0).all()
    assert shop.orders["campaign"].isna().all()
    assert set(shop.orders["channel"]) == set(shop.customers["channel"]) == {"all"}
    assert (shop.spend["cost"] == 0).all()
    assert not any("reached_" in str(name) for name in shop.customers)
    assert shop.truth["season"] is None
    assert shop.truth["campaigns"] == []


def test_rounded_only_rounds() -> None:
    exact = simulate_shop(500, seed=8, rounded=False, **PLAIN)
    shop = simulate_shop(500, seed=8, **PLAIN)
    pd.testing.assert_frame_equal(shop.customers, exact.customers)
    assert (shop.orders["date"] == exact.orders["date"].dt.normalize()).all()
    assert (exact.orders["date"] != exact.orders["date"].dt.normalize()).any()
    assert np.abs(shop.orders["amount"] - exact.orders["amount"]).max() <= 0.005 + 1e-9
    busy = simulate_shop(50, seed=8, r=50.0, alpha=10.0, **PLAIN)
    assert busy.orders.duplicated(["customer_id", "date"]).any()  # left to the ledger to merge


def test_alive_follows_the_day_of_leaving() -> None:
    shop = simulate_shop(2000, seed=1)
    left = shop.customers["died_on"].dropna()
    who, day = left.index[0], left.iloc[0]
    assert not shop.alive(day.date())[who]
    assert shop.alive((day - pd.Timedelta(days=1)).date())[who]
    end = shop.alive(shop.window.last)
    assert (end == shop.customers["died_on"].isna()).all()
    early = shop.alive("2022-06-30")
    assert list(early.index) == list(
        shop.customers.index[shop.customers["first_day"] <= "2022-06-30"]
    )
    for wrong in ("2021-12-31", "2024-01-01"):
        with pytest.raises(UsageError, match="was not simulated"):
            shop.alive(wrong)


def test_truth_can_be_written_down_and_used_again() -> None:
    shop = simulate_shop(100, seed=3, campaigns=[Campaign("x", date(2022, 3, 1), "2022-04-01")])
    given_: dict[str, Any] = json.loads(json.dumps(shop.truth))
    assert given_ == shop.truth
    again = simulate_shop(
        **{
            **given_,
            "channels": [Channel(**each) for each in given_["channels"]],
            "campaigns": [Campaign(**each) for each in given_["campaigns"]],
            "season": Season(**given_["season"]),
        }
    )
    pd.testing.assert_frame_equal(again.orders, shop.orders)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    customers=st.integers(1, 60),
    days=st.integers(2, 500),
    r=st.floats(0.01, 5),
    a=st.floats(0, 5),
    amplitude=st.floats(0, 0.99),
    refunds=st.floats(0, 1),
    rounded=st.booleans(),
)
def test_orders_agree_with_the_truth(
    seed: int, customers: int, days: int, r: float, a: float, amplitude: float,
    refunds: float, rounded: bool,
) -> None:  # fmt: skip
    shop = simulate_shop(
        customers, seed=seed, days=days, r=r, a=a, season=Season(amplitude, 3),
        refunds=refunds, rounded=rounded, campaigns=[Campaign("c", "2022-01-02", "2022-02-01")],
    )  # fmt: skip
    orders, people = shop.orders, shop.customers
    assert orders["order_id"].is_unique
    assert orders["date"].is_monotonic_increasing
    assert orders["date"].between("2022-01-01", pd.Timestamp(shop.window.end)).all()
    bought = orders[orders["order_id"].str.startswith("O")]
    day = bought["date"].dt.normalize().groupby(bought["customer_id"])
    assert day.min().equals(people["first_day"].rename("date"))
    left = people["died_on"].dropna()
    assert day.max()[left.index].equals(left.rename("date"))
    assert (day.size()[left.index] > 1).all()  # nobody leaves at the first purchase
    assert set(orders["customer_id"]) == set(people.index)
    assert orders.groupby("customer_id")["amount"].sum().min() > -1e-6
