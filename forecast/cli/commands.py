"""The commands: read, ask the package, write whole folders, print what matters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.markup import escape

from forecast import __version__
from forecast.cli.log import Log
from forecast.cli.screen import (
    err,
    print_audit,
    print_done,
    print_leaderboard,
    print_notes,
    print_periods,
    screen,
)
from forecast.errors import UsageError, listed

if TYPE_CHECKING:
    from forecast.ledger import Ledger

__all__ = ["app"]

app = App(
    name="ltv",
    version=__version__,
    help="Customer lifetime value from a log of purchases, proved on time the model has not seen.",
    help_format="markdown",
    result_action="return_value",
)


@app.default
def _welcome(*words: Annotated[str, Parameter(show=False)]) -> None:
    """Show the three commands to try."""
    if words:
        raise UsageError(f"No command {words[0]!r}. Commands: audit, forecast, backtest, report.")
    screen.print(
        "[bold]ltv[/bold] forecasts customer lifetime value from a log of purchases.\n\n"
        "  ltv audit    orders.csv --customer id --date day --value amount\n"
        "  ltv backtest orders.csv --horizon 13W --origins 6 --out backtest\n"
        "  ltv forecast orders.csv --horizon 26W --backtest backtest --out forecast\n\n"
        "Columns with usual names are found. ltv --help lists everything.",
        highlight=False,
    )


@app.command
def audit(file: str, /, *, log: Log | None = None) -> None:
    """Read a log and say what is in it: rows, customers, returns, repeats, gaps.

    Example: `ltv audit orders.csv --customer customer_id --date date --value amount`

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    """
    ledger = (log or Log()).read(file)
    print_audit(ledger)


@app.command(name="forecast")
def forecast_command(
    file: str,
    /,
    *,
    horizon: str,
    out: Path,
    model: str = "btyd",
    backtest: Path | None = None,
    every: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    log: Log | None = None,
) -> None:
    """Forecast every customer's purchases and value, with 90 % bounds, and write a report.

    Example: `ltv forecast orders.csv --horizon 26W --out forecast`

    Writes customers.parquet, customers.csv, periods.csv, audit.csv, report.html, manifest.json.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    horizon
        How far: 26W, 12M, 90D, 1Y, or a last day YYYY-MM-DD.
    out
        Folder to make; it appears whole or not at all.
    model
        Name of a model; ltv backtest compares them.
    backtest
        Folder of an earlier ltv backtest, to show its proof in the report.
    every
        Length of a period in periods.csv; one unit of the horizon by default.
    draws
        Simulated futures behind the intervals; 0 for expectations alone.
    seed
        Same data, settings and seed give the same numbers.
    overwrite
        Replace a folder that ltv wrote before.
    """
    from forecast.calendar import Horizon
    from forecast.jobs import check_free, output_folder, save_forecast
    from forecast.ledger.storage import save_ledger
    from forecast.models import default_models

    chosen = _chosen([model], default_models())[model]
    length = Horizon.parse(horizon)
    check_free(out, overwrite=overwrite)
    proof = _load_backtest(backtest)
    ledger = (log or Log()).read(file)
    length.window(ledger.cutoff)
    with err.status(f"Fitting {model}"):
        chosen.fit(ledger)
    population = getattr(chosen, "populations", ("existing",))[0]
    with err.status(f"Forecasting {length} with {model}"):
        found = chosen.forecast(
            horizon,
            population=population,
            every=every,
            draws=draws,
            seed=seed,
        )
    facts = {"command": "forecast", "input": file, "data": ledger.summary_hash()}
    facts |= {"cutoff": str(ledger.cutoff), "horizon": str(length), "model": model}
    facts |= {"draws": draws, "seed": seed, "rows": _rows(ledger)}  # type: ignore[dict-item]
    with output_folder(out, overwrite=overwrite, manifest=facts) as folder:
        save_forecast(found, folder)
        save_ledger(ledger, folder / "ledger")
        ledger.audit.to_csv(folder / "audit.csv", index=False)
        if proof is not None:
            proof.save(folder / "backtest")
        _report(folder / "report.html", ledger=ledger, forecast=found, backtest=proof)
    print_periods(found)
    print_notes(found.notes)
    print_done(out)


@app.command(name="backtest")
def backtest_command(
    file: str,
    /,
    *,
    horizon: str,
    out: Path,
    origins: int = 6,
    step: str | None = None,
    models: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    draws: int = 200,
    seed: int = 0,
    overwrite: bool = False,
    log: Log | None = None,
) -> None:
    """Forecast from past days, compare with what happened, and write a report.

    Example: `ltv backtest orders.csv --horizon 13W --origins 6 --out backtest`

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    horizon
        How far each forecast looks: 13W, 3M, 90D.
    out
        Folder to make; it appears whole or not at all.
    origins
        From how many past days to forecast.
    step
        Time between them; the horizon by default.
    models
        Names of models; all of them by default.
    draws
        Simulated futures behind the intervals.
    seed
        Same data, settings and seed give the same numbers.
    overwrite
        Replace a folder that ltv wrote before.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from forecast.backtest import backtest
    from forecast.calendar import Horizon
    from forecast.jobs import check_free, output_folder
    from forecast.ledger.storage import save_ledger
    from forecast.models import default_models

    available = default_models()
    chosen = _chosen(models or tuple(available), available)
    length = Horizon.parse(horizon)
    check_free(out, overwrite=overwrite)
    ledger = (log or Log()).read(file)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), console=err, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("Backtest", total=None)

        def progress(done: int, total: int, label: str) -> None:
            bar.update(task, completed=done, total=total, description=escape(label))

        found = backtest(
            ledger, chosen, horizon=horizon, origins=origins, step=step, draws=draws, seed=seed,
            progress=progress,
        )  # fmt: skip
    facts: dict[str, Any] = {"command": "backtest", "input": file, "data": ledger.summary_hash()}
    facts |= {"cutoff": str(ledger.cutoff), "horizon": str(length), "origins": origins}
    facts |= {"models": sorted(chosen), "draws": draws, "seed": seed, "rows": _rows(ledger)}
    with output_folder(out, overwrite=overwrite, manifest=facts) as folder:
        found.save(folder / "backtest")
        save_ledger(ledger, folder / "ledger")
        for target in ("purchases", "value") if found.has_value else ("purchases",):
            found.leaderboard(target).to_csv(folder / f"leaderboard_{target}.csv")
        ledger.audit.to_csv(folder / "audit.csv", index=False)
        _report(folder / "report.html", ledger=ledger, backtest=found)
    for target in ("purchases", "value") if found.has_value else ("purchases",):
        print_leaderboard(found.leaderboard(target), target, str(length), len(found.origins))
    failed = found.runs[found.runs["status"] == "failed"]
    for model, runs in failed.groupby("model"):
        note = f"{model} failed at {len(runs)} origins: {runs['error'].iloc[0]}"
        print_notes([note])
    print_done(out)


