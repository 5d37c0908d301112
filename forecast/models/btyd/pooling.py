"""Partial pooling: groups of customers differ from the pooled estimate as far as data say so.

Group g's log-parameters are those of all plus u_g, with u_g ~ N(0, diag(variance)): log(1/alpha)
(the purchase rate) and log a, or log(1/beta) (dropout), and for spend log v. Shapes, which say how
customers of one group differ, are shared. The variance between groups is estimated (empirical
Bayes), so groups that are alike, or small, are pooled.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.errors import UsageError
from forecast.models.btyd.history import Floats, History, Integers
from forecast.models.btyd.parameters import Parameters, process_builder
from forecast.views import labelled

__all__ = ["Effects", "PartiallyPooled", "group_labels", "shrink"]

_MOVED = (("alpha", -1.0), ("a", 1.0), ("beta", -1.0), ("v", 1.0))
_ROUNDS, _STEP = 40, 0.02
_SMALLEST, _LARGEST = 1e-6, 4.0


def group_labels(summary: pd.DataFrame, by: str) -> "pd.Series[str]":
    """Return each customer's group; customers without one are ``"(none)"``.

    Raises
    ------
    UsageError
        If ``by`` is neither ``"cohort"`` nor a customer column of the ledger.
    """
    if by not in summary or by in ("frequency", "recency", "T"):
        raise UsageError(
            f"by: {by!r} is neither 'cohort' nor a customer column of the ledger; name it in "
            "read_ledger(customer_columns=...)."
        )
    return labelled(summary[by])


@dataclass(frozen=True)
class Effects:
    """What groups differ by, on the scale of logarithms.

    Attributes
    ----------
    mode : array, shape (groups, size)
    covariance : array, shape (groups, size, size)
        Given the data and the variance between groups.
    variance : array, shape (size,)
        Between groups.
    """

    mode: Floats
    covariance: Floats
    variance: Floats

    def and_unknown(self) -> "Effects":
        """Return the effects with one more group, of which nothing is known."""
        size = self.variance.size
        return Effects(
            np.concatenate((self.mode, np.zeros((1, size)))),
            np.concatenate((self.covariance, np.diag(self.variance)[None])),
            self.variance,
        )

    def drawn(self, draws: int, seed: int) -> Floats:
        """Return draws, shape (groups, draws, size)."""
        rng = np.random.default_rng([seed, 4])
        root = np.linalg.cholesky(self.covariance)
        noise = rng.standard_normal((len(self.mode), draws, self.variance.size))
        return np.asarray(self.mode[:, None] + noise @ np.swapaxes(root, 1, 2))


def shrink(log_likelihood: Callable[[Floats], Floats], groups: int, size: int) -> Effects:
    """Estimate the effects of groups and their variance.

    Newton steps for the modes of all groups together alternate with the fixed point
    variance = sum(mode^2) / sum(1 - posterior variance / variance) (MacKay 1992).

    Parameters
    ----------
    log_likelihood : callable
        Takes effects of shape (groups, size), returns one log-likelihood a group.
    groups, size : int

    Examples
    --------
    Means of 100 normal values each, seen at -1, 0 and 1, hardly shrink:

    >>> seen = np.array([-1.0, 0.0, 1.0])
    >>> found = shrink(lambda u: -50 * (seen - u[:, 0]) ** 2, 3, 1)
    >>> found.mode[:, 0].round(2), found.variance.round(2)
    (array([-0.98,  0.  ,  0.98]), array([0.66]))
    """
    mode, variance = np.zeros((groups, size)), np.full(size, 0.1)
    covariance = np.zeros((groups, size, size))
    for round_ in range(_ROUNDS):
        gradient, hessian = _derivatives(log_likelihood, mode)
        precision = -hessian + np.diag(1 / variance)
        curve, axes = np.linalg.eigh(precision)
        curve = np.maximum(curve, 0.5 / variance.max())
        covariance = (axes / curve[:, None]) @ np.swapaxes(axes, 1, 2)
        step = np.einsum("gij,gj->gi", covariance, gradient - mode / variance)
        mode = mode + np.clip(step, -1.0, 1.0)
        if round_ < 3:
            continue
        spread = np.diagonal(covariance, axis1=1, axis2=2)
        determined = np.maximum((1.0 - spread / variance).sum(axis=0), 1e-9)
        wanted = np.clip((mode**2).sum(axis=0) / determined, _SMALLEST, _LARGEST)
        moved = np.abs(np.log(wanted / variance)).max()
        variance = wanted
        if np.abs(step).max() < 1e-5 and moved < 1e-4:
            break
    return Effects(mode, covariance, variance)


def _derivatives(value: Callable[[Floats], Floats], at: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian of every group by central differences."""
    groups, size = at.shape
    moves = _STEP * np.eye(size)
    here = value(at)
    up, down = ([value(at + sign * move) for move in moves] for sign in (1, -1))
    gradient = np.stack([(one - two) / (2 * _STEP) for one, two in zip(up, down, strict=True)], 1)
    hessian = np.zeros((groups, size, size))
    for i in range(size):
        hessian[:, i, i] = (up[i] + down[i] - 2 * here) / _STEP**2
        for j in range(i):
            both = value(at + moves[i] + moves[j]) + value(at - moves[i] - moves[j])
            apart = up[i] + down[i] + up[j] + down[j]
            hessian[:, i, j] = hessian[:, j, i] = (both - apart + 2 * here) / (2 * _STEP**2)
    return gradient, hessian


