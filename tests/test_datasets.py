"""Sample data are what their descriptions say; the simulated shop is what its truth says."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln

from forecast.datasets import (
    Campaign,
    Channel,
    Season,
    Shop,
    files,
    load_cdnow,
    load_sample,
    simulate_shop,
)
from forecast.errors import FileError, UsageError

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
PLAIN: dict[str, Any] = {"season": None, "refunds": 0.0, "campaigns": (), "channels": ()}
WEEK = np.timedelta64(604_800, "s")
Floats = npt.NDArray[np.float64]


def within(values: npt.ArrayLike, expected: float, errors: float = 4.5) -> bool:
    """Whether a mean is within so many standard errors of what it should be."""
    values = np.asarray(values, dtype=float)
    return bool(abs(values.mean() - expected) < errors * values.std() / np.sqrt(len(values)))


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


# the shipped file


def test_sample_is_the_file_its_readme_describes() -> None:
    text = (SAMPLE / "README.md").read_text()
    digest = hashlib.sha256((SAMPLE / "online_retail_ii.csv.gz").read_bytes()).hexdigest()
    orders = load_sample()
    assert digest in text
    for number in (
        f"| {len(orders):,} |",
        f"| {orders['customer_id'].nunique():,} |",
        f"| {(orders['amount'] < 0).sum():,} |",
        f"| {(orders['amount'] == 0).sum()} |",
        f"| {(orders.groupby('customer_id')['amount'].max() <= 0).sum()} |",
        f"| {orders['amount'].sum():,.2f} |",
        f"{orders['date'].min():%Y-%m-%d %H:%M} to {orders['date'].max():%Y-%m-%d %H:%M}",
        f"one of {orders['country'].nunique()} values",
        f"{(orders.groupby('customer_id')['country'].nunique() > 1).sum()} customers have two",
    ):
        assert number in text, number
    assert "CC BY 4.0" in text
    assert "10.24432/C5CG6D" in text


def test_sample_columns_and_order() -> None:
    orders = load_sample()
    assert list(orders) == ["customer_id", "date", "amount", "order_id", "country"]
    for name in ("customer_id", "order_id", "country"):
        assert pd.api.types.is_string_dtype(orders[name])
    assert pd.api.types.is_datetime64_dtype(orders["date"])
    assert not orders.isna().any(axis=None)
    assert orders["order_id"].is_unique
    assert orders.equals(orders.sort_values(["date", "order_id"], ignore_index=True))
    assert (orders["order_id"].str.startswith("C") == (orders["amount"] < 0)).all()


def test_sample_carries_no_time_of_making() -> None:
    head = (SAMPLE / "online_retail_ii.csv.gz").read_bytes()[:10]
    assert head[:2] == b"\x1f\x8b"
    assert head[3] == 0  # no file name
    assert head[4:8] == bytes(4)  # no time


def test_missing_sample_names_the_path_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_SAMPLE", tmp_path / "gone.csv.gz")
    with pytest.raises(FileError, match=r"gone\.csv\.gz.*install from a checkout"):
        load_sample()


# CDNOW


@pytest.mark.parametrize(
    ("sample", "rows", "customers", "quantity"),
    [(True, 6919, 2357, 16479), (False, 69659, 23570, 167881)],
)
def test_cdnow_counts(sample: bool, rows: int, customers: int, quantity: int) -> None:
    log = load_cdnow(sample)
    assert list(log) == ["customer_id", "date", "quantity", "amount"]
    assert (len(log), log["customer_id"].nunique()) == (rows, customers)
    assert log["date"].min() == pd.Timestamp("1997-01-01")
    assert log["date"].max() == pd.Timestamp("1998-06-30")
    assert log["quantity"].sum() == quantity
    assert log["customer_id"].str.len().nunique() == 1
    assert log.groupby("customer_id")["date"].min().max() < pd.Timestamp("1997-04-01")


@pytest.mark.parametrize("name", ["sample", "full"])
def test_cdnow_equals_another_copy(name: str) -> None:
    folder = os.environ.get("LTV_DATA")
    if not folder:
        pytest.skip("set LTV_DATA to a folder with cdnow_sample.parquet and cdnow_full.parquet")
    names = ["customer_id", "date", "quantity", "amount"]
    other = pd.read_parquet(Path(folder) / f"cdnow_{name}.parquet")[names]
    ours = load_cdnow(sample=name == "sample")
    pd.testing.assert_frame_equal(
        ours.sort_values(names, ignore_index=True),
        other.sort_values(names, ignore_index=True),
        check_dtype=False,
    )


def test_cdnow_does_not_import_lifetimes() -> None:
    code = (
        "import sys; from forecast.datasets import load_cdnow; load_cdnow(True); "
        "sys.exit('lifetimes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cdnow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "_lifetimes", lambda: tmp_path)
    with pytest.raises(FileError, match="pip install lifetimes"):
        load_cdnow()
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match="pip install lifetimes"):
        load_cdnow()


# the simulated shop: one truth


def test_same_seed_same_shop_other_seed_other_shop() -> None:
    campaigns = [Campaign("may", "2022-05-01", "2022-06-01", reach=0.5)]
    one, two, other = (simulate_shop(300, seed=seed, campaigns=campaigns) for seed in (5, 5, 6))
    for name in ("orders", "customers", "spend"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.truth == two.truth
    assert not one.customers["rate"].equals(other.customers["rate"])
    assert len(one.orders) != len(other.orders)


def test_traits_have_the_moments_of_their_distributions() -> None:
    people = simulate_shop(20_000, seed=1, **PLAIN).customers
    assert within(people["rate"], 0.6 / 6)
    assert within((people["rate"] - 0.1) ** 2, 0.6 / 36)
    assert within(people["dropout"], 0.8 / 3.3)
    assert within((people["dropout"] - 0.8 / 3.3) ** 2, 0.8 * 2.5 / (3.3**2 * 4.3))
    assert within(1 / people["mean_order_value"], 4 / 25 / 6)  # nu / p
    assert within(people["mean_order_value"], 6 * 25 / 3, errors=6)  # heavy tail


def test_plain_shop_is_bgnbd() -> None:
    truth: dict[str, Any] = {"r": 0.5, "alpha": 5.0, "a": 0.9, "b": 2.0}
    shop = simulate_shop(100_000, seed=2, rounded=False, **PLAIN, **truth)
    for score in scores(bgnbd, list(truth.values()), *history(shop)):
        assert within(score, 0)


def test_the_score_test_can_fail() -> None:
    shop = simulate_shop(20_000, seed=2, rounded=False, **PLAIN)
    assert not within(scores(bgnbd, [0.6, 6.6, 0.8, 2.5], *history(shop))[1], 0)
    regular = simulate_shop(20_000, seed=2, rounded=False, k=2.0, **PLAIN)
    found = scores(bgnbd, [0.6, 6.0, 0.8, 2.5], *history(regular))
    assert not all(within(score, 0) for score in found)


def test_plain_shop_is_gamma_gamma() -> None:
    shop = simulate_shop(20_000, seed=3, rounded=False, **PLAIN)
    amounts = shop.orders.groupby("customer_id")["amount"]
    x, mean = amounts.count().to_numpy().astype(np.float64), amounts.mean().to_numpy()
    for score in scores(gamma_gamma, [6.0, 4.0, 25.0], x, mean):
        assert within(score, 0)
    assert not within(scores(gamma_gamma, [6.0, 4.0, 27.0], x, mean)[2], 0)


def test_season_is_bgnbd_in_operational_time() -> None:
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


# the simulated shop: each feature


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


def test_refunds_are_added_and_change_nothing_else() -> None:
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


def test_campaign_lifts_those_it_reaches_and_nobody_else() -> None:
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


def test_channels_change_rate_order_value_and_cost() -> None:
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


def test_orders_are_worth_what_their_customers_spend() -> None:
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
