"""BTYD on CDNOW's tenth: published estimates, published predictions, and its distribution."""

import copy
import pickle
import warnings
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.draws import smoothed
from forecast.errors import (
    NotFittedError,
    NotIdentifiedError,
    TooLittleDataError,
    UnsupportedError,
    UsageError,
)
from forecast.ledger import Ledger
from forecast.models.btyd.lifetimes_engine import from_lifetimes


@pytest.fixture(scope="module")
def whole() -> Ledger:
    return fc.read_ledger(fc.load_cdnow(sample=True), key=())


@pytest.fixture(scope="module")
def ledger(whole: Ledger) -> Ledger:
    return whole.cut("1997-09-30")


@pytest.fixture(scope="module")
def model(ledger: Ledger) -> fc.BTYD:
    return fc.BTYD(purchases="bgnbd", spend="gamma_gamma").fit(ledger)


def test_published_estimates(model: fc.BTYD) -> None:
    # Fader, Hardie & Lee (2005) and Fader & Hardie (2013), to the digits verified by three tools
    assert model.purchases_.unit == "weeks"
    expected = {"r": 0.24259, "alpha": 4.41360, "a": 0.79292, "b": 2.42589}
    assert model.purchases_.params == pytest.approx(expected, rel=1e-4)
    assert model.purchases_.log_likelihood == pytest.approx(-9582.42921, abs=1e-4)
    spend = {"p": 6.24957, "q": 3.74422, "v": 15.4435}
    assert model.spend_.params == pytest.approx(spend, rel=1e-4)
    assert model.spend_.log_likelihood == pytest.approx(-4055.91769, abs=1e-4)


def test_published_prediction(model: fc.BTYD) -> None:
    found = model.purchases_.process.expected_purchases(39, 2.0, 30.43, 38.86)
    assert found == pytest.approx(1.225910, abs=1e-5)


def test_published_totals(model: fc.BTYD) -> None:
    customers = model.forecast("39W", draws=0).customers
    assert customers["expected_purchases"].sum() == pytest.approx(1653.408, abs=0.01)
    assert customers["p_alive"].mean() == pytest.approx(0.813440, abs=1e-6)
    assert customers[["purchases_lo_90", "value_hi_90"]].isna().all(axis=None)


def test_holdout_errors_of_the_scoreboard(model: fc.BTYD, whole: Ledger) -> None:
    actual = whole.actuals("1997-09-30", "39W")
    found = model.forecast("39W", draws=0).customers
    assert actual["purchases"].sum() == 1882
    assert actual["value"].sum() == pytest.approx(70_976.39)
    rmse = np.sqrt(((found["expected_purchases"] - actual["purchases"]) ** 2).mean())
    assert rmse == pytest.approx(1.6080, abs=1e-4)
    rmse = np.sqrt(((found["expected_value"] - actual["value"]) ** 2).mean())
    assert rmse == pytest.approx(72.30, abs=0.01)


def test_lifetimes_agrees(ledger: Ledger, model: fc.BTYD) -> None:
    filters = list(warnings.filters)
    reference = fc.BTYD(purchases="bgnbd", engine="lifetimes").fit(ledger)
    assert warnings.filters == filters
    assert reference.purchases_.params == pytest.approx(model.purchases_.params, rel=1e-5)
    one, other = model.purchases_.log_likelihood, reference.purchases_.log_likelihood
    assert one >= other - 1e-6
    assert one == pytest.approx(other, abs=1e-5)
    assert reference.spend_.params == pytest.approx(model.spend_.params, rel=1e-5)
    ours, theirs = model.forecast("39W", draws=0), reference.forecast("39W")
    for name in ("p_alive", "expected_purchases", "expected_order_value", "expected_value"):
        np.testing.assert_allclose(ours.customers[name], theirs.customers[name], rtol=1e-4)
    assert theirs.customers["p_active"].isna().all()
    assert theirs.sampler is None


@pytest.mark.parametrize("spend", ["gamma_gamma", "gamma_gamma_all"])
@pytest.mark.parametrize("purchases", ["bgnbd", "mbgnbd"])
def test_predictive_distribution_is_calibrated_for_customers(
    whole: Ledger, ledger: Ledger, purchases: str, spend: str
) -> None:
    found = fc.BTYD(purchases=purchases, spend=spend).fit(ledger).forecast("39W", draws=400)
    score = found.score(whole.actuals("1997-09-30", "39W"))
    for name in ("pit_purchases", "pit_value"):
        inside = score[name].between(0.05, 0.95).mean()
        assert 0.86 < inside < 0.94


