"""The array types that every process shares, and the checks of its parameters."""

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = [
    "Array",
    "Floats",
    "Integers",
    "Numbers",
    "check_positive",
    "floats",
    "history",
    "length",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Array = npt.NDArray[np.generic]
Numbers = npt.ArrayLike


def floats(*values: Numbers) -> tuple[Floats, ...]:
    """Return each value as an array of floats."""
    return tuple(np.asarray(each, dtype=float) for each in values)


def history(frequency: Numbers, recency: Numbers, T: Numbers) -> tuple[Floats, ...]:
    """Return frequency, recency and age as floats, refusing what is no history.

    Raises
    ------
    UsageError
        If a value is missing or negative, a frequency is not whole, or recency is beyond T.
    """
    x, tx, age = floats(frequency, recency, T)
    if not (np.all(x >= 0) and np.all(x == np.rint(x))):
        raise UsageError("frequency: repeat purchases must be whole numbers of 0 or more.")
    if not (np.all(tx >= 0) and np.all(age >= 0)):
        raise UsageError("recency, T: ages must be numbers of 0 or more.")
    if not np.all(tx <= age * (1 + 1e-9) + 1e-9):
        raise UsageError("recency: the age at the last purchase lies beyond T, the age now.")
    return x, tx, age


def length(t: Numbers, name: str = "t") -> Floats:
    """Return a length of time as floats, refusing missing and negative ones."""
    (ahead,) = floats(t)
    if not np.all(ahead >= 0):
        raise UsageError(f"{name}: {t!r} must be 0 or more.")
    return ahead


def check_positive(process: Any) -> None:
    """Refuse a process whose parameters are not all positive and finite."""
    for each in fields(process):
        values = np.asarray(getattr(process, each.name))
        if values.dtype.kind not in "fiu" or not np.all((values > 0) & (values < np.inf)):
            raise UsageError(f"{each.name}: {values} must be positive and finite.")
