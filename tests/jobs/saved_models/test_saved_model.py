"""A model on disk gives the same forecasts, holds no customer, and damage is named."""

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from forecast.datasets import simulate_shop
from forecast.errors import DataError, FileError, ForecastError, NotFittedError, UsageError
from forecast.forecaster import Forecast
from forecast.jobs.saved_models import model_file
from forecast.jobs.saved_models.model_parts import MODELS as KEPT
from forecast.jobs.saved_models.saved_model import load_model, read_model, save_model
from forecast.ledger import Ledger, read_ledger
from forecast.models import (
    BTYD,
    MODELS,
    ContractRetention,
    CustomerRegression,
    Ensemble,
    GradientBoosting,
    OwnRate,
    SeasonalSeries,
)

HORIZON = "8W"
SLOW = {"ensemble"}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in MODELS]
EVENTS = pd.DataFrame(
    {"sale": np.tile([0.0] * 9 + [1.0], 100)}, index=pd.date_range("2022-01-01", periods=1000)
)
OTHERS = {
    "auto": BTYD("auto", "drift", season="auto"),
    "events": BTYD(events=EVENTS),
    "season": BTYD(season=1),
    "regular": BTYD("mbgcnbd"),
    "pareto": BTYD("pareto_nbd"),
    "covariates": BTYD(covariates=("channel",)),
    "groups": BTYD("nbd", by="channel"),
    "lifetimes": BTYD("mbgnbd", engine="lifetimes"),
    "series_by": SeasonalSeries(events=EVENTS, by="channel", level="revenue"),
    "any_regressor": CustomerRegression(LinearRegression()),
    "small_ensemble": Ensemble({"own": OwnRate(), "trees": GradientBoosting(trees=4)}, None),
}


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    shop = simulate_shop(150, days=560, acquisition_days=450, seed=8, refunds=0.0).orders
    return shop[["customer_id", "date", "amount", "channel"]]


@pytest.fixture(scope="module")
def whole(orders: pd.DataFrame) -> Ledger:
    return read_ledger(orders, key=(), customer_columns=["channel"])


@pytest.fixture(scope="module")
def past(whole: Ledger) -> Ledger:
    return whole.cut(whole.cutoff - timedelta(days=40))


