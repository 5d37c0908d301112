"""Maximum likelihood for BG/NBD and MBG/NBD: starting points, rehearsal, limits and prior."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from forecast.processes.arrays import Floats, Numbers
from forecast.processes.bg_likelihood import BGLikelihood
from forecast.processes.bg_limits import BG_LIMITS
from forecast.processes.distinct import Codes
from forecast.processes.fitting import Fit, maximise
from forecast.processes.histories import Histories, read_histories
from forecast.processes.prior import Prior

__all__ = ["BG_PRIOR", "estimate", "some_histories"]

BG_PRIOR = Prior(
    names=("log r", "log(alpha / median T)", "log(a + b)", "log(a / b)"),
    mean=(0.0, 0.0, 1.0, -1.0),
    sd=(2.0, 2.0, 2.0, 2.0),
    beta_pair=2,
)
# starts are tried on this many customers when there are many more distinct histories
_REHEARSAL = 10_000


def estimate(
    build: Callable[..., Any],
    frequency: Numbers,
    recency: Numbers,
    T: Numbers,
    *,
    shift: int,
    weights: Numbers | None = None,
    unit: str | None = None,
) -> Fit:
    """Return the maximum likelihood estimate; see :meth:`DropoutAtPurchase.fit`."""
    histories = read_histories(frequency, recency, T, weights)
    rehearsal = None
    if histories.weight.size > 2 * _REHEARSAL:
        rehearsal = BGLikelihood.of(some_histories(histories), shift=shift)
    return maximise(
        BGLikelihood.of(histories, shift=shift),
        build=build,
        prior=BG_PRIOR,
        starts=[_moments(histories), np.zeros(4)],
        limits=BG_LIMITS,
        rehearsal=rehearsal,
        unit=unit,
    )


def _moments(histories: Histories) -> Floats:
    """Rate from purchases per time, its spread from their overdispersion, a fifth dropping out."""
    x, _, age = histories.columns()
    share = histories.weight / histories.weight.sum()
    mean_x, mean_age = share @ x, share @ age
    excess = share @ (x - mean_x) ** 2 - mean_x
    r = np.clip(mean_x**2 / excess, 0.05, 5.0) if excess > 0 else 5.0
    return np.asarray(np.log([r, r * mean_age / (1.3 * mean_x), 0.8, 3.0]))


def some_histories(histories: Histories) -> Histories:
    """Return a seeded sample of customers, drawn with replacement from the weighted rows."""
    rng = np.random.default_rng(1997)
    upto = np.cumsum(histories.weight)
    found = np.searchsorted(upto, rng.random(_REHEARSAL) * upto[-1], side="right")
    rows, count = np.unique(found, return_counts=True)
    x, tx, age = (
        Codes(each.values, each.codes[rows]) for each in (histories.x, histories.tx, histories.T)
    )
    return replace(histories, x=x, tx=tx, T=age, weight=count.astype(float), n_customers=_REHEARSAL)
