"""The command ``ltv``: thin, with one exit code a kind of trouble.

0 ok, 1 internal, 2 usage, 3 input data, 4 model quality, 5 locked or exists, 6 files, 130 and 143
stopped by a signal.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from forecast.cli import (  # noqa: F401  (they add themselves)
    audit,
    backtest,
    completion,
    doctor,
    forecast,
    init,
    monitor,
    report,
    run,
    scenario,
    segments,
    value,
    verify,
)
from forecast.cli.app import app
from forecast.cli.hiding import hide
from forecast.cli.screen import err, print_problem, screen
from forecast.cli.stopping import leave, listen
from forecast.cli.trouble import explained
from forecast.errors import ForecastWarning

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    listen()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # never fail for want of a letter
    code = _run(sys.argv[1:] if arguments is None else arguments)
    leave()
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    hide(arguments)
    try:
        with _spoken_warnings():
            code = app(
                arguments, exit_on_error=False, print_error=False, console=screen, error_console=err
            )
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, it has an exit code
        message, code = explained(error, arguments)
        print_problem("error", message, getattr(error, "samples", ()))
    return code if isinstance(code, int) else 0


@contextmanager
def _spoken_warnings() -> Iterator[None]:
    """Print this package's warnings as sentences; other packages' are no user's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ForecastWarning)
        warnings.showwarning = lambda message, *_, **__: print_problem("warning", str(message))
        yield
