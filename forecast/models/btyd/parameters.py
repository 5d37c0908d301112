"""Parameters by segment of customers: one for all, or one row for each group of customers."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from forecast.models.btyd.history import Floats, Integers
from forecast.processes.regular_dropout import RegularDropout

__all__ = ["OneForAll", "Parameters", "Variation", "process_builder"]


@dataclass(frozen=True)
class Parameters:
    """Parameters of a process or spend model, a row a segment.

    Attributes
    ----------
    build : callable
        Makes the process from its parameters.
    values : tuple of arrays, each of shape (segments,) or (segments, draws)
        In the order ``build`` takes them; a single row is that of every segment.

    Examples
    --------
    >>> from forecast.processes import NBD
    >>> two = Parameters(NBD, (np.array([0.4, 0.8]), np.array([12.0, 12.0])))
    >>> two.at(np.array([0, 1, 1])).r
    array([0.4, 0.8, 0.8])
    """

    build: Callable[..., Any]
    values: tuple[Floats, ...] = ()

    def at(self, segment: Integers) -> Any:
        """Return the process of customers of these segments."""
        return self.build(*(each[0] if len(each) == 1 else each[segment] for each in self.values))

    def through(self, wrap: Callable[[Any], Any]) -> Self:
        """Return the same parameters, the process passed through ``wrap``."""
        return replace(self, build=lambda *values: wrap(self.build(*values)))


class Variation(Protocol):
    """How the parameters of a fit differ between customers."""

    def segments(self, summary: pd.DataFrame) -> tuple[Integers, Any]:
        """Return each customer's segment, and a table of the segments for the methods below."""
        ...

    def estimate(self, table: Any) -> Parameters:
        """Return the estimates by segment."""
        ...

    def drawn(self, table: Any, draws: int, seed: int) -> Parameters:
        """Return posterior draws by segment."""
        ...


@dataclass(frozen=True)
class OneForAll:
    """The same parameters for all customers.

    Attributes
    ----------
    fit : Fit
        Of a process or of spend.
    """

    fit: Any = field(repr=False)

    def segments(self, summary: pd.DataFrame) -> tuple[Integers, Any]:
        """Return one segment."""
        return np.zeros(len(summary), dtype=np.int64), None

    def estimate(self, table: Any) -> Parameters:
        """Return the process at its estimate."""
        return Parameters(lambda: self.fit.process)

    def drawn(self, table: Any, draws: int, seed: int) -> Parameters:
        """Return posterior draws, each of shape (1, draws)."""
        drawn = self.fit.posterior(draws=draws, seed=seed).draws.T
        return Parameters(process_builder(self.fit.process), tuple(drawn[:, None]))


def process_builder(process: Any) -> Callable[..., Any]:
    """Return what makes a process like this one from its continuous parameters."""
    if isinstance(process, RegularDropout):
        return partial(type(process), process.k)
    return type(process)
