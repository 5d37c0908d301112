"""Checks of models and backtests, and the names that tie consequences to causes."""

import dataclasses
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import backtest
from forecast.backtest.checks import Check, check, checks
from forecast.backtest.checks.change import drift
from forecast.backtest.checks.check import (
    CONTRACTUAL,
    DRIFT,
    FAR,
    INTERVALS,
    LEAK,
    LIMIT,
    MAY_FOLLOW_FROM,
    SEASON,
    WORSE,
    tail,
)
from forecast.backtest.checks.failings import intervals_miss, worse_than_naive
from forecast.backtest.checks.leak import leak_suspected
from forecast.backtest.checks.reach import far_extrapolation, limit_model
from forecast.backtest.checks.totals import TotalErrors
from forecast.backtest.checks.track_record import Effect, TrackRecord, track_records
from forecast.datasets import Season, simulate_shop
from forecast.errors import UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models import BTYD, MODELS

PLAIN = {"season": None, "channels": (), "refunds": 0.0}
IDS = {getattr(check, name) for name in check.__all__ if isinstance(getattr(check, name), str)}


def shop(customers=1000, days=455, seed=1, **settings) -> Ledger:
    orders = simulate_shop(customers, days=days, seed=seed, **(PLAIN | settings)).orders
    return read_ledger(orders, key=())


def record(model="m", **given) -> TrackRecord:
    empty = {"noise": {}, "foresight": None, "against": {}, "covered": {}, "pit": {}}
    return TrackRecord(model=model, horizon="13W", customers=500, **(empty | given))


def total(bias, z, model="m") -> TotalErrors:
    years = np.arange(len(z)) / 4
    return TotalErrors(model, "13W", "purchases", years, np.array(z), np.array(bias))


@dataclasses.dataclass
class Peeking:
    """Mixes what will happen into an honest forecast."""

    whole: Ledger
    share: float
    inner: BTYD

    def fit(self, ledger):
        self.inner = self.inner.fit(ledger)
        return self

    def forecast(self, horizon, **options):
        honest = self.inner.forecast(horizon, **options)
        actual = self.whole.actuals(honest.cutoff, horizon, "existing")
        customers = honest.customers.copy()
        for target in ("purchases", "value"):
            mixed = (1 - self.share) * customers[f"expected_{target}"]
            customers[f"expected_{target}"] = mixed + self.share * actual[target]
        return dataclasses.replace(honest, customers=customers)


SHORT = {"horizon": "8W", "origins": 2, "populations": ("existing",)}


@pytest.fixture(scope="module")
def sound() -> Ledger:
    return shop()


@pytest.fixture(scope="module")
def tried(sound):
    models = {"bgnbd": BTYD(), "own_rate": MODELS["own_rate"]}
    bt = backtest(sound, models, draws=60, **SHORT)
    assert (bt.runs["status"] == "ok").all()
    return bt


def test_ids_are_stable_and_causes_exist() -> None:
    assert len(IDS) == 13
    assert all(re.fullmatch(r"[DLM][1-9](-[a-z]+)+", each) for each in IDS)
    assert set(MAY_FOLLOW_FROM) <= IDS
    assert all(set(causes) <= IDS - {each} for each, causes in MAY_FOLLOW_FROM.items())


def test_tail_of_the_normal() -> None:
    assert tail(0) == 0.5
    assert tail(1.6448536269514722) == pytest.approx(0.05)


def test_a_sound_base_is_not_accused(sound, tried) -> None:
    assert checks(sound, backtest=tried) == ()
    assert checks(backtest=tried) == ()
    assert checks(sound, BTYD().fit(sound).forecast("26W", draws=0), tried) == ()
    assert checks() == ()
    with pytest.raises(UsageError, match="a Backtest was given as ledger"):
        checks(tried)


def test_records_by_hand(ledger, fakes) -> None:
    bt = backtest(ledger, {"one": fakes.Fake()}, horizon="7D", origins=2, draws=50,
                  populations=("existing",))  # fmt: skip
    (found,) = track_records(bt, None)
    # a, b, c, then a, b, c, d: actual 2, 1, 0 and 1, 0, 0, 0 against 1 each
    assert found.customers == 4
    ratio, _ = found.against["zero", "purchases"]
    assert ratio == pytest.approx(np.sqrt((1 + 0 + 1 + 0 + 1 + 1 + 1) / (4 + 1 + 1)))
    # least: n (1 - n / 7)
    least = 2 * (1 - 2 / 7) + 1 * (1 - 1 / 7) + 1 * (1 - 1 / 7)
    assert found.noise["purchases"].size == pytest.approx(5 / least)
    assert ("own", "purchases") not in found.against
    assert found.foresight is None


