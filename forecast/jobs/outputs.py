"""Output folders that appear whole or not at all."""

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from forecast.errors import FileError, LockedError

__all__ = ["MANIFEST", "check_free", "output_folder"]

MANIFEST = "manifest.json"


def check_free(path: str | Path, *, overwrite: bool = False) -> Path:
    """Refuse a place that cannot be written, before any work is done for it.

    Raises
    ------
    LockedError
        If the folder holds something and may not, or must not, be replaced: only a folder this
        package wrote is ever removed.
    FileError
        If the parent cannot be made or written.
    """
    target = Path(path)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LockedError(f"{target} exists and is not a folder.")
    if target.is_dir() and any(target.iterdir()):
        if not overwrite:
            raise LockedError(f"{target} is not empty. Choose another folder, or --overwrite it.")
        if not (target / MANIFEST).is_file():
            raise LockedError(f"{target} holds files that ltv did not write; it stays as it is.")
    near = next(each for each in (target.absolute(), *target.absolute().parents) if each.exists())
    if not near.is_dir() or not os.access(near, os.W_OK):
        raise FileError(f"{target}: no permission to write in {near}.")
    return target


@contextmanager
def output_folder(
    path: str | Path, *, overwrite: bool = False, manifest: Mapping[str, Any] | None = None
) -> Iterator[Path]:
    """Give a temporary folder to write in; on success move it to ``path`` in one step.

    On any error the temporary folder is removed and ``path`` stays as it was. ``manifest.json``
    is written last, with the versions and the SHA-256 of every file.

    Parameters
    ----------
    path : str or Path
        The folder to make; its parents are made too.
    overwrite : bool
        Replace a folder that an earlier run wrote.
    manifest : mapping, optional
        Facts to record beside versions and hashes.
    """
    target = check_free(path, overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise FileError(f"{target}: cannot be made ({error.strerror}).") from error
    try:
        yield part
        _write_manifest(part, dict(manifest or {}))
        part.chmod(0o777 & ~_umask())
        _move(part, target)
    except OSError as error:
        raise FileError(f"{target}: cannot be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _move(part: Path, target: Path) -> None:
    old = None
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / "old"
        target.rename(old)
    part.rename(target)
    if old is not None:
        shutil.rmtree(old.parent, ignore_errors=True)


def _write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts["versions"] = {"python": platform.python_version()} | {
        name: version(name) for name in ("ltv-forecast", "numpy", "pandas", "scipy")
    }
    facts["files"] = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    text = json.dumps(facts, indent=1, default=str) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
