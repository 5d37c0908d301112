"""What is true of a mean, up to chance."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture(scope="session")
def within() -> Callable[..., bool]:
    """Return whether a mean is within so many standard errors of what it should be."""

    def close(values: npt.ArrayLike, expected: float, errors: float = 4.5) -> bool:
        values = np.asarray(values, dtype=float)
        return bool(abs(values.mean() - expected) < errors * values.std() / np.sqrt(len(values)))

    return close
