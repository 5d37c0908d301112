"""A fit that can be kept without its data: the estimate, its verdict, and posterior draws.

Draws of the posterior come from pools made once, with a seed of their own; the seed of a forecast
says which of them it takes and in which order. So a fit that has left its data behind gives the
same draws as before, and asking again costs nothing.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from forecast.errors import UsageError
from forecast.processes.posterior import Posterior

__all__ = ["KeptFit"]

Floats = npt.NDArray[np.float64]
POOLS = (25, 1000)  # draws: a few are cheap, and enough where a few are asked for


@dataclass(frozen=True)
class KeptFit:
    """What was estimated, as :class:`forecast.processes.Fit` says it.

    Attributes
    ----------
    process, params, log_likelihood, standard_errors, status, limit, message, unit
        As of the fit.
    timed
        As of the fit: which parameters scale with the unit.
    covariance_log, n_customers, scale
        As of the fit, where it has them.
    k, by_k
        Of a regular process.
    pools : dict of int to Posterior
        Posterior draws by size of the pool, made when first asked for.
    source : Fit or None
        The fit with its data; None once they were left behind.

    Examples
    --------
    >>> from forecast.processes import GammaGamma
    >>> rng = np.random.default_rng(0)
    >>> fit = KeptFit.of(GammaGamma.fit(np.full(99, 2), rng.gamma(3.0, 9.0, 99)))
    >>> bare = fit.without_data()
    >>> bare.source is None
    True
    >>> one, other = (each.posterior(40, seed=3).draws for each in (fit, bare))
    >>> np.array_equal(one, other)
    True
    """

    process: Any
    params: dict[str, float]
    log_likelihood: float
    standard_errors: dict[str, float]
    status: str
    limit: str | None
    message: str
    unit: str | None
    timed: tuple[int, ...] = ()
    covariance_log: Floats | None = None
    n_customers: int | None = None
    scale: float | None = None
    k: int | None = None
    by_k: dict[int, float] | None = None
    pools: dict[int, Posterior] = field(default_factory=dict, repr=False, compare=False)
    source: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        wrong = [name for name, each in self.params.items() if not 0 < each < np.inf]
        if wrong:
            raise UsageError(
                f"{wrong[0]}: {self.params[wrong[0]]} must be positive and finite, as every "
                "parameter of a fit."
            )
        for pool in self.pools.values():
            if not ((pool.draws > 0) & (pool.draws < np.inf)).all():
                raise UsageError("posterior: draws must be positive and finite.")

    @classmethod
    def of(cls, fit: Any) -> Self:
        """Take over a fit, data and all."""
        same = {each.name for each in fields(cls)} - {"pools", "source"}
        return cls(source=fit, **{name: getattr(fit, name) for name in same if hasattr(fit, name)})

    def posterior(self, draws: int = 1000, seed: int = 0) -> Posterior:
        """Return posterior draws out of the pool; beyond its size they come round again.

        Parameters
        ----------
        draws : int
            Equally weighted draws to return.
        seed : int
            Which of the pool, in which order.
        """
        if draws < 1:
            raise UsageError(f"draws: {draws} must be at least 1.")
        size = POOLS[0] if draws <= POOLS[0] else POOLS[-1]
        pool, rng = self._pool(size), np.random.default_rng([seed, 7])
        rounds = [rng.permutation(size) for _ in range(-(-draws // size))]
        chosen = np.concatenate(rounds)[:draws]
        return replace(pool, draws=pool.draws[chosen], log_draws=pool.log_draws[chosen])

    def without_data(self) -> Self:
        """Return the same fit with all its pools and none of the customers' histories."""
        if hasattr(self.source, "posterior"):
            for size in POOLS:
                self._pool(size)
        return replace(self, source=None)

    def _pool(self, size: int) -> Posterior:
        if size not in self.pools:
            self.pools[size] = self.source.posterior(size, seed=0)
        return self.pools[size]
