"""``ltv doctor``: whether everything that ltv needs is here."""

from collections import Counter

from rich import box
from rich.markup import escape
from rich.table import Table

from forecast.cli.app import app
from forecast.cli.screen import screen, waiting
from forecast.cli.wording import printable

__all__ = ["doctor"]

_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


@app.command
def doctor() -> int:
    """Look at the installation and the machine, and say how to mend what is amiss.

    Example: `ltv doctor`

    Names versions, extras, processors, memory, disk space and encoding, and forecasts a simulated
    shop; it shows no paths, names or data, so its output can go into a report of a bug. Ends with
    0 where work can begin, with 1 where something that everything needs is broken; what an extra
    lacks is a note.
    """
    from forecast.cli.installation import findings

    with waiting("Looking"):
        found = list(findings())
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    for each in found:
        told = f"{each.found}. {each.remedy}" if each.remedy else each.found
        table.add_row(f"[{_STYLES[each.state]}]{each.state}[/]", each.what, escape(printable(told)))
    screen.print(table)
    many = Counter(each.state for each in found)
    if many["problem"]:
        screen.print(f"{many['problem']} to mend before work can begin.")
        return 1
    screen.print(f"Ready. {many['note']} notes." if many["note"] else "Ready.")
    return 0
