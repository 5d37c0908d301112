"""Files of object stores and servers, through fsspec: copied here whole before they are read.

Who may read a store is said where its own driver looks for it (environment variables, profiles),
never in an address. Copies must fit the disk: they may take four fifths of what is free there.
"""

import glob
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from forecast.errors import FileError, ForecastError, UsageError, listed
from forecast.ledger.files import SUFFIXES

__all__ = ["fetch", "send"]

_KNOWN = (
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
    "hdfs",
    "sftp",
    "http",
    "https",
    "memory",
)
_SHARE = 0.8  # of the free disk


def fetch(address: str, folder: Path) -> tuple[str, str]:
    """Copy the files that an address names, with the folders they lie in.

    Parameters
    ----------
    address : str
        Of a file, folder or glob, such as ``s3://bucket/orders/year=*``.
    folder : Path
        An empty folder on this disk.

    Returns
    -------
    tuple of str
        The path to read, and the address that ``folder`` stands for.

    Raises
    ------
    UsageError
        If the address is of no known kind, or its driver is not installed.
    FileError
        If there is nothing, it cannot be read, or it is too large for the disk.
    """
    with _refusing(address):
        system, place = _opened(address)
        start, sizes = _found(system, place)
        if not sizes:
            raise FileError(f"{address}: no file is there named {', '.join(SUFFIXES)}.")
        _check_room(address, sum(sizes.values()), folder)
        for path in sizes:
            inside = PurePosixPath(path).relative_to(start)
            if ".." in inside.parts:
                raise FileError(f"{address}: {listed([path])} is no name for a file here.")
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(path, str(target))
            target.chmod(0o600)
    name = f"{address.partition('://')[0]}://{start.strip('/')}"
    if glob.has_magic(place):
        return str(Path(glob.escape(str(folder))) / "**" / "*"), name
    return str(target if system.isfile(place) else folder), name


def send(file: Path, address: str) -> None:
    """Copy a file to an address, under another name first: it is there whole or not at all.

    Raises
    ------
    UsageError, FileError
        As :func:`fetch`.
    """
    with _refusing(address):
        system, place = _opened(address)
        above, _, name = place.rpartition("/")
        system.makedirs(above, exist_ok=True)
        part = f"{above}/.{name}.part"
        system.put_file(str(file), part)
        system.mv(part, place)


def _opened(address: str) -> tuple[Any, str]:
    protocol = address.partition("://")[0].lower()
    if protocol not in _KNOWN or "::" in address:
        raise UsageError(f"{address}: addresses that are read begin with {', '.join(_KNOWN)}.")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(f"{address} needs fsspec: pip install 'ltv-forecast[remote]'.") from None
    try:
        system, place = url_to_fs(address)
    except ImportError as error:
        raise UsageError(
            f"{address} needs a driver beside fsspec ({str(error).splitlines()[0]})."
        ) from None
    return system, str(place)


def _found(system: Any, place: str) -> tuple[str, dict[str, int]]:
    """Return the folder to start from, and every file below it with its size in bytes."""
    if not glob.has_magic(place):
        if system.isfile(place):
            return place.rpartition("/")[0], {place: int(system.info(place).get("size") or 0)}
        return place, _below(system, place)
    parts = place.split("/")
    first = next(at for at, part in enumerate(parts) if glob.has_magic(part))
    found: dict[str, int] = {}
    for path, facts in sorted(system.glob(place, detail=True).items()):
        if facts["type"] == "directory":
            found |= _below(system, path)
        else:
            found[path] = int(facts.get("size") or 0)
    return "/".join(parts[:first]), found


def _below(system: Any, place: str) -> dict[str, int]:
    """Return the files of a folder; names that begin with a dot or underscore stay there."""
    return {
        path: int(facts.get("size") or 0)
        for path, facts in sorted(system.find(place, detail=True).items())
        if path.lower().endswith(SUFFIXES)
        and not any(part[0] in "._" for part in PurePosixPath(path).relative_to(place).parts)
    }


def _check_room(address: str, size: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > _SHARE * free:
        raise FileError(
            f"{address}: {size / 1e9:,.1f} GB to copy, and {folder.parent} has {free / 1e9:,.1f} "
            f"GB free, of which {_SHARE:.0%} may be used. Let TMPDIR name a larger disk."
        )


@contextmanager
def _refusing(address: str) -> Iterator[None]:
    """Say what a store's driver refuses, without repeating what it knows of keys."""
    try:
        yield
    except ForecastError:
        raise
    except FileNotFoundError:
        raise FileError(f"{address}: nothing is there.") from None
    except PermissionError:
        raise FileError(f"{address}: the store does not let this user in.") from None
    except Exception as error:  # every driver has its own, and some hold keys
        what = getattr(error, "strerror", None) or type(error).__name__
        raise FileError(f"{address}: the store cannot be used ({what}).") from None
