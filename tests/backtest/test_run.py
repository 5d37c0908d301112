import sys
import warnings
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.backtest import ZERO, backtest
from forecast.backtest.task import run_task
from forecast.errors import TooLittleDataError, UsageError

WEEKS = {"horizon": "7D", "origins": 2, "draws": 20}


def test_every_model_sees_only_the_past(ledger, fakes):
    bt = backtest(ledger, {"m": fakes.Fake()}, **WEEKS)
    assert bt.origins == (date(2024, 1, 7), date(2024, 1, 14))
    seen = bt.frame[bt.frame["population"] == "existing"].groupby("cutoff")["customer_id"].agg(list)
    assert seen.tolist() == [["a", "b", "c"], ["a", "b", "c", "d"]]


PAST = [
    ("a", "2024-01-01", 3.0), ("b", "2024-01-02", 4.0), ("a", "2024-01-07", 5.0),
    ("b", "2024-01-19", 6.0),
]  # fmt: skip


def told_on_the_seventh(fakes, rows):
    bt = backtest(fakes.ledger(rows, "2024-01-21"), {"m": fakes.Curious()}, **WEEKS)
    frame = bt.frame[bt.frame["cutoff"] == "2024-01-07"]
    scored = ("actual_", "crps_", "log_score_", "pit_")
    table = bt.totals[bt.totals["cutoff"] == "2024-01-07"]
    return (
        frame[[name for name in frame if not name.startswith(scored)]],
        table[["population", "expected_purchases", "value_hi_90"]],
    )


@pytest.fixture(scope="module")
def told(fakes):
    return told_on_the_seventh(fakes, PAST)