def test_draws_agree_with_closed_forms(model: fc.BTYD) -> None:
    found = model.forecast("26W", draws=600, seed=3)
    drawn = np.concatenate([block.purchases for block in found.sampler.blocks()])
    totals = drawn.sum(axis=0)
    # parameter uncertainty moves the mean a little: allow it 2 %, and 4 standard errors
    slack = 0.02 * totals.mean() + 4 * totals.std() / np.sqrt(totals.size)
    assert abs(totals.mean() - found.customers["expected_purchases"].sum()) < slack
    active = (drawn > 0).mean(axis=1)
    assert active.mean() == pytest.approx(found.customers["p_active"].mean(), abs=0.01)


def test_totals_by_group_add_up_draw_by_draw(model: fc.BTYD) -> None:
    found = model.forecast("8W", draws=50)
    labels = pd.Series(np.arange(len(found.customers)) % 3, index=found.customers.index)
    groups, whole = found.totals(by=labels), found.totals()
    assert groups.purchases.shape == (50, 3, 8)
    np.testing.assert_array_equal(groups.purchases.sum(axis=1), whole.purchases[:, 0])
    np.testing.assert_allclose(groups.value.sum(axis=1), whole.value[:, 0], rtol=1e-9)
    assert list(groups.table().columns) == [
        "purchases", "purchases_lo", "purchases_hi", "value", "value_lo", "value_hi",
    ]  # fmt: skip


def test_discounting(model: fc.BTYD) -> None:
    found = model.forecast("52W", every="4W", draws=100)
    undiscounted = found.discounted(0.0)["expected_value"]
    np.testing.assert_allclose(undiscounted, found.customers["expected_value"], rtol=1e-12)
    ratio = found.discounted(0.1)["expected_value"].sum() / undiscounted.sum()
    assert 1.1**-1 < ratio < 1
    with pytest.raises(UsageError, match="annual rate"):
        found.discounted(10.0)


def test_quantiles_are_monotone_and_whole(model: fc.BTYD) -> None:
    table = model.forecast("13W", draws=100).quantiles([0.05, 0.5, 0.95])
    assert list(table.columns)[:3] == ["purchases_q05", "purchases_q50", "purchases_q95"]
    assert (table["purchases_q05"] <= table["purchases_q50"]).all()
    assert (table["purchases_q95"] % 1 == 0).all()


def test_parameter_uncertainty_widens_totals(model: fc.BTYD) -> None:
    found = model.forecast("39W", draws=500)
    spread = found.totals().purchases.sum(axis=(1, 2)).std()
    poisson_like = np.sqrt(found.customers["expected_purchases"].sum())
    assert spread > 1.2 * poisson_like


def test_pareto_nbd_published(ledger: Ledger, whole: Ledger) -> None:
    model = fc.BTYD(purchases="pareto_nbd").fit(ledger)
    expected = {"r": 0.55327, "alpha": 10.5778, "s": 0.60602, "beta": 11.6639}
    assert model.purchases_.params == pytest.approx(expected, rel=2e-3)
    assert model.purchases_.log_likelihood == pytest.approx(-9594.97618, abs=1e-4)
    found = model.forecast("39W", draws=200)
    assert found.customers["expected_purchases"].sum() == pytest.approx(1665.69, abs=0.3)
    score = found.score(whole.actuals("1997-09-30", "39W"))
    assert 0.86 < score["pit_purchases"].between(0.05, 0.95).mean() < 0.94
    with pytest.raises(UnsupportedError, match="pareto_nbd"):
        fc.BTYD(purchases="pareto_nbd", season=1).fit(ledger)


def test_nbd_is_the_model_without_dropout(ledger: Ledger) -> None:
    model = fc.BTYD(purchases="nbd").fit(ledger)
    assert model.purchases_.log_likelihood == pytest.approx(-9763.65761, abs=1e-3)
    assert (model.forecast("4W", draws=0).customers["p_alive"] == 1).all()


