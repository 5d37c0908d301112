"""The steps of a job, each of which writes its files: read, forecast, segment, count, report.

What a later step needs of an earlier one is read from its files, or made again from the log; so a
run that was interrupted writes the same bytes as one that was not.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.calendar import Horizon
from forecast.errors import ForecastError, ModelError
from forecast.forecaster import Forecast, Forecaster
from forecast.jobs.folders.saved_forecast import (
    SavedForecast,
    load_forecast,
    save_forecast,
    write_parts,
)
from forecast.jobs.folders.spreadsheet import write_csv
from forecast.jobs.running.beside import read_costs, read_rules, write_rules
from forecast.jobs.running.fits import fits_of
from forecast.jobs.running.inputs import Inputs
from forecast.jobs.running.stages import Facts, Staging, commit_point
from forecast.ledger import Ledger

if TYPE_CHECKING:
    import pandas as pd

    from forecast.backtest import Backtest
    from forecast.jobs.saved_models.saved_model import SavedModel
    from forecast.value import Segments, UnitEconomics

__all__ = ["Steps"]

Tell = Callable[..., object]


class Steps:
    """What a job does between reading and publishing.

    Parameters
    ----------
    inputs : Inputs
        What it reads.
    staging : Staging
        Where it writes.
    tell : callable
        ``tell(kind, stage, message, done=None, of=None, **facts)``, called as work goes on; may
        raise to stop.
    keep_going : bool
        Whether a horizon that fails leaves the others.

    Attributes
    ----------
    failed : dict
        Horizon to what went wrong with it.
    """

    def __init__(self, inputs: Inputs, staging: Staging, tell: Tell, *, keep_going: bool) -> None:
        self.inputs, self.staging, self.tell = inputs, staging, tell
        self.job, self.keep_going = inputs.job, keep_going
        self.failed: dict[str, str] = {}
        self._taught: set[str] = set()

    def run(self) -> dict[str, Facts]:
        """Do every step that is not done, and return the facts of each."""
        job = self.job
        facts = {"ledger": self._step("ledger", "Reading purchases", self._write_ledger)}
        facts |= self._forecast_all()
        facts["model"] = self._step("model", "Saving the model", self._write_model)
        if job.segments is not None:
            facts["segments"] = self._step("segments", "Parting customers", self._write_segments)
        if job.economics is not None:
            facts["economics"] = self._step("economics", "Counting money", self._write_economics)
        if job.backtest is not None:
            facts["backtest"] = self._step("backtest", "Testing on the past", self._write_backtest)
        if job.outputs.report:
            facts["report"] = self._step("report", "Writing the report", self._write_report)
        return facts

    @cached_property
    def ledger(self) -> Ledger:
        """The log, read when something needs it."""
        return self.inputs.ledger

    @property
    def horizons(self) -> tuple[str, ...]:
        """The horizons that did not fail."""
        return tuple(each for each in self.job.forecast.horizons if each not in self.failed)

    def saved(self, horizon: str) -> SavedForecast:
        """Return what was forecast, from its files."""
        return load_forecast(self.staging.folder / self.place(horizon))

    def place(self, horizon: str) -> str:
        """Name the folder of a horizon's files below the output folder."""
        return "." if len(self.job.forecast.horizons) == 1 else f"horizon={horizon}"

    def labels(self) -> "pd.DataFrame | None":
        """Return the segments of customers, to judge the forecast by when it has matured."""
        if self.job.segments is None:
            return None
        import pandas as pd

        kept = pd.read_parquet(
            self.staging.folder / "segments.parquet", columns=["customer_id", "portfolio"]
        )
        return kept.set_index("customer_id")

    def _step(self, stage: str, message: str, write: Callable[[Path], Facts | None]) -> Facts:
        if self.staging.done(stage):
            taken = stage in self.staging.taken
            found = "is whole in the folder" if taken else "was finished by an interrupted run"
            self.tell("note", stage, f"{found}, and is kept")
            return self.staging.run(stage, write)
        self.tell("started", stage, message)
        facts = self.staging.run(stage, write)
        plain = {name: each for name, each in facts.items() if isinstance(each, int | str)}
        self.tell("ended", stage, "done", **plain, seconds=self.staging.seconds[stage])
        return facts

    def _write_ledger(self, folder: Path) -> Facts:
        ledger = self.ledger
        write_csv(ledger.audit, folder / "audit.csv")
        rows = ledger.audit.loc[ledger.audit["check"] == "rows", "count"]
        return {
            "data": ledger.summary_hash(),
            "first_day": str(ledger.first_day),
            "cutoff": str(ledger.cutoff),
            "rows": int(rows.iloc[0]),
        }

    def _forecast_all(self) -> dict[str, Facts]:
        """Forecast each horizon; with ``keep_going`` one that fails leaves the others."""
        facts, errors = {}, []
        for horizon in self.job.forecast.horizons:
            stage = f"forecast {horizon}"
            try:
                write = partial(self._write_forecast, horizon)
                facts[stage] = self._step(stage, f"Forecasting {horizon}", write)
            except ForecastError as error:
                if not self.keep_going or len(self.job.forecast.horizons) == 1:
                    raise
                self.failed[horizon] = str(error)
                errors.append(error)
                self.tell("error", stage, str(error))
        if not facts:
            raise errors[0]
        return facts

    def _write_forecast(self, horizon: str, folder: Path) -> Facts:
        found = self._forecast(horizon)
        outputs = self.job.outputs
        save_forecast(
            found, folder / self.place(horizon), csv=outputs.csv, part_rows=outputs.part_rows
        )
        return {
            "model": found.model,
            "population": found.population,
            "customers": None if found.customers is None else len(found.customers),
            "periods": len(found.periods),
            "notes": list(found.notes),
        }

    @cached_property
    def saved_model(self) -> "SavedModel | None":
        """The model on disk that scores without being fitted, where the job names one."""
        from forecast.jobs.saved_models.saved_model import read_model

        path = self.job.forecast.saved_model
        return None if path is None else read_model(path)

    @cached_property
    def model(self) -> Forecaster:
        """The model, fitted to the log, or loaded and given its histories."""
        settings = self.job.forecast
        if self.saved_model is not None:
            self.tell("started", "fit", "Taking the histories into the saved model")
            updated: Forecaster = self.saved_model.model.update(self.ledger)
            return updated
        from forecast.models import MODELS

        self.tell("started", "fit", f"Fitting {settings.model}")
        begun = time.monotonic()
        fitted = MODELS[settings.model].fit(self.ledger)
        self.tell("ended", "fit", "done", seconds=round(time.monotonic() - begun, 3))
        commit_point("fit")
        return fitted

    def _forecast(self, horizon: str) -> Forecast:
        settings = self.job.forecast
        length = Horizon.parse(horizon)
        population = settings.population or getattr(self.model, "populations", ("existing",))[0]
        found = self.model.forecast(
            str(length), population=population, every=settings.every, draws=settings.draws,
            seed=settings.seed,
        )  # fmt: skip
        self._taught.add(horizon)
        if far := length.too_far(self.ledger.first_day, self.ledger.cutoff):
            self.tell("warning", f"forecast {horizon}", far)
            found = replace(found, notes=(far, *found.notes))
        if self.saved_model is not None:
            said, too_old = self.saved_model.stale(self.ledger, str(length))
            if too_old:
                self.tell("warning", f"forecast {horizon}", said)
            return replace(found, notes=(said, *found.notes))
        name = settings.model
        if found.model == name:
            return found
        known = () if found.model.lower() == name else (f"{name} is {found.model}.",)
        return replace(found, model=name, notes=(*known, *found.notes))

    def _write_model(self, folder: Path) -> Facts:
        from forecast.jobs.saved_models.saved_model import save_model

        for horizon in self.horizons:  # a model may learn for a horizon as it forecasts
            if horizon not in self._taught:
                self._forecast(horizon)
        save_model(self.model, folder)
        return {"fits": fits_of(self.model)}

    @cached_property
    def _segments(self) -> "Segments":
        from forecast.value import segments

        assert self.job.segments is not None
        rules = self.job.segments.rules
        known = None if rules is None else read_rules(rules)
        return segments(self.saved(self.horizons[0]), self.ledger, rules=known)

    def _write_segments(self, folder: Path) -> Facts:
        from forecast.value.segmenting import SCHEMES

        found = self._segments
        tables = {scheme: found.summary(scheme).rename_axis("segment") for scheme in SCHEMES}
        write_csv(_stacked(tables), folder / "segments.csv")
        write_parts(found.customers, folder / "segments.parquet", self.job.outputs.part_rows)
        write_rules(found.rules, folder)
        return {"notes": list(found.notes)}

    @cached_property
    def _economics(self) -> "UnitEconomics":
        from forecast.value import Margin, unit_economics

        money = self.job.economics
        assert money is not None
        margin = (
            Margin(column=money.margin, per_order=money.per_order)
            if isinstance(money.margin, str)
            else Margin(money.margin, per_order=money.per_order)
        )
        log = self.job.source
        costs = read_costs(
            money.spend, decimal=log.decimal, thousands=log.thousands,
            delimiter=log.delimiter, encoding=log.encoding,
        )  # fmt: skip
        return unit_economics(
            self._forecast(self.horizons[0]), self.ledger, costs,
            margin=margin, rate=money.rate, by=money.by, target="channel",
            seed=self.job.forecast.seed,
        )  # fmt: skip

    def _write_economics(self, folder: Path) -> Facts:
        found = self._economics
        write_csv(found.table.reset_index(), folder / "economics.csv")
        write_csv(found.curves.table(), folder / "payback.csv")
        return {"notes": list(found.notes)}

    def _write_backtest(self, folder: Path) -> Facts:
        from forecast.backtest import backtest
        from forecast.models import default_models

        settings = self.job.backtest
        assert settings is not None
        models = default_models()
        names = settings.models or tuple(models)
        found = backtest(
            self.ledger, {name: models[name] for name in names}, horizon=settings.horizon,
            origins=settings.origins, step=settings.step, seed=self.job.forecast.seed,
            folder=self.staging.work / "backtest",
            progress=lambda done, of, label: self.tell("progress", "backtest", label, done, of),
        )  # fmt: skip
        if not (found.runs["status"] == "ok").any():
            raise ModelError(
                f"backtest: no model could forecast from any of {settings.origins} origins."
            )
        unknown = {name: float("nan") for name in ("fit_seconds", "forecast_seconds")}
        found = replace(found, runs=found.runs.assign(**unknown))  # the manifest alone tells times
        found.save(folder / "backtest")
        for target in ("purchases", "value") if found.has_value else ("purchases",):
            write_csv(found.leaderboard(target).reset_index(), folder / f"leaderboard_{target}.csv")
        return {"origins": len(found.origins), "models": list(found.models)}

    def _write_report(self, folder: Path) -> Facts | None:
        from forecast.report import report

        first, *others = self.horizons
        report(
            folder / "report.html", ledger=self.ledger, forecast=self.saved(first),
            backtest=self._backtest, value=self._value(), title=self.job.name,
        )  # fmt: skip
        for horizon in others:
            (folder / self.place(horizon)).mkdir()
            report(
                folder / self.place(horizon) / "report.html", ledger=self.ledger,
                forecast=self.saved(horizon), title=self.job.name,
            )  # fmt: skip
        return None

    @property
    def _backtest(self) -> "Backtest | None":
        from forecast.backtest import Backtest

        kept = self.staging.folder / "backtest"
        return Backtest.load(kept) if self.job.backtest is not None else None

    def _value(self) -> "dict[str, pd.DataFrame]":
        tables = {} if self.job.economics is None else dict(self._economics)
        return tables | ({} if self.job.segments is None else dict(self._segments))


def _stacked(tables: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Put the summaries of several schemes in one table."""
    import pandas as pd

    rows = [table.reset_index().assign(scheme=scheme) for scheme, table in tables.items()]
    found = pd.concat(rows, ignore_index=True).astype({"segment": str})
    return found[
        ["scheme", "segment", *found.columns.difference(["scheme", "segment"], sort=False)]
    ]
