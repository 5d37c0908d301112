"""BTYD on summary tables: the estimates of the log, the expectations of lifetimes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from forecast.datasets import load_cdnow
from forecast.errors import ForecastError, UnsupportedError
from forecast.ledger import Ledger, SummaryTable, read_ledger, read_summary
from forecast.models import BTYD, MODELS
from forecast.views import customer_summary

CUTOFF = "1997-09-30"
NAMES = ["frequency", "recency", "T", "monetary_value"]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return read_ledger(load_cdnow(sample=True), key=(), cutoff=CUTOFF)


@pytest.fixture(scope="module")
def in_days(ledger: Ledger) -> SummaryTable:
    return read_summary(customer_summary(ledger)[NAMES], unit="days", cutoff=CUTOFF)


@pytest.fixture(scope="module")
def weeks(ledger: Ledger) -> pd.DataFrame:
    summary = customer_summary(ledger)[NAMES]
    return summary.assign(recency=summary["recency"] / 7, T=summary["T"] / 7)


def test_same_estimates_and_forecast_as_the_log(ledger, in_days, weeks):
    logged = BTYD().fit(ledger)
    expected = logged.forecast("39W", draws=50)
    for table in (in_days, read_summary(weeks, unit="weeks", cutoff=CUTOFF)):
        model = BTYD().fit(table)
        assert model.purchases_.log_likelihood == pytest.approx(-9582.429, abs=1e-3)
        for ours, theirs in ((model.purchases_, logged.purchases_), (model.spend_, logged.spend_)):
            assert ours.params == pytest.approx(theirs.params, rel=1e-9)
        found = model.forecast("39W", draws=50)
        pd.testing.assert_frame_equal(found.customers, expected.customers, rtol=1e-9)
        pd.testing.assert_frame_equal(found.periods, expected.periods, rtol=1e-9)


def test_same_expectations_as_lifetimes(weeks):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes

        x, tx, T = weeks["frequency"], weeks["recency"], weeks["T"]
        theirs = lifetimes.BetaGeoFitter().fit(x, tx, T, tol=1e-9)
        expected = theirs.conditional_expected_number_of_purchases_up_to_time(39.0, x, tx, T)
        alive = np.ravel(theirs.conditional_probability_alive(x, tx, T))
    model = BTYD().fit(read_summary(weeks, unit="weeks", cutoff=CUTOFF))
    assert model.purchases_.params == pytest.approx(dict(theirs.params_), rel=1e-6)
    found = model.forecast("39W", draws=0).customers
    assert_allclose(found["expected_purchases"], expected, rtol=1e-6)
    assert_allclose(found["p_alive"], alive, rtol=1e-6)


def test_order_of_rows_is_irrelevant(in_days, weeks):
    mixed = read_summary(weeks.sample(frac=1, random_state=1), unit="weeks", cutoff=CUTOFF)
    plain = read_summary(weeks, unit="weeks", cutoff=CUTOFF)
    found, expected = (BTYD().fit(each).forecast("8W", draws=20) for each in (mixed, plain))
    pd.testing.assert_frame_equal(found.customers, expected.customers)


def test_groups_and_updates(in_days, weeks):
    table = read_summary(
        weeks.assign(side=["left", "right"] * (len(weeks) // 2) + ["left"]),
        unit="weeks", cutoff=CUTOFF, customer_columns=["side"],
    )  # fmt: skip
    by = BTYD(by="side").fit(table).forecast("8W", draws=0)
    assert np.isfinite(by.customers["expected_value"]).all()
    model = BTYD().fit(in_days)
    before = model.forecast("8W", draws=0).customers
    some = read_summary(weeks.iloc[:50], unit="weeks", cutoff="1997-10-07")
    after = model.update(some).forecast("8W", draws=0)
    assert str(after.cutoff) == "1997-10-07"
    assert_allclose(after.customers["p_alive"], before["p_alive"].iloc[:50], rtol=1e-9)


def test_without_amounts_any_spend_does(weeks):
    bare = read_summary(weeks.drop(columns="monetary_value"), unit="weeks", cutoff=CUTOFF)
    found = BTYD(spend="gamma_gamma_all").fit(bare).forecast("8W", draws=20)
    assert found.periods["expected_value"].isna().all()
    assert found.periods["expected_purchases"].notna().all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"spend": "gamma_gamma_all"}, "spend='gamma_gamma'"),
        ({"spend": "drift"}, "spend='drift' needs purchase days"),
        ({"season": 2}, "season=2 needs purchase days"),
        ({"season": "auto"}, "season='auto' needs purchase days"),
        ({"events": pd.DataFrame({"sale": [1.0]}, index=["1997-02-01"])}, "events needs"),
        ({"burn_in": 30}, "burn_in=30 needs purchase days"),
        ({"purchases": "mbgcnbd"}, "purchases='mbgcnbd' needs purchase days"),
        ({"purchases": "auto"}, "purchases='auto' needs purchase days"),
    ],
)
def test_settings_that_need_days_are_refused_by_name(in_days, settings, said):
    with pytest.raises(UnsupportedError, match=said):
        BTYD(**settings).fit(in_days)


def test_a_model_that_learned_from_first_orders_is_not_updated(ledger, in_days):
    with pytest.raises(UnsupportedError, match="first orders"):
        BTYD(spend="gamma_gamma_all").fit(ledger).update(in_days)


def test_new_customers_need_a_log(in_days):
    with pytest.raises(UnsupportedError, match="needs purchase days"):
        BTYD().fit(in_days).forecast("8W", population="all")


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"bgnbd", "bgnbd_lifetimes"}))
def test_other_models_refuse_or_need_no_days(in_days, name):
    model = MODELS[name]
    series = name in ("seasonal_series", "ets", "sarimax")
    ask = {"horizon": "8W", "population": "all" if series else "existing", "draws": 0}
    if name in ("own_rate", "zero"):
        found = model.fit(in_days).forecast(**ask)
        assert found.periods["expected_purchases"].notna().all()
        assert name == "zero" or found.periods["expected_value"].isna().all()
    else:
        with pytest.raises(ForecastError, match="summary table" if name != "last_year" else "log"):
            model.fit(in_days).forecast(**ask)
