"""The array types that every process shares, and how arguments become arrays, or are refused."""

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = [
    "Array",
    "Floats",
    "Integers",
    "Numbers",
    "Shape",
    "check_positive",
    "discount_rate",
    "flat_rows",
    "floats",
    "history",
    "length",
    "on_grid",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Array = npt.NDArray[np.generic]
Numbers = npt.ArrayLike
Shape = tuple[int, ...]
Value = TypeVar("Value", np.float64, np.int64)


def floats(*values: Numbers) -> tuple[Floats, ...]:
    """Return each value as an array of floats."""
    return tuple(np.asarray(each, dtype=float) for each in values)


def flat_rows(*values: Numbers) -> tuple[list[Floats], Shape]:
    """Return values broadcast, flattened and as floats, to be read only, and their shape."""
    together = np.broadcast_arrays(*floats(*values))
    return [each.ravel() for each in together], together[0].shape


def on_grid(shape: Shape, cell: Integers, values: npt.NDArray[Value]) -> npt.NDArray[Value]:
    """Return a grid with values at some cells, given by flat positions, and 0 elsewhere."""
    grid = np.zeros(int(np.prod(shape)), dtype=values.dtype)
    grid[cell] = values
    return grid.reshape(shape)


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


def discount_rate(rate: Numbers) -> Floats:
    """Return a discount rate as floats, refusing what is not positive."""
    (discount,) = floats(rate)
    if not np.all(discount > 0):
        raise UsageError(f"rate: {rate!r} must be positive; undiscounted sums may not exist.")
    return discount


def check_positive(process: Any) -> None:
    """Refuse a process whose parameters are not all positive and finite."""
    for each in fields(process):
        values = np.asarray(getattr(process, each.name))
        if values.dtype.kind not in "fiu" or not np.all((values > 0) & (values < np.inf)):
            raise UsageError(f"{each.name}: {values} must be positive and finite.")
