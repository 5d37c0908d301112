"""What the commands on money share: margin and rate, a fitted model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter
from rich.markup import escape

from forecast.cli.asked import check_apart, check_numbers, chosen_models
from forecast.cli.log import Log
from forecast.cli.screen import print_problem, screen, waiting
from forecast.cli.stopping import go_on
from forecast.cli.wording import printable
from forecast.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from forecast.calendar import Horizon
    from forecast.ledger import Ledger
    from forecast.value import Margin

__all__ = ["Job", "Terms", "columns_of", "print_rows", "say"]


@Parameter(name="*")
@dataclass(frozen=True)
class Terms:
    """What money is worth.

    Parameters
    ----------
    margin
        Margin as a share of value, 0.4 for 40 %, or the column of the log that holds it in money.
    per_order
        Cost of serving one order.
    rate
        Annual effective discount rate, 0.1 for ten per cent.
    """

    margin: str
    per_order: float = 0.0
    rate: float = 0.0

    def parsed(self) -> "Margin":
        """Return the margin, refusing what has no meaning before the log is read."""
        from forecast.value import Margin
        from forecast.value.discounting import check_rate

        check_rate(self.rate)
        try:
            share = float(self.margin)
        except ValueError:
            return Margin(column=self.margin, per_order=self.per_order)
        return Margin(share, per_order=self.per_order)

    def recorded(self) -> dict[str, Any]:
        """Return the terms for the manifest."""
        return {"margin": self.margin, "per_order": self.per_order, "rate": self.rate}


@Parameter(name="*")
@dataclass(frozen=True)
class Job:
    """How the forecast behind the money is made, and where results go.

    Parameters
    ----------
    out
        Folder to make; it appears whole or not at all.
    horizon
        How far: 12M, 26W, 90D, 1Y, or a last day YYYY-MM-DD.
    model
        Name of a model; ltv backtest compares them.
    draws
        Simulated futures behind the intervals.
    seed
        Same data, settings and seed give the same numbers.
    overwrite
        Replace a folder that ltv wrote before.
    """

    out: Path
    horizon: str = "12M"
    model: str = "btyd"
    draws: int = 500
    seed: int = 0
    overwrite: bool = False

    def check(self, file: str, *, fewest: int = 0) -> tuple[Any, "Horizon"]:
        """Refuse what cannot be honoured; return the model, not yet fitted, and the horizon."""
        from forecast.calendar import Horizon
        from forecast.jobs import check_free

        fitted = chosen_models([self.model])[self.model]
        length = Horizon.parse(self.horizon)
        check_numbers(draws=self.draws, seed=self.seed)
        if self.draws < fewest:
            raise UsageError(f"draws: {self.draws} must be at least {fewest}: money needs bounds.")
        check_free(self.out, overwrite=self.overwrite)
        check_apart(file, self.out)
        return fitted, length

    def read(self, file: str, log: Log, length: "Horizon", **columns: list[str]) -> "Ledger":
        """Read the log and refuse one without amounts, or with amounts of two currencies."""
        from forecast.value.currency import one_currency

        with waiting(f"Reading {file}"):
            taken = [*columns.get("customer_columns", []), *columns.get("purchase_columns", [])]
            named = [each for each in _currency(file, log) if each not in taken]
            columns["purchase_columns"] = [*columns.get("purchase_columns", []), *named]
            ledger = log.read(file, **columns)
        if not ledger.has_value:
            raise UnsupportedError(f"{file} was read without amounts: say which column, value=...")
        one_currency(ledger)
        length.window(ledger.cutoff)
        go_on()
        return ledger

    def recorded(self) -> dict[str, Any]:
        """Return the settings for the manifest."""
        names = ("horizon", "model", "draws", "seed")
        return {name: getattr(self, name) for name in names}


def columns_of(file: str, log: Log) -> list[str]:
    """Return the names of a log's columns, without reading its rows."""
    from forecast.ledger.sources import open_source

    with open_source(file, delimiter=log.separator, encoding=log.encoding) as source:
        return list(source.names())


def _currency(file: str, log: Log) -> list[str]:
    """Name the columns of a log that tell its currency, so that two are never added up."""
    from forecast.value.currency import COLUMN

    return [name for name in columns_of(file, log) if name.lower() == COLUMN]


def print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    """Show a few lines of a name and what is said of it."""
    width = max(len(name) for name, _ in rows)
    screen.print(f"[bold]{escape(printable(title))}[/bold]")
    for name, said in rows:
        screen.print(f"  {escape(printable(name)):<{width}}  {escape(printable(said))}")


def say(notes: tuple[str, ...]) -> None:
    """Say what a reader must know."""
    for note in notes:
        print_problem("note", note)
