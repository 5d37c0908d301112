"""Where words go: results to standard output, everything else to standard error."""

import os
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from forecast.cli.hiding import hidden
from forecast.cli.wording import printable, worded

if TYPE_CHECKING:
    from forecast.forecaster import Forecast

__all__ = [
    "err",
    "plain",
    "print_done",
    "print_forecast",
    "print_problem",
    "screen",
    "waiting",
]


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """End without a word when the reader of the pipe has gone, as `ltv audit ... | head`."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(141) from None


# a pipe has no width of its own: tables get room, so that no name is cut
_free = sys.stdout is not None and (sys.stdout.isatty() or "COLUMNS" in os.environ)
screen = _Screen(width=None if _free else 120, highlight=False)
err = _Screen(stderr=True, soft_wrap=True, highlight=False)

_WHOM = {
    "existing": "customers seen by the cutoff",
    "new": "customers not yet seen at the cutoff",
    "all": "all customers, new ones included",
}


def waiting(what: str) -> AbstractContextManager[Any]:
    """Show what is being done, on a terminal, while it is."""
    return err.status(plain(what))


def print_problem(kind: str, message: str, samples: Collection[Any] = ()) -> None:
    """Say one sentence on standard error: an error, a warning or a note."""
    style = "bold red" if kind == "error" else "yellow"
    err.print(f"[{style}]{kind}:[/{style}] {escape(worded(hidden(message, samples)))}")


def print_forecast(found: "Forecast", currency: str | None = None) -> None:
    """Show the expected totals, their 90 % intervals, and what the model says about itself."""
    interval = None if found.sampler is None else found.interval(0.9)
    screen.print(
        f"[bold]{plain(found.model)}[/bold], {_WHOM[found.population]}, "
        f"{found.window.start} to {found.window.last}"
    )
    for target in ("purchases", "value"):
        total = float(found.periods[f"expected_{target}"].sum(skipna=False))
        if total == total:
            line = f"  {target:<10}{total:>14,.0f}"
            if interval is not None and target in interval.index:
                lo, hi = (interval[side].to_dict()[target] for side in ("lo", "hi"))
                line += f"   90 % interval {lo:,.0f} to {hi:,.0f}"
            screen.print(line + (f" {plain(currency)}" if currency and target == "value" else ""))
    for note in found.notes:
        print_problem("note", note)


def print_done(folder: Path, page: str = "report.html") -> None:
    """Name the report, last of all."""
    screen.print(f"Report: {printable(str(folder / page))}", markup=False, soft_wrap=True)


def plain(text: str) -> str:
    """Return text that moves no cursor and is taken for no markup."""
    return escape(printable(text))
