"""A ledger on disk: purchase days as Parquet and the rest as JSON, read back equal."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from forecast.errors import DataError, FileError, UnsupportedError
from forecast.ledger.keeping import SPILL_ROWS
from forecast.ledger.ledger import Ledger

__all__ = ["load_ledger", "save_ledger"]

FORMAT = 1
_FACTS = ("has_value", "customer_columns", "purchase_columns", "ticks")


def save_ledger(ledger: Ledger, folder: str | Path) -> None:
    """Write ``days.parquet``, ``ledger.json`` and, with customer columns, ``customers.parquet``."""
    if ledger.on_spark:
        raise UnsupportedError("A Spark ledger keeps its rows in Spark; there is nothing to save.")
    import pyarrow.parquet as pq

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "days.parquet.part"  # the ledger may be the one kept here
    days = nw.to_native(ledger.days().sort("customer_id", "day"))
    days.write_parquet(str(written), compression="zstd")
    written.replace(folder / "days.parquet")
    if ledger.customer_columns:
        pq.write_table(ledger._attributes, folder / "customers.parquet", compression="zstd")
    facts: dict[str, Any] = {"format": FORMAT} | {name: getattr(ledger, name) for name in _FACTS}
    facts |= {"cutoff": str(ledger.cutoff), "first_day": str(ledger.first_day)}
    facts |= {} if ledger.currency is None else {"currency": ledger.currency}
    facts["audit"] = ledger.audit.to_dict("records")
    text = json.dumps(facts, indent=1) + "\n"
    (folder / "ledger.json").write_text(text, encoding="utf-8", newline="\n")


def load_ledger(folder: str | Path) -> Ledger:
    """Read what :func:`save_ledger` wrote; many purchases stay in the file.

    Raises
    ------
    FileError
        If the folder holds no ledger.
    DataError
        If it was written by a newer version, or is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(folder)
    if not (folder / "ledger.json").is_file():
        raise FileError(f"{folder} holds no saved ledger.")
    try:
        facts = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
        if facts["format"] > FORMAT:
            raise DataError(
                f"{folder} was written by a newer version (format {facts['format']}, "
                f"this one reads up to {FORMAT})."
            )
        days: Any = folder / "days.parquet"
        held = pq.read_metadata(days)
        kept = ["customer_id", "day", "ticks", *facts["purchase_columns"]]
        if sorted(held.schema.names) != sorted(kept):
            raise DataError(f"{folder} holds a damaged ledger: days.parquet lacks columns.")
        if not isinstance(facts.get("currency", ""), str):
            raise DataError(f"{folder} holds a damaged ledger: its currency has no name.")
        if held.num_rows <= SPILL_ROWS:
            days = pq.read_table(days)
        return Ledger(
            cutoff=date.fromisoformat(facts["cutoff"]),
            audit=pd.DataFrame(facts["audit"], columns=["check", "count", "severity", "what"]),
            has_value=bool(facts["has_value"]),
            customer_columns=tuple(facts["customer_columns"]),
            purchase_columns=tuple(facts["purchase_columns"]),
            first_day=date.fromisoformat(facts["first_day"]),
            ticks=int(facts["ticks"]),
            _days=days,
            _attributes=_attributes(folder, facts["customer_columns"]),
            currency=facts.get("currency"),
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{folder} holds a damaged ledger: {error}.") from error


def _attributes(folder: Path, columns: list[str]) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(folder / "customers.parquet") if columns else None
