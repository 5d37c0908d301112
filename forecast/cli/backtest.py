"""``ltv backtest``: how each model would have done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from forecast.cli.app import app
from forecast.cli.asked import check_apart, check_numbers, chosen_models, recorded
from forecast.cli.log import Log
from forecast.cli.screen import err, print_backtest, print_done, waiting
from forecast.cli.stopping import go_on
from forecast.errors import ModelError, UsageError

__all__ = ["backtest"]


@app.command
def backtest(
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

    Writes report.html, leaderboards as CSV, every forecast beside what happened, audit.csv and
    manifest.json.

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
        Names of models, as in --models btyd own_rate; all of them by default.
    draws
        Simulated futures behind the intervals.
    seed
        Same data, settings and seed give the same numbers.
    overwrite
        Replace a folder that ltv wrote before.
    """
    from forecast.backtest import backtest
    from forecast.backtest.origins import origin_days
    from forecast.calendar import Horizon
    from forecast.jobs import check_free, output_folder
    from forecast.ledger.storage import save_ledger

    chosen = chosen_models(models)
    length = Horizon.parse(horizon)
    if origins < 1:
        raise UsageError(f"origins: {origins} must be at least 1.")
    stride = None if step is None else Horizon.parse(step, "step")
    check_numbers(draws=draws, seed=seed)
    check_free(out, overwrite=overwrite)
    check_apart(file, out)
    log = log or Log()
    with waiting(f"Reading {file}"):
        ledger = log.read(file)
    origin_days(ledger.cutoff, length, origins, stride, first_day=ledger.first_day)
    with _progress() as progress:
        found = backtest(
            ledger, chosen, horizon=length, origins=origins, step=stride, draws=draws, seed=seed,
            progress=progress,
        )  # fmt: skip
    if not (found.runs["status"] == "ok").any():
        errors = found.runs.loc[found.runs["status"] == "failed", "error"]
        first = errors.iloc[0] if len(errors) else "None supports what a backtest asks."
        raise ModelError(f"No model could forecast from any of {origins} origins. First: {first}")
    facts = recorded("backtest", file, log, ledger) | {
        "horizon": str(length), "origins": origins, "step": step, "models": sorted(chosen),
        "draws": draws, "seed": seed,
    }  # fmt: skip
    go_on()
    with waiting(f"Writing {out}"), output_folder(out, overwrite=overwrite, manifest=facts) as part:
        from forecast.report import report

        found.save(part / "backtest")
        save_ledger(ledger, part / "ledger")
        for target in ("purchases", "value") if found.has_value else ("purchases",):
            for population, suffix in (("existing", ""), ("all", "_all")):
                board = found.leaderboard(target, population)  # type: ignore[arg-type]
                board.to_csv(part / f"leaderboard_{target}{suffix}.csv", lineterminator="\n")
        ledger.audit.to_csv(part / "audit.csv", index=False, lineterminator="\n")
        report(part / "report.html", ledger=ledger, backtest=found)
        go_on()
    print_backtest(found)
    print_done(out)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Draw a bar on a terminal, nothing in a pipe; stop between models when asked to."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("Backtest", total=None)

        def progress(done: int, total: int, label: str) -> None:
            go_on()
            bar.update(task, completed=done, total=total, description=escape(label))

        yield progress
