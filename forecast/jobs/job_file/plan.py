"""What a job would do, in plain sentences, found without reading a row or writing a byte."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.calendar import Horizon
from forecast.errors import listed
from forecast.jobs.folders.outputs import check_free
from forecast.jobs.job_file.configuration import Destination, Job
from forecast.jobs.job_file.header import columns_of
from forecast.jobs.job_file.places import is_address, shown
from forecast.jobs.job_file.readiness import check_ready
from forecast.ledger.columns import choose_columns
from forecast.ledger.files import files_of

__all__ = ["Plan", "plan"]

_RETURNS = {
    "net": "Negative amounts are netted within their day.",
    "drop": "Negative amounts are left out.",
    "keep": "Negative amounts are purchases.",
    "error": "A negative amount ends the run.",
}
_WHOM = {
    "": "the saved model's customers",
    "existing": "customers seen by the cutoff",
    "new": "customers still to come",
    "all": "all customers, new ones included",
}


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes
    ----------
    cutoff : date or None
        The last day a model may see; None for the last day in the log.
    folder : Path or None
        The folder of results; None where its name waits for the log's last day.
    steps : tuple of (str, str)
        A verb, and what is done, in the order of the run.
    """

    cutoff: date | None
    folder: Path | None
    steps: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> list[str]:
        """The plan as lines of text, the last of which says that nothing was done."""
        width = max(len(verb) for verb, _ in self.steps) + 2
        told = [f"{verb:<{width}}{sentence}" for verb, sentence in self.steps]
        return [*told, "Nothing was read but names of columns, and nothing was written."]


def plan(job: Job, today: date) -> Plan:
    """Return what a run on a day would do.

    Parameters
    ----------
    job : Job
        As read from its file.
    today : date
        The day it is.

    Raises
    ------
    ForecastError
        Whatever can be known to go wrong before rows are read: missing files and columns,
        variables that are not set, a folder that may not be replaced, a horizon in the past.
    """
    check_ready(job)
    cutoff = job.resolve_cutoff(today)
    folder = job.folder(cutoff) if cutoff is not None else job.outputs.folder
    known = cutoff is not None or "{cutoff}" not in str(folder)
    steps = [
        *_read(job, cutoff), *_forecast(job, cutoff), *_extras(job), *_write(job, folder, known),
        *_elsewhere(job),
    ]  # fmt: skip
    return Plan(cutoff, folder if known else None, tuple(steps))


def _read(job: Job, cutoff: date | None) -> list[tuple[str, str]]:
    source, columns = job.source, job.columns
    available = columns_of(source, job.root)
    names = columns.model_dump()
    used = columns.model_dump(exclude_none=True)
    where = _store(source, job)
    if available is not None:
        choose_columns(available, **names)
    roles = [f"{role} '{used[role]}'" for role in ("customer", "date", "value") if role in used]
    kept = [*columns.customer_columns, *columns.purchase_columns]
    more = f" Keeps {listed(kept)}." if kept else ""
    money = _RETURNS[source.returns] if columns.value else "Purchases are counted without money."
    repeated = (
        "Repeated rows are kept and warned about." if columns.key is None
        else f"Rows with the same {listed(columns.key)} are read once." if columns.key
        else "Repeated rows are genuine."
    )  # fmt: skip
    steps = [("reads", f"{where}: {', '.join(roles)}.{more} {money} {repeated}")]
    if available is None:
        steps.append(("reads", "Whether these columns are there shows when it is fetched."))
    if cutoff is None:
        steps.append(("sees", "purchases up to the last day in the log."))
    else:
        rule = f" ({job.cutoff})" if isinstance(job.cutoff, str) else ""
        steps.append(("sees", f"purchases up to {cutoff}{rule}; later rows are left out."))
    return steps


