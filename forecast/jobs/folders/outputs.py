"""Output folders that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from forecast.errors import FileError, LockedError, UsageError, listed
from forecast.jobs.folders.manifest import MANIFEST, SUCCESS, foreign_files, write_manifest
from forecast.jobs.folders.publishing import publish

__all__ = ["check_free", "output_folder"]


def check_free(path: str | Path, *, overwrite: bool = False) -> Path:
    """Refuse a place that cannot be written, before any work is done for it.

    Raises
    ------
    UsageError
        If it is the working folder or one above it.
    LockedError
        If the folder holds something and may not, or must not, be replaced: only a folder this
        package wrote, with nothing else in it, is ever removed.
    FileError
        If the parent cannot be made or written.
    """
    target = Path(path)
    place = Path(os.path.abspath(target))
    if Path.cwd().is_relative_to(place.resolve()):
        raise UsageError(f"{target} is the folder you are in, or above it; name one to make.")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LockedError(f"{target} exists and is not a folder. Choose another name.")
    if target.is_dir() and any(target.iterdir()):
        foreign = foreign_files(target)
        if foreign or not any((target / name).is_file() for name in (MANIFEST, SUCCESS)):
            raise LockedError(
                f"{target} holds files that ltv did not write ({listed(foreign)}); it stays as "
                "it is. Choose another folder."
            )
        if not overwrite:
            raise LockedError(f"{target} is not empty. Choose another folder, or --overwrite it.")
    near = next(each for each in place.parents if each.exists())
    if not near.is_dir():
        raise FileError(f"{target} cannot be made: {near} is not a folder.")
    if not os.access(near, os.W_OK | os.X_OK):
        raise FileError(f"{target} cannot be made: no permission to write in {near}.")
    return target


@contextmanager
def output_folder(
    path: str | Path, *, overwrite: bool = False, manifest: Mapping[str, Any] | None = None
) -> Iterator[Path]:
    """Give a temporary folder to write in; on success move it to ``path`` in one step.

    On any error, or when stopped, the temporary folder is removed and ``path`` stays as it was.
    ``manifest.json`` is written last, with the versions and the SHA-256 of every file.

    Parameters
    ----------
    path : str or Path
        The folder to make; its parents are made too.
    overwrite : bool
        Replace a folder that an earlier run wrote.
    manifest : mapping, optional
        Facts to record beside versions and hashes.

    Raises
    ------
    UsageError, LockedError, FileError
        As :func:`check_free`, or if the disk refuses.
    """
    shown = check_free(path, overwrite=overwrite)
    target = Path(os.path.abspath(shown))
    made = [each for each in target.parents if not each.exists()]
    part = target.parent / f".{target.name}.{secrets.token_hex(4)}.part"
    spare, done = part.with_suffix(".old"), False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        yield part
        write_manifest(part, manifest or {})
        check_free(shown, overwrite=overwrite)  # another run may have been quicker
        publish(part, target, spare)
        done = True
    except OSError as error:
        raise FileError(f"{shown} cannot be written ({error.strerror or error}).") from error
    except FileError as error:  # tell of the folder asked for, not of the temporary one
        raise FileError(str(error).replace(str(part), str(shown))) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if target.exists():  # else it is the only copy of what was there
            shutil.rmtree(spare, ignore_errors=True)
        for each in [] if done else made:
            with suppress(OSError):  # parents made for nothing, unless another put something there
                each.rmdir()
