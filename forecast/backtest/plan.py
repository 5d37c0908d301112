"""What a backtest is asked to do: everything that decides what it finds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from forecast.calendar import Horizon
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["Plan", "settings_of"]

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """A backtest before it runs; the first eight fields are those of ``Backtest``."""

    horizons: tuple[Horizon, ...]
    gap: Horizon | None
    step: Horizon | None
    origins: tuple[date, ...]
    untouched: tuple[date, ...]
    models: tuple[str, ...]
    populations: tuple[Population, ...]
    has_value: bool
    history: Horizon | None
    burn_in: Horizon | None
    refit: int
    draws: int
    seed: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """What ``Backtest.settings`` says."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "history": "expanding" if self.history is None else str(self.history),
            "gap": "none" if self.gap is None else str(self.gap),
            "burn_in": "none" if self.burn_in is None else str(self.burn_in),
            "refit": "never" if self.refit == 0 else self.refit,
            "untouched": len(self.untouched),
            **self.facts,
        }

    @property
    def groups(self) -> list[tuple[date, ...]]:
        """Origins that share one fit, the first of each group."""
        many = self.refit or len(self.origins)
        return [self.origins[at : at + many] for at in range(0, len(self.origins), many)]

    def log(self, ledger: Ledger, origin: date) -> Ledger:
        """Return the whole log as it would look had it begun where the origin's history does."""
        if self.history is None:
            return ledger
        return ledger.since(self.history.back(origin) + _DAY)

    def first_scored(self, log: Ledger) -> date:
        """Return the first day on which a customer may have come to be scored one by one."""
        if self.burn_in is None:
            return log.first_day
        return self.burn_in.window(log.first_day - _DAY).end


def settings_of(thing: Any) -> str:
    """Write a model's settings as text, the same for equal settings whatever the process.

    Examples
    --------
    >>> from forecast.models import OwnRate
    >>> settings_of(OwnRate())
    'OwnRate()'
    """
    if isinstance(thing, Ledger):
        return f"Ledger({thing.summary_hash()})"
    if isinstance(thing, pd.DataFrame | pd.Series):
        total = int(pd.util.hash_pandas_object(thing).sum())
        return f"{type(thing).__name__}{thing.shape} {total & 0xFFFFFFFFFFFF:012x}"
    if isinstance(thing, Mapping):
        inside = (f"{key!r}: {settings_of(value)}" for key, value in thing.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(thing, list | tuple):
        return f"[{', '.join(settings_of(each) for each in thing)}]"
    if is_dataclass(thing) and not isinstance(thing, type):
        names = [each.name for each in fields(thing)]
    elif isinstance(thing, Forecaster):
        names = list(vars(thing))
    else:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(thing))
    # what is fitted ends in _ and is no setting
    kept = {name: getattr(thing, name) for name in names if not name.endswith("_")}
    inside = (f"{name}={settings_of(value)}" for name, value in kept.items())
    return f"{type(thing).__name__}({', '.join(inside)})"
