"""What a run says while it works: events, as plain lines or as JSON, without customers' names.

A run calls ``progress(event)``; a :class:`EventLog` is such a callable.
"""

import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from forecast.errors import ForecastError

__all__ = ["Event", "EventLog", "Kind", "Progress", "pace", "reason", "redacted"]

Kind = Literal["started", "progress", "ended", "note", "warning", "error", "outcome"]
_MOST = 5
_EVERY = 10.0  # seconds between two lines of one stage's progress
_QUOTED = re.compile(
    r"(?<!\w)(?:'((?:[^'\\\n]|\\.)+)'|\"((?:[^\"\\\n]|\\.)+)\")(?!\w)"  # no apostrophes
)


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run.

    Attributes
    ----------
    kind : str
        ``started`` and ``ended`` of a stage, ``progress`` inside it, ``note``, ``warning``,
        ``error``, and last of all ``outcome``.
    stage : str
        Name of the stage; empty for the whole run.
    message : str
        A sentence, or a part of one after the stage's name.
    done, of : int, optional
        How much is done of how much, for progress.
    facts : mapping
        Numbers and short texts by name, such as ``rows`` and ``seconds``.
    """

    kind: Kind
    stage: str
    message: str
    done: int | None = None
    of: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Progress = Callable[[Event], None]


@dataclass
class EventLog:
    """Writes events as lines.

    Parameters
    ----------
    write : callable
        Takes one line, without its end.
    as_json : bool
        Write JSON, one object a line; else plain text.
    quiet : bool
        Write errors alone (as JSON the outcome too).
    redact : bool
        Write quoted values as hashes, but for ``known`` ones.
    known : collection of str
        Names that are no customer's: columns, models, keys.
    clock : callable
        Seconds that pass, for the pace of progress.

    Examples
    --------
    >>> EventLog(print)(Event("ended", "read", "done", facts={"rows": 12000, "seconds": 0.5}))
    read: done (rows 12,000, seconds 0.5)
    """

    write: Callable[[str], None]
    as_json: bool = False
    quiet: bool = False
    redact: bool = False
    known: Collection[str] = ()
    clock: Callable[[], float] = time.monotonic
    _begun: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _said: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, event: Event) -> None:
        """Write an event, unless it is not to be written now."""
        now = self.clock()
        begun = self._begun.setdefault(event.stage, now)
        if event.kind == "started":
            self._begun[event.stage] = now
        if self.quiet and event.kind not in ("error", "outcome"):
            return
        if event.kind == "progress":
            if now - self._said.get(event.stage, begun) < _EVERY:
                return
            self._said[event.stage] = now
        line = self._json(event) if self.as_json else self._plain(event, now - begun)
        if line:
            self.write(line)

    def outcome(self, code: int, why: str, **facts: Any) -> None:
        """Write the last line: the exit code and, for machines, why."""
        self(Event("outcome", "", why, facts={"code": code, **facts}))

    def failed(self, error: BaseException, message: str, code: int) -> None:
        """Write what went wrong, and the outcome."""
        if self.redact:
            samples = getattr(error, "samples", ())
            message = redacted(message, samples=samples, known=self.known)
        self(Event("error", "", message))
        self.outcome(code, reason(error))

    def _json(self, event: Event) -> str:
        told: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": event.kind,
            "stage": event.stage,
            "message": self._clean(event.message),
            "done": event.done,
            "of": event.of,
        }
        kept = {name: each for name, each in told.items() if each not in (None, "")}
        facts = {name: self._fact(each) for name, each in event.facts.items() if name not in kept}
        return json.dumps(kept | facts, default=str)

    def _plain(self, event: Event, seconds: float) -> str:
        if event.kind == "outcome":  # an error has been said, a success is the report
            return ""
        text = self._clean(event.message)
        if event.done is not None:
            text = f"{text} {pace(event.done, event.of, seconds)}".strip()
        if event.facts:
            told = [f"{name} {_short(self._fact(each))}" for name, each in event.facts.items()]
            text += f" ({', '.join(told)})"
        head = f"{event.kind}: " if event.kind in ("note", "warning", "error") else ""
        stage = f"{event.stage}: " if event.stage else ""
        return f"{head}{stage}{text or event.kind}"

    def _fact(self, fact: Any) -> Any:
        """Shorten a list to five, and hide whom it names."""
        if isinstance(fact, str):
            return self._clean(fact)
        if isinstance(fact, Mapping):
            return {str(name): self._fact(each) for name, each in fact.items()}
        if isinstance(fact, float) and not math.isfinite(fact):
            return None
        if not isinstance(fact, Collection):
            return fact
        shown = [self._sample(each) for each in list(fact)[:_MOST]]
        return shown if len(fact) <= _MOST else [*shown, f"and {len(fact) - _MOST} more"]

    def _sample(self, sample: Any) -> Any:
        return _hash(str(sample)) if self.redact and str(sample) not in self.known else sample

    def _clean(self, text: str) -> str:
        return redacted(text, known=self.known) if self.redact else text


def redacted(text: str, *, samples: Collection[Any] = (), known: Collection[str] = ()) -> str:
    """Return text with quoted values, and the samples of an error, as hashes.

    The hash is the first 12 digits of the SHA-256 of the value: who has the customer can find it,
    who has the log alone cannot read it off.

    Examples
    --------
    >>> redacted("No column 'anna@shop.test'. Columns: 'day'.", known={"day"})
    "No column '#05f808bd51dc'. Columns: 'day'."
    """
    for sample in sorted({str(each) for each in samples}, key=len, reverse=True):
        bare = re.compile(rf"(?<![\w'\"#]){re.escape(sample)}(?![\w'\"])")
        text = bare.sub(_hash(sample), text)

    def hide(found: "re.Match[str]") -> str:
        value = found[1] or found[2]
        if value in known or re.fullmatch(r"#[0-9a-f]{12}", value):
            return found[0]
        return f"{found[0][0]}{_hash(value)}{found[0][-1]}"

    return _QUOTED.sub(hide, text)


def reason(error: BaseException) -> str:
    """Return the kind of an error for machines.

    Examples
    --------
    >>> from forecast.errors import TooLittleDataError
    >>> reason(TooLittleDataError("12 days.")), reason(KeyboardInterrupt())
    ('too_little_data', 'stopped')
    """
    if isinstance(error, ForecastError):
        words = re.findall("[A-Z][a-z]*", type(error).__name__.removesuffix("Error"))
        return "_".join(each.lower() for each in words) or "other"
    known = {KeyboardInterrupt: "stopped", MemoryError: "memory", OSError: "file"}
    return next((why for kind, why in known.items() if isinstance(error, kind)), "internal")


def pace(done: int, of: int | None, seconds: float) -> str:
    """Return how far work has come, how fast it goes, and how long it will take.

    Examples
    --------
    >>> pace(400_000, 1_000_000, 40.0)
    '400,000 of 1,000,000 (40 %), 10,000 a second, 1 min left'
    """
    text = f"{done:,}" if of is None else f"{done:,} of {of:,}"
    if of:
        text += f" ({100 * done // of} %)"
    if seconds <= 0 or done <= 0:
        return text
    rate = done / seconds
    text += f", {rate:,.0f} a second" if rate >= 10 else f", {rate:.2g} a second"
    return text if of is None or done >= of else f"{text}, {_length((of - done) / rate)} left"


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _short(fact: Any) -> str:
    if isinstance(fact, bool) or not isinstance(fact, int | float):
        return str(fact)
    return f"{fact:,}" if isinstance(fact, int) else f"{fact:,.4g}"


def _hash(value: str) -> str:
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:12]}"