def test_update_keeps_the_parameters_and_takes_the_histories(whole: Ledger, ledger: Ledger) -> None:
    model = fc.BTYD(purchases="mbgnbd", spend="drift").fit(ledger)
    moved = copy.deepcopy(model).update(whole.cut("1998-03-31"))
    assert moved.parameters_ == model.parameters_
    assert set(moved.parameters_) >= {"purchases.r", "purchases.b", "spend.p", "spend.q"}
    later = moved.forecast("13W", draws=20)
    assert later.cutoff == date(1998, 3, 31)
    # P(alive) by the old parameters of the new histories, in weeks
    known = fc.customer_summary(whole.cut("1998-03-31"))
    process = model.purchases_.process
    expected = process.p_alive(known["frequency"], known["recency"] / 7, known["T"] / 7)
    np.testing.assert_allclose(later.customers["p_alive"], expected, rtol=1e-12)
    same = copy.deepcopy(model).update(ledger).forecast("13W", draws=20)
    pd.testing.assert_frame_equal(
        same.customers, model.forecast("13W", draws=20).customers, check_exact=True
    )
    with pytest.raises(UsageError, match="amounts"):
        moved.update(replace(ledger, has_value=False))
    with pytest.raises(NotFittedError):
        fc.BTYD().update(ledger)


def test_update_is_used_where_a_backtest_does_not_refit(whole: Ledger) -> None:
    found = fc.backtest(whole, {"btyd": fc.BTYD()}, horizon="8W", origins=2, refit=False)
    assert "The parameters are those of" in " ".join(found.runs["notes"])


def test_a_fitted_model_travels(ledger: Ledger) -> None:
    model = fc.BTYD(by="cohort", purchases="mbgcnbd").fit(ledger)
    other = pickle.loads(pickle.dumps(model))
    one, two = (each.forecast("4W", draws=10).customers for each in (model, other))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_log_scores_are_those_of_the_process(ledger: Ledger, whole: Ledger) -> None:
    model = fc.BTYD(purchases="mbgnbd").fit(ledger)
    bought = whole.actuals("1997-09-30", "8W")["purchases"]
    found, known = model.log_score(bought, "8W"), fc.customer_summary(ledger)
    for who in (known.index[0], bought.idxmax()):
        x, tx, age = known.loc[who, ["frequency", "recency", "T"]].astype(float)
        chance = model.purchases_.process.pmf(bought[who], 8.0, x, tx / 7, age / 7)
        assert found[who] == pytest.approx(np.log(chance), rel=1e-9)
    with pytest.raises(UsageError, match="no count"):
        model.log_score(bought.head(3), "8W")
    with pytest.raises(UnsupportedError, match="lifetimes"):
        fc.BTYD(engine="lifetimes").fit(ledger).log_score(bought, "8W")


def test_fitted_lifetimes_models_are_imported(ledger: Ledger) -> None:
    reference = fc.BTYD(purchases="bgnbd", engine="lifetimes").fit(ledger)
    fitters = [reference.purchases_.process.fitted, reference.spend_.process.fitted]
    bgnbd, spend = (from_lifetimes(each) for each in fitters)
    assert vars(bgnbd) == pytest.approx(reference.purchases_.params)
    assert vars(spend) == pytest.approx(reference.spend_.params)
    with pytest.raises(UsageError, match="not int"):
        from_lifetimes(3)


def test_refusals() -> None:
    rows = {"customer_id": list("abcdefghijklm"), "date": ["2024-01-01"] * 13, "amount": [1.0] * 13}
    once = fc.read_ledger(pd.DataFrame(rows), cutoff="2024-01-05", key=())
    with pytest.raises(NotIdentifiedError, match="bought again"):
        fc.BTYD().fit(once)
    few = fc.read_ledger(pd.DataFrame(rows).head(3), cutoff="2024-01-05", key=())
    with pytest.raises(TooLittleDataError):
        fc.BTYD().fit(few)
    with pytest.raises(UsageError, match="pareto"):
        fc.BTYD(purchases="paretoX").fit(once)
    with pytest.raises(UsageError, match="spend"):
        fc.BTYD(spend="none").fit(once)
    with pytest.raises(UsageError, match="engine"):
        fc.BTYD(engine="R").fit(once)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        fc.BTYD().forecast("4W")


