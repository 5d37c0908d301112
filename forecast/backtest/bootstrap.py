"""How sure is a ratio of two models' scores? A paired bootstrap over customers and origins.

Two things are random: whom the base holds, and which windows of time were tried. Customers come
back at every origin, so a customer keeps one weight at all of them; origins are drawn whole, in
blocks as long as their windows overlap. The spread between origins already holds the customers'
noise, so that part is taken out before the two are added: ``V_customers + V_origins - V_both``,
as in two-way clustering (Cameron, Gelbach & Miller 2011). Every model meets the same weights.

Losses are kept as sums over at most 4,096 groups of customers, formed by a hash of their names:
resampling random groups has the variance of resampling customers, and fits any base in memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UsageError

__all__ = ["FEWEST_ORIGINS", "GROUPS", "LossSums", "Ratio", "Replicates", "customer_groups",
           "paired_ratio", "resample"]  # fmt: skip

FloatArray = npt.NDArray[np.float64]
GROUPS = 4096
FEWEST_ORIGINS = 4
_TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class LossSums:
    """Losses of every model, summed by origin and group of customers.

    Attributes
    ----------
    losses : array, shape (models, origins, groups)
        Sums of losses that are 0 or more.
    customers : array, shape (origins, groups)
        How many customers each sum holds.
    root : bool
        Whether a score is the root of the mean loss, as RMSE is, or the mean itself.
    overlap : int
        How many consecutive origins share days of their windows; 1 for none.
    """

    losses: FloatArray
    customers: FloatArray
    root: bool
    overlap: int = 1

    def by_origin(self, weights: FloatArray | None = None) -> FloatArray:
        """Return scores of shape (..., models, origins), customers' groups weighted."""
        w = np.ones((1, self.customers.shape[1])) if weights is None else weights
        sums = np.tensordot(w, self.losses, axes=(1, 2))
        mean = sums / (w @ self.customers.T)[:, None, :]
        scores = np.sqrt(mean) if self.root else mean
        return np.asarray(scores if weights is not None else scores[0])

    @property
    def enough_origins(self) -> bool:
        """Whether four windows or more stand side by side, so that origins can be resampled."""
        return len(self.customers) >= FEWEST_ORIGINS * self.overlap


@dataclass(frozen=True)
class Replicates:
    """Scores of all models, log scale, and how they come out when things are drawn again.

    Attributes
    ----------
    logs : array, shape (models,)
        Log of each model's mean score over origins.
    customers : array, shape (replicates, models)
        The same with customers drawn again, as deviations.
    origins : array of that shape, or None
        The same with origins drawn again, as deviations; None where they are too few.
    within : array, shape (replicates, models, origins)
        What customers' noise at each origin moves the log score by.
    blocks : float
        Number of origins by their overlap, for degrees of freedom.
    """

    logs: FloatArray
    customers: FloatArray
    origins: FloatArray | None
    within: FloatArray
    blocks: float

    def contrast(self, weights: FloatArray, level: float = 0.9) -> FloatArray:
        """Return draws of a contrast of log scores around its estimate, shape (replicates,).

        Parameters
        ----------
        weights : array, shape (models,)
            Adding up to 0; a log ratio is 1 and -1.
        level : float
            Where Student's t takes the place of the normal, since origins are few.
        """
        from scipy.special import ndtri, stdtrit

        people = self.customers @ weights
        if self.origins is None:
            return people
        times = self.origins @ weights
        count = self.within.shape[2]
        noise = float((np.tensordot(self.within, weights, axes=(1, 0))).var(axis=0).sum())
        shared = float(people.var()) - noise  # what the same customers add across origins
        seen = float(times.var()) * count / (count - count / self.blocks)
        between = max(seen - noise + shared / (count - 1), 0.0)
        if between == 0.0 or seen == 0.0:
            return people
        upper = (1 + level) / 2
        wider = stdtrit(self.blocks - 1, upper) / ndtri(upper)
        return np.asarray(people + times * np.sqrt(between / float(times.var())) * wider)


@dataclass(frozen=True)
class Ratio:
    """A ratio of two scores with its interval.

    Attributes
    ----------
    ratio, lo, hi : float
        Score of the first over that of the second; below 1 the first is better.
    p_value : float
        Two-sided, of no difference.
    level : float
        Of the interval.
    origins_resampled : bool
        False: the interval speaks of other customers at these origins, not of other times.
    """

    ratio: float
    lo: float
    hi: float
    p_value: float
    level: float
    origins_resampled: bool


