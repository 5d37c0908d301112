"""Customer covariates: published fit, zero effect, gradients, recovery, and refusals."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.errors import UsageError
from forecast.processes import BGNBD, MBGNBD, NBD, ParetoNBD, WithCovariates, fit_with_covariates

DATA = os.environ.get("LTV_DATA")
KINDS = [BGNBD, MBGNBD, ParetoNBD]
TRUTH = {
    BGNBD: BGNBD(r=0.8, alpha=6.0, a=0.8, b=2.5),
    MBGNBD: MBGNBD(r=0.8, alpha=6.0, a=0.8, b=2.5),
    ParetoNBD: ParetoNBD(r=0.8, alpha=6.0, s=0.8, beta=15.0),
}


def simulated(kind, customers: int = 6000, seed: int = 1):
    rng = np.random.default_rng(seed)
    online, old = (rng.random(customers) < 0.4).astype(float), rng.integers(0, 3, customers) / 2
    model = WithCovariates(TRUTH[kind], rate={"online": 1.8}, dropout={"old": 0.5})
    T = rng.uniform(20, 60, customers)
    x, tx = model.of({"online": online}, {"old": old}).simulate_customers(T, rng=rng)
    return x, tx, T, {"online": online}, {"old": old}


@pytest.mark.parametrize("kind", KINDS)
def test_known_effects_are_recovered(kind) -> None:
    x, tx, T, rate, dropout = simulated(kind)
    fit = fit_with_covariates(kind, x, tx, T, rate=rate, dropout=dropout)
    assert fit.status == "converged"
    assert list(fit.params)[-2:] == ["rate: online", "dropout: old"]
    error = np.sqrt(np.diag(fit.covariance_log))
    truth = [*vars(TRUTH[kind]).values(), 1.8, 0.5]
    z = (np.log(list(fit.params.values())) - np.log(truth)) / error
    assert (np.abs(z) < 3.5).all()
    assert (error[-2:] < 0.3).all()


@pytest.mark.parametrize("kind", [BGNBD, MBGNBD, pytest.param(ParetoNBD, marks=pytest.mark.slow)])
def test_draws_lie_around_the_estimate(kind) -> None:
    x, tx, T, rate, dropout = simulated(kind)
    fit = fit_with_covariates(kind, x, tx, T, rate=rate, dropout=dropout)
    draws = fit.posterior(500, seed=1)
    assert np.log(draws.draws[:, -2]).mean() == pytest.approx(
        np.log(fit.params["rate: online"]), abs=0.05
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_ratio_of_one_is_the_plain_process(kind) -> None:
    x, tx, T, rate, dropout = simulated(kind, 500)
    fit = fit_with_covariates(kind, x, tx, T, rate=rate, dropout=dropout)
    plain = kind.fit(x, tx, T)
    scale = np.array(fit.likelihood.timed) * np.log(fit.scale)
    eta = np.concatenate([np.log(list(plain.params.values())), [0.0, 0.0]]) - scale
    value = fit.likelihood.value(eta) + fit.likelihood.unit_change()
    assert value == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert fit.log_likelihood >= plain.log_likelihood
    same = WithCovariates(plain.process, rate={"online": 1.0}, dropout={"old": 1.0})
    given = same.of(rate, dropout)
    np.testing.assert_allclose(given.p_alive(x, tx, T), plain.process.p_alive(x, tx, T))
    without = fit_with_covariates(kind, x, tx, T)
    assert without.params == pytest.approx(plain.params, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_likelihood_is_that_of_the_customers_own_processes(kind) -> None:
    x, tx, T, rate, dropout = simulated(kind, 300)
    fit = fit_with_covariates(kind, x, tx, T, rate=rate, dropout=dropout)
    own = fit.process.of(rate, dropout).log_likelihood(x, tx, T)
    assert own.sum() == pytest.approx(fit.log_likelihood, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_against_differences(check_derivatives, kind) -> None:
    x, tx, T, rate, dropout = simulated(kind, 300)
    likelihood = fit_with_covariates(kind, x, tx, T, rate=rate, dropout=dropout).likelihood
    check_derivatives(likelihood, (0.2, -0.5, 0.3, 0.8, 0.4, -0.3))


def test_units_of_time_do_not_matter() -> None:
    x, tx, T, rate, dropout = simulated(BGNBD, 1500)
    weeks = fit_with_covariates(BGNBD, x, tx, T, rate=rate, dropout=dropout)
    days = fit_with_covariates(BGNBD, x, 7 * tx, 7 * T, rate=rate, dropout=dropout)
    assert days.params["alpha"] == pytest.approx(7 * weeks.params["alpha"], rel=1e-5)
    assert days.params["rate: online"] == pytest.approx(weeks.params["rate: online"], rel=1e-5)
    shift = x.sum() * np.log(7)
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - shift, abs=1e-4)


@pytest.mark.skipif(DATA is None, reason="LTV_DATA names no folder of logs")
def test_published_pareto_nbd_with_gender_and_channel() -> None:
    # values.md a8: own Hessian standard errors; CLVTools stops at LL -3457.77275
    log = pd.read_parquet(Path(str(DATA)) / "apparel_clvtools_sim.parquet")
    end = pd.Timestamp("2005-01-02") + pd.Timedelta(weeks=52)
    seen = log[log["date"] <= end].drop_duplicates(["customer_id", "date"])
    people = seen.groupby("customer_id").agg(
        x=("date", "size"), first=("date", "min"), last=("date", "max"),
        gender=("gender", "first"), channel=("channel", "first"),
    )  # fmt: skip
    tx, T = (people["last"] - people["first"]).dt.days / 7, (end - people["first"]).dt.days / 7
    z = {
        "gender": (people["gender"] == "female").to_numpy(float),
        "channel": (people["channel"] == "offline").to_numpy(float),
    }
    fit = fit_with_covariates(ParetoNBD, people["x"] - 1, tx, T, rate=z, dropout=z)
    assert fit.log_likelihood == pytest.approx(-3457.77273, abs=1e-3)
    effects = {name: np.log(value) for name, value in fit.params.items() if ":" in name}
    assert effects["rate: gender"] == pytest.approx(0.46990, abs=5e-4)
    assert abs(effects["rate: channel"]) == pytest.approx(0.73641, abs=5e-4)
    assert effects["dropout: gender"] == pytest.approx(-0.0176, abs=5e-3)
    assert abs(effects["dropout: channel"]) == pytest.approx(2.7408, rel=1e-2)
    errors = np.sqrt(np.diag(fit.covariance_log))[4:]
    np.testing.assert_allclose(errors, [0.1152, 0.1299, 0.679, 2.326], rtol=1e-2)
    ridge = fit_with_covariates(BGNBD, people["x"] - 1, tx, T, rate=z, dropout=z)
    assert np.isfinite(list(ridge.params.values())).all()
    assert ridge.limit is not None


def test_refusals() -> None:
    x, tx, T, rate, dropout = simulated(BGNBD, 100)
    with pytest.raises(UsageError, match="NBD knows no covariates"):
        fit_with_covariates(NBD, x, tx, T, rate=rate)
    with pytest.raises(UsageError, match="'online': all customers"):
        fit_with_covariates(BGNBD, x, tx, T, rate={"online": np.ones(100)})
    with pytest.raises(UsageError, match="one finite number"):
        fit_with_covariates(BGNBD, x, tx, T, rate={"online": np.ones(99)})
    with pytest.raises(UsageError, match="must be numbers"):
        fit_with_covariates(BGNBD, x, tx, T, rate={"online": ["a"] * 100})
    fit = fit_with_covariates(BGNBD, x, tx, T, rate=rate)
    with pytest.raises(UsageError, match="given"):
        fit.process.of({}, dropout)


def test_a_group_that_never_comes_back_is_a_named_limit() -> None:
    x, tx, T, _, _ = simulated(BGNBD, 800)
    gone = (np.arange(800) % 4 == 0).astype(float)
    x, tx = np.where(gone > 0, 0.0, x), np.where(gone > 0, 0.0, tx)
    fit = fit_with_covariates(BGNBD, x, tx, T, rate={"gone": gone})
    assert fit.status == "limit"
    assert "gone" in str(fit.limit)


def test_units_far_from_one_are_refused() -> None:
    x, tx, T, rate, _ = simulated(BGNBD, 200)
    for factor in (1e-4, 1e4):
        with pytest.raises(UsageError, match="standard deviation"):
            fit_with_covariates(BGNBD, x, tx, T, rate={"online": factor * rate["online"]})
