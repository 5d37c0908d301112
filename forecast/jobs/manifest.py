"""What a folder of results was made from, and the SHA-256 of every file in it."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from forecast.errors import DataError, FileError, UsageError, listed

__all__ = ["MANIFEST", "check_files", "foreign_files", "record_file", "write_manifest"]

MANIFEST = "manifest.json"
_PACKAGES = ("ltv-forecast", "numpy", "pandas", "scipy")


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: the facts, the versions, the SHA-256 of every other file."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    files = {_name(path, folder): _digest(path) for path in _files(folder)}
    _put(folder, dict(facts) | {"versions": versions, "files": files})


def check_files(folder: Path, *, but: tuple[str, ...] = ()) -> None:
    """Refuse a folder that is not one of results, or whose files are not those written.

    Parameters
    ----------
    folder : Path
        What an earlier run wrote.
    but : tuple of str
        Files that are about to be written anew, and may be missing or changed.

    Raises
    ------
    UsageError
        If the folder is not one that ``ltv`` wrote.
    DataError
        If files are missing or differ from what was written.
    """
    facts = _facts(folder)
    if facts is None:
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    written = {name: digest for name, digest in facts["files"].items() if name not in but}
    missing = sorted(name for name in written if not (folder / name).is_file())
    changed = sorted(
        name
        for name, digest in written.items()
        if name not in missing and _digest(folder / name) != digest
    )
    for names, what in ((missing, "missing"), (changed, "not as they were written")):
        if names:
            raise DataError(
                f"{folder}: {len(names)} of {len(written)} files are {what}: {listed(names)}. "
                "Make the folder anew."
            )


def foreign_files(folder: Path) -> list[str]:
    """Return the names of files in ``folder`` that its manifest does not list."""
    facts = _facts(folder)
    known = set() if facts is None else {MANIFEST, *facts["files"]}
    return [name for path in _files(folder) if (name := _name(path, folder)) not in known]


def record_file(folder: Path, name: str) -> None:
    """Take the present SHA-256 of one file into the manifest."""
    facts = _facts(folder)
    if facts is None:
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    facts["files"][name] = _digest(folder / name)
    _put(folder, facts)


def _facts(folder: Path) -> dict[str, Any] | None:
    """Return the manifest; None where there is none, or somebody else's."""
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        ours = "ltv-forecast" in facts["versions"] and isinstance(facts["files"], dict)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"{folder / MANIFEST}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError):
        return None
    return facts if ours else None


def _files(folder: Path) -> list[Path]:
    """All that is in a folder but plain folders with something in them."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
        if path != folder / MANIFEST
    )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest(path: Path) -> str:
    """SHA-256 of a file, which is on the disk for good once this returns."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest


def _put(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write beside the manifest and move over it, so that it is never half written."""
    facts = dict(facts) | {"files": dict(sorted(facts["files"].items()))}
    text = json.dumps(facts, indent=1, default=str) + "\n"
    part = folder / f".{MANIFEST}.{os.getpid()}.part"
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, folder / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
