"""``ltv run``: a job from its file, dull enough to run every night."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.app import app
from forecast.cli.progress import shown
from forecast.cli.screen import err, print_done, screen
from forecast.cli.trouble import explained
from forecast.cli.wording import printable
from forecast.errors import ModelError

if TYPE_CHECKING:
    from forecast.jobs.job_file.configuration import Job
    from forecast.jobs.running.logs import EventLog
    from forecast.jobs.running.run import JobResult

__all__ = ["run"]


@app.command
def run(
    job: Path,
    /,
    *,
    dry_run: bool = False,
    root: Path | None = None,
    break_lock: bool = False,
    keep_going: bool = False,
    quiet: bool = False,
    json: bool = False,
    redact: bool = False,
) -> int:
    """Run a job: read, forecast, write a folder that is whole or absent; resume if interrupted.

    Example: `ltv run job.toml`

    A run that is repeated with the same inputs, settings and versions finds nothing to do. An
    interrupted one goes on from its last finished stage. Readers can trust a folder that holds
    _SUCCESS.

    Parameters
    ----------
    job
        The job file, TOML; ltv init writes one.
    dry_run
        Say what would be read, fitted and written, and do none of it.
    root
        Folder that the paths in the file are relative to, and may not leave; by default that of
        the file.
    break_lock
        Take over the lock of a run that is dead.
    keep_going
        Of several horizons, write those that succeed; the exit code is then 4.
    quiet
        Say nothing but errors.
    json
        Log to standard error as JSON, a line an event; the last one holds the exit code.
    redact
        Write customer ids, and other values quoted in messages, as hashes.
    """
    from forecast.jobs.running.logs import Event, EventLog

    log = EventLog(
        lambda line: err.print(printable(line), markup=False), as_json=json, quiet=quiet,
        redact=redact,
    )  # fmt: skip

    warnings.showwarning = lambda message, *_, **__: log(Event("warning", "", str(message)))
    try:
        return _run(job, root, log, dry_run, break_lock, keep_going)
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, the log ends with its code
        message, code = explained(error)
        log.failed(error, message, code)
        return code


def _run(
    file: Path,
    root: Path | None,
    log: "EventLog",
    dry_run: bool,
    break_lock: bool,
    keep_going: bool,
) -> int:
    from forecast.jobs.job_file.configuration import read_job
    from forecast.jobs.job_file.plan import plan
    from forecast.jobs.job_file.readiness import check_ready
    from forecast.jobs.running.run import run_job

    job = read_job(file, root=root)
    log.known = _names(job)
    if dry_run:
        for line in plan(job, job.today()).lines:
            screen.print(printable(line), markup=False, soft_wrap=True)
        log.outcome(0, "planned")
        return 0
    check_ready(job)
    with shown(log) as progress:
        found = run_job(job, break_lock=break_lock, keep_going=keep_going, progress=progress)
    code = ModelError.exit_code if found.status == "failed" else 0
    log.outcome(
        code, found.status, folder=str(found.folder), run_id=found.run_id,
        reused=list(found.reused), failed=found.failed,
    )  # fmt: skip
    if not log.quiet and not log.as_json:
        _print_end(job, found)
    return code


def _print_end(job: "Job", found: "JobResult") -> None:
    """Name the report, or the folder where there is none, last of all."""
    if job.outputs.report:
        print_done(found.folder)
    else:
        screen.print(f"Results: {printable(str(found.folder))}", markup=False, soft_wrap=True)


def _names(job: "Job") -> frozenset[str]:
    """Names in the job file, which are no customer's."""
    columns = job.columns
    plain = (columns.customer, columns.date, columns.value, job.name, job.forecast.model)
    more = (*(columns.key or ()), *columns.customer_columns, *columns.purchase_columns)
    return frozenset(each for each in (*plain, *more) if each)
