"""Where everything of a backtest is on disk.

::

    meta.json                                     what was asked
    origin=2024-01-07/customers.parquet           who was known
    origin=2024-01-07/horizon=13W/population=existing/actuals.parquet
    origin=2024-01-07/horizon=13W/population=existing/01-btyd.parquet
    trials/2024-01-07/01-btyd.json                while it runs: what became of a model
    runs.csv and the other tables, as Parquet     when it is complete; runs.csv is written last
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.backtest.stored_tables import write_text
from forecast.calendar import Horizon

__all__ = ["Folder", "rows"]


class Folder:
    """The paths in the folder of a backtest, and the records of its trials.

    Parameters
    ----------
    root : Path
        The folder.
    models : tuple of str
        Names; their order numbers the files.
    """

    def __init__(self, root: Path, models: tuple[str, ...]) -> None:
        self.root = root
        self._names = {
            model: f"{number:02d}-{_plain(model)}" for number, model in enumerate(models, start=1)
        }

    @property
    def meta(self) -> Path:
        """What was asked."""
        return self.root / "meta.json"

    @property
    def runs(self) -> Path:
        """The table that is written last."""
        return self.root / "runs.csv"

    def table(self, name: str) -> Path:
        """Name the file of one of the tables of the complete backtest."""
        return self.root / f"{name}.parquet"

    def customers(self, origin: date) -> Path:
        """Name the file of who was known at an origin."""
        return self.root / f"origin={origin}" / "customers.parquet"

    def actuals(self, origin: date, horizon: Horizon | str, population: str) -> Path:
        """Name the file of what happened after an origin."""
        return self._window(origin, horizon, population) / "actuals.parquet"

    def forecasts(self, origin: date, horizon: Horizon | str, model: str, population: str) -> Path:
        """Name the file of what a model forecast by customer."""
        return self._window(origin, horizon, population) / f"{self._names[model]}.parquet"

    def _window(self, origin: date, horizon: Horizon | str, population: str) -> Path:
        place = self.root / f"origin={origin}" / f"horizon={horizon}"
        return place / f"population={population}"

    @property
    def trials(self) -> Path:
        """Records of what is finished, while the rest is not."""
        return self.root / "trials"

    def record(self, origin: date, model: str | None = None) -> Path:
        """Name the record of a model at an origin, or of what happened after it."""
        name = "actuals" if model is None else self._names[model]
        return self.trials / str(origin) / f"{name}.json"

    def finished(self, origin: date, model: str | None = None) -> bool:
        """Whether there is such a record."""
        return self.record(origin, model).is_file()

    def write(self, record: Mapping[str, Any], origin: date, model: str | None = None) -> None:
        """Write a record, which says that everything it tells of is on disk."""
        text = json.dumps(record, default=str, ensure_ascii=False)
        write_text(text + "\n", self.record(origin, model))

    def read(self, origin: date, model: str | None = None) -> dict[str, Any]:
        """Read a record."""
        found: dict[str, Any] = json.loads(self.record(origin, model).read_text(encoding="utf-8"))
        return found


def rows(table: pd.DataFrame | None) -> list[dict[Any, Any]]:
    """Return a table as rows that JSON can hold."""
    return [] if table is None else table.to_dict("records")


def _plain(model: str) -> str:
    """Return a name as a safe part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:60]
