"""The tables of a job file: their keys, what each may hold, and what agrees within a table."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FieldSerializationInfo,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from forecast.jobs.job_file import allowed
from forecast.jobs.job_file.keys import Problem, refuse, settled
from forecast.jobs.job_file.places import is_address, place, place_of_pattern, shown

__all__ = [
    "BacktestSettings",
    "Columns",
    "Destination",
    "Economics",
    "ForecastSettings",
    "Monitoring",
    "Name",
    "Outputs",
    "Section",
    "SegmentSettings",
    "Source",
]


def _placed(value: Any, info: ValidationInfo) -> Any:
    root = (info.context or {}).get("root")
    if root is None or is_address(str(value)):
        return value
    return settled(place if isinstance(value, Path) else place_of_pattern, value, root)


def _written(value: str | Path, info: FieldSerializationInfo) -> str:
    root = (info.context or {}).get("root")
    return str(value) if root is None else shown(value, root)


_AS_WRITTEN = PlainSerializer(_written, return_type=str, when_used="unless-none")
InRoot = Annotated[Path, Field(strict=False), AfterValidator(_placed), _AS_WRITTEN]
Readable = Annotated[
    str, BeforeValidator(allowed.source_path), AfterValidator(_placed), _AS_WRITTEN
]
Name = Annotated[str, AfterValidator(allowed.name)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Model = Annotated[str, AfterValidator(allowed.model)]
HorizonText = Annotated[str, BeforeValidator(allowed.horizon)]
Length = Annotated[str, BeforeValidator(allowed.length)]
Whole = Annotated[int, Field(ge=1, lt=2**31)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A table of the job file: no key but those known, no value of another type, no change."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class Store(Section):
    """Where a table lies: a path, or a table of a database."""

    path: Readable | None = None
    database: Literal["duckdb", "sqlite", "postgresql"] | None = None
    file: InRoot | None = None
    url_env: Annotated[str, AfterValidator(allowed.variable)] | None = None
    table: Name | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Store":
        refuse(list(self._wrong()))
        return self

    def _wrong(self) -> Iterator[Problem]:
        if (self.path is None) == (self.database is None):
            yield "path", "give either a path or a database, one of the two."
            return
        needed = {None: (), "postgresql": ("url_env", "table")}.get(
            self.database, ("file", "table")
        )
        kind = "a path" if self.database is None else f'database = "{self.database}"'
        for key in ("file", "url_env", "table"):
            given = getattr(self, key) is not None
            if given and key not in needed:
                yield key, f"has no meaning beside {kind}; take it out."
            elif key in needed and not given:
                yield key, f"is missing; {kind} needs it."


class Source(Store):
    """What is read: files, or a table of a database, and how its rows are written."""

    returns: Literal["net", "drop", "keep", "error"] = "net"
    date_format: Annotated[str, AfterValidator(allowed.written_dates)] | None = None
    timezone: Annotated[str, AfterValidator(allowed.time_zone)] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'"] | None = None
    currency: Annotated[str, AfterValidator(allowed.currency)] | None = None
    max_bad_rows: Annotated[int, Field(ge=0)] = 0
    delimiter: Annotated[str, AfterValidator(allowed.delimiter)] = ","
    encoding: Annotated[str, AfterValidator(allowed.encoding)] = "utf-8"
    as_of: Annotated[dt.date, BeforeValidator(allowed.day)] | None = None

    def _wrong(self) -> Iterator[Problem]:
        yield from super()._wrong()
        if self.thousands == (self.decimal or "."):
            yield "thousands", f'"{self.thousands}" is the sign before the cents too: decimal.'

    def known_on(self, today: dt.date) -> "Source":
        """Return the source as it is read on a day: later rows are errors, unless it says when."""
        return self if self.as_of is not None else self.model_copy(update={"as_of": today})


class Columns(Section):
    """Which columns are read; ``key = []`` says that repeated rows are genuine."""

    customer: Name
    date: Name
    value: Name | None = None
    key: Names | None = None
    customer_columns: Names = ()
    purchase_columns: Names = ()


class ForecastSettings(Section):
    """What is forecast, by which model; a saved model scores without being fitted."""

    horizons: Annotated[tuple[HorizonText, ...], Field(strict=False)]
    model: Model = "ensemble"
    saved_model: InRoot | None = None
    population: Literal["existing", "new", "all"] | None = None
    every: Length | None = None
    draws: Annotated[int, Field(ge=0, le=1_000_000)] = 500
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    @model_validator(mode="after")
    def _agree(self) -> "ForecastSettings":
        problems: list[Problem] = []
        if not self.horizons:
            problems.append(("horizons", 'must name one at least, ["26W"].'))
        if len(set(self.horizons)) < len(self.horizons):
            problems.append(("horizons", "names a horizon twice; each has a folder of its own."))
        if self.draws == 1:
            problems.append(("draws", "1 must be 0 (no intervals) or at least 2."))
        if self.saved_model is not None and "model" in self.model_fields_set:
            problems.append(("model", "is not asked where saved_model is given; take one out."))
        refuse(problems)
        return self


class BacktestSettings(Section):
    """A proof on past days beside the forecast; all models where none is named."""

    origins: Whole = 6
    horizon: Length
    step: Length | None = None
    models: Annotated[tuple[Model, ...], Field(strict=False)] = ()


class Economics(Section):
    """What the forecast means in money, by a label of customers or the month they came in."""

    margin: Annotated[float | str, PlainValidator(allowed.margin)]
    spend: InRoot
    per_order: float = 0.0
    rate: Annotated[float, PlainValidator(allowed.rate)] = 0.0
    by: Name = "channel"


class SegmentSettings(Section):
    """Whom to keep, win back, grow and let go; rules are learned where none are given."""

    rules: InRoot | None = None


class Destination(Store):
    """Where predictions go besides the folder: one row a run, customer and horizon."""


class Outputs(Section):
    """The folder of results; ``{cutoff}`` in its name keeps every night's."""

    folder: Annotated[
        Path, Field(strict=False), BeforeValidator(allowed.folder), AfterValidator(_placed),
        _AS_WRITTEN,
    ]  # fmt: skip
    report: bool = True
    csv: bool = False
    part_rows: Whole = 1_000_000
    destination: Destination | None = None


class Monitoring(Section):
    """Where every run is remembered, and beyond what an alarm is raised."""

    history: InRoot
    max_bias: Share = 0.2
    min_coverage: Share = 0.8
    max_psi: Annotated[float, Field(gt=0)] = 0.2
    stale_days: Whole = 14
