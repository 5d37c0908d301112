"""``ltv monitor``: whether the forecasts of past runs have held."""

import json as texts
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from forecast.cli.app import app
from forecast.cli.asked import check_apart
from forecast.cli.hiding import hidden
from forecast.cli.log import Log
from forecast.cli.money import print_rows
from forecast.cli.screen import plain, print_done, print_problem, screen, waiting
from forecast.cli.stopping import go_on
from forecast.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Job, Monitoring
    from forecast.jobs.monitoring.monitoring import MonitoringResult

__all__ = ["monitor"]


@app.command
def monitor(
    file: str,
    purchases: str | None = None,
    /,
    *,
    job: str | None = None,
    max_bias: float | None = None,
    min_coverage: float | None = None,
    max_psi: float | None = None,
    stale_days: int | None = None,
    reference: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    log: Log | None = None,
) -> None:
    """Compare what past runs forecast with what happened, and say: keep, watch or refit.

    Example: `ltv monitor history.duckdb orders.csv --out monitoring`

    For schedulers, the exit code: 0 to keep or watch the model, or where it is too early to say;
    4 to refit it; 3 where the data are stale or their past has changed. With --out it writes
    report.html, monitoring.json, a CSV a table and manifest.json.

    Parameters
    ----------
    file
        The history of runs that a job with [monitoring] keeps; or the job's TOML, which names both
        history and purchases.
    purchases
        CSV (plain or gzipped) or Parquet of purchases up to today; a folder or a quoted glob.
    job
        Name of the job, where the history holds several.
    max_bias
        Bias of a total that counts, as a share of the actual total; 0.2 by default.
    min_coverage
        Least share of customers inside their 90 % bounds; 0.8 by default.
    max_psi
        Population stability index from where on inputs have drifted; 0.2 by default.
    stale_days
        Days without a purchase that are too many; 14 by default.
    reference
        Run to compare the newest with; by default that of a year before, or else the oldest.
    out
        Folder to make; it appears whole or not at all.
    overwrite
        Replace a folder that ltv wrote before.
    json
        Print one JSON object instead of sentences.
    """
    from forecast.calendar import parse_day
    from forecast.jobs import check_free
    from forecast.jobs.monitoring.monitoring import monitor as review
    from forecast.jobs.monitoring.verdict import Limits
    from forecast.jobs.stores import read_source

    log = log or Log()
    limits: dict[str, Any] = {
        "max_bias": max_bias, "min_coverage": min_coverage, "max_psi": max_psi,
        "stale_days": stale_days,
    }  # fmt: skip
    limits = {name: each for name, each in limits.items() if each is not None}
    if out is not None:
        check_free(out, overwrite=overwrite)
        if purchases is not None:
            check_apart(purchases, out)
    as_of = None if log.as_of is None else parse_day(log.as_of, "as_of")
    if file.lower().endswith(".toml"):
        asked, settings = _job(file, purchases, log)
        today = as_of or asked.today()
        history, job = str(settings.history), job or asked.name
        limits = settings.model_dump(exclude={"history"}) | limits
        _check_history(history)
        pinned = asked.cutoff is not None
        source = asked.source if pinned else asked.source.known_on(today)
        with waiting(f"Reading what {file} names"):
            ledger = read_source(
                source, asked.columns, asked.resolve_cutoff(today), root=asked.root
            )
    else:
        if purchases is None:
            raise UsageError("Name the purchases too: ltv monitor history.duckdb orders.csv.")
        today = as_of or date.today()
        history, limits = file, asdict(Limits()) | limits
        _check_history(history)
        with waiting(f"Reading {purchases}"):
            ledger = log.read(purchases)
        pinned = as_of is None and log.cutoff is not None
    if pinned:  # what came after the cutoff is left out on purpose, not late
        today = ledger.cutoff
    go_on()
    with waiting("Comparing runs with what happened"):
        found = review(
            history, ledger, job=job, reference=reference, today=max(today, ledger.cutoff), **limits
        )
    go_on()
    if out is not None:
        facts = {
            "command": "monitor", "input": file, "data": ledger.summary_hash(),
            "cutoff": str(ledger.cutoff), "job": found.job, "today": str(found.today), **limits,
        }  # fmt: skip
        with waiting(f"Writing {out}"):
            _write(found, out, overwrite, facts, ledger.currency)
    if json:
        screen.print(_as_json(found), markup=False, soft_wrap=True)
    else:
        _print(found)
        if out is not None:
            print_done(out)
    if found.exit_code == DataError.exit_code:
        raise DataError(f"The data need a look before the model does: {found.data_problems[0]}")
    if found.exit_code == ModelError.exit_code:
        raise ModelError(f"Refit. {found.reasons[0]}")


