"""The simpler processes that Pareto/NBD tends to, in log(r, alpha, s, beta)."""

from forecast.processes.limits import Limit

__all__ = ["NBD_LIMITS", "PARETO_NBD_LIMITS"]

_RATES = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
_MEAN_RATE = (1.0, -1.0, 0.0, 0.0)
_DEATH_RATE = (0.0, 0.0, 1.0, -1.0)

# fewest free directions first: the simplest process that does as well gives the name
PARETO_NBD_LIMITS = (
    Limit(
        name="Poisson: one purchase rate and no dropout",
        escape=(1.0, 1.0, -1.0, 0.0),
        at=(11.0, 11.0, -15.0, 0.0),
        free=(_MEAN_RATE,),
    ),
    Limit(
        name="NBD: no dropout",
        escape=(0.0, 0.0, -1.0, 0.0),
        at=(0.0, 0.0, -15.0, 0.0),
        free=_RATES,
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate and one death rate",
        escape=(1.0, 1.0, 1.0, 1.0),
        at=(11.0, 11.0, 10.0, 10.0),
        free=(_MEAN_RATE, _DEATH_RATE),
    ),
    Limit(
        name="constant death rate: s, beta to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 10.0, 10.0),
        free=(*_RATES, _DEATH_RATE),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="dropout at once or hardly ever: beta to 0",
        escape=(0.0, 0.0, 0.0, -1.0),
        at=(0.0, 0.0, 0.0, -15.0),
        free=(*_RATES, (0.0, 0.0, 1.0, 0.0)),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate: r, alpha to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(11.0, 11.0, 0.0, 0.0),
        free=(_MEAN_RATE, (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
        keeps=("s", "beta"),
    ),
)

NBD_LIMITS = (
    Limit(
        name="Poisson: one purchase rate",
        escape=(1.0, 1.0),
        at=(11.0, 11.0),
        free=((1.0, -1.0),),
    ),
)
