"""Put a finished folder in the place of yesterday's, so that a reader always finds one of them."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["publish", "recover", "settle"]

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def publish(made: Path, target: Path, spare: Path) -> None:
    """Move ``made`` to ``target`` in one step, with the rights that new files have here.

    A folder that was there is afterwards in the place of ``made``. Where the system cannot exchange
    two names it goes there by way of ``spare``; :func:`recover` undoes a move that was cut off.

    Parameters
    ----------
    made, target, spare : Path
        Folders on one file system.
    """
    _open_rights(made)
    if not target.exists():
        made.rename(target)
    elif not _exchanged(made, target):
        try:
            target.rename(spare)
            made.rename(target)
        except BaseException:
            recover(target, spare)
            raise
        with suppress(OSError):  # published; what it replaced may as well lie there
            spare.rename(made)
    settle(target.parent)


def recover(target: Path, spare: Path) -> bool:
    """Put back the folder that an interrupted :func:`publish` had set aside; says whether."""
    lost = spare.is_dir() and not target.exists()
    if lost:
        spare.rename(target)
        settle(target.parent)
    return lost


def settle(folder: Path) -> None:
    """Ask the system to keep a renaming; some file systems cannot be asked."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step, where the system can (Linux from 3.15, most disks)."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def _open_rights(folder: Path) -> None:
    """Give files and folders the rights that the umask leaves to new ones."""
    mask = os.umask(0)
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():  # what it points to is not ours
            continue
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