@given(
    changed=st.lists(
        st.tuples(st.sampled_from("abcxyz"), st.integers(8, 21), st.sampled_from([0.0, 1.0, 99.0])),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=5, deadline=None)
def test_rows_after_an_origin_change_nothing_before(fakes, told, changed):
    future = [(who, f"2024-01-{day:02d}", value) for who, day, value in changed]
    for one, other in zip(told, told_on_the_seventh(fakes, PAST + future), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_curious_model_does_notice_rows_before_the_origin(fakes):
    past = [("a", "2024-01-01", 3.0), ("b", "2024-01-02", 4.0)]
    levels = [
        backtest(
            fakes.ledger([*past, ("a", "2024-01-05", value)], "2024-01-21"),
            {"m": fakes.Curious()},
            **WEEKS,
        ).frame["expected_purchases"]
        for value in (1.0, 2.0)
    ]
    assert (levels[0] != levels[1]).all()


def test_models_are_copied_and_named(ledger, fakes):
    model = fakes.Fake()
    bt = backtest(ledger, [model, fakes.Fake(purchases=2.0), fakes.Oracle(whole=ledger)], **WEEKS)
    assert bt.models == ("Fake", "Fake 2", "Oracle")
    assert model.fits == 0
    assert not hasattr(model, "cutoff_")
    assert backtest(ledger, model, **WEEKS).models == ("Fake",)


def test_the_order_of_models_does_not_matter(ledger, fakes):
    models = {
        "z": fakes.Careless(),
        "y": fakes.Careless(),
        "b": fakes.Broken(),
        "a": fakes.Oracle(whole=ledger),
    }
    one = backtest(ledger, models, **WEEKS)
    np.random.random(3)  # noqa: NPY002
    two = backtest(ledger, dict(reversed(models.items())), **WEEKS)
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, two.periods, check_exact=True)
    pd.testing.assert_frame_equal(one.totals, two.totals, check_exact=True)
    timeless = ["fit_seconds", "forecast_seconds"]
    pd.testing.assert_frame_equal(one.runs.drop(columns=timeless), two.runs.drop(columns=timeless))
    scores = [bt.leaderboard().drop(columns="seconds") for bt in (one, two)]
    pd.testing.assert_frame_equal(*scores, check_exact=True)
    assert (one.frame["expected_purchases"][one.frame["model"] == "z"] > 0).all()


def test_seed_is_passed_on(ledger, fakes):
    bounds = [
        backtest(ledger, {"m": fakes.Fake(3.0)}, **WEEKS, seed=seed).frame["purchases_hi_90"]
        for seed in (1, 1, 2)
    ]
    assert bounds[0].equals(bounds[1])
    assert not bounds[0].equals(bounds[2])
    with pytest.raises(UsageError, match="seed: -1"):  # before long work, not in every trial
        backtest(ledger, fakes.Fake(), **WEEKS, seed=-1)


def test_failures_cost_only_their_own_rows(ledger, fakes):
    models = {
        "broken": fakes.Broken(),
        "late": fakes.Late(since=date(2024, 1, 14)),
        "series": fakes.Fake(populations=("all",)),
        "sound": fakes.Fake(),
    }
    bt = backtest(ledger, models, **WEEKS)
    status = bt.runs.set_index(["model", "population", "cutoff"])["status"].unstack()
    assert status.loc[("broken", "all")].tolist() == ["failed", "failed"]
    assert status.loc[("late", "existing")].tolist() == ["failed", "ok"]
    assert status.loc[("series", "existing")].tolist() == ["unsupported", "unsupported"]
    assert status.loc[("series", "all")].tolist() == ["ok", "ok"]
    assert (status.loc["sound"] == "ok").all(axis=None)
    errors = bt.runs.set_index("model")["error"]
    assert set(errors["broken"]) == {"ZeroDivisionError: no luck"}
    assert "Needs history to 2024-01-14." in set(errors["late"])
    assert set(errors["sound"]) == {""}
    seconds = bt.runs.set_index("status")["forecast_seconds"]
    assert seconds["failed"].isna().all()
    assert (seconds["ok"] >= 0).all()


def test_interrupts_pass(ledger, fakes):
    class Interrupted(fakes.Fake):
        def fit(self, ledger):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(ledger, Interrupted(), **WEEKS)


def test_warnings_and_notes_are_kept(ledger, fakes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bt = backtest(ledger, {"m": fakes.Careless()}, **WEEKS)
    assert set(bt.runs["notes"]) == {"careful; I am a fake."}
    assert set(bt.runs["status"]) == {"ok"}


def test_progress_is_told(ledger, fakes):
    told = []
    backtest(
        ledger,
        {"x": fakes.Fake(), "y": fakes.Broken()},
        **WEEKS,
        progress=lambda *args: told.append(args),
    )
    assert [(done, total) for done, total, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told[1][2] == "y at 2024-01-07"


def test_a_process_that_dies_after_its_work_costs_nothing(ledger, fakes, monkeypatch):
    def dying(tasks, models, ledger, plan, folder, workers):
        while tasks:
            task = tasks.pop()
            list(run_task(task, models[task.model], ledger, plan, folder))
            yield task, "Its process died."

    monkeypatch.setattr(sys.modules["forecast.backtest.run"], "in_processes", dying)
    bt = backtest(ledger, fakes.Fake(), **WEEKS, workers=2)
    assert set(bt.runs["status"]) == {"ok"}


def test_odd_requests_are_refused(ledger, fakes):
    for models in ({}, [], {ZERO: fakes.Fake()}, {"x": "no model"}, [fakes.Fake]):
        with pytest.raises(UsageError, match="models"):
            backtest(ledger, models, **WEEKS)
    with pytest.raises(UsageError, match=r"\{'btyd': fc\.MODELS\['btyd'\], 'zero': fc\.MODELS"):
        backtest(ledger, ["btyd", "zero"], **WEEKS)
    for populations in ([], ["existing", "existing"], ["old"]):
        with pytest.raises(UsageError, match="populations"):
            backtest(ledger, fakes.Fake(), **WEEKS, populations=populations)
    with pytest.raises(UsageError, match="draws"):
        backtest(ledger, fakes.Fake(), horizon="7D", origins=1, draws=1)
    with pytest.raises(TooLittleDataError, match="2 fit"):
        backtest(ledger, fakes.Fake(), horizon="7D", origins=3)