def _store(store: object, job: Job) -> str:
    """Name a source or destination, never its address."""
    from forecast.jobs.job_file.sections import Store

    assert isinstance(store, Store)
    if store.path is not None:
        if is_address(store.path):
            return store.path
        name = shown(store.path, job.root)
        if isinstance(store, Destination):
            return name
        files = files_of(store.path)
        size = sum(each.stat().st_size for each in files)
        many = "1 file" if len(files) == 1 else f"{len(files):,} files"
        return f"{name} ({many}, {_bytes(size)})"
    where = shown(store.file, job.root) if store.file else f"the address in {store.url_env}"
    return f"table {listed([store.table])} of {store.database}, {where}"


def _forecast(job: Job, cutoff: date | None) -> list[tuple[str, str]]:
    asked = job.forecast
    if asked.saved_model is None:
        steps = [("fits", f"{asked.model}, anew.")]
    else:
        steps = [("loads", f"{shown(asked.saved_model, job.root)}, which is not fitted again.")]
    draws = f"{asked.draws:,} draws" if asked.draws else "no draws, so no intervals"
    whom = asked.population or _own_population(job)
    every = f", in periods of {asked.every}" if asked.every else ""
    for text in asked.horizons:
        length = Horizon.parse(text)
        span = text if cutoff is None else f"{text} ({length.window(cutoff)})"
        if cutoff is not None:
            length.periods(cutoff, asked.every)
        steps.append(("forecasts", f"{span}{every}, {_WHOM[whom]}, {draws}, seed {asked.seed}."))
    return steps


def _own_population(job: Job) -> str:
    """Return whom a model forecasts unless asked; "" where only a saved model knows."""
    from forecast.models import MODELS

    if job.forecast.saved_model is not None:
        return ""
    return str(getattr(MODELS[job.forecast.model], "populations", ("existing",))[0])


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _extras(job: Job) -> list[tuple[str, str]]:
    steps = []
    if job.segments is not None:
        rules = job.segments.rules
        steps.append((
            "segments",
            "customers by rules learned now." if rules is None
            else f"customers by {shown(rules, job.root)}.",
        ))  # fmt: skip
    if job.economics is not None:
        money = job.economics
        share = (
            f"column {money.margin!r}" if isinstance(money.margin, str)
            else f"{money.margin:.1%} of value"
        )  # fmt: skip
        steps.append((
            "counts",
            f"money by {money.by}: margin {share} less {money.per_order:g} an order, discounted "
            f"at {money.rate:.1%} a year, against {shown(money.spend, job.root)}.",
        ))  # fmt: skip
    if job.backtest is not None:
        proof = job.backtest
        models = listed(proof.models, write=str) if proof.models else "all models"
        steps.append(
            ("backtests", f"{models} from {proof.origins} past days, {proof.horizon} ahead.")
        )
    return steps


def _write(job: Job, folder: Path, known: bool) -> list[tuple[str, str]]:
    asked = job.outputs
    each = ["customers.parquet", "periods.csv", "totals.parquet"]
    each += ["customers.csv"] if asked.csv else []
    apart = len(job.forecast.horizons) > 1
    files = [f"{', '.join(each)} in a folder a horizon"] if apart else each
    files += ["model.json", "audit.csv"]
    files += ["segments.csv"] if job.segments else []
    files += ["economics.csv"] if job.economics else []
    files += ["report.html"] if asked.report else []
    name = shown(folder, job.root)
    steps = [("writes", f"{name}: {', '.join(files)}, manifest.json, _SUCCESS.")]
    if known:
        check_free(folder, overwrite=True)
        if folder.is_dir() and any(folder.iterdir()):
            steps.append(("replaces", f"the results that are in {name} now."))
    return steps


def _elsewhere(job: Job) -> list[tuple[str, str]]:
    steps = []
    if job.outputs.destination is not None:
        steps.append((
            "sends",
            f"predictions to {_store(job.outputs.destination, job)}: rows of the same run are "
            "replaced, others stay.",
        ))  # fmt: skip
    if job.monitoring is not None:
        asked = job.monitoring
        steps.append((
            "remembers",
            f"the forecasts in {shown(asked.history, job.root)}; ltv monitor warns of bias over "
            f"{asked.max_bias:.0%}, coverage under {asked.min_coverage:.0%}, PSI over "
            f"{asked.max_psi:g} and {asked.stale_days} days without a purchase.",
        ))  # fmt: skip
    return steps
