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

from cyclopts import CycloptsError
from rich.markup import escape

from forecast.cli.commands import app
from forecast.cli.screen import err, screen
from forecast.errors import ForecastError, ForecastWarning, UsageError

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: Sequence[str]) -> int:
    try:
        with _spoken_warnings():
            app(
                arguments, exit_on_error=False, print_error=False, console=screen, error_console=err
            )
    except CycloptsError as error:
        return _failed(str(error).strip(), UsageError.exit_code)
    except ForecastError as error:
        return _failed(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _failed("Stopped; nothing was written.", 130)
    except MemoryError:
        return _failed("Out of memory. Read fewer columns or rows, or lower --draws.", 6)
    except OSError as error:
        return _failed(f"{error.filename or 'File'}: {error.strerror or error}.", 6)
    except Exception as error:
        where = f"{type(error).__name__}: {error}"
        return _failed(f"Internal error, please report it with the command you ran. {where}", 1)
    return 0


def _failed(message: str, code: int) -> int:
    err.print(f"[bold red]error:[/bold red] {escape(message)}", highlight=False)
    return code


def _terminated(number: int, frame: object) -> NoReturn:
    err.print("error: terminated; nothing was written.", highlight=False)
    sys.exit(128 + number)


@contextmanager
def _spoken_warnings() -> Iterator[None]:
    """Print this package's warnings as sentences; other packages' are no user's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ForecastWarning)
        warnings.showwarning = lambda message, *_, **__: err.print(
            f"[yellow]warning:[/yellow] {escape(str(message))}", highlight=False
        )
        yield
