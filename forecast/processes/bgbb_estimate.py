"""Maximum likelihood for BG/BB: starting points, the simpler processes it tends to, the prior."""

from collections.abc import Callable
from typing import Any

import numpy as np

from forecast.processes.arrays import Floats, Numbers
from forecast.processes.bgbb_likelihood import BGBBLikelihood
from forecast.processes.fitting import Fit, maximise
from forecast.processes.limits import Limit
from forecast.processes.opportunities import Cells, read_opportunities
from forecast.processes.prior import Prior

__all__ = ["BGBB_LIMITS", "BGBB_PRIOR", "estimate"]

BGBB_PRIOR = Prior(
    names=("log(alpha + beta)", "log(alpha / beta)", "log(gamma + delta)", "log(gamma / delta)"),
    mean=(1.0, 0.0, 1.0, -1.0),
    sd=(2.0, 2.0, 2.0, 2.0),
    beta_pair=(0, 2),
)
_BUYING = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
_DYING = ((0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
_CHANCE = (1.0, -1.0, 0.0, 0.0)
_DEATH = (0.0, 0.0, 1.0, -1.0)

# fewest free directions first: the simplest process that does as well gives the name
BGBB_LIMITS = (
    Limit(
        name="a purchase at every opportunity, and no death",
        escape=(0.0, -1.0, -1.0, 0.0),
        at=(0.0, -15.0, -15.0, 0.0),
        free=((1.0, 0.0, 0.0, 0.0),),
    ),
    Limit(
        name="binomial: one purchase probability and no death",
        escape=(1.0, 1.0, -1.0, 0.0),
        at=(10.0, 10.0, -15.0, 0.0),
        free=(_CHANCE,),
    ),
    Limit(
        name="a purchase at every opportunity until a constant chance of death",
        escape=(0.0, -1.0, 1.0, 1.0),
        at=(0.0, -15.0, 10.0, 10.0),
        free=(_DEATH,),
    ),
    Limit(
        name="beta-binomial: no death",
        escape=(0.0, 0.0, -1.0, 0.0),
        at=(0.0, 0.0, -15.0, 0.0),
        free=_BUYING,
        keeps=("alpha", "beta"),
    ),
    Limit(
        name="a purchase at every opportunity until death: beta to 0",
        escape=(0.0, -1.0, 0.0, 0.0),
        at=(0.0, -15.0, 0.0, 0.0),
        free=_DYING,
        keeps=("gamma", "delta"),
    ),
    Limit(
        name="one purchase probability and a constant chance of death",
        escape=(1.0, 1.0, 1.0, 1.0),
        at=(10.0, 10.0, 10.0, 10.0),
        free=(_CHANCE, _DEATH),
    ),
    Limit(
        name="constant chance of death: gamma, delta to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 10.0, 10.0),
        free=(*_BUYING, _DEATH),
        keeps=("alpha", "beta"),
    ),
    Limit(
        name="one purchase probability: alpha, beta to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(10.0, 10.0, 0.0, 0.0),
        free=(*_DYING, _CHANCE),
        keeps=("gamma", "delta"),
    ),
    Limit(
        name="dead before the first opportunity or never: gamma, delta to 0",
        escape=(0.0, 0.0, -1.0, -1.0),
        at=(0.0, 0.0, -10.0, -10.0),
        free=(*_BUYING, _DEATH),
        keeps=("alpha", "beta"),
    ),
    Limit(
        name="a purchase at every opportunity or at none: alpha, beta to 0",
        escape=(-1.0, -1.0, 0.0, 0.0),
        at=(-10.0, -10.0, 0.0, 0.0),
        free=(*_DYING, _CHANCE),
        keeps=("gamma", "delta"),
    ),
)


def estimate(
    build: Callable[..., Any],
    frequency: Numbers,
    recency: Numbers,
    n_periods: Numbers,
    *,
    weights: Numbers | None = None,
    unit: str | None = None,
) -> Fit:
    """Return the maximum likelihood estimate; see :meth:`BGBB.fit`."""
    cells = read_opportunities(frequency, recency, n_periods, weights)
    return maximise(
        BGBBLikelihood.of(cells),
        build=build,
        prior=BGBB_PRIOR,
        starts=[_moments(cells), np.zeros(4)],
        limits=BGBB_LIMITS,
        unit=unit,
    )


def _moments(cells: Cells) -> Floats:
    """Chance of a purchase before each customer's last one, and one in five dying a period."""
    share = float(cells.weight @ cells.x) / float(cells.weight @ cells.tx)
    chance = np.clip(share, 0.05, 0.95)
    return np.asarray(np.log([2 * chance, 2 * (1 - chance), 0.6, 2.4]))
