"""Simulate a shop from known truth, so that a model can be judged against what is so."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import add, parse_day
from forecast.datasets.arrivals import draw_purchases, weeks_elapsed
from forecast.datasets.campaigns import Campaign, campaign_of, check_names, draw_reach
from forecast.datasets.settings import CHANNELS, SEASON, Channel, Season, require
from forecast.datasets.shop import Shop

__all__ = ["simulate_shop"]

FloatArray = npt.NDArray[np.float64]


def simulate_shop(
    customers: int = 2000,
    *,
    start: str | date = "2022-01-01",
    days: int = 730,
    acquisition_days: int | None = None,
    seed: int = 0,
    r: float = 0.6,
    alpha: float = 6.0,
    a: float = 0.8,
    b: float = 2.5,
    k: float = 1.0,
    p: float = 6.0,
    q: float = 4.0,
    v: float = 25.0,
    channels: Sequence[Channel] = CHANNELS,
    season: Season | None = SEASON,
    campaigns: Sequence[Campaign] = (),
    refunds: float = 0.06,
    refund_days: int = 30,
    rounded: bool = True,
) -> Shop:
    """Simulate a shop whose every parameter is known.

    1. Customers arrive evenly over the first ``acquisition_days``, place a first order at once
       and come from a channel drawn by its share.
    2. While alive, customer i buys at rate ``lambda_i ~ Gamma(r, alpha)`` a week times the
       channel's factor. After each repeat purchase the customer leaves for good with probability
       ``p_i ~ Beta(a, b)``. That is the BG/NBD model (Fader, Hardie & Lee 2005, section 3). The
       time between purchases is Gamma with shape ``k`` and mean ``1 / lambda_i``: exponential at
       1, more regular above.
    3. Time runs faster in season and for those whom a campaign reaches: gaps are drawn in
       operational weeks, the integral over the calendar of season times ``1 + uplift``.
    4. An order is worth ``z ~ Gamma(p, rate nu_i)`` with ``nu_i ~ Gamma(q, rate v)``, times the
       channel's factor. That is Gamma-Gamma (Fader & Hardie 2013); the mean is ``p v / (q - 1)``.
    5. Each order is returned in full with probability ``refunds``, on the same day or up to
       ``refund_days`` later, at even odds. A return after the last day is not seen.

    With ``season=None, refunds=0.0, campaigns=(), channels=()`` and ``rounded=False`` nothing is
    left but BG/NBD and Gamma-Gamma. Each part has its own stream of random numbers, so refunds
    do not change the orders, nor does spending change the purchases.

    Parameters
    ----------
    customers : int
        How many are acquired.
    start : str or date
        First day.
    days : int
        How many days are seen.
    acquisition_days : int, optional
        Customers arrive in that many first days; by default until the end. 1 makes a cohort.
    seed : int
        The same seed and settings give the same shop.
    r, alpha : float
        Shape and rate (weeks) of purchase rates; their mean is ``r / alpha`` a week.
    a, b : float
        Beta parameters of the dropout; ``a=0`` is a shop that nobody leaves.
    k : float
        Regularity of the time between purchases.
    p, q, v : float
        Shape of order values, shape and scale (currency) of their spread between customers.
    channels : sequence of Channel
        Where customers come from; none makes one channel ``"all"`` that costs nothing.
    season : Season or None
        The yearly wave.
    campaigns : sequence of Campaign
        Where two overlap, their effects multiply and an order names the one listed first.
    refunds : float
        Share of orders returned, 0 to 1.
    refund_days : int
        Longest time to a refund, in days.
    rounded : bool
        Whole days and cents, as a shop exports them, so two orders may fall on one day, which a
        ledger merges into one purchase. False keeps the exact moment and amount.

    Returns
    -------
    Shop
        Orders, customers, spend and truth.

    Raises
    ------
    UsageError
        If a setting is out of range.

    Examples
    --------
    >>> shop = simulate_shop(500, seed=1, campaigns=[Campaign("june", "2023-06-01", "2023-06-15")])
    >>> list(shop.orders)
    ['customer_id', 'date', 'amount', 'channel', 'campaign', 'order_id']
    >>> shop.truth["r"], shop.truth["alpha"]
    (0.6, 6.0)
    >>> int(shop.alive("2023-12-31").sum()) < len(shop.customers) == 500
    True
    """
    truth: dict[str, Any] = dict(locals())  # before there is anything but the settings
    channels = tuple(channels) or (Channel("all"),)
    campaigns = tuple(campaigns)
    acquisition_days = days if acquisition_days is None else acquisition_days
    _check(truth | {"acquisition_days": acquisition_days})
    check_names(channels, campaigns)
    first = parse_day(start, "start")
    for campaign in campaigns:
        inside = 0 < (campaign.window.start - first).days < days
        require(
            inside,
            f"Campaign {campaign.name!r} starts on {campaign.window.start}, not after the first "
            f"of the {days} days from {first}, so it reaches nobody.",
        )
    streams = np.random.default_rng(seed).spawn(7)

    arrived = np.sort(streams[0].random(customers)) * acquisition_days
    source = streams[1].choice(len(channels), customers, p=[each.share for each in channels])
    effect = {
        name: np.array([getattr(each, name) for each in channels], dtype=float)[source]
        for name in ("rate", "spend", "cac", "margin")
    }
    slowest = 1e-300  # a tiny shape may draw 0, which has no time between purchases
    rate = np.maximum(streams[2].gamma(r, 1 / alpha, customers), slowest) * effect["rate"]
    dropout = streams[2].beta(a, b, customers) if a > 0 else np.zeros(customers)
    nu = streams[3].gamma(q, 1 / v, customers)
    names = [each.name for each in channels]
    kinds = np.array(names, dtype=object)[source]
    reached = draw_reach(streams[4], campaigns, kinds, arrived, first)

    clock = weeks_elapsed(first, days, season, campaigns, reached)
    who, moment, died = draw_purchases(streams[5], clock, arrived, rate, dropout, k)
    amount = streams[3].gamma(p, 1 / nu[who]) * effect["spend"][who]
    running = campaign_of(campaigns, reached, first, who, moment)
    label = np.array([*(each.name for each in campaigns), None], dtype=object)[running]

    ids = pd.Index(_numbered("C", np.arange(1, customers + 1)), name="customer_id")
    orders = pd.DataFrame(
        {
            "customer_id": ids.to_numpy()[who],
            "date": moment,
            "amount": amount.round(2) if rounded else amount,
            "channel": kinds[who],
            "campaign": pd.Series(label, dtype=str),
            "order_id": _numbered("O", np.arange(1, len(who) + 1)),
        }
    )
    orders = _with_refunds(streams[6], orders, refunds, refund_days, days)
    orders["date"] = _dates(first, orders["date"].to_numpy(float), rounded)
    people = pd.DataFrame(
        {
            "first_day": _dates(first, arrived, True),
            "channel": kinds,
            "rate": rate,
            "dropout": dropout,
            "mean_order_value": p / nu * effect["spend"],
            "died_on": _dates(first, died, True),
            "cac": effect["cac"],
            "margin": effect["margin"],
        },
        index=ids,
    )
    for position, campaign in enumerate(campaigns):
        people[f"reached_{campaign.name}"] = reached[:, position]
    truth |= {
        "start": first.isoformat(),
        "acquisition_days": acquisition_days,
        "channels": [asdict(each) for each in channels],
        "season": asdict(season) if season else None,
        "campaigns": [
            asdict(each) | {"start": str(each.start), "end": str(each.end)} for each in campaigns
        ],
    }
    return Shop(orders, people, _spend(people, names, first, acquisition_days), truth)


def _check(given: dict[str, Any]) -> None:
    """Refuse settings without meaning, before anything is drawn."""
    for name in ("customers", "days", "acquisition_days"):
        require(given[name] >= 1, f"{name}: {given[name]} must be at least 1.")
    longest = f"acquisition_days: {given['acquisition_days']} is more than days, {given['days']}."
    require(given["acquisition_days"] <= given["days"], longest)
    for name in ("r", "alpha", "b", "k", "p", "v"):
        require(0 < given[name] < np.inf, f"{name}: {given[name]} must be a positive number.")
    require(0 <= given["a"] < np.inf, f"a: {given['a']} must be 0 or a positive number.")
    require(1 < given["q"] < np.inf, f"q: {given['q']} must be over 1, or no mean order exists.")
    require(0 <= given["refunds"] <= 1, f"refunds: {given['refunds']} must be from 0 to 1.")
    require(given["refund_days"] >= 0, f"refund_days: {given['refund_days']} must be at least 0.")


def _with_refunds(
    rng: np.random.Generator, orders: pd.DataFrame, share: float, longest: int, days: int
) -> pd.DataFrame:
    """Add a negative row for each order that comes back within the days seen."""
    returned = rng.random(len(orders)) < share
    later = orders["date"] + rng.integers(0, longest + 1, len(orders))
    back = orders[returned & (later < days)].copy()
    back["date"], back["amount"] = later[back.index], -back["amount"]
    back["order_id"] = "R" + back["order_id"].str[1:]
    both = pd.concat([orders, back])
    # a refund on the day of its order carries its moment, so it must stay behind it
    return both.sort_values("date", kind="stable", ignore_index=True)


def _spend(people: pd.DataFrame, names: list[str], first: date, days: int) -> pd.DataFrame:
    """Sum of acquisition cost by month and channel, months without a customer included."""
    months = pd.period_range(first, add(first, days - 1, "D"), freq="M").to_timestamp()
    grid = pd.MultiIndex.from_product([months, names], names=["date", "channel"])
    month = people["first_day"].dt.to_period("M").dt.to_timestamp().rename("date")
    cost = people.groupby([month, "channel"])["cac"].sum()
    return cost.reindex(grid, fill_value=0.0).rename("cost").reset_index()


def _dates(first: date, moment: FloatArray, whole: bool) -> pd.DatetimeIndex:
    """Calendar time of days since the start; missing where there is none."""
    unit = np.floor(moment) * 86_400e6 if whole else moment * 86_400e6
    return pd.DatetimeIndex(np.datetime64(first, "us") + np.round(unit).astype("timedelta64[us]"))


def _numbered(letter: str, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Names of equal length, so that they sort as their numbers."""
    width = max(6, len(str(len(numbers))))
    return np.char.add(letter, np.char.zfill(numbers.astype(str), width))
