"""``ltv report``: the page once more, from what was saved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from forecast.cli.app import app
from forecast.cli.kept import FORECAST, currency_in, kept_tables, title_of
from forecast.cli.screen import print_done, waiting
from forecast.errors import UsageError

__all__ = ["report"]

PAGE, MARKDOWN = "report.html", "report.md"
BESIDE = ("report_tables", "report_figures")


@app.command
def report(
    folder: Path,
    /,
    *,
    markdown: bool = False,
    tables: Literal["csv", "parquet"] | None = None,
    contact_cost: float | None = None,
) -> None:
    """Write report.html anew from a folder that ltv made, or the same as Markdown.

    Example: `ltv report forecast --tables csv`

    Parameters
    ----------
    folder
        What ltv forecast, backtest, value, segments or scenario wrote.
    markdown
        Write report.md, its drawings in report_figures, and leave report.html as it is.
    tables
        Write the tables of the page as files too, into report_tables.
    contact_cost
        Of contacting a customer, for the profit curve of a backtest.
    """
    from forecast.backtest import Backtest
    from forecast.jobs import check_files, load_forecast, record_file
    from forecast.jobs.folders.manifest import manifest_of
    from forecast.ledger.storage import load_ledger
    from forecast.report import report

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder made by ltv.")
    check_files(folder, but=(PAGE, MARKDOWN, *_beside(folder)))
    with waiting(f"Reading {folder}"):
        proof = Backtest.load(folder / "backtest") if (folder / "backtest").is_dir() else None
        place = folder / FORECAST if (folder / FORECAST).is_dir() else folder
        found = load_forecast(place) if (place / "forecast.json").is_file() else None
        ledger = load_ledger(folder / "ledger") if (folder / "ledger").is_dir() else None
        value = kept_tables(folder)
    if ledger is None and found is None and proof is None and value is None:
        raise UsageError(f"{folder} keeps nothing that a page can be made of.")
    facts = manifest_of(folder) or {}
    page = folder / (MARKDOWN if markdown else PAGE)
    with waiting("Writing the report"):
        report(
            page, ledger=ledger, forecast=found, backtest=proof, value=value, tables=tables,
            title=title_of(facts), contact_cost=contact_cost, currency=currency_in(facts),
        )  # fmt: skip
        for name in (page.name, *_beside(folder)):
            record_file(folder, name)
    print_done(folder, page.name)


def _beside(folder: Path) -> Iterator[str]:
    """Name the files in the folders beside the page."""
    for place in BESIDE:
        for path in sorted((folder / place).glob("*")):
            yield path.relative_to(folder).as_posix()
