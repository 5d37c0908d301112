"""What the checks say, on the terminal: all of it for a log, one line beside a forecast."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecast.cli.hiding import hidden
from forecast.cli.screen import plain, print_problem, screen, waiting

if TYPE_CHECKING:
    from forecast.backtest import Backtest
    from forecast.backtest.checks import Check
    from forecast.forecaster import Forecast
    from forecast.ledger import Ledger

__all__ = ["print_checks", "print_fired"]

MOST = 5_000_000
"""Purchases of a log whose checks take seconds; every customer's history is looked at."""


def print_checks(ledger: "Ledger") -> None:
    """Show the checks of a log that fired, causes first, each with its remedy."""
    from forecast.backtest.checks import checks

    if _is_long(ledger):
        print_problem(
            "note", "Checking so many purchases takes long: ltv forecast and ltv backtest do it."
        )
        return
    with waiting("Checking"):
        fired = checks(ledger)
    if not fired:
        screen.print("No check fired. What a log alone cannot show, a backtest may.")
        return
    screen.print(f"[bold]{_counted(fired)}[/bold]")
    for check in fired:
        said = f"{check.id}: {hidden(check.sentence)} {check.remedy}"
        if check.causes:
            said += f" It may follow from {', '.join(check.causes)}."
        screen.print(plain(said), style="bold red" if check.severity == "error" else "yellow")


def print_fired(
    ledger: "Ledger", forecast: "Forecast | None" = None, backtest: "Backtest | None" = None
) -> None:
    """Say in one line which checks of the report fired; nothing where none did."""
    from forecast.backtest.checks import checks

    fired = () if _is_long(ledger) else checks(ledger, forecast, backtest)
    if fired:
        names = ", ".join(check.id for check in fired)
        print_problem("note", f"{_counted(fired)}: {names}. The report says what to do.")


def _is_long(ledger: "Ledger") -> bool:
    counts = ledger.audit.set_index("check")["count"]
    return int(counts["purchases"]) > MOST


def _counted(fired: "Sequence[Check]") -> str:
    grave = sum(check.severity == "error" for check in fired)
    said = "One check fired" if len(fired) == 1 else f"{len(fired)} checks fired"
    errors = "an error" if grave == 1 else f"{grave} errors"
    return said if grave == 0 else f"{said}, {errors} among them"
