"""``ltv segments``: whom to keep, win back, grow and let go."""

from pathlib import Path

from forecast.cli.app import app
from forecast.cli.asked import recorded
from forecast.cli.kept import keep, title_of
from forecast.cli.log import Log
from forecast.cli.money import Job, print_rows, say
from forecast.cli.screen import print_done, waiting
from forecast.cli.stopping import go_on

__all__ = ["segments"]


@app.command
def segments(
    file: str,
    /,
    *,
    job: Job,
    rules: Path | None = None,
    log: Log | None = None,
) -> None:
    """Part customers by past and predicted value, RFM, activity and loyalty; write a report.

    Example: `ltv segments orders.csv --horizon 12M --out segments`

    Writes report.html, customers.parquet and .csv (every customer's segments), rules.json (what
    parts them, for the next month), audit.csv and manifest.json; ledger, forecast and tables are
    for ltv report.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    rules
        rules.json of an earlier run, or its folder, so that segments mean the same.
    """
    from forecast.jobs import output_folder, write_csv
    from forecast.jobs.running.beside import read_rules, write_rules

    fitted, length = job.check(file)
    known = None if rules is None else read_rules(rules)
    log = log or Log()
    ledger = job.read(file, log, length)
    with waiting(f"Fitting {job.model}"):
        fitted.fit(ledger)
    with waiting(f"Forecasting {length} with {job.model}"):
        found = fitted.forecast(job.horizon, draws=job.draws, seed=job.seed)
    go_on()
    from forecast.value import segments

    parted = segments(found, ledger, rules=known)
    facts = recorded("segments", file, log, ledger) | job.recorded() | {
        "rules": None if rules is None else str(rules)
    }  # fmt: skip
    go_on()
    with (
        waiting(f"Writing {job.out}"),
        output_folder(job.out, overwrite=job.overwrite, manifest=facts) as part,
    ):
        from forecast.report import report

        customers = parted.customers.reset_index()
        customers.to_parquet(part / "customers.parquet", index=False)
        write_csv(customers, part / "customers.csv")
        write_rules(parted.rules, part)
        write_csv(ledger.audit, part / "audit.csv")
        keep(part, ledger, parted, found)
        report(
            part / "report.html", ledger=ledger, forecast=found, value=parted, title=title_of(facts)
        )
        go_on()
    print_rows(
        f"Value and activity, {length} after {ledger.cutoff}",
        [
            (str(name), f"{row['customers']:>8,.0f} customers, {row['share_of_past']:.0%} of past "
             f"and {row['share_of_predicted']:.0%} of predicted value")
            for name, row in parted.summary("portfolio").iterrows()
        ],
    )  # fmt: skip
    say(parted.notes)
    print_done(job.out)
