"""What the command line shows: results on standard output, everything else on standard error."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from forecast.forecaster import Forecast
    from forecast.ledger import Ledger

__all__ = [
    "err",
    "print_audit",
    "print_done",
    "print_leaderboard",
    "print_notes",
    "print_periods",
    "screen",
]

# a pipe has no width of its own: tables get room, so that no name is cut
screen = Console() if sys.stdout.isatty() else Console(width=120)
err = Console(stderr=True, soft_wrap=True)


def print_audit(ledger: "Ledger") -> None:
    """Show the data-quality table."""
    table = Table(title=f"Audit, {ledger.first_day} to {ledger.cutoff}", title_justify="left")
    table.add_column("check")
    table.add_column("count", justify="right")
    table.add_column("what")
    for line in ledger.audit.itertuples():
        style = "yellow" if line.severity == "warning" else ""
        table.add_row(str(line.check), f"{line.count:,}", escape(str(line.what)), style=style)
    screen.print(table)


def print_leaderboard(board: "pd.DataFrame", target: str, horizon: str, origins: int) -> None:
    """Show how each model did, best first."""
    unit = "purchases" if target == "purchases" else "currency units"
    title = (
        f"{target.capitalize()} of existing customers, {horizon}, {origins} origins "
        f"(RMSE and MAE in {unit})"
    )
    table = Table(title=title, title_justify="left")
    heads = {
        "rmse": ("RMSE", "{:,.3f}"),
        "bias": ("bias", "{:+.1%}"),
        "gini": ("Gini", "{:.3f}"),
        "top_decile_capture": ("top 10 %", "{:.1%}"),
        "coverage": ("90 % covers", "{:.1%}"),
        "mae": ("MAE", "{:,.3f}"),
    }
    table.add_column("model", no_wrap=True)
    for head, _ in heads.values():
        table.add_column(head, justify="right", no_wrap=True)
    for name, row in board.iterrows():
        cells = [
            "" if row[column] != row[column] else shape.format(row[column])
            for column, (_, shape) in heads.items()
        ]
        table.add_row(escape(str(name)), *cells)
    screen.print(table)


def print_periods(found: "Forecast") -> None:
    """Show the expected totals and their 90 % intervals."""
    lines = []
    for name in ("purchases", "value"):
        total = found.periods[f"expected_{name}"].sum(min_count=1)
        if total == total:
            lines.append(f"{name} {total:,.0f}")
    table = found.interval(0.9) if found.sampler is not None else None
    screen.print(
        f"[bold]{escape(found.model)}[/bold], {found.horizon} after {found.cutoff}, "
        f"{found.population} customers: expected {', '.join(lines)}",
        highlight=False,
    )
    if table is not None:
        for kind, row in table.iterrows():
            screen.print(f"  90 % of {kind}: {row['lo']:,.0f} to {row['hi']:,.0f}", highlight=False)


def print_notes(notes: Sequence[str]) -> None:
    """Show what a model has to say about itself."""
    for note in notes:
        err.print(f"[yellow]note:[/yellow] {escape(note)}", highlight=False)


def print_done(folder: Path) -> None:
    """Name the report, last of all."""
    screen.print(f"Report: {folder / 'report.html'}", highlight=False, markup=False)
