"""The development table: observed cells by hand, the unseen corner, intervals that cover."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import Horizon
from forecast.errors import NotFittedError, UsageError
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.cohorts.cohorts import Cohorts
from forecast.models.cohorts.development import development


def shop(seed: int, end: int = 720) -> pd.DataFrame:
    """Twelve monthly cohorts of 60, each with its own level; lives and rates vary."""
    rng = np.random.default_rng(seed)
    parts = []
    for cohort in range(12):
        level = rng.gamma(50) / 50  # as much as the default credibility says
        for number in range(60):
            first = 30 * cohort + int(rng.integers(0, 30))
            stay = min(rng.exponential(400), end - first)
            more = rng.random(rng.poisson(0.02 * level * rng.gamma(2) / 2 * stay)) * stay
            days = np.unique(np.append(first, (first + more).astype(int)))
            amounts = rng.gamma(4) * 5 * rng.gamma(3, 1 / 3, len(days))
            parts.append(pd.DataFrame({
                "customer_id": f"c{cohort:02d}-{number:02d}", "day": days, "amount": amounts,
                "channel": "web" if number % 3 else "shop",
            }))  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    rows["date"] = pd.Timestamp("2022-12-15") + pd.to_timedelta(rows.pop("day"), unit="D")
    return rows


@pytest.fixture(scope="module")
def ledger() -> fc.Ledger:
    return fc.read_ledger(shop(0), key=(), customer_columns=["channel"]).cut("2024-03-31")


def test_observed_cells_by_hand(ledger: fc.Ledger) -> None:
    table = CohortCurve().fit(ledger).development_
    summary = fc.customer_summary(ledger)
    who = summary.index[summary["cohort"] == "2023-03"]
    rows = ledger.purchases()
    rows = rows[rows["customer_id"].isin(who)]
    age = (rows["date"] - rows["customer_id"].map(summary["first_purchase"])).dt.days
    second = rows[(age > 30) & (age <= 60)]
    cell = table.loc[("2023-03", 1)]
    assert cell["customers"] == len(who)
    assert cell["observed_retention"] == second["customer_id"].nunique() / len(who)
    assert cell["observed_purchases"] == pytest.approx(len(second) / len(who))
    assert cell["observed_value"] == pytest.approx(second["value"].sum() / len(who))


def test_the_corner_nobody_has_lived_is_predicted(ledger: fc.Ledger) -> None:
    table = CohortCurve().fit(ledger).development_
    young = table.loc["2023-11"]
    assert young["observed_retention"].isna().any()
    assert young.filter(like="predicted").notna().all(axis=None)
    for name in ("retention", "purchases", "value"):
        low, mid, high = (table[f"predicted_{name}{end}"] for end in ("_lo", "", "_hi"))
        assert (low <= mid).all()
        assert (mid <= high)[~table["customers"].between(1, 29)].all()
    assert table["predicted_retention_hi"].max() <= 1


def test_cohorts_can_be_channels(ledger: fc.Ledger) -> None:
    model = CohortCurve(by="channel").fit(ledger)
    assert model.development_.index.get_level_values("cohort").unique().tolist() == ["shop", "web"]
    channel = fc.customer_summary(ledger)["channel"]
    found = model.forecast("8W", draws=100)
    assert found.customers is not None
    assert (found.customers["expected_purchases"].groupby(channel).nunique() == 1).all()
    with pytest.raises(UsageError, match="'campaign' is no customer column"):
        CohortCurve(by="campaign").fit(ledger)
    with pytest.raises(NotFittedError):
        _ = CohortCurve().development_


def test_customers_without_a_label_are_a_cohort(ledger: fc.Ledger) -> None:
    rows = shop(0)
    rows["channel"] = rows["channel"].where(rows["channel"] == "web")
    gone = fc.read_ledger(rows, key=(), customer_columns=["channel"]).cut("2024-03-31")
    assert CohortCurve(by="channel").fit(gone).cohorts_.labels.tolist() == ["(none)", "web"]  # type: ignore[union-attr]


def test_the_same_seed_gives_the_same_table(ledger: fc.Ledger) -> None:
    cohorts = Cohorts.learn(ledger, Horizon.parse("1M"), 50.0)
    one, two, other = (development(cohorts, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one["predicted_value_hi"].equals(other["predicted_value_hi"])


@pytest.mark.slow
def test_intervals_hold_cells_that_were_not_seen() -> None:
    inside = {name: list[float]() for name in ("retention", "purchases", "value")}
    for seed in range(8):
        whole = fc.read_ledger(shop(seed), key=())
        early = CohortCurve().fit(whole.cut("2024-03-31")).development_
        late = CohortCurve().fit(whole).development_
        # cells nobody had lived a day of then, which whole cohorts have lived now
        new = early["observed_purchases"].isna()
        later = late.reindex(early.index)[new]
        cells = early[new][later["customers"] >= 50]
        later = later[later["customers"] >= 50]
        for name, found in inside.items():
            seen = later[f"observed_{name}"]
            ok = (cells[f"predicted_{name}_lo"] <= seen) & (seen <= cells[f"predicted_{name}_hi"])
            found += ok.tolist()
    for name, found in inside.items():
        assert len(found) > 150
        assert 0.84 < np.mean(found) < 0.97, (name, np.mean(found))


@pytest.mark.slow
def test_intervals_of_cohorts_and_totals_cover() -> None:
    cohorts, totals = list[float](), list[float]()
    for seed in range(16):
        whole = fc.read_ledger(shop(seed), key=())
        past = whole.cut("2024-06-30")
        found = CohortCurve().fit(past).forecast("13W", draws=300, seed=seed)
        actual = whole.actuals("2024-06-30", "13W")
        label = fc.customer_summary(past)["cohort"]
        table, seen = found.totals(label).table(), actual.groupby(label).sum()
        for name in ("purchases", "value"):
            cohorts += seen[name].between(table[f"{name}_lo"], table[f"{name}_hi"]).tolist()
            lo, hi = found.interval().loc[name, ["lo", "hi"]]
            totals.append(lo <= actual[name].sum() <= hi)
    assert 0.86 < np.mean(cohorts) < 0.97
    assert 0.80 < np.mean(totals) <= 1.0
