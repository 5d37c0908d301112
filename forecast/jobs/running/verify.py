"""Whether a folder of results is whole, and as it was written."""

from dataclasses import dataclass
from pathlib import Path

from forecast.errors import DataError, FileError, UsageError
from forecast.jobs.folders.manifest import (
    MANIFEST,
    SUCCESS,
    check_files,
    foreign_files,
    manifest_of,
)

__all__ = ["Verified", "verify"]


@dataclass(frozen=True)
class Verified:
    """A folder that is whole.

    Attributes
    ----------
    folder : Path
    command : str
        What wrote it: ``run``, ``forecast``, ``backtest`` and so on.
    run_id : str
        Of a job; empty for other commands.
    files : int
        How many files were compared with their SHA-256.
    strange : tuple of str
        Files that ``ltv`` did not write, and nobody vouches for.
    """

    folder: Path
    command: str
    run_id: str
    files: int
    strange: tuple[str, ...]


def verify(folder: str | Path) -> Verified:
    """Compare every file of a folder of results with what its manifest says.

    Raises
    ------
    FileError
        If there is no such folder.
    UsageError
        If it is not one that ``ltv`` wrote.
    DataError
        If files are missing or changed, the manifest is damaged or of a newer version, or a job
        did not finish: without ``_SUCCESS`` nothing in the folder should be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileError(f"{folder} does not exist or is no folder.")
    facts = manifest_of(folder)
    if facts is None:
        if any((folder / name).exists() for name in (MANIFEST, SUCCESS)):
            raise DataError(f"{folder}: {MANIFEST} is missing or damaged. Run the job again.")
        raise UsageError(f"{folder} is not a folder made by ltv.")
    check_files(folder)
    job = facts.get("command") == "run"
    if job and not (folder / SUCCESS).is_file():
        failed = "; ".join(f"{name}: {why}" for name, why in facts.get("failed", {}).items())
        raise DataError(
            f"{folder}: the job did not finish ({failed or f'{SUCCESS} is missing'}). Run it again."
        )
    return Verified(
        folder, str(facts.get("command", "")), str(facts.get("run_id", "")), len(facts["files"]),
        tuple(foreign_files(folder)),
    )  # fmt: skip
