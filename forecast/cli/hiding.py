"""Customers out of messages: where ``--redact`` asks for it, quoted values become hashes."""

from collections.abc import Collection, Sequence
from contextvars import ContextVar
from typing import Any

__all__ = ["hidden", "hide"]

_known: ContextVar[frozenset[str] | None] = ContextVar("known", default=None)


def hide(arguments: Sequence[str]) -> None:
    """Hide from now on all but the words of the command line itself, if they ask for it."""
    _known.set(frozenset(arguments) if "--redact" in arguments else None)


def hidden(text: str, samples: Collection[Any] = ()) -> str:
    """Return a message as it may be shown.

    Parameters
    ----------
    text : str
    samples : collection
        Values of the log that stand in it without quotes.
    """
    known = _known.get()
    if known is None:
        return text
    from forecast.jobs.running.logs import redacted

    return redacted(text, samples=samples, known=known)
