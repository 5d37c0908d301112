"""Customers who differ: covariates, groups with partial pooling, and regular timing."""

import copy

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import Ledger
from forecast.models.btyd.covariates import Coding
from forecast.models.btyd.pooling import shrink
from forecast.processes import BGNBD, fit_with_covariates
from forecast.testing import check_forecaster


@pytest.fixture(scope="module")
def whole() -> Ledger:
    # three sources; those from mail buy twice as fast
    parts = []
    for number, (name, alpha) in enumerate({"ads": 12.0, "mail": 6.0, "shop": 12.0}.items()):
        shop = fc.simulate_shop(
            900, days=600, acquisition_days=200, seed=number, alpha=alpha, refunds=0.0,
            season=None, channels=(),
        ).orders  # fmt: skip
        shop["customer_id"] = f"{name}-" + shop["customer_id"]
        parts.append(shop.assign(source=name))
    log = pd.concat(parts)[["customer_id", "date", "amount", "source"]]
    return fc.read_ledger(log, key=(), customer_columns=["source"])


def test_covariates_find_the_rates(whole: Ledger) -> None:
    model = fc.BTYD("bgnbd", covariates=("source",)).fit(whole)
    found = model.purchases_.params
    assert list(found)[4:] == [
        "purchase rate: source=mail", "purchase rate: source=shop",
        "dropout: source=mail", "dropout: source=shop",
    ]  # fmt: skip
    # against ads, the first of equally frequent ones, mail buys twice as fast; none leaves sooner
    errors = model.purchases_.standard_errors
    for name, ratio in found.items():
        if ":" in name:
            truth = 2.0 if name == "purchase rate: source=mail" else 1.0
            assert abs(ratio - truth) < 4 * errors[name]
    assert model.purchases_.log_likelihood > fc.BTYD("bgnbd").fit(whole).log_likelihood_ + 30


def test_covariates_enter_expectations_and_draws(whole: Ledger) -> None:
    ledger = whole.cut("2023-03-31")
    model = fc.BTYD("mbgnbd", "gamma_gamma_all", covariates=("source",)).fit(ledger)
    found = model.forecast("13W", draws=200)
    source = ledger.attributes()["source"]
    drawn = found.totals(by=source).purchases.sum(axis=2)
    expected = found.customers["expected_purchases"].groupby(source).sum()
    slack = 4 * drawn.std(axis=0) / np.sqrt(200) + 0.03 * expected.to_numpy()
    assert (np.abs(drawn.mean(axis=0) - expected.to_numpy()) < slack).all()
    # a customer's numbers are those of the process of the customer's source
    summary = fc.customer_summary(ledger)
    coding = model.fitted_.varying.coding
    process = model.purchases_.process
    given = dict(zip(coding.names, coding.matrix(summary.head(50)).T, strict=True))
    own = process.of(rate=given, dropout=given)
    x, tx, T = (summary[name].head(50).to_numpy(float) for name in ("frequency", "recency", "T"))
    np.testing.assert_allclose(
        found.customers["expected_purchases"].head(50),
        own.expected_purchases(13.0, x, tx / 7, T / 7), rtol=1e-9,
    )  # fmt: skip
    later = copy.deepcopy(model).update(whole).forecast("4W", draws=20, population="all")
    assert np.isfinite(later.periods["purchases_hi_90"]).all()


