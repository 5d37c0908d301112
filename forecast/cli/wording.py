"""The package's messages in the words of the command line, safe to print on any terminal."""

import re
from dataclasses import fields

from forecast.cli.log import Log

__all__ = ["printable", "worded"]

_OPTIONS = {field.name for field in fields(Log)} - {"redact"} | {
    "burn_in", "draws", "every", "gap", "history", "min_history", "predictions", "refit",
    "untouched", "workers", "horizon", "model", "models", "origins", "seed", "step",
    "margin", "per_order", "rate", "ratio", "risk", "rules", "spend", "swing",
    "job", "max_bias", "max_psi", "min_coverage", "reference", "stale_days",
}  # fmt: skip
_NAMES = "|".join(sorted(_OPTIONS, key=len, reverse=True))
_SETTING = re.compile(rf"(?<!['\"\w.-])({_NAMES})=(\[\.\.\.\]|\(\))?")
_LEAD = re.compile(rf"^({_NAMES}): ")


def worded(message: str) -> str:
    r"""Return a message with Python's settings written as options.

    Examples
    --------
    >>> worded('Say how they are written: date_format="%d/%m/%Y".')
    'Say how they are written: --date-format "%d/%m/%Y".'
    >>> worded("draws: 1 must be 0 or at least 2.")
    '--draws: 1 must be 0 or at least 2.'
    """
    message = _LEAD.sub(lambda found: f"{_option(found[1])}: ", message)
    return printable(_SETTING.sub(_setting, message))


def printable(text: str) -> str:
    r"""Return text without signs that could move the cursor, hide or fail to print.

    Examples
    --------
    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _setting(found: "re.Match[str]") -> str:
    if found[2] == "()":
        return f"--no-{found[1].replace('_', '-')}"
    return f"{_option(found[1])} {'COLUMN' if found[2] else ''}"
