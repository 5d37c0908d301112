"""Tables on the terminal, which lose no number however narrow it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from forecast.cli.hiding import hidden
from forecast.cli.screen import plain, print_problem, screen
from forecast.cli.wording import printable

if TYPE_CHECKING:
    import pandas as pd

    from forecast.backtest import Backtest
    from forecast.ledger import Ledger

__all__ = ["print_audit", "print_backtest"]

_SCORES = {
    "rmse": "RMSE",
    "bias": "bias",
    "gini": "Gini",
    "top_decile_capture": "top\n10 %",
    "crps": "CRPS",
    "pit_coverage": "90 %\nby PIT",
    "coverage": "90 %\ncovers",
    "mae": "MAE",
}
_SHARES = ("top_decile_capture", "pit_coverage", "coverage", "total_coverage")
_READABLE = 24  # letters a line below which a column of sentences is no pleasure


class _Column(NamedTuple):
    heading: str
    cells: Sequence[str]


def print_audit(ledger: "Ledger") -> None:
    """Show the data-quality table; on a narrow terminal a line and a sentence a check."""
    title = f"Audit, {ledger.first_day} to {ledger.cutoff}"
    if ledger.has_value and ledger.currency is not None:
        title += plain(f", amounts in {ledger.currency}")
    lines = [
        (str(line.check), f"{line.count:,}", plain(hidden(str(line.what))),
         "yellow" if line.severity == "warning" else "")
        for line in ledger.audit.itertuples()
    ]  # fmt: skip
    beside = max(len(check) for check, *_ in lines) + max(len(count) for _, count, *_ in lines)
    if beside + _READABLE + 6 > screen.width:
        screen.print(f"[bold]{title}[/bold]")
        for check, count, what, style in lines:
            screen.print(f"{escape(check)}: {count}", style=style)
            screen.print(Padding(what, (0, 0, 0, 2)), style=style)
        return
    table = _table(title)
    table.add_column("check", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for check, count, what, style in lines:
        table.add_row(check, count, what, style=style)
    screen.print(table)


def print_backtest(found: "Backtest") -> None:
    """Show how each model did, best first, and which failed."""
    targets = ("purchases", "value") if found.has_value else ("purchases",)
    many = f"{len(found.origins)} origin" + ("s" if len(found.origins) > 1 else "")
    for target in targets:
        _print_leaderboard(found, target, many)
    if "all" in found.populations:
        _print_totals({target: found.leaderboard(target, "all") for target in targets}, found)
    failed = found.runs[found.runs["status"] == "failed"]
    for model, runs in failed.groupby("model"):
        many = f"{runs['cutoff'].nunique()} of {len(found.origins)} origins"
        print_problem("note", f"{model} failed at {many}: {runs['error'].iloc[0]}")


def _print_leaderboard(found: "Backtest", target: str, many: str) -> None:
    """Show the scores of one target, a model a row."""
    from forecast.ledger.currency import money_unit

    unit = "purchases" if target == "purchases" else plain(money_unit(found.currency))
    title = (
        f"{target.capitalize()} of existing customers over {found.horizon}, {many}; "
        f"RMSE, CRPS and MAE in {unit}"
    )
    board = found.leaderboard(target)
    names = []
    for name, row in board.iterrows():
        part = "" if row["failed"] == 0 else f" ({row['origins']:.0f} of {len(found.origins)})"
        names.append(f"{name}{part}")
    columns = [
        _Column(heading, [_cell(each, number) for number in board[each]])
        for each, heading in _SCORES.items()
    ]
    _print_columns(title, names, columns)


def _print_totals(boards: "dict[str, pd.DataFrame]", found: "Backtest") -> None:
    """One table for totals of all customers, newcomers included, both targets side by side."""
    answered = {target: board[board["origins"] > 0] for target, board in boards.items()}
    lead = list(answered.values())[-1]
    if len(lead) < 2:  # nobody but the forecast of nothing
        return
    columns = [
        _Column(
            f"{target}\n{said}",
            [_cell(score, board[score].get(name, float("nan"))) for name in lead.index],
        )
        for target, board in answered.items()
        for score, said in (("rmse_total", "RMSE"), ("bias", "bias"))
    ]
    title = f"Totals of all customers, new ones included, by period of {found.horizon}"
    _print_columns(title, [str(name) for name in lead.index], columns)


def _print_columns(title: str, models: Sequence[str], columns: Sequence[_Column]) -> None:
    """Show a model a row; what does not fit beside it follows in further tables."""
    wide = max(len(printable(name)) for name in models)
    if _too_wide(_beside(title, models, columns, wide)):
        longest_word = max(len(word) for name in models for word in printable(name).split())
        wide = min(longest_word, screen.width // 2)
    left = list(columns)
    while left:
        many = len(left)
        while many > 1 and _too_wide(_beside(title, models, left[:many], wide)):
            many -= 1
        screen.print(_beside(title, models, left[:many], wide))
        left, title = left[many:], "Further scores"


def _beside(title: str, models: Sequence[str], columns: Sequence[_Column], wide: int) -> Table:
    """Return one table; a name longer than ``wide`` takes a second line."""
    table = _table(title)
    table.add_column("model", overflow="fold", width=wide)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for at, name in enumerate(models):
        table.add_row(plain(name), *(column.cells[at] for column in columns))
    return table


def _too_wide(table: Table) -> bool:
    """Whether the screen would cut names or numbers."""
    wide = screen.options.update(max_width=1_000)
    return screen.measure(table, options=wide).maximum > screen.width


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
