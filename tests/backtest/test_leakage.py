"""Whatever happens to rows after an origin, no forecast made at it changes, by any model."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.backtest import Backtest, backtest
from forecast.datasets import simulate_shop
from forecast.ledger import read_ledger
from forecast.models import MODELS

ORIGIN, CUTOFF = "2023-08-31", "2023-09-30"
LONG = {"boosting", "ensemble", "ets", "poisson_regression", "sarimax"}
OUTCOMES = ("actual_", "crps_", "log_score_", "pit_")


def shop() -> pd.DataFrame:
    orders = simulate_shop(
        60, start="2022-01-01", days=637, seed=11, r=1.0, alpha=5.0, a=0.8, b=4.0, refunds=0.0
    ).orders
    return orders[["customer_id", "date", "amount"]].assign(date=pd.to_datetime(orders["date"]))


LOG = shop()
FUTURE = LOG.index[LOG["date"] > ORIGIN]


def run(log: pd.DataFrame, *, patient: bool = False) -> Backtest:
    ledger = read_ledger(
        log, customer="customer_id", date="date", value="amount", cutoff=CUTOFF, key=()
    )
    models = {name: MODELS[name] for name in MODELS if patient or name not in LONG}
    return backtest(ledger, models, horizon="4W", origins=[ORIGIN], draws=20, seed=3)


def known(bt: Backtest) -> list[pd.DataFrame]:
    """Everything that was told at the origin, without what happened."""
    tables = [bt.frame, bt.periods, bt.totals, bt.cohorts]
    told = [table[[c for c in table if not c.startswith(OUTCOMES)]] for table in tables]
    return [*told, bt.parameters, bt.runs.drop(columns=["fit_seconds", "forecast_seconds"])]


def compare(one: Backtest, two: Backtest) -> None:
    for mine, other in zip(known(one), known(two), strict=True):
        pd.testing.assert_frame_equal(mine, other, check_exact=True)


@pytest.fixture(scope="module")
def before() -> Backtest:
    return run(LOG, patient=True)


@pytest.fixture(scope="module")
def quick() -> Backtest:
    return run(LOG)


@pytest.mark.slow
def test_every_model_answers_or_says_why(before):
    assert before.origins == (date(2023, 8, 31),)
    status = before.runs.groupby("model")["status"].agg(set)
    assert set(status.index) == set(MODELS)
    assert {name for name in MODELS if "ok" in status[name]} >= {
        "btyd", "customer_regression", "own_rate", "seasonal_series", "zero",
    }  # fmt: skip
    failed = before.runs[before.runs["status"] == "failed"]
    assert failed["error"].str.len().min() > 20 if len(failed) else True


@pytest.mark.slow
def test_another_future_changes_no_forecast(before):
    log = LOG.drop(index=FUTURE[::3])
    log.loc[FUTURE[1::3], "amount"] *= 100
    more = LOG.loc[FUTURE[2::3]].assign(customer_id="newcomer")
    more = pd.concat([more, LOG[-9:].assign(date=pd.Timestamp("2023-09-01"))])
    compare(before, run(pd.concat([log, more], ignore_index=True), patient=True))


@pytest.mark.slow
@given(
    deleted=st.sets(st.sampled_from(sorted(FUTURE)), max_size=len(FUTURE)),
    changed=st.dictionaries(st.sampled_from(sorted(FUTURE)), st.floats(0, 1e6), max_size=9),
    added=st.lists(
        st.tuples(
            st.sampled_from([*LOG["customer_id"].unique()[:9], "newcomer", "another"]),
            st.dates(date(2023, 9, 1), date(2023, 9, 30)),
            st.floats(0, 1e6),
        ),
        max_size=9,
    ),
)
@settings(max_examples=3, deadline=None)
def test_rows_after_an_origin_change_no_forecast(quick, deleted, changed, added):
    log = LOG.copy()
    log.loc[list(changed), "amount"] = list(changed.values())
    log = log.drop(index=list(deleted))
    more = pd.DataFrame(added, columns=["customer_id", "date", "amount"])
    log = pd.concat([log, more.assign(date=pd.to_datetime(more["date"]))], ignore_index=True)
    log["amount"] = log["amount"].round(2)
    compare(quick, run(log))
