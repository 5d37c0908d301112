"""``ltv audit``: what is in a log."""

from forecast.cli.accusing import print_checks
from forecast.cli.app import app
from forecast.cli.log import Log
from forecast.cli.screen import waiting
from forecast.cli.tables import print_audit

__all__ = ["audit"]


@app.command
def audit(file: str, /, *, log: Log | None = None) -> None:
    """Read a log and say what is in it, and what of it misleads a forecast.

    Example: `ltv audit orders.csv --customer customer_id --date date --value amount`

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    """
    with waiting(f"Reading {file}"):
        ledger = (log or Log()).read(file)
    print_audit(ledger)
    print_checks(ledger)
