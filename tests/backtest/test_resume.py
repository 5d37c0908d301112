import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forecast.backtest import Backtest, backtest
from forecast.errors import FileError, LockedError

WEEKS = {"horizon": "7D", "origins": 2, "draws": 20}


@pytest.fixture
def models(fakes, tmp_path):
    """Models that write down each fit; the second stops once, where a file says so."""

    class Noted(fakes.Fake):
        def fit(self, ledger):
            with (tmp_path / "fits.txt").open("a") as file:
                file.write(f"{type(self).__name__} {ledger.cutoff}\n")
            return super().fit(ledger)

    class Stopped(Noted):
        def fit(self, ledger):
            if (tmp_path / "stop").exists() and ledger.cutoff > date(2024, 1, 7):
                raise KeyboardInterrupt
            return super().fit(ledger)

    return {"a": Noted(), "b": Stopped(), "c": fakes.Broken()}


def interrupted(ledger, models, folder: Path, stop: Path, **more) -> None:
    stop.touch()
    with pytest.raises(KeyboardInterrupt):
        backtest(ledger, models, **WEEKS, folder=folder, **more)
    stop.unlink()


def test_goes_on_where_it_stopped(ledger, models, tmp_path):
    folder, fits = tmp_path / "bt", tmp_path / "fits.txt"
    interrupted(ledger, models, folder, tmp_path / "stop")
    with pytest.raises(FileError, match="not complete"):
        Backtest.load(folder)
    assert fits.read_text().splitlines() == [
        "Noted 2024-01-07", "Stopped 2024-01-07", "Noted 2024-01-14",
    ]  # fmt: skip
    told = []
    found = backtest(
        ledger, models, **WEEKS, folder=folder, progress=lambda *args: told.append(args)
    )
    assert fits.read_text().splitlines()[3:] == ["Stopped 2024-01-14"]
    assert [done for done, _, _ in told] == [5, 6]  # failures are finished too
    whole = backtest(ledger, models, **WEEKS)
    pd.testing.assert_frame_equal(found.frame, whole.frame, check_exact=True)
    pd.testing.assert_frame_equal(found.totals, whole.totals, check_exact=True)
    assert Backtest.load(folder) == found
    before = len(fits.read_text().splitlines())
    assert backtest(ledger, models, **WEEKS, folder=folder) == found  # complete: nothing runs
    assert len(fits.read_text().splitlines()) == before
    assert not [path for path in folder.rglob("*") if "trials" in path.name or ".part" in path.name]


def test_partial_files_never_count(ledger, models, tmp_path):
    folder = tmp_path / "bt"
    interrupted(ledger, models, folder, tmp_path / "stop")
    place = folder / "origin=2024-01-14" / "horizon=7D" / "population=existing"
    (place / "02-b.parquet.99.part").write_bytes(b"PAR1 half a file")
    (folder / "trials" / "2024-01-14" / "02-b.json.99.part").write_text('{"fitted": tr')
    found = backtest(ledger, models, **WEEKS, folder=folder)
    whole = backtest(ledger, models, **WEEKS)
    pd.testing.assert_frame_equal(found.frame, whole.frame, check_exact=True)
    assert not list(folder.rglob("*.part"))


def test_another_question_is_refused_by_name(ledger, models, fakes, tmp_path):
    folder = tmp_path / "bt"
    interrupted(ledger, models, folder, tmp_path / "stop")
    for more, named in (
        ({"seed": 7}, r"seed \(0 there, 7 now\)"),
        ({"burn_in": "1D"}, "burn_in"),
        ({"step": "5D"}, "step"),
        ({"populations": ["existing"]}, "populations"),
    ):
        with pytest.raises(LockedError, match=f"asked otherwise: .*{named}"):
            backtest(ledger, models, **(WEEKS | more), folder=folder)
    with pytest.raises(LockedError, match="model c"):
        backtest(ledger, models | {"c": fakes.Broken(purchases=2.0)}, **WEEKS, folder=folder)
    rows = [("a", "2024-01-01", 10.0), ("b", "2024-01-02", 9.0)]
    other = fakes.ledger([*rows, ("a", "2024-01-20", 1.0)], "2024-01-21")
    with pytest.raises(LockedError, match="ledger_hash"):
        backtest(other, models, **WEEKS, folder=folder)


def test_another_folder_is_left_alone(ledger, fakes, tmp_path):
    (tmp_path / "thesis.txt").write_text("the only copy")
    with pytest.raises(LockedError, match=r"thesis\.txt"):
        backtest(ledger, fakes.Fake(), **WEEKS, folder=tmp_path)
    with pytest.raises(FileError, match="cannot be written"):
        backtest(ledger, fakes.Fake(), **WEEKS, folder=tmp_path / "thesis.txt" / "below")
    (tmp_path / "thesis.txt").unlink()
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(FileError, match="damaged"):
        backtest(ledger, fakes.Fake(), **WEEKS, folder=tmp_path)


def test_results_stay_on_disk_until_asked_for(ledger, fakes, tmp_path):
    bt = backtest(ledger, fakes.Fake(), **WEEKS, folder=tmp_path / "bt")
    key = (date(2024, 1, 7), "7D", "Fake", "existing")
    path = next((tmp_path / "bt" / "origin=2024-01-07").rglob("01-fake.parquet"))
    pd.testing.assert_frame_equal(bt.forecasts[key], pd.read_parquet(path))
    with pytest.raises(TypeError, match="parts"):
        bt.forecasts.get(key[:3])
    copy = bt.forecasts[key]
    copy["expected_purchases"] = -1.0  # what is kept cannot be spoiled
    assert (bt.forecasts[key]["expected_purchases"] == 1.0).all()
    meta = json.loads((tmp_path / "bt" / "meta.json").read_text())
    assert meta["settings"]["model_settings"]["Fake"].startswith("Fake(purchases=1.0")


def test_a_temporary_folder_goes_with_the_result(ledger, fakes):
    bt = backtest(ledger, fakes.Fake(), **WEEKS)
    part = bt.select(origins="all")
    root = bt.forecasts._owner.path
    del bt
    assert root.is_dir()
    assert len(part.frame) == 7
    del part
    assert not root.exists()
