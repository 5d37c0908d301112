"""Maximum likelihood for BG/NBD and MBG/NBD: starting points, rehearsal, limits and prior."""

from collections.abc import Callable
from typing import Any

import numpy as np

from forecast.processes.bg_likelihood import BGLikelihood
from forecast.processes.dropout_limits import BG_LIMITS
from forecast.processes.fitting import Fit, maximise
from forecast.processes.histories import Histories
from forecast.processes.prior import Prior
from forecast.processes.starting_points import rate_by_moments, rehearsal_sample

__all__ = ["BG_PRIOR", "estimate"]

BG_PRIOR = Prior(
    names=("log r", "log(alpha / median T)", "log(a + b)", "log(a / b)"),
    mean=(0.0, 0.0, 1.0, -1.0),
    sd=(2.0, 2.0, 2.0, 2.0),
    beta_pairs=(2,),
)


def estimate(
    build: Callable[..., Any], histories: Histories, *, shift: int, unit: str | None = None
) -> Fit:
    """Return the maximum likelihood estimate; see :class:`BGLikelihood` for ``shift``."""
    some = rehearsal_sample(histories)
    return maximise(
        BGLikelihood.of(histories, shift=shift),
        build=build,
        prior=BG_PRIOR,
        starts=[np.array([*rate_by_moments(histories), 0.8, 3.0]), np.zeros(4)],
        limits=BG_LIMITS,
        rehearsal=None if some is None else BGLikelihood.of(some, shift=shift),
        unit=unit,
    )