def test_columns_are_coded_once() -> None:
    people = pd.DataFrame({
        "source": ["a"] * 50 + ["b"] * 40 + ["c"] * 5 + [None] * 35,
        "age": np.arange(130.0),
        "vip": [0, 1] * 65,
    })  # fmt: skip
    coding = Coding.learn(people, ["source", "age", "vip"])
    assert coding.names == ("source=(none)", "source=b", "source=other", "age", "vip")
    matrix = coding.matrix(people)
    np.testing.assert_array_equal(matrix[:, :3].sum(axis=0), [35, 40, 5])
    assert np.unique(matrix[:, 3]).size == 5
    np.testing.assert_allclose(matrix[:, 3:].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(matrix[:, 3:].std(axis=0), 1.0)
    new = pd.DataFrame({"source": ["z", "a"], "age": [np.nan, 500.0], "vip": [1, 0]})
    np.testing.assert_array_equal(coding.matrix(new)[:, :3], [[0, 0, 1], [0, 0, 0]])
    assert coding.matrix(new)[0, 3] == 0.0
    assert coding.matrix(new)[1, 3] == matrix[-1, 3]
    with pytest.raises(UsageError, match="'source'"):
        Coding.learn(people.head(40), ["source"])
    with pytest.raises(UsageError, match="'price'"):
        Coding.learn(people, ["price"])
    with pytest.raises(UsageError, match="'age'"):
        Coding.learn(people.assign(age=3.0), ["age"])


def test_what_covariates_cannot_do_is_refused_by_name(whole: Ledger) -> None:
    with pytest.raises(UsageError, match="NBD"):
        fc.BTYD("nbd", covariates=("source",)).fit(whole)
    with pytest.raises(UsageError, match="MBGCNBD"):
        fc.BTYD("mbgcnbd", covariates=("source",)).fit(whole)
    with pytest.raises(UnsupportedError, match="lifetimes"):
        fc.BTYD(engine="lifetimes", covariates=("source",)).fit(whole)
    with pytest.raises(UnsupportedError, match="'source'"):
        fc.BTYD(covariates=("source",), by="source").fit(whole)
    with pytest.raises(UsageError, match="sequence"):
        fc.BTYD(covariates="source").fit(whole)
    with pytest.raises(UsageError, match="'colour'"):
        fc.BTYD(by="colour").fit(whole)


def test_shrinkage_is_that_of_normal_means() -> None:
    # known variances: empirical Bayes of James & Stein's kind, in closed form at the fixed point
    rng = np.random.default_rng(5)
    truth = rng.normal(0.0, 0.5, 200)
    noise = rng.uniform(0.1, 1.0, 200)
    seen = truth + noise * rng.standard_normal(200)
    found = shrink(lambda u: -0.5 * ((seen - u[:, 0]) / noise) ** 2, 200, 1)
    variance = found.variance[0]
    assert np.sqrt(variance) == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(found.mode[:, 0], seen * variance / (variance + noise**2), atol=1e-3)
    np.testing.assert_allclose(
        found.covariance[:, 0, 0], 1 / (1 / variance + 1 / noise**2), rtol=1e-2
    )
    better = ((found.mode[:, 0] - truth) ** 2).mean()
    assert better < ((seen - truth) ** 2).mean()
    # groups that are alike are pooled
    alike = shrink(lambda u: -0.5 * ((0.01 * seen - u[:, 0]) / noise) ** 2, 200, 1)
    assert np.abs(alike.mode).max() < 0.01


def test_groups_are_pooled_as_far_as_they_are_alike(whole: Ledger) -> None:
    model = fc.BTYD("bgnbd", "gamma_gamma_all", by="source").fit(whole)
    rates = model.fitted_.varying.table()["purchase rate"]
    assert rates["mail"] / rates["ads"] == pytest.approx(2.0, rel=0.2)
    assert model.fitted_.spend.table()["order value"].to_numpy() == pytest.approx(1.0, abs=0.06)
    # nearly the estimates without pooling, since every group is large
    x, tx, T = (
        fc.customer_summary(whole)[name].to_numpy(float) for name in ("frequency", "recency", "T")
    )
    mail = (whole.attributes()["source"] == "mail").to_numpy(float)
    free = fit_with_covariates(
        BGNBD, x, tx / 7, T / 7, rate={"mail": mail}, dropout={"mail": mail}
    ).params  # fmt: skip
    others = (rates["ads"] * rates["shop"]) ** 0.5
    assert rates["mail"] / others == pytest.approx(free["rate: mail"], rel=0.1)


def test_small_groups_are_pooled_and_unknown_ones_take_all(whole: Ledger) -> None:
    ledger = whole.cut("2022-06-30")
    model = fc.BTYD("bgnbd", "gamma_gamma_all", by="cohort").fit(ledger)
    ratios = model.fitted_.varying.table()
    assert ratios["purchase rate"].between(0.7, 1.4).all()
    later = copy.deepcopy(model).update(whole.cut("2022-09-30"))
    found = later.forecast("8W", draws=50)
    summary = fc.customer_summary(whole.cut("2022-09-30"))
    new = summary[~summary["cohort"].isin(ratios.index)].head(20)
    x, tx, T = (new[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    pooled = model.purchases_.process.expected_purchases(8.0, x, tx / 7, T / 7)
    np.testing.assert_allclose(found.customers.loc[new.index, "expected_purchases"], pooled)
    total = found.totals().purchases.sum(axis=(1, 2))
    slack = 0.05 * total.mean() + 4 * total.std() / np.sqrt(50)
    assert abs(total.mean() - found.customers["expected_purchases"].sum()) < slack


def test_regular_timing_is_found_and_used() -> None:
    shop = fc.simulate_shop(
        800, days=700, seed=3, k=3.0, refunds=0.0, season=None, channels=()
    ).orders  # fmt: skip
    ledger = fc.read_ledger(shop[["customer_id", "date", "amount"]], key=())
    model, plain = (fc.BTYD(name).fit(ledger) for name in ("bgcnbd", "bgnbd"))
    assert model.purchases_.k in (2, 3)
    assert model.parameters_["purchases.k"] == model.purchases_.k
    with_gaps = model.purchases_.by_k
    assert with_gaps[model.purchases_.k] > with_gaps[1] + 20
    # who is long overdue by the own rhythm is more surely gone
    one, other = (each.forecast("8W", draws=0).customers["p_alive"] for each in (model, plain))
    summary = fc.customer_summary(ledger)
    gap = (summary["recency"] / summary["frequency"]).where(summary["frequency"] >= 4)
    overdue = (summary["T"] - summary["recency"]) > 4 * gap
    assert overdue.sum() > 10
    assert (one[overdue] <= other[overdue]).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        fc.BTYD("mbgcnbd", "gamma_gamma_all", by="cohort"),
        fc.BTYD("auto", "drift", season="auto"),
    ],
    ids=lambda model: model.purchases,
)
def test_every_setting_complies(model: fc.BTYD) -> None:
    check_forecaster(model)