def test_what_it_cannot_do_is_refused_by_name(model: fc.BTYD) -> None:
    with pytest.raises(UnsupportedError, match="'new'"):
        fc.BTYD(engine="lifetimes").forecast("4W", population="new")
    with pytest.raises(UnsupportedError, match="'price'"):
        model.forecast("4W", scenario={"price": 1.1})
    with pytest.raises(UsageError, match="draws"):
        model.forecast("4W", draws=1)


def test_zero_purchases_count_in_the_order_value() -> None:
    shop = fc.simulate_shop(400, days=500, seed=2, season=None, refunds=0.0).orders
    shop = shop[["customer_id", "date", "amount"]]
    free = shop.assign(amount=shop["amount"].where(np.arange(len(shop)) % 4 != 0, 0.0))
    one = fc.BTYD().fit(fc.read_ledger(shop, key=()))
    other = fc.BTYD().fit(fc.read_ledger(free, key=()))
    assert one.zero_share_ == 0.0
    assert other.zero_share_ == pytest.approx(0.25, abs=0.04)
    paid, mixed = (
        each.forecast("13W", draws=0).periods["expected_value"].sum() for each in (one, other)
    )
    assert mixed / paid == pytest.approx(0.75, abs=0.08)


def test_actuals_of_another_window_are_not_scored(model: fc.BTYD, whole: Ledger) -> None:
    found = model.forecast("26W", draws=50)
    with pytest.raises(UsageError, match="1998-06-30"):
        found.score(whole.actuals("1997-09-30", "39W"))
    assert found.score(whole.actuals("1997-09-30", "26W")).notna().all(axis=None)


def test_questions_without_meaning_are_refused(model: fc.BTYD) -> None:
    found = model.forecast("4W", draws=50)
    for ask in (
        lambda: found.interval(90),
        lambda: found.quantiles([]),
        lambda: found.quantiles([5.0]),
        lambda: found.totals(by=np.zeros(3)),
        lambda: found.score(pd.DataFrame({"x": [1]})),
        lambda: found.discounted("10%"),
        lambda: model.forecast("4W", draws=10.5),
        lambda: model.forecast("4W", seed=None),
        lambda: fc.BTYD().fit(pd.DataFrame()),
    ):
        with pytest.raises(UsageError):
            ask()
    assert list(found.quantiles([0.9991, 0.9995]).columns)[:2] == [
        "purchases_q99.91", "purchases_q99.95",
    ]  # fmt: skip


def test_an_infinite_mean_is_missing_and_said() -> None:
    shop = fc.simulate_shop(
        600, seed=2, days=546, acquisition_days=180, season=None, refunds=0.0, channels=(), q=1.01
    )
    whole = fc.read_ledger(shop.orders[["customer_id", "date", "amount"]], key=())
    found = fc.BTYD().fit(whole.cut("2022-12-15")).forecast("26W", draws=100)
    assert found.customers["expected_value"].isna().all()
    assert np.isnan(found.interval().loc["value", "expected"])
    assert found.customers["value_hi_90"].notna().all()
    assert "infinite" in " ".join(found.notes)
    board = fc.backtest(whole, {"btyd": fc.BTYD()}, horizon="13W", origins=2).leaderboard()
    assert board.loc["btyd", "failed"] == 0


def test_heavy_buyers_are_simulated_in_small_blocks() -> None:
    days = pd.date_range("2023-01-01", periods=300)
    log = pd.DataFrame({"customer_id": np.repeat([f"c{i}" for i in range(30)], 300),
                        "date": np.tile(days, 30)})  # fmt: skip
    odd = pd.DataFrame({"customer_id": [f"o{i}" for i in range(30)], "date": days[:30]})
    model = fc.BTYD().fit(fc.read_ledger(pd.concat([log, odd]), key=()))
    found = model.forecast("26W", draws=200)
    sizes = [block.purchases.sum() for block in found.sampler.blocks()]
    assert max(sizes) < 2_000_000
    assert len(sizes) > 1


def test_log_scores_are_those_of_a_distribution() -> None:
    drawn = np.sort(np.random.default_rng(1).poisson(2.0, (1, 50)).astype(float), axis=1)
    counts = np.arange(500.0)
    chance = [smoothed(drawn, np.array([n]), (drawn == n).mean(axis=1))[0] for n in counts]
    assert np.sum(chance) == pytest.approx(1.0)
    assert chance[300] < chance[30]
