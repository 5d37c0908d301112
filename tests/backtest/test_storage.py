import json
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from forecast.backtest import Backtest, backtest
from forecast.errors import FileError, LockedError, TooLittleDataError

WEEKS = {"horizon": "7D", "origins": 2, "draws": 20, "populations": ["existing", "new", "all"]}


class TalkerError(TooLittleDataError):
    """An error whose message tries the patience of a CSV file."""


@pytest.fixture(scope="module")
def bt(ledger, fakes) -> Backtest:
    class Talkative(fakes.Fake):
        def fit(self, ledger):
            raise TalkerError('NA, "quoted",\n\tnull; 0.1 é')

    models = {
        "Ünïcode / slash..": fakes.Fake(),
        "unicode slash": fakes.Oracle(whole=ledger),
        "late": fakes.Late(since=date(2024, 1, 14)),
        "series": fakes.Fake(populations=("all",)),
        "NA": Talkative(),
    }
    return backtest(ledger, models, **WEEKS)


def test_round_trip(bt, tmp_path):
    folder = bt.save(tmp_path / "new" / "deep")
    again = Backtest.load(folder)
    assert again == bt
    tables = ("frame", "periods", "totals", "runs", "cohorts", "parameters", "period_actuals")
    for name in tables:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(bt, name), check_exact=True)
    pd.testing.assert_frame_equal(again.leaderboard(), bt.leaderboard(), check_exact=True)
    assert again.settings == bt.settings
    assert again.origins == bt.origins
    assert set(again.runs.loc[again.runs["model"] == "NA", "error"]) == {
        'NA, "quoted", null; 0.1 é'
    }


def test_backtests_that_differ_are_not_equal(bt, ledger, fakes):
    assert bt != backtest(ledger, fakes.Fake(), **WEEKS)
    assert bt != "a backtest"


def test_the_currency_is_kept_and_no_number_knows_of_it(ledger, fakes, tmp_path):
    plain, named = (
        backtest(each, fakes.Fake(), **WEEKS) for each in (ledger, replace(ledger, currency="€"))
    )
    assert (plain.currency, named.currency) == (None, "€")
    assert {**plain.settings, "currency": "€"} == named.settings
    pd.testing.assert_frame_equal(named.frame, plain.frame, check_exact=True)
    again = Backtest.load(named.save(tmp_path / "named"))
    assert (again.currency, again.select().currency) == ("€", "€")


def test_layout(bt, tmp_path):
    bt.save(tmp_path)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    tables = ["cohorts", "parameters", "period_actuals", "periods", "totals"]
    assert [name for name in names if "/" not in name and "=" not in name] == sorted(
        [*(f"{name}.parquet" for name in tables), "meta.json", "runs.csv"]
    )
    window = "origin=2024-01-07/horizon=7D/population=existing/"
    assert [name.removeprefix(window) for name in names if name.startswith(window)] == [
        "04-unicode-slash.parquet",
        "05-n-code-slash.parquet",
        "actuals.parquet",
    ]
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert (meta["horizons"], meta["settings"]["seed"]) == (["7D"], 0)


def test_explicit_origins_and_no_success_round_trip(ledger, fakes, tmp_path):
    bt = backtest(ledger, fakes.Broken(), horizon="7D", origins=["2024-01-10"], draws=0)
    assert bt.step is None
    assert Backtest.load(bt.save(tmp_path)) == bt


def test_a_folder_with_anything_in_it_is_left_alone(bt, tmp_path):
    (tmp_path / "thesis.txt").write_text("the only copy")
    with pytest.raises(LockedError, match=r"thesis\.txt"):
        bt.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(FileError, match="cannot be written"):
        bt.save(tmp_path / "thesis.txt" / "below")


def test_incomplete_folders_are_refused(bt, tmp_path):
    with pytest.raises(FileError, match="no complete saved backtest"):
        Backtest.load(tmp_path / "nowhere")
    folder = bt.save(tmp_path / "a")
    next(folder.rglob("04-*.parquet")).unlink()
    with pytest.raises(FileError, match="no complete"):
        Backtest.load(folder)
    folder = bt.save(tmp_path / "b")
    (folder / "totals.parquet").write_bytes(b"junk")
    with pytest.raises(FileError, match="no complete"):
        Backtest.load(folder)
    folder = bt.save(tmp_path / "d")
    (folder / "runs.csv").unlink()
    with pytest.raises(FileError, match="not complete"):
        Backtest.load(folder)
    folder = bt.save(tmp_path / "c")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"format": 99}))
    with pytest.raises(FileError, match="format 99"):
        Backtest.load(folder)
