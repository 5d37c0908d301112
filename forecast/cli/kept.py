"""What a folder of money keeps so that ``ltv report`` can write its page again, title and all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from forecast.forecaster import Forecast
    from forecast.ledger import Ledger

__all__ = ["FORECAST", "currency_in", "keep", "kept_tables", "title_of"]

FORECAST, LEDGER, TABLES, NAMES = "forecast", "ledger", "tables", "names.json"


def keep(
    folder: Path,
    ledger: "Ledger",
    tables: "Mapping[str, pd.DataFrame]",
    forecast: "Forecast | None" = None,
) -> None:
    """Write the ledger, the forecast and the tables of the page into folders of their own."""
    from forecast.jobs import save_forecast
    from forecast.ledger.storage import save_ledger

    save_ledger(ledger, folder / LEDGER)
    if forecast is not None:
        save_forecast(forecast, folder / FORECAST)
    (folder / TABLES).mkdir()
    files = {}
    for number, (name, table) in enumerate(tables.items(), start=1):
        files[f"{number:02d}.parquet"] = name
        table.to_parquet(folder / TABLES / f"{number:02d}.parquet")
    text = json.dumps(files, indent=1, ensure_ascii=False) + "\n"
    (folder / TABLES / NAMES).write_text(text, encoding="utf-8", newline="\n")


def title_of(facts: Mapping[str, Any]) -> str | None:
    """Return the heading of the page of a command, by its manifest; None for the usual one.

    Examples
    --------
    >>> title_of({"command": "scenario", "scenario": {"name": "loyalty programme"}})
    'Scenario: loyalty programme'
    """
    match facts:
        case {"command": "scenario", "scenario": {"name": str(name)}}:
            return f"Scenario: {name}"
        case {"command": "value"}:
            return "Unit economics"
        case {"command": "segments"}:
            return "Segments"
    return None


def currency_in(facts: Mapping[str, Any]) -> str | None:
    """Return what amounts are called, by the manifest of a command or a job.

    Examples
    --------
    >>> currency_in({"command": "run", "configuration": {"source": {"currency": "GBP"}}})
    'GBP'
    """
    match facts:
        case {"reading": {"currency": str(name)}}:
            return name
        case {"configuration": {"source": {"currency": str(name)}}}:
            return name
    return None


def kept_tables(folder: Path) -> "dict[str, pd.DataFrame] | None":
    """Return the tables of the page by name and in order; None where none were kept."""
    import pandas as pd
    import pyarrow as pa

    if not (folder / TABLES / NAMES).is_file():
        return None
    try:
        files = json.loads((folder / TABLES / NAMES).read_text(encoding="utf-8"))
        return {name: pd.read_parquet(folder / TABLES / file) for file, name in files.items()}
    except (OSError, ValueError, AttributeError, pa.ArrowException) as error:
        raise DataError(f"{folder / TABLES} cannot be read: {error}.") from error
