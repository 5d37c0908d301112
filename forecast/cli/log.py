"""How a purchase log is read from the command line: the options every command shares."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from forecast.ledger import Ledger

__all__ = ["Log"]


@Parameter(name="*")
@dataclass(frozen=True)
class Log:
    r"""How the purchase log is read.

    Parameters
    ----------
    customer
        Column of customer ids.
    date
        Column of dates or timestamps.
    value
        Column of amounts; without it purchases are counted and money is unknown.
    cutoff
        Last day of observation, YYYY-MM-DD; by default the last day in the log.
    returns
        What negative amounts mean.
    date_format
        How dates are written, where not YYYY-MM-DD, e.g. %d/%m/%Y.
    timezone
        Whose day counts, for times with a time zone (with an offset or Z, where they are text),
        e.g. Europe/London.
    decimal
        The sign before the cents, where amounts are text: a point or a comma.
    thousands
        The sign between thousands, where amounts are text: , or . or ' or a blank.
    currency
        What amounts are called in tables, reports and plots, e.g. GBP; nothing is converted.
    key
        Columns that identify a row; rows with the same key are read once. With --no-key repeated
        rows are genuine, and not warned about.
    max_bad_rows
        How many unreadable rows may be dropped.
    as_of
        Today, YYYY-MM-DD; rows after it are errors.
    delimiter
        Of CSV files; write \t for a tab.
    encoding
        Of CSV files.
    redact
        Show customer ids, and other values quoted in messages, as hashes.
    """

    customer: str | None = None
    date: str | None = None
    value: str | None = None
    cutoff: str | None = None
    returns: Literal["net", "drop", "keep", "error"] = "net"
    date_format: str | None = None
    timezone: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    currency: str | None = None
    key: Annotated[
        tuple[str, ...] | None, Parameter(consume_multiple=True, negative="--no-key")
    ] = None
    max_bad_rows: int = 0
    as_of: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    redact: bool = False

    def read(self, file: str, **columns: Sequence[str]) -> "Ledger":
        """Read the log with further columns, warning about what deserves a look."""
        from forecast.ledger import read_ledger

        read = [each.name for each in fields(self) if each.name != "redact"]
        settings: dict[str, Any] = {name: getattr(self, name) for name in read}
        settings["delimiter"] = self.separator
        return read_ledger(file, **(settings | columns))

    @property
    def separator(self) -> str:
        r"""The delimiter itself: a tab where \t was written."""
        return {r"\t": "\t"}.get(self.delimiter, self.delimiter)

    @property
    def text(self) -> dict[str, str]:
        """How a CSV file is written, the log and those beside it."""
        return {"delimiter": self.separator, "encoding": self.encoding}

    def chosen(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults, for the manifest."""
        usual = Log()
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name != "redact" and getattr(self, each.name) != getattr(usual, each.name)
        }
