"""The array types that every process shares."""

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Floats", "Integers", "Numbers"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Array = npt.NDArray[np.generic]
Numbers = npt.ArrayLike
