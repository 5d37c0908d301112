"""A forecast on disk: customers, periods and what it is about. Its draws are not kept."""

import json
from datetime import date
from pathlib import Path

import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import DataError, FileError
from forecast.forecaster import Forecast

__all__ = ["load_forecast", "save_forecast"]

FORMAT = 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run text that starts so


def save_forecast(forecast: Forecast, folder: str | Path) -> None:
    """Write ``customers.parquet``, ``customers.csv``, ``periods.csv`` and ``forecast.json``.

    In the CSV an id that a spreadsheet would run as a formula gets a leading apostrophe; the
    Parquet file has it as it is.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if forecast.customers is not None:
        table = forecast.customers.reset_index()
        table.to_parquet(folder / "customers.parquet", index=False)
        ids = table["customer_id"].astype(str)
        table["customer_id"] = ids.where(~ids.str.startswith(_FORMULA), "'" + ids)
        table.to_csv(folder / "customers.csv", index=False)
    forecast.periods.to_csv(folder / "periods.csv", index=False)
    facts = {
        "format": FORMAT,
        "model": forecast.model,
        "cutoff": str(forecast.cutoff),
        "horizon": str(forecast.horizon),
        "population": forecast.population,
        "notes": list(forecast.notes),
    }
    (folder / "forecast.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def load_forecast(folder: str | Path) -> Forecast:
    """Read what :func:`save_forecast` wrote; the result answers no question that needs draws.

    Raises
    ------
    FileError
        If the folder holds no forecast.
    DataError
        If it was written by a newer version, or is damaged.
    """
    folder = Path(folder)
    if not (folder / "forecast.json").is_file():
        raise FileError(f"{folder} holds no saved forecast.")
    try:
        facts = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
        if facts["format"] > FORMAT:
            raise DataError(f"{folder} was written by a newer version (format {facts['format']}).")
        customers = None
        if (folder / "customers.parquet").is_file():
            customers = pd.read_parquet(folder / "customers.parquet").set_index("customer_id")
        periods = pd.read_csv(folder / "periods.csv", parse_dates=["start", "end"])
        return Forecast(
            model=facts["model"],
            cutoff=date.fromisoformat(facts["cutoff"]),
            horizon=Horizon.parse(facts["horizon"]),
            population=facts["population"],
            customers=customers,
            periods=periods,
            sampler=None,
            notes=tuple(facts["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} holds a damaged forecast: {error}.") from error
