import subprocess
import sys

import pytest

from forecast.backtest import backtest
from forecast.backtest.holding import held
from forecast.errors import LockedError


def test_a_folder_is_held_by_one_run_and_free_after_it(tmp_path):
    with (
        held(tmp_path),
        pytest.raises(LockedError, match="Another backtest is running"),
        held(tmp_path),
    ):
        pass
    with held(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_process_that_dies_lets_go(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from forecast.backtest.holding import held\n"
        "with held(Path(sys.argv[1])): os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == 9
    with held(tmp_path):
        pass


def test_a_second_backtest_in_the_same_folder_is_refused(ledger, fakes, tmp_path):
    refused = []

    def again(*_):
        with pytest.raises(LockedError, match="Another backtest is running"):
            backtest(ledger, fakes.Fake(), horizon="7D", origins=2, folder=tmp_path / "bt")
        refused.append(True)

    backtest(ledger, fakes.Fake(), horizon="7D", origins=2, folder=tmp_path / "bt", progress=again)
    assert refused == [True, True]
    backtest(ledger, fakes.Fake(), horizon="7D", origins=2, folder=tmp_path / "bt")
