"""The array types that every process shares, and the checks of its parameters."""

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError

__all__ = ["Array", "Floats", "Integers", "Numbers", "check_positive", "floats"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Array = npt.NDArray[np.generic]
Numbers = npt.ArrayLike


def floats(*values: Numbers) -> tuple[Floats, ...]:
    """Return each value as an array of floats."""
    return tuple(np.asarray(each, dtype=float) for each in values)


def check_positive(process: Any) -> None:
    """Refuse a process whose parameters are not all positive and finite."""
    for each in fields(process):
        values = np.asarray(getattr(process, each.name), dtype=float)
        if not np.all((values > 0) & (values < np.inf)):
            raise UsageError(f"{each.name}: {values} must be positive and finite.")
