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

__all__ = [
    "FORMAT",
    "MANIFEST",
    "SUCCESS",
    "check_files",
    "digest_of",
    "foreign_files",
    "is_sound",
    "manifest_of",
    "record_file",
    "versions",
    "write_manifest",
]

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
FORMAT = 1  # later ones keep "format", "versions" and "checksum", so that this one can refuse them
_PACKAGES = ("ltv-forecast", "numpy", "pandas", "scipy")


def versions(*more: str) -> dict[str, str]:
    """Return the versions of Python, of this package and of what it computes with."""
    packages = {name: version(name) for name in (*_PACKAGES, *more)}
    return {"python": platform.python_version()} | packages


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: the facts, the versions, the SHA-256 of every other file."""
    files = {_name(path, folder): digest_of(path) for path in _files(folder)}
    _put(folder, {"format": FORMAT, "versions": versions()} | dict(facts) | {"files": files})


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder that ``ltv`` wrote, None for any other.

    Raises
    ------
    DataError
        If it is of a newer format.
    """
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        ours = "ltv-forecast" in facts["versions"] and isinstance(facts["files"], dict)
        newer = facts.get("format", 1) > FORMAT
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"{folder / MANIFEST}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError):
        return None
    if ours and newer and is_sound(facts):
        raise DataError(
            f"{folder} was written by a newer version (ltv-forecast "
            f"{facts['versions']['ltv-forecast']}, format {facts['format']}; this is "
            f"{version('ltv-forecast')}, which reads up to format {FORMAT})."
        )
    return facts if ours else None


def is_sound(facts: Mapping[str, Any]) -> bool:
    """Whether a manifest is as it was written, by its own checksum."""
    return bool(facts.get("checksum", _checksum(facts)) == _checksum(facts))


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
    facts = manifest_of(folder)
    if facts is None:
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    if not is_sound(facts):
        raise DataError(f"{folder}: {MANIFEST} is not as it was written. Make the folder anew.")
    written = {name: digest for name, digest in facts["files"].items() if name not in but}
    missing = sorted(name for name in written if not (folder / name).is_file())
    changed = sorted(
        name
        for name, digest in written.items()
        if name not in missing and digest_of(folder / name) != digest
    )
    for names, what in ((missing, "missing"), (changed, "not as they were written")):
        if names:
            raise DataError(
                f"{folder}: {len(names)} of {len(written)} files are {what}: {listed(names)}. "
                "Make the folder anew."
            )


def foreign_files(folder: Path) -> list[str]:
    """Return the names of files in ``folder`` that neither its manifest nor its mark lists."""
    facts, marked = manifest_of(folder), _marked(folder)
    known = set() if facts is None and not marked else {MANIFEST, SUCCESS, *marked}
    known |= set() if facts is None else set(facts["files"])
    return [name for path in _files(folder) if (name := _name(path, folder)) not in known]


def record_file(folder: Path, name: str) -> None:
    """Take the present SHA-256 of one file into the manifest."""
    facts = manifest_of(folder)
    if facts is None:
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    facts["files"][name] = digest_of(folder / name)
    _put(folder, facts)


def _marked(folder: Path) -> set[str]:
    """Return the files that the mark of a finished job lists, should the manifest be damaged."""
    try:
        return set(json.loads((folder / SUCCESS).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _checksum(facts: Mapping[str, Any]) -> str:
    """SHA-256 of everything else in a manifest."""
    rest = {name: each for name, each in facts.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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


def digest_of(path: Path) -> str:
    """SHA-256 of a file, which is on the disk for good once this returns."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest


def _put(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write beside the manifest and move over it, so that it is never half written."""
    facts = dict(facts) | {"files": dict(sorted(facts["files"].items()))}
    facts |= {"checksum": _checksum(json.loads(json.dumps(facts, default=str)))}
    text = json.dumps(facts, indent=1, default=str) + "\n"
    part = folder / f".{MANIFEST}.{os.getpid()}.part"
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
