"""Zero, OwnRate and LastYear on histories small enough to check by hand."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger, read_ledger
from forecast.models.naive import LastYear, OwnRate, Zero


def ledger_of(rows: list[tuple[str, str, float]], cutoff: str) -> Ledger:
    table = pd.DataFrame(rows, columns=["who", "date", "amount"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(table, customer="who", date="date", value="amount", cutoff=cutoff)


THREE = [
    # a: seen for 100 days, two repeat purchases, 60 in all over three purchase days
    ("a", "2024-01-01", 10.0),
    ("a", "2024-01-21", 20.0),
    ("a", "2024-02-20", 30.0),
    # b: seen for 50 days, one purchase of 8
    ("b", "2024-02-20", 8.0),
    # c: first seen on the cutoff
    ("c", "2024-04-10", 5.0),
]


@pytest.fixture
def three() -> Ledger:
    return ledger_of(THREE, "2024-04-10")


class TestZero:
    def test_nobody_buys(self, three: Ledger) -> None:
        f = Zero().fit(three).forecast("4W", draws=20)
        assert f.customers is not None
        numbers = f.customers.drop(columns=["p_alive", "expected_order_value"])
        assert (numbers == 0).all(axis=None)
        assert f.customers["expected_order_value"].isna().all()
        assert (f.periods.drop(columns=["start", "end"]) == 0).all(axis=None)

    def test_nobody_new_comes(self, three: Ledger) -> None:
        f = Zero().fit(three).forecast("4W", population="all", draws=20)
        assert f.customers is None
        assert f.population == "all"
        assert (f.interval().to_numpy() == 0).all()


class TestOwnRate:
    def test_rate_times_days_times_own_mean_amount(self, three: Ledger) -> None:
        f = OwnRate().fit(three).forecast("50D", draws=0)
        assert f.customers is not None
        # a: 2 / 100 * 50; b: 0; c: the pooled rate 2 / 150 for 50 days
        np.testing.assert_allclose(f.customers["expected_purchases"], [1.0, 0.0, 2 / 3])
        np.testing.assert_allclose(f.customers["expected_value"], [20.0, 0.0, 5 * 2 / 3])
        np.testing.assert_allclose(f.customers["expected_order_value"], [20.0, np.nan, 5.0])
        assert f.customers["p_active"].iloc[0] == pytest.approx(1 - math.exp(-1))

    def test_periods_share_by_days(self, three: Ledger) -> None:
        f = OwnRate().fit(three).forecast("50D", every="30D", draws=0)
        whole = 1 + 2 / 3
        np.testing.assert_allclose(
            f.periods["expected_purchases"], [whole * 30 / 50, whole * 20 / 50]
        )

    def test_counts_are_poisson_and_amounts_fixed(self, three: Ledger) -> None:
        f = OwnRate().fit(three).forecast("50D", draws=20_000, seed=5)
        assert f.sampler is not None
        (block,) = f.sampler.blocks()
        counts = block.purchases[0]
        assert counts.mean() == pytest.approx(1.0, abs=0.03)
        assert counts.var() == pytest.approx(1.0, abs=0.05)
        assert block.value is not None
        np.testing.assert_allclose(block.value[0], 20.0 * counts)

    def test_no_time_has_passed(self) -> None:
        same_day = ledger_of([("a", "2024-01-01", 1.0), ("b", "2024-01-01", 2.0)], "2024-01-01")
        with pytest.raises(TooLittleDataError, match="All 2 customers were first seen"):
            OwnRate().fit(same_day)


YEARS = [
    ("a", "2022-12-01", 4.0),  # before last year's window
    ("a", "2023-01-10", 10.0),
    ("a", "2023-01-11", 20.0),
    ("a", "2023-02-03", 7.0),
    ("b", "2023-01-31", 5.0),
    ("b", "2023-03-01", 99.0),  # after last year's window
    ("c", "2023-06-01", 50.0),  # came later
    ("c", "2023-12-31", 60.0),
]


class TestLastYear:
    def test_same_window_a_year_before(self) -> None:
        model = LastYear().fit(ledger_of(YEARS, "2023-12-31"))
        f = model.forecast("2M", draws=0)
        assert f.customers is not None
        np.testing.assert_array_equal(f.customers["expected_purchases"], [3, 1, 0])
        np.testing.assert_array_equal(f.customers["expected_value"], [37, 5, 0])
        np.testing.assert_array_equal(f.periods["expected_purchases"], [3, 1])
        np.testing.assert_array_equal(f.periods["expected_value"], [35, 7])
        assert "2023-01-01 to 2023-02-28; 1 of 3 customers" in f.notes[0]

    def test_all_repeats_everybody_and_new_who_came_then(self) -> None:
        model = LastYear().fit(ledger_of(YEARS, "2023-12-31"))
        everybody = model.forecast("2M", population="all", draws=50)
        assert everybody.customers is None
        np.testing.assert_array_equal(everybody.periods["expected_purchases"], [3, 1])
        np.testing.assert_array_equal(everybody.periods["expected_value"], [35, 7])
        # b first bought on 31 January; a is older
        new = model.forecast("2M", population="new", draws=50)
        np.testing.assert_array_equal(new.periods["expected_purchases"], [1, 0])
        np.testing.assert_array_equal(new.periods["expected_value"], [5, 0])
        assert new.totals().purchases.shape == (50, 1, 2)

    def test_draws_keep_season_and_zero(self) -> None:
        f = LastYear().fit(ledger_of(YEARS, "2023-12-31")).forecast("2M", draws=8000, seed=1)
        totals = f.totals(pd.Series(["a", "b", "c"], index=["a", "b", "c"]))
        np.testing.assert_allclose(
            totals.purchases.mean(axis=0), [[2, 1], [1, 0], [0, 0]], atol=0.06
        )
        assert totals.value is not None
        np.testing.assert_allclose(
            totals.value.mean(axis=0), [[30, 7], [5, 0], [0, 0]], rtol=0.05, atol=1e-12
        )
        assert totals.purchases[:, 2].sum() == 0

    def test_long_horizons_go_back_two_years(self) -> None:
        rows = [("a", "2021-01-01", 1.0), ("a", "2022-05-01", 2.0), ("a", "2023-12-31", 3.0)]
        f = LastYear().fit(ledger_of(rows, "2023-12-31")).forecast("18M", every="6M", draws=0)
        # 2024-01 to 2025-06 repeats 2022-01 to 2023-06
        np.testing.assert_array_equal(f.periods["expected_value"], [2, 0, 0])

    def test_leap_day(self) -> None:
        rows = [("a", "2022-06-01", 1.0), ("a", "2023-02-28", 3.0), ("a", "2024-02-25", 2.0)]
        f = LastYear().fit(ledger_of(rows, "2024-02-26")).forecast("5D", draws=0)
        # 27, 28 and 29 February, 1 and 2 March repeat 27 and 28 February, 1 and 2 March
        assert f.periods["expected_value"].sum() == 3
        assert len(f.periods) == 5

    def test_needs_a_year(self) -> None:
        model = LastYear().fit(ledger_of(THREE, "2024-04-10"))
        with pytest.raises(TooLittleDataError, match="needs purchases from 2023-04-11 on"):
            model.forecast("4W")
