"""Formulas estimated from a ledger: by hand, refused without churn, intervals as a bootstrap's."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import UnsupportedError
from forecast.ledger import Ledger
from forecast.models.formulas.formula_values import formula_values
from forecast.models.formulas.lapse import Activity

Reader = Callable[..., Ledger]
FORMULAS = [
    "revenue / customers",
    "lifetime x ARPU",
    "AOV x lifetime x repeat purchase rate",
    "AOV x purchases a year x years",
    "AOV x purchases a month x months",
]


def test_every_formula_by_hand(shop: Ledger) -> None:
    table = formula_values(shop, silence="30D")
    assert list(table.index) == FORMULAS
    # 205 active days, 2 have left, 6 repeat purchases worth 300, 4 first ones worth 80
    life, aov = round(205 / 2), 380 / 10
    a_day = 2 / 205 + 6 / 205
    np.testing.assert_allclose(
        table["value"],
        [
            (4 * 20 + 6 * 50) / 4,
            life * (20 / 102.5 + 300 / 205),
            aov * life * 6 / 205,
            aov * a_day * life,
            aov * a_day * life,
        ],
    )
    assert table["calculation"].iloc[1].startswith("102D x ")
    said = table["assumptions"].iloc[2]
    assert "the first, of 20, comes on top" in said
    assert "2 of 4 have left" in said
    assert "1 purchases came after such a silence" in said
    assert f"{np.exp(-2 / 205 * DAYS_PER_YEAR / 12):.1%} stay" in said


def test_without_churn_lifetimes_are_refused_and_the_rest_stands(ledger_of_days: Reader) -> None:
    loyal = ledger_of_days({"a": [0, 20, 40, 60], "b": [10, 30, 50]}, 70)
    table = formula_values(loyal, silence="30D")
    assert table["value"].notna().tolist() == [True, False, False, False, False]
    assert table["calculation"].iloc[1:].str.startswith("refused: none of 2 customers").all()
    assert table["lo_90"].iloc[1:].isna().all()


def test_margin_scales_values_and_bounds(shop: Ledger) -> None:
    table = formula_values(shop, silence="30D")
    net = formula_values(shop, silence="30D", margin=0.3, margin_kind="contribution")
    numbers = ["value", "lo_90", "hi_90"]
    np.testing.assert_allclose(net[numbers], 0.3 * table[numbers])
    assert all(each.endswith("x contribution margin") for each in net.index)
    loss = formula_values(shop, silence="30D", margin=-0.1)
    assert (loss["lo_90"] <= loss["value"]).all()
    assert (loss["value"] <= loss["hi_90"]).all()


def test_a_whole_life_is_worth_no_less_than_what_has_been_bought() -> None:
    log = fc.simulate_shop(200, days=700, seed=3, refunds=0.0).orders
    for day in ("200D", "500D"):
        table = formula_values(fc.read_ledger(log, key=()), silence=day)
        assert table["value"].iloc[1] >= 0.99 * table["value"].iloc[0]  # whole days of lifetime


def test_amounts_are_needed() -> None:
    rows = pd.DataFrame({"customer": ["a"], "date": ["2024-01-01"]})
    with pytest.raises(UnsupportedError, match="amounts"):
        formula_values(fc.read_ledger(rows, value=None, cutoff="2024-02-01"))


def test_intervals_are_those_of_resampled_customers() -> None:
    ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    table = formula_values(ledger, silence="13W")
    people = fc.customer_summary(ledger)
    left = ~Activity.learn(ledger, "13W").active
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), 2000)
    first, bought = weights @ people["first_value"], weights @ people["frequency"]
    value, lapsed = weights @ (people["total_value"] - people["first_value"]), weights @ left
    aov = (first + value) / (len(people) + bought)
    again = {
        FORMULAS[1]: first / len(people) + value / lapsed,
        FORMULAS[2]: aov * bought / lapsed,
        FORMULAS[3]: aov * (1 + bought / lapsed),
    }
    for name, values in again.items():
        low, high = np.quantile(values, [0.05, 0.95])
        row = table.loc[name]
        assert row["hi_90"] - row["lo_90"] == pytest.approx(high - low, rel=0.1)
        assert row["lo_90"] == pytest.approx(low, rel=0.02)
