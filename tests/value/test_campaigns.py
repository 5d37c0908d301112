"""Campaigns compared, control groups and funnels: by hand, against scipy, and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import forecast as fc
from forecast.datasets.campaigns import Campaign
from forecast.errors import TooLittleDataError, UsageError
from forecast.value.comparison import compare_campaigns, difference, holm
from forecast.value.control_group import uplift
from forecast.value.funnels import funnel


def skewed(rng, size, mean=1.0):
    """Values of which half are 0 and the rest have a heavy tail, of that mean."""
    return np.where(rng.random(size) < 0.5, 0.0, rng.lognormal(-0.5, 1.0, size) * 2 * mean)


def three(seed=1):
    rng = np.random.default_rng(seed)
    parts = {"june": skewed(rng, 80), "july": skewed(rng, 120, 2.0), "may": skewed(rng, 60)}
    value = pd.Series(np.concatenate(list(parts.values())))
    value.index = [f"c{i:03d}" for i in range(len(value))]
    return value, pd.Series(np.repeat(list(parts), [80, 120, 60]), index=value.index)


def test_means_ranks_and_correction():
    value, campaign = three()
    table = compare_campaigns(value, campaign, resamples=300)
    assert table[["campaign", "against"]].to_numpy().tolist() == [
        ["june", "july"], ["may", "july"], ["may", "june"]
    ]  # fmt: skip
    row = table.iloc[0]
    june, july = value[campaign == "june"], value[campaign == "july"]
    assert row["difference"] == pytest.approx(june.mean() - july.mean())
    assert row["lo"] < row["difference"] < row["hi"]
    wins = (june.to_numpy()[:, None] > july.to_numpy()).mean()
    ties = (june.to_numpy()[:, None] == july.to_numpy()).mean()
    assert row["p_higher"] == pytest.approx(wins + ties / 2)
    assert row["p_value"] == pytest.approx(stats.mannwhitneyu(june, july).pvalue)
    assert (table["p_holm"] >= table["p_value"]).all()
    assert "association, not an effect" in table.attrs["note"]


def test_against_a_baseline_and_in_any_order():
    value, campaign = three()
    table = compare_campaigns(value, campaign, baseline="june", resamples=200)
    assert table["against"].eq("june").all()
    order = np.random.default_rng(0).permutation(len(value))
    other = compare_campaigns(value.iloc[order], campaign, baseline="june", resamples=200)
    pd.testing.assert_frame_equal(table, other)


def test_holm_by_hand():
    assert holm([0.02, 0.5, 0.01, 0.9]).tolist() == pytest.approx([0.06, 1.0, 0.04, 1.0])


def test_interval_covers_under_a_heavy_tail():
    hits = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        lo, hi = difference(skewed(rng, 120, 2.0), skewed(rng, 90), resamples=200, seed=seed)
        hits += lo <= 1.0 <= hi
    assert 0.82 <= hits / 150 <= 0.97


def test_alike_campaigns_are_rarely_told_apart():
    wrong = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        value = pd.Series(skewed(rng, 120))
        campaign = pd.Series(np.repeat(["a", "b", "c"], 40))
        wrong += compare_campaigns(value, campaign, resamples=2)["p_holm"].min() < 0.1
    assert wrong <= 17


@pytest.mark.parametrize(
    ("value", "campaign", "error", "words"),
    [
        (pd.Series([1.0] * 6), pd.Series(["a"] * 6), UsageError, "two are needed"),
        (pd.Series([1.0] * 6), pd.Series(["a"] * 5 + ["b"]), TooLittleDataError, "'b'"),
        (pd.Series([np.nan] * 12), pd.Series(["a", "b"] * 6), UsageError, "12 customers"),
        ([1.0], pd.Series(["a"]), UsageError, "give a Series"),
    ],
)
def test_what_cannot_be_compared(value, campaign, error, words):
    with pytest.raises(error, match=words):
        compare_campaigns(value, campaign)


def test_uplift_with_the_past_taken_out_is_surer():
    covered, narrower = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        before = pd.Series(rng.gamma(2.0, 10.0, 300))
        treated = pd.Series(rng.random(300) < 0.5)
        value = before + rng.normal(0, 3, 300) + 5.0 * treated
        plain = uplift(value, treated, resamples=150)
        sharper = uplift(value, treated, before=before, cost=300.0, resamples=150)
        covered += sharper["lo"] <= 5.0 <= sharper["hi"]
        narrower += sharper["hi"] - sharper["lo"] < 0.4 * (plain["hi"] - plain["lo"])
        assert sharper["roi"] == pytest.approx(sharper["uplift"] * treated.sum() / 300 - 1)
    assert covered >= 32
    assert narrower == 40


def test_uplift_on_a_simulated_campaign():
    action = Campaign("june", "2023-06-01", "2023-08-01", uplift=1.0, reach=0.5)

    def found(customers, seed):
        shop = fc.simulate_shop(customers, days=600, acquisition_days=365, seed=seed,
                                season=None, refunds=0.0, campaigns=[action])  # fmt: skip
        inside = shop.orders[shop.orders["date"].between("2023-06-01", "2023-07-31")]
        value = inside.groupby("customer_id")["amount"].sum()
        return uplift(value.reindex(shop.customers.index, fill_value=0.0),
                      shop.customers["reached_june"], resamples=300)  # fmt: skip

    truth = found(60_000, 0)
    covered = [found(600, seed) for seed in range(1, 31)]
    assert truth["relative"] == pytest.approx(0.6, abs=0.35)  # who leaves buys no more
    assert sum(each["lo"] <= truth["uplift"] <= each["hi"] for each in covered) >= 23


def test_uplift_refuses_what_is_no_experiment():
    value = pd.Series(np.arange(12.0))
    with pytest.raises(TooLittleDataError, match="12 treated and 0"):
        uplift(value, pd.Series([True] * 12))
    with pytest.raises(UsageError, match="write True"):
        uplift(value, pd.Series(["yes"] * 12))
    with pytest.raises(UsageError, match="write 0 where nobody bought"):
        uplift(value[:6], pd.Series([True, False] * 6))


def test_funnel_with_wilson_bounds():
    steps = pd.DataFrame({"visits": [200, 10], "carts": [50, 0], "orders": [10, 0]},
                         index=["june", "may"])  # fmt: skip
    table = funnel(steps)
    expected = stats.binomtest(50, 200).proportion_ci(0.9, method="wilson")
    assert table.loc[0, ["lo", "hi"]].tolist() == pytest.approx([expected.low, expected.high])
    assert table.loc[1, ["rate", "overall"]].tolist() == [0.2, 0.05]
    assert np.isnan(table.loc[3, "rate"])
    assert table.loc[2, "lo"] == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(UsageError, match=r"1 rows.*'may'"):
        funnel(steps.assign(carts=[50, 11]))
