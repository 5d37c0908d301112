"""Where a job may read and write: below its root, and nowhere else."""

import glob
import os
from fnmatch import fnmatch
from pathlib import Path

from forecast.errors import UsageError, listed

__all__ = ["is_address", "overlaps", "place", "place_of_pattern", "shown"]

_LONGEST = 255  # bytes of a name, on every usual file system


def is_address(text: str) -> bool:
    """Whether a source is an object store's address, such as ``s3://bucket/orders``."""
    return "://" in text


def place(text: str | Path, root: Path) -> Path:
    """Return the absolute path that a job file names, links followed.

    Parameters
    ----------
    text : str or Path
        As written, relative to the root or absolute.
    root : Path
        The folder that a job may not leave.

    Raises
    ------
    UsageError
        If the path leaves the root by ``..``, by a link or from the start, or is none.
    """
    root = root.resolve()
    try:
        if max(map(len, os.fsencode(text).split(b"/"))) > _LONGEST:
            raise ValueError(text)
        found = (root / text).resolve()
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"{_quoted(text)} is not a path that can be opened.") from None
    if not found.is_relative_to(root):
        raise UsageError(
            f"{_quoted(text)} leads out of {root}. Move it there, or name a wider folder: "
            "--root FOLDER."
        )
    return found


def place_of_pattern(text: str, root: Path) -> str:
    """Return the absolute path or glob that a job file names, as :func:`place` does.

    Of a glob the folder before its first sign must lie below the root; whether the files that it
    finds do is seen when they are looked for.
    """
    parts = Path(text).parts
    first = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    whole = place(text, root)
    if first == len(parts) or whole.exists():
        return str(whole)
    if ".." in parts[first:]:
        raise UsageError(f"{_quoted(text)} goes up again after a glob; write the path plainly.")
    folder = place(Path(*parts[:first]), root)
    return str(Path(glob.escape(str(folder)), *parts[first:]))


def shown(path: str | Path, root: Path) -> str:
    """Return a path or glob relative to the root, as it could stand in a job file."""
    text = str(path)
    for start in (str(root), glob.escape(str(root))):
        if text == start:
            return "."
        if text.startswith(f"{start.rstrip('/')}/"):
            return text.removeprefix(f"{start.rstrip('/')}/")
    return text


def overlaps(source: str, folder: Path, root: Path) -> bool:
    """Whether results written in ``folder`` would be read as purchases by the next run.

    Examples
    --------
    >>> overlaps("/shop/orders/*.parquet", Path("/shop/orders/out"), Path("/shop"))
    False
    >>> overlaps("/shop/*/*.parquet", Path("/shop/out"), Path("/shop"))
    True
    """
    wanted = Path(shown(source, root)).parts
    given = Path(shown(folder, root)).parts
    literal = Path(source).exists()
    for want, have in zip(wanted, given, strict=False):
        if want == "**":
            return True
        if want != have and (literal or not fnmatch(have, want)):
            return False
    return True


def _quoted(text: str | Path) -> str:
    return listed([str(text)])