def _job(file: str, purchases: str | None, log: Log) -> "tuple[Job, Monitoring]":
    """Return the job of a file, which alone says what is read, and where it keeps its history."""
    from forecast.jobs.job_file.configuration import read_job

    reading = [each.name for each in fields(Log) if getattr(log, each.name) != each.default]
    if purchases is not None or set(reading) - {"as_of"}:
        raise UsageError(f"{file} says how purchases are read; leave it out of the command.")
    job = read_job(file)
    if job.monitoring is None:
        raise UsageError(
            f"{file}: the job keeps no history of its runs. Write two lines into it, [monitoring] "
            'and then history = "history.duckdb", and run it: ltv run.'
        )
    return job, job.monitoring


def _check_history(path: str) -> None:
    """Open the history once before the log is read, which may take long."""
    from forecast.jobs.monitoring.run_history import open_history

    with open_history(path):
        pass


def _write(
    found: "MonitoringResult",
    out: Path,
    overwrite: bool,
    facts: dict[str, Any],
    currency: str | None,
) -> None:
    from forecast.jobs import output_folder, write_csv
    from forecast.report.monitoring_page import monitoring_page

    with output_folder(out, overwrite=overwrite, manifest=facts) as part:
        for name, table in found.tables.items():
            write_csv(table, part / f"{name}.csv")
        text = _as_json(found) + "\n"
        (part / "monitoring.json").write_text(text, encoding="utf-8", newline="\n")
        monitoring_page(
            part / "report.html", verdict=found.verdict, reasons=found.reasons,
            data_problems=found.data_problems, advice=found.advice, tables=found.tables,
            job=found.job, cutoff=found.cutoff, max_bias=facts["max_bias"], currency=currency,
        )  # fmt: skip
        go_on()


def _print(found: "MonitoringResult") -> None:
    rows = [
        (
            f"{row.target} over {row.horizon}",
            f"bias {row.bias:+.1%}, standard error {row.standard_error:.1%}, "
            + ("1 run" if row.runs == 1 else f"{row.runs} runs"),
        )
        for row in found.tables["totals"].itertuples()
    ]
    decisive, *others = found.reasons
    verdict = f"{found.verdict[0].upper()}{found.verdict[1:]}"
    said = plain(hidden(f"{decisive} {found.advice}"))
    screen.print(f"[bold]{verdict}.[/bold] {said}", soft_wrap=True)
    if rows:
        print_rows(f"Matured runs of {found.job}, log up to {found.cutoff}", rows)
    for reason in others:
        print_problem("note", reason)


def _as_json(found: "MonitoringResult") -> str:
    """Return the review as one object; what is unknown or infinite is null."""
    totals = found.tables["totals"].to_dict("records")
    facts = {
        "job": found.job, "today": str(found.today), "cutoff": str(found.cutoff),
        "verdict": found.verdict, "exit_code": found.exit_code, "reasons": list(found.reasons),
        "data_problems": list(found.data_problems),
        "totals": [{str(name): _plain(each) for name, each in row.items()} for row in totals],
        "inputs": [
            {"feature": row.feature, "psi": _plain(row.psi), "drifted": bool(row.drifted)}
            for row in found.tables["inputs"].itertuples()
        ],
    }  # fmt: skip
    return texts.dumps(facts, indent=1)


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    endless = isinstance(value, float) and not abs(value) < float("inf")
    return None if endless else value
