"""Customer columns as covariates of a purchase process: coded, fitted, and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.errors import UsageError, listed
from forecast.models.btyd.history import Floats, Integers, Times
from forecast.models.btyd.parameters import Parameters
from forecast.models.kept_fit import KeptFit
from forecast.processes import WithCovariates, fit_with_covariates
from forecast.views import labelled

__all__ = ["Category", "Coding", "Number", "WithTraits", "fit_with_traits"]

FEWEST = 30  # customers of a level of its own
BINS = 5  # a number of more values is taken by the means of so many equal groups
OTHER = "other"


@dataclass(frozen=True)
class Coding:
    """Customer columns as numbers; learned once, so later customers are coded alike.

    A category becomes one indicator a level, against its most frequent level. Levels of fewer than
    30 customers are pooled into ``"other"``, as are levels that were not seen when it was learned.
    A number is centred and divided by its standard deviation; one of more than 5 values is first
    put into 5 groups of equal size, at their means. A missing category is ``"(none)"``, a missing
    number the mean.

    Attributes
    ----------
    names : tuple of str
        Such as ``"channel=ads"``, or the column itself for a number.
    parts : tuple of Category or Number
        Each takes a summary and returns its columns, shape (customers, its names).
    """

    names: tuple[str, ...]
    parts: tuple["Category | Number", ...] = field(repr=False)

    @classmethod
    def learn(cls, summary: pd.DataFrame, columns: Sequence[str]) -> Self:
        """Learn levels, means and spreads.

        Parameters
        ----------
        summary : pandas.DataFrame
            Customers with the ledger's customer columns.
        columns : sequence of str

        Raises
        ------
        UsageError
            If a column is not one of the ledger's, or all customers have the same value.
        """
        names, parts = list[str](), list[Category | Number]()
        for column in columns:
            if column not in summary:
                raise UsageError(
                    f"covariates: {column!r} is no customer column of the ledger; name it in "
                    "read_ledger(customer_columns=...)."
                )
            values = summary[column]
            numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(
                values
            )
            part = (Number if numeric else Category).learn(column, values)
            names.extend(part.names)
            parts.append(part)
        return cls(tuple(names), tuple(parts))

    def matrix(self, summary: pd.DataFrame) -> Floats:
        """Return the coded columns, shape (customers, names).

        Raises
        ------
        UsageError
            If the summary lacks one of the columns.
        """
        missing = [part.column for part in self.parts if part.column not in summary]
        if missing:
            raise UsageError(
                f"covariates: the ledger has no customer column {listed(missing)}, which the model "
                "was fitted with; name it in read_ledger(customer_columns=...)."
            )
        return np.concatenate([part(summary) for part in self.parts], axis=1)


@dataclass(frozen=True)
class Category:
    """Indicators of the levels of a category, against its most frequent one."""

    column: str
    most: str
    levels: tuple[str, ...]

    @classmethod
    def learn(cls, column: str, values: "pd.Series[Any]") -> "Category":
        """Find the levels of 30 customers and more."""
        counts = labelled(values).value_counts()
        kept = counts[counts >= FEWEST].sort_index()
        rare = int(counts.sum() - kept.sum())
        if kept.empty or len(kept) + (rare > 0) < 2:
            raise UsageError(
                f"covariates: {column!r} has no two levels of {FEWEST} customers each; it tells "
                "nothing."
            )
        most = str(kept.index[int(np.argmax(kept.to_numpy()))])
        levels = [str(level) for level in kept.index if level != most]
        if rare and OTHER not in levels:
            levels.append(OTHER)
        return cls(column, most, tuple(levels))

    @property
    def names(self) -> tuple[str, ...]:
        """The coded columns."""
        return tuple(f"{self.column}={level}" for level in self.levels)

    def __call__(self, summary: pd.DataFrame) -> Floats:
        """Code the column of a summary."""
        labels = labelled(summary[self.column])
        known = labels.isin([self.most, *self.levels])
        if OTHER in self.levels:
            labels = labels.where(known, OTHER)
        return np.stack([(labels == level).to_numpy(float) for level in self.levels], axis=1)


@dataclass(frozen=True)
class Number:
    """A number, binned where it has many values, centred and scaled."""

    column: str
    edges: Floats
    means: Floats
    centre: float
    spread: float

    @classmethod
    def learn(cls, column: str, values: "pd.Series[Any]") -> "Number":
        """Find bins, mean and spread."""
        known = values.dropna().to_numpy(float)
        found = np.unique(known)
        if found.size < 2 or not np.isfinite(found).all():
            raise UsageError(f"covariates: {column!r} needs two finite values at least.")
        edges = found[1:]
        if found.size > BINS:
            edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
        place = np.searchsorted(edges, known, side="right")
        number = np.bincount(place, minlength=edges.size + 1)
        means = np.bincount(place, known, minlength=edges.size + 1) / np.maximum(number, 1)
        grouped = means[place]
        return cls(column, edges, means, float(grouped.mean()), float(grouped.std()))

    @property
    def names(self) -> tuple[str, ...]:
        """The coded columns."""
        return (self.column,)

    def __call__(self, summary: pd.DataFrame) -> Floats:
        """Code the column of a summary."""
        values = summary[self.column].to_numpy(float)
        place = np.searchsorted(self.edges, values, side="right")
        coded = (self.means[place] - self.centre) / self.spread
        return np.asarray(np.where(np.isnan(values), 0.0, coded)[:, None])


@dataclass(frozen=True)
class WithTraits:
    """Parameters that differ by covariates.

    Attributes
    ----------
    fit : Fit
        Its ``process`` is a :class:`forecast.processes.WithCovariates`.
    coding : Coding
    """

    fit: Any = field(repr=False)
    coding: Coding

    def segments(self, summary: pd.DataFrame) -> tuple[Integers, Any]:
        """Return customers of equal covariates as one segment, and their covariates."""
        rows, code = np.unique(self.coding.matrix(summary), axis=0, return_inverse=True)
        return code.reshape(-1), rows

    def estimate(self, table: Any) -> Parameters:
        """Return the estimates by segment."""
        return self._of(self.fit.process, table)

    def drawn(self, table: Any, draws: int, seed: int) -> Parameters:
        """Return posterior draws by segment."""
        posterior = self.fit.posterior(draws=draws, seed=seed)
        values = dict(zip(posterior.names, posterior.draws.T, strict=True))
        plain = type(self.fit.process.process)
        base = plain(**{name: each for name, each in values.items() if ": " not in name})
        ratios = {
            part: {name: values[f"{part}: {name}"] for name in self.coding.names}
            for part in ("rate", "dropout")
        }
        return self._of(WithCovariates(base, **ratios), table[:, :, None])

    def _of(self, process: WithCovariates, rows: Floats) -> Parameters:
        given = {name: rows[:, place] for place, name in enumerate(self.coding.names)}
        found = process.of(rate=given, dropout=given)
        width = rows.ndim - 1  # of a value that differs between segments
        values = (np.asarray(each) for each in vars(found).values())
        return Parameters(
            type(found), tuple(each if each.ndim == width else each[None] for each in values)
        )


def fit_with_traits(
    process: Any, frequency: Floats, times: Times, coding: Coding, matrix: Floats
) -> tuple[Any, WithTraits]:
    """Estimate a process with covariates on the purchase rate and on dropout.

    Returns
    -------
    Fit
        With readable names: ``"purchase rate: channel=ads"`` and ``"dropout: channel=ads"``, both
        as ratios, 1 for no effect.
    WithTraits

    Raises
    ------
    UsageError
        If the process has no covariates.
    """
    given = {name: matrix[:, place] for place, name in enumerate(coding.names)}
    fit = fit_with_covariates(
        process, frequency, times.recency, times.age, rate=given, dropout=given, unit="weeks"
    )
    readable = {name: name.replace("rate: ", "purchase rate: ", 1) for name in fit.params}
    shown = replace(
        fit,
        params={readable[name]: each for name, each in fit.params.items()},
        standard_errors={readable[name]: each for name, each in fit.standard_errors.items()},
    )
    return KeptFit.of(shown), WithTraits(KeptFit.of(fit), coding)
