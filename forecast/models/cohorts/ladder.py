"""The chain ladder: one rate by age for all cohorts, and each cohort's level on it.

A cell is a cohort at an age. What is seen there is expected to be exposure x rate x level, and
scatters more than Poisson counts do; the scatter measured on the cells gives the uncertainty.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Development", "Ladder"]

FloatArray = npt.NDArray[np.float64]
Extend = Callable[[FloatArray, FloatArray, int], FloatArray]

_ROUNDS = 10
_FEWEST_CELLS = 5
_LEAST_SCATTER = 1e-3


@dataclass(frozen=True)
class Development:
    """Rates by age, as all cohorts together teach them: what a ladder keeps without its cohorts.

    Attributes
    ----------
    pool : array of float, shape (ages,)
        What was seen at each age, of all cohorts.
    lived : array of float, shape (ages,)
        What it was seen of, weighed by the cohorts' levels.
    events : array of float, shape (ages,)
        Purchases behind it.
    mean_level : float
        Mean of the cohorts' levels before they are divided by it.
    scatter : float
        Variance of a cell in units of that of a Poisson count or, for an amount, of a purchase:
        Pearson's statistic over its degrees of freedom (England & Verrall 2002, sec. 2.3).
    credibility : float
        K of :class:`Ladder`, in events.
    amounts : bool
        Whether cells hold amounts of ``exposure`` events, rather than counts.
    extend : callable
        (seen, exposure, ages) by age to rates by age, tail included, along the last axis.
    """

    pool: FloatArray
    lived: FloatArray
    events: FloatArray
    mean_level: float
    scatter: float
    credibility: float
    amounts: bool
    extend: Extend

    def rate(self, ages: int) -> FloatArray:
        """Return the rate at each age, shape (ages,)."""
        return self.extend(self.pool, self.lived, ages)

    def levels(self, seen: FloatArray, exposure: FloatArray) -> FloatArray:
        """Return each cohort's level on these rates, shape (cohorts,)."""
        usual = exposure @ self.rate(seen.shape[1])
        events = exposure.sum(axis=1) if self.amounts else usual
        ratio = np.divide(seen.sum(axis=1), usual, out=np.ones_like(usual), where=usual > 0)
        known = events + self.credibility
        level = np.divide(
            events * ratio + self.credibility, known, out=np.ones_like(usual), where=known > 0
        )
        return np.asarray(level / self.mean_level)


