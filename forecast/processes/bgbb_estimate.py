"""Maximum likelihood for BG/BB: starting points, the simpler processes it tends to, the prior.

The prior is on log(alpha + beta) ~ N(1, 2) and log(alpha / beta) ~ N(0, 2), the spread and the
mean of the purchase probability, and on log(gamma + delta) ~ N(1, 2) and log(gamma / delta) ~
N(-1, 2), those of the death probability, as BG/NBD has for dropout. All are without a unit. On the
donations it moves posterior means by a hundredth of a posterior standard deviation.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from forecast.processes.arrays import Floats, Numbers
from forecast.processes.bgbb_likelihood import BGBBLikelihood
from forecast.processes.fitting import Fit, maximise
from forecast.processes.limits import Limit
from forecast.processes.newton import climb
from forecast.processes.opportunities import Cells, read_opportunities
from forecast.processes.prior import Prior

__all__ = ["BGBB_LIMITS", "BGBB_PRIOR", "estimate"]

BGBB_PRIOR = Prior(
    names=("log(alpha + beta)", "log(alpha / beta)", "log(gamma + delta)", "log(gamma / delta)"),
    mean=(1.0, 0.0, 1.0, -1.0),
    sd=(2.0, 2.0, 2.0, 2.0),
    beta_pairs=(0, 2),
)
# sums and means of Beta parameters from which the climb may start
_SPREADS = (0.05, 2.0, 40.0)
_DEATHS = (0.02, 0.1, 0.3)
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
        at=(12.0, 12.0, -15.0, 0.0),
        free=(_CHANCE,),
    ),
    Limit(
        name="a purchase at every opportunity until a constant chance of death",
        escape=(0.0, -1.0, 1.0, 1.0),
        at=(0.0, -15.0, 12.0, 12.0),
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
        at=(12.0, 12.0, 12.0, 12.0),
        free=(_CHANCE, _DEATH),
    ),
    Limit(
        name="constant chance of death: gamma, delta to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 12.0, 12.0),
        free=(*_BUYING, _DEATH),
        keeps=("alpha", "beta"),
    ),
    Limit(
        name="one purchase probability: alpha, beta to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(12.0, 12.0, 0.0, 0.0),
        free=(*_DYING, _CHANCE),
        keeps=("gamma", "delta"),
    ),
    Limit(
        name="dead before the first opportunity or never: gamma, delta to 0",
        escape=(0.0, 0.0, -1.0, -1.0),
        at=(0.0, 0.0, -13.0, -13.0),
        free=(*_BUYING, _DEATH),
        keeps=("alpha", "beta"),
    ),
    Limit(
        name="a purchase at every opportunity or at none: alpha, beta to 0",
        escape=(-1.0, -1.0, 0.0, 0.0),
        at=(-13.0, -13.0, 0.0, 0.0),
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
    likelihood = BGBBLikelihood.of(cells)
    return maximise(
        likelihood,
        build=build,
        prior=BGBB_PRIOR,
        starts=_starts(likelihood, cells),
        limits=BGBB_LIMITS,
        unit=unit,
    )


def _starts(likelihood: BGBBLikelihood, cells: Cells) -> list[Floats]:
    """Return where climbs from the best points of a coarse grid end, the highest first.

    A silent customer may be dead or hardly ever buy, so there may be a maximum for each story;
    two climbs that agree prove little unless they start far apart. So there is one from the best
    point of each spread of the purchase probability and of each spread of the death probability.
    """
    share = float(cells.weight @ cells.x) / float(cells.weight @ cells.tx)
    chances = np.clip([share, share / 2], 0.02, 0.98)
    best: dict[tuple[str, float], tuple[float, Floats]] = {}
    for one, p, two, q in product(_SPREADS, chances, _SPREADS, _DEATHS):
        point = np.log([one * p, one * (1 - p), two * q, two * (1 - q)])
        value = likelihood.value(point)
        for story in (("purchase", one), ("death", two)):
            if story not in best or value > best[story][0]:
                best[story] = value, point
    points = {tuple(point) for _, point in best.values()}
    climbs = [climb(likelihood.derivatives, np.array(point)) for point in sorted(points)]
    return [each.eta for each in sorted(climbs, key=lambda each: -each.value)]
