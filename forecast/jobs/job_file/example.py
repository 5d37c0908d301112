"""A job file to begin with, written from a log's own columns."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from forecast.calendar import parse_day
from forecast.errors import UsageError
from forecast.jobs.job_file.configuration import parse_job
from forecast.jobs.job_file.header import file_columns
from forecast.jobs.job_file.places import is_address, place_of_pattern, shown
from forecast.ledger.columns import choose_columns

__all__ = ["example_job"]

_READING: dict[str, tuple[Any, str]] = {
    "returns": ("net", "what negative amounts mean: net, drop, keep or error"),
    "date_format": ("%d/%m/%Y", "where days are not written YYYY-MM-DD"),
    "timezone": ("Europe/London", "whose day counts, for times with a time zone"),
    "decimal": (",", "the sign before the cents, where amounts are text and it is no point"),
    "thousands": (".", "the sign between thousands, where amounts are text and have one"),
    "currency": ("GBP", "what amounts are called in the report; nothing is converted"),
    "max_bad_rows": (0, "how many unreadable rows may be dropped"),
    "delimiter": (",", "of CSV files"),
    "encoding": ("utf-8", "of CSV files"),
}
_DEFAULTS = ("returns", "max_bad_rows", "delimiter", "encoding")
_REST = """
[forecast]
horizons = ["26W"]          # how far: "26W", "12M", "90D", "1Y" or a last day; one or several
model = "ensemble"          # or the name of another model; ltv backtest compares them
# Instead of a model, one that an earlier run saved, to score without fitting:
# saved_model = "fitted/model.json"
#population = "existing"     # customers seen by the cutoff; "new" or "all" where a model can
#every = "1W"                # length of a period in periods.csv
draws = 500                 # simulated futures behind the intervals; 0 for expectations alone
seed = 0                    # same data, settings and seed give the same numbers

# A proof on past days in the report; it fits every model anew at each of them.
#[backtest]
#horizon = "13W"
#origins = 6
#step = "13W"
#models = ["ensemble", "btyd", "own_rate"]

# What it means in money: needs amounts, and what marketing cost by date and label.
#[economics]
#spend = "spend.csv"         # columns date, cost and the label
#margin = 0.4                # a share of value, or the purchase column that holds it in money
#per_order = 0.0             # cost of serving one purchase
#rate = 0.1                  # a year; 0.1 for 10 %
#by = "month"                # or a customer column, such as "channel"

# Whom to keep, win back, grow and let go: needs amounts.
#[segments]
#rules = "rules.json"        # of an earlier run, so that segments mean the same

[outputs]
folder = "results/{cutoff}" # appears whole or not at all; without {cutoff} it is replaced
report = true
csv = false                 # customers.csv beside customers.parquet
part_rows = 1_000_000       # customers a Parquet file

# Predictions in a database too. PostgreSQL's address stays in an environment variable:
# database = "postgresql", url_env = "SHOP_URL" in place of the file.
#[outputs.destination]
#database = "sqlite"         # or "duckdb"
#file = "predictions.sqlite"
#table = "predictions"

# Every run is remembered, so that ltv monitor can compare it with what happened.
[monitoring]
history = "history.duckdb"
#max_bias = 0.2              # of a total, as a share of what happened
#min_coverage = 0.8          # of customers' 90 % bounds
#max_psi = 0.2               # drift of inputs
#stale_days = 14             # days without a purchase
"""


def example_job(source: str | Path, *, root: str | Path | None = None, **reading: Any) -> str:
    """Return a commented job file for a log; it is valid, and runs.

    Parameters
    ----------
    source : str or Path
        A file, folder or glob; the names of its columns are read, no rows.
    root : str or Path, optional
        The folder of the job file; the source must lie below it. By default the working folder.
    **reading
        What is known of the log, under the names that :func:`forecast.read_ledger` uses; the
        rest is guessed where there is no doubt.

    Raises
    ------
    ColumnError
        If a column is not there, or which is the customer or the date is in doubt.
    FileError
        If there is no such file.
    UsageError
        If the source does not lie below the root.
    """
    folder = Path.cwd() if root is None else Path(root)
    given = {name: each for name, each in reading.items() if each is not None}
    if is_address(str(source)):
        raise UsageError("source: of an address nothing is looked at; begin with a local file.")
    path = str(Path(source).expanduser().absolute())
    options = {name: given[name] for name in ("delimiter", "encoding") if name in given}
    available = file_columns(path, **options)
    roles = {name: given.get(name) for name in ("customer", "date", "value", "key")}
    columns = choose_columns(available, **roles)
    where = shown(place_of_pattern(path, folder), folder.resolve())
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(path).name.split(".")[0]).strip("_") or "job"
    lines = [
        "# A job: `ltv run` does it, `ltv run --dry-run` says what it would do. Lines that begin",
        "# with # are left out; take the sign away to use a setting.",
        f"name = {_text(name)}",
        *_cutoff(given.get("cutoff")),
        "",
        "[source]",
        f"path = {_text(where)}  # a file, folder or glob below the folder of this file",
        *(_option(name, given.get(name)) for name in _READING),
        *([f"as_of = {parse_day(given['as_of'], 'as_of')}"] if "as_of" in given else []),
        "",
        "[columns]",
        f"customer = {_text(columns.customer)}",
        f"date = {_text(columns.date)}",
        *_amount(columns.value),
        *_others([each for each in available if each not in columns.named], given.get("key")),
    ]
    text = "\n".join(lines) + "\n" + _REST
    parse_job(text, root=folder, where="the example")
    return text


def _cutoff(given: Any) -> Iterator[str]:
    if given is not None:
        yield f"cutoff = {parse_day(given, 'cutoff')}  # the last day a model may see"
        return
    yield '# The last day a model may see; without it the last day in the log. Also "yesterday",'
    yield '# "today", "last complete month", or a day such as 2026-11-15.'
    yield '#cutoff = "last complete week"'


def _option(name: str, given: Any) -> str:
    """Write a setting of reading: in use where it is given, else as a comment."""
    usual, why = _READING[name]
    if given is None or (given == usual and name in _DEFAULTS):
        return f"#{name} = {_toml(usual)}  # {why}"
    return f"{name} = {_toml(given)}  # {why}"


def _amount(value: str | None) -> Iterator[str]:
    if value is not None:
        yield f"value = {_text(value)}"
        return
    yield "# No column is plainly the amount. Without one, purchases are counted and money is"
    yield '# unknown: value = "..."'


def _others(others: Sequence[str], key: Any) -> Iterator[str]:
    if key is None:
        yield "# Columns that identify a row, read once; [] says that repeated rows are genuine."
        yield "#key = []"
    else:
        yield f"key = {_toml(list(key))}"
    if others:
        yield f"# Further columns: {', '.join(map(_text, others))}."
    yield "#customer_columns = []      # kept as on a customer's first purchase, e.g. a channel"
    yield "#purchase_columns = []      # kept by purchase day; numbers are summed"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    """Write text as TOML does, on one line and visible."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"')
    shown = (sign if sign.isprintable() else f"\\U{ord(sign):08X}" for sign in plain)
    return f'"{"".join(shown)}"'
