"""What a run shows while it works: a bar on a terminal, lines in a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from forecast.cli.screen import err
from forecast.cli.stopping import go_on
from forecast.cli.wording import printable

if TYPE_CHECKING:
    from rich.progress import Task

    from forecast.jobs.running.logs import Event, EventLog

__all__ = ["shown"]


@contextmanager
def shown(log: "EventLog") -> Iterator[Callable[["Event"], None]]:
    """Give what a run calls with every event; it stops the run when somebody asked for that.

    On a terminal the present stage has a line of its own, with how much is done, at what rate and
    how long it will take; elsewhere, and as JSON, everything goes to the log.

    Parameters
    ----------
    log : EventLog
        Where lines go.
    """
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.text import Text

    from forecast.jobs.running.logs import pace

    class Pace(ProgressColumn):
        def render(self, task: "Task") -> Text:
            if not task.completed:
                return Text("")
            of = None if task.total is None else int(task.total)
            return Text(pace(int(task.completed), of, task.elapsed or 0.0))

    live = err.is_terminal and not log.as_json and not log.quiet
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), Pace())
    with Progress(*columns, console=err, transient=True, disable=not live) as bar:
        task, stage = bar.add_task("", total=None), ""

        def tell(event: "Event") -> None:
            nonlocal stage
            go_on()
            if not live or event.kind not in ("started", "progress"):
                log(event)
                return
            text = escape(printable(event.message))
            if event.kind == "started" or event.stage != stage:
                stage = event.stage
                bar.reset(task, total=event.of, completed=event.done or 0, description=text)
            else:
                bar.update(task, total=event.of, completed=event.done, description=text)

        yield tell
