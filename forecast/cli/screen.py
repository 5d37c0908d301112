"""What the command line shows: results on standard output, everything else on standard error."""

import os
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecast.cli.hiding import hidden
from forecast.cli.wording import printable, worded

if TYPE_CHECKING:
    import pandas as pd

    from forecast.backtest import Backtest
    from forecast.forecaster import Forecast
    from forecast.ledger import Ledger

__all__ = [
    "err",
    "print_audit",
    "print_backtest",
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

_SCORES = {  # a narrow screen leaves out the last
    "rmse": "RMSE",
    "bias": "bias",
    "gini": "Gini",
    "top_decile_capture": "top\n10 %",
    "crps": "CRPS",
    "pit_coverage": "90 %\nby PIT",
    "coverage": "90 %\ncovers",
    "mae": "MAE",
}
_WHOM = {
    "existing": "customers seen by the cutoff",
    "new": "customers not yet seen at the cutoff",
    "all": "all customers, new ones included",
}
_SHARES = ("top_decile_capture", "pit_coverage", "coverage", "total_coverage")


def waiting(what: str) -> AbstractContextManager[Any]:
    """Show what is being done, on a terminal, while it is."""
    return err.status(_plain(what))


def print_problem(kind: str, message: str, samples: Collection[Any] = ()) -> None:
    """Say one sentence on standard error: an error, a warning or a note."""
    style = "bold red" if kind == "error" else "yellow"
    err.print(f"[{style}]{kind}:[/{style}] {escape(worded(hidden(message, samples)))}")


def print_audit(ledger: "Ledger") -> None:
    """Show the data-quality table."""
    table = _table(f"Audit, {ledger.first_day} to {ledger.cutoff}")
    table.add_column("check", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for line in ledger.audit.itertuples():
        style = "yellow" if line.severity == "warning" else ""
        table.add_row(
            str(line.check), f"{line.count:,}", _plain(hidden(str(line.what))), style=style
        )
    screen.print(table)


def print_backtest(found: "Backtest") -> None:
    """Show how each model did, best first, and which failed."""
    targets = ("purchases", "value") if found.has_value else ("purchases",)
    many = f"{len(found.origins)} origin" + ("s" if len(found.origins) > 1 else "")
    for target in targets:
        scores = list(_SCORES)
        while _too_wide(table := _leaderboard(found, target, scores, many)) and len(scores) > 2:
            scores.pop()
        screen.print(table)
    if "all" in found.populations:
        _print_totals({target: found.leaderboard(target, "all") for target in targets}, found)
    failed = found.runs[found.runs["status"] == "failed"]
    for model, runs in failed.groupby("model"):
        many = f"{runs['cutoff'].nunique()} of {len(found.origins)} origins"
        print_problem("note", f"{model} failed at {many}: {runs['error'].iloc[0]}")


def _leaderboard(found: "Backtest", target: str, scores: list[str], many: str) -> Table:
    """Return the scores of one target, a model a row."""
    unit = "purchases" if target == "purchases" else "currency units"
    table = _table(
        f"{target.capitalize()} of existing customers over {found.horizon}, {many}; "
        f"RMSE, CRPS and MAE in {unit}"
    )
    table.add_column("model", no_wrap=True)
    for each in scores:
        table.add_column(_SCORES[each], justify="right", no_wrap=True)
    for name, row in found.leaderboard(target).iterrows():
        cells = [_cell(each, row[each]) for each in scores]
        part = "" if row["failed"] == 0 else f" ({row['origins']:.0f} of {len(found.origins)})"
        table.add_row(_plain(f"{name}{part}"), *cells)
    return table


def _too_wide(table: Table) -> bool:
    """Whether the screen would cut names or numbers."""
    wide = screen.options.update(max_width=1_000)
    return screen.measure(table, options=wide).maximum > screen.width


def _print_totals(boards: "dict[str, pd.DataFrame]", found: "Backtest") -> None:
    """One table for totals of all customers, newcomers included, both targets side by side."""
    answered = {target: board[board["origins"] > 0] for target, board in boards.items()}
    lead = list(answered.values())[-1]
    if len(lead) < 2:  # nobody but the forecast of nothing
        return
    table = _table(f"Totals of all customers, new ones included, by period of {found.horizon}")
    table.add_column("model", no_wrap=True)
    for target in answered:
        table.add_column(f"{target} RMSE", justify="right", no_wrap=True)
        table.add_column("bias", justify="right", no_wrap=True)
    for name in lead.index:
        cells = [
            _cell(column, board[column].get(name, float("nan")))
            for board in answered.values()
            for column in ("rmse_total", "bias")
        ]
        table.add_row(_plain(str(name)), *cells)
    screen.print(table)


def print_forecast(found: "Forecast") -> None:
    """Show the expected totals, their 90 % intervals, and what the model says about itself."""
    interval = None if found.sampler is None else found.interval(0.9)
    screen.print(
        f"[bold]{_plain(found.model)}[/bold], {_WHOM[found.population]}, "
        f"{found.window.start} to {found.window.last}"
    )
    for target in ("purchases", "value"):
        total = float(found.periods[f"expected_{target}"].sum(skipna=False))
        if total == total:
            line = f"  {target:<10}{total:>14,.0f}"
            if interval is not None and target in interval.index:
                lo, hi = (interval[side].to_dict()[target] for side in ("lo", "hi"))
                line += f"   90 % interval {lo:,.0f} to {hi:,.0f}"
            screen.print(line)
    for note in found.notes:
        print_problem("note", note)


def print_done(folder: Path, page: str = "report.html") -> None:
    """Name the report, last of all."""
    screen.print(f"Report: {printable(str(folder / page))}", markup=False, soft_wrap=True)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def _cell(score: str, number: float) -> str:
    if number != number:
        return ""
    if score in _SHARES:
        return f"{number:.1%}"
    if score == "bias":
        return f"{number:+.1%}"
    return f"{number:,.3f}" if abs(number) < 100 else f"{number:,.1f}"


def _plain(text: str) -> str:
    return escape(printable(text))
