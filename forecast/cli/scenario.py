"""``ltv scenario``: what happens if."""

from pathlib import Path

from forecast.cli.app import app
from forecast.cli.asked import recorded
from forecast.cli.kept import keep, title_of
from forecast.cli.log import Log
from forecast.cli.money import Job, Terms, print_rows, say
from forecast.cli.screen import print_done, waiting
from forecast.cli.stopping import go_on
from forecast.errors import UsageError

__all__ = ["scenario"]


@app.command
def scenario(
    file: str,
    /,
    *,
    scenario: str,
    terms: Terms,
    job: Job,
    spend: Path | None = None,
    swing: float = 0.1,
    log: Log | None = None,
) -> None:
    """Compare the forecast under a scenario's levers with the one without, and write a report.

    Example: `ltv scenario orders.csv --scenario scenario.toml --margin 0.4 --out scenario`

    Writes report.html, scenario.csv, tornado.csv, break_even.csv where asked for, audit.csv and
    manifest.json; ledger and tables are for ltv report.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    scenario
        Levers, such as retention=1.1,order_value=1.05; or a TOML file of such lines, or with a
        table [scenario] with a name, [scenario.levers], and [[scenario.break_even]] with lever,
        cost_per_customer and bounds where wanted.
    spend
        CSV or Parquet of what marketing cost: date, cost. Adds cost, net value and LTV:CAC. A CSV
        is written as the log is (--decimal, --thousands, --delimiter, --encoding), or plainly.
    swing
        How far the tornado moves each lever; 0.1 is ten per cent down and up.
    """
    import pandas as pd

    from forecast.jobs import output_folder, write_csv
    from forecast.jobs.running.beside import read_costs
    from forecast.ledger.currency import money_unit
    from forecast.value import read_scenario
    from forecast.value import scenario as compare
    from forecast.value.levers import part_levers

    margin = terms.parsed()
    fitted, length = job.check(file, fewest=2)
    if not 0 < swing < 1:
        raise UsageError(f"swing: {swing} must be between 0 and 1, e.g. 0.1.")
    plan = read_scenario(scenario)
    part_levers(plan.levers, getattr(fitted, "levers", ()), type(fitted).__name__)
    log, costs = log or Log(), None
    if spend is not None:
        costs = read_costs(spend, decimal=log.decimal, thousands=log.thousands, **log.text)
    columns = {} if margin.column is None else {"purchase_columns": [margin.column]}
    ledger = job.read(file, log, length, **columns)
    with waiting(f"Fitting {job.model}"):
        fitted.fit(ledger)
    with waiting(f"Forecasting {length} with and without {plan.name or 'the levers'}"):
        found = compare(
            fitted, ledger, job.horizon, plan.levers, margin=margin, rate=terms.rate, spend=costs,
            high_margin=plan.high_margin, name=plan.name, draws=job.draws, seed=job.seed,
        )  # fmt: skip
    go_on()
    with waiting("Moving one lever at a time"):
        tornado = found.tornado(swing=swing)
    answers = []
    for asked in plan.break_even:
        go_on()
        with waiting(f"Looking where {asked['lever']} breaks even"):
            answers.append(found.break_even(**asked))
    facts = recorded("scenario", file, log, ledger) | job.recorded() | terms.recorded() | {
        "scenario": {"name": found.name, "levers": plan.levers, "high_margin": plan.high_margin,
                     "break_even": list(plan.break_even)},
        "spend": None if spend is None else str(spend), "swing": swing,
    }  # fmt: skip
    measure = str(tornado.attrs["measure"]).replace("_", " ")
    money = money_unit(ledger.currency)
    moved = f"One lever at a time: change of {measure}, {money}"
    tables = dict(found) | {moved: tornado}
    if answers:
        tables["Break-even"] = pd.DataFrame([each.row() for each in answers])
        tables["In words"] = pd.DataFrame({"remark": [each.sentence for each in answers]})
    go_on()
    with (
        waiting(f"Writing {job.out}"),
        output_folder(job.out, overwrite=job.overwrite, manifest=facts) as part,
    ):
        from forecast.report import report

        write_csv(found.table.reset_index(), part / "scenario.csv")
        write_csv(tornado.reset_index(), part / "tornado.csv")
        if answers:
            write_csv(tables["Break-even"], part / "break_even.csv")
        write_csv(ledger.audit, part / "audit.csv")
        keep(part, ledger, tables)
        report(part / "report.html", ledger=ledger, value=tables, title=title_of(facts))
        go_on()
    print_rows(
        f"{found.name}, {length} after {ledger.cutoff}",
        [
            (f"{name}, {money if row['unit'] == 'currency' else row['unit']}",
             f"{row['base']:>14,.2f}  becomes {row['scenario']:>14,.2f}, a difference of "
             f"{row['difference']:,.2f} (90 % interval {row['lo']:,.2f} to {row['hi']:,.2f})")
            for name, row in found.table.iterrows()
        ],
    )  # fmt: skip
    say((*(each.sentence for each in answers), *found.notes))
    print_done(job.out)
