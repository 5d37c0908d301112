"""What DuckDB or Spark says about a broken source, in one clear sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from forecast.errors import DataError
from forecast.ledger.files import not_encoded

__all__ = ["from_engine", "reading"]


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Translate what DuckDB or Spark says about a broken source into one clear sentence."""
    try:
        yield
    except Exception as error:  # back ends have many, without a root in common
        if not from_engine(error):
            raise
        raise DataError(_explained(name, str(error))) from error


def from_engine(error: Exception) -> bool:
    """Whether an error is of a back end, and so about the data."""
    return any(
        each.__module__.partition(".")[0] in ("duckdb", "_duckdb", "narwhals", "pyspark", "py4j")
        for each in type(error).__mro__
    )


def _explained(name: str, message: str) -> str:
    line = re.search(r"Line: (\d+)", message)
    where = f"{name}: line {line[1]}: " if line else f"{name}: "
    if found := re.search(r"Number of Columns: (\d+) Found: (\d+)", message):
        return f"{where}{found[1]} fields expected, {found[2]} found. Mend the row."
    if "unterminated quote" in message:
        return f"{where}a quote is opened and never closed. Mend the row."
    if "Maximum line size" in message:
        return f"{where}the line is longer than two million signs. Is a quote left open?"
    if "utf-8" in message:
        return not_encoded(where.removesuffix(": "), "utf-8")
    if "state machine" in message:
        return (
            f"{where}the text is not regular CSV: line ends of several kinds, or stray quotes. "
            "Mend it."
        )
    if "arquet" in message or "nappy" in message or "ZSTD" in message:
        return f"{where}the Parquet file is damaged or cut short. Write it again."
    if "can't be cast because" in message:  # numbers are looked at before they are cast
        return f"{where}values are not what the column says of them. Write the file again."
    first = message.splitlines()[0] if message else "no reason given"
    return f"{where}cannot be read: {first[:300]}"