@dataclass(frozen=True)
class PartiallyPooled:
    """Parameters that differ by group.

    Attributes
    ----------
    fit : Fit
        Of all customers.
    by : str
    labels : tuple of str
        The groups.
    effects : Effects
        A group each, and last that of a group not seen before.
    """

    fit: Any = field(repr=False)
    by: str
    labels: tuple[str, ...]
    effects: Effects = field(repr=False)

    @classmethod
    def of_purchases(cls, fit: Any, by: str, labels: tuple[str, ...], history: History) -> Self:
        """Let the groups of a history, its segments, differ from the pooled process."""
        number = np.bincount(history.code).astype(float)
        group = history.distinct_segment
        found = cls._shrunk(
            fit, len(labels), group, number, lambda process: process.log_likelihood(
                *history.distinct
            )
        )  # fmt: skip
        return cls(fit, by, labels, found.and_unknown())

    @classmethod
    def of_spend(
        cls, fit: Any, by: str, labels: tuple[str, ...], group: Integers, n: Floats, mean: Floats
    ) -> Self:
        """Let the spend level of groups differ from the pooled one."""
        found = cls._shrunk(
            fit, len(labels), group, np.ones(n.size),
            lambda process: process.log_likelihood(n, mean),
        )  # fmt: skip
        return cls(fit, by, labels, found.and_unknown())

    @classmethod
    def _shrunk(
        cls,
        fit: Any,
        groups: int,
        group: Integers,
        weight: Floats,
        log_likelihood: Callable[[Any], Floats],
    ) -> Effects:
        build, values = process_builder(fit.process), fit.params

        def value(effects: Floats) -> Floats:
            each = log_likelihood(build(**_moved(values, effects[group].T)))
            return np.bincount(group, weight * each, minlength=groups).astype(float)

        return shrink(value, groups, len(_names(values)))

    def segments(self, summary: pd.DataFrame) -> tuple[Integers, Any]:
        """Return each customer's group."""
        place = pd.Index(self.labels).get_indexer(pd.Index(group_labels(summary, self.by)))
        return np.where(place < 0, len(self.labels), place).astype(np.int64), None

    def estimate(self, table: Any) -> Parameters:
        """Return the estimates by group."""
        values = _moved(self.fit.params, self.effects.mode.T)
        return self._parameters(values, lambda each: np.atleast_1d(each))

    def drawn(self, table: Any, draws: int, seed: int) -> Parameters:
        """Return posterior draws of the pooled parameters, times draws of the groups' effects."""
        posterior = self.fit.posterior(draws=draws, seed=seed)
        pooled = dict(zip(posterior.names, posterior.draws.T, strict=True))
        effects = np.moveaxis(self.effects.drawn(draws, seed), 2, 0)
        values = _moved(pooled, effects)
        return self._parameters(values, lambda each: each if each.ndim == 2 else each[None])

    def table(self) -> pd.DataFrame:
        """Return each group's ratio to the pooled parameters, and the spread between groups.

        Returns
        -------
        pandas.DataFrame
            A row a group; columns ``purchase rate``, ``dropout`` or ``order value``: 1 is pooled.
        """
        said = {"alpha": "purchase rate", "a": "dropout", "beta": "dropout", "v": "order value"}
        columns = [said[name] for name, _ in _names(self.fit.params)]
        ratios = np.exp(self.effects.mode[:-1])
        return pd.DataFrame(ratios, index=pd.Index(self.labels, name=self.by), columns=columns)

    def _parameters(self, values: dict[str, Any], rows: Callable[[Any], Floats]) -> Parameters:
        build = process_builder(self.fit.process)
        return Parameters(build, tuple(rows(values[name]) for name in self.fit.params))


def _names(values: dict[str, Any]) -> list[tuple[str, float]]:
    return [(name, sign) for name, sign in _MOVED if name in values]


def _moved(values: dict[str, Any], effects: Floats) -> dict[str, Any]:
    """Return parameters moved by effects of shape (size, ...), one a parameter that moves."""
    out = dict(values)
    for (name, sign), effect in zip(_names(values), effects, strict=True):
        out[name] = out[name] * np.exp(sign * effect)
    return out
