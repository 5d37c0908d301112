"""Running somebody else's code: timed, its warnings kept, its errors survived."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from forecast.errors import ForecastError, UnsupportedError

__all__ = ["Attempt", "line"]


@dataclass
class Attempt:
    """What became of a piece of work: ``status`` is ok, failed or unsupported."""

    status: str = "ok"
    error: str = ""
    seconds: float = float("nan")
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def watched(self, seed: int) -> Iterator[None]:
        """Run the body; an interrupt passes, every other error is kept as one line."""
        # models that draw from NumPy's global generator must not depend on who ran before
        state = np.random.get_state()  # noqa: NPY002
        started = perf_counter()
        try:
            np.random.seed(seed % 2**32)  # noqa: NPY002
            with warnings.catch_warnings(record=True) as raised:
                warnings.simplefilter("always")
                for noise in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                    warnings.simplefilter("ignore", noise)
                try:
                    yield
                finally:
                    self.notes.extend(str(each.message) for each in raised)
        except UnsupportedError as error:
            self.status, self.error = "unsupported", line(error)
        except ForecastError as error:
            self.status, self.error = "failed", line(error) or type(error).__name__
        except Exception as error:  # a broken model must not end a long run
            self.status, self.error = "failed", line(f"{type(error).__name__}: {error}")
        finally:
            self.seconds = perf_counter() - started
            np.random.set_state(state)  # noqa: NPY002


def line(text: object) -> str:
    """Return text on one line that any file can hold."""
    return " ".join(str(text).split()).encode(errors="backslashreplace").decode()
