"""How long a log's first customers may be older than the log."""

import warnings

import numpy as np
import pandas as pd

from forecast.ledger import Ledger, read_ledger
from forecast.models.newcomers.burn_in import burn_in_days


def shop(*, since: int, days: int = 600, seed: int = 0) -> Ledger:
    """Two customers a day come from day ``-since`` on and buy every 60 days; seen from day 0."""
    rng, parts = np.random.default_rng(seed), []
    for number, first in enumerate(np.repeat(np.arange(-since, days), 2)):
        bought = first + np.concatenate([[0], np.cumsum(np.ceil(rng.exponential(60, 40)))])
        bought = bought[(bought >= 0) & (bought < days)].astype(int)
        parts.append(pd.DataFrame({"who": f"c{number}", "day": bought}))
    rows = pd.concat(parts)
    rows["date"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(rows.pop("day"), unit="D")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(rows, customer="who", date="date", value=None, cutoff="2023-08-23")


def test_a_log_that_starts_with_the_business_has_none() -> None:
    assert burn_in_days(shop(since=0)) == 0


def test_old_customers_seen_again_are_burnt_in() -> None:
    found = burn_in_days(shop(since=900))
    assert found % 28 == 0
    # with 1,800 old customers who return at 1/60 a day, less than the new ones after 165 days
    assert 84 <= found <= 196


def test_one_day_is_no_middle() -> None:
    rows = pd.DataFrame({"who": ["a", "b"], "date": ["2024-01-01"] * 2})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ledger = read_ledger(rows, customer="who", date="date", value=None, cutoff="2024-01-10")
    assert burn_in_days(ledger) == 0
