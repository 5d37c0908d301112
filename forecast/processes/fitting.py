"""Maximum likelihood for any process: several starts, a verdict, and the limit model by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.limits import AT_LIMIT, Limit, nearest_limit
from forecast.processes.newton import Optimum, climb, settle
from forecast.processes.verdict import covariance_at, verdict

if TYPE_CHECKING:
    from forecast.processes.posterior import Posterior
    from forecast.processes.prior import Prior

__all__ = ["Fit", "Likelihood", "maximise"]

_AGREE = 1e-4
_FAR = 6.0


class Likelihood(Protocol):
    """A log-likelihood of log-parameters over compressed data, in rescaled units."""

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters, in order."""
        ...

    @property
    def timed(self) -> tuple[int, ...]:
        """Power of the data's unit in each parameter."""
        ...

    @property
    def scale(self) -> float:
        """The data's unit was divided by this."""
        ...

    @property
    def n_customers(self) -> int:
        """Customers behind the rows."""
        ...

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled units into the data's unit."""
        ...

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at ``eta``."""
        ...

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at ``eta``."""
        ...


@dataclass(frozen=True)
class Fit:
    """A process estimated by maximum likelihood.

    Attributes
    ----------
    process : object
        The process at its estimate, ready to be asked.
    params : dict of float
        Natural parameters in the unit of the data.
    log_likelihood : float
        Summed over customers, weighted, in the unit of the data.
    standard_errors : dict of float
        Of ``params``, by the delta method from the log-scale Hessian; NaN where the data do not
        determine a parameter, and ``message`` says why.
    covariance_log : array, shape (p, p)
        Covariance of the log-parameters, NaN as above.
    status : {"converged", "weak", "limit", "failed"}
        ``weak``: a maximum, but nearly flat. ``limit``: the likelihood tends to ``limit``, and
        the estimate stands next to it. ``failed``: no maximum was reached.
    limit : str or None
        The simpler process that does as well.
    message : str
        The verdict in words.
    n_customers : int
        Customers behind the estimate.
    unit : str or None
        Unit of time or money, as given.
    scale : float
        Median age (or spend) that the priors refer to, in the unit of the data.
    """

    process: Any
    params: dict[str, float]
    log_likelihood: float
    standard_errors: dict[str, float]
    covariance_log: Floats
    status: str
    limit: str | None
    message: str
    n_customers: int
    unit: str | None
    scale: float
    likelihood: Likelihood = field(repr=False, compare=False)
    prior: "Prior" = field(repr=False, compare=False)

    @property
    def timed(self) -> tuple[int, ...]:
        """Which parameters scale with the unit: 1 for those, 0 for the others."""
        return self.likelihood.timed

    def posterior(self, draws: int = 2000, seed: int = 0) -> "Posterior":
        """Return draws of the parameters given the data and the documented prior.

        Parameters
        ----------
        draws : int
            Equally weighted draws to return.
        seed : int
            Same fit and seed, same draws.
        """
        from forecast.processes.posterior import sample_posterior

        return sample_posterior(self, draws=draws, seed=seed)


def maximise(
    likelihood: Likelihood,
    *,
    build: Callable[..., Any],
    prior: "Prior",
    starts: Sequence[Floats],
    limits: Sequence[Limit] = (),
    rehearsal: Likelihood | None = None,
    ridge: bool = False,
    unit: str | None = None,
) -> Fit:
    """Maximise a likelihood from several starts and return the estimate with a verdict.

    Starts are climbed one after the other until two agree on the best value within 1e-4; three
    seeded random ones follow those given. With a ``rehearsal`` (the same likelihood on a
    subsample) the starts are tried there and the full data are climbed once, from its maximum.

    Parameters
    ----------
    likelihood : Likelihood
        Of log-parameters, in rescaled units.
    build : callable
        Makes the process from its natural parameters by name.
    prior : Prior
        Kept for the posterior; maximum likelihood does not use it.
    starts : sequence of arrays, shape (p,)
        Starting points, best guess first.
    limits : sequence of Limit
        Simpler processes the likelihood may tend to, simplest first.
    rehearsal : Likelihood, optional
        The likelihood of a subsample.
    ridge : bool
        Whether the likelihood is long and flat, so that the best point is to be settled.
    unit : str, optional
        Unit of the data, kept in the result.
    """
    random = np.random.default_rng(20050501).normal(0.0, 1.5, (3, len(likelihood.names)))
    best, agreed = _several(rehearsal or likelihood, [*starts, *random])
    if rehearsal is not None:
        rehearsed, best = best, climb(likelihood.derivatives, best.eta, radius=0.5)
        # a subsample may stand on a limit that all the data do not have
        if np.abs(rehearsed.eta).max() > _FAR:
            again = climb(likelihood.derivatives, starts[0])
            best = max(best, again, key=lambda each: each.value)
    if ridge:
        best = settle(likelihood.derivatives, best)
    near = nearest_limit(limits, likelihood.derivatives, best)
    point, limit, at_limit = best, None, False
    if near is not None:
        limit, on_face = near
        at_limit = best.value - on_face.value <= AT_LIMIT
        point = on_face if at_limit else best
    covariance, trouble = covariance_at(point, limit if at_limit else None, likelihood.names)
    status, message = verdict(
        point,
        covariance,
        names=likelihood.names,
        n_customers=likelihood.n_customers,
        agreed=agreed,
        limit=limit,
        at_limit=at_limit,
        trouble=trouble,
    )
    powers = np.array(likelihood.timed)
    theta = np.exp(point.eta) * likelihood.scale**powers
    params = dict(zip(likelihood.names, theta.tolist(), strict=True))
    errors = (theta * np.sqrt(np.diag(covariance))).tolist()
    return Fit(
        process=build(**params),
        params=params,
        log_likelihood=point.value + likelihood.unit_change(),
        standard_errors=dict(zip(likelihood.names, errors, strict=True)),
        covariance_log=covariance,
        status=status,
        limit=None if limit is None else limit.name,
        message=message,
        n_customers=likelihood.n_customers,
        unit=unit,
        scale=likelihood.scale,
        likelihood=likelihood,
        prior=prior,
    )


def _several(likelihood: Likelihood, starts: Sequence[Floats]) -> tuple[Optimum, bool]:
    """Climb from one start after the other until two agree on the best."""
    found: list[Optimum] = []
    for start in starts:
        found.append(climb(likelihood.derivatives, start))
        values = np.array([each.value for each in found])
        if (values >= values.max() - _AGREE).sum() >= 2:
            return max(found, key=lambda each: each.value), True
    return max(found, key=lambda each: each.value), False
