"""``model.json`` and the files of bytes beside it: written whole, read only as they were written.

The JSON holds its own SHA-256 and that of the files beside it. Nothing else is opened.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from forecast.errors import DataError, FileError
from forecast.jobs.folders.manifest import versions

__all__ = ["ARRAYS", "ESTIMATORS", "file_of", "read_file", "write_file"]

ARRAYS, ESTIMATORS = KINDS = ".parquet", ".skops"
FORMAT = 1
KIND = "ltv-forecast model"
MOST_JSON, MOST_BESIDE = 1 << 26, 1 << 31  # bytes


def file_of(path: str | Path) -> Path:
    """Return the JSON file that a path means: ``model.json`` where it is a folder."""
    found = Path(path)
    return found if found.suffix == ".json" and not found.is_dir() else found / "model.json"


def write_file(
    file: Path, told: Mapping[str, Any], state: Any, beside: Mapping[str, bytes]
) -> None:
    """Write what is told of a model, its state, and the bytes beside it.

    Parameters
    ----------
    file : Path
        The JSON file; its folder is made where it is missing.
    told : mapping
        ``model``, ``cutoff`` and ``horizons``.
    state : JSON
        The model.
    beside : mapping of str to bytes
        ``ARRAYS`` or ``ESTIMATORS`` to what goes into the file with that ending.

    Raises
    ------
    FileError
        If the disk refuses.
    """
    contents = {file.with_suffix(kind): content for kind, content in beside.items()}
    facts = {"kind": KIND, "format": FORMAT} | dict(told) | {
        "versions": versions("scikit-learn"),
        "files": {path.name: _sha256(content) for path, content in contents.items()},
        "state": state,
    }  # fmt: skip
    text = json.dumps(facts | {"sha256": _digest(facts)}, indent=1, allow_nan=False) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(contents | {file: text.encode()})
    except OSError as error:
        raise FileError(f"{file} cannot be written ({error.strerror or error}).") from error


def read_file(file: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what stands in a model file, and the bytes beside it by their ending.

    Raises
    ------
    FileError
        If a file is not there or cannot be read.
    DataError
        If it is no model file, was changed or cut short, or is of a newer version.
    """
    facts = _facts(file)
    beside = {
        Path(name).suffix: _beside(file, name, digest) for name, digest in facts["files"].items()
    }
    return facts, beside


def _facts(file: Path) -> dict[str, Any]:
    """Return the checked content of the JSON file."""
    content = _read(file, MOST_JSON)
    if not content.strip():
        raise DataError(f"{file} is empty. Save the model again.")
    try:
        facts = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{file} is no model file of JSON: cut short, or something else such as a pickle, "
            f"which is never read ({error})."
        ) from None
    if not isinstance(facts, dict) or facts.get("kind") != KIND:
        raise DataError(f"{file} is no model file of ltv-forecast.")
    known = facts.get("format")
    if not isinstance(known, int) or isinstance(known, bool) or known < 1:
        raise DataError(f"{file}: format {str(known)[:40]!r} is unknown.")
    if known > FORMAT:
        by = facts.get("versions", {}) if isinstance(facts.get("versions"), dict) else {}
        raise DataError(
            f"{file} was written by a newer version (format {known}, ltv-forecast "
            f"{by.get('ltv-forecast', 'unknown')}); this one, {version('ltv-forecast')}, reads up "
            f"to format {FORMAT}. Install the newer one."
        )
    given = facts.pop("sha256", None)
    if given != _digest(facts):
        raise DataError(f"{file} is not as it was written (SHA-256). Save the model again.")
    names = ("model", "cutoff", "horizons", "versions", "files", "state")
    if missing := [name for name in names if name not in facts]:
        raise DataError(f"{file} lacks {missing[0]!r}. Save the model again.")
    if not isinstance(facts["files"], dict):
        raise DataError(f"{file}: a damaged list of files.")
    return facts


def _beside(file: Path, name: str, digest: Any) -> bytes:
    """Return the content of a file beside the JSON, if it is the one that was written."""
    if name not in [file.with_suffix(kind).name for kind in KINDS]:
        raise DataError(
            f"{file}: its file {name[:60]!r} must lie beside it under its own name. Was it renamed?"
        )
    other = file.with_name(name)
    content = _read(other, MOST_BESIDE)
    if _sha256(content) != digest:
        raise DataError(
            f"{other} is not as it was written with {file.name} (SHA-256). Save the model again."
        )
    return content


def _read(file: Path, most: int) -> bytes:
    try:
        if file.stat().st_size > most:
            raise DataError(f"{file} is larger than a model file can be ({most:,} bytes).")
        return file.read_bytes()
    except OSError as error:
        raise FileError(f"{file} cannot be read ({error.strerror or error}).") from error


def _write(contents: dict[Path, bytes]) -> None:
    """Write all files whole beside their places, then move them there, the JSON last."""
    parts = {path.with_name(f".{path.name}.{os.getpid()}.part"): path for path in contents}
    try:
        for part, path in parts.items():
            with part.open("wb") as file:
                file.write(contents[path])
                file.flush()
                os.fsync(file.fileno())
        for part, path in parts.items():
            os.replace(part, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _digest(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _sha256(text.encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
