"""``ltv backtest``: how each model would have done."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape

from forecast.cli.app import app
from forecast.cli.asked import check_apart, check_numbers, chosen_models, recorded
from forecast.cli.log import Log
from forecast.cli.screen import err, print_done, print_problem, waiting
from forecast.cli.stopping import go_on
from forecast.cli.tables import print_backtest
from forecast.errors import ModelError, UsageError, listed

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
    predictions: Annotated[tuple[Path, ...], Parameter(consume_multiple=True)] = (),
    fill: float | None = None,
    history: str | None = None,
    gap: str | None = None,
    min_history: str | None = None,
    burn_in: str | None = None,
    refit: str = "1",
    untouched: int = 0,
    workers: int = 1,
    resume: bool = False,
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
    predictions
        CSV or Parquet files with another tool's predictions over the same horizon, by customer
        and cutoff (a column of that name); they compete under the file's name.
    fill
        What to expect of customers without a prediction; by default such a file fails.
    history
        Let models see only the last so much before each origin, as in --history 52W.
    gap
        Time between an origin and the first day of its window.
    min_history
        History the first origin needs; by default --history or else the horizon.
    burn_in
        Customers first seen in this first part of the history are not scored one by one.
    refit
        Fit at every k-th origin; "never": at the first alone.
    untouched
        Keep so many last origins apart from the tables that compare.
    workers
        Processes that share the work.
    resume
        Keep what is finished beside --out, in a folder that ends in .unfinished, and go on from
        there when the same command is given again after an interrupt.
    draws
        Simulated futures behind the intervals.
    seed
        Same data, settings and seed give the same numbers.
    overwrite
        Replace a folder that ltv wrote before.
    """
    from forecast.backtest import backtest
    from forecast.calendar import Horizon
    from forecast.jobs import check_free, output_folder
    from forecast.ledger.storage import save_ledger

    chosen = chosen_models(models)
    length = Horizon.parse(horizon)
    if origins < 1:
        raise UsageError(f"origins: {origins} must be at least 1.")
    lengths: dict[str, Any] = {
        name: None if text is None else Horizon.parse(text, name)
        for name, text in (
            ("step", step), ("history", history), ("gap", gap), ("min_history", min_history),
            ("burn_in", burn_in),
        )
    }  # fmt: skip
    each = _refit(refit)
    check_numbers(draws=draws, seed=seed)
    check_free(out, overwrite=overwrite)
    check_apart(file, out)
    if fill is not None and not predictions:
        raise UsageError("fill: it is about --predictions; there are none.")
    chosen |= _predictions(predictions, length, fill, taken=chosen)
    work = out.with_name(f"{out.name}.unfinished")
    if work.exists() and not resume:
        print_problem("note", f"{work} holds an interrupted run; --resume goes on from there.")
    log = log or Log()
    with waiting(f"Reading {file}"):
        ledger = log.read(file)
    with _kept(work if resume else None), _progress() as progress:
        found = backtest(
            ledger, chosen, horizon=length, origins=origins, refit=each, untouched=untouched,
            draws=draws, seed=seed, workers=workers, folder=work if resume else None,
            progress=progress, **lengths,
        )  # fmt: skip
    if not (found.runs["status"] == "ok").any():
        errors = found.runs.loc[found.runs["status"] == "failed", "error"]
        first = errors.iloc[0] if len(errors) else "None supports what a backtest asks."
        raise ModelError(f"No model could forecast from any of {origins} origins. First: {first}")
    facts = recorded("backtest", file, log, ledger) | {
        "horizon": str(length), "origins": origins, "step": step, "models": sorted(chosen),
        "draws": draws, "seed": seed, "history": history, "gap": gap, "min_history": min_history,
        "burn_in": burn_in, "refit": refit, "untouched": untouched,
        "predictions": [str(each) for each in predictions], "fill": fill,
    }  # fmt: skip
    go_on()
    writing = waiting(f"Writing {out}")
    with (
        _kept(work if resume else None),
        writing,
        output_folder(out, overwrite=overwrite, manifest=facts) as part,
    ):
        from forecast.report import report

        found.save(part / "backtest")
        save_ledger(ledger, part / "ledger")
        for target in ("purchases", "value") if found.has_value else ("purchases",):
            for board, suffix in (
                (found.leaderboard(target, "existing"), ""),
                (found.leaderboard(target, "all"), "_all"),
            ):
                board.to_csv(part / f"leaderboard_{target}{suffix}.csv", lineterminator="\n")
        ledger.audit.to_csv(part / "audit.csv", index=False, lineterminator="\n")
        report(part / "report.html", ledger=ledger, backtest=found)
        go_on()
    print_backtest(found.select(origins="tuning"))
    if untouched:
        print_problem("note", f"The last {untouched} origins are kept apart from these tables.")
    if resume:
        shutil.rmtree(work)
    print_done(out)


def _refit(text: str) -> int | Literal["never"]:
    if text == "never":
        return "never"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise UsageError(f"refit: {text!r} must be a number of origins, 1 or more, or never.")


def _predictions(
    files: Sequence[Path], horizon: Any, fill: float | None, taken: dict[str, Any]
) -> dict[str, Any]:
    """Read other tools' predictions, by the name of their file."""
    from forecast.backtest import ExternalPredictions

    read = [ExternalPredictions(file, horizon=horizon, fill=fill) for file in files]
    named = {each.name: each for each in read}
    doubled = sorted(set(named) & set(taken))
    if doubled or len(named) < len(read):
        raise UsageError(
            f"predictions: files are called after their names, which must differ from each other "
            f"and from models': {listed([each.name for each in read])}."
        )
    return named


@contextmanager
def _kept(work: Path | None) -> Iterator[None]:
    """When stopped, say what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if work is None or not (work / "meta.json").is_file():
            raise
        done, complete = len(list(work.glob("trials/*/[0-9]*.json"))), (work / "runs.csv").is_file()
        if not done and not complete:
            shutil.rmtree(work)
            raise
        kept = "All trials" if complete else f"{done:,} finished trials"
        raise KeyboardInterrupt(
            f"{kept} are kept in {work}; the same command goes on from there."
        ) from None


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