def resample(sums: LossSums, *, replicates: int = 1000, seed: int = 0) -> Replicates:
    """Draw customers and origins again.

    Parameters
    ----------
    sums : LossSums
        Losses of all models.
    replicates : int
        How often; customers are weighted by exponentials (Rubin 1981), which never all vanish.
    seed : int
        The same losses and seed give the same numbers.
    """
    if replicates < 100:
        raise UsageError(f"replicates: {replicates} are too few for an interval; take 500.")
    rng = np.random.default_rng(seed)
    scores = sums.by_origin()
    count, level = scores.shape[1], np.maximum(scores.mean(axis=1), _TINY)
    logs = np.log(level)
    drawn = sums.by_origin(rng.standard_exponential((replicates, sums.customers.shape[1])))
    customers = np.log(np.maximum(drawn.mean(axis=2), _TINY)) - logs
    within = (drawn - scores) / (count * level[:, None])
    origins = None
    if sums.enough_origins:
        starts = rng.integers(count, size=(replicates, -(-count // sums.overlap), 1))
        picked = (starts + np.arange(sums.overlap)) % count
        picked = picked.reshape(replicates, -1)[:, :count]
        origins = np.log(np.maximum(scores[:, picked].mean(axis=2), _TINY)).T - logs
    return Replicates(logs, customers, origins, within, count / sums.overlap)


def ratio_of(found: Replicates, first: int, second: int, level: float = 0.9) -> Ratio:
    """Return the ratio of two models' scores, by position, with its percentile interval."""
    weights = np.zeros(len(found.logs))
    weights[first] += 1
    weights[second] -= 1
    center = float(found.logs @ weights)
    drawn = center + found.contrast(weights, level)
    lo, hi = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(drawn) + 1))
    with np.errstate(over="ignore"):
        ratio, low, high = (float(np.exp(each)) for each in (center, lo, hi))
    return Ratio(ratio, low, high, p, level, found.origins is not None)


def paired_ratio(
    loss_a: npt.ArrayLike,
    loss_b: npt.ArrayLike,
    *,
    customer: npt.ArrayLike | None = None,
    origin: npt.ArrayLike | None = None,
    root: bool = True,
    overlap: int = 1,
    level: float = 0.9,
    replicates: int = 1000,
    seed: int = 0,
) -> Ratio:
    """Return the ratio of two scores made from paired losses, such as of two RMSEs.

    Parameters
    ----------
    loss_a, loss_b : array-like, shape (rows,)
        Losses of the same customers under two forecasts, 0 or more: squared errors for RMSE.
    customer : array-like, shape (rows,), optional
        Who each row is; without it every row is somebody else.
    origin : array-like, shape (rows,), optional
        When each row was forecast, in an order that sorts; without it there was one origin.
    root : bool
        True for a ratio of roots of mean losses, averaged over origins; False for means.
    overlap : int
        How many consecutive origins share days of their windows.
    level : float
        Of the interval.
    replicates, seed
        As in :func:`resample`.

    Returns
    -------
    Ratio
        With four origins or more (times ``overlap``), of other customers and other times.

    Raises
    ------
    UsageError
        If lengths differ, or a loss is missing, infinite or below 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> loss = rng.exponential(size=2000)
    >>> found = paired_ratio(loss * rng.uniform(0.5, 1.0, 2000), loss)
    >>> round(found.ratio, 2), round(found.lo, 2), round(found.hi, 2)
    (0.86, 0.86, 0.87)
    """
    losses = np.asarray([loss_a, loss_b], dtype=float)
    if losses.ndim != 2 or losses.shape[1] == 0:
        raise UsageError(f"losses: two columns of one length above 0; got {losses.shape}.")
    if not (np.isfinite(losses) & (losses >= 0)).all():
        bad = int((~(np.isfinite(losses) & (losses >= 0))).sum())
        raise UsageError(f"losses: {bad:,} are missing, infinite or below 0.")
    rows = losses.shape[1]
    people = customer_groups(np.arange(rows) if customer is None else customer)
    times, count = np.zeros(rows, dtype=int), 1
    if origin is not None:
        days, times = np.unique(np.asarray(origin), return_inverse=True)
        count = len(days)
    shape = (count, GROUPS)
    cell = times * GROUPS + people
    summed = [np.bincount(cell, each, minlength=count * GROUPS).reshape(shape) for each in losses]
    held = np.bincount(cell, minlength=count * GROUPS).reshape(shape).astype(float)
    sums = LossSums(np.array(summed), held, root, overlap)
    return ratio_of(resample(sums, replicates=replicates, seed=seed), 0, 1, level)


def customer_groups(names: Any) -> npt.NDArray[np.int64]:
    """Return the group of each customer, which depends on the name alone."""
    hashed = pd.util.hash_array(pd.Index(names).to_numpy(), categorize=False)
    return np.asarray(hashed % np.uint64(GROUPS), dtype=np.int64)
