"""The report: one file that stands alone, HTML or Markdown, for people who decide."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from forecast.backtest import Backtest
from forecast.backtest.checks import checks
from forecast.errors import FileError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.assumptions_section import assumptions_section
from forecast.report.backtest_section import backtest_section
from forecast.report.checks_section import checks_section
from forecast.report.content import Listing, Prose, Section
from forecast.report.data_section import data_section
from forecast.report.forecast_section import forecast_section
from forecast.report.formats import day, length
from forecast.report.manifest_section import manifest_section, package_version
from forecast.report.markdown import markdown
from forecast.report.models_section import models_section
from forecast.report.remembered import Remembered
from forecast.report.style import PALETTE, SHADES
from forecast.report.table_files import (
    Kind,
    file_names,
    replace_file,
    write_drawings,
    write_tables,
)
from forecast.report.targeting_section import targeting_section
from forecast.report.units import currency_of
from forecast.report.value_section import headline, value_section
from forecast.report.verdict import WHOM, totals
from forecast.report.verdict_section import verdict_section

__all__ = ["report", "sections", "write_page"]


def report(
    path: str | Path,
    *,
    ledger: Ledger | None = None,
    forecast: Forecast | None = None,
    backtest: Backtest | None = None,
    value: Mapping[str, pd.DataFrame] | None = None,
    title: str | None = None,
    tables: Kind | None = None,
    contact_cost: float | None = None,
    currency: str | None = None,
) -> Path:
    """Write one self-contained HTML file, or Markdown; any part may be left out.

    The page loads nothing from anywhere, follows the reader's light or dark setting, and prints.
    The same inputs give the same bytes. A file of that name is replaced in one step.

    Parameters
    ----------
    path : str or Path
        Where to write; the folder must exist. A name that ends in ``.md`` gives Markdown, its
        drawings as SVG in a folder beside it (``x.md``: ``x_figures``).
    ledger : Ledger, optional
        Adds the data, their audit, and the history before the forecast.
    forecast : Forecast, optional
        Adds totals with 90 % intervals, periods, and the customers to target by name.
    backtest : Backtest, optional
        Adds leaderboards, comparison, tracking, calibration, lift and profit, and failures. Its
        untouched origins are shown apart.
    value : mapping of name to DataFrame, optional
        Tables of money, such as :func:`forecast.unit_economics` and :func:`forecast.segments`
        return; several as ``{**economics, **segments}``.
    title : str, optional
        Heading of the page.
    tables : {"csv", "parquet"}, optional
        Writes the tables of the page as files too, in a folder beside it (``x.html``:
        ``x_tables``).
    contact_cost : float, optional
        Of contacting a customer, in currency, for the profit curve; by default half of what a
        customer brought on average, which the page calls an assumption.
    currency : str, optional
        What amounts are called; by default what the ledger, the backtest or the value
        calls them.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UsageError
        If there is nothing to report, or its parts name two currencies.
    LockedError
        If a folder beside the page holds files that no report wrote.
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
    if tables not in (None, "csv", "parquet"):
        raise UsageError(f"tables: {tables!r} is neither 'csv' nor 'parquet'.")
    if contact_cost is not None and not 0 <= contact_cost < float("inf"):
        raise UsageError(f"contact_cost: {contact_cost} must be 0 or more, in currency.")
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(f"report: the folder {target.parent} does not exist. Create it first.")
    if target.is_dir():
        raise FileError(f"report: {target} is a folder. Give the path of a file.")
    found = sections(
        ledger=ledger, forecast=forecast, backtest=backtest, value=value,
        contact_cost=contact_cost, currency=currency,
    )  # fmt: skip
    if tables is not None:
        folder = target.with_name(f"{target.stem}_tables")
        frames = {name: each for one in found for name, each in one.files.items()}
        write_tables(folder, frames, tables)
        found.append(_files_section(folder.name, file_names(frames, tables)))
    heading, under = title or "Customer value forecast", _subtitle(ledger, forecast, backtest)
    write_page(target, heading, under, found)
    return target


def write_page(target: Path, title: str, subtitle: str, found: Sequence[Section]) -> None:
    """Write sections as one page, HTML or, by its name, Markdown with its drawings beside it."""
    if target.suffix.lower() in (".md", ".markdown"):
        beside = target.with_name(f"{target.stem}_figures")
        text, drawings = markdown(title, subtitle, found, beside.name)
        write_drawings(beside, drawings)
    else:
        text = _template("report.html.j2").render(
            title=title,
            subtitle=subtitle,
            css=Markup(_template("report.css.j2").render(palette=PALETTE | SHADES)),
            sections=found,
            version=package_version("ltv-forecast"),
        )
    replace_file(target, text)


def sections(
    *,
    ledger: Ledger | None = None,
    forecast: Forecast | None = None,
    backtest: Backtest | None = None,
    value: Mapping[str, pd.DataFrame] | None = None,
    contact_cost: float | None = None,
    currency: str | None = None,
) -> list[Section]:
    """Return the content of a report, verdict first, as plain text, tables and drawings.

    Raises
    ------
    UsageError
        If there is nothing to report.
    """
    if ledger is None and forecast is None and backtest is None and not value:
        raise UsageError("report: give a ledger, a forecast, a backtest or value tables.")
    judged = None if ledger is None or ledger.on_spark else ledger
    fired = checks(judged, forecast, backtest)
    currency = currency_of(currency, ledger, backtest, value)
    tried = None if backtest is None else Remembered.of(backtest, currency)
    known = {} if forecast is None else totals(forecast)
    said = headline(value or {})
    found = [verdict_section(ledger, forecast, tried, known, fired, said, currency=currency)]
    if ledger is not None:
        found.append(data_section(ledger, currency))
    if judged is not None or forecast is not None or backtest is not None:
        found.append(checks_section(fired))
    if forecast is not None:
        found.append(forecast_section(forecast, ledger, known, currency))
    if tried is not None:
        aimed = targeting_section(tried, contact_cost)
        found += [backtest_section(tried), models_section(tried), *([aimed] if aimed else [])]
    if value:
        found.append(value_section(value, currency))
    if forecast is not None or tried is not None:
        found.append(assumptions_section(forecast, tried, contact_cost, currency))
    return [*found, manifest_section(ledger, forecast, backtest)]


def _files_section(folder: str, files: Mapping[str, str]) -> Section:
    text = f"The numbers of this page lie beside it, in the folder {folder}."
    return Section("files", "Tables as files", [Prose((text,)), Listing(tuple(files.values()))])


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
