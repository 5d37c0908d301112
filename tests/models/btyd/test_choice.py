"""Processes and seasons chosen on past origins, and populations of customers to come."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import Horizon
from forecast.datasets import Season
from forecast.ledger import Ledger
from forecast.models.btyd.choice import choose_process, choose_season, inner_windows


def _ledger(**settings: object) -> Ledger:
    usual = {"refunds": 0.0, "season": None, "channels": ()}
    orders = fc.simulate_shop(**(usual | settings)).orders  # type: ignore[arg-type]
    return fc.read_ledger(orders[["customer_id", "date", "amount"]], key=())


def test_inner_windows_stay_inside_half_the_history() -> None:
    ledger = _ledger(customers=100, days=400, seed=1)
    history = (ledger.cutoff - ledger.first_day).days
    assert inner_windows(ledger) == [history // 2, history // 4]
    assert inner_windows(ledger, before=366) == [history - 366]
    assert inner_windows(ledger, before=366, shortest=14) == [history - 366, (history - 366) // 2]
    assert inner_windows(ledger, before=366, shortest=91) == []


def test_regular_buyers_get_a_regular_process() -> None:
    ledger = _ledger(customers=1500, days=500, acquisition_days=250, seed=3, k=4.0, r=1.2)
    name, said = choose_process(fc.BTYD("auto"), ledger)
    assert name == "mbgcnbd"
    assert "above mbgnbd's" in said
    model = fc.BTYD("auto").fit(ledger)
    assert model.fitted_.purchases == "mbgcnbd"
    assert said in model.forecast("4W", draws=0).notes


def test_ties_go_to_mbgnbd_and_settings_limit_who_competes() -> None:
    ledger = _ledger(customers=150, days=300, seed=2)
    assert choose_process(fc.BTYD("auto"), ledger)[0] == "mbgnbd"
    _, said = choose_process(fc.BTYD("auto", covariates=("x",)), ledger)
    assert "mbgcnbd" not in said
    _, said = choose_process(fc.BTYD("auto", season="auto"), ledger)
    assert "pareto_nbd" not in said
    name, said = choose_process(fc.BTYD("auto"), ledger.cut("2022-02-10"))
    assert name == "mbgnbd"
    assert "too short" in said


def test_a_season_is_kept_where_past_origins_say_so() -> None:
    strong = Season(amplitude=0.7, peak_month=12)
    whole = _ledger(customers=1500, days=900, seed=5, season=strong)
    pairs, said = choose_season(fc.BTYD(season="auto"), whole, "bgnbd")
    assert pairs >= 1
    assert "above that without" in said
    pairs, said = choose_season(fc.BTYD(season="auto"), whole.cut("2023-02-28"), "bgnbd")
    assert "Akaike" in said
    assert pairs >= 1
    pairs, said = choose_season(fc.BTYD(season="auto"), whole.cut("2022-09-30"), "bgnbd")
    assert (pairs, "less than a year" in said) == (0, True)
    flat = _ledger(customers=700, days=900, seed=6)
    assert choose_season(fc.BTYD(season="auto"), flat, "bgnbd")[0] == 0


def test_no_season_chosen_is_the_plain_model() -> None:
    ledger = _ledger(customers=300, days=300, seed=2)
    one, other = (fc.BTYD("bgnbd", season=season).fit(ledger) for season in ("auto", 0))
    assert one.purchases_.params == other.purchases_.params


@pytest.fixture(scope="module")
def whole() -> Ledger:
    return _ledger(customers=2500, days=800, seed=4)


@pytest.mark.parametrize("purchases", ["bgnbd", "pareto_nbd"])
def test_new_customers_and_all(whole: Ledger, purchases: str) -> None:
    model = fc.BTYD(purchases, "gamma_gamma_all").fit(whole.cut("2023-09-30"))
    found = {
        population: model.forecast("13W", population=population, draws=200)
        for population in ("existing", "new", "all")
    }
    for name in ("purchases", "value"):
        parts = [found[each].interval().loc[name, "expected"] for each in ("existing", "new")]
        assert found["all"].interval().loc[name, "expected"] == pytest.approx(sum(parts))
        actual = whole.actuals("2023-09-30", "13W", population="new")[name].sum()
        assert parts[1] == pytest.approx(actual, rel=0.2)
    assert found["new"].customers is None
    drawn = found["new"].totals().purchases.sum(axis=(1, 2)).mean()
    assert drawn == pytest.approx(found["new"].periods["expected_purchases"].sum(), rel=0.05)
    # what follows the first purchase is the process's expectation of a new customer
    curve = model.newcomers_.curve
    expected = model.purchases_.process.expected_purchases(np.array([4.0, 26.0]))
    np.testing.assert_allclose(curve.upto(np.array([28.0, 182.0])), expected, rtol=1e-9)


def test_levers_reach_new_customers(whole: Ledger) -> None:
    model = fc.BTYD("mbgnbd", "gamma_gamma_all").fit(whole.cut("2023-09-30"))
    ask = {"population": "new", "draws": 30}
    base = model.forecast("13W", **ask)
    neutral = model.forecast("13W", **ask, scenario={"retention": 1.0, "order_value": 1.0})
    pd.testing.assert_frame_equal(base.periods, neutral.periods, check_exact=True)
    dearer = model.forecast("13W", **ask, scenario={"order_value": 1.5})
    np.testing.assert_allclose(
        dearer.periods["expected_value"], 1.5 * base.periods["expected_value"]
    )
    total = base.periods["expected_purchases"].sum()
    for scenario in ({"retention": 2.0}, {"purchase_frequency": 1.5}):
        more = model.forecast("13W", **ask, scenario=scenario).periods["expected_purchases"].sum()
        assert more > 1.01 * total
    nobody = model.forecast("13W", **ask, scenario={"win_back": 0.5})
    pd.testing.assert_frame_equal(base.periods, nobody.periods, check_exact=True)
    assert Horizon.parse("13W") == nobody.horizon