def test_own_rate_from_the_log_is_the_model_of_that_name(sound, tried) -> None:
    from forecast.backtest.checks.histories import Histories

    alone = backtest(sound, {"bgnbd": BTYD()}, draws=0, **SHORT)
    (made,) = track_records(alone, Histories.of(sound))
    given = next(each for each in track_records(tried, None) if each.model == "bgnbd")
    for target in ("purchases", "value"):
        assert made.against["own", target] == pytest.approx(given.against["own", target])


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_a_share_of_the_truth_is_a_leak(sound, share) -> None:
    bt = backtest(sound, {"peeking": Peeking(sound, share, BTYD())}, draws=0, **SHORT)
    found = [each for each in checks(sound, backtest=bt) if each.id == LEAK]
    assert len(found) == 1
    assert found[0].severity == "error"
    assert "peeking" in found[0].sentence
    assert found[0].evidence["peeking over 8W, foresight"]["correlation"] > 0.9


def test_without_the_log_half_the_truth_is_a_leak(sound) -> None:
    bt = backtest(sound, {"peeking": Peeking(sound, 0.5, BTYD())}, draws=0, **SHORT)
    (found,) = [each for each in checks(backtest=bt) if each.id == LEAK]
    assert found.evidence["peeking over 8W, purchases"]["ratio"] < 0.7


def test_honest_models_have_no_foresight(sound) -> None:
    from forecast.backtest.checks.histories import Histories

    names = ("bgnbd", "customer_regression", "own_rate")
    bt = backtest(sound, {name: MODELS[name] for name in names}, draws=0, **SHORT)
    for found in track_records(bt, Histories.of(sound)):
        assert found.foresight is not None
        assert abs(found.foresight.size) < 0.2
        assert found.noise["purchases"].size > 1


def test_leak_has_floors() -> None:
    assert leak_suspected([record(noise={"value": Effect(0.95, 1e-9)})], {}) is None
    assert leak_suspected([record(noise={"value": Effect(0.5, 0.01)})], {}) is None
    assert leak_suspected([record(foresight=Effect(0.3, 1e-9))], {}) is None
    assert leak_suspected([record(foresight=Effect(0.5, 1e-9))], {}) is not None


def test_a_constant_is_worse_than_nothing(sound, fakes) -> None:
    bt = backtest(sound, {"silly": fakes.Fake(purchases=3.0), "bgnbd": BTYD()}, draws=0, **SHORT)
    (found,) = [each for each in checks(sound, backtest=bt) if each.id == WORSE]
    assert "silly over 8W misses purchases" in found.sentence
    assert "bgnbd" not in found.sentence


def test_naive_models_are_not_accused_of_being_naive() -> None:
    bad = {("zero", "value"): Effect(1.5, 1e-9)}
    assert worse_than_naive([record("own_rate", against=bad)]) is None
    assert worse_than_naive([record("OwnRate", against=bad)]) is None
    assert worse_than_naive([record("mine", against=bad)]).id == WORSE
    assert worse_than_naive([record(against={("own", "value"): Effect(1.01, 1e-9)})]) is None


def test_intervals_by_three_signs() -> None:
    assert intervals_miss([record(covered={"value": Effect(0.8, 1e-9)})], []).id == INTERVALS
    assert intervals_miss([record(covered={"value": Effect(0.88, 1e-9)})], []) is None
    assert intervals_miss([record(pit={"value": Effect(0.1, 1e-9)})], []).id == INTERVALS
    assert intervals_miss([record(pit={"value": Effect(0.05, 1e-9)})], []) is None
    assert intervals_miss([], [total([0.2, 0.3], [4.0, 5.0])]).id == INTERVALS
    assert intervals_miss([], [total([0.02, 0.03], [4.0, 5.0])]) is None
    assert intervals_miss([], [total([0.2, -0.3], [4.0, -5.0])]) is None


