"""How many customers are first seen when a log begins, and in a usual month after it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "Arrivals", "arrivals"]

BLOCK = 30  # days in which an old customer counts as first seen at the start
FEWEST_LATER = 3
MOST_LATER = 13


@dataclass(frozen=True)
class Arrivals:
    """Customers first seen, in blocks of 30 days from the first.

    Attributes
    ----------
    first : int
        In the first block.
    later : array of float
        In the blocks after it, thirteen at most: a year, near enough to compare with. Blocks in
        which nobody comes any more, at the end of the log, are left out.
    one_cohort : bool
        Whether half of all later blocks or more bring nobody.
    """

    first: int
    later: npt.NDArray[np.float64]
    one_cohort: bool

    @property
    def usual(self) -> float | None:
        """The median of the later blocks, None where there are fewer than three."""
        return float(np.median(self.later)) if self.later.size >= FEWEST_LATER else None


def arrivals(
    first: npt.NDArray[np.int64],
    start: int,
    cutoff: int,
    weights: npt.NDArray[np.int64] | None = None,
) -> Arrivals:
    """Count customers by the block in which they are first seen.

    Parameters
    ----------
    first : array of int
        Days of first purchases, since 1970-01-01.
    start, cutoff : int
        First and last day observed; a last block that is not over is left out.
    weights : array of int, optional
        How many customers each of the days stands for; by default one.

    Examples
    --------
    >>> days = np.array([0, 1, 2, 35, 36, 70, 110])
    >>> found = arrivals(days, start=0, cutoff=119)
    >>> found.first, found.later.tolist(), found.usual
    (3, [2.0, 1.0, 1.0], 1.0)
    """
    over = (cutoff - start + 1) // BLOCK
    by_block = np.bincount((first - start) // BLOCK, weights, minlength=over)[:over].astype(float)
    near = np.trim_zeros(by_block, "b")
    cohort = over > 1 and float(np.median(by_block[1:])) == 0
    return Arrivals(int(by_block[:1].sum()), near[1 : MOST_LATER + 1], cohort)
