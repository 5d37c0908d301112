"""Posterior draws: the prior, the diagnostic, agreement with a long chain."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import ModelWarning, UsageError
from forecast.processes import BGNBD, MBGNBD, GammaGamma, ParetoNBD
from forecast.processes.posterior import _smooth, _Target, sample_posterior
from forecast.processes.prior import Prior

FITS = [(BGNBD, "cdnow"), (MBGNBD, "cdnow"), (GammaGamma, "cdnow_spend")]


@pytest.mark.parametrize(("family", "data"), FITS)
def test_draws_are_trusted_seeded_and_in_the_unit_of_the_data(histories, family, data):
    fit = family.fit(*histories(data))
    posterior = fit.posterior(draws=500, seed=3)
    assert posterior.method == "importance"
    assert posterior.pareto_k < 0.5
    assert posterior.effective_size > 500
    assert posterior.draws.shape == (500, len(fit.params))
    np.testing.assert_allclose(np.log(posterior.draws), posterior.log_draws)
    again = fit.posterior(draws=500, seed=3)
    np.testing.assert_array_equal(posterior.draws, again.draws)
    assert not np.array_equal(posterior.draws, fit.posterior(draws=500, seed=4).draws)
    middle = np.median(posterior.draws, axis=0)
    errors = np.array(list(fit.standard_errors.values()))
    assert np.all(np.abs(middle - list(fit.params.values())) < 0.5 * errors)
    drawn = posterior.process(family)
    assert type(drawn) is family
    assert posterior.chains()["posterior"][fit.likelihood.names[0]].shape == (1, 500)
    assert "N(" in posterior.prior


@pytest.mark.parametrize(("family", "data"), FITS)
def test_the_prior_is_weak(histories, family, data):
    # ten times wider: posterior means move by less than a tenth of a standard deviation
    fit = family.fit(*histories(data))
    wide = replace(fit, prior=replace(fit.prior, sd=tuple(10 * s for s in fit.prior.sd)))
    one, other = fit.posterior(draws=8000, seed=1), wide.posterior(draws=8000, seed=1)
    shift = one.log_draws.mean(axis=0) - other.log_draws.mean(axis=0)
    assert np.all(np.abs(shift) < 0.1 * other.log_draws.std(axis=0))


def test_prior_derivatives_and_draws(check_derivatives):
    prior = Prior(("r", "alpha", "a+b", "a/b"), (0.0, -1.0, 1.0, -1.0), (2.0, 1.0, 2.0, 3.0), (2,))
    check_derivatives(prior, (0.3, -0.2, 0.9, -1.4), value=prior.log_density, atol=1e-8)
    coordinates = prior.coordinates(prior.sample(np.random.default_rng(1), 20_000))
    np.testing.assert_allclose(coordinates.mean(axis=0), prior.mean, atol=0.07)
    np.testing.assert_allclose(coordinates.std(axis=0), prior.sd, rtol=0.03)


def test_prior_density_integrates_to_one():
    prior = Prior(("a+b", "a/b"), (1.0, -1.0), (0.7, 0.7), (0,))
    edge = np.linspace(-8, 8, 801)
    grid = np.stack(np.meshgrid(edge, edge), axis=-1)
    total = np.exp(prior.log_density(grid)).sum() * (edge[1] - edge[0]) ** 2
    assert total == pytest.approx(1.0, abs=1e-6)


def test_a_unit_changes_the_draws_by_its_factor_alone(cdnow):
    x, tx, age = cdnow
    weeks = BGNBD.fit(x, tx, age).posterior(draws=300, seed=2)
    days = BGNBD.fit(x, np.round(7 * tx), np.round(7 * age)).posterior(draws=300, seed=2)
    np.testing.assert_allclose(days.draws, weeks.draws * [1, 7, 1, 1], rtol=1e-3)


def test_arviz_takes_the_draws(cdnow):
    pytest.importorskip("arviz_base")
    posterior = sample_posterior(BGNBD.fit(*cdnow), draws=50)
    found = posterior.to_arviz()["posterior"]
    assert dict(found.sizes) == {"chain": 1, "draw": 50}
    for place, name in enumerate(posterior.names):
        assert np.array_equal(found[name].to_numpy()[0], posterior.draws[:, place])


def test_without_arviz_it_says_what_to_install(cdnow, monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    with pytest.raises(UsageError, match=r'pip install "ltv-forecast\[arviz\]"'):
        sample_posterior(BGNBD.fit(*cdnow), draws=50).to_arviz()


def test_at_least_one_draw_is_asked(cdnow):
    with pytest.raises(UsageError, match="at least 1"):
        BGNBD.fit(*cdnow).posterior(draws=0)


class _Bent:
    """A likelihood no single t can follow: a bent ridge, v near the square of u."""

    names, timed, scale, n_customers = ("u", "v"), (0, 0), 1.0, 100

    def __init__(self, sharp):
        self.sharp = sharp

    def unit_change(self):
        return 0.0

    def value(self, eta):
        return float(-self.sharp * (eta[1] - eta[0] ** 2) ** 2 - 0.5 * eta[0] ** 2)

    def derivatives(self, eta):
        u, gap, c = eta[0], eta[1] - eta[0] ** 2, self.sharp
        gradient = np.array([4 * c * gap * u - u, -2 * c * gap])
        hessian = np.array([[4 * c * gap - 8 * c * u**2 - 1, 4 * c * u], [4 * c * u, -2 * c]])
        return self.value(eta), gradient, hessian


@pytest.fixture
def bent(cdnow):
    prior = Prior(("u", "v"), (0.0, 0.0), (2.0, 20.0))
    fit = BGNBD.fit(*cdnow)
    return replace(fit, params={"u": 1.0, "v": 1.0}, likelihood=_Bent(50.0), prior=prior)


def test_a_posterior_no_proposal_follows_goes_to_a_chain(bent, monkeypatch):
    monkeypatch.setattr("forecast.processes.posterior._ROUNDS", 0)
    pytest.importorskip("emcee")
    posterior = sample_posterior(bent, draws=4000, seed=1)
    assert posterior.method == "mcmc"
    assert posterior.pareto_k > 0.7
    # u is normal with variance 1 / (1 + 1/4), v is its square
    assert posterior.log_draws[:, 0].std() == pytest.approx(0.894, rel=0.15)
    assert posterior.log_draws[:, 1].mean() == pytest.approx(0.8, rel=0.25)


def test_without_emcee_the_draws_come_with_a_warning(bent, monkeypatch):
    monkeypatch.setattr("forecast.processes.posterior._ROUNDS", 0)
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.warns(ModelWarning, match="Pareto k"):
        posterior = sample_posterior(bent, draws=100, seed=1)
    assert posterior.method == "importance"


def test_the_proposal_learns_to_bend(bent):
    posterior = sample_posterior(replace(bent, likelihood=_Bent(8.0)), draws=2000, seed=1)
    assert posterior.pareto_k < 0.7
    assert posterior.method == "importance"
    assert posterior.log_draws[:, 0].std() == pytest.approx(0.894, rel=0.1)


def test_a_far_draw_where_floating_point_fails_has_no_weight():
    # spend almost equal within a customer: the ridge p -> infinity reaches beyond the box, where
    # the likelihood came out as +24,301,429 instead of -837 and one draw took all the weight
    rng = np.random.default_rng(3)
    n = rng.integers(1, 8, 300)
    level = 0.663 / rng.gamma(4.223, size=300)
    fit = GammaGamma.fit(n, level * rng.gamma(56.6 * n))
    target = _Target(fit)
    assert target.density(np.array([46.4, 3.01, -43.7])) == -np.inf
    assert np.isfinite(target.density(np.array([3.0, 1.4, -1.9])))
    for seed in range(20):
        posterior = fit.posterior(draws=99, seed=seed)
        assert np.unique(posterior.draws, axis=0).shape[0] > 50
        assert posterior.effective_size > 100


def test_weights_without_a_spread_are_not_trusted():
    one = np.full(500, -1e6)
    one[7] = 0.0
    weight, k, size = _smooth(one)
    assert k == np.inf
    assert np.argmax(weight) == 7
    assert size == pytest.approx(1.0)
    half = np.where(np.arange(500) % 2, -np.inf, np.random.default_rng(1).normal(size=500))
    assert np.isfinite(_smooth(half)[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "data"),
    [
        *FITS,
        (ParetoNBD, "cdnow"),
        *((family, "grocery") for family in (BGNBD, MBGNBD, ParetoNBD)),
        (BGNBD, "apparel"),
    ],
)
def test_draws_agree_with_a_long_chain(histories, family, data):
    emcee = pytest.importorskip("emcee")
    fit = family.fit(*histories(data))
    posterior = fit.posterior(draws=8000, seed=1)
    scale = np.log(fit.likelihood.scale) * np.array(fit.likelihood.timed)

    def density(eta):
        if np.abs(eta).max() > 50:
            return -np.inf
        return fit.likelihood.value(eta) + float(fit.prior.log_density(eta))

    rng = np.random.default_rng(1)
    start = posterior.log_draws[rng.integers(8000, size=32)] - scale
    sampler = emcee.EnsembleSampler(32, start.shape[1], density)
    sampler.random_state = np.random.RandomState(5).get_state()
    sampler.run_mcmc(start + 1e-3 * rng.standard_normal(start.shape), 6000)
    chain = sampler.get_chain(discard=1000, flat=True) + scale
    spread = chain.std(axis=0)
    tolerance = 0.07 if data == "apparel" else 0.05  # apparel's ridge mixes slowly
    assert np.all(
        np.abs(posterior.log_draws.mean(axis=0) - chain.mean(axis=0)) < tolerance * spread
    )
    np.testing.assert_allclose(posterior.log_draws.std(axis=0), spread, rtol=tolerance)
