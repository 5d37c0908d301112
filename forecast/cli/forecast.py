"""``ltv forecast``: every customer's future, in one folder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from forecast.cli.accusing import print_fired
from forecast.cli.app import app
from forecast.cli.asked import (
    check_apart,
    check_numbers,
    chosen_models,
    load_proof,
    recorded,
)
from forecast.cli.log import Log
from forecast.cli.screen import print_done, print_forecast, print_problem, waiting
from forecast.cli.stopping import go_on

if TYPE_CHECKING:
    from forecast.jobs.saved_models.saved_model import SavedModel

__all__ = ["forecast"]


@app.command
def forecast(
    file: str,
    /,
    *,
    horizon: str,
    out: Path,
    model: Annotated[str, Parameter(name=["--model", "--model-file"])] = "ensemble",
    save_model: bool = False,
    backtest: Path | None = None,
    every: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    log: Log | None = None,
) -> None:
    """Forecast every customer's purchases and value, with 90 % bounds, and write a report.

    Example: `ltv forecast orders.csv --horizon 26W --out forecast`

    Writes report.html, customers.parquet and .csv, periods.csv, totals.parquet, audit.csv and
    manifest.json.

    Parameters
    ----------
    file
        CSV (plain or gzipped) or Parquet; a folder or a quoted glob of them.
    horizon
        How far: 26W, 12M, 90D, 1Y, or a last day YYYY-MM-DD.
    out
        Folder to make; it appears whole or not at all.
    model
        Name of a model; ltv backtest compares them. Or a model.json that --save-model or ltv run
        wrote: it is applied to the log without being fitted anew.
    save_model
        Write model.json beside the results: what the model learned, without the customers.
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
    from forecast.jobs.saved_models.saved_model import save_model as write_model
    from forecast.ledger.storage import save_ledger

    saved = _saved(model)
    fitted = chosen_models([model])[model] if saved is None else saved.model
    length = Horizon.parse(horizon)
    grain = None if every is None else Horizon.parse(every, "every")
    check_numbers(draws=draws, seed=seed)
    check_free(out, overwrite=overwrite)
    check_apart(file, out)
    proof = load_proof(backtest)
    log = log or Log()
    with waiting(f"Reading {file}"):
        ledger = log.read(file)
    from forecast.report.units import currency_of

    currency = currency_of(None, ledger, proof)
    length.periods(ledger.cutoff, grain)
    if far := length.too_far(ledger.first_day, ledger.cutoff):
        print_problem("warning", far)
    go_on()
    age = None
    if saved is None:
        with waiting(f"Fitting {model}"):
            fitted.fit(ledger)
    else:
        age, too_old = saved.stale(ledger, horizon)
        if too_old:
            print_problem("warning", age)
        with waiting(f"Applying {model}"):
            fitted.update(ledger)
    population = getattr(fitted, "populations", ("existing",))[0]
    with waiting(f"Forecasting {length} with {model}"):
        found = fitted.forecast(horizon, population=population, every=every, draws=draws, seed=seed)
    if age is not None:
        found = replace(found, notes=(age, *found.notes))
    # the name a backtest knows the model by; its full name stays in the notes
    elif found.model != model:
        known = () if found.model.lower() == model else (f"{model} is {found.model}.",)
        found = replace(found, model=model, notes=(*known, *found.notes))
    facts = recorded("forecast", file, log, ledger) | {
        "horizon": str(length), "every": every, "model": model, "population": population,
        "draws": draws, "seed": seed,
    }  # fmt: skip
    if saved is not None:
        facts |= {"model": found.model, "model_file": model, "model_cutoff": str(saved.cutoff)}
    go_on()
    with waiting(f"Writing {out}"), output_folder(out, overwrite=overwrite, manifest=facts) as part:
        from forecast.report import report

        save_forecast(found, part)
        save_ledger(ledger, part / "ledger")
        ledger.audit.to_csv(part / "audit.csv", index=False, lineterminator="\n")
        if save_model:
            write_model(fitted, part)
        if proof is not None:
            proof.save(part / "backtest")
        report(part / "report.html", ledger=ledger, forecast=found, backtest=proof)
        go_on()
    print_forecast(found, currency)
    print_fired(ledger, found, proof)
    print_done(out)


def _saved(model: str) -> "SavedModel | None":
    """Return the model of a file, None where a name was given."""
    if not model.endswith(".json") and not Path(model).is_file():
        return None
    from forecast.jobs.saved_models.saved_model import read_model

    return read_model(model)
