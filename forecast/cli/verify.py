"""``ltv verify``: whether a folder of results is whole, and as it was written."""

from pathlib import Path

from forecast.cli.app import app
from forecast.cli.screen import print_problem, screen, waiting
from forecast.cli.wording import printable
from forecast.errors import listed

__all__ = ["verify"]


@app.command
def verify(folder: Path, /) -> None:
    """Compare every file of a folder of results with its manifest.

    Example: `ltv verify out`

    Ends with 0 where all is as it was written, with 3 where files are missing or changed, or a job
    did not finish. The next run of the job makes anew what is damaged.

    Parameters
    ----------
    folder
        What ltv run, forecast, backtest, value, segments or scenario wrote.
    """
    from forecast.jobs.running.verify import verify

    with waiting(f"Reading {folder}"):
        found = verify(folder)
    if found.strange:
        many = "1 file is" if len(found.strange) == 1 else f"{len(found.strange)} files are"
        print_problem("note", f"{many} not of ltv: {listed(found.strange)}.")
    run = f", run {found.run_id}" if found.run_id else ""
    screen.print(
        f"{printable(str(folder))}: {found.files} files, all as ltv {found.command} wrote them"
        f"{run}.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
