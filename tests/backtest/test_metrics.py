import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from forecast.backtest import METRICS
from forecast.backtest.accuracy import bias, mae, rmse
from forecast.backtest.metrics import capped_rmse_at, chosen, profit_at
from forecast.backtest.ranking import gini, top_decile_capture
from forecast.errors import UsageError

POINT = [metric for metric in METRICS if metric.takes == ("actual_{}", "expected_{}")]
UNDEFINED = {
    "bias", "decile_calibration_error", "gini", "spearman", "top_decile_capture",
    "top_quintile_capture", "wape",
}  # fmt: skip
counts = st.lists(st.integers(0, 6), min_size=2, max_size=40).filter(lambda x: sum(x) > 0)


@pytest.mark.parametrize("metric", POINT, ids=lambda metric: metric.name)
class TestEveryMetric:
    @given(actual=counts)
    @settings(max_examples=50, deadline=None)
    def test_perfect_reaches_the_optimum(self, metric, actual):
        score = metric.function(actual, actual)
        if np.isnan(score):
            assert len(set(actual)) == 1
        elif metric.optimum is None:
            rng = np.random.default_rng(len(actual))
            assert score >= metric.function(actual, rng.random(len(actual))) - 1e-12
        else:
            assert score == pytest.approx(metric.optimum, abs=1e-12)

    def test_worse_is_worse(self, metric):
        actual = np.array([0, 0, 0, 0, 0, 0, 1, 2, 3, 9.0])
        good = actual + 0.1 * np.arange(10)[::-1]
        bad = 3 * actual[::-1] + 1
        sign = {"minimize": -1, "maximize": 1, "target": -1}[metric.direction]
        aim = 0.0 if metric.direction != "target" else metric.optimum
        reached = [abs(metric.function(actual, each) - aim) for each in (good, bad)]
        if metric.direction == "maximize":
            reached = [metric.function(actual, each) for each in (good, bad)]
        assert sign * reached[0] > sign * reached[1]

    @given(actual=counts, seed=st.integers(0, 99))
    @settings(max_examples=50, deadline=None)
    def test_scale_order_and_range(self, metric, actual, seed):
        rng = np.random.default_rng(seed)
        expected = rng.integers(0, 4, len(actual)) / 2
        score = metric.function(actual, expected)
        if np.isnan(score):
            assert metric.name in {"gini", "spearman"}
            assert len(set(actual)) == 1 or len(set(expected)) == 1
            return
        assert metric.range[0] - 1e-12 <= score <= metric.range[1] + 1e-12
        factor = {"target": 100, "root of target": 10}.get(metric.unit, 1)
        scaled = metric.function(100 * np.array(actual), 100 * expected)
        assert scaled == pytest.approx(factor * score, rel=1e-12, abs=1e-12)
        mixed = rng.permutation(len(actual))
        again = metric.function(np.array(actual)[mixed], expected[mixed])
        assert again == pytest.approx(score, rel=1e-12, abs=1e-12)

    @pytest.mark.parametrize("hole", [np.nan, np.inf])
    def test_missing_numbers_are_refused(self, metric, hole):
        with pytest.raises(UsageError, match=r"expected: 1 of 3 numbers are missing"):
            metric.function([1, 2, 3], [1, hole, 3])
        with pytest.raises(UsageError, match=r"actual: 1 of 3"):
            metric.function([1, hole, 3], [1, 2, 3])

    def test_unequal_or_no_customers_are_refused(self, metric):
        for pair in (([1, 2], [1]), ([], [])):
            with pytest.raises(UsageError, match="one length"):
                metric.function(*pair)

    def test_nothing_happened(self, metric):
        score = metric.function([0, 0], [1, 2])
        assert np.isnan(score) == (metric.name in UNDEFINED)


@pytest.mark.parametrize(
    "metric", [each for each in METRICS if each.loss is not None], ids=lambda metric: metric.name
)
def test_losses_make_the_metric(metric):
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "actual_purchases": rng.poisson(0.5, 80),
            "expected_purchases": rng.gamma(2, 0.3, 80),
            "crps_purchases": rng.random(80),
            "log_score_purchases": rng.random(80),
            "p_active": rng.random(80),
        }
    )
    mean = metric.losses(table, "purchases").mean()
    score = metric.score(table, "purchases")
    assert score == pytest.approx(np.sqrt(mean) if metric.root else mean, rel=1e-12)


def test_what_is_not_forecast_has_no_score():
    (mae_, brier_, crps_) = chosen(["mae", "brier", "crps"], ())
    table = pd.DataFrame({"actual_value": [1.0, 2.0], "expected_value": [1.0, np.nan]})
    assert np.isnan(mae_.score(table, "value"))
    assert mae_.losses(table, "value") is None
    assert mae_.score(table.fillna(0), "value") == 1.0
    assert not crps_.applies(table, "value")
    assert not brier_.applies(table.assign(actual_purchases=1, p_active=0.5), "value")
    assert np.isnan(mae_.score(table.iloc[:0], "value"))


