"""``ltv report``: the page once more, from what was saved."""

from pathlib import Path

from forecast.cli.app import app
from forecast.cli.asked import load_proof
from forecast.cli.screen import print_done, waiting
from forecast.errors import UsageError

__all__ = ["report"]

PAGE = "report.html"


@app.command
def report(folder: Path, /) -> None:
    """Write report.html anew from a folder that ltv forecast or ltv backtest made.

    Example: `ltv report forecast`

    Parameters
    ----------
    folder
        The folder.
    """
    from forecast.jobs import check_files, load_forecast, record_file
    from forecast.ledger.storage import load_ledger
    from forecast.report import report

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    check_files(folder, but=(PAGE,))
    with waiting(f"Reading {folder}"):
        proof = load_proof(folder) if (folder / "backtest").is_dir() else None
        found = load_forecast(folder) if (folder / "forecast.json").is_file() else None
        ledger = load_ledger(folder / "ledger") if (folder / "ledger").is_dir() else None
    with waiting("Writing the report"):
        report(folder / PAGE, ledger=ledger, forecast=found, backtest=proof)
        record_file(folder, PAGE)
    print_done(folder)
