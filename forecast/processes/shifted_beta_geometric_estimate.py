"""Maximum likelihood for the shifted-beta-geometric: starts, limits and prior.

The prior is on log(alpha + beta) ~ N(1, 2) and log(alpha / beta) ~ N(-1, 2), the spread and the
mean of the churn probability, as BG/NBD has for dropout. On the published curves of 1,000 customers
it moves posterior means by less than a tenth of a posterior standard deviation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from forecast.processes.fitting import Fit, maximise
from forecast.processes.limits import Limit
from forecast.processes.prior import Prior
from forecast.processes.shifted_beta_geometric_likelihood import ShiftedBetaGeometricLikelihood

__all__ = ["SBG_LIMITS", "SBG_PRIOR", "estimate"]

SBG_PRIOR = Prior(
    names=("log(alpha + beta)", "log(alpha / beta)"),
    mean=(1.0, -1.0),
    sd=(2.0, 2.0),
    beta_pairs=(0,),
)
_RATIO = ((1.0, -1.0),)
SBG_LIMITS = (
    Limit(
        name="everyone leaves in the first period: beta to 0",
        escape=(1.0, -1.0),
        at=(7.5, -7.5),
        free=((1.0, 1.0),),
    ),
    Limit(
        name="geometric: constant churn, alpha, beta to infinity",
        escape=(1.0, 1.0),
        at=(12.5, 12.5),
        free=_RATIO,
    ),
    Limit(
        name="leave in the first period or never: alpha, beta to 0",
        escape=(-1.0, -1.0),
        at=(-12.5, -12.5),
        free=_RATIO,
    ),
)


def estimate(
    build: Callable[..., Any], likelihood: ShiftedBetaGeometricLikelihood, unit: str | None
) -> Fit:
    """Maximise from the share lost of all at risk and from ones."""
    share = likelihood.lost.sum() / (likelihood.lost + likelihood.kept).sum()
    odds = np.log(np.clip(share, 0.01, 0.99) / np.clip(1 - share, 0.01, 0.99))
    return maximise(
        likelihood,
        build=build,
        prior=SBG_PRIOR,
        starts=[np.array([0.5 + odds / 2, 0.5 - odds / 2]), np.zeros(2)],
        limits=SBG_LIMITS,
        unit=unit,
    )
