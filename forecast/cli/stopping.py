"""Stop at once, and cleanly, when Ctrl-C or the system asks for it."""

import signal
import time

__all__ = ["go_on", "leave", "listen", "stopped_by"]

_received: list[tuple[int, float]] = []
_REPEAT = 2.0  # seconds: `timeout` and terminals send a signal twice; cleaning up is not disturbed


def listen() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt in the main thread."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a background job
        signal.signal(signal.SIGINT, _stop)


def leave() -> None:
    """Let no further signal disturb the end of a process that was stopped."""
    if _received:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def go_on() -> None:
    """Raise again what somebody's ``except`` swallowed: called between the steps of long work."""
    if _received:
        raise KeyboardInterrupt


def stopped_by() -> int | None:
    """Return the number of the signal that came, if one did."""
    return _received[0][0] if _received else None


def _stop(number: int, frame: object) -> None:
    now = time.monotonic()
    repeated = bool(_received) and now - _received[0][1] < _REPEAT
    _received.append((number, now))
    if not repeated:
        raise KeyboardInterrupt
