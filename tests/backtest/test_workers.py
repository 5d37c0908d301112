import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from forecast.backtest import backtest
from forecast.datasets import load_cdnow
from forecast.ledger import read_ledger
from forecast.models import OwnRate

PLAIN = {"horizon": "13W", "origins": 2, "draws": 20, "populations": ["existing"]}
TIMES = ["fit_seconds", "forecast_seconds"]


def test_workers_change_nothing_and_a_death_costs_one_trial():
    # defined here, so that they travel by value to processes that know no tests
    class Killed(OwnRate):
        def fit(self, ledger):
            if str(ledger.cutoff) > "1998-01-01":
                os.kill(os.getpid(), signal.SIGKILL)
            return super().fit(ledger)

    class Hungry(OwnRate):
        def fit(self, ledger):
            raise MemoryError("40 GB")

    class Locked(OwnRate):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    ledger = read_ledger(load_cdnow(sample=True), key=())
    sound = {"a": OwnRate(), "b": OwnRate()}
    told = []
    shared = backtest(
        ledger,
        sound | {"hungry": Hungry(), "killed": Killed(), "locked": Locked()},
        **PLAIN,
        workers=2,
        progress=lambda *args: told.append(args[:2]),
    )
    assert told == [(done, 10) for done in range(1, 11)]
    runs = shared.runs.set_index(["model", "cutoff"])
    assert runs.loc["killed", "status"].tolist() == ["ok", "failed"]
    assert runs.loc["killed", "error"].iloc[1] == (
        "Its process died (SIGKILL(-9)); it may have run out of memory."
    )
    assert set(runs.loc["hungry", "error"]) == {"MemoryError: 40 GB"}
    assert runs.loc["locked", "error"].str.startswith("It cannot be sent to another process").all()
    alone = backtest(ledger, sound, **PLAIN)
    for name in ("frame", "periods", "totals", "cohorts"):
        mine, other = getattr(alone, name), getattr(shared, name)
        kept = other[other["model"].isin(sound)].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, kept, check_exact=True)


SLEEPER = """
import time
import forecast as fc

class Slow(fc.OwnRate):
    def fit(self, ledger):
        time.sleep(60)

ledger = fc.read_ledger(fc.load_cdnow(sample=True), key=())
models = {"a": fc.OwnRate(), "slow": Slow(), "slower": Slow()}
fc.backtest(
    ledger, models, horizon="13W", origins=1, draws=0, workers=2, folder="bt",
    progress=lambda *_: print("one", flush=True),
)
"""


def living(group: int) -> list[str]:
    """Command lines of a group's processes that have not ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its = (place / "stat").read_text().rsplit(")", 1)[1].split()[:3]
            line = (place / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        if its == str(group) and state != "Z":
            found.append(line)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_ctrl_c_leaves_a_folder_to_go_on_with_and_no_process(tmp_path: Path):
    going = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], cwd=tmp_path, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert going.stdout is not None
    assert going.stdout.readline() == "one\n"
    assert len(living(going.pid)) > 2
    os.killpg(going.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = going.communicate(timeout=30)
    assert said.rstrip().endswith("KeyboardInterrupt")
    time.sleep(0.5)
    assert not living(going.pid)
    assert len(list(tmp_path.glob("bt/trials/*/01-a.json"))) == 1
    assert not (tmp_path / "bt" / "runs.csv").exists()
