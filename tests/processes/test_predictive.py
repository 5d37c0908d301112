"""On bases simulated from a model, its predictive draws of purchases and value are calibrated."""

import numpy as np
import pytest

from forecast.draws import row_quantiles
from forecast.processes import BGNBD, MBGNBD, GammaGamma, ParetoNBD

CUSTOMERS, DRAWS, HORIZON = 8000, 200, 39.0
TRUTH = [
    BGNBD(r=0.8, alpha=6.0, a=0.8, b=2.5),
    MBGNBD(r=0.8, alpha=6.0, a=0.8, b=2.5),
    ParetoNBD(r=0.6, alpha=10.6, s=0.6, beta=11.7),
]
SPEND = GammaGamma(p=6.0, q=3.7, v=15.0)


def randomised_pit(drawn, seen, rng):
    below, upto = (drawn < seen[:, None]).mean(axis=1), (drawn <= seen[:, None]).mean(axis=1)
    return below + rng.random(len(seen)) * (upto - below)


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: type(truth).__name__)
def test_pit_is_even_and_coverage_is_what_the_model_says(truth) -> None:
    rng = np.random.default_rng(11)
    T = rng.uniform(20, 60, CUSTOMERS)
    x, tx = truth.simulate_customers(T, rng=rng)
    none = np.zeros(CUSTOMERS)
    orders = x + 1
    scale = SPEND.simulate_scale(none, none, rng)
    mean = SPEND.simulate_total(orders, scale, rng) / orders
    # what happens, by the true parameters given each history: the true predictive distribution
    bought = truth.simulate(HORIZON, x, tx, T, rng=rng).purchases().astype(float)
    spent = SPEND.simulate_total(bought, SPEND.simulate_scale(orders, mean, rng), rng)

    fit, spend = type(truth).fit(x, tx, T), GammaGamma.fit(orders, mean)
    process = fit.posterior(DRAWS, seed=1).process(type(truth))
    money = spend.posterior(DRAWS, seed=1).process(GammaGamma)
    columns = x[:, None], tx[:, None], T[:, None]
    purchases = process.simulate(HORIZON, *columns, rng=rng).purchases()
    nu = money.simulate_scale(orders[:, None], mean[:, None], rng)
    value = money.simulate_total(purchases, nu, rng)

    for seen, drawn in ((bought, purchases), (spent, value)):
        pit = randomised_pit(drawn, seen, rng)
        for who in (np.ones(CUSTOMERS, dtype=bool), x > 0):
            assert 0.88 < ((pit[who] > 0.05) & (pit[who] < 0.95)).mean() < 0.92
        counts = np.bincount((pit * 10).astype(int).clip(0, 9), minlength=10)
        assert (np.abs(counts / CUSTOMERS - 0.1) < 0.015).all()
        lo, hi = row_quantiles(drawn, [0.05, 0.95]).T
        covered = ((seen >= lo) & (seen <= hi)).mean()
        own = ((drawn >= lo[:, None]) & (drawn <= hi[:, None])).mean()
        assert abs(covered - own) < 0.02
        assert own > 0.895  # counts have atoms, so the interval holds more than its level
