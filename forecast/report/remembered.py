"""A backtest that scores each table once, since a page asks for the same one many times."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import pandas as pd

from forecast.backtest import Backtest, Comparison, Metric
from forecast.forecaster import Population

__all__ = ["Remembered"]

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False, repr=False)
class Remembered(Backtest):
    """The same backtest, with its scored tables kept after the first time."""

    # not of ``__init__``: a part that ``select`` makes begins with none of it
    _kept: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, backtest: Backtest, currency: str | None = None) -> "Remembered":
        """Wrap a backtest, its amounts called so where given; nothing is copied."""
        held = {each.name: getattr(backtest, each.name) for each in fields(Backtest)}
        if currency is not None:
            held["settings"] = {**backtest.settings, "currency": currency}
        return cls(**held)

    def by_origin(
        self, target: str = "purchases", population: Population = "existing", **part: Any
    ) -> pd.DataFrame:
        """Return what :meth:`Backtest.by_origin` does."""
        return self._once("by_origin", super().by_origin, target, population, **part)

    def leaderboard(
        self, target: str = "purchases", population: Population = "existing", **part: Any
    ) -> pd.DataFrame:
        """Return what :meth:`Backtest.leaderboard` does."""
        return self._once("leaderboard", super().leaderboard, target, population, **part)

    def compare(
        self, metric: str | Metric = "rmse", target: str = "purchases", **asked: Any
    ) -> Comparison:
        """Return what :meth:`Backtest.compare` does."""
        return self._once("compare", super().compare, metric, target, **asked)

    def _once(self, name: str, make: Callable[..., Found], *asked: Any, **part: Any) -> Found:
        key = (name, *asked, repr(sorted(part.items())))
        if key not in self._kept:
            self._kept[key] = make(*asked, **part)
        found: Found = self._kept[key]
        return found
