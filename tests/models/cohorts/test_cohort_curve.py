"""The curve by age, the cohorts' levels, and the window laid over the ages."""

import warnings
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.cohorts.age_curve import AgeCurve
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.cohorts.cohorts import Cohorts

FIRST = pd.Timestamp("2024-01-01")


def ledger_of(rows: list[tuple[str, int, float]], cutoff: int) -> Ledger:
    """Days are counted from 2024-01-01."""
    table = pd.DataFrame(rows, columns=["who", "day", "amount"])
    table["date"] = FIRST + pd.to_timedelta(table.pop("day"), unit="D")
    end = (FIRST + timedelta(days=cutoff)).date()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(table, customer="who", date="date", value="amount", cutoff=end)


class TestAgeCurve:
    def test_purchases_per_customer_and_day_lived(self) -> None:
        # 40 live 60 days, 40 live 45: bin 0 has 80 * 30 days, bin 1 has 40 * 30 + 40 * 15
        age = np.repeat([60.0, 45.0], 40)
        bought = np.array([1.0] * 24 + [30.0] * 24 + [31.0] * 9 + [60.0] * 9)
        curve = AgeCurve.learn(age, bought, bought * 0 + 7.0)
        np.testing.assert_allclose(curve.purchases, [48 / 2400, 18 / 1800])
        assert curve.value is not None
        np.testing.assert_allclose(curve.value, 7 * curve.purchases)
        assert curve.oldest == 60
        np.testing.assert_allclose(
            curve.upto(np.array([0.0, 15.0, 30.0, 45.0, 60.0])), [0, 0.3, 0.6, 0.75, 0.9]
        )

    def test_tail_goes_on_falling_geometrically(self) -> None:
        bins, fall = 12, 0.8
        counts = np.round(2e5 * fall ** np.arange(bins)).astype(int)
        bought = np.concatenate(
            [np.full(count, 30.0 * number + 15) for number, count in enumerate(counts)]
        )
        curve = AgeCurve.learn(np.full(1000, 360.0), bought, None)
        assert curve.fall == pytest.approx(fall, rel=1e-3)
        assert curve.tail == pytest.approx(curve.purchases[-1] * fall, rel=1e-3)
        beyond = curve.upto(np.array([360.0, 390.0, 420.0]))
        steps = np.diff(beyond)
        assert steps[1] / steps[0] == pytest.approx(curve.fall)

    def test_tail_never_rises(self) -> None:
        bought = np.repeat(30.0 * np.arange(6) + 15, np.arange(1, 7) * 100)
        curve = AgeCurve.learn(np.full(100, 180.0), bought, None)
        assert curve.fall == 1.0
        assert curve.tail == pytest.approx((500 + 600) / (2 * 30 * 100))

    def test_ages_few_have_reached_belong_to_the_tail(self) -> None:
        age = np.concatenate([np.full(100, 60.0), np.full(5, 300.0)])
        curve = AgeCurve.learn(age, np.full(50, 20.0), None)
        assert curve.oldest == 60

    def test_too_little(self) -> None:
        with pytest.raises(TooLittleDataError, match="29 customers were seen for 870 days"):
            AgeCurve.learn(np.full(29, 200.0), np.array([3.0]), None)


def two_cohorts() -> list[tuple[str, int, float]]:
    """January: 40 customers who buy again 5 and 25 days on; March: 40 who do so once."""
    rows = []
    for number in range(40):
        rows += [(f"j{number}", 0, 1.0), (f"j{number}", 5, 10.0), (f"j{number}", 25, 10.0)]
        rows += [(f"m{number}", 60, 1.0), (f"m{number}", 80, 40.0)]
    return rows


class TestCohorts:
    def learn(self, credibility: float) -> Cohorts:
        ledger = ledger_of(two_cohorts(), 90)
        return Cohorts.learn(ledger, Horizon.parse("1M"), credibility)

    def test_levels_without_shrinkage_are_the_cohorts_own(self) -> None:
        cohorts = self.learn(0.0)
        # pooled: 120 repeat purchases of 80 customers up to age 30, 1.5 each
        np.testing.assert_allclose(cohorts.purchases.level, [2 / 1.5, 1 / 1.5])
        # pooled value: 2,400 over 120 purchases, 20 each; the cohorts' own are 10 and 40
        assert cohorts.orders is not None
        np.testing.assert_allclose(cohorts.orders.level, [10 / 20, 40 / 20])

    def test_levels_are_shrunk_to_the_curve(self) -> None:
        cohorts = self.learn(60.0)
        # the curve takes both cohorts at 60 purchases, and their mean level is 1 already
        level = cohorts.purchases.level
        np.testing.assert_allclose(level, [(80 + 60) / (60 + 60), (40 + 60) / (60 + 60)])
        assert cohorts.orders is not None
        own = cohorts.orders.level
        assert 0.5 < own[0] < 1 < own[1] < 2
        assert own @ [80, 40] == pytest.approx(120)

    def test_weak_cohorts_take_the_curve(self) -> None:
        cohorts = self.learn(1e9)
        np.testing.assert_allclose(cohorts.purchases.level, 1.0, rtol=1e-6)

    def test_window_is_laid_over_the_ages(self) -> None:
        cohorts = self.learn(0.0)
        windows = Horizon.parse("30D").periods(cohorts.cutoff, "10D")
        purchases, value = cohorts.expect(windows)
        # January is 90 to 120 days old, March 30 to 60: bins 3 and 1, each beyond what is known
        rate = cohorts.purchases.rate(4)
        np.testing.assert_allclose(purchases[0], [40 * 2 / 1.5 * 10 * rate[3]] * 3)
        np.testing.assert_allclose(purchases[1], [40 / 1.5 * 10 * rate[1]] * 3)
        assert value is not None
        assert cohorts.orders is not None
        assert value[1] == pytest.approx(purchases[1].sum() * 2 * cohorts.orders.rate(4)[1])

    def test_a_window_across_bins_takes_days_from_each(self) -> None:
        cohorts = self.learn(0.0)
        purchases, _ = cohorts.expect(Horizon.parse("45D").periods(cohorts.cutoff, "45D"))
        rate = cohorts.purchases.rate(5)
        wanted = 40 / 1.5 * (30 * rate[1] + 15 * rate[2])
        np.testing.assert_allclose(purchases[1], [wanted])

    def test_retention_counts_each_customer_once_an_age(self) -> None:
        cohorts = self.learn(0.0)
        kept = cohorts.retention
        # January bought twice in its first 30 days: 40 of 40 active; 90 and 30 days are lived
        np.testing.assert_array_equal(kept.exposure[:, :4], [[40, 40, 40, 0], [40, 0, 0, 0]])
        np.testing.assert_array_equal(kept.seen[:, :4], [[40, 0, 0, 0], [40, 0, 0, 0]])


