"""Draws of the parameters given the data: importance sampling at the mode, with its diagnostic.

A handful of log-parameters has a nearly Gaussian posterior, so draws from a multivariate t at the
mode, weighted by posterior over proposal, are as good as a long chain and take milliseconds. The
weights are Pareto-smoothed; the shape k of their tail says when not to trust them (Vehtari et al.
2024, "Pareto smoothed importance sampling": good below 0.7). Above, a chain is run with emcee
where it is installed.
"""

import importlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.errors import ModelWarning, UsageError
from forecast.processes.arrays import Floats
from forecast.processes.newton import BOX, climb

if TYPE_CHECKING:
    from forecast.processes.fitting import Fit

__all__ = ["Posterior", "sample_posterior"]

_FREEDOM = 6.0
_TRUST = 0.7
# likelihood terms that may be spent on proposals before their number is cut
_BUDGET = 4e8
_FEWEST = 500
# above this k, the proposal is fitted to its own weighted draws, a few times
_ADAPT = 0.5
_ROUNDS = 6
_CENTRES = 40
_KERNEL = 0.5
_GROWN = 1.15


@dataclass(frozen=True)
class Posterior:
    """Equally weighted draws of the parameters.

    Attributes
    ----------
    names : tuple of str
        Parameters, in order.
    draws : array, shape (draws, p)
        On the natural scale, in the unit of the data.
    log_draws : array, shape (draws, p)
        Their logarithms.
    pareto_k : float
        Shape of the tail of the importance weights; below 0.7 they can be trusted.
    effective_size : float
        Independent draws that the weighted proposals (or the chain) are worth.
    prior : str
        The prior, in words; times and money relative to the median.
    method : {"importance", "mcmc", "constant"}
        How the draws were made.
    """

    names: tuple[str, ...]
    draws: Floats
    log_draws: Floats
    pareto_k: float
    effective_size: float
    prior: str
    method: str

    def process(self, build: Any) -> Any:
        """Return a process whose parameters are these draws, each of shape (draws,)."""
        return build(**dict(zip(self.names, self.draws.T, strict=True)))

    def to_arviz(self) -> Any:
        """Return the draws as ArviZ has them, for its summaries and plots.

        Returns
        -------
        xarray.DataTree
            With a group ``posterior`` of one chain. In an ArviZ before 1.0 the draws are
            ``arviz.from_dict(**posterior.chains())``.

        Raises
        ------
        UsageError
            If ArviZ is not installed.
        """
        try:
            arviz: Any = importlib.import_module("arviz_base")
        except ImportError:
            raise UsageError(
                'to_arviz needs ArviZ 1.0: pip install "ltv-forecast[arviz]".'
            ) from None
        return arviz.from_dict(self.chains())

    def chains(self) -> dict[str, dict[str, Floats]]:
        """Return the draws as one chain a parameter: what ``arviz.from_dict`` takes."""
        named = zip(self.names, self.draws.T, strict=True)
        return {"posterior": {name: values[None, :] for name, values in named}}


@dataclass(frozen=True)
class _Target:
    """Log-posterior of log-parameters, in rescaled units."""

    fit: "Fit"

    def density(self, eta: Floats) -> float:
        # beyond the box of the estimate floating point is wrong by any amount; the priors hold
        # some 1e-12 of their mass there, so the posterior is taken inside alone
        if np.abs(eta).max() > BOX:
            return -np.inf
        return self.fit.likelihood.value(eta) + float(self.fit.prior.log_density(eta))

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        data, prior = self.fit.likelihood.derivatives(eta), self.fit.prior.derivatives(eta)
        return data[0] + prior[0], data[1] + prior[1], data[2] + prior[2]


def sample_posterior(fit: "Fit", *, draws: int = 2000, seed: int = 0) -> Posterior:
    """Return draws of a fit's parameters given its data and prior.

    Warns
    -----
    ModelWarning
        If the diagnostic says no and emcee is not installed; the draws are returned as they are.
    """
    if draws < 1:
        raise UsageError(f"draws: {draws} must be at least 1.")
    likelihood, powers = fit.likelihood, np.array(fit.likelihood.timed)
    shift = powers * np.log(likelihood.scale)
    rng = np.random.default_rng(seed)
    estimate = np.log(list(fit.params.values())) - shift
    if fit.limit == "constant spend":
        # the likelihood has no bound, so neither has the posterior a spread worth drawing
        return _posterior(fit, np.tile(estimate, (draws, 1)), shift, 0.0, draws, "constant")
    target = _Target(fit)
    starts = [np.clip(estimate, -4.0, 4.0), np.zeros(estimate.size)]
    mode = max((climb(target.derivatives, start) for start in starts), key=lambda o: o.value)
    spread = _spread(mode.hessian)
    proposals = _proposals(draws, likelihood.n_customers)
    eta, log_weight = _importance(target, _Net(mode.eta[None, :], spread), rng, proposals)
    log_weight, k, size = _smooth(log_weight)
    settled = k <= _ADAPT
    for _ in range(0 if settled else _ROUNDS):
        before = _deviation(eta, log_weight)
        eta, log_weight = _importance(target, _net(eta, log_weight, rng), rng, proposals)
        log_weight, k, size = _smooth(log_weight)
        # a proposal that still grows has not yet found all there is, whatever k says
        settled = k <= _TRUST and bool(np.all(_deviation(eta, log_weight) < _GROWN * before))
        if settled:
            break
    if not settled:
        chain = _chain(target, mode.eta, spread, rng, draws)
        if chain is not None:
            return _posterior(fit, chain[0], shift, k, chain[1], "mcmc")
        warnings.warn(
            f"No proposal follows this posterior (Pareto k = {k:.2f}, trusted to {_TRUST}); "
            "the draws may understate the uncertainty. Install emcee for a chain instead.",
            ModelWarning,
            stacklevel=3,
        )
    return _posterior(fit, eta[_resample(rng, log_weight, draws)], shift, k, size, "importance")


