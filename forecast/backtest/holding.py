"""One run at a time in a folder: a second one is refused while the first is alive."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import LockedError

__all__ = ["held"]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for this process while the body runs.

    The system lets go of it when the process ends, however it ends, and nothing is left behind.
    Where the system cannot hold a folder (Windows, some network disks), nothing is refused.

    Parameters
    ----------
    folder : Path
        It exists.

    Raises
    ------
    LockedError
        If another run holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, held(Path(name)):
    ...     pass
    """
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, PermissionError):
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"Another backtest is running in {folder}. Wait for it, or choose a new folder."
            ) from None
        except OSError:  # a disk that knows no locks
            pass
        yield
    finally:
        os.close(handle)