def test_the_one_old_cohort_does_not_set_the_tail_of_all() -> None:
    # January buys twice as much as later months, and alone has reached 120 days
    rng = np.random.default_rng(3)
    rows = []
    for number in range(600):
        first = 0 if number < 300 else int(rng.integers(60, 120))
        rate = 0.04 if number < 300 else 0.02
        days = np.flatnonzero(rng.random(240 - first) < rate) + first + 1
        rows += [(f"c{number}", int(day), 1.0) for day in [first, *days] if day <= 240]
    cohorts = Cohorts.learn(ledger_of(rows, 240), Horizon.parse("1M"), 50.0)
    level = cohorts.purchases.level
    assert level[0] / level[1:] == pytest.approx([2.0, 2.0], rel=0.15)
    per_day = level[-1] * cohorts.purchases.rate(8)[-1]
    assert per_day == pytest.approx(0.02, rel=0.15)


class TestCohortCurve:
    def test_cohort_shares_its_mean_and_curve_its_total(self) -> None:
        rng = np.random.default_rng(0)
        rows = []
        for number in range(400):
            first = int(rng.integers(0, 120))
            rows.append((f"c{number:03d}", first, 5.0))
            again = np.unique(rng.integers(first + 1, 241, rng.poisson(2)))
            rows += [(f"c{number:03d}", int(day), float(rng.integers(1, 50))) for day in again]
        f = CohortCurve().fit(ledger_of(rows, 240)).forecast("8W", draws=200)
        assert f.customers is not None
        began = pd.Series({who: day for who, day, _ in reversed(rows)})
        cohort = (FIRST + pd.to_timedelta(began, unit="D")).dt.strftime("%Y-%m")
        for name in ("expected_purchases", "expected_value"):
            spread = f.customers[name].groupby(cohort.reindex(f.customers.index)).nunique()
            assert (spread == 1).all()
        table = f.totals(cohort.reindex(f.customers.index)).table()
        wanted = f.customers["expected_purchases"].groupby(cohort).sum()
        np.testing.assert_allclose(table["purchases"], wanted, rtol=0.1)
        assert any("cohort's mean" in note for note in f.notes)
        assert any("tail" in note for note in f.notes)

    def test_settings_are_checked(self) -> None:
        ledger = ledger_of(two_cohorts(), 90)
        with pytest.raises(UsageError, match="credibility"):
            CohortCurve(credibility=-1).fit(ledger)
        with pytest.raises(UsageError, match="every"):
            CohortCurve(every="2024-01-01").fit(ledger)
        with pytest.raises(UsageError, match="every"):
            CohortCurve(every="monthly").fit(ledger)

    @pytest.mark.parametrize(("every", "cohorts"), [("1M", 2), ("1Y", 1), ("1W", 2), ("1D", 2)])
    def test_length_of_a_cohort(self, every: str, cohorts: int) -> None:
        model = CohortCurve(every=every).fit(ledger_of(two_cohorts(), 90))
        assert model.cohorts_ is not None
        assert len(model.cohorts_.labels) == cohorts

    def test_weeks_start_on_monday(self) -> None:
        # 2024-01-01 was a Monday
        rows = [(f"{day}-{n}", day, 1.0) for day in (6, 7, 13, 14) for n in range(30)]
        model = CohortCurve(every="1W").fit(ledger_of(rows, 90))
        assert model.cohorts_ is not None
        codes = pd.Series(model.cohorts_.code, index=model.cohorts_.index)
        assert [codes[f"{day}-0"] for day in (6, 7, 13, 14)] == [0, 1, 1, 2]

    def test_too_little_data(self) -> None:
        with pytest.raises(TooLittleDataError, match="customer-days"):
            CohortCurve().fit(ledger_of([("a", 0, 1.0), ("a", 9, 1.0)], 200))
