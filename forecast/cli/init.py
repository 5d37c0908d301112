"""``ltv init``: a job file to begin with."""

from pathlib import Path

from forecast.cli.app import app
from forecast.cli.log import Log
from forecast.cli.screen import screen
from forecast.cli.wording import printable
from forecast.errors import FileError, LockedError

__all__ = ["init"]


@app.command
def init(file: str, /, *, out: Path = Path("job.toml"), log: Log | None = None) -> None:
    """Write a commented job file for a log, with the columns that it has.

    Example: `ltv init orders.csv --out job.toml`

    Only the names of columns are read. Settings given here are written down; customer, date and
    value are guessed where there is no doubt.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them, below the folder of
        the job file.
    out
        The job file to make; a file that is there stays.
    """
    from forecast.jobs.job_file.example import example_job

    if out.exists() or out.is_symlink():
        raise LockedError(f"{out} exists already. Choose another name: --out.")
    if not out.absolute().parent.is_dir():
        raise FileError(f"{out} cannot be made: its folder does not exist.")
    log = log or Log()
    known = log.chosen() | {"delimiter": log.separator}
    text = example_job(file, root=out.absolute().parent, **known)
    with out.open("x", encoding="utf-8", newline="\n") as job:
        job.write(text)
    screen.print(
        f"{printable(str(out))} is written. See what it would do: ltv run {printable(str(out))} "
        "--dry-run",
        markup=False, soft_wrap=True,
    )  # fmt: skip
