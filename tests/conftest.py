"""What is dear is made once, and what is long begins first."""

from collections.abc import Callable
from copy import copy
from typing import Any

import pandas as pd
import pytest

from forecast.ledger import Ledger, read_ledger


@pytest.fixture(scope="session")
def reader() -> Callable[..., Ledger]:
    """Return ``read_ledger`` for tables, with a memory of their rows in order and the options.

    Every call gets a ledger of its own, so a model that changes one harms no other.
    """
    known: dict[Any, Ledger] = {}

    def read(log: pd.DataFrame, **options: Any) -> Ledger:
        rows = pd.util.hash_pandas_object(log, index=False).to_numpy().tobytes()
        key = (rows, tuple(log.columns), tuple(map(str, log.dtypes)), tuple(options.items()))
        if key not in known:
            known[key] = read_ledger(log, **options)
        return copy(known[key])

    return read


@pytest.fixture
def read_once(reader: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``check_forecaster`` read by memory: reading has tests of its own."""
    monkeypatch.setattr("forecast.testing.read_ledger", reader)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no worker wait at the end for a test of minutes."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the files of Spark together where files are shared out, so that one Java is started."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneJava(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = "tests/spark"
            return folder if nodeid.startswith(f"{folder}/") else super()._split_scope(nodeid)

    return OneJava(config, log)
