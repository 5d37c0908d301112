"""The season of a year in a series: Fourier pairs, or a pattern that repeats."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["YearlySeason", "ridge"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class YearlySeason:
    """Regressors of the season by step; step 0 is the first after the data.

    Attributes
    ----------
    cycle : float
        Steps a year.
    pairs : int
        Cosine and sine of one cycle a year, then of two, and so on.
    pattern : array of float, shape (whole steps a year,)
        The season itself, starting with step 0; an empty one where there are pairs or no season.
    phase : float
        Steps from the data it was learned on to the data that step 0 follows now.
    """

    cycle: float
    pairs: int = 0
    pattern: FloatArray | None = None
    phase: float = 0.0

    def columns(self, step: IntArray) -> FloatArray:
        """Return the regressors at steps; shape (steps, 2 * pairs), or one for a pattern.

        Examples
        --------
        >>> YearlySeason(cycle=4.0, pairs=1).columns(np.arange(3)).round(6) + 0.0
        array([[ 1.,  0.],
               [ 0.,  1.],
               [-1.,  0.]])
        """
        if self.pattern is not None:
            place = (step + round(self.phase)) % len(self.pattern)
            return np.asarray(self.pattern[place][:, None])
        angle = 2 * np.pi * np.outer(step + self.phase, np.arange(1, self.pairs + 1)) / self.cycle
        return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(step), -1)


def ridge(columns: FloatArray, log: FloatArray, penalty: FloatArray) -> FloatArray:
    """Regress on a free line and on shrunk columns; return the columns' effects.

    Parameters
    ----------
    columns : array of float, shape (steps, effects)
    log : array of float, shape (steps,)
        Missing values are left out.
    penalty : array of float, shape (effects,)
        Observations in which a column is 0 on average that would weigh as much.
    """
    known = np.isfinite(log)
    line = np.column_stack([np.ones(len(log)), np.linspace(-1, 1, len(log))])
    design = np.concatenate([line, columns], axis=1)[known]
    inner = design.T @ design + np.diag(np.concatenate([[0.0, 0.0], penalty]))
    # least squares, since two regressors may say the same
    return np.asarray(np.linalg.lstsq(inner, design.T @ log[known], rcond=1e-10)[0][2:])
