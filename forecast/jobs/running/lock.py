"""One job at a time on an output folder: a file beside it says who is at work, and since when."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from forecast.errors import FileError, LockedError

__all__ = ["Holder", "locked"]


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    pid : int
        Process number.
    host : str
        Name of its computer.
    since : str
        When it began, ISO, in UTC.
    born : str
        What tells this process from a later one of the same number; empty where unknown.
    """

    pid: int
    host: str
    since: str
    born: str = ""

    @classmethod
    def here(cls) -> "Holder":
        """Return this process."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), now, _born(os.getpid()))

    @property
    def elsewhere(self) -> bool:
        """Whether it runs, or ran, on another computer, where nobody here can look for it."""
        return self.host != socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the process is there, on this computer."""
        return _there(self.pid) and (not self.born or _born(self.pid) in ("", self.born))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


@contextmanager
def locked(path: Path, what: str, *, break_lock: bool = False) -> Iterator[Holder | None]:
    """Hold the lock ``path`` while the block runs; yields the dead holder whose lock was broken.

    Parameters
    ----------
    path : Path
        The lock file; its folder exists.
    what : str
        What is locked, for messages.
    break_lock : bool
        Take over a lock whose process is dead or on another computer; never one that is alive.

    Raises
    ------
    LockedError
        If another process holds the lock, or left it behind.
    FileError
        If the file cannot be made.
    """
    try:
        before = _take(path, what, break_lock)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror or error}).") from error
    try:
        yield before
    finally:
        with suppress(OSError):
            path.unlink()


def _take(path: Path, what: str, break_lock: bool) -> Holder | None:
    """Write this process into the file, under the system's own lock, which dies with a process."""
    never_a_link = getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | never_a_link, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            with suppress(OSError):  # some network disks have none
                _claim(handle)
            if not _still(path, file.fileno()):
                continue  # its holder has just taken it away
            text = file.read()
            before = _read(text) if text else None
            if text:
                _refuse(path, what, before, break_lock)
            file.seek(0)
            file.truncate()
            json.dump(asdict(Holder.here()), file)
            file.flush()
            os.fsync(file.fileno())
            return before


def _claim(handle: int) -> None:
    """Wait for the system's own lock on an open file; closing the file gives it back."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)


def _still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _read(text: str) -> Holder:
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return Holder(0, "an unknown computer", "an unknown time")


def _refuse(path: Path, what: str, holder: Holder | None, break_lock: bool) -> None:
    """Raise unless the lock may be broken."""
    if holder is None or (break_lock and (holder.elsewhere or not holder.alive)):
        return
    if holder.elsewhere:
        raise LockedError(
            f"{what} is locked by {holder}. If that run is dead, break its lock: --break-lock "
            f"({path})."
        )
    if holder.alive:
        raise LockedError(f"{what} is locked by {holder}, which is still running. Wait for it.")
    raise LockedError(
        f"{what} was left locked by {holder}, which is dead. Go on from where it stopped with "
        "--break-lock."
    )


def _there(pid: int) -> bool:
    """Return whether a process of this number is running on this computer."""
    if sys.platform == "win32":  # signal 0 would interrupt it there
        import ctypes

        may_wait, still_running = 0x0010_0000, 0x102  # SYNCHRONIZE and WAIT_TIMEOUT
        kernel = ctypes.WinDLL("kernel32")
        handle = kernel.OpenProcess(may_wait, False, pid)
        try:
            return bool(handle and kernel.WaitForSingleObject(handle, 0) == still_running)
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # of another user
    return True


def _born(pid: int) -> str:
    """Return when a process began, in the system's ticks; empty where that cannot be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    facts = text.rpartition(")")[2].split()
    return "dead" if facts[0] in "ZX" else facts[19]  # a zombie waits for its parent alone
