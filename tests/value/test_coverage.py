"""Where the truth is known, 90 % intervals hold it in 84 to 96 % of simulated shops."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.datasets.settings import CHANNELS
from forecast.processes import BGNBD
from forecast.value.age_value import value_by_age
from forecast.value.economics import unit_economics

SEEDS = 400
MARGIN, ORDER = 0.4, 6.0 * 25.0 / 3.0  # mean order value p v / (q - 1)
PAID = tuple(replace(each, cac=each.cac or 5.0) for each in CHANNELS)
AGE = "365D"


def expected_margin(channel, weeks):
    """Margin a customer of a channel brings in so many weeks: the first order and the repeats."""
    repeats = BGNBD(r=0.6, alpha=6.0 / channel.rate, a=0.8, b=2.5).expected_purchases(weeks)
    return MARGIN * ORDER * channel.spend * (1.0 + float(np.mean(repeats)))


def by_channel(weeks):
    found = {each.name: expected_margin(each, weeks) for each in PAID}
    found["(all)"] = sum(each.share * found[each.name] for each in PAID)
    return pd.Series(found)


def one_shop(seed):
    """Return what holds the truth in one simulated shop, by name and channel."""
    shop = fc.simulate_shop(300, days=912, acquisition_days=730, seed=seed, season=None,
                            refunds=0.0, channels=PAID)  # fmt: skip
    whole = fc.read_ledger(shop.orders, customer_columns=["channel"], cutoff="2024-06-30", key=())
    ledger = whole.cut("2023-12-31")
    model = fc.MODELS["btyd"].fit(ledger)
    forecast = model.forecast("26W", every="13W", draws=200, seed=seed)
    label = ledger.attributes()["channel"]
    earned = fc.customer_summary(ledger)["total_value"]
    earned = MARGIN * (earned + whole.actuals("2023-12-31", "26W")["value"])
    realised = earned.groupby(label).mean()
    realised["(all)"] = earned.mean()
    cac = pd.Series({each.name: each.cac for each in PAID})
    cac["(all)"] = cac.reindex(label).mean()
    weeks = np.linspace(182, 912, 200) / 7  # ages at the end of the horizon are even
    truth = {"customers": realised, "channel": by_channel(weeks)}
    inside = {}
    for target, ltv in truth.items():
        table = unit_economics(
            forecast, ledger, shop.spend, margin=MARGIN, target=target, seed=seed
        ).table
        assert np.allclose(table["cac"], cac[table.index])  # the known cost, exactly
        for name, true in (("ltv", ltv), ("ltv_cac", ltv / cac), ("roi", ltv / cac - 1)):
            inside[f"{name} of {target}"] = table[f"{name}_lo_90"].le(true) & table[
                f"{name}_hi_90"
            ].ge(true)
    ages = value_by_age(ledger, margin=MARGIN, by="channel", ages=["90D", AGE]).set_index("group")
    for age, weeks in (("90D", 90 / 7), (AGE, 365 / 7)):
        true, rows = by_channel(weeks), ages[ages["age"] == age]
        inside[f"value at {age}"] = rows["lo"].le(true[rows.index]) & rows["hi"].ge(
            true[rows.index]
        )
    return pd.DataFrame(inside)


@pytest.mark.slow
@pytest.mark.minutes
def test_intervals_cover_the_truth():
    shops = [one_shop(seed) for seed in range(SEEDS)]
    share = pd.concat(shops).astype(float).groupby(level=0).mean().stack().dropna()
    assert len(share) == 6 * 5 + 2 * 4
    assert share.between(0.84, 0.96).all(), share[~share.between(0.84, 0.96)]
