"""A backtest on disk: what was asked as JSON, tables as Parquet and CSV, no pickle."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecast.backtest.book import TABLES
from forecast.backtest.folder import Folder
from forecast.backtest.plan import Plan
from forecast.backtest.stored_tables import StoredTables, write_table, write_text
from forecast.calendar import Horizon
from forecast.errors import FileError, LockedError, listed

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["check_empty", "described", "load", "save", "write_tables"]

_FORMAT = 2


def described(asked: "Plan | Backtest") -> dict[str, Any]:
    """Return what was asked as JSON can hold it: the content of ``meta.json``."""
    return {
        "format": _FORMAT,
        "horizons": [str(each) for each in asked.horizons],
        "gap": asked.gap and str(asked.gap),
        "step": asked.step and str(asked.step),
        "origins": [str(day) for day in asked.origins],
        "untouched": [str(day) for day in asked.untouched],
        "models": list(asked.models),
        "populations": list(asked.populations),
        "has_value": asked.has_value,
        "settings": dict(asked.settings),
    }


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds anything."""
    found = sorted(path.name for path in folder.iterdir())
    if found:
        raise LockedError(f"{folder} is not empty: it holds {listed(found)}. Choose a new folder.")


def save(bt: "Backtest", root: Path) -> Path:
    """Write ``bt`` into ``root``; see :meth:`Backtest.save`."""
    folder = Folder(root, bt.models)
    try:
        root.mkdir(parents=True, exist_ok=True)
        check_empty(root)
        write_text(json.dumps(described(bt), indent=2, ensure_ascii=False) + "\n", folder.meta)
        for origin, table in bt.customers.items():
            write_table(table, folder.customers(origin))
        for key, table in bt.actuals.items():
            write_table(table, folder.actuals(*key))
        for key, table in bt.forecasts.items():
            write_table(table, folder.forecasts(*key))
        write_tables({name: getattr(bt, name) for name in TABLES}, folder)
    except OSError as error:
        raise FileError(f"The backtest cannot be written to {root}: {error}.") from error
    return root


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Folder) -> None:
    """Write the tables; ``runs.csv`` last, since it says that the backtest is complete."""
    for name, table in tables.items():
        if name != "runs":
            write_table(table, folder.table(name))
    write_text(tables["runs"].to_csv(index=False, lineterminator="\n"), folder.runs)


def load(root: Path, owner: object = None) -> dict[str, Any]:
    """Read the fields of a backtest from ``root``; see :meth:`Backtest.load`."""
    try:
        meta = json.loads((root / "meta.json").read_text(encoding="utf-8"))
        if meta["format"] != _FORMAT:
            raise FileError(
                f"{root} holds a backtest of format {meta['format']}; this version reads "
                f"{_FORMAT}. Run the backtest again."
            )
        origins, models = _days(meta["origins"]), tuple(meta["models"])
        folder = Folder(root, models)
        if not folder.runs.is_file():
            raise FileError(
                f"{root} holds a backtest that is not complete. Run it again with this folder to "
                "go on."
            )
        tables = {name: pd.read_parquet(folder.table(name)) for name in TABLES if name != "runs"}
        runs = _read_runs(folder.runs)
        windows = [
            (day, horizon, population)
            for day in origins
            for horizon in meta["horizons"]
            for population in meta["populations"]
        ]
        held = runs[runs["customers"] > 0]
        keys = zip(
            held["cutoff"].dt.date, held["horizon"], held["model"], held["population"], strict=True
        )
        return {
            "horizons": tuple(Horizon.parse(text) for text in meta["horizons"]),
            "gap": meta["gap"] and Horizon.parse(meta["gap"], "gap"),
            "step": meta["step"] and Horizon.parse(meta["step"], "step"),
            "origins": origins,
            "untouched": _days(meta["untouched"]),
            "models": models,
            "populations": tuple(meta["populations"]),
            "has_value": meta["has_value"],
            "settings": meta["settings"],
            "runs": runs,
            "customers": _stored({day: folder.customers(day) for day in origins}, owner),
            "actuals": _stored({key: folder.actuals(*key) for key in windows}, owner),
            "forecasts": _stored({key: folder.forecasts(*key) for key in keys}, owner),
            **tables,
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(
            f"{root} is no complete saved backtest ({type(error).__name__}: {error}). "
            "Give a folder that Backtest.save wrote."
        ) from error


def _stored(paths: dict[Any, Path], owner: object) -> StoredTables:
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"{len(missing)} missing: {listed(missing)}")
    return StoredTables(paths, owner)


def _days(texts: list[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)


def _read_runs(path: Path) -> pd.DataFrame:
    runs = pd.read_csv(path, dtype="str", keep_default_na=False)
    seconds = {
        name: [float(text or "nan") for text in runs[name]]
        for name in ("fit_seconds", "forecast_seconds")
    }
    cutoff = pd.to_datetime(runs["cutoff"]).astype("datetime64[us]")
    return runs.assign(cutoff=cutoff, customers=runs["customers"].astype("int64"), **seconds)
