"""``ltv value``: what customers are worth, what they cost, and when they have paid back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.cli.app import app
from forecast.cli.asked import recorded
from forecast.cli.kept import keep, title_of
from forecast.cli.log import Log
from forecast.cli.money import Job, Terms, columns_of, print_rows, say
from forecast.cli.screen import print_done, waiting
from forecast.cli.stopping import go_on
from forecast.errors import ColumnError, UsageError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["value"]


@app.command
def value(
    file: str,
    /,
    *,
    spend: Path,
    terms: Terms,
    job: Job,
    by: str = "channel",
    first_touch: Path | None = None,
    ratio: float = 3.0,
    risk: float = 0.1,
    log: Log | None = None,
) -> None:
    """Compare what customers are worth with what they cost, by channel, and write a report.

    Example: `ltv value orders.csv --spend spend.csv --margin 0.4 --rate 0.1 --out value`

    Writes report.html, economics.csv, payback.csv, customers.parquet and .csv (past, future and
    total value), audit.csv and manifest.json; ledger, forecast and tables are for ltv report.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    spend
        CSV or Parquet of what marketing cost: date, channel (or what --by names), cost. A CSV is
        written as the log is (--decimal, --thousands, --delimiter, --encoding), or plainly.
    by
        The label of customers and costs: a column of the log and of the spend table.
    first_touch
        CSV or Parquet of who brought whom: customer_id, the label, date; in place of a column of
        the log.
    ratio
        LTV:CAC to reach.
    risk
        Accepted probability of missing it, for the highest bearable cost of a customer.
    """
    from forecast.jobs import output_folder, write_csv
    from forecast.jobs.running.beside import read_costs, read_table
    from forecast.ledger.currency import money_unit

    margin = terms.parsed()
    fitted, length = job.check(file, fewest=2)
    if not ratio > 0 or not 0 < risk < 1:
        raise UsageError(f"ratio: {ratio} must be above 0, and risk {risk} between 0 and 1.")
    log = log or Log()
    costs = read_costs(spend, decimal=log.decimal, thousands=log.thousands, **log.text)
    touches = None
    if first_touch is not None:
        touches = read_table(first_touch, "first_touch", **log.text)
    columns = {"customer_columns": [] if touches is not None or by == "month" else [by]}
    names = columns_of(file, log)
    if columns["customer_columns"] and by not in names:
        both = [name for name in names if name in costs.columns and name.lower() != "date"]
        raise ColumnError(
            f"No column {by!r} in {file}. Say which column tells where customers came from, here "
            f"and in the spend table: --by {both[0] if both else 'COLUMN'}; or --by month. "
            f"Columns: {listed(names, 20)}."
        )
    if margin.column is not None:
        columns["purchase_columns"] = [margin.column]
    ledger = job.read(file, log, length, **columns)
    with waiting(f"Fitting {job.model}"):
        fitted.fit(ledger)
    with waiting(f"Forecasting {length} with {job.model}"):
        found = fitted.forecast(job.horizon, draws=job.draws, seed=job.seed)
    go_on()
    with waiting("Counting money"):
        from forecast.value import unit_economics

        economics = unit_economics(
            found, ledger, costs, margin=margin, rate=terms.rate, by=by, first_touch=touches,
            target="channel", ratio=ratio, risk=risk, seed=job.seed,
        )  # fmt: skip
    facts = recorded("value", file, log, ledger) | job.recorded() | terms.recorded() | {
        "spend": str(spend), "by": by, "ratio": ratio, "risk": risk,
        "first_touch": None if first_touch is None else str(first_touch),
    }  # fmt: skip
    go_on()
    with (
        waiting(f"Writing {job.out}"),
        output_folder(job.out, overwrite=job.overwrite, manifest=facts) as part,
    ):
        from forecast.report import report

        customers = economics.value.customers.reset_index()
        customers.to_parquet(part / "customers.parquet", index=False)
        write_csv(customers, part / "customers.csv")
        write_csv(economics.table.reset_index(), part / "economics.csv")
        write_csv(economics.curves.table(), part / "payback.csv")
        write_csv(ledger.audit, part / "audit.csv")
        keep(part, ledger, economics, found)
        report(
            part / "report.html",
            ledger=ledger,
            forecast=found,
            value=economics,
            title=title_of(facts),
        )
        go_on()
    print_rows(
        f"Lifetime value over cost, {length} after {ledger.cutoff}; "
        f"LTV and CAC in {money_unit(ledger.currency)}",
        [(str(name), _said(row)) for name, row in economics.table.iterrows()],
    )
    say(economics.notes)
    print_done(job.out)


def _said(row: "pd.Series[Any]") -> str:
    parts = [f"{row['customers']:>8,.0f} customers", f"LTV {_money(row['ltv'])}"]
    parts += [f"CAC {_money(row['cac'])}"]
    if row["ltv_cac"] == row["ltv_cac"]:
        lo, hi = row["ltv_cac_lo_90"], row["ltv_cac_hi_90"]
        parts += [f"LTV:CAC {row['ltv_cac']:.1f} ({lo:.1f} to {hi:.1f})"]
    return ", ".join([*parts, f"payback {row['payback']}"])


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount == amount else "unknown"
