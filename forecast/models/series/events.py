"""Known events and market figures by day, as regressors of a series by step."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Window, day_number, day_of
from forecast.errors import UsageError, listed
from forecast.models.btyd.season import event_columns

__all__ = ["StepEvents"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StepEvents:
    """Events that were seen to vary before the cutoff, scaled to a size of 1 at most.

    Attributes
    ----------
    table : pandas.DataFrame or None
        As given: one column an event, one row a day.
    names : tuple of str
        Those that varied.
    unknown : tuple of str
        Those that did not, and so are taken to have no effect.
    size : array of float, shape (names,)
        Greatest size of each in a step of the past.
    past : array of float, shape (steps, names)
    """

    table: pd.DataFrame | None
    names: tuple[str, ...]
    unknown: tuple[str, ...]
    size: FloatArray
    past: FloatArray

    @classmethod
    def learn(cls, table: pd.DataFrame | None, steps: list[Window]) -> "StepEvents":
        """Average the days of each past step.

        Raises
        ------
        UsageError
            If days of the past are missing or doubled, or values are no numbers.
        """
        by_name = _by_step(table, steps)
        varied = [name for name, value in by_name.items() if np.ptp(value) > 0]
        past = np.array([by_name[name] for name in varied]).reshape(len(varied), len(steps)).T
        size = np.abs(past).max(axis=0, initial=0.0)
        unknown = tuple(name for name in by_name if name not in varied)
        return cls(table, tuple(varied), unknown, size, past / size)

    def stand(self, steps: list[Window]) -> "StepEvents":
        """Return the same events with their values in the steps of another past."""
        by_name = _by_step(self.table, steps)
        past = np.array([by_name[name] for name in self.names])
        return replace(self, past=past.reshape(len(self.names), len(steps)).T / self.size)

    def future(self, scenario: pd.DataFrame | None, steps: list[Window], end: date) -> FloatArray:
        """Return the events' values in future steps; shape (steps, names).

        Parameters
        ----------
        scenario : pandas.DataFrame or None
            Replaces the values given for the days after the cutoff.
        steps : list of Window
        end : date
            First day that need not be known: the last step may pass the horizon.

        Raises
        ------
        UsageError
            If a day is missing, or the scenario has other events.
        """
        if scenario is None:
            table = self.table
        else:
            table, expected = scenario, sorted(self.names + self.unknown)
            if sorted(map(str, table.columns)) != expected:
                raise UsageError(
                    f"scenario: events {listed(sorted(map(str, table.columns)))}; the model was "
                    f"given {listed(expected) or 'none'}."
                )
        by_name = _by_step(table, [Window(each.start, min(each.end, end)) for each in steps])
        found = np.array([by_name[name] for name in self.names])
        return np.asarray(found.reshape(len(self.names), len(steps)).T / self.size)


def _by_step(table: pd.DataFrame | None, steps: list[Window]) -> dict[str, FloatArray]:
    start, end = day_number(steps[0].start), day_number(steps[-1].end)
    columns = event_columns(table, start)
    if columns is None:
        return {}
    known = start + min((len(each) for each in columns.values()), default=0)
    if known < end:
        raise UsageError(
            f"events: known up to {day_of(known - 1)}, needed up to "
            f"{day_of(end) - timedelta(days=1)}; give every day to the end of the horizon."
        )
    edges = [day_number(steps[0].start) - start, *(day_number(each.end) - start for each in steps)]
    days = np.diff(edges)
    return {
        name: np.diff(np.concatenate([[0.0], np.cumsum(value)])[edges]) / days
        for name, value in columns.items()
    }