@dataclass(frozen=True)
class Ladder:
    """Cohorts on a development: what they did at each age, and their levels.

    Rates are ``seen / (exposure x level)`` by age, summed over cohorts, and a cohort's level is
    ``(I ratio + K) / (I + K)``: the ratio of what it did to what the rates expect of it, with
    credibility I / (I + K). Both are solved in turn: the chain ladder in its Poisson form (Mack
    1991) with Bühlmann's credibility (Bühlmann & Gisler 2005, ch. 2).

    Attributes
    ----------
    seen : array of float, shape (cohorts, ages)
        What was seen: counts, or an amount.
    exposure : array of float, shape (cohorts, ages)
        What it is seen of: days lived, customers, or purchases for an amount.
    weight : array of float, shape (cohorts,)
        Levels have mean 1 under it.
    level : array of float, shape (cohorts,)
    development : Development
        The rates by age.
    """

    seen: FloatArray
    exposure: FloatArray
    weight: FloatArray
    level: FloatArray
    development: Development

    @classmethod
    def fit(
        cls,
        seen: FloatArray,
        exposure: FloatArray,
        *,
        weight: FloatArray,
        credibility: float,
        pooled: int,
        extend: Extend,
        amounts: bool = False,
    ) -> "Ladder":
        """Solve for rates and levels in turn, ten times, from levels of 1."""
        pool, level = seen[:, :pooled].sum(axis=0), np.ones(len(seen))
        events = exposure[:, :pooled].sum(axis=0) if amounts else pool
        for _ in range(_ROUNDS):
            lived = level @ exposure[:, :pooled]
            found = Development(pool, lived, events, 1.0, 1.0, credibility, amounts, extend)
            level = found.levels(seen, exposure)
            if not level @ weight > 0:
                level = np.ones_like(level)
            mean = float(np.average(level, weights=weight if weight.any() else None))
            found, level = replace(found, mean_level=mean), level / mean
        done = cls(seen, exposure, weight, level, found)
        return replace(done, development=replace(found, scatter=done._scatter()))

    @classmethod
    def of(
        cls, development: Development, seen: FloatArray, exposure: FloatArray, weight: FloatArray
    ) -> "Ladder":
        """Put cohorts on a development that is known, each at its level."""
        level = development.levels(seen, exposure)
        return cls(seen, exposure, weight, level, development)

    @property
    def scatter(self) -> float:
        """Of a cell, see :class:`Development`."""
        return self.development.scatter

    @property
    def pooled(self) -> int:
        """Ages the rates are learned on; those beyond belong to the tail."""
        return len(self.development.pool)

    def rate(self, ages: int) -> FloatArray:
        """Return the rate at each age, shape (ages,)."""
        return self.development.rate(ages)

    def draw(
        self, rng: np.random.Generator, draws: int, ages: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return draws of the rates and of the levels.

        What was seen at an age is Gamma around itself with the scatter's variance, and the tail
        follows from it. A level is Gamma with the mean above and the variance (scatter events + K)
        / (I + K)^2, the posterior under a Gamma prior of mean 1 and shape K; what its draws have
        in common is left to the rates.

        Returns
        -------
        rates : array of float, shape (draws, ages)
        levels : array of float, shape (draws, cohorts)
        """
        found = self.development
        pool = found.pool * _gamma(rng, found.events / found.scatter, draws)
        rates = found.extend(pool, found.lived, ages)
        # variance over squared mean is (scatter events + K) / (events + K)^2, events as they came
        known = self._events()
        spread = found.scatter * known + found.credibility
        shape = np.divide(
            (known + found.credibility) ** 2, spread, out=np.zeros_like(spread), where=spread > 0
        )
        levels = self.level * _gamma(rng, shape, draws)
        if self.weight.any():
            levels = levels / np.average(levels, axis=1, weights=self.weight)[:, None]
        return rates, levels

    def expected(self) -> FloatArray:
        """Return what the fit expects of each cell, shape (cohorts, ages)."""
        return self.exposure * self.rate(self.seen.shape[1]) * self.level[:, None]

    def _events(self) -> FloatArray:
        """Return the events behind each cohort's own ratio, at that ratio."""
        total = self.seen.sum(axis=1)
        if not self.development.amounts:
            return np.asarray(total)
        usual = self.exposure @ self.rate(self.seen.shape[1])
        ratio = np.divide(total, usual, out=np.zeros_like(usual), where=usual > 0)
        return np.asarray(self.exposure.sum(axis=1) * ratio)

    def _scatter(self) -> float:
        mean = self.expected()[:, : self.pooled]
        events = self.exposure[:, : self.pooled] if self.development.amounts else mean
        inside = (mean > 0) & (events > 0)
        cohorts, ages = inside.any(axis=1).sum(), inside.any(axis=0).sum()
        free = int(inside.sum() - cohorts - ages + 1)
        if free < _FEWEST_CELLS:
            return 1.0
        off = self.seen[:, : self.pooled][inside] / mean[inside] - 1
        return max(float((off**2 * events[inside]).sum()) / free, _LEAST_SCATTER)


def _gamma(rng: np.random.Generator, shape: FloatArray, draws: int) -> FloatArray:
    """Return factors of mean 1, variance 1 / shape each; 1 where nothing is known."""
    wide = np.broadcast_to(shape, (draws, len(shape)))
    return np.divide(rng.standard_gamma(wide), wide, out=np.ones(wide.shape), where=wide > 0)
