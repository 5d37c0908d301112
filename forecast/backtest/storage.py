"""A backtest on disk: Parquet by origin and model, actuals once per origin, CSV and JSON.

The folder holds ``meta.json``, ``runs.csv``, ``periods.parquet``, ``totals.parquet``,
``period_actuals.parquet`` and, for each origin, ``origin=YYYY-MM-DD/actuals.parquet`` and one
``origin=YYYY-MM-DD/NN-model.parquet`` for each model that forecasts customers.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import FileError, LockedError, listed

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["load", "save"]

_FORMAT = 1
_TABLES = ["periods", "totals", "period_actuals"]


def save(bt: "Backtest", folder: Path) -> Path:
    """Write ``bt`` into ``folder``; see :meth:`Backtest.save`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        if found:
            raise LockedError(
                f"{folder} is not empty: it holds {listed(found)}. Choose a new folder."
            )
        for origin in bt.origins:
            _origin_folder(folder, origin).mkdir()
            _stack(
                {each: bt.actuals[origin, each] for each in bt.populations},
                _origin_folder(folder, origin) / "actuals.parquet",
            )
            for model in bt.models:
                parts = {
                    each: bt.forecasts[origin, model, each]
                    for each in bt.populations
                    if (origin, model, each) in bt.forecasts
                }
                if parts:
                    _stack(parts, _model_file(folder, origin, bt.models, model))
        for name in _TABLES:
            getattr(bt, name).to_parquet(folder / f"{name}.parquet", index=False)
        bt.runs.to_csv(folder / "runs.csv", index=False, lineterminator="\n")
        meta = {
            "format": _FORMAT,
            "horizon": str(bt.horizon),
            "step": None if bt.step is None else str(bt.step),
            "origins": [str(origin) for origin in bt.origins],
            "models": list(bt.models),
            "populations": list(bt.populations),
            "has_value": bt.has_value,
            "settings": dict(bt.settings),
        }
        text = json.dumps(meta, indent=2, ensure_ascii=False) + "\n"
        (folder / "meta.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"The backtest cannot be written to {folder}: {error}.") from error
    return folder


def load(folder: Path) -> dict[str, Any]:
    """Read the fields of a backtest from ``folder``; see :meth:`Backtest.load`."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        if meta["format"] != _FORMAT:
            raise FileError(
                f"{folder} holds a backtest of format {meta['format']}; this version reads "
                f"{_FORMAT}. Run the backtest again."
            )
        origins = tuple(date.fromisoformat(text) for text in meta["origins"])
        models, populations = tuple(meta["models"]), tuple(meta["populations"])
        runs = _read_runs(folder / "runs.csv")
        held = runs[runs["customers"] > 0]
        actuals, forecasts = {}, {}
        for origin in origins:
            stacked = _unstack(_origin_folder(folder, origin) / "actuals.parquet", populations)
            actuals.update({(origin, each): part for each, part in stacked.items()})
            here = held[held["cutoff"] == pd.Timestamp(origin)]
            for model in here["model"].unique():
                names = list(here.loc[here["model"] == model, "population"])
                stacked = _unstack(_model_file(folder, origin, models, model), names)
                forecasts.update({(origin, model, each): part for each, part in stacked.items()})
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
        return {
            "horizon": Horizon.parse(meta["horizon"]),
            "step": meta["step"] and Horizon.parse(meta["step"], "step"),
            "origins": origins,
            "models": models,
            "populations": populations,
            "has_value": meta["has_value"],
            "settings": meta["settings"],
            "runs": runs,
            "actuals": actuals,
            "forecasts": forecasts,
            **tables,
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(
            f"{folder} is no complete saved backtest ({type(error).__name__}: {error}). "
            "Give a folder that Backtest.save wrote."
        ) from error


def _read_runs(path: Path) -> pd.DataFrame:
    runs = pd.read_csv(path, dtype="str", keep_default_na=False)
    seconds = {
        name: [float(text or "nan") for text in runs[name]]
        for name in ("fit_seconds", "forecast_seconds")
    }
    cutoff = pd.to_datetime(runs["cutoff"]).astype("datetime64[us]")
    return runs.assign(cutoff=cutoff, customers=runs["customers"].astype("int64"), **seconds)


def _stack(parts: Mapping[Any, pd.DataFrame], path: Path) -> None:
    """Write tables of one origin under each other, marked by population."""
    stacked = [part.reset_index().assign(population=name) for name, part in parts.items()]
    pd.concat(stacked, ignore_index=True).to_parquet(path, index=False)


def _unstack(path: Path, populations: Iterable[str]) -> dict[str, pd.DataFrame]:
    table = pd.read_parquet(path).set_index("customer_id")
    return {
        name: table[table["population"] == name].drop(columns="population") for name in populations
    }


def _origin_folder(folder: Path, origin: date) -> Path:
    return folder / f"origin={origin}"


def _model_file(folder: Path, origin: date, models: tuple[str, ...], model: str) -> Path:
    """Name a file after its model, safely and without doubles."""
    plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:60]
    return _origin_folder(folder, origin) / f"{models.index(model) + 1:02d}-{plain}.parquet"
