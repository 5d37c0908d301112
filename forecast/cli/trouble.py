"""What to say of an error on the command line, and the exit code that goes with it."""

import difflib
import re
import signal
from collections.abc import Sequence
from itertools import takewhile

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError

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
        elif isinstance(error, MissingArgumentError) and not error.keyword:
            text = _missing(error, arguments)
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


def _missing(error: MissingArgumentError, arguments: Sequence[str]) -> str:
    """Name all that a command needs and was not given, as its example has it.

    Examples
    --------
    >>> from forecast.cli import app
    >>> try:
    ...     app("forecast orders.csv", exit_on_error=False, print_error=False)
    ... except CycloptsError as error:
    ...     print(explained(error, ["forecast", "orders.csv"])[0])
    --horizon and --out are missing, e.g. --horizon 26W --out forecast. See ltv forecast --help.
    """
    assert error.app is not None
    assert error.argument is not None
    example = re.search(r"^ *Example: `(.+)`", error.target.__doc__ or "", re.MULTILINE)
    words = example[1] if example else ""
    given = {word.partition("=")[0] for word in takewhile("--".__ne__, arguments)}
    names = [
        each.name
        for each in error.app.assemble_argument_collection()
        if each.required and each.name.startswith("--") and not given.intersection(each.names)
    ]
    if not error.argument.name.startswith("--"):  # positional: looked for before all options
        names, shown = [error.argument.name, *names], words
    else:
        shown = " ".join(found[0] for name in names if (found := re.search(rf"{name} \S+", words)))
    listing = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    said = f"{listing} {'are' if len(names) > 1 else 'is'} missing, e.g. {shown}."
    for word in error.unused_tokens or ():
        if near := difflib.get_close_matches(word, names, n=1):
            said += f" Did you mean {near[0]} by {word!r}?"
    return said