@app.command(name="report")
def report_command(folder: Path, /) -> None:
    """Write report.html anew from a folder that ltv forecast or ltv backtest made.

    Example: `ltv report forecast`

    Parameters
    ----------
    folder
        The folder.
    """
    from forecast.jobs import load_forecast
    from forecast.ledger.storage import load_ledger

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder made by ltv forecast or ltv backtest.")
    proof = _load_backtest(folder) if (folder / "backtest").is_dir() else None
    found = load_forecast(folder) if (folder / "forecast.json").is_file() else None
    if proof is None and found is None:
        raise UsageError(f"{folder} holds neither a forecast nor a backtest.")
    ledger = load_ledger(folder / "ledger") if (folder / "ledger").is_dir() else None
    _report(folder / "report.html", ledger=ledger, forecast=found, backtest=proof)
    print_done(folder)


def _chosen(names: Sequence[str], available: Mapping[str, Any]) -> dict[str, Any]:
    for name in names:
        if name not in available:
            raise UsageError(f"No model {name!r}. Models: {listed(sorted(available), 20)}.")
    return {name: available[name] for name in names}


def _load_backtest(folder: Path | None) -> Any:
    from forecast.backtest import Backtest

    if folder is None:
        return None
    inner = folder / "backtest"
    if not inner.is_dir():
        raise UsageError(f"{folder} is not a folder made by ltv backtest.")
    return Backtest.load(inner)


def _report(path: Path, **parts: Any) -> None:
    from forecast.report import report

    with err.status("Writing the report"):
        report(path, **parts)


def _rows(ledger: "Ledger") -> int:
    return int(ledger.audit.loc[ledger.audit["check"] == "rows", "count"].iloc[0])