@pytest.fixture(scope="module")
def saved(past: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small model file, with arrays and trees beside it."""
    model = GradientBoosting(trees=2).fit(past)
    model.forecast(HORIZON, draws=0)
    return save_model(model, tmp_path_factory.mktemp("model"))


def asked(model: Any, seed: int = 3, draws: int = 30) -> Forecast:
    population = getattr(model, "populations", ("existing",))[0]
    return model.forecast(HORIZON, population=population, draws=draws, seed=seed)


def assert_equal(one: Forecast, other: Forecast) -> None:
    if one.customers is not None:
        pd.testing.assert_frame_equal(one.customers, other.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.periods, other.periods, check_exact=True)
    assert one.notes == other.notes
    if one.sampler is not None:
        one, other = one.totals(), other.totals()
        np.testing.assert_array_equal(one.purchases, other.purchases)
        if one.value is not None:
            np.testing.assert_array_equal(one.value, other.value)


def check_way_and_back(model: Any, past: Ledger, whole: Ledger, folder: Path) -> None:
    model.fit(past)
    before = asked(model)
    file = save_model(model, folder)
    again = load_model(file)
    with pytest.raises(NotFittedError):
        asked(again)
    assert_equal(before, asked(again.update(past)))
    assert_equal(asked(model.update(whole), seed=5), asked(load_model(file).update(whole), seed=5))
    content = b"".join(each.read_bytes() for each in folder.iterdir())
    for name in past.purchases()["customer_id"].unique()[:40]:
        assert str(name).encode() not in content


@pytest.mark.parametrize("name", NAMES)
def test_every_model_of_the_registry(
    name: str, past: Ledger, whole: Ledger, tmp_path: Path
) -> None:
    check_way_and_back(MODELS[name], past, whole, tmp_path)


@pytest.mark.parametrize("name", OTHERS)
def test_settings(name: str, past: Ledger, whole: Ledger, tmp_path: Path) -> None:
    check_way_and_back(OTHERS[name], past, whole, tmp_path)


def test_contracts(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = [
        (f"customer-{number:03d}", pd.Timestamp("2024-01-10") + pd.DateOffset(months=step), 10.0)
        for number in range(60)
        for step in range(min(20, 1 + int(rng.geometric(0.2))))
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    whole = read_ledger(table, key=(), cutoff="2025-05-31")
    for by in (None, "cohort"):
        model = ContractRetention("1M", by=by)
        check_way_and_back(model, whole.cut("2025-03-31"), whole, tmp_path / str(by))


def test_every_model_has_its_place() -> None:
    assert {type(model) for model in MODELS.values()} | {ContractRetention} == set(KEPT)


def test_the_file_says_what_it_is(saved: Path, past: Ledger, whole: Ledger) -> None:
    found = read_model(saved.parent)
    assert (found.name, found.cutoff, found.horizons) == (
        "GradientBoosting", past.cutoff, (HORIZON,),
    )  # fmt: skip
    assert found.stale(past, HORIZON) == (
        f"Not fitted anew: the model learned up to {past.cutoff}, on the cutoff.", False
    )  # fmt: skip
    said, too_old = found.stale(whole, HORIZON)
    assert "40 days before the cutoff" in said
    assert not too_old
    said, _ = found.stale(whole.cut(past.cutoff + timedelta(days=1)), HORIZON)
    assert ", 1 day before the cutoff" in said
    said, too_old = found.stale(whole, "2W")
    assert "more than the 14 days it forecasts. Fit it anew." in said
    assert too_old
    with pytest.raises(UsageError, match="has seen what it is asked"):
        found.stale(past.cut(past.cutoff - timedelta(days=3)), HORIZON)


def test_a_horizon_without_lessons_is_refused(saved: Path, past: Ledger) -> None:
    model = load_model(saved).update(past)
    with pytest.raises(UsageError, match="knows '8W'"):
        model.forecast("9W")


@pytest.mark.slow
def test_equal_models_have_equal_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, forecast as fc; from forecast.jobs.saved_models.saved_model import save_model;"
        "log = fc.simulate_shop(60, days=400, seed=1, refunds=0.0).orders;"
        "m = fc.GradientBoosting(trees=3).fit(fc.read_ledger(log, key=()));"
        "m.forecast('6W', draws=0); save_model(m, sys.argv[1])"
    )
    digests = []
    for number in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / number)],
            check=True, env={"PYTHONHASHSEED": number, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        files = sorted((tmp_path / number).iterdir())
        digests.append([(each.name, hashlib.sha256(each.read_bytes()).digest()) for each in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 3


class TestRefusedToSave:
    def test_a_model_of_ones_own(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is no model of this package"):
            save_model(object(), tmp_path)

    def test_a_member_of_ones_own(self, past: Ledger, tmp_path: Path) -> None:
        class Mine(OwnRate):
            pass

        model = Ensemble({"mine": Mine()}, None).fit(past)
        with pytest.raises(UsageError, match="Mine has no place in a model file"):
            save_model(model, tmp_path)

    def test_not_fitted(self, tmp_path: Path) -> None:
        with pytest.raises(NotFittedError):
            save_model(BTYD(), tmp_path)

    def test_an_estimator_that_would_not_be_read(self, past: Ledger, tmp_path: Path) -> None:
        model = CustomerRegression(RandomForestRegressor(2, random_state=0)).fit(past)
        model.forecast(HORIZON, draws=0)
        with pytest.raises(UsageError, match=r"_tree\.Tree.* is no type that a model file"):
            save_model(model, tmp_path)
        assert not list(tmp_path.iterdir())


def resigned(file: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change a model file and sign it again, as somebody who means it would."""
    facts = json.loads(file.read_text())
    facts.pop("sha256")
    change(facts)
    facts["sha256"] = model_file._digest(facts)
    file.write_text(json.dumps(facts))
    return file


@pytest.fixture(scope="module")
def pristine(past: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(BTYD().fit(past), tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def own(pristine: Path, tmp_path: Path) -> Path:
    """Return a copy of the file of one model, to be damaged."""
    for each in pristine.parent.iterdir():
        shutil.copy(each, tmp_path)
    return tmp_path / pristine.name


class TestDamage:
    @pytest.mark.parametrize("size", [0, 1, 100, -1])
    def test_cut_short(self, own: Path, size: int) -> None:
        own.write_bytes(own.read_bytes()[: size if size >= 0 else -3])
        with pytest.raises(DataError, match=r"empty|no model file of JSON"):
            load_model(own)

    def test_changed(self, own: Path) -> None:
        own.write_text(own.read_text().replace('"n_customers": 1', '"n_customers": 2'))
        with pytest.raises(DataError, match=r"not as it was written \(SHA-256\)"):
            load_model(own)

    def test_arrays_changed_or_missing(self, own: Path) -> None:
        beside = own.with_name("model.parquet")
        content = bytearray(beside.read_bytes())
        content[500] ^= 1
        beside.write_bytes(content)
        with pytest.raises(DataError, match=r"model\.parquet is not as it was written"):
            load_model(own)
        beside.unlink()
        with pytest.raises(FileError, match=r"model\.parquet cannot be read"):
            load_model(own)

    def test_another_version(self, own: Path) -> None:
        resigned(own, lambda facts: facts.update(format=2, versions={"ltv-forecast": "9.9"}))
        with pytest.raises(DataError, match=r"newer version \(format 2, ltv-forecast 9\.9\)"):
            load_model(own)
        resigned(own, lambda facts: facts.update(format=0))
        with pytest.raises(DataError, match="format '0' is unknown"):
            load_model(own)

    def test_another_class(self, own: Path) -> None:
        resigned(own, lambda facts: facts.update(model="SeasonalSeries"))
        with pytest.raises(DataError, match="holds a BTYD, not the model 'SeasonalSeries'"):
            load_model(own)
        resigned(own, lambda facts: facts["state"].update({"$part": "Popen"}))
        with pytest.raises(DataError, match="'Popen' is no part of a model"):
            load_model(own)

    @pytest.mark.parametrize("value", [-1.0, 0, {"$number": "nan"}, {"$number": "inf"}, "1", None])
    def test_parameters_that_are_none(self, own: Path, value: Any) -> None:
        def change(facts: dict[str, Any]) -> None:
            fit = facts["state"]["fields"]["fitted_"]["fields"]["purchase_fit"]["fields"]
            fit["process"]["fields"]["alpha"] = value

        with pytest.raises(DataError, match="alpha"):
            load_model(resigned(own, change))

    def test_a_key_that_is_there_twice(self, own: Path) -> None:
        own.write_text(own.read_text().replace('"format": 1,', '"format": 1, "format": 1,'))
        with pytest.raises(DataError, match="twice"):
            load_model(own)

    def test_numbers_that_json_does_not_know(self, own: Path) -> None:
        own.write_text(own.read_text().replace('"format": 1,', '"format": NaN,'))
        with pytest.raises(DataError, match="no number"):
            load_model(own)

    def test_a_pickle_is_not_run(self, own: Path, tmp_path: Path) -> None:
        class Bomb:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "boom",))

        for content in (pickle.dumps(Bomb()), pickle.dumps(Bomb(), protocol=0)):
            own.write_bytes(content)
            with pytest.raises(DataError, match="pickle"):
                load_model(own)
        own.with_name("model.parquet").write_bytes(pickle.dumps(Bomb()))
        assert not (tmp_path / "boom").exists()

    def test_a_file_elsewhere_is_not_read(self, own: Path) -> None:
        resigned(own, lambda facts: facts.update(files={"../other.parquet": "0"}))
        with pytest.raises(DataError, match="must lie beside it"):
            load_model(own)

    def test_a_file_too_large(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(model_file, "MOST_JSON", 100)
        with pytest.raises(DataError, match="larger than a model file can be"):
            load_model(own)

    def test_none_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="cannot be read"):
            load_model(tmp_path)
        (tmp_path / "model.json").write_text('{"kind": "another"}')
        with pytest.raises(DataError, match="no model file of ltv-forecast"):
            load_model(tmp_path)

    def test_trees_that_lead_nowhere(self, saved: Path, past: Ledger, tmp_path: Path) -> None:
        model = load_model(saved)
        lesson = model.lessons_.by_horizon[HORIZON]
        nodes = lesson.purchases.trees._predictors[0][0].nodes
        nodes["left"][0] = 0
        file = save_model(model, tmp_path)
        with pytest.raises(DataError, match=r"damaged \(a tree\)"):
            load_model(file)

    def test_types_that_are_not_allowed(self, saved: Path, tmp_path: Path) -> None:
        import skops.io

        for each in saved.parent.iterdir():
            (tmp_path / each.name).write_bytes(each.read_bytes())
        strange = tmp_path / "model.skops"
        strange.write_bytes(skops.io.dumps([subprocess.Popen]))
        digest = hashlib.sha256(strange.read_bytes()).hexdigest()
        file = resigned(
            tmp_path / "model.json", lambda facts: facts["files"].update({"model.skops": digest})
        )
        with pytest.raises(DataError, match=r"types that are not allowed: 'subprocess\.Popen'"):
            load_model(file)


def test_a_full_disk_leaves_the_old_model(
    own: Path, past: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {each.name: each.read_bytes() for each in own.parent.iterdir()}

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_file.os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        save_model(BTYD("nbd").fit(past), own)
    assert {each.name: each.read_bytes() for each in own.parent.iterdir()} == before


def test_the_wrong_log_is_named(own: Path, orders: pd.DataFrame) -> None:
    bare = read_ledger(orders.drop(columns=["amount"]), key=())
    with pytest.raises(ForecastError, match="fitted with amounts"):
        load_model(own).update(bare)