def test_metrics_with_a_number_of_their_own():
    table = pd.DataFrame({"actual_value": [0.0, 10, 900], "expected_value": [1.0, 2, 300]})
    capped = capped_rmse_at(100)
    assert capped.score(table, "value") == pytest.approx(np.sqrt((1 + 64 + 0) / 3))
    assert np.sqrt(capped.losses(table, "value").mean()) == capped.score(table, "value")
    profit = profit_at(50, share=1 / 3, margin=0.1)
    assert profit.score(table, "value") == pytest.approx((90 - 50) / 3)
    assert chosen([capped, "rmse", "rmse"], (), always=["bias"])[1] is capped
    with pytest.raises(UsageError, match="'mape' is unknown; there are rmse"):
        chosen(["mape"], ())


def test_names_are_unique_and_documented():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.definition.endswith(".")
        assert metric.label
        assert metric.unit


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """CDNOW, 1/10 sample, 39 weeks to 1997-09-30 and the 39 weeks after, one row a customer."""
    spec = importlib.util.find_spec("lifetimes")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    file = Path(spec.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    names = ["id", "day"]
    rows = pd.read_csv(file, sep=r"\s+", header=None, usecols=[1, 2], names=names, dtype=str)
    rows["day"] = pd.to_datetime(rows["day"], format="%Y%m%d")
    rows, end = rows.drop_duplicates(), pd.Timestamp("1997-09-30")
    seen = rows[rows["day"] <= end].groupby("id")["day"].agg(["min", "max", "size"])
    table = pd.DataFrame({"x": seen["size"] - 1, "T": (end - seen["min"]).dt.days / 7})
    table["t_x"] = (seen["max"] - seen["min"]).dt.days / 7
    later = rows[(rows["day"] > end) & (rows["day"] <= end + pd.Timedelta(weeks=39))]
    return table.assign(actual=later.groupby("id").size().reindex(table.index, fill_value=0))


def test_published_scores_of_cdnow(cdnow):
    # Fader, Hardie & Lee (2005), parameters and eq. 10; scores as other tools get them
    (r, alpha, a, b), t = (0.243, 4.414, 0.793, 2.426), 39.0
    x, t_x, age = (cdnow[name].to_numpy(float) for name in ("x", "t_x", "T"))
    fraction = t / (alpha + age + t)
    mean = (
        (a + b + x - 1)
        / (a - 1)
        * (
            1
            - ((alpha + age) / (alpha + age + t)) ** (r + x)
            * hyp2f1(r + x, b + x, a + b + x - 1, fraction)
        )
    )
    ratio = a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    mean /= 1 + np.where(x > 0, ratio, 0)
    actual = cdnow["actual"]
    assert len(actual) == 2357
    assert actual.sum() == 1882
    assert mae(actual, mean) == pytest.approx(0.785, abs=1e-3)
    assert rmse(actual, mean) == pytest.approx(1.608, abs=1e-3)
    assert bias(actual, mean) == pytest.approx(-0.121, abs=1e-3)
    assert gini(actual, mean) == pytest.approx(0.6624, abs=1e-4)
    # other tools take 235 whole customers; ten per cent are 235.7
    top = actual.to_numpy()[np.argsort(-mean, kind="stable")[:236]] / 1882
    assert top[:235].sum() == pytest.approx(0.467, abs=1e-3)
    assert top_decile_capture(actual, mean) == pytest.approx(top[:235].sum() + 0.7 * top[235])


def test_simple_scores_of_cdnow(cdnow):
    actual, nothing = cdnow["actual"], np.zeros(len(cdnow))
    assert mae(actual, nothing) == pytest.approx(0.798, abs=1e-3)
    assert rmse(actual, nothing) == pytest.approx(2.206, abs=1e-3)
    assert top_decile_capture(actual, nothing) == pytest.approx(0.1)
    assert gini(actual, nothing) == 0.0
    own = 39 * cdnow["x"] / cdnow["T"]
    assert gini(actual, own) == pytest.approx(0.6657, abs=1e-4)
    assert rmse(actual, own) == pytest.approx(2.2119, abs=1e-4)
    assert gini(actual, cdnow["x"]) == pytest.approx(0.6602, abs=1e-4)


def test_refunds_leave_a_deviance_without_a_score_and_others_with_theirs():
    table = {"actual_value": [3.0, -1.0], "expected_value": [2.0, 1.0]}
    scores = {metric.name: metric.score(table, "value") for metric in METRICS}
    assert np.isnan(scores["tweedie_deviance"])
    assert scores["mae"] == 1.5
    deviance = next(metric for metric in METRICS if metric.name == "tweedie_deviance")
    assert deviance.losses(table, "value") is None
