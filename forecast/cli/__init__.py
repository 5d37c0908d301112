"""The command ``ltv``: thin, with one exit code a kind of trouble.

0 ok, 1 internal, 2 usage, 3 input data, 4 model quality, 5 locked or exists, 6 files, 130 and 143
stopped by a signal.
"""

import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from cyclopts import CycloptsError, UnusedCliTokensError

from forecast.cli import (  # noqa: F401  (they add themselves)
    audit,
    backtest,
    forecast,
    report,
    scenario,
    segments,
    value,
)
from forecast.cli.app import COMMANDS, app
from forecast.cli.screen import err, print_problem, screen
from forecast.cli.stopping import leave, listen, stopped_by
from forecast.errors import ForecastError, ForecastWarning, UsageError, listed

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
    try:
        with _spoken_warnings():
            app(
                arguments, exit_on_error=False, print_error=False, console=screen, error_console=err
            )
    except (Exception, KeyboardInterrupt) as error:
        message, code = _explained(error, arguments)
        print_problem("error", message)
        return code
    return 0


def _explained(error: BaseException, arguments: Sequence[str]) -> tuple[str, int]:
    """Return what to say of an error, and the exit code."""
    number = stopped_by()
    if number is not None or isinstance(error, KeyboardInterrupt):
        kept = str(error) if isinstance(error, KeyboardInterrupt) else ""
        left = kept or "Nothing unfinished is left behind."
        return f"Stopped. {left}", 128 + (number or signal.SIGINT)
    if isinstance(error, CycloptsError):
        command = next((f" {word}" for word in arguments[:1] if word in COMMANDS), "")
        text = " ".join(str(error).split())
        if isinstance(error, UnusedCliTokensError):
            text = f"More words than the command takes: {listed(error.unused_tokens or [])}."
        return f"{text} See ltv{command} --help.", UsageError.exit_code
    if isinstance(error, ForecastError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        return "Out of memory. Read fewer columns or rows, or lower --draws.", 6
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}.", 6
    where = f"{type(error).__name__}: {error}"
    return f"Internal error; please report it with the command you ran. {where}", 1


@contextmanager
def _spoken_warnings() -> Iterator[None]:
    """Print this package's warnings as sentences; other packages' are no user's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ForecastWarning)
        warnings.showwarning = lambda message, *_, **__: print_problem("warning", str(message))
        yield
