"""The simpler processes that BG/NBD, MBG/NBD and Pareto/NBD tend to.

In log(r, alpha, a, b), or log(r, alpha, s, beta): where a or s vanishes nobody drops out.
"""

from forecast.processes.limits import Limit

__all__ = ["BG_LIMITS", "PARETO_NBD_LIMITS"]

_RATES = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
_MEAN_RATE = (1.0, -1.0, 0.0, 0.0)
_DROPOUT = ((0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
_MEAN_DROPOUT = (0.0, 0.0, 1.0, -1.0)

_NO_DROPOUT = (
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
)

# fewest free directions first: the simplest process that does as well gives the name
BG_LIMITS = (
    *_NO_DROPOUT,
    Limit(
        name="dropout at the first occasion",
        escape=(0.0, 0.0, 1.0, -1.0),
        at=(0.0, 0.0, 8.0, -8.0),
        free=_RATES,
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate and constant dropout",
        escape=(1.0, 1.0, 1.0, 1.0),
        at=(11.0, 11.0, 10.0, 10.0),
        free=(_MEAN_RATE, _MEAN_DROPOUT),
    ),
    Limit(
        name="constant dropout: a, b to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 10.0, 10.0),
        free=(*_RATES, _MEAN_DROPOUT),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="dropout at the first occasion or never: a, b to 0",
        escape=(0.0, 0.0, -1.0, -1.0),
        at=(0.0, 0.0, -10.0, -10.0),
        free=(*_RATES, _MEAN_DROPOUT),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate: r, alpha to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(11.0, 11.0, 0.0, 0.0),
        free=(_MEAN_RATE, *_DROPOUT),
        keeps=("a", "b"),
    ),
)

PARETO_NBD_LIMITS = (
    *_NO_DROPOUT,
    Limit(
        name="one purchase rate and one death rate",
        escape=(1.0, 1.0, 1.0, 1.0),
        at=(11.0, 11.0, 10.0, 10.0),
        free=(_MEAN_RATE, _MEAN_DROPOUT),
    ),
    Limit(
        name="constant death rate: s, beta to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 10.0, 10.0),
        free=(*_RATES, _MEAN_DROPOUT),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="dropout at once or hardly ever: beta to 0",
        escape=(0.0, 0.0, 0.0, -1.0),
        at=(0.0, 0.0, 0.0, -15.0),
        free=(*_RATES, _DROPOUT[0]),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate: r, alpha to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(11.0, 11.0, 0.0, 0.0),
        free=(_MEAN_RATE, *_DROPOUT),
        keeps=("s", "beta"),
    ),
)
