"""The report: one HTML file that stands alone, for people who decide."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from forecast.backtest import Backtest
from forecast.errors import FileError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.backtest_section import backtest_section
from forecast.report.content import Section, Table
from forecast.report.data_section import data_section
from forecast.report.forecast_section import forecast_section
from forecast.report.formats import day, length
from forecast.report.manifest_section import manifest_section, package_version
from forecast.report.remembered import Remembered
from forecast.report.style import PALETTE
from forecast.report.verdict import WHOM, totals
from forecast.report.verdict_section import verdict_section

__all__ = ["report", "sections"]


def report(
    path: str | Path,
    *,
    ledger: Ledger | None = None,
    forecast: Forecast | None = None,
    backtest: Backtest | None = None,
    value: Mapping[str, pd.DataFrame] | None = None,
    title: str | None = None,
) -> Path:
    """Write one self-contained HTML file; any part may be left out.

    The page loads nothing from anywhere, follows the reader's light or dark setting, and prints.
    The same inputs give the same bytes. A file of that name is replaced in one step.

    Parameters
    ----------
    path : str or Path
        Where to write; the folder must exist.
    ledger : Ledger, optional
        Adds the data, their audit, and the history before the forecast.
    forecast : Forecast, optional
        Adds totals with 90 % intervals, periods, and the top customers by name.
    backtest : Backtest, optional
        Adds leaderboards, tracking and calibration of the best model, and failures.
    value : mapping of name to DataFrame, optional
        Tables of money, shown as they are.
    title : str, optional
        Heading of the page.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        If there is nothing to report.
    FileError
        If the folder does not exist, or the file cannot be written.
    """
    if not isinstance(path, str | Path):
        raise UsageError(f"report: the page's path comes first, not a {type(path).__name__}.")
    kinds = {"ledger": Ledger, "forecast": Forecast, "backtest": Backtest, "value": Mapping}
    parts = (ledger, forecast, backtest, value)
    for (name, kind), part in zip(kinds.items(), parts, strict=True):
        if part is not None and not isinstance(part, kind):
            raise UsageError(f"report: {name} is a {type(part).__name__}, not a {kind.__name__}.")
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(f"report: the folder {target.parent} does not exist. Create it first.")
    if target.is_dir():
        raise FileError(f"report: {target} is a folder. Give the path of a file.")
    found = sections(ledger=ledger, forecast=forecast, backtest=backtest, value=value)
    html = _template("report.html.j2").render(
        title=title or "Customer value forecast",
        subtitle=_subtitle(ledger, forecast, backtest),
        css=Markup(_template("report.css.j2").render(palette=PALETTE)),
        sections=found,
        version=package_version("ltv-forecast"),
    )
    _replace(target, html)
    return target


def sections(
    *,
    ledger: Ledger | None = None,
    forecast: Forecast | None = None,
    backtest: Backtest | None = None,
    value: Mapping[str, pd.DataFrame] | None = None,
) -> list[Section]:
    """Return the content of a report, verdict first, as plain text, tables and drawings.

    Raises
    ------
    UsageError
        If there is nothing to report.
    """
    if ledger is None and forecast is None and backtest is None and not value:
        raise UsageError("report: give a ledger, a forecast, a backtest or value tables.")
    backtest = None if backtest is None else Remembered.of(backtest)
    known = {} if forecast is None else totals(forecast)
    found = [verdict_section(ledger, forecast, backtest, known)]
    if ledger is not None:
        found.append(data_section(ledger))
    if forecast is not None:
        found.append(forecast_section(forecast, ledger, known))
    if backtest is not None:
        found.append(backtest_section(backtest))
    if value:
        tables = [Table.plain(frame, caption=name) for name, frame in value.items()]
        found.append(Section("value", "Value and decisions", tables))
    return [*found, manifest_section(ledger, forecast, backtest)]


def _subtitle(ledger: Ledger | None, forecast: Forecast | None, backtest: Backtest | None) -> str:
    if forecast is not None:
        who = WHOM[forecast.population]
        text = f"{length(forecast.horizon)} after {day(forecast.cutoff)}, {who}"
        return f"{text[0].upper()}{text[1:]}, by {forecast.model}"
    if backtest is not None:
        many = len(backtest.origins)
        cutoffs = "one past cutoff" if many == 1 else f"{many} past cutoffs"
        return f"{len(backtest.models)} models, {length(backtest.horizon)}, {cutoffs}"
    return "" if ledger is None else f"Purchases up to {day(ledger.cutoff)}"


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecast.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["keep_percent"] = _keep_percent
    return environment.get_template(name)


def _keep_percent(text: str) -> str:
    """Keep a percent sign on the line of its number."""
    return text.replace(" %", "\u00a0%")


def _replace(target: Path, text: str) -> None:
    """Write beside the target and move over it, so no reader ever sees half a file."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"report: {target} cannot be written: {error.strerror}.") from error