def _posterior(
    fit: "Fit", eta: Floats, shift: Floats, k: float, size: float, method: str
) -> Posterior:
    log_draws = eta + shift
    return Posterior(
        names=fit.likelihood.names,
        draws=np.exp(log_draws),
        log_draws=log_draws,
        pareto_k=k,
        effective_size=size,
        prior=str(fit.prior),
        method=method,
    )


def _proposals(draws: int, n_customers: int) -> int:
    """Proposals to weigh: 2,000 or twice the draws; fewer for under 100 draws or on large data."""
    wanted = max(2 * draws, min(20 * draws, 2000))
    return int(max(_FEWEST, min(wanted, _BUDGET / max(1, n_customers))))


def _spread(hessian: Floats) -> Floats:
    """Square root of the inverse negative Hessian, no axis wider than the prior allows."""
    curve, axes = np.linalg.eigh(-hessian)
    return np.asarray(axes / np.sqrt(np.maximum(curve, 0.05)))


@dataclass(frozen=True)
class _Net:
    """A proposal: an even mixture of multivariate t around some centres."""

    centres: Floats
    spread: Floats

    def sample(self, rng: np.random.Generator, count: int) -> Floats:
        size = self.spread.shape[0]
        scale = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, count))
        standard = rng.standard_normal((count, size)) * scale[:, None]
        chosen = self.centres[rng.integers(len(self.centres), size=count)]
        return np.asarray(chosen + standard @ self.spread.T)

    def log_density(self, eta: Floats) -> Floats:
        """Up to a constant."""
        away = eta[:, None, :] - self.centres
        standard = np.linalg.solve(self.spread, away[..., None])[..., 0]
        power = -0.5 * (_FREEDOM + self.spread.shape[0])
        each = power * np.log1p((standard**2).sum(axis=2) / _FREEDOM)
        return np.asarray(np.logaddexp.reduce(each, axis=1))


def _net(eta: Floats, log_weight: Floats, rng: np.random.Generator) -> _Net:
    """Return a mixture that follows the weighted draws, for posteriors that bend."""
    weight = np.exp(log_weight)
    centre = weight @ eta
    covariance = (eta - centre).T @ (weight[:, None] * (eta - centre))
    centres = eta[_resample(rng, log_weight, _CENTRES)]
    spread = np.linalg.cholesky(_KERNEL * covariance + 1e-9 * np.eye(centre.size))
    return _Net(centres, np.asarray(spread))


def _deviation(eta: Floats, log_weight: Floats) -> Floats:
    """Weighted standard deviation of each parameter."""
    weight = np.exp(log_weight)
    return np.asarray(np.sqrt(weight @ (eta - weight @ eta) ** 2))


def _importance(
    target: _Target, net: _Net, rng: np.random.Generator, count: int
) -> tuple[Floats, Floats]:
    """Draw from the proposal and return log posterior minus log proposal of each draw."""
    eta = net.sample(rng, count)
    density = np.array([target.density(each) for each in eta])
    return eta, density - net.log_density(eta)


def _smooth(log_weight: Floats) -> tuple[Floats, float, float]:
    """Pareto-smoothed log-weights that sum to one, the shape k, and the effective size."""
    diagnostics: Any = importlib.import_module("arviz_stats.base").array_stats
    plain = log_weight - np.logaddexp.reduce(log_weight)
    # a tail without a spread has no shape: one draw outweighs all, or too few lie in the box
    with np.errstate(all="ignore"):
        smoothed, k = diagnostics.psislw(-plain)  # takes log-likelihoods, weighs by their inverse
    normal = np.asarray(smoothed, dtype=float)
    if not np.isfinite(k) or np.isnan(normal).any():
        normal, k = plain, np.inf
    normal = normal - np.logaddexp.reduce(normal)
    return normal, float(k), float(1 / np.exp(2 * normal).sum())


def _resample(rng: np.random.Generator, log_weight: Floats, draws: int) -> Any:
    """Systematic resampling in random order: each draw appears its weight's share of times."""
    upto = np.cumsum(np.exp(log_weight))
    chosen = np.searchsorted(upto / upto[-1], (np.arange(draws) + rng.random()) / draws)
    return rng.permutation(np.minimum(chosen, log_weight.size - 1))


def _chain(
    target: _Target, mode: Floats, spread: Floats, rng: np.random.Generator, draws: int
) -> tuple[Floats, float] | None:
    """Run emcee's ensemble sampler from around the mode; None where it is not installed."""
    try:
        import emcee
    except ImportError:
        return None
    walkers, warm, steps = 32, 500, 1500
    start = mode + rng.standard_normal((walkers, mode.size)) @ spread.T

    def density(eta: Floats) -> float:
        value = target.density(eta)
        return value if np.isfinite(value) else -np.inf

    sampler = emcee.EnsembleSampler(walkers, mode.size, density)
    sampler.random_state = np.random.RandomState(int(rng.integers(2**31))).get_state()
    sampler.run_mcmc(start, warm + steps)
    kept = sampler.get_chain(discard=warm, flat=True)
    slow = float(np.max(sampler.get_autocorr_time(discard=warm, quiet=True, tol=0)))
    return kept[rng.choice(len(kept), draws, replace=draws > len(kept))], len(kept) / slow