def test_narrow_bounds_are_accused(sound, tried) -> None:
    forecasts = {key: tried.forecasts[key].copy() for key in tried.forecasts}
    for table in forecasts.values():
        for target in ("purchases", "value"):
            middle = table[f"expected_{target}"]
            table[f"{target}_lo_90"] = 0.9 * middle
            table[f"{target}_hi_90"] = 1.1 * middle
    narrow = dataclasses.replace(tried, forecasts=forecasts)
    (found,) = checks(sound, backtest=narrow)
    assert found.id == INTERVALS
    assert "bgnbd over 8W holds purchases of" in found.sentence


def test_bias_that_moves_is_drift() -> None:
    moving = total([-0.3, -0.1, 0.1, 0.3], [-6.0, -2.0, 2.0, 6.0])
    found = drift(None, [moving], None)
    assert found is not None
    assert found.id == DRIFT
    assert "-30% to +30%" in found.sentence
    still = total([0.3, 0.3, 0.3, 0.3], [6.0, 6.0, 6.0, 6.0])
    assert drift(None, [still], None) is None
    assert drift(None, [total([-0.3, 0.0, 0.3], [-6.0, 0.0, 6.0])], None) is None


def test_a_season_is_accused_until_it_is_modelled() -> None:
    wavy = shop(1500, days=728, season=Season())
    (alone,) = checks(wavy)
    assert alone.id == SEASON
    plain = backtest(wavy, {"plain": BTYD()}, horizon="13W", origins=3, draws=20,
                     populations=("existing",))  # fmt: skip
    found = {each.id: each for each in checks(wavy, backtest=plain)}
    assert "plain" in found[SEASON].sentence
    assert all(SEASON in each.causes for name, each in found.items() if name != SEASON)
    seasonal = backtest(wavy, {"seasonal": BTYD(season=2)}, horizon="13W", origins=3,
                        draws=0, populations=("existing",))  # fmt: skip
    assert SEASON not in [each.id for each in checks(wavy, backtest=seasonal)]


def test_a_limit_model_is_named() -> None:
    nobody_leaves = shop(1500, a=0.0, seed=4)
    model = BTYD().fit(nobody_leaves)
    forecast = model.forecast("8W", draws=0)
    assert model.purchases_.status == "limit"
    found = limit_model(forecast, None)
    assert found is not None
    assert found.id == LIMIT
    assert model.purchases_.limit in found.sentence
    bt = backtest(nobody_leaves, {"mine": BTYD()}, draws=0, **SHORT)
    assert limit_model(None, bt).evidence == {"mine": model.purchases_.limit}


def test_far_extrapolation_counts_days(sound, tried) -> None:
    model = BTYD().fit(sound)
    far = far_extrapolation(model.forecast("104W", draws=0), sound, tried)
    assert far is not None
    assert far.id == FAR
    assert far.evidence == {"horizon_days": 728, "history_days": 455, "tested_days": 56}
    assert far_extrapolation(model.forecast("26W", draws=0), sound, tried) is None
    assert far_extrapolation(None, sound, tried) is None


def test_consequences_name_their_causes_and_stand_behind_them() -> None:
    rows = [
        (f"c{number:03d}", date(2022, 1, 1) + pd.Timedelta(days=number % 300 + 30 * month), 20.0)
        for number in range(400)
        for month in range(2 + number * 7 % 11)
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    ledger = read_ledger(table[table["date"] < date(2023, 4, 1)], key=())
    bt = backtest(ledger, {"bgnbd": BTYD()}, draws=60, **SHORT)
    found = checks(ledger, backtest=bt)
    assert CONTRACTUAL in [each.id for each in found]
    ids = {each.id for each in found}
    assert all(set(each.causes) <= ids for each in found)
    behind = [bool(each.causes) for each in found]
    assert behind == sorted(behind)
    assert {each.id for each in found if not each.causes} == {CONTRACTUAL}


def test_every_check_says_what_and_what_to_do(sound) -> None:
    bt = backtest(sound, {"peeking": Peeking(sound, 0.5, BTYD())}, draws=0, **SHORT)
    for each in checks(sound, backtest=bt):
        assert isinstance(each, Check)
        assert re.search(r"\d", each.sentence)
        assert each.sentence.endswith(".")
        assert each.remedy.endswith(".")
        assert each.evidence
        with pytest.raises(dataclasses.FrozenInstanceError):
            each.id = "other"  # type: ignore[misc]
