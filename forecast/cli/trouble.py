"""What to say of an error on the command line, and the exit code that goes with it."""

import signal
from collections.abc import Sequence

from cyclopts import CycloptsError, UnusedCliTokensError

from forecast.cli.app import COMMANDS
from forecast.cli.stopping import stopped_by
from forecast.errors import ForecastError, UsageError, listed

__all__ = ["explained"]


def explained(error: BaseException, arguments: Sequence[str] = ()) -> tuple[str, int]:
    """Return what to say of an error, and the exit code.

    Parameters
    ----------
    error : BaseException
    arguments : sequence of str
        The words of the command, to name its help where they are wrong.
    """
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
