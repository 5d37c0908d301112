"""PSI by hand, its noise by theory, and a profile that stays while a shop stays as it is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import UsageError
from forecast.jobs.monitoring.input_profile import (
    FEATURES,
    compare_profiles,
    input_profile,
    noise_level,
    psi,
)


def profile(ledger: fc.Ledger) -> pd.DataFrame:
    return input_profile(fc.customer_summary(ledger), ledger)


def test_psi_by_hand() -> None:
    # (.25 - .5) ln(.25 / .5) + (.75 - .5) ln(.75 / .5) = .25 ln 2 + .25 ln 1.5
    assert psi([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.25 * np.log(2) + 0.25 * np.log(1.5))
    assert psi([2, 2, 6], [20, 20, 60]) == 0
    with pytest.raises(UsageError, match="above 0"):
        psi([0.5, 0.5], [0.0, 1.0])
    with pytest.raises(UsageError, match="same number"):
        psi([0.5, 0.5], [1.0])


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1, max_size=12))
def test_psi_is_symmetric_and_never_negative(counts: list[tuple[int, int]]) -> None:
    p, q = np.array(counts).T
    assert psi(p, q) == pytest.approx(psi(q, p))
    assert psi(p, q) >= 0


def test_noise_is_that_of_chi_squared() -> None:
    from scipy.stats import chi2

    for n, m, bins in ((5000, 5000, 10), (2_000, 500, 5)):
        theory = (1 / n + 1 / m) * chi2.ppf(0.99, bins - 1)
        assert noise_level([1 / bins] * bins, n, m, level=0.99) == pytest.approx(theory, rel=0.05)


def test_recent_customers_by_hand() -> None:
    orders = pd.DataFrame(
        [
            ("old", "2023-01-01", 5.0), ("old", "2024-06-01", 5.0), ("a", "2024-03-01", 10.0),
            ("a", "2024-03-11", 20.0), ("b", "2024-06-30", 10.0),
        ],
        columns=["customer_id", "date", "value"],
    )  # fmt: skip
    found = profile(fc.read_ledger(orders, key=(), cutoff="2024-06-30"))
    counted = found.groupby("feature")["count"].sum()
    assert counted.to_dict() == {
        "T": 2, "frequency": 2, "recency": 2, "monetary_value": 1, "orders_per_week": 26
    }  # fmt: skip
    bins = found.set_index(["feature", "bin"])["count"]
    assert bins["frequency"].to_dict() == {0: 1, round(20 * np.log(2)): 1}
    assert bins["recency"].to_dict() == {0: 1, round(20 * np.log(11)): 1}
    assert bins["monetary_value"].index.tolist() == [int(20 * np.log(20))]
    weeks = bins["orders_per_week"]
    assert weeks.to_dict() == {0: 22, round(20 * np.log(2)): 4}


def test_a_shop_that_stays_as_it_is_has_the_same_profile_later() -> None:
    shop = fc.simulate_shop(6000, seed=2, days=900, season=None, refunds=0.0)
    ledger = fc.read_ledger(shop.orders, key=())
    first, second = ledger.cut("2023-01-15"), ledger.cut("2024-05-15")
    table = compare_profiles(profile(first), profile(second))
    assert table.index.tolist() == list(FEATURES)
    assert not table["drifted"].any()
    assert (table["psi"] < 0.1)[list(FEATURES)[:4]].all()
    # the whole base has grown older, which says nothing of its customers
    ages = [np.histogram(fc.customer_summary(each)["T"], [0, 90, 180, 270, 9999])[0] + 0.5
            for each in (first, second)]  # fmt: skip
    assert psi(*ages) > 0.5


def test_clean_bases_rarely_drift_and_small_ones_need_more() -> None:
    rng, drifted = np.random.default_rng(1), 0
    for _ in range(30):
        first, second = (
            pd.DataFrame({"feature": "frequency", "bin": bins, "count": counts})
            for bins, counts in (
                np.unique(rng.poisson(2, 40), return_counts=True) for _ in range(2)
            )
        )
        table = compare_profiles(first, second)
        drifted += table["drifted"].sum()
        assert table["noise_999"].iloc[0] > 0.2
    assert drifted <= 1


def test_a_shift_is_seen() -> None:
    rng = np.random.default_rng(1)
    first, second = (
        pd.DataFrame({"feature": "recency", "bin": bins, "count": counts})
        for bins, counts in (
            np.unique(rng.poisson(mean, 2000), return_counts=True) for mean in (20, 24)
        )
    )
    found = compare_profiles(first, second).loc["recency"]
    assert found["psi"] > 0.5
    assert found["band"] == "large"
    assert found["drifted"]
    assert found["bins"] == 10
    assert not compare_profiles(first, second, max_psi=5.0)["drifted"].any()


def test_the_currency_does_not_matter() -> None:
    shop = fc.simulate_shop(800, seed=4, season=None, refunds=0.0).orders

    def found(factor: float) -> float:
        orders = shop.assign(amount=shop["amount"] * factor)
        ledger = fc.read_ledger(orders, key=())
        table = compare_profiles(profile(ledger.cut("2023-03-01")), profile(ledger))
        return float(table["psi"]["monetary_value"])

    assert found(100.0) == pytest.approx(found(1.0), abs=0.05)
