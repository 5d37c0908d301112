"""Fits kept without their data: draws from one pool, and parameters that make sense."""

import numpy as np
import pytest

from forecast.errors import UsageError
from forecast.models.kept_fit import POOLS, KeptFit
from forecast.processes import BGNBD


def fitted() -> KeptFit:
    rng = np.random.default_rng(0)
    x, T = rng.poisson(1.0, 200).astype(float), np.full(200, 30.0)
    return KeptFit.of(BGNBD.fit(x, np.where(x > 0, 15.0, 0.0), T, unit="weeks"))


def test_draws_are_those_of_the_posterior() -> None:
    fit = fitted()
    found, usual = fit.posterior(1000, seed=1), fit.source.posterior(4000, seed=9)
    np.testing.assert_allclose(
        found.log_draws.mean(axis=0), usual.log_draws.mean(axis=0), atol=0.25
    )
    np.testing.assert_allclose(found.log_draws.std(axis=0), usual.log_draws.std(axis=0), rtol=0.15)


def test_seeds_choose_from_one_pool() -> None:
    fit = fitted()
    one, other = (fit.posterior(300, seed=seed).draws for seed in (1, 2))
    assert not np.array_equal(one, other)
    pool = {tuple(row) for row in fit.pools[POOLS[-1]].draws}
    assert {tuple(row) for row in (*one, *other)} <= pool
    twice = fit.posterior(2 * POOLS[-1], seed=1).draws
    np.testing.assert_allclose(
        np.sort(twice[:, 0]), np.repeat(np.sort(fit.pools[POOLS[-1]].draws[:, 0]), 2)
    )
    assert len(fit.posterior(20, seed=1).draws) == 20


def test_what_is_no_parameter_is_refused() -> None:
    fit = fitted()
    for value in (-1.0, 0.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="alpha"):
            KeptFit(**(vars(fit) | {"params": fit.params | {"alpha": value}}))
