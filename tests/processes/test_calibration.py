"""Simulation-based calibration (Talts et al. 2018): true parameters rank evenly among draws.

Parameters come from the very prior the posterior uses. Data sets that are refused are drawn anew;
every such rule looks at the data alone, never at the parameters, which leaves ranks even.

Ages are a design whose median is 1, so the purchase priors, which count time in median ages, are
used as shipped. The spend prior counts money in the median spend, which is data: no calibration
of this kind is exact for it. Here it is pinned to money instead (median 1), so the test is of the
likelihood and the sampler, not of that scaling.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from forecast.errors import DataError, NotIdentifiedError
from forecast.processes import BGNBD, MBGNBD, GammaGamma, ParetoNBD
from forecast.processes.bg_estimate import BG_PRIOR
from forecast.processes.death_rate_prior import PARETO_NBD_PRIOR
from forecast.processes.gamma_gamma import GG_PRIOR

REPLICATIONS, DRAWS, BINS = 500, 99, 10
CASES = [
    (BGNBD, BG_PRIOR),
    (MBGNBD, BG_PRIOR),
    (ParetoNBD, PARETO_NBD_PRIOR),
    (GammaGamma, GG_PRIOR),
]


def _purchases(family, theta, rng):
    age = np.round(rng.uniform(0.2, 1.8, 301), 2)
    age /= np.median(age)
    x, tx = family(*theta).simulate_customers(age, rng=rng)
    # counts that take too long, and first repeat purchases below the smallest number
    if x.max() > 100_000 or np.any((x > 0) & (tx == 0)):
        return None
    return family.fit(x, tx, age)


def _spend(family, theta, rng):
    process, n = family(*theta), rng.integers(1, 8, 300)
    none = np.zeros(300)
    with np.errstate(all="ignore"):
        mean = process.simulate_total(n, process.simulate_scale(none, none, rng), rng) / n
    if not np.all((mean > 1e-100) & (mean < 1e100)):
        return None
    fit = family.fit(n, mean)
    if fit.limit == "constant spend":
        return None
    pinned = (*GG_PRIOR.mean[:2], GG_PRIOR.mean[2] - np.log(fit.scale))
    return replace(fit, prior=replace(fit.prior, mean=pinned))


def rank_chances(family, prior, *, seed=2018):
    """Return the chi-square p-value of each parameter's ranks, and how often data were refused."""
    rng = np.random.default_rng(seed)
    simulate = _spend if family is GammaGamma else _purchases
    ranks, refused = [], 0
    while len(ranks) < REPLICATIONS:
        theta = np.exp(prior.sample(rng, 1)[0])
        try:
            fit = simulate(family, theta, rng)
        except (NotIdentifiedError, DataError):
            fit = None
        if fit is None:
            refused += 1
            continue
        draws = fit.posterior(draws=DRAWS, seed=len(ranks)).draws
        ranks.append((draws < theta).sum(axis=0))
    chances = {}
    for name, column in zip(fit.likelihood.names, np.array(ranks).T, strict=True):
        seen = np.bincount(column * BINS // (DRAWS + 1), minlength=BINS)
        expected = REPLICATIONS / BINS
        chances[name] = float(chi2.sf(((seen - expected) ** 2 / expected).sum(), BINS - 1))
    return chances, refused


@pytest.mark.slow
@pytest.mark.minutes
@pytest.mark.parametrize(("family", "prior"), CASES)
def test_ranks_of_true_parameters_are_even(family, prior):
    chances, _ = rank_chances(family, prior)
    assert min(chances.values()) > 0.001, chances
