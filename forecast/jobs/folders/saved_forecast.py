"""A forecast on disk: customers, periods, drawn totals. The draws of customers are not kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import DataError, FileError, UnsupportedError, UsageError
from forecast.forecaster import BOUNDS, EXPECTED, Draws, Forecast, Totals
from forecast.jobs.folders.spreadsheet import write_csv

__all__ = ["SavedForecast", "load_forecast", "save_forecast", "write_parts"]

FORMAT = 1


@dataclass(frozen=True)
class SavedDraws:
    """How many draws there were, and from which seed; they are not kept by customer."""

    draws: int
    seed: int | None

    def blocks(self) -> Iterator[Draws]:
        """Refuse: a saved forecast knows totals, not every customer's futures."""
        raise UnsupportedError(
            "A saved forecast keeps draws of totals, not of customers. Fit and forecast again."
        )


@dataclass(frozen=True, repr=False)
class SavedForecast(Forecast):
    """A forecast read from disk: its totals still have a distribution, its customers bounds."""

    kept: Totals | None = field(default=None, repr=False)

    def totals(self, by: "pd.Series[Any] | None" = None) -> Totals:
        """Return draws of the grand total by period; groups would need the customers' draws."""
        return self.kept if by is None and self.kept is not None else super().totals(by)


def save_forecast(
    forecast: Forecast, folder: str | Path, *, csv: bool = True, part_rows: int | None = None
) -> None:
    """Write ``customers.parquet`` and ``.csv``, ``periods.csv``, ``totals.parquet``, a JSON.

    ``totals.parquet`` has one row a draw and period. In the CSV an id that a spreadsheet would run
    as a formula gets a leading apostrophe; the Parquet file has it as it is.

    Parameters
    ----------
    forecast : Forecast
    folder : str or Path
        Made where it does not exist.
    csv : bool
        Whether to write ``customers.csv`` too.
    part_rows : int, optional
        With more customers ``customers.parquet`` is a folder of parts of so many rows.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if forecast.customers is not None:
        write_parts(forecast.customers, folder / "customers.parquet", part_rows)
        if csv:
            write_csv(forecast.customers.reset_index(), folder / "customers.csv")
    forecast.periods.to_csv(folder / "periods.csv", index=False, lineterminator="\n")
    facts: dict[str, Any] = {
        "format": FORMAT,
        "model": forecast.model,
        "cutoff": str(forecast.cutoff),
        "horizon": str(forecast.horizon),
        "population": forecast.population,
        "notes": list(forecast.notes),
    }
    if forecast.sampler is not None:
        facts["draws"] = forecast.sampler.draws
        facts["seed"] = getattr(forecast.sampler, "seed", None)
        _totals_table(forecast.totals()).to_parquet(folder / "totals.parquet", index=False)
    text = json.dumps(facts, indent=1) + "\n"
    (folder / "forecast.json").write_text(text, encoding="utf-8", newline="\n")


def write_parts(table: pd.DataFrame, path: Path, part_rows: int | None = None) -> None:
    """Write a table by ``customer_id`` as one Parquet file, or as a folder of numbered parts."""
    if part_rows is None or len(table) <= part_rows:
        table.reset_index().to_parquet(path, index=False)
        return
    path.mkdir()
    for part, start in enumerate(range(0, len(table), part_rows)):
        rows = table.iloc[start : start + part_rows].reset_index()
        rows.to_parquet(path / f"part-{part:05d}.parquet", index=False)


def load_forecast(folder: str | Path) -> SavedForecast:
    """Read what :func:`save_forecast` wrote; totals have draws, customers only their bounds.

    Raises
    ------
    FileError
        If the folder holds no forecast.
    DataError
        If it was written by a newer version, or is damaged.
    """
    import pyarrow as pa

    folder = Path(folder)
    if not (folder / "forecast.json").is_file():
        raise FileError(f"{folder} holds no saved forecast.")
    try:
        facts = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
        if facts["format"] > FORMAT:
            raise DataError(
                f"{folder} was written by a newer version (format {facts['format']}, this one "
                f"reads up to {FORMAT})."
            )
        customers = None
        if (folder / "customers.parquet").exists():
            customers = pd.read_parquet(folder / "customers.parquet")
            customers = customers.set_index("customer_id")[EXPECTED + BOUNDS]
        found = SavedForecast(
            model=facts["model"],
            cutoff=date.fromisoformat(facts["cutoff"]),
            horizon=Horizon.parse(facts["horizon"]),
            population=facts["population"],
            customers=customers,
            periods=_read_periods(folder / "periods.csv"),
            sampler=SavedDraws(facts["draws"], facts["seed"]) if "draws" in facts else None,
            notes=tuple(facts["notes"]),
        )
        if found.sampler is not None:
            table = pd.read_parquet(folder / "totals.parquet")
            object.__setattr__(found, "kept", _totals(table, found))
        return found
    except (OSError, ValueError, KeyError, TypeError, UsageError, pa.ArrowException) as error:
        raise DataError(f"{folder} holds a damaged forecast: {error}.") from error


def _read_periods(path: Path) -> pd.DataFrame:
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    periods = pd.DataFrame({name: pd.to_datetime(text[name]) for name in ("start", "end")})
    for name in ("expected_purchases", "expected_value", *BOUNDS):
        periods[name] = [float(each or "nan") for each in text[name]]  # exactly as it was
    return periods


def _totals_table(totals: Totals) -> pd.DataFrame:
    draws, _, periods = totals.purchases.shape
    table = pd.DataFrame(
        {
            "draw": np.repeat(np.arange(draws), periods),
            "period": np.tile(np.arange(periods), draws),
            "purchases": totals.purchases.ravel(),
        }
    )
    return table if totals.value is None else table.assign(value=totals.value.ravel())


def _totals(table: pd.DataFrame, found: Forecast) -> Totals:
    shape = (-1, 1, len(found.periods))
    return Totals(
        groups=pd.Index(["all"]),
        windows=found.windows,
        purchases=table["purchases"].to_numpy(float).reshape(shape),
        value=table["value"].to_numpy(float).reshape(shape) if "value" in table else None,
    )
