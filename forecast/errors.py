"""Every exception and warning of the package.

An error says what is wrong, how much of it there is and what to do; it carries its data as
attributes, and ``exit_code`` is what the command line returns for it.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

__all__ = [
    "BadRowsError",
    "CheckError",
    "ColumnError",
    "CutoffError",
    "DataError",
    "DataWarning",
    "FileError",
    "ForecastError",
    "ForecastWarning",
    "HorizonError",
    "LockedError",
    "ModelError",
    "ModelWarning",
    "NotFittedError",
    "NotIdentifiedError",
    "TooLittleDataError",
    "UnsupportedError",
    "UsageError",
    "listed",
]

_WIDEST = 60


def listed(items: Sequence[Any], most: int = 5, write: Callable[[Any], str] = repr) -> str:
    """Return the first few items as text for a message: ``'a', 'b' and 3 more``.

    Parameters
    ----------
    items : sequence
        What to list; text longer than 60 signs is cut.
    most : int
        How many to show.
    write : callable
        ``repr``, or ``ascii`` where the difference would not be seen.
    """
    shown = ", ".join(_clipped(item, write) for item in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def _clipped(item: Any, write: Callable[[Any], str] = repr) -> str:
    text = write(item[: _WIDEST + 1] if isinstance(item, str | bytes) else item)
    return text if len(text) <= _WIDEST + 2 else f"{text[:_WIDEST]}..."


class ForecastError(Exception):
    """Root of every error this package raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as text and attributes: not every ``__init__`` takes the text."""
        return _again, (type(self), self.args), vars(self)


def _again(kind: type[ForecastError], args: tuple[Any, ...]) -> ForecastError:
    return kind.__new__(kind, *args)


class UsageError(ForecastError):
    """A setting, argument or option that cannot be honoured."""

    exit_code = 2


class HorizonError(UsageError):
    """A horizon, period or step that is not a length of time with a unit, or a later date."""


class UnsupportedError(UsageError):
    """A population, scenario lever or view that this model or source does not have."""


class DataError(ForecastError):
    """The data given is not a purchase log that can be used."""

    exit_code = 3


class ColumnError(DataError):
    """A column is missing, doubled or ambiguous."""


class CutoffError(DataError):
    """A cutoff or window that the log does not reach."""


class TooLittleDataError(DataError):
    """The log is sound but holds too little for what is asked."""


class BadRowsError(DataError):
    """Rows that cannot be read as purchases.

    Attributes
    ----------
    column : str
        Name of the offending column, as in the source.
    count : int
        How many rows are affected.
    samples : list
        Up to five offending values.
    source : str
        Name of the file or table, where known.
    places : list of str
        Where each sample stands, such as ``"row 3"``; empty where rows have no order.
    """

    def __init__(
        self,
        problem: str,
        *,
        column: str,
        count: int,
        samples: Sequence[Any],
        remedy: str,
        source: str = "",
        places: Sequence[str] = (),
    ) -> None:
        self.column, self.count, self.samples = column, count, list(samples)[:5]
        self.source, self.places = source, list(places)[:5]
        each = [listed([sample]) for sample in self.samples]
        if places:
            each = [f"{text} ({at})" for text, at in zip(each, self.places, strict=True)]
        shown = f" First: {', '.join(each)}." if each else ""
        rows = "row" if count == 1 else "rows"
        where = f"Column {listed([column])}" + (f" of {source}" if source else "")
        super().__init__(f"{where}: {problem} in {count:,} {rows}.{shown} {remedy}")


class ModelError(ForecastError):
    """A model cannot be estimated, or does not believe its own estimate."""

    exit_code = 4


class NotFittedError(ModelError):
    """A forecast was asked of a model that has not seen a ledger."""

    def __init__(self, model: object) -> None:
        name = type(model).__name__
        loaded = "; one that was loaded: .update(ledger)" if hasattr(model, "update") else ""
        super().__init__(f"{name} has seen no ledger yet. Call .fit(ledger) first{loaded}.")


class NotIdentifiedError(ModelError):
    """The data do not determine the parameters.

    Attributes
    ----------
    limit : str or None
        Name of the simpler model the likelihood tends to, where there is one.
    """

    def __init__(self, message: str, *, limit: str | None = None) -> None:
        self.limit = limit
        super().__init__(message)


class CheckError(ModelError, AssertionError):
    """A model breaks what every forecaster owes its users, or fails while that is looked at.

    Attributes
    ----------
    check : str
        Name of the check, such as ``"money scales"``.
    """

    def __init__(self, model: object, check: str, problem: str) -> None:
        self.check = check
        super().__init__(f"{type(model).__name__}: {check}: {problem}")


class LockedError(ForecastError):
    """The output exists already, or another job holds it."""

    exit_code = 5


class FileError(ForecastError):
    """A file cannot be read or written."""

    exit_code = 6


class ForecastWarning(UserWarning):
    """Root of every warning this package emits."""


class DataWarning(ForecastWarning):
    """The log was read, but something in it deserves a look."""


class ModelWarning(ForecastWarning):
    """An estimate stands, but with a caveat."""
